/*
 * A man in the middle between our two ends, in virtual time: each edit of mitm_edits.h against each
 * pair of policies and each pair of lists of methods, with the right and a wrong password. Whatever
 * he does, a call ends, or reaches the floor of each end's own policy, never less:
 *
 * - the method that authenticated is in the end's own list; a server is never up without the
 *   password; a client shows its password (PAP) only if its list has that;
 * - where encryption is required, it is on both ways, in a strength that the list has, and no data is
 *   seen in clear; what was encrypted once never is in clear again, also where it is only preferred;
 * - no datagram of his gets through as data where data is encrypted.
 *
 * `sim-mitm [EDIT]`: all edits, or those whose name has that in it (SIM_TRACE=1 shows the logs).
 */
#include "lib/ppp/frame.h"
#include "tests/sim/end.h"
#include "tests/sim/mitm_edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND      1000000ull
#define UP_LIMIT    (70 * SECOND)
#define LATE_TIME   (30 * SECOND)
#define CLOSE_LIMIT (200 * SECOND)
#define FRAME_MAX   1700

struct policy {
	const char *name;
	struct ppp_mppe_config mppe[2]; /* client, server */
};

#define STRONG                                                                                     \
	{                                                                                          \
		PPP_MPPE_REQUIRE, PPP_MPPE_128, true, false                                        \
	}
#define ANY(policy)                                                                                \
	{                                                                                          \
		policy, PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128, true, true                       \
	}

static const struct policy policies[] = {
	{ "128 stateless required", { STRONG, STRONG } },
	{ "any required", { ANY(PPP_MPPE_REQUIRE), ANY(PPP_MPPE_REQUIRE) } },
	{ "128 required by the client", { STRONG, ANY(PPP_MPPE_PREFER) } },
	{ "128 required by the server", { ANY(PPP_MPPE_PREFER), STRONG } },
	{ "preferred", { ANY(PPP_MPPE_PREFER), ANY(PPP_MPPE_PREFER) } },
	{ "off", { { .policy = PPP_MPPE_OFF }, { .policy = PPP_MPPE_OFF } } },
};

#define EVERY                                                                                      \
	{                                                                                          \
		8,                                                                                 \
		{                                                                                  \
			PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_TLS, PPP_AUTH_PEAP, PPP_AUTH_EAP_MSCHAP2,   \
				PPP_AUTH_MSCHAP, PPP_AUTH_MD5, PPP_AUTH_EAP_MD5, PPP_AUTH_PAP      \
		}                                                                                  \
	}
#define ONLY(method)                                                                               \
	{                                                                                          \
		1,                                                                                 \
		{                                                                                  \
			method                                                                     \
		}                                                                                  \
	}

