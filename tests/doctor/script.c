/* Captures, written by tests: see script.h. */
#include "tests/doctor/script.h"

#include "lib/checksum.h"
#include "lib/mppe/mppe.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"

#include <stdlib.h>
#include <string.h>

#define DLT_RAW_IP 101
#define IP_HEAD    20

static const uint32_t addresses[2] = { SCRIPT_CLIENT, SCRIPT_SERVER };

static void put_le(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

void script_begin(struct script *s)
{
	memset(s, 0, sizeof(*s));
	s->now = 1000000000000000;
	s->tcp_seq[0] = 1000;
	s->tcp_seq[1] = 2000;
	s->call_id[0] = 11;
	s->call_id[1] = 22;
	put_le(s->file, 0xa1b2c3d4);
	put_le(s->file + 4, 2 | 4 << 16);
	put_le(s->file + 16, 65535);
	put_le(s->file + 20, DLT_RAW_IP);
	s->used = 24;
}

void script_wait(struct script *s, double seconds)
{
	s->now += (uint64_t)(int64_t)(seconds * 1e6);
}

static void ip_packet(struct script *s, uint32_t src, uint32_t dst, uint8_t protocol,
	const uint8_t *data, size_t len)
{
	uint8_t *p = s->file + s->used;
	struct wire_writer w = wire_writer(p + 16, SCRIPT_SIZE - s->used - 16);

	s->now += 10000;
	if (s->lost)
		return;
	put_le(p, (uint32_t)(s->now / 1000000));
	put_le(p + 4, (uint32_t)(s->now % 1000000));
	put_le(p + 8, (uint32_t)(IP_HEAD + len));
	put_le(p + 12, (uint32_t)(IP_HEAD + len));
	wire_put_u16(&w, 0x4500);
	wire_put_u16(&w, (uint16_t)(IP_HEAD + len));
	wire_put_u16(&w, (uint16_t)s->count);
	wire_put_u16(&w, s->fragment ? 0x2000 : 0x4000);
	wire_put_u8(&w, 64);
	wire_put_u8(&w, protocol);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, src);
	wire_put_u32(&w, dst);
	wire_put_bytes(&w, data, len);
	if (w.failed || s->count == SCRIPT_PACKETS)
		abort();
	wire_patch_u16(&w, 10, checksum_of(p + 16, IP_HEAD));
	s->at[s->count++] = s->used;
	s->used += 16 + IP_HEAD + len;
}

void script_noise(struct script *s)
{
	static const uint8_t udp[8] = { 0, 53, 0, 53, 0, 8, 0, 0 };

	ip_packet(s, SCRIPT_CLIENT, 0x08080808, 17, udp, sizeof(udp));
}

void script_tcp(struct script *s, unsigned int side, uint8_t flags, const void *data, size_t len)
{
	uint8_t segment[20 + 512];
	struct wire_writer w = wire_writer(segment, sizeof(segment));

	wire_put_u16(&w, side ? CONTROL_PORT : 40000);
	wire_put_u16(&w, side ? 40000 : CONTROL_PORT);
	wire_put_u32(&w, s->tcp_seq[side]);
	wire_put_u32(&w, flags & SCRIPT_ACK ? s->tcp_seq[1 - side] : 0);
	wire_put_u8(&w, 5 << 4);
	wire_put_u8(&w, flags);
	wire_put_u16(&w, 65535);
	wire_put_u32(&w, 0);
	wire_put_bytes(&w, data, len);
	ip_packet(s, addresses[side], addresses[1 - side], 6, segment, wire_written(&w));
	s->tcp_seq[side] += (uint32_t)len + (flags & (SCRIPT_SYN | SCRIPT_FIN) ? 1 : 0);
}

void script_control(struct script *s, unsigned int side, const struct control_message *m)
{
	uint8_t buf[CONTROL_MESSAGE_MAX];
	int len = control_message_encode(m, buf, sizeof(buf));

	if (len < 0)
		abort();
	script_tcp(s, side, SCRIPT_ACK, buf, (size_t)len);
}

static void gre(struct script *s, unsigned int side, const uint8_t *frame, size_t len)
{
	uint8_t packet[2048];
	struct wire_writer w = wire_writer(packet, sizeof(packet));
	bool ack = s->heard[side] && !s->deaf[side];

	wire_put_u16(&w, (uint16_t)(0x2001 | (frame ? 0x1000 : 0) | (ack ? 0x80 : 0)));
	wire_put_u16(&w, 0x880b);
	wire_put_u16(&w, (uint16_t)len);
	wire_put_u16(&w, (uint16_t)(s->call_id[1 - side] + s->rewritten[side]));
	if (frame)
		wire_put_u32(&w, s->gre_seq[side]++);
	if (ack)
		wire_put_u32(&w, s->gre_seq[1 - side] - 1);
	wire_put_bytes(&w, frame, len);
	ip_packet(s, addresses[side], addresses[1 - side], 47, packet, wire_written(&w));
	if (frame)
		s->heard[1 - side] = true;
}

