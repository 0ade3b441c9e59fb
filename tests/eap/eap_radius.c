/*
 * One of libpptp's ends of EAP behind RADIUS, for one conversation, to set it against another
 * implementation: "server" is our authenticator as a RADIUS server (for eapol_test), "client" our
 * peer in a NAS (for a RADIUS server). Status 0: authenticated, and the keys are those of the other
 * end where it tells them; 1: not authenticated; 2: usage; 3: the keys differ; 4: no conversation.
 */
#include "lib/ppp/eap.h"
#include "system/tls.h"
#include "system/tun.h"
#include "tests/eap/radius.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 20000 /* ms without a packet */

struct options {
	bool server;
	uint16_t port, mtu;
	const char *secret, *name, *password, *outer;
	bool binding_optional;
	struct tls_files files;
	struct ppp_auth_list methods;
};

struct end {
	const struct options *options;
	struct ppp_secret secret; /* of the account */
	struct tls_context *tls;  /* NULL: without */
	struct eap eap;
	bool first_random; /* what is drawn first is the identifier */
	uint8_t identifier;
	bool over, ok;
	struct mppe_material keys;
	size_t len; /* what the machine sent, since it was set to 0 */
	uint8_t packet[EAP_PACKET_MAX];
};

static void die(const char *what)
{
	perror(what);
	exit(4);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

/* ---- the machine's owner ---- */

static void send_packet(void *user, const uint8_t *packet, size_t len)
{
	struct end *e = user;

	memcpy(e->packet, packet, len);
	e->len = len;
}

static void draw(void *user, void *buf, size_t len)
{
	struct end *e = user;

	if (getrandom(buf, len, 0) != (ssize_t)len)
		die("getrandom");
	if (e->first_random && len == 1)
		memcpy(buf, &e->identifier, 1);
	e->first_random = false;
}

static void judge(void *user, const struct ppp_auth_request *request)
{
	struct end *e = user;
	struct ppp_auth_verdict verdict = { .error = 691 };

	printf("judged %s %s\n", ppp_auth_keyword(request->method), request->name);
	if (request->method == PPP_AUTH_EAP_TLS)
		verdict.ok = !strcmp(request->certificate->names[0], e->options->name);
	else if (!strcmp(request->name, e->options->name))
		(void)ppp_auth_check(request, &e->secret, &verdict);
	verdict.retry = false; /* eapol_test would ask somebody for another password */
	eap_verdict(&e->eap, &verdict, now_us());
}

static void done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	struct end *e = user;

	e->over = true;
	e->ok = ok;
	e->keys = *keys;
	if (ok)
		printf("success %s\n", ppp_auth_keyword(eap_auth_method(&e->eap)));
	else
		printf("failure: %s: %s\n", pptp_reason_name(reason), detail);
}

static void notice(void *user, const char *text)
{
	(void)user;
	printf("notice: %s\n", text);
}

static const struct tls_engine *tls(void *user)
{
	struct end *e = user;

	return e->tls ? tls_context_engine(e->tls) : NULL;
}

static const struct chap_ops ops = {
	.send = send_packet,
	.random = draw,
	.judge = judge,
	.done = done,
	.notice = notice,
	.tls = tls,
};

/* What an authenticator tells its NAS: Recv is for what the client sends (RFC 2548 2.4.3). */
static void tell_keys(const struct end *e, struct radius *p)
{
	if (!mppe_material_has(&e->keys, MPPE_128))
		return;
	if (e->keys.source == MPPE_FROM_MSK) {
		p->recv_len = p->send_len = sizeof(p->recv);
		memcpy(p->recv, e->keys.key, sizeof(p->recv));
		memcpy(p->send, e->keys.other, sizeof(p->send));
		return;
	}
	p->recv_len = p->send_len = 16;
	mppe_material_start(&e->keys, MPPE_128, false, p->recv);
	mppe_material_start(&e->keys, MPPE_128, true, p->send);
}

/* ---- packets ---- */

static size_t receive(int fd, uint8_t packet[RADIUS_MAX], struct sockaddr_in *from, int limit)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	socklen_t size = sizeof(*from);
	ssize_t n;

	if (poll(&p, 1, limit) <= 0)
		return 0;
	n = recvfrom(fd, packet, RADIUS_MAX, 0, (struct sockaddr *)from, &size);
	return n > 0 ? (size_t)n : 0;
}