static const struct ppp_auth_list methods[][2] = { /* client, server */
	{ ONLY(PPP_AUTH_MSCHAP2), ONLY(PPP_AUTH_MSCHAP2) },
	{ ONLY(PPP_AUTH_EAP_MSCHAP2), ONLY(PPP_AUTH_EAP_MSCHAP2) },
	{ ONLY(PPP_AUTH_MSCHAP), ONLY(PPP_AUTH_MSCHAP) },
	{ ONLY(PPP_AUTH_MD5), ONLY(PPP_AUTH_MD5) },
	{ ONLY(PPP_AUTH_EAP_MD5), ONLY(PPP_AUTH_EAP_MD5) },
	{ ONLY(PPP_AUTH_PAP), ONLY(PPP_AUTH_PAP) }, { EVERY, EVERY },
	{ ONLY(PPP_AUTH_MSCHAP2), EVERY }, { EVERY, ONLY(PPP_AUTH_MSCHAP2) },
	{ ONLY(PPP_AUTH_EAP_MSCHAP2), EVERY }, { EVERY, ONLY(PPP_AUTH_EAP_MSCHAP2) },
	{ ONLY(PPP_AUTH_EAP_TLS), ONLY(PPP_AUTH_EAP_TLS) }, { ONLY(PPP_AUTH_EAP_TLS), EVERY },
	{ EVERY, ONLY(PPP_AUTH_EAP_TLS) }, { ONLY(PPP_AUTH_PEAP), ONLY(PPP_AUTH_PEAP) },
	{ ONLY(PPP_AUTH_PEAP), EVERY }, { EVERY, ONLY(PPP_AUTH_PEAP) }
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct packet_bytes {
	size_t len;
	uint8_t data[FRAME_MAX];
};

/* A Configure-Request that was edited, by the end that it went to. */
struct edited {
	bool used;
	struct packet_bytes request;
};

struct man {
	struct sim_network net;
	struct sim_end ends[2];
	const struct edit *edit;
	const struct policy *policy;
	const struct ppp_auth_list *auth; /* client, server */
	struct edited edited[2];
	uint32_t shift[2]; /* what came in addition to an end */
	bool late;         /* data passes */
	bool injected[2];
	bool secret[2]; /* data of this end was encrypted once */
	bool right_password;
	unsigned int changes;
	const char *broken;
};

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char byte[3] = { hex[0], hex[1], '\0' };

		out[n++] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

/* Control protocols' packets have their length in the header. */
static void set_length(struct packet_bytes *p)
{
	p->data[2] = (uint8_t)(p->len >> 8);
	p->data[3] = (uint8_t)p->len;
}

/* Rebuilds the packet's options without those of `type`; puts `value` where the first was. */
static bool change_option(struct packet_bytes *p, const struct edit *edit)
{
	struct wire_reader r = wire_reader(p->data + CP_HEADER, p->len - CP_HEADER);
	struct packet_bytes out = *p;
	struct wire_writer w = wire_writer(out.data + CP_HEADER, sizeof(out.data) - CP_HEADER);
	struct ppp_option option;
	uint8_t value[32];
	size_t len = from_hex(edit->bytes, value);
	bool found = false;

	while (ppp_option_next(&r, &option)) {
		if (option.type != edit->type) {
			ppp_option_put(&w, option.type, option.data, option.len);
			continue;
		}
		if (edit->kind == REPLACE)
			ppp_option_put(&w, option.type, value, (uint8_t)len);
		found = true;
	}
	out.len = CP_HEADER + wire_written(&w);
	if (found && !r.failed)
		*p = out;
	set_length(p);
	return found;
}

static bool is_configure(const struct packet_bytes *p, uint8_t code)
{
	return p->len >= CP_HEADER && p->data[0] == code;
}

/* REPLACE, REMOVE: the request is another, and its Ack looks as if it had not been. */
static void edit_option(struct man *m, unsigned int to, uint16_t protocol, struct packet_bytes *p)
{
	struct edited *back = &m->edited[1 - to], *there = &m->edited[to];

	if (protocol != m->edit->protocol)
		return;
	if (is_configure(p, 1) && m->edit->to & 1u << to) {
		there->request = *p;
		there->used = change_option(p, m->edit);
		m->changes += there->used;
	} else if (is_configure(p, 2) && back->used && p->data[1] == back->request.data[1]) {
		*p = back->request;
		p->data[0] = 2;
	}
}

/* Has the request that is acknowledged what the Nak would ask for? */
static bool heard(const struct packet_bytes *p, uint8_t type, const uint8_t *value, size_t len)
{
	struct wire_reader r = wire_reader(p->data + CP_HEADER, p->len - CP_HEADER);
	struct ppp_option option;

	while (ppp_option_next(&r, &option)) {
		if (option.type == type && option.len == len && !memcmp(option.data, value, len))
			return true;
	}
	return false;
}

/* NAK_IT, REJECT_IT: the Ack is none. */
static void edit_answer(struct man *m, unsigned int to, uint16_t protocol, struct packet_bytes *p)
{
	struct wire_reader r = wire_reader(p->data + CP_HEADER, p->len - CP_HEADER);
	struct packet_bytes out = *p;
	struct wire_writer w = wire_writer(out.data + CP_HEADER, sizeof(out.data) - CP_HEADER);
	struct ppp_option option;
	uint8_t value[32];
	size_t len = from_hex(m->edit->bytes, value);

	if (protocol != m->edit->protocol || !(m->edit->to & 1u << to) || !is_configure(p, 2))
		return;
	if (m->edit->kind == NAK_IT) {
		out.data[0] = 3;
		if (heard(p, m->edit->type, value, len))
			return;
		ppp_option_put(&w, m->edit->type, value, (uint8_t)len);
	} else {
		out.data[0] = 4;
		while (ppp_option_next(&r, &option)) {
			if (option.type == m->edit->type)
				ppp_option_put(&w, option.type, option.data, option.len);
		}
	}
	if (!wire_written(&w))
		return;
	out.len = CP_HEADER + wire_written(&w);
	set_length(&out);
	*p = out;
	m->changes++;
}

/* Is it of the kind that DROP and BECOMES mean? */
static bool meant(
	const struct man *m, unsigned int to, uint16_t protocol, const struct packet_bytes *p)
{
	const struct edit *e = m->edit;

	return e->to & 1u << to && protocol == e->protocol && p->len >= CP_HEADER &&
	       (!e->code || p->data[0] == e->code) &&
	       (!e->type || (p->len > CP_HEADER && p->data[4] == e->type));
}

static void write_datagram(struct gre_header *h, uint16_t protocol, const struct packet_bytes *p,
	uint8_t *data, size_t *len)
{
	struct wire_writer w;

	h->payload_len = (uint16_t)(p->len + 4);
	gre_header_encode(h, data);
	w = wire_writer(data + gre_header_size(h), FRAME_MAX + 4);
	wire_put_u16(&w, 0xff03);
	wire_put_u16(&w, protocol);
	wire_put_bytes(&w, p->data, p->len);
	*len = gre_header_size(h) + wire_written(&w);
}

/* Before the packet with this header, which is numbered behind it. */
static void inject(struct man *m, unsigned int to, struct gre_header *h)
{
	struct gre_header first = { .call_id = h->call_id, .has_seq = true, .seq = h->seq };
	struct packet_bytes p;
	uint8_t data[FRAME_MAX + 64];
	size_t len;

	p.len = from_hex(m->edit->bytes, p.data);
	if (m->edit->other != PPP_IP && m->edit->other != PPP_COMP)
		set_length(&p);
	write_datagram(&first, m->edit->other, &p, data, &len);
	sim_inject(&m->net, to, data, len);
	m->injected[to] = true;
	m->shift[to]++;
	h->seq++;
	m->changes++;
}

static bool injects(const struct man *m, unsigned int to)
{
	if (!(m->edit->to & 1u << to) || m->injected[to])
		return false;
	if (m->edit->kind == INJECT_NOW)
		return m->edit->other != PPP_IP || m->policy->mppe[to].policy == PPP_MPPE_REQUIRE;
	if (m->edit->kind != INJECT || !m->late)
		return false;
	/* Where data is in clear, nobody can tell whose it is. */
	return m->edit->other != PPP_IP || m->secret[to];
}

static bool has(const struct ppp_auth_list *list, enum ppp_auth_method method)
{
	return ppp_auth_allows(list, method);
}

static bool has_eap(const struct ppp_auth_list *list)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (ppp_auth_is_eap((enum ppp_auth_method)list->methods[i]))
			return true;
	}
	return false;
}