void script_fragment(struct script *s, unsigned int side)
{
	uint8_t frame[1464] = { 0xff, 0x03, 0x00, 0xfd, 0x90 };

	s->fragment = true;
	s->heard[side] = true; /* a header of 16 octets makes whole units of 8 */
	gre(s, side, frame, sizeof(frame));
	s->fragment = false;
}

void script_ack(struct script *s, unsigned int side)
{
	gre(s, side, NULL, 0);
}

void script_frame_bytes(
	struct script *s, unsigned int side, uint16_t protocol, const uint8_t *data, size_t len)
{
	uint8_t frame[2000];
	struct wire_writer w = wire_writer(frame, sizeof(frame));

	wire_put_u16(&w, 0xff03);
	wire_put_u16(&w, protocol);
	wire_put_bytes(&w, data, len);
	gre(s, side, frame, wire_written(&w));
}

void script_mppe(struct script *s, unsigned int side, size_t size)
{
	uint8_t data[1800] = { 0 };
	struct wire_writer w = wire_writer(data, sizeof(data));

	wire_put_u16(&w, (uint16_t)(MPPE_FLUSHED | MPPE_ENCRYPTED |
				    ((s->gre_seq[side] + s->counted[side]) & MPPE_COUNT)));
	script_frame_bytes(s, side, PPP_COMP, data, size);
}

static size_t unhex(const char *hex, uint8_t *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int nibbles = 0;
	size_t n = 0;

	for (; *hex; hex++) {
		const char *digit = strchr(digits, *hex);

		if (*hex == ' ')
			continue;
		if (!digit || n == size)
			abort();
		if (nibbles++ % 2 == 0)
			out[n] = (uint8_t)((digit - digits) << 4);
		else
			out[n++] |= (uint8_t)(digit - digits);
	}
	return n;
}

void script_frame(struct script *s, unsigned int side, uint16_t protocol, const char *hex)
{
	uint8_t data[1024];
	size_t len = unhex(hex, data, sizeof(data));

	script_frame_bytes(s, side, protocol, data, len);
}

static void packet(struct script *s, unsigned int side, uint16_t protocol, uint8_t code, uint8_t id,
	const uint8_t *body, size_t len)
{
	uint8_t data[1100];
	struct wire_writer w = wire_writer(data, sizeof(data));

	wire_put_u8(&w, code);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(4 + len));
	wire_put_bytes(&w, body, len);
	script_frame_bytes(s, side, protocol, data, wire_written(&w));
}

void script_ppp(struct script *s, unsigned int side, uint16_t protocol, uint8_t code, uint8_t id,
	const char *hex)
{
	uint8_t body[1024];

	packet(s, side, protocol, code, id, body, unhex(hex, body, sizeof(body)));
}

void script_words(struct script *s, unsigned int side, uint16_t protocol, uint8_t code, uint8_t id,
	const char *text)
{
	packet(s, side, protocol, code, id, (const uint8_t *)text, strlen(text));
}

void script_icmp(struct script *s, uint32_t from, unsigned int side, uint8_t type, uint8_t code,
	uint16_t mtu, uint8_t protocol)
{
	uint8_t data[64];
	struct wire_writer w = wire_writer(data, sizeof(data));

	wire_put_u8(&w, type);
	wire_put_u8(&w, code);
	wire_put_u32(&w, 0);
	wire_put_u16(&w, mtu);
	wire_put_u16(&w, 0x4500);
	wire_put_u16(&w, 60);
	wire_put_u32(&w, 0x00004000);
	wire_put_u8(&w, 60);
	wire_put_u8(&w, protocol);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, addresses[side]);
	wire_put_u32(&w, addresses[1 - side]);
	if (protocol == 6) {
		wire_put_u16(&w, side ? CONTROL_PORT : 40000);
		wire_put_u16(&w, side ? 40000 : CONTROL_PORT);
		wire_put_u32(&w, s->tcp_seq[side]);
	} else {
		wire_put_u32(&w, 0x3001880b);
		wire_put_u16(&w, 20);
		wire_put_u16(&w, s->call_id[1 - side]);
	}
	wire_patch_u16(&w, 2, checksum_of(data, wire_written(&w)));
	ip_packet(s, from, addresses[side], 1, data, wire_written(&w));
}

void script_open(struct script *s)
{
	script_tcp(s, 0, SCRIPT_SYN, NULL, 0);
	script_tcp(s, 1, SCRIPT_SYN | SCRIPT_ACK, NULL, 0);
	script_tcp(s, 0, SCRIPT_ACK, NULL, 0);
}

