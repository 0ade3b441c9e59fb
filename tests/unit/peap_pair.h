/*
 * PEAP over a TLS without cryptography, for the tests: a server and a client, what they say inside,
 * and either of them as a hostile other would have it.
 */
#pragma once

#include "tests/unit/eap_end.h"
#include "tests/unit/tls_stub.h"

#define PEAP 25

static const struct ppp_auth_list peap_only = { 1, { PPP_AUTH_PEAP } };

struct side {
	struct eap_end end; /* first */
	struct stub_tls stub;
	bool seen_alice; /* the name in what it sent, in clear */
	size_t largest;
};

static struct side server, client;

static inline const struct tls_engine *side_tls(void *user)
{
	return &((struct side *)user)->stub.engine;
}

static inline void side_send(void *user, const uint8_t *packet, size_t len)
{
	struct side *s = user;

	s->seen_alice = s->seen_alice || (packet[4] == IDENTITY && memmem(packet, len, "alice", 5));
	if (len > s->largest)
		s->largest = len;
	end_send(user, packet, len);
}

static const struct chap_ops side_ops = {
	.send = side_send,
	.random = end_random,
	.judge = end_judge,
	.done = end_done,
	.notice = end_notice,
	.tls = side_tls,
};

static inline void start_server(enum tls_version version, uint16_t mtu)
{
	memset(&server, 0, sizeof(server));
	stub_init(&server.stub, version);
	server.end.password = "right";
	server.end.now = START;
	eap_start_authenticator(
		&server.end.e, &peap_only, "server", mtu, &side_ops, &server, START);
}

static inline void start_client(enum tls_version version, const char *password, uint16_t mtu)
{
	struct ppp_secret secret;

	memset(&client, 0, sizeof(client));
	stub_init(&client.stub, version);
	client.stub.name = "vpn.example.org";
	client.end.counter = 0x80;
	client.end.now = START;
	assert_int_equal(ppp_secret_from_password(&secret, password), 0);
	eap_start_peer(&client.end.e, &peap_only, "alice", &secret, mtu, &side_ops, &client, START);
}

static inline void start(enum tls_version version, const char *password, uint16_t mtu)
{
	start_client(version, password, mtu);
	start_server(version, mtu);
}

/* What came through the tunnel in the last packet, which has no fragments. */
static inline const uint8_t *inside(const struct eap_end *e, size_t *len)
{
	if (e->len < 11 || e->packet[4] != PEAP || (e->packet[5] & 0xe0) || e->packet[6] != 'X')
		return NULL;
	*len = (size_t)(e->packet[9] << 8 | e->packet[10]);
	assert_int_equal(*len, e->len - 11);
	return e->packet + 11;
}

static inline bool is_tlvs(const struct eap_end *e)
{
	size_t len;
	const uint8_t *p = inside(e, &len);

	return p && len >= 5 && p[4] == 33;
}

static inline bool is_inner(const struct eap_end *e, uint8_t type)
{
	size_t len;
	const uint8_t *p = inside(e, &len);

	return p && p[0] == type && !is_tlvs(e);
}

static inline bool never(const struct eap_end *e)
{
	(void)e;
	return false;
}

static inline bool is_identity(const struct eap_end *e)
{
	return is_inner(e, IDENTITY);
}

/* Packets to and fro until nobody has any left, or that one of the server's has been sent. */
static inline void talk_until(bool (*stop)(const struct eap_end *e))
{
	unsigned int told[2] = { 0 };

	for (unsigned int i = 0; i < 400; i++) {
		if (server.end.sent > told[0] && stop(&server.end))
			return;
		if (server.end.sent > told[0]) {
			told[0] = server.end.sent;
			deliver(&server.end, &client.end);
		} else if (client.end.sent > told[1]) {
			told[1] = client.end.sent;
			deliver(&client.end, &server.end);
		} else {
			assert_ptr_equal(stop, never);
			return;
		}
	}
	fail_msg("no end");
}

static inline void done(void)
{
	eap_done(&server.end.e);
	eap_done(&client.end.e);
	assert_int_equal(server.stub.opened + client.stub.opened, 0);
}

/* A packet of PEAP with that inside of TLS, to `to`; `tlvs`: with the header that they have. */
static inline void say_bytes(struct eap_end *to, uint8_t id, const uint8_t *body, size_t len)
{
	uint8_t packet[1500];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put_u8(&w, to == &client.end ? REQUEST : RESPONSE);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(11 + len));
	wire_put_u8(&w, PEAP);
	wire_put_u8(&w, 0);
	wire_put_u8(&w, 'X');
	wire_put_u32(&w, (uint32_t)len);
	wire_put_bytes(&w, body, len);
	assert_false(w.failed);
	end_receive(to, packet, wire_written(&w));
}

static inline void say(struct eap_end *to, uint8_t id, const char *hex)
{
	uint8_t body[700];

	say_bytes(to, id, body, unhex(body, sizeof(body), hex));
}

static inline void say_tlvs(struct eap_end *to, uint8_t id, const char *hex)
{
	uint8_t body[700] = { to == &client.end ? REQUEST : RESPONSE, id, 0, 0, 33 };
	size_t len = 5 + unhex(body + 5, sizeof(body) - 5, hex);

	body[2] = (uint8_t)(len >> 8);
	body[3] = (uint8_t)len;
	say_bytes(to, id, body, len);
}

static inline void say_success(uint8_t id)
{
	const uint8_t packet[] = { SUCCESS, id, 0, 4 };

	end_receive(&client.end, packet, sizeof(packet));
}

static inline void say_failure(uint8_t id)
{
	const uint8_t packet[] = { FAILURE, id, 0, 4 };

	end_receive(&client.end, packet, sizeof(packet));
}

static inline uint8_t asked(void)
{
	return server.end.e.identifier;
}