static void transmit(int fd, const uint8_t *packet, size_t len, const struct sockaddr_in *to)
{
	if (!len || sendto(fd, packet, len, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("sending");
}

/* ---- our authenticator ---- */

static void start_server(struct end *e, const struct radius *request)
{
	eap_done(&e->eap);
	e->first_random = true;
	e->identifier = request->eap[1];
	eap_start_authenticator(
		&e->eap, &e->options->methods, "server", e->options->mtu, &ops, e, now_us());
	eap_set_peap(&e->eap, NULL, e->options->binding_optional);
}

static size_t answer(struct end *e, const struct radius *request, uint8_t out[RADIUS_MAX])
{
	struct radius p = { .identifier = request->identifier, .state_len = 4, .state = "eap" };

	if (!request->state_len)
		start_server(e, request);
	e->len = 0;
	eap_receive(&e->eap, request->eap, request->eap_len, now_us());
	if (!e->len && !e->over) {
		printf("ignored: %s\n", e->eap.ignored ? e->eap.ignored : "without a word");
		return 0;
	}
	p.code = !e->over ? RADIUS_CHALLENGE : e->ok ? RADIUS_ACCEPT : RADIUS_REJECT;
	p.eap_len = e->len;
	memcpy(p.eap, e->packet, e->len);
	if (p.code == RADIUS_ACCEPT)
		tell_keys(e, &p);
	return radius_encode(&p, e->options->secret, request->authenticator, out);
}

static int serve(struct end *e, int fd, struct sockaddr_in *address)
{
	uint8_t packet[RADIUS_MAX], reply[RADIUS_MAX], last[16] = "";
	static const uint8_t zeros[16];
	struct sockaddr_in from;
	size_t len, reply_len = 0;

	if (bind(fd, (struct sockaddr *)address, sizeof(*address)))
		die("bind");
	printf("ready\n");
	while (!e->over) {
		struct radius request;

		len = receive(fd, packet, &from, LIMIT);
		if (!len)
			return 4;
		if (radius_decode(&request, e->options->secret, zeros, packet, len) ||
			request.code != RADIUS_REQUEST || request.eap_len < 4)
			continue;
		/* It comes again: so does the answer. */
		if (!reply_len || memcmp(last, request.authenticator, sizeof(last)))
			reply_len = answer(e, &request, reply);
		memcpy(last, request.authenticator, sizeof(last));
		if (reply_len)
			transmit(fd, reply, reply_len, &from);
	}
	return e->ok ? 0 : 1;
}

/* ---- our peer ---- */

/* 0 and the reply, or 4. */
static int ask(const struct end *e, int fd, struct radius *request, struct radius *reply,
	const struct sockaddr_in *server)
{
	uint8_t packet[RADIUS_MAX], in[RADIUS_MAX];
	struct sockaddr_in from;
	size_t len;

	request->code = RADIUS_REQUEST;
	request->identifier++;
	if (getrandom(request->authenticator, 16, 0) != 16)
		die("getrandom");
	len = radius_encode(request, e->options->secret, request->authenticator, packet);
	for (unsigned int n = 0; n < 4; n++) {
		transmit(fd, packet, len, server);
		len = receive(fd, in, &from, 3000);
		if (len &&
			!radius_decode(
				reply, e->options->secret, request->authenticator, in, len) &&
			reply->identifier == request->identifier)
			return 0;
	}
	printf("no valid answer came\n");
	return 4;
}

static int compare_keys(const struct end *e, const struct radius *accept)
{
	struct radius ours = { 0 };

	tell_keys(e, &ours);
	if (!accept->recv_len && !ours.recv_len) {
		printf("no keys\n");
		return 0;
	}
	if (accept->recv_len != ours.recv_len || accept->send_len != ours.send_len ||
		memcmp(ours.recv, accept->recv, ours.recv_len) ||
		memcmp(ours.send, accept->send, ours.send_len)) {
		printf("the keys differ\n");
		return 3;
	}
	printf("the keys agree\n");
	return 0;
}

static int ask_in_turn(struct end *e, int fd, const struct sockaddr_in *server)
{
	static const uint8_t identity[] = { 1, 0, 0, 5, 1 };
	const char *name = e->options->outer ? e->options->outer : e->options->name;
	struct radius request = { .user_len = (uint8_t)strlen(name) }, reply;

	memcpy(request.user, name, request.user_len);
	eap_receive(&e->eap, identity, sizeof(identity), now_us());
	while (!e->over && e->len) {
		request.eap_len = e->len;
		memcpy(request.eap, e->packet, e->len);
		if (ask(e, fd, &request, &reply, server))
			return 4;
		request.state_len = reply.state_len;
		memcpy(request.state, reply.state, reply.state_len);
		e->len = 0;
		eap_receive(&e->eap, reply.eap, reply.eap_len, now_us());
		if (e->over && e->ok && reply.code == RADIUS_ACCEPT)
			return compare_keys(e, &reply);
	}
	if (!e->over)
		printf("ignored: %s\n", e->eap.ignored ? e->eap.ignored : "without a word");
	return 1;
}

static int converse(struct end *e, int fd, const struct sockaddr_in *server)
{
	eap_start_peer(&e->eap, &e->options->methods, e->options->name, &e->secret, e->options->mtu,
		&ops, e, now_us());
	eap_set_peap(&e->eap, e->options->outer, false);
	return ask_in_turn(e, fd, server);
}

/* ---- options ---- */

static int usage(void)
{
	fprintf(stderr, "usage: eap-radius server|client --port N --secret WORD --name NAME "
			"--password WORD --methods WORD,... [--mtu N] [--certificate FILE "
			"--key FILE] [--ca FILE] [--server-name NAME] [--outer NAME] "
			"[--binding-optional]\n");
	return 2;
}

static int parse_methods(struct ppp_auth_list *list, char *words)
{
	char *rest;

	for (char *w = strtok_r(words, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
		enum ppp_auth_method method = ppp_auth_from_keyword(w);

		if (!method || list->count == PPP_AUTH_COUNT)
			return -1;
		list->methods[list->count++] = (uint8_t)method;
	}
	return list->count ? 0 : -1;
}

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "secret", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "password", required_argument, NULL, 'w' },
		{ "methods", required_argument, NULL, 'm' },
		{ "mtu", required_argument, NULL, 'u' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "ca", required_argument, NULL, 'a' },
		{ "server-name", required_argument, NULL, 'N' },
		{ "outer", required_argument, NULL, 'o' },
		{ "binding-optional", no_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'p':
			o->port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			o->secret = optarg;
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'w':
			o->password = optarg;
			break;
		case 'm':
			if (parse_methods(&o->methods, optarg))
				return -1;
			break;
		case 'u':
			o->mtu = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			o->files.certificate = optarg;
			break;
		case 'k':
			o->files.key = optarg;
			break;
		case 'a':
			o->files.ca = optarg;
			break;
		case 'N':
			o->files.server_name = optarg;
			break;
		case 'o':
			o->outer = optarg;
			break;
		case 'b':
			o->binding_optional = true;
			break;
		default:
			return -1;
		}
	}
	if (optind + 1 != argc || !o->port || !o->methods.count)
		return -1;
	o->server = !strcmp(argv[optind], "server");
	return o->server || !strcmp(argv[optind], "client") ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o = { .mtu = 1400, .secret = "", .name = "", .password = "" };
	static struct end e;
	struct sockaddr_in address = { .sin_family = AF_INET };
	char why[SYSTEM_WHY] = "";
	int fd, rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(&o, argc, argv) || strlen(o.outer ? o.outer : o.name) > 250)
		return usage();
	address.sin_port = htons(o.port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	e.options = &o;
	if (ppp_secret_from_password(&e.secret, o.password))
		return usage();
	o.files.server = o.server;
	if (o.files.ca || o.files.certificate)
		e.tls = tls_context_new(&o.files, why);
	if ((o.files.ca || o.files.certificate) && !e.tls) {
		fprintf(stderr, "%s\n", why);
		return 2;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	rc = o.server ? serve(&e, fd, &address) : converse(&e, fd, &address);
	eap_done(&e.eap);
	tls_context_free(e.tls);
	close(fd);
	return rc;
}
