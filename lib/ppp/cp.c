/* Control protocols of PPP in common: see cp.h. RFC 1661 sections 4 and 5. */
#include "lib/ppp/cp.h"

#include <errno.h>

#define TERMINATE_INTERVAL 1000000u /* us; a dying link is not worth three seconds a try */
#define TERMINATE_TRIES    3
#define REPEAT_TIME        30000000u /* us; ten of the usual restart intervals */

int cp_packet_decode(struct cp_packet *packet, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t length;

	packet->code = wire_u8(&r);
	packet->id = wire_u8(&r);
	length = wire_u16(&r);
	if (r.failed || length < CP_HEADER || length > len)
		return -EBADMSG;
	packet->len = length - (size_t)CP_HEADER;
	packet->data = wire_bytes(&r, packet->len);
	return 0;
}

void cp_log(const struct cp *cp, enum ppp_log level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	cp->host->log(cp->user, level, format, ap);
	va_end(ap);
}

void cp_escape(char *out, size_t size, const uint8_t *data, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (data[i] >= ' ' && data[i] <= '~' && data[i] != '\\') {
			if (n + 2 > size)
				break;
			out[n++] = (char)data[i];
			continue;
		}
		if (n + 5 > size)
			break;
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[data[i] >> 4];
		out[n++] = hex[data[i] & 15];
	}
	out[n] = '\0';
}

uint8_t cp_next_id(struct cp *cp)
{
	return ++cp->id;
}

void cp_send(struct cp *cp, uint8_t code, uint8_t id, const uint8_t *data, size_t len)
{
	uint8_t buf[CP_PACKET_MAX];
	struct wire_writer w = wire_writer(buf, sizeof(buf));
	size_t room = (cp->limit < sizeof(buf) ? cp->limit : sizeof(buf)) - CP_HEADER;

	if (len > room)
		len = room;
	wire_put_u8(&w, code);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(len + CP_HEADER));
	wire_put_bytes(&w, data, len);
	cp->host->send(cp->user, cp->protocol->number, buf, wire_written(&w));
}

void cp_fail(struct cp *cp, enum pptp_reason reason, const char *words)
{
	if (cp->failed)
		return;
	cp->failed = true;
	cp->reason = reason;
	cp->words = words;
	cp->host->event(cp->user, cp, CP_FAILED);
}

static void send_request(struct cp *cp)
{
	uint8_t buf[128];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	cp->protocol->request(cp, &w);
	cp_send(cp, CP_CONFIGURE_REQUEST, cp->request_id, buf, wire_written(&w));
}

void cp_repeat_request(struct cp *cp)
{
	if (cp->outstanding && cp->automaton.state >= PPP_REQ_SENT)
		send_request(cp);
}

static void send_answer(struct cp *cp)
{
	cp_send(cp, cp->answer.code, cp->answer.id, cp->answer.data, cp->answer.len);
}

static void act(void *user, enum automaton_action action)
{
	struct cp *cp = user;

	switch (action) {
	case PPP_SCR:
		/* RFC 1661 5.1: a new identifier after each valid reply, the same one for a
		 * repetition. */
		if (!cp->outstanding)
			cp->request_id = cp_next_id(cp);
		cp->outstanding = true;
		send_request(cp);
		break;
	case PPP_SCA:
		cp->protocol->accept(cp);
		send_answer(cp);
		break;
	case PPP_SCN:
	case PPP_SCJ:
		send_answer(cp);
		break;
	case PPP_SER:
		if (cp->answer.code)
			send_answer(cp);
		break;
	case PPP_STR:
		cp->outstanding = false;
		cp_send(cp, CP_TERMINATE_REQUEST, cp_next_id(cp), (const uint8_t *)cp->close_text,
			strlen(cp->close_text));
		break;
	case PPP_STA:
		cp_send(cp, CP_TERMINATE_ACK, cp->answer.id, NULL, 0);
		break;
	case PPP_TLU:
		cp->naks = cp->refusals = cp->refused = 0;
		cp->host->event(cp->user, cp, CP_UP);
		break;
	case PPP_TLD:
		cp->host->event(cp->user, cp, CP_DOWN);
		break;
	case PPP_TLF:
		cp->host->event(cp->user, cp, CP_FINISHED);
		break;
	default: /* This-Layer-Started: the lower layer is up or will come */
		break;
	}
}

