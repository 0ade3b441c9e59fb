/*
 * lib/ppp/eap_peap_tlv: hostile lengths, golden bytes, and the keys of PEAPv0. What they must be was
 * computed by ten lines of Python (hmac, hashlib) after [MS-PEAP]; that [MS-PEAP] is understood as
 * others do is shown by tests/eap.
 */
#include "lib/ppp/eap_peap_tlv.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* From a heap block of just this size, so that ASan sees a read beyond it. */
static int decode(struct peap_tlvs *t, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	struct wire_reader r;
	int rc;

	assert_non_null(copy);
	memcpy(copy + 1, bytes, len);
	r = wire_reader(copy + 1, len);
	rc = peap_decode_tlvs(t, &r);
	free(copy);
	return rc;
}

static int decode_hex(struct peap_tlvs *t, const char *hex)
{
	uint8_t bytes[200] = { 0 };

	return decode(t, bytes, unhex(bytes, sizeof(bytes), hex));
}

static void results_are_read_and_written(void **state)
{
	uint8_t out[6], expected[6];
	struct wire_writer w = wire_writer(out, sizeof(out));
	struct peap_tlvs t;

	(void)state;
	assert_int_equal(decode_hex(&t, "8003 0002 0001"), 0);
	assert_int_equal(t.result, PEAP_SUCCESS);
	assert_false(t.mandatory || t.has_binding);
	assert_int_equal(decode_hex(&t, "0003 0002 0002"), 0);
	assert_int_equal(t.result, PEAP_FAILURE);
	peap_put_result(&w, PEAP_FAILURE);
	unhex(expected, sizeof(expected), "8003 0002 0002");
	assert_false(w.failed);
	assert_memory_equal(out, expected, sizeof(out));
}

static void nothing_is_no_result(void **state)
{
	struct peap_tlvs t;

	(void)state;
	assert_int_equal(decode_hex(&t, ""), 0);
	assert_int_equal(t.result, PEAP_NO_RESULT);
}

static void wrong_results_are_malformed(void **state)
{
	struct peap_tlvs t;

	(void)state;
	assert_true(decode_hex(&t, "8003 0002 0000") < 0);
	assert_true(decode_hex(&t, "8003 0002 0003") < 0);
	assert_true(decode_hex(&t, "8003 0001 01") < 0);
	assert_true(decode_hex(&t, "8003 0003 000100") < 0);
	assert_true(decode_hex(&t, "8003 0000") < 0);
	/* Failure behind success, or the other way round. */
	assert_true(decode_hex(&t, "8003 0002 0001 8003 0002 0002") < 0);
	assert_true(decode_hex(&t, "8003 0002 0001 8003 0002 0001") < 0);
}

static void unknown_tlvs_matter_if_mandatory(void **state)
{
	struct peap_tlvs t;

	(void)state;
	assert_int_equal(decode_hex(&t, "0007 0006 00000137 ffff 8003 0002 0001"), 0);
	assert_int_equal(t.result, PEAP_SUCCESS);
	assert_false(t.mandatory);
	assert_int_equal(decode_hex(&t, "8003 0002 0001 8007 0000"), 0);
	assert_true(t.mandatory);
}

static void each_length_cut_short_is_refused(void **state)
{
	uint8_t bytes[80];
	struct peap_tlvs t;
	size_t len = unhex(bytes, sizeof(bytes), "8003 0002 0001 0007 0003 010203 0000 0001 aa");

	(void)state;
	assert_int_equal(decode(&t, bytes, len), 0);
	for (size_t cut = 1; cut < len; cut++) {
		if (cut != 6 && cut != 13) /* between two */
			assert_true(decode(&t, bytes, cut) < 0);
	}
}

static void a_length_beyond_the_end_is_refused(void **state)
{
	struct peap_tlvs t;

	(void)state;
	assert_true(decode_hex(&t, "8003 ffff 0001") < 0);
	assert_true(decode_hex(&t, "000c 0039 00000000") < 0);
	assert_true(decode_hex(&t, "000c 0038 00000000") < 0);
	assert_true(decode_hex(&t, "000c 0004 00000000") < 0);
}

/* ---- keys ---- */

static struct mppe_material inner_keys(void)
{
	struct mppe_material m = { .source = MPPE_FROM_MSCHAP2 };

	for (unsigned int i = 0; i < 16; i++)
		m.key[i] = (uint8_t)(0xa0 + i);
	return m;
}

static void tunnel_key(uint8_t msk[64])
{
	for (unsigned int i = 0; i < 64; i++)
		msk[i] = (uint8_t)i;
}

static struct peap_keys derived(void)
{
	struct mppe_material inner = inner_keys();
	struct peap_keys k;
	uint8_t msk[64];

	tunnel_key(msk);
	peap_keys_derive(&k, msk, &inner);
	return k;
}

