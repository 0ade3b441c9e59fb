/* Configuration Option lists: see option.h. RFC 1661 sections 5.1-5.4 and 6. */
#include "lib/ppp/option.h"

bool ppp_option_next(struct wire_reader *r, struct ppp_option *option)
{
	uint8_t len;

	if (r->failed || wire_left(r) == 0)
		return false;
	option->type = wire_u8(r);
	len = wire_u8(r);
	if (len < 2)
		r->failed = true;
	option->len = (uint8_t)(len - 2);
	option->data = r->failed ? NULL : wire_bytes(r, option->len);
	return !r->failed;
}

uint16_t ppp_option_u16(const struct ppp_option *option)
{
	struct wire_reader r = wire_reader(option->data, option->len);

	return option->len == 2 ? wire_u16(&r) : 0;
}

uint32_t ppp_option_u32(const struct ppp_option *option)
{
	struct wire_reader r = wire_reader(option->data, option->len);

	return option->len == 4 ? wire_u32(&r) : 0;
}

void ppp_option_put(struct wire_writer *w, uint8_t type, const void *data, uint8_t len)
{
	if (len > 253) {
		w->failed = true;
		return;
	}
	wire_put_u8(w, type);
	wire_put_u8(w, (uint8_t)(len + 2));
	wire_put_bytes(w, data, len);
}

void ppp_option_put_u16(struct wire_writer *w, uint8_t type, uint16_t value)
{
	wire_put_u8(w, type);
	wire_put_u8(w, 4);
	wire_put_u16(w, value);
}

void ppp_option_put_u32(struct wire_writer *w, uint8_t type, uint32_t value)
{
	wire_put_u8(w, type);
	wire_put_u8(w, 6);
	wire_put_u32(w, value);
}

bool ppp_option_has(const uint8_t *list, size_t len, uint8_t type)
{
	struct wire_reader r = wire_reader(list, len);
	struct ppp_option option;

	while (ppp_option_next(&r, &option)) {
		if (option.type == type)
			return true;
	}
	return false;
}

void ppp_review_reject(struct ppp_review *review, const struct ppp_option *option)
{
	ppp_option_put(&review->reject, option->type, option->data, option->len);
}

void ppp_review_nak(
	struct ppp_review *review, const struct ppp_option *option, const void *data, uint8_t len)
{
	if (review->final)
		ppp_review_reject(review, option);
	else
		ppp_option_put(&review->nak, option->type, data, len);
}

void ppp_review_nak_u32(struct ppp_review *review, const struct ppp_option *option, uint32_t value)
{
	if (review->final)
		ppp_review_reject(review, option);
	else
		ppp_option_put_u32(&review->nak, option->type, value);
}