/* What an end says: never more than its policy. */
static void watch(struct man *m, unsigned int from, uint16_t protocol)
{
	struct ppp_link_info info;

	ppp_link_get_info(m->ends[from].link, &info);
	if (info.tx_encrypted && info.rx_encrypted)
		m->secret[from] = true;
	if (from == 0 && protocol == PPP_PAP && !has(&m->auth[0], PPP_AUTH_PAP))
		m->broken = "the client shows its password";
	if (from == 0 && protocol == PPP_EAP && !has_eap(&m->auth[0]))
		m->broken = "the client speaks EAP, which it does not allow";
	if (!ppp_is_data(protocol) || protocol == PPP_COMP)
		return;
	if (m->secret[from])
		m->broken = "what was encrypted once is in clear";
}

static bool in_the_middle(void *user, unsigned int to, uint8_t *data, size_t *len)
{
	struct man *m = user;
	struct gre_header h;
	struct wire_reader r;
	struct packet_bytes p;
	uint16_t protocol;
	size_t at;
	bool numbered;

	if (gre_header_decode(&h, data, *len, &at) != GRE_OK)
		return true;
	h.ack -= m->shift[1 - to];
	numbered = h.has_seq;
	h.seq += m->shift[to];
	if (!numbered) {
		gre_header_encode(&h, data);
		return true;
	}
	r = wire_reader(data + at, *len - at);
	if (!ppp_header_read(&r, &protocol))
		return true;
	p.len = wire_left(&r);
	memcpy(p.data, r.pos, p.len);
	watch(m, 1 - to, protocol);
	if (injects(m, to))
		inject(m, to, &h);
	if (m->edit->kind == REPLACE || m->edit->kind == REMOVE)
		edit_option(m, to, protocol, &p);
	else if (m->edit->kind == NAK_IT || m->edit->kind == REJECT_IT)
		edit_answer(m, to, protocol, &p);
	else if ((m->edit->kind == DROP || m->edit->kind == BECOMES) &&
		 meant(m, to, protocol, &p)) {
		uint8_t id = p.data[1];

		m->changes++;
		if (m->edit->kind == DROP)
			return false;
		p.len = from_hex(m->edit->bytes, p.data);
		p.data[1] = id;
		protocol = m->edit->other;
	}
	write_datagram(&h, protocol, &p, data, len);
	return true;
}