static void compound_keys_are_those_of_ms_peap(void **state)
{
	struct mppe_material none = { 0 };
	struct peap_keys k = derived();
	uint8_t expected[64], msk[64];

	(void)state;
	unhex(expected, sizeof(expected),
		"6a64ea2c16f91ebb6e309eb1f2524f24d0eaba344ed59b81e85a6ab46912aa3c2ccb174d"
		"794db556");
	assert_memory_equal(k.ipmk, expected, sizeof(k.ipmk));
	unhex(expected, sizeof(expected), "ee3125c5ad0b0a28e22fb5ef43f2772a46f37277");
	assert_memory_equal(k.cmk, expected, sizeof(k.cmk));
	peap_keys_session(&k, msk);
	unhex(expected, sizeof(expected),
		"48832bbe1de0995a6be5b7bbd01f7705349211fccc02170b70e19f4f8f8d4f71"
		"1039bfe8be74a08f7585fee421f016b5e6897ef9cd587f57ea2fb7dfb8c0a38e");
	assert_memory_equal(msk, expected, sizeof(msk));
	/* A method without keys counts as zeros. */
	tunnel_key(msk);
	peap_keys_derive(&k, msk, &none);
	unhex(expected, sizeof(expected), "81e27e1da4b054c5e835cdea50d538556e8aebd1");
	assert_memory_equal(k.cmk, expected, sizeof(k.cmk));
}

static size_t binding(uint8_t out[PEAP_BINDING_LEN], enum peap_subtype subtype)
{
	struct wire_writer w = wire_writer(out, PEAP_BINDING_LEN);
	struct peap_keys k = derived();
	uint8_t nonce[PEAP_NONCE_LEN];

	for (unsigned int i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0x40 + i);
	peap_put_binding(&w, &k, subtype, nonce);
	assert_false(w.failed);
	return wire_written(&w);
}

static void bindings_are_those_of_ms_peap(void **state)
{
	uint8_t tlv[PEAP_BINDING_LEN], expected[PEAP_BINDING_LEN];

	(void)state;
	assert_int_equal(binding(tlv, PEAP_BIND_REQUEST), PEAP_BINDING_LEN);
	unhex(expected, sizeof(expected),
		"000c0038 00000000 404142434445464748494a4b4c4d4e4f"
		"505152535455565758595a5b5c5d5e5f ba29543315aaf4f6c757820b79eee0fe89492782");
	assert_memory_equal(tlv, expected, sizeof(tlv));
	binding(tlv, PEAP_BIND_RESPONSE);
	unhex(expected, sizeof(expected),
		"000c0038 00000001 404142434445464748494a4b4c4d4e4f"
		"505152535455565758595a5b5c5d5e5f 9c683b1cd646c60ba61d7c267bdf9d43e3e6a7f9");
	assert_memory_equal(tlv, expected, sizeof(tlv));
}

static void a_binding_fits_only_as_it_was_made(void **state)
{
	uint8_t tlv[PEAP_BINDING_LEN];
	struct peap_keys k = derived(), other = k;
	struct peap_tlvs t;

	(void)state;
	binding(tlv, PEAP_BIND_REQUEST);
	assert_int_equal(decode(&t, tlv, sizeof(tlv)), 0);
	assert_true(peap_binding_fits(&k, PEAP_BIND_REQUEST, &t));
	/* A reflection is none. */
	assert_false(peap_binding_fits(&k, PEAP_BIND_RESPONSE, &t));
	other.cmk[0] ^= 1;
	assert_false(peap_binding_fits(&other, PEAP_BIND_REQUEST, &t));
	for (size_t i = 4; i < sizeof(tlv); i++) {
		tlv[i] ^= 1;
		assert_int_equal(decode(&t, tlv, sizeof(tlv)), 0);
		assert_false(peap_binding_fits(&k, PEAP_BIND_REQUEST, &t));
		tlv[i] ^= 1;
	}
	/* The M bit is under the MAC, too. */
	tlv[0] |= 0x80;
	assert_int_equal(decode(&t, tlv, sizeof(tlv)), 0);
	assert_false(peap_binding_fits(&k, PEAP_BIND_REQUEST, &t));
	memset(&t, 0, sizeof(t));
	assert_false(peap_binding_fits(&k, PEAP_BIND_REQUEST, &t));
}

static void a_second_binding_is_malformed(void **state)
{
	uint8_t two[2 * PEAP_BINDING_LEN];
	struct peap_tlvs t;

	(void)state;
	binding(two, PEAP_BIND_REQUEST);
	binding(two + PEAP_BINDING_LEN, PEAP_BIND_REQUEST);
	assert_true(decode(&t, two, sizeof(two)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_read_and_written),
		cmocka_unit_test(nothing_is_no_result),
		cmocka_unit_test(wrong_results_are_malformed),
		cmocka_unit_test(unknown_tlvs_matter_if_mandatory),
		cmocka_unit_test(each_length_cut_short_is_refused),
		cmocka_unit_test(a_length_beyond_the_end_is_refused),
		cmocka_unit_test(compound_keys_are_those_of_ms_peap),
		cmocka_unit_test(bindings_are_those_of_ms_peap),
		cmocka_unit_test(a_binding_fits_only_as_it_was_made),
		cmocka_unit_test(a_second_binding_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
