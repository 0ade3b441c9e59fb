/* lib/ppp/frame, option and the packets of cp: parsing of any bytes. */
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"

#include "fuzz/fuzz.h"

static void check_options(const uint8_t *list, size_t len)
{
	struct wire_reader r = wire_reader(list, len);
	uint8_t *again = malloc(len ? len : 1);
	struct wire_writer w = wire_writer(again, len);
	struct ppp_option option;

	while (ppp_option_next(&r, &option)) {
		FUZZ_CHECK(ppp_option_has(list, len, option.type));
		FUZZ_CHECK(option.len == 2 || !ppp_option_u16(&option));
		FUZZ_CHECK(option.len == 4 || !ppp_option_u32(&option));
		ppp_option_put(&w, option.type, option.data, option.len);
	}
	FUZZ_CHECK(!w.failed && !ppp_option_next(&r, &option));
	/* What was read before the end or the fault is the list's beginning. */
	FUZZ_CHECK(!memcmp(again, list, wire_written(&w)));
	FUZZ_CHECK(r.failed || wire_written(&w) == len);
	free(again);
}

static void check_packet(const uint8_t *data, size_t len)
{
	struct cp_packet packet;
	char text[40];

	if (cp_packet_decode(&packet, data, len))
		return;
	FUZZ_CHECK(packet.len + CP_HEADER <= len);
	FUZZ_CHECK(packet.len == 0 || packet.data == data + CP_HEADER);
	check_options(packet.data, packet.len);
	cp_escape(text, sizeof(text), packet.data, packet.len);
	for (const char *p = text; *p; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame = fuzz_copy(data, size);
	struct wire_reader r = wire_reader(frame, size);
	uint16_t protocol = 0;
	char name[24];

	if (ppp_header_read(&r, &protocol)) {
		size_t len = wire_left(&r);

		FUZZ_CHECK(protocol & 1 && !(protocol & 0x100));
		FUZZ_CHECK(ppp_protocol_name(protocol, name, sizeof(name))[0]);
		check_packet(r.pos, len);
	}
	check_options(frame, size);
	free(frame);
	return 0;
}
