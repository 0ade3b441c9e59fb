/*
 * One call's packet path: RFC 2637 section 4 (GRE), RFC 1661 sections 2, 6.5 and 6.6 (PPP header),
 * RFC 3078 (MPPE), RFC 1962 (compressed datagrams). See tunnel.h.
 *
 * Invariants: no data goes out or comes in in clear where encryption is required, or on; control
 * frames are never encrypted, and one that comes encrypted is refused; each packet that is taken
 * over comes out again exactly once, and each that is dropped is counted exactly once.
 */
#include "lib/ppp/frame.h"
#include "lib/tunnel_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RAW_CONTROL 0x8000 /* RFC 1661 2: from here on network control, then link control */
#define RAW_ECP     0x8053 /* RFC 1968 */
/* GRE, address/control, protocol, MPPE, inner protocol. */
#define HEADROOM (GRE_HEADER_MAX + 2 + 2 + MPPE_HEADER + INNER_PROTOCOL)

void tunnel_init(struct tunnel *t, const struct tunnel_config *config)
{
	memset(t, 0, sizeof(*t));
	t->call_id = config->call_id;
	t->peer_call_id = config->peer_call_id;
	t->require_mppe = config->require_mppe;
	t->raw = config->raw;
	packet_list_init(&t->queue);
	packet_list_init(&t->early);
	gre_sender_init(&t->sender, &(struct gre_sender_config){
					    .flow = config->flow,
					    .window = config->peer_window,
					    .delay = config->peer_delay,
					    .ato_max = config->ack_timeout_max,
				    });
	gre_receiver_init(&t->receiver, config->window);
	tunnel_order_changed(t);
}

void tunnel_set_peer(
	struct tunnel *t, uint16_t peer_call_id, uint16_t peer_window, uint16_t peer_delay)
{
	t->peer_call_id = peer_call_id;
	gre_sender_set_peer(&t->sender, peer_window, peer_delay);
}

/* For a stream of stateful MPPE: nothing passes in clear instead, and CCP is to try again. */
static void no_memory(struct tunnel *t)
{
	t->require_mppe = true;
	tunnel_raise_desync(t);
}

void tunnel_set_tx(struct tunnel *t, const struct mppe_params *params, const uint8_t start[16])
{
	mppe_done(&t->mppe_tx);
	t->tx = NULL;
	t->tx_starved = false;
	if (!params)
		return;
	if (mppe_init(&t->mppe_tx, params, start) < 0) {
		t->tx_starved = true;
		no_memory(t);
		return;
	}
	t->tx = &t->mppe_tx;
}

void tunnel_set_rx(struct tunnel *t, const struct mppe_params *params, const uint8_t start[16])
{
	mppe_done(&t->mppe_rx);
	t->rx = NULL;
	t->rx_starved = false;
	tunnel_mppe_changed(t);
	t->nonsense = 0;
	t->resets = 0;
	t->last_reset = 0;
	t->events = 0; /* of the old keys */
	if (!params)
		return;
	if (mppe_init(&t->mppe_rx, params, start) < 0) {
		t->rx_starved = true;
		no_memory(t);
		return;
	}
	t->rx = &t->mppe_rx;
	t->mppe_rx.mppc = t->unpack && codec_is_encrypted(t->unpack);
	tunnel_mppe_changed(t);
}

void tunnel_reset_requested(struct tunnel *t)
{
	if (t->pack && codec_kind(t->pack) == CODEC_MPPC)
		codec_reset(t->pack);
	if (t->tx)
		mppe_reset_requested(t->tx);
}

uint64_t tunnel_rest(struct tunnel *t, uint64_t now)
{
	uint64_t data = t->stats.tx_packets + t->stats.rx_packets;

	if (!mppe_is_large(&t->mppe_tx) && !mppe_is_large(&t->mppe_rx) &&
		!gre_receiver_is_large(&t->receiver))
		return UINT64_MAX;
	if (data != t->rest_data) {
		t->rest_data = data;
		t->rest_since = now;
	}
	if (now < t->rest_since + TUNNEL_REST)
		return t->rest_since + TUNNEL_REST;
	mppe_rest(&t->mppe_tx);
	mppe_rest(&t->mppe_rx);
	gre_receiver_rest(&t->receiver);
	return UINT64_MAX;
}

