/*
 * Inner packets and what a session can carry: see fit.h.
 *
 * A packet with DF that does not fit is dropped, always: whether its sender may be told is another
 * question (ICMP is limited and not for everything). Fragments are sealed each on its own, so to the
 * peer they are packets as any.
 */
#include "dataplane/fit.h"

#include "dataplane/fragment.h"
#include "dataplane/ipv6.h"
#include "dataplane/mss.h"
#include "dataplane/path.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"

void fit_segments(struct worker *w, const struct dp_session *s, uint8_t *data, size_t len)
{
	if (w->config.clamp_mss && mss_clamp(data, len, fit_largest(w, s)))
		w->stats.mss_clamped++;
}

static_assert(IPV6_MTU_MIN >= ICMP_ERROR_MAX, "one buffer for both");

/*
 * Where less than IPv6's least MTU fits, nobody can be told so: RFC 8200 section 5 lets no sender go
 * below it.
 */
static size_t error_for(
	const uint8_t *packet, size_t packet_len, uint16_t largest, uint8_t *message, size_t size)
{
	if (packet[0] >> 4 == 4)
		return icmp_too_big(packet, packet_len, largest, message, size);
	return largest < IPV6_MTU_MIN && packet_len <= IPV6_MTU_MIN
		       ? 0
		       : ipv6_too_big(packet, packet_len,
				 largest > IPV6_MTU_MIN ? largest : IPV6_MTU_MIN, message, size);
}

/* NULL: nobody's session. */
static const struct dp_session *sender_of(const struct worker *w, const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_reader(packet, len);
	const uint8_t *source6;

	if (packet[0] >> 4 == 4) {
		wire_skip(&r, 12);
		return table_lookup(&w->table, wire_u32(&r));
	}
	wire_skip(&r, 8);
	source6 = wire_bytes(&r, IPV6_ADDRESS);
	return source6 ? table_lookup6(&w->table, source6) : NULL;
}

static void tell_sender(
	struct worker *w, const uint8_t *packet, size_t packet_len, uint16_t largest)
{
	uint8_t message[IPV6_MTU_MIN];
	size_t len = sizeof(message);
	const struct dp_session *sender;

	if (!w->config.report_too_big)
		return;
	/* It must fit his own session, if he has one: of an error that is dropped nobody is told. */
	sender = sender_of(w, packet, packet_len);
	if (sender && fit_largest(w, sender) < len)
		len = fit_largest(w, sender);
	len = error_for(packet, packet_len, largest, message, len);
	if (!len || !icmp_may_send(&w->icmp, w->now))
		w->stats.icmp_suppressed++;
	else if (inner_write(&w->inner, message, len) < 0)
		w->stats.inner_write_errors++;
	else
		w->stats.icmp_sent++;
}

void fit_too_big(struct worker *w, struct dp_session *s, const uint8_t *packet, size_t len)
{
	uint16_t largest = fit_largest(w, s);
	struct fragmenter f;
	struct packet *part;

	if (fragment_start(&f, packet, len, largest) < 0) {
		w->stats.inner_too_big++;
		tell_sender(w, packet, len, largest);
		return;
	}
	w->stats.inner_fragmented++;
	while ((part = pool_get(&w->pool)) != NULL) {
		part->len = (uint32_t)fragment_next(&f, part->data, PACKET_ROOM);
		if (!part->len) {
			pool_put(&w->pool, part);
			return;
		}
		if (!path_seal_data(w, s, part, PPP_IP))
			pool_put(&w->pool, part);
	}
	w->stats.no_slot++;
}
