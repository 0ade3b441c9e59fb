/* Compressed TCP/IP headers: see headers.h. */
#include "tools/decode/headers.h"

#include "lib/ppp/frame.h"
#include "lib/ppp/ipcp.h"
#include "tools/decode/decoder.h"

#include <errno.h>

void decode_headers_done(struct decode_side *s)
{
	vj_free(s->vj);
	s->vj = NULL;
}

void decode_headers_lost(struct decode_side *s)
{
	if (s->vj)
		vj_lost(s->vj);
}

void decode_headers_agreed(struct decode_side *s, struct wire_reader options)
{
	static const struct vj_params params = { .slots = VJ_SLOTS_MAX,
		.limit = DECODE_RESTORED_MAX };
	struct ppp_option option;

	decode_headers_done(s);
	while (!s->vj && ppp_option_next(&options, &option)) {
		struct wire_reader r = wire_reader(option.data, option.len);

		if (option.type == IPCP_COMPRESSION && wire_u16(&r) == PPP_VJ)
			s->vj = vj_new(&params);
	}
}

/* The packet as it was; its length, or an error. */
static int restore(struct decode_side *s, uint16_t protocol, const uint8_t *data, size_t len,
	uint8_t out[DECODE_RESTORED_MAX])
{
	const uint8_t *header;
	size_t used = 0;
	int n;

	if (len > DECODE_RESTORED_MAX) {
		vj_lost(s->vj);
		return -ENOBUFS;
	}
	if (protocol == PPP_VJ_PLAIN) {
		memcpy(out, data, len);
		n = vj_learn(s->vj, out, len);
		return n < 0 ? n : (int)len;
	}
	n = vj_expand(s->vj, data, len, &header, &used);
	if (n < 0)
		return n;
	memcpy(out, header, (size_t)n);
	memcpy(out + n, data + used, len - used);
	return n + (int)(len - used);
}

void decode_headers_inner(struct decoder *d, struct decode_side *s, const struct decode_frame *f,
	struct decode_ppp *ppp, uint16_t protocol, const uint8_t *data, size_t len, size_t captured)
{
	bool plain = protocol == PPP_VJ_PLAIN;
	struct decode_event *e = &d->event;
	uint8_t *out = d->restored;
	int n;

	if (!s->vj || captured < len || (protocol != PPP_VJ && !plain)) {
		if (captured < len)
			decode_headers_lost(s);
		decode_inner(d, f, ppp, protocol, data, len, captured);
		return;
	}
	decode_event_string(e, "header", plain ? "uncompressed" : "compressed");
	decode_event_text(e, "VJ %s, ", plain ? "uncompressed" : "compressed");
	n = restore(s, protocol, data, len, out);
	if (n >= 0) {
		decode_inner(d, f, ppp, PPP_IP, out, (size_t)n, (size_t)n);
	} else if (n == -EAGAIN) {
		decode_event_string(e, "header_state", "out-of-step");
		decode_event_text(e, "out of step after a loss, %zu bytes", len);
	} else {
		decode_event_string(e, "header_state", "nonsense");
		decode_event_text(e, "cannot be decompressed, %zu bytes", len);
	}
}
