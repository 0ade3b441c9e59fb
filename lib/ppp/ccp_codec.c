/* Options of compression methods: see ccp_codec.h. */
#include "lib/ppp/ccp_codec.h"

#include "lib/compress/bsd.h"
#include "lib/compress/deflate.h"

#define BSD_VERSION    1 /* in the high three bits */
#define DEFLATE_METHOD 8 /* in the low four; the window's logarithm less 8 above */

enum codec_kind ccp_codec_kind(uint8_t type)
{
	switch (type) {
	case CCP_MPPE:
		return CODEC_MPPC;
	case CCP_BSD:
		return CODEC_BSD;
	case CCP_DEFLATE_DRAFT:
	case CCP_DEFLATE:
		return CODEC_DEFLATE;
	default:
		return CODEC_NONE;
	}
}

struct codec_params ccp_codec_best(enum codec_kind kind)
{
	struct codec_params params = { .kind = kind };

	if (kind == CODEC_DEFLATE)
		params.bits = DEFLATE_BITS_MAX;
	else if (kind == CODEC_BSD)
		params.bits = BSD_BITS_MAX;
	return params;
}

/* The value of an option; its length. */
static uint8_t value_of(const struct codec_params *params, uint8_t value[4])
{
	switch (params->kind) {
	case CODEC_MPPC:
		value[0] = value[1] = value[2] = 0;
		value[3] = CCP_MPPC;
		return 4;
	case CODEC_DEFLATE:
		value[0] = (uint8_t)((params->bits - 8u) << 4 | DEFLATE_METHOD);
		value[1] = 0; /* check by sequence number */
		return 2;
	case CODEC_BSD:
		value[0] = (uint8_t)(BSD_VERSION << 5 | params->bits);
		return 1;
	case CODEC_NONE:
		break;
	}
	return 0;
}

void ccp_codec_put(struct wire_writer *w, const struct codec_params *params)
{
	static const uint8_t types[] = {
		[CODEC_MPPC] = CCP_MPPE, [CODEC_DEFLATE] = CCP_DEFLATE, [CODEC_BSD] = CCP_BSD
	};
	uint8_t value[4], len = value_of(params, value);

	if (len)
		ppp_option_put(w, types[params->kind], value, len);
}

bool ccp_codec_get(const struct ppp_option *option, struct codec_params *params)
{
	struct wire_reader r = wire_reader(option->data, option->len);
	uint8_t first = wire_u8(&r);

	*params = (struct codec_params){ .kind = ccp_codec_kind(option->type) };
	switch (params->kind) {
	case CODEC_MPPC:
		return ppp_option_u32(option) == CCP_MPPC;
	case CODEC_DEFLATE:
		params->bits = (uint8_t)((first >> 4) + 8);
		return option->len == 2 && (first & 15) == DEFLATE_METHOD && !wire_u8(&r) &&
		       params->bits >= DEFLATE_BITS_MIN && params->bits <= DEFLATE_BITS_MAX;
	case CODEC_BSD:
		params->bits = first & 31;
		return option->len == 1 && first >> 5 == BSD_VERSION &&
		       params->bits >= BSD_BITS_MIN && params->bits <= BSD_BITS_MAX;
	case CODEC_NONE:
		break;
	}
	return false;
}

void ccp_codec_nak(struct ppp_review *review, const struct ppp_option *option)
{
	struct codec_params best = ccp_codec_best(ccp_codec_kind(option->type));
	uint8_t value[4], len = value_of(&best, value);

	ppp_review_nak(review, option, value, len);
}
