/*
 * Compression of TCP/IP headers in a call's packet path: RFC 1144, RFC 1332 section 4. See tunnel.h.
 *
 * Invariants: what goes out is compressed when it goes, behind all that may still refuse it, so that
 * what the compressor has seen is sent; a loss, and whatever was dropped, is told the decompressor
 * before the packet behind it.
 */
#include "lib/ppp/frame.h"
#include "lib/tunnel_internal.h"

#include <errno.h>
#include <string.h>

void tunnel_set_vj(struct tunnel *t, bool sending, struct vj *vj)
{
	struct vj **which = sending ? &t->vj_tx : &t->vj_rx;

	vj_free(*which);
	*which = vj;
	tunnel_order_changed(t);
}

uint16_t tunnel_vj_compress(struct tunnel *t, struct packet *p, uint16_t protocol)
{
	size_t skip = 0;

	if (!t->vj_tx || protocol != PPP_IP)
		return protocol;
	protocol = vj_compress(t->vj_tx, p->data, p->len, &skip);
	p->data += skip;
	p->len -= (uint32_t)skip;
	if (protocol == PPP_VJ)
		TUNNEL_COUNT(t, tx_vj);
	return protocol;
}

/* The first `used` octets become `header`; there is a slot's room for all, though not in front. */
static bool replace(struct packet *p, size_t used, const uint8_t *header, size_t len)
{
	uint8_t *rest = p->data + used;
	size_t left = p->len - used;

	if (len + left > PACKET_ROOM)
		return false;
	if ((size_t)(rest - p->buf) < len) {
		memmove(p->buf + PACKET_HEADROOM + len, rest, left);
		rest = p->buf + PACKET_HEADROOM + len;
	}
	p->data = rest - len;
	p->len = (uint32_t)(len + left);
	memcpy(p->data, header, len);
	return true;
}

static int expand(struct tunnel *t, struct packet *p)
{
	const uint8_t *header;
	size_t used;
	int n;

	if (p->protocol == PPP_VJ_PLAIN)
		return vj_learn(t->vj_rx, p->data, p->len);
	n = vj_expand(t->vj_rx, p->data, p->len, &header, &used);
	if (n < 0)
		return n;
	if (!replace(p, used, header, (size_t)n)) {
		vj_lost(t->vj_rx);
		return -ENOBUFS;
	}
	TUNNEL_COUNT(t, rx_vj);
	return 0;
}

bool tunnel_vj_expand(struct tunnel *t, struct packet *p)
{
	int err;

	if (p->protocol != PPP_VJ && p->protocol != PPP_VJ_PLAIN)
		return true;
	err = expand(t, p);
	if (err) {
		tunnel_drop(t, p, err == -EAGAIN ? TUNNEL_DROP_VJ_WAIT : TUNNEL_DROP_VJ_BAD);
		return false;
	}
	p->protocol = PPP_IP;
	return true;
}
