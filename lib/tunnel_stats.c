/* What a call's packet path has counted. See tunnel.h. */
#include "lib/tunnel_internal.h"

#include <stdlib.h>
#include <string.h>

struct tunnel_rare *tunnel_rare(struct tunnel *t)
{
	if (!t->rare)
		t->rare = calloc(1, sizeof(*t->rare));
	return t->rare;
}

void tunnel_get_stats(const struct tunnel *t, struct tunnel_stats *out)
{
	const struct gre_receiver *r = &t->receiver;
	const struct gre_sender *s = &t->sender;
	static const struct tunnel_rare none;
	const struct tunnel_rare *rare = t->rare ? t->rare : &none;

	*out = (struct tunnel_stats){
		.tx_packets = t->stats.tx_packets,
		.tx_bytes = t->stats.tx_bytes,
		.rx_packets = t->stats.rx_packets,
		.rx_bytes = t->stats.rx_bytes,
		.tx_control = t->stats.tx_control,
		.rx_control = t->stats.rx_control,
		.tx_acks = t->stats.tx_acks,
		.rx_acks = t->stats.rx_acks,
		.last_rx = t->stats.last_rx,
		.rx_late = rare->rx_late,
		.tx_compressed = rare->tx_compressed,
		.rx_compressed = rare->rx_compressed,
		.tx_vj = rare->tx_vj,
		.rx_vj = rare->rx_vj,
		.window_full = rare->window_full,
	};
	memcpy(out->drops, rare->drops, sizeof(out->drops));
	out->lost = r->lost;
	out->reordered = r->reordered;
	out->reorder_overflow = r->overflow;
	out->drops[TUNNEL_DROP_DUPLICATE] = r->duplicates;
	out->drops[TUNNEL_DROP_LATE] += r->late;
	out->drops[TUNNEL_DROP_JUMP] = r->jumps;
	out->ack_timeouts = s->timeouts;
	out->bad_acks = s->bad_acks;
	out->old_acks = s->old_acks;
	out->queued = t->queued;
	out->history = (t->pack ? codec_size(t->pack) : 0) +
		       (t->unpack ? codec_size(t->unpack) : 0) + (t->vj_tx ? vj_size() : 0) +
		       (t->vj_rx ? vj_size() : 0);
	if (s->flow == GRE_FLOW_OFF)
		return;
	out->window = s->window;
	out->window_max = s->window_max;
	out->in_flight = gre_sender_in_flight(s);
	out->ack_timeout = s->ato;
	out->rtt = gre_sender_rtt(s);
}

const char *tunnel_drop_name(enum tunnel_drop drop)
{
	static const char *const names[TUNNEL_DROP_COUNT] = {
		[TUNNEL_DROP_DUPLICATE] = "duplicate",
		[TUNNEL_DROP_LATE] = "late",
		[TUNNEL_DROP_JUMP] = "jump",
		[TUNNEL_DROP_PPP] = "ppp",
		[TUNNEL_DROP_CLEAR] = "clear",
		[TUNNEL_DROP_NOT_OPEN] = "not-open",
		[TUNNEL_DROP_MPPE_WAIT] = "mppe-wait",
		[TUNNEL_DROP_MPPE_BAD] = "mppe-bad",
		[TUNNEL_DROP_MPPE_OLD] = "mppe-old",
		[TUNNEL_DROP_SEND_CLEAR] = "send-clear",
		[TUNNEL_DROP_COMPRESS_WAIT] = "compress-wait",
		[TUNNEL_DROP_COMPRESS_BAD] = "compress-bad",
		[TUNNEL_DROP_VJ_WAIT] = "vj-wait",
		[TUNNEL_DROP_VJ_BAD] = "vj-bad",
		[TUNNEL_DROP_WINDOW] = "window",
	};

	return (unsigned int)drop < TUNNEL_DROP_COUNT ? names[drop] : "unknown";
}