static void push(struct packet *p, const uint8_t *bytes, uint32_t n)
{
	p->data -= n;
	p->len += n;
	memcpy(p->data, bytes, n);
}

/* Address and control (RFC 1661 6.6: always for LCP) and protocol (6.5: one byte if the high one is
 * 0). */
static void push_ppp(const struct tunnel *t, struct packet *p, uint16_t protocol)
{
	uint8_t header[4];
	struct wire_writer w = wire_writer(header, sizeof(header));

	if (!t->acfc || protocol == PPP_LCP)
		wire_put_u16(&w, 0xff03);
	if (t->pfc && protocol <= 0xff)
		wire_put_u8(&w, (uint8_t)protocol);
	else
		wire_put_u16(&w, protocol);
	push(p, header, (uint32_t)wire_written(&w));
}

static void push_gre(struct tunnel *t, struct packet *p, bool data, uint64_t now)
{
	uint8_t header[GRE_HEADER_MAX];
	struct gre_header h = {
		.payload_len = (uint16_t)p->len,
		.call_id = t->peer_call_id,
		.has_seq = data,
	};

	if (data)
		h.seq = gre_sender_number(&t->sender, now);
	h.has_ack = gre_receiver_ack(&t->receiver, &h.ack);
	gre_header_encode(&h, header);
	push(p, header, (uint32_t)gre_header_size(&h));
}

static int may_send(struct tunnel *t)
{
	if (!t->data_open) {
		TUNNEL_COUNT(t, drops[TUNNEL_DROP_NOT_OPEN]);
		return -EPERM;
	}
	if (t->require_mppe && !t->tx) {
		TUNNEL_COUNT(t, drops[TUNNEL_DROP_SEND_CLEAR]);
		if (t->tx_starved)
			tunnel_raise_desync(t);
		return -EPERM;
	}
	return 0;
}

static void encrypt(struct tunnel *t, struct packet *p, uint16_t protocol, struct rc4_batch *batch)
{
	static const uint8_t room[MPPE_HEADER];
	const uint8_t inner[INNER_PROTOCOL] = { (uint8_t)(protocol >> 8), (uint8_t)protocol };

	uint16_t bits = 0;

	push(p, inner, sizeof(inner));
	if (t->pack && codec_is_encrypted(t->pack))
		bits = tunnel_shrink(t, p);
	push(p, room, sizeof(room));
	mppe_seal(t->tx, p->data, p->len, bits, batch);
}

int tunnel_check(struct tunnel *t, const struct packet *p, bool data)
{
	if (p->data < p->buf + HEADROOM || p->len > PACKET_SLOT || (t->raw && !p->len))
		return -EMSGSIZE;
	return data && !t->raw ? may_send(t) : 0;
}

void tunnel_send(struct tunnel *t, struct packet *p, uint16_t protocol, bool data, uint64_t now,
	struct rc4_batch *batch)
{
	if (data) {
		t->stats.tx_packets++;
		t->stats.tx_bytes += p->len;
	} else {
		t->stats.tx_control++;
	}
	if (!t->raw && data)
		protocol = tunnel_vj_compress(t, p, protocol);
	if (!t->raw && data && t->tx) {
		encrypt(t, p, protocol, batch);
		protocol = PPP_COMP;
	} else if (!t->raw && data) {
		protocol = tunnel_compress(t, p, protocol);
	}
	if (!t->raw && !data)
		tunnel_notice_sent(t, p, protocol);
	if (!t->raw)
		push_ppp(t, p, protocol);
	push_gre(t, p, true, now);
}

void tunnel_drop(struct tunnel *t, struct packet *p, enum tunnel_drop why)
{
	p->verdict = PACKET_DROP;
	TUNNEL_COUNT(t, drops[why]);
}

bool tunnel_is_data(const struct tunnel *t, const struct packet *p, uint16_t protocol)
{
	struct wire_reader r = wire_reader(p->data, p->len);

	if (!t->raw)
		return ppp_is_data(protocol);
	return !ppp_header_read(&r, &protocol) || protocol < RAW_CONTROL;
}

/*
 * A line's CCP or ECP frame, Reset-Ack above all, says that from there on the data is to be read
 * anew (RFC 1962 3): so it does not go past data that waits. (Our own MPPE takes its place in the
 * stream when it goes.)
 */
static bool keeps_place(const struct tunnel *t, const struct packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint16_t protocol;

	return t->raw && t->queued && ppp_header_read(&r, &protocol) &&
	       (protocol == PPP_CCP || protocol == RAW_ECP);
}