static const struct automaton_ops ops = { .action = act };

void cp_init(
	struct cp *cp, const struct cp_protocol *protocol, const struct cp_host *host, void *user)
{
	*cp = (struct cp){
		.protocol = protocol,
		.host = host,
		.user = user,
		.limit = CP_PACKET_MAX,
		.words = "",
		.close_text = "",
	};
	automaton_init(&cp->automaton, &ops, cp);
	cp->automaton.max_terminate = TERMINATE_TRIES;
}

static void forget(struct cp *cp)
{
	cp->outstanding = cp->failed = cp->timed_out = cp->answered = false;
	cp->naks = cp->refusals = cp->refused = 0;
	cp->refused_request = cp->acked_request = 0;
	cp->reason = PPTP_NONE;
	cp->words = "";
}

static void feed(struct cp *cp, enum automaton_event event, uint64_t now)
{
	/* What the table calls illegal is kept from it by its callers; nothing changes if it is
	 * not. */
	(void)automaton_event(&cp->automaton, event, now);
}

void cp_start(struct cp *cp, uint64_t now)
{
	forget(cp);
	feed(cp, PPP_OPEN, now);
	feed(cp, PPP_UP, now);
}

void cp_down(struct cp *cp, uint64_t now)
{
	feed(cp, PPP_DOWN, now);
	if (cp->automaton.state == PPP_STARTING)
		cp->automaton.state =
			PPP_INITIAL; /* Close without This-Layer-Finished: nobody needs to know */
	cp->outstanding = false;
}

void cp_restart(struct cp *cp, uint64_t now)
{
	feed(cp, PPP_DOWN, now);
	forget(cp);
	feed(cp, PPP_UP, now);
}

void cp_close(struct cp *cp, const char *text, uint64_t now)
{
	cp->close_text = text;
	cp->automaton.restart_interval = TERMINATE_INTERVAL;
	cp->failed = false; /* the timer counts again */
	feed(cp, PPP_CLOSE, now);
}

void cp_protocol_rejected(struct cp *cp, uint64_t now)
{
	cp->timed_out = false;
	feed(cp, PPP_RXJ_MINUS, now);
}

/* FNV-1a, never 0: only to tell a repetition from a new request. */
static uint32_t hash_request(const struct cp_packet *packet)
{
	uint32_t hash = 2166136261u;

	hash = (hash ^ packet->id) * 16777619u;
	for (size_t i = 0; i < packet->len; i++)
		hash = (hash ^ packet->data[i]) * 16777619u;
	return hash | 1;
}

/* RFC 1661 4.6, but by requests: a retransmitted one that is refused again is not another failure.
 */
static void count_refusal(struct cp *cp, const struct cp_packet *packet, bool nak)
{
	uint32_t hash = hash_request(packet);

	if (cp->refused_request == hash)
		return;
	cp->refused_request = hash;
	cp->refusals++;
	if (nak)
		cp->naks++;
}

static void answer_with(struct cp *cp, uint8_t code, uint8_t id, const uint8_t *data, size_t len)
{
	cp->answer = (struct cp_packet){ .code = code, .id = id, .data = data, .len = len };
}

/* Lets the protocol judge the options. false: the packet is to be discarded silently. */
static bool review_request(struct cp *cp, const struct cp_packet *packet, struct ppp_review *review)
{
	struct wire_reader list = wire_reader(packet->data, packet->len);
	struct ppp_option option;

	cp->protocol->begin(cp);
	while (!cp->failed && ppp_option_next(&list, &option))
		cp->protocol->option(cp, review, &option);
	if (list.failed) {
		cp_log(cp, PPP_LOG_DEBUG, "%s: Configure-Request with a malformed option discarded",
			cp->protocol->name);
		return false;
	}
	if (!cp->failed)
		cp->protocol->complete(cp, review);
	return !cp->failed && !review->nak.failed && !review->reject.failed;
}