/* What an end that is up has reached. */
static void check_floor(struct man *m)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct sim_end *e = &m->ends[i];
		const struct ppp_mppe_config *mppe = &m->policy->mppe[i];
		struct ppp_link_info info;
		bool known = false;

		if (e->violation)
			m->broken = e->violation;
		if (e->damaged && m->edit->other == PPP_IP)
			m->broken = "what the man in the middle wrote is taken for data";
		if (!sim_end_over(e) && sim_end_deadline(e) == UINT64_MAX)
			m->broken = "an end waits without a deadline";
		ppp_link_get_info(e->link, &info);
		if (info.phase != PPP_NETWORK)
			continue;
		for (unsigned int k = 0; k < m->auth[i].count; k++)
			known = known ||
				!strcmp(info.auth,
					ppp_auth_name((enum ppp_auth_method)m->auth[i].methods[k]));
		if (!known)
			m->broken = "authenticated by no method that is allowed";
		if (!e->up)
			continue;
		if (i && !m->right_password)
			m->broken = "the server is up without the right password";
		if (info.tx_encrypted != info.rx_encrypted)
			m->broken = "encrypted one way";
		if (mppe->policy == PPP_MPPE_REQUIRE && !info.tx_encrypted)
			m->broken = "up without the encryption that is required";
		if (info.tx_encrypted &&
			(!(mppe->strengths & (info.mppe.bits == MPPE_40          ? PPP_MPPE_40
						     : info.mppe.bits == MPPE_56 ? PPP_MPPE_56
										 : PPP_MPPE_128)) ||
				!(info.mppe.stateless ? mppe->allow_stateless
						      : mppe->allow_stateful)))
			m->broken = "up with encryption that is not allowed";
	}
}

static bool set_up(const struct man *m)
{
	return (m->ends[0].up && m->ends[1].up) || m->ends[0].link_over || m->ends[1].link_over;
}

static bool all_over(const struct man *m)
{
	return sim_end_over(&m->ends[0]) && sim_end_over(&m->ends[1]);
}

static void run_until(struct man *m, uint64_t until, bool (*done)(const struct man *m))
{
	struct sim_network *n = &m->net;
	unsigned int steps = 0;

	while (!m->broken && !(done && done(m))) {
		uint64_t t = sim_next(n), when = t;

		for (int i = 0; i < 2; i++) {
			uint64_t d = sim_end_deadline(&m->ends[i]);

			when = d < when ? d : when;
		}
		if (when > until)
			break;
		steps = when > n->now ? 0 : steps + 1;
		if (when > n->now)
			n->now = when;
		if (steps > 100000)
			m->broken = "time stands still";
		if (t <= when) {
			struct sim_event *e = sim_take(n);

			sim_end_event(&m->ends[e->to], e);
			sim_recycle(n, e);
		}
		for (int i = 0; i < 2; i++)
			sim_end_tick(&m->ends[i]);
		check_floor(m);
	}
	if (n->now < until && !(done && done(m)))
		n->now = until;
}

static void exchange(struct man *m, unsigned int count, uint64_t interval)
{
	for (unsigned int i = 0; i < count && !m->broken; i++) {
		for (int k = 0; k < 2; k++) {
			if (m->ends[k].up)
				(void)sim_end_send_data(&m->ends[k], 100);
		}
		run_until(m, m->net.now + interval, NULL);
	}
}