void script_start(struct script *s)
{
	struct control_message m = { .type = CONTROL_START_REQUEST,
		.start = { .version = CONTROL_VERSION_1_0, .framing = 3, .bearer = 3 } };

	if (s->by_doctor)
		strcpy(m.start.vendor, "greyline doctor");
	script_open(s);
	script_control(s, 0, &m);
	m.type = CONTROL_START_REPLY;
	m.start.result = CONTROL_START_OK;
	script_control(s, 1, &m);
}

void script_call(struct script *s)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REQUEST,
		.outgoing_request = {
			.call_id = s->call_id[0], .max_bps = 100000000, .window = 64 } };

	script_start(s);
	script_control(s, 0, &m);
	m = (struct control_message){ .type = CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = s->call_id[1],
			.peer_call_id = s->call_id[0],
			.result = CONTROL_OUTGOING_CONNECTED,
			.connect_speed = 100000000,
			.window = 64 } };
	script_control(s, 1, &m);
}

/* A request, and its acknowledgment. */
static void agree(struct script *s, unsigned int side, uint16_t protocol, const char *options)
{
	script_ppp(s, side, protocol, 1, ++s->id[side], options);
	script_ppp(s, 1 - side, protocol, 2, s->id[side], options);
}

void script_lcp(struct script *s, const char *auth)
{
	char options[64] = "0506 22222222 ";

	script_call(s);
	strncat(options, auth, sizeof(options) - strlen(options) - 1);
	agree(s, 1, PPP_LCP, options);
	agree(s, 0, PPP_LCP, "0506 11111111");
}

void script_pap(struct script *s)
{
	script_lcp(s, "0304 c023");
	script_ppp(s, 0, PPP_PAP, 1, 1, "05 616c696365 06 736563726574");
	script_ppp(s, 1, PPP_PAP, 2, 1, "00");
}

void script_mschap(struct script *s)
{
	script_lcp(s, "0305 c223 81");
	script_ppp(s, 1, PPP_CHAP, 1, 1, "10 00112233445566778899aabbccddeeff 70");
	script_ppp(s, 0, PPP_CHAP, 2, 1,
		"31 00112233445566778899aabbccddeeff 0000000000000000"
		"00112233445566778899aabbccddeeff0011223344556677 00 616c696365");
	script_words(s, 1, PPP_CHAP, 3, 1, "S=0123456789ABCDEF0123456789ABCDEF01234567 M=ok");
}

void script_ccp(struct script *s)
{
	agree(s, 1, PPP_CCP, "1206 01000040");
	agree(s, 0, PPP_CCP, "1206 01000040");
}

void script_ipcp(struct script *s)
{
	agree(s, 1, PPP_IPCP, "0306 0a000001");
	script_ppp(s, 0, PPP_IPCP, 1, ++s->id[0], "0306 00000000");
	script_ppp(s, 1, PPP_IPCP, 3, s->id[0], "0306 0a000002");
	agree(s, 0, PPP_IPCP, "0306 0a000002");
}

void script_up(struct script *s)
{
	script_pap(s);
	script_ipcp(s);
}

void script_up_mppe(struct script *s)
{
	script_mschap(s);
	script_ccp(s);
	script_ipcp(s);
}

void script_traffic(struct script *s, unsigned int count, size_t size)
{
	for (unsigned int i = 0; i < count; i++) {
		script_mppe(s, 0, size);
		script_mppe(s, 1, size);
	}
}

void script_bye(struct script *s)
{
	struct control_message m = { .type = CONTROL_CALL_CLEAR_REQUEST,
		.clear_request = { .call_id = s->call_id[0] } };

	script_words(s, 0, PPP_LCP, 5, 9, "User request");
	script_ppp(s, 1, PPP_LCP, 6, 9, "");
	script_control(s, 0, &m);
	m = (struct control_message){ .type = CONTROL_CALL_DISCONNECT_NOTIFY,
		.disconnect = { .call_id = s->call_id[1], .result = CONTROL_DISCONNECT_REQUEST } };
	script_control(s, 1, &m);
	m = (struct control_message){ .type = CONTROL_STOP_REQUEST,
		.stop_request = { .reason = CONTROL_STOP_LOCAL_SHUTDOWN } };
	script_control(s, 0, &m);
	m = (struct control_message){ .type = CONTROL_STOP_REPLY, .stop_reply = { .result = 1 } };
	script_control(s, 1, &m);
	script_tcp(s, 0, SCRIPT_FIN | SCRIPT_ACK, NULL, 0);
	script_tcp(s, 1, SCRIPT_FIN | SCRIPT_ACK, NULL, 0);
}