static void receive_request(struct cp *cp, const struct cp_packet *packet, uint64_t now)
{
	uint8_t nak[CP_PACKET_MAX], reject[CP_PACKET_MAX];
	struct ppp_review review = {
		.nak = wire_writer(nak, sizeof(nak)),
		.reject = wire_writer(reject, sizeof(reject)),
		.final = cp->naks >= CP_MAX_NAKS,
	};
	bool rejects, naks;

	cp->answered = true;
	answer_with(cp, CP_CONFIGURE_ACK, packet->id, packet->data, packet->len);
	if (cp->automaton.state < PPP_STOPPED || cp->automaton.state == PPP_CLOSING ||
		cp->automaton.state == PPP_STOPPING) {
		/* Whatever it asks for: Terminate-Ack, or nothing. */
		feed(cp, PPP_RCR_PLUS, now);
		return;
	}
	/*
	 * The request that is in force, once more: our Ack was lost or is under way. RFC 1661's
	 * table would negotiate everything anew, which costs a session its authentication, and goes
	 * on for ever where the round trip is longer than the peer's timer. A peer that does start
	 * again numbers its request anew; one that begins at the same number each time would wait
	 * for our request in vain, so a repetition is believed for a while only.
	 */
	if (cp->automaton.state == PPP_OPENED && hash_request(packet) == cp->acked_request &&
		now - cp->acked_at < REPEAT_TIME) {
		send_answer(cp);
		return;
	}
	if (!review_request(cp, packet, &review))
		return;
	rejects = wire_written(&review.reject) > 0;
	naks = wire_written(&review.nak) > 0;
	if (rejects)
		answer_with(
			cp, CP_CONFIGURE_REJECT, packet->id, reject, wire_written(&review.reject));
	else if (naks)
		answer_with(cp, CP_CONFIGURE_NAK, packet->id, nak, wire_written(&review.nak));
	if (!rejects && !naks) {
		cp->refused_request = 0;
		cp->acked_request = hash_request(packet);
		cp->acked_at = now;
		feed(cp, PPP_RCR_PLUS, now);
		return;
	}
	count_refusal(cp, packet, !rejects);
	feed(cp, PPP_RCR_MINUS, now);
	if (review.give_up)
		cp_fail(cp, cp->reason, cp->words);
	else if (cp->refusals > CP_MAX_REFUSALS)
		cp_fail(cp, PPTP_NONE, "the peer asks for nothing acceptable");
}

/* RFC 1661 5.2: an Ack has the options of the request, exactly. */
static bool is_our_request(struct cp *cp, const struct cp_packet *packet)
{
	uint8_t buf[128];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	cp->protocol->request(cp, &w);
	return wire_written(&w) == packet->len &&
	       (!packet->len || !memcmp(buf, packet->data, packet->len));
}

/* Applies a Nak's or Reject's options; false: malformed, nothing was applied. */
static bool apply_refusal(struct cp *cp, const struct cp_packet *packet)
{
	struct wire_reader list = wire_reader(packet->data, packet->len);
	uint8_t buf[128];
	struct wire_writer ours = wire_writer(buf, sizeof(buf));
	struct ppp_option option;

	while (ppp_option_next(&list, &option))
		;
	if (list.failed)
		return false;
	cp->protocol->request(cp, &ours);
	list = wire_reader(packet->data, packet->len);
	while (!cp->failed && ppp_option_next(&list, &option)) {
		if (packet->code == CP_CONFIGURE_NAK)
			cp->protocol->naked(cp, &option);
		else if (ppp_option_has(buf, wire_written(&ours), option.type))
			cp->protocol->rejected(cp, &option);
	}
	return true;
}