int tunnel_seal(struct tunnel *t, struct packet *p, uint16_t protocol, uint64_t now,
	struct rc4_batch *batch)
{
	bool data = tunnel_is_data(t, p, protocol);
	int err = tunnel_check(t, p, data);

	if (err)
		return err;
	if (data && (t->queued || !gre_sender_has_room(&t->sender)))
		TUNNEL_COUNT(t, window_full);
	if ((data && tunnel_would_wait(t, protocol)) || keeps_place(t, p))
		return tunnel_wait(t, p, protocol, now);
	tunnel_send(t, p, protocol, data, now, batch);
	return 0;
}

void tunnel_receive(struct tunnel *t, const struct gre_header *h, struct packet *p, uint64_t now,
	struct packet_list *out)
{
	t->stats.last_rx = t->now = now;
	if (h->has_ack)
		gre_sender_acked(&t->sender, h->ack, now);
	p->flags = 0;
	p->number = h->seq;
	if (!h->has_seq) {
		t->stats.rx_acks++;
		p->verdict = PACKET_DROP;
		packet_list_add(out, p);
		return;
	}
	gre_receiver_take(&t->receiver, p, h->seq, now, out);
}

/* Packets come when they come: the time of the last one is now. */
static bool interval_over(const struct tunnel *t, uint64_t last, uint64_t interval)
{
	return !last || t->stats.last_rx - last >= interval;
}

void tunnel_raise_desync(struct tunnel *t)
{
	if (!interval_over(t, t->last_desync, TUNNEL_DESYNC_INTERVAL))
		return;
	t->last_desync = t->stats.last_rx ? t->stats.last_rx : 1;
	t->events |= TUNNEL_EVENT_DESYNC;
	t->nonsense = 0;
	t->resets = 0;
}

void tunnel_raise_reset(struct tunnel *t)
{
	uint64_t interval = TUNNEL_RESET_INTERVAL, rtt = gre_sender_rtt(&t->sender);

	if (rtt > interval)
		interval = rtt < TUNNEL_RESET_SLOWEST ? rtt : TUNNEL_RESET_SLOWEST;
	if (!interval_over(t, t->last_reset, interval))
		return;
	t->last_reset = t->stats.last_rx ? t->stats.last_rx : 1;
	t->events |= TUNNEL_EVENT_RESET;
	if (++t->resets >= TUNNEL_RESETS_MAX)
		tunnel_raise_desync(t);
}

static void undecipherable(struct tunnel *t, struct packet *p, enum tunnel_drop why)
{
	tunnel_drop(t, p, why);
	if (++t->nonsense >= TUNNEL_NONSENSE_MAX)
		tunnel_raise_desync(t);
}

/* Of MPPE: what follows is decrypted. */
static void take_header(struct packet *p)
{
	p->data += MPPE_HEADER;
	p->len -= MPPE_HEADER;
	p->flags |= PACKET_ENCRYPTED;
}

static void decrypt(struct tunnel *t, struct packet *p, struct rc4_batch *batch)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	unsigned int header = wire_u16(&r);

	switch (mppe_open(t->rx, p->data, p->len, batch)) {
	case MPPE_OK:
		p->flags |= (uint8_t)(header >> PACKET_BITS << PACKET_BITS_AT);
		take_header(p);
		break;
	case MPPE_BAD:
		undecipherable(t, p, TUNNEL_DROP_MPPE_BAD);
		if (t->rx->flush)
			tunnel_raise_reset(t);
		break;
	case MPPE_OLD:
		undecipherable(t, p, TUNNEL_DROP_MPPE_OLD);
		break;
	case MPPE_WAIT: /* the request or its answer may have been lost */
	case MPPE_RESET:
		tunnel_drop(t, p, TUNNEL_DROP_MPPE_WAIT);
		if (!t->rx->params.stateless)
			tunnel_raise_reset(t);
		break;
	case MPPE_LOST:
		/* Some of them: three forged numbers are not to be enough. */
		tunnel_drop(t, p, TUNNEL_DROP_MPPE_WAIT);
		t->nonsense += TUNNEL_NONSENSE_MAX / TUNNEL_LOST_MAX;
		if (t->nonsense >= TUNNEL_NONSENSE_MAX)
			tunnel_raise_desync(t);
		break;
	}
	tunnel_mppe_behind(t);
}

