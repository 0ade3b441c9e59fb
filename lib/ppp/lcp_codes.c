/*
 * LCP beyond the negotiation: Echo and Discard (RFC 1661 5.8, 5.9), Protocol-Reject (5.7),
 * Identification and Time-Remaining (RFC 1570 1.1, 1.2). See lcp.h.
 *
 * Invariant: nothing that comes here is answered before LCP is open, and no answer is longer than
 * the peer's MRU.
 */
#include "lib/ppp/lcp_internal.h"

#define MAX_OWN_ECHOS 3   /* RFC 1661 5.8: an echo of ours comes back as a request */
#define REMARK_MAX    128 /* longer than any text of ours */

/* Everything behind the header begins with the sender's magic number; -1 without. */
static int read_magic(const struct cp_packet *packet, uint32_t *magic)
{
	struct wire_reader r = wire_reader(packet->data, packet->len);

	*magic = wire_u32(&r);
	return r.failed ? -1 : 0;
}

/*
 * Looped after LCP was open: every frame of ours would be a sign of life. Not just any request with
 * our number, for a peer may have taken it for what belongs there.
 */
static bool is_own_echo(const struct lcp *lcp, const struct cp_packet *packet)
{
	return cp_is_open(&lcp->cp) && lcp->echo_waiting && packet->id == lcp->echo_id &&
	       packet->len == 4;
}

static void echo_request(struct lcp *lcp, const struct cp_packet *packet, uint64_t now)
{
	uint8_t data[CP_PACKET_MAX];
	struct wire_writer w = wire_writer(data, sizeof(data));
	uint32_t magic;
	size_t rest;

	if (read_magic(packet, &magic))
		return;
	if (magic && magic == lcp->magic) {
		cp_log(&lcp->cp, PPP_LOG_WARNING, "LCP: Echo-Request with our own magic number");
		if (is_own_echo(lcp, packet)) {
			if (++lcp->own_echos >= MAX_OWN_ECHOS)
				cp_fail(&lcp->cp, PPTP_LCP_LOOPBACK, "");
			return;
		}
	}
	rest = packet->len - 4;
	if (rest > sizeof(data) - 4)
		rest = sizeof(data) - 4;
	wire_put_u32(&w, lcp->magic);
	wire_put_bytes(&w, packet->data + 4, rest);
	cp_receive_echo(&lcp->cp, CP_ECHO_REPLY, packet->id, data, wire_written(&w), now);
}

static void echo_reply(struct lcp *lcp, const struct cp_packet *packet, uint64_t now)
{
	if (cp_is_open(&lcp->cp) && lcp->echo_waiting && packet->id == lcp->echo_id) {
		lcp->echo_waiting = false;
		lcp->own_echos = 0;
		lcp->echo_rtt = now - lcp->echo_at;
		if (lcp->echo_rtt == 0)
			lcp->echo_rtt = 1;
	}
	cp_receive_echo(&lcp->cp, 0, packet->id, NULL, 0, now);
}

static void protocol_reject(struct lcp *lcp, const struct cp_packet *packet)
{
	struct wire_reader r = wire_reader(packet->data, packet->len);
	uint16_t protocol = wire_u16(&r);

	/* RFC 1661 5.7: outside Opened they are discarded. */
	if (!r.failed && cp_is_open(&lcp->cp))
		lcp->cp.host->protocol_rejected(lcp->cp.user, protocol);
}

/* RFC 1570 1.1 and 1.2; Windows identifies itself two or three times, the last time by 16 binary
 * octets. */
static void remark(struct lcp *lcp, const struct cp_packet *packet, uint64_t now)
{
	char text[160];
	size_t skip = packet->code == CP_IDENTIFICATION ? 4 : 8;
	struct wire_reader r = wire_reader(packet->data, packet->len);

	wire_skip(&r, 4);
	if (packet->len < skip)
		return;
	cp_escape(text, sizeof(text), packet->data + skip, packet->len - skip);
	if (packet->code == CP_IDENTIFICATION)
		cp_log(&lcp->cp, PPP_LOG_INFO, "LCP: the peer identifies itself: %s", text);
	else
		cp_log(&lcp->cp, PPP_LOG_INFO, "LCP: the peer says that %u s remain: %s",
			wire_u32(&r), text);
	cp_receive_echo(&lcp->cp, 0, packet->id, NULL, 0, now);
}