/* true: it came up. */
static bool one(struct man *m, const struct edit *edit, unsigned int policy, unsigned int auth,
	bool right_password)
{
	static const struct sim_faults path = { .delay = 5000 };
	bool up;

	memset(m, 0, sizeof(*m));
	sim_network_init(&m->net, 1 + policy * 100 + auth, &path);
	/* He can put the ends' keys out of step, and MPPE has nothing to tell noise by. */
	m->net.corrupted = 1;
	m->net.middle = in_the_middle;
	m->net.middle_user = m;
	m->edit = edit;
	m->policy = &policies[policy];
	m->auth = methods[auth];
	m->right_password = right_password;
	for (unsigned int i = 2; i-- > 0;) {
		struct sim_end_config config = { .mppe = m->policy->mppe[i],
			.auth = m->auth[i],
			.cbcp = true,
			.compress = { .count = 3,
				.kinds = { CODEC_MPPC, CODEC_DEFLATE, CODEC_BSD } },
			.vj = true,
			.ipv6 = true,
			.user = "alice",
			.tls = TLS_1_2,
			.certificate = right_password ? "alice" : "nobody",
			.password = i || right_password ? "wonderland" : "looking-glass",
			.flow = GRE_FLOW_ADVISORY,
			.window = 64 };

		sim_end_init(&m->ends[i], i, &m->net, &config);
	}
	run_until(m, m->net.now + UP_LIMIT, set_up);
	if (!m->broken && !set_up(m))
		m->broken = "set-up does not end";
	run_until(m, m->net.now + SECOND / 10, NULL);
	up = m->ends[0].up && m->ends[1].up;
	exchange(m, 5, SECOND / 100);
	m->late = up;
	exchange(m, 30, LATE_TIME / 30);
	if (!m->broken && !all_over(m))
		sim_end_close(&m->ends[0], SIM_BYE_LINK);
	run_until(m, m->net.now + CLOSE_LIMIT, all_over);
	if (!m->broken && !all_over(m))
		m->broken = "the ends did not end";
	for (int i = 0; i < 2; i++) {
		sim_end_done(&m->ends[i]);
		if (!m->broken && m->ends[i].packets)
			m->broken = "packets leaked";
	}
	sim_network_done(&m->net);
	return up;
}

/* Without encryption, or with a method that makes keys: so it comes up if nobody disturbs it. */
static bool should(const struct man *m)
{
	bool keys = false;

	for (unsigned int i = 0; i < m->auth[0].count; i++) {
		enum ppp_auth_method method = (enum ppp_auth_method)m->auth[0].methods[i];

		keys = keys || (ppp_auth_makes_keys(method) && has(&m->auth[1], method));
	}
	return m->right_password &&
	       (keys || (m->policy->mppe[0].policy != PPP_MPPE_REQUIRE &&
				m->policy->mppe[1].policy != PPP_MPPE_REQUIRE));
}

static void describe(const struct man *m, const char *what)
{
	printf("# %s, %s, first method %u (%u of them) and %u (%u), %s password: %s; client %s "
	       "(%s), "
	       "server %s (%s)\n",
		m->edit->name, m->policy->name, m->auth[0].methods[0], m->auth[0].count,
		m->auth[1].methods[0], m->auth[1].count, m->right_password ? "right" : "wrong",
		what, pptp_reason_name(m->ends[0].reason), m->ends[0].detail,
		pptp_reason_name(m->ends[1].reason), m->ends[1].detail);
}

/* An edit in every surrounding. */
static bool check_edit(const struct edit *edit, unsigned int number)
{
	static struct man m;
	unsigned int calls = 0, up = 0, edited = 0, bad = 0;

	for (unsigned int i = 0; i < COUNT(policies) * COUNT(methods) * 2; i++) {
		bool came_up = one(&m, edit, i / 2 / COUNT(methods), i / 2 % COUNT(methods), i & 1);

		calls++;
		up += came_up;
		edited += m.changes > 0;
		if (!m.broken && edit->kind == NOTHING && came_up != should(&m))
			m.broken = came_up ? "came up" : "did not come up";
		if (m.broken && bad++ < 5)
			describe(&m, m.broken);
	}
	if (!edited && edit->kind != NOTHING) {
		printf("# %s: never happened\n", edit->name);
		bad++;
	}
	printf("%s %u - %s: %u of %u calls edited, %u came up\n", bad ? "not ok" : "ok", number,
		edit->name, edited, calls, up);
	return !bad;
}

int main(int argc, char **argv)
{
	unsigned int failed = 0, number = 0;

	for (size_t i = 0; i < COUNT(edits); i++) {
		if (argc < 2 || strstr(edits[i].name, argv[1]))
			failed += !check_edit(&edits[i], ++number);
	}
	printf("1..%u\n", number);
	return failed ? 1 : 0;
}