static void take_raw(struct tunnel *t, struct packet *p)
{
	if (tunnel_is_data(t, p, 0)) {
		t->stats.rx_packets++;
		t->stats.rx_bytes += p->len;
	} else {
		t->stats.rx_control++;
	}
	p->verdict = PACKET_CONTROL;
	p->protocol = 0;
}

static void no_keys(struct tunnel *t, struct packet *p)
{
	tunnel_drop(t, p, TUNNEL_DROP_NOT_OPEN);
	if (t->rx_starved)
		tunnel_raise_desync(t);
}

static void open_frame(struct tunnel *t, struct packet *p, struct rc4_batch *batch)
{
	struct wire_reader r = wire_reader(p->data, p->len);

	tunnel_mppe_number(t, p);
	if (!ppp_header_read(&r, &p->protocol)) {
		tunnel_drop(t, p, TUNNEL_DROP_PPP);
		return;
	}
	p->len = (uint32_t)wire_left(&r);
	p->data += r.pos - p->data;
	if (p->flags & PACKET_LATE) {
		if (tunnel_decrypt_late(t, p, batch) && t->rx)
			take_header(p);
	} else if (p->protocol == PPP_COMP) {
		if (t->rx)
			decrypt(t, p, batch);
		else if (t->unpack && !codec_is_encrypted(t->unpack))
			p->flags |= PACKET_PACKED;
		else
			no_keys(t, p);
	} else if (ppp_is_data(p->protocol) && (t->require_mppe || t->rx)) {
		tunnel_drop(t, p, TUNNEL_DROP_CLEAR);
	}
}

void tunnel_decrypt(struct tunnel *t, struct packet *p, struct rc4_batch *batch)
{
	if (p->verdict != PACKET_NONE)
		return;
	if (t->raw) {
		take_raw(t, p);
		return;
	}
	open_frame(t, p, batch);
	if (p->flags & PACKET_LATE)
		return; /* its gap was told when it was given up */
	/* Those before it may not have been finished yet: the next one says so, in its turn. */
	if (p->verdict == PACKET_NONE && t->gap)
		p->flags |= PACKET_AFTER_GAP;
	t->gap = p->verdict != PACKET_NONE;
}

/* False: nonsense. */
static bool finish_encrypted(struct tunnel *t, struct packet *p)
{
	unsigned int size;
	bool stateful = t->rx && !t->rx->params.stateless;

	if (t->unpack && codec_is_encrypted(t->unpack) && !tunnel_expand(t, p))
		return false;
	size = mppe_inner(p->data, p->len, &p->protocol);

	if (!size && stateful && t->rx->flush) {
		/* Opened in the same batch as the packet that was nonsense: of course it is, too.
		 */
		tunnel_drop(t, p, TUNNEL_DROP_MPPE_WAIT);
		return false;
	}
	if (!size) {
		undecipherable(t, p, TUNNEL_DROP_MPPE_BAD);
		/* A packet of others may have moved the stream: from here all would be nonsense. */
		if (stateful) {
			mppe_lost(t->rx);
			tunnel_raise_reset(t);
		}
		return false;
	}
	p->data += size;
	p->len -= size;
	t->nonsense = 0;
	t->resets = 0;
	return true;
}

static void pass(struct tunnel *t, struct packet *p)
{
	p->verdict = PACKET_DATA;
	t->stats.rx_packets++;
	t->stats.rx_bytes += p->len;
}

/* What went under the cipher and the compression, if it can be had. False: dropped. */
static bool unwrap(struct tunnel *t, struct packet *p)
{
	if ((p->flags & PACKET_ENCRYPTED) && !finish_encrypted(t, p))
		return false;
	if ((p->flags & PACKET_LATE) && !tunnel_finish_late(t, p))
		return false;
	return !(p->flags & PACKET_PACKED) || tunnel_decompress(t, p);
}