static void receive_reply(struct cp *cp, const struct cp_packet *packet, uint64_t now)
{
	bool ack = packet->code == CP_CONFIGURE_ACK;

	cp->answered = true;
	if (!cp->outstanding || packet->id != cp->request_id)
		return;
	if (ack && !is_our_request(cp, packet)) {
		cp_log(cp, PPP_LOG_WARNING,
			"%s: Configure-Ack with other options than ours discarded",
			cp->protocol->name);
		return;
	}
	if (!ack && !apply_refusal(cp, packet)) {
		cp_log(cp, PPP_LOG_DEBUG, "%s: malformed Configure-Nak or -Reject discarded",
			cp->protocol->name);
		return;
	}
	if (cp->failed)
		return;
	cp->outstanding = false;
	if (ack && cp->protocol->acked(cp)) {
		feed(cp, PPP_RCA, now);
		return;
	}
	if (!cp->failed && ++cp->refused > CP_MAX_REFUSALS)
		cp_fail(cp, PPTP_NONE, "the peer refused every request");
	if (!cp->failed)
		feed(cp, PPP_RCN, now);
}

/* RFC 1661 5.5. */
static void receive_terminate(struct cp *cp, const struct cp_packet *packet, uint64_t now)
{
	answer_with(cp, CP_TERMINATE_ACK, packet->id, NULL, 0);
	cp->text = packet->data;
	cp->text_len = packet->len;
	cp->host->event(cp->user, cp, CP_TERMINATED);
	feed(cp, PPP_RTR, now);
	cp->text = NULL;
	cp->text_len = 0;
}

/* RFC 1661 5.6. */
static void receive_code_reject(struct cp *cp, const struct cp_packet *packet, uint64_t now)
{
	uint8_t code;

	if (packet->len < 1)
		return;
	code = packet->data[0];
	cp_log(cp, PPP_LOG_INFO, "%s: the peer does not know code %u", cp->protocol->name, code);
	if (code >= CP_CONFIGURE_REQUEST && code <= CP_CODE_REJECT) {
		cp_protocol_rejected(cp, now);
		cp_fail(cp, PPTP_NONE, "the peer rejects a code that every implementation has");
		return;
	}
	if (cp->protocol->code_rejected)
		cp->protocol->code_rejected(cp, code);
	feed(cp, PPP_RXJ_PLUS, now);
}

/* RFC 1661 5.6. */
static void receive_unknown(struct cp *cp, const uint8_t *data, size_t len, uint64_t now)
{
	cp_log(cp, PPP_LOG_INFO, "%s: unknown code %u", cp->protocol->name, data[0]);
	answer_with(cp, CP_CODE_REJECT, cp_next_id(cp), data, len);
	feed(cp, PPP_RUC, now);
}

void cp_receive(struct cp *cp, const uint8_t *data, size_t len, uint64_t now)
{
	struct cp_packet packet;

	cp->received++;
	if (!cp_is_started(cp))
		return;
	if (cp_packet_decode(&packet, data, len)) {
		cp_log(cp, PPP_LOG_DEBUG, "%s: malformed packet discarded", cp->protocol->name);
		return;
	}
	switch (packet.code) {
	case CP_CONFIGURE_REQUEST:
		receive_request(cp, &packet, now);
		break;
	case CP_CONFIGURE_ACK:
	case CP_CONFIGURE_NAK:
	case CP_CONFIGURE_REJECT:
		receive_reply(cp, &packet, now);
		break;
	case CP_TERMINATE_REQUEST:
		receive_terminate(cp, &packet, now);
		break;
	case CP_TERMINATE_ACK:
		feed(cp, PPP_RTA, now);
		break;
	case CP_CODE_REJECT:
		receive_code_reject(cp, &packet, now);
		break;
	default:
		if (!cp->protocol->extended || !cp->protocol->extended(cp, &packet, now))
			receive_unknown(cp, data, packet.len + CP_HEADER, now);
		break;
	}
}

void cp_receive_echo(
	struct cp *cp, uint8_t reply, uint8_t id, const uint8_t *data, size_t len, uint64_t now)
{
	answer_with(cp, reply, id, data, len);
	feed(cp, PPP_RXR, now);
}

void cp_tick(struct cp *cp, uint64_t now)
{
	if (cp->failed)
		return;
	/* Before the event, because This-Layer-Finished comes inside it. */
	cp->timed_out = now >= cp->automaton.deadline && cp->automaton.restart_count == 0;
	automaton_tick(&cp->automaton, now);
}
