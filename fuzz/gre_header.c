/* lib/gre/header: any packet decodes to a fault, or to a header that encodes to the same. */
#include "lib/gre/header.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[GRE_HEADER_MAX], *copy = fuzz_copy(data, size);
	struct gre_header h, again;
	size_t at = 0, second;
	enum gre_fault fault = gre_header_decode(&h, copy, size, &at);

	FUZZ_CHECK(fault < GRE_FAULT_COUNT && gre_fault_text(fault)[0]);
	if (fault == GRE_OK) {
		FUZZ_CHECK(at == gre_header_size(&h) && at <= sizeof(out));
		FUZZ_CHECK(at + h.payload_len <= size);
		FUZZ_CHECK(h.has_seq == (h.payload_len > 0));
		gre_header_encode(&h, out);
		FUZZ_CHECK(!memcmp(out, copy, at));
		FUZZ_CHECK(gre_header_decode(&again, copy, size, &second) == GRE_OK);
		FUZZ_CHECK(second == at && again.seq == h.seq && again.ack == h.ack);
		FUZZ_CHECK(again.call_id == h.call_id && again.payload_len == h.payload_len);
	}
	free(copy);
	return 0;
}