void tunnel_finish(struct tunnel *t, struct packet *p)
{
	if (p->verdict != PACKET_NONE)
		return;
	if (t->vj_rx && (p->flags & PACKET_AFTER_GAP))
		vj_lost(t->vj_rx);
	if (!unwrap(t, p)) {
		if (t->vj_rx && !(p->flags & PACKET_LATE))
			vj_lost(t->vj_rx);
		return;
	}
	if (!(p->flags & (PACKET_ENCRYPTED | PACKET_PACKED)))
		tunnel_notice(t, p);
	if (t->vj_rx && !tunnel_vj_expand(t, p))
		return;
	if (!ppp_is_data(p->protocol)) {
		p->verdict = PACKET_CONTROL;
		t->stats.rx_control++;
	} else if (t->data_open) {
		pass(t, p);
	} else if (t->early_count < TUNNEL_EARLY_MAX) {
		if (!t->early_count)
			t->early_until = t->now + TUNNEL_EARLY_TIME;
		p->verdict = PACKET_HELD;
		packet_list_add(&t->early, p);
		t->early_count++;
	} else {
		/* Decided only here: the keys had to move on. */
		tunnel_drop(t, p, TUNNEL_DROP_NOT_OPEN);
	}
}

void tunnel_open(struct tunnel *t, bool open, struct packet_list *out)
{
	struct packet *p;

	t->data_open = open;
	while ((p = packet_list_take(&t->early)) != NULL) {
		if (!open)
			tunnel_drop(t, p, TUNNEL_DROP_NOT_OPEN);
		else if (t->rx && !(p->flags & PACKET_ENCRYPTED))
			tunnel_drop(t, p, TUNNEL_DROP_CLEAR); /* came before encryption was on */
		else
			pass(t, p);
		packet_list_add(out, p);
	}
	t->early_count = 0;
	if (!open && !t->raw)
		tunnel_drop_queued(t, UINT64_MAX, TUNNEL_DROP_NOT_OPEN, out);
}

void tunnel_stop(struct tunnel *t, struct packet_list *out)
{
	gre_receiver_done(&t->receiver, out);
	tunnel_open(t, false, out);
	tunnel_drop_queued(t, UINT64_MAX, TUNNEL_DROP_NOT_OPEN, out); /* a raw one's */
	tunnel_set_tx(t, NULL, NULL);
	tunnel_set_rx(t, NULL, NULL);
	tunnel_set_pack(t, NULL);
	tunnel_set_unpack(t, NULL);
	tunnel_set_vj(t, true, NULL);
	tunnel_set_vj(t, false, NULL);
}

void tunnel_done(struct tunnel *t, struct packet_list *out)
{
	tunnel_stop(t, out);
	free(t->rare);
	t->rare = NULL;
}

static void drop_early(struct tunnel *t, struct packet_list *out)
{
	struct packet *p;

	while ((p = packet_list_take(&t->early)) != NULL) {
		tunnel_drop(t, p, TUNNEL_DROP_NOT_OPEN);
		packet_list_add(out, p);
	}
	t->early_count = 0;
}

void tunnel_tick(struct tunnel *t, uint64_t now, struct packet_list *out)
{
	t->now = now;
	gre_receiver_tick(&t->receiver, now, out);
	if (t->early_count && now >= t->early_until)
		drop_early(t, out);
	if (now >= gre_sender_deadline(&t->sender))
		gre_sender_tick(&t->sender, now);
	tunnel_mppe_tick(t, now);
	if (now > TUNNEL_QUEUE_TIME)
		tunnel_drop_queued(t, now - TUNNEL_QUEUE_TIME + 1, TUNNEL_DROP_WINDOW, out);
}

uint64_t tunnel_deadline(const struct tunnel *t)
{
	uint64_t receiver = gre_receiver_deadline(&t->receiver);
	uint64_t deadline = gre_sender_deadline(&t->sender);
	uint64_t mppe = tunnel_mppe_deadline(t);

	if (mppe < deadline)
		deadline = mppe;
	if (t->early_count && t->early_until < deadline)
		deadline = t->early_until;
	if (t->queued && t->queue.first->time + TUNNEL_QUEUE_TIME < deadline)
		deadline = t->queue.first->time + TUNNEL_QUEUE_TIME;
	return receiver < deadline ? receiver : deadline;
}

bool tunnel_ack(struct tunnel *t, struct packet *p, uint64_t now)
{
	if (!gre_receiver_ack_due(&t->receiver, now))
		return false;
	p->data = p->buf + PACKET_HEADROOM;
	p->len = 0;
	push_gre(t, p, false, now);
	t->stats.tx_acks++;
	return true;
}

unsigned int tunnel_events(struct tunnel *t)
{
	unsigned int events = t->events;

	t->events = 0;
	return events;
}