bool lcp_extended(struct cp *cp, const struct cp_packet *packet, uint64_t now)
{
	struct lcp *lcp = lcp_of(cp);

	switch (packet->code) {
	case CP_PROTOCOL_REJECT:
		protocol_reject(lcp, packet);
		return true;
	case CP_ECHO_REQUEST:
		echo_request(lcp, packet, now);
		return true;
	case CP_ECHO_REPLY:
		echo_reply(lcp, packet, now);
		return true;
	case CP_DISCARD_REQUEST:
		cp_receive_echo(cp, 0, packet->id, NULL, 0, now);
		return true;
	case CP_IDENTIFICATION:
	case CP_TIME_REMAINING:
		remark(lcp, packet, now);
		return true;
	default:
		return false;
	}
}

void lcp_code_rejected(struct cp *cp, uint8_t code)
{
	struct lcp *lcp = lcp_of(cp);

	lcp->no_echo = lcp->no_echo || code == CP_ECHO_REQUEST;
	lcp->no_identification = lcp->no_identification || code == CP_IDENTIFICATION;
	lcp->no_time_remaining = lcp->no_time_remaining || code == CP_TIME_REMAINING;
}

void lcp_reject_protocol(struct lcp *lcp, uint16_t number, const uint8_t *info, size_t len)
{
	uint8_t data[CP_PACKET_MAX];
	struct wire_writer w = wire_writer(data, sizeof(data));

	if (!cp_is_open(&lcp->cp))
		return;
	wire_put_u16(&w, number);
	wire_put_bytes(&w, info, len < sizeof(data) - 2 ? len : sizeof(data) - 2);
	cp_send(&lcp->cp, CP_PROTOCOL_REJECT, cp_next_id(&lcp->cp), data, wire_written(&w));
}

void lcp_identify(struct lcp *lcp, const char *text)
{
	uint8_t data[4 + REMARK_MAX];
	struct wire_writer w = wire_writer(data, sizeof(data));

	if (!cp_is_open(&lcp->cp) || lcp->no_identification)
		return;
	wire_put_u32(&w, lcp->magic);
	wire_put_bytes(&w, text, strnlen(text, REMARK_MAX));
	cp_send(&lcp->cp, CP_IDENTIFICATION, cp_next_id(&lcp->cp), data, wire_written(&w));
}

void lcp_time_remaining(struct lcp *lcp, uint32_t seconds, const char *text)
{
	uint8_t data[8 + REMARK_MAX];
	struct wire_writer w = wire_writer(data, sizeof(data));

	if (!cp_is_open(&lcp->cp) || lcp->no_time_remaining)
		return;
	wire_put_u32(&w, lcp->magic);
	wire_put_u32(&w, seconds);
	wire_put_bytes(&w, text, strnlen(text, REMARK_MAX));
	cp_send(&lcp->cp, CP_TIME_REMAINING, cp_next_id(&lcp->cp), data, wire_written(&w));
}

uint64_t lcp_echo_deadline(const struct lcp *lcp)
{
	uint64_t last = lcp->echo_at > lcp->heard_at ? lcp->echo_at : lcp->heard_at;

	if (!lcp->config.echo_interval || lcp->no_echo || !cp_is_open(&lcp->cp))
		return UINT64_MAX;
	return last + lcp->config.echo_interval;
}

void lcp_send_echo(struct lcp *lcp, uint64_t now)
{
	uint8_t data[4];
	struct wire_writer w = wire_writer(data, sizeof(data));

	wire_put_u32(&w, lcp->magic);
	lcp->echo_id = cp_next_id(&lcp->cp);
	lcp->echo_at = now;
	lcp->unanswered++;
	lcp->echo_waiting = true;
	cp_send(&lcp->cp, CP_ECHO_REQUEST, lcp->echo_id, data, sizeof(data));
}
