/*
 * Plays a conversation of a real peer against our end: lib/control and lib/ppp as a session joins
 * them, in virtual time. Each FILE is a test (TAP).
 *
 *	replay [--pcap CAPTURE] FILE...		the capture gets the PPP frames that our ends sent
 *
 * A conversation is text, a line a step; a backslash at its end joins the next; what follows '#' is
 * a comment. First what our end is:
 *
 *	user NAME, password WORD	of the client, whichever end is ours
 *	cbcp				the server takes callback, to offer none
 *	mppe POLICY WORD...		off, prefer, require; 40, 56, 128, stateless, stateful
 *	auth WORD...			methods of authentication, as in configuration files
 *	mru NUMBER
 *	network LOCAL REMOTE [DNS NBNS]	what our server gives; 0.0.0.0 for none
 *	begin server|client		TCP is connected; our client dials when it may
 *
 * Then, with bytes as pattern.h has them:
 *
 *	> control BYTES			the peer sends a control message
 *	> ppp PROTOCOL BYTES		... a PPP frame (without address, control, protocol fields)
 *	< control BYTES			our end has sent that, without waiting
 *	< ppp PROTOCOL BYTES		options of a Configure-Request or -Nak in any order
 *	= WORDS				what our end reports, see end.c
 *	wait SECONDS			time passes
 *	hang-up				our end ends the call, then the connection
 *
 * Messages are compared in order among themselves, frames among those of their protocol, reports
 * among reports: which of CCP and IPCP speaks first is nobody's business. What nobody asked about is
 * an error, at the end and wherever time passes.
 */
#include "tests/replay/replay.h"

#include "lib/ppp/frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) void fail(struct replay *r, const char *format, ...)
{
	va_list ap;

	if (!r->failed)
		r->failed = true;
	printf("# %s:%u: ", r->file, r->line);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
}

static void say_unmatched(struct replay *r)
{
	for (unsigned int i = 0; i < r->sent_count; i++) {
		const struct sent *s = &r->sent[i];

		if (s->matched)
			continue;
		fail(r, "our end has also sent this:");
		printf("# < %s %04x ", s->protocol ? "ppp" : "control", s->protocol);
		for (size_t n = 0; n < s->len; n++)
			printf("%02x", s->data[n]);
		printf("\n");
	}
	r->sent_count = 0;
	for (; r->checked < r->reported; r->checked++)
		fail(r, "our end has also reported \"%s\"", r->reports[r->checked]);
}

static void pass_time(struct replay *r, uint64_t time)
{
	uint64_t until = r->now + time;

	say_unmatched(r);
	while (!r->failed) {
		uint64_t control = control_connection_deadline(&r->connection);
		uint64_t ppp = r->link ? ppp_link_deadline(r->link) : UINT64_MAX;
		uint64_t next = control < ppp ? control : ppp;

		if (next > until)
			break;
		r->now = next;
		control_connection_tick(&r->connection, r->now);
		if (r->link)
			ppp_link_tick(r->link, r->now);
	}
	r->now = until;
}

static void peer_sends(struct replay *r, uint16_t protocol, const char *text)
{
	uint8_t bytes[PATTERN_MAX];
	int len = pattern_bytes(&r->scope, text, bytes, sizeof(bytes));

	if (len < 0)
		fail(r, "%s", r->scope.why);
	else if (protocol == CONTROL)
		control_connection_receive(&r->connection, bytes, (size_t)len, r->now);
	else if (!r->link)
		fail(r, "there is no link yet");
	else
		ppp_link_receive(r->link, protocol, bytes, (size_t)len, r->now);
}

static struct sent *first_unmatched(struct replay *r, uint16_t protocol)
{
	for (unsigned int i = 0; i < r->sent_count; i++) {
		if (!r->sent[i].matched && r->sent[i].protocol == protocol)
			return &r->sent[i];
	}
	return NULL;
}

/* Where a list of options begins whose order is of no importance. */
static size_t free_options(const struct sent *s)
{
	bool negotiates =
		s->protocol == PPP_LCP || s->protocol == PPP_CCP || s->protocol == PPP_IPCP;

	return negotiates && s->len > 4 && (s->data[0] == 1 || s->data[0] == 3) ? 4 : 0;
}

static void expect_sent(struct replay *r, uint16_t protocol, const char *text)
{
	struct sent *s = first_unmatched(r, protocol);

	if (!s) {
		fail(r, "our end has sent nothing of this kind");
		return;
	}
	s->matched = true;
	if (pattern_matches(&r->scope, text, free_options(s), s->data, s->len))
		return;
	fail(r, "%s", r->scope.why);
	printf("# ");
	for (size_t i = 0; i < s->len; i++)
		printf("%02x", s->data[i]);
	printf("\n");
}

static void expect_report(struct replay *r, const char *text)
{
	char want[200];
	size_t len = strcspn(text, "#\n");

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	snprintf(want, sizeof(want), "%.*s", (int)len, text);
	if (r->checked == r->reported)
		fail(r, "our end has not reported \"%s\"", want);
	else if (strcmp(r->reports[r->checked++], want))
		fail(r, "our end has reported \"%s\"", r->reports[r->checked - 1]);
}

static void begin(struct replay *r, const char *role)
{
	r->server = !strncmp(role, "server", 6);
	r->begun = true;
	end_begin(r);
}

static void set_mppe(struct replay *r, char *words)
{
	struct ppp_mppe_config *m = &r->link_config.mppe;

	for (char *word = strtok(words, " \t\n"); word; word = strtok(NULL, " \t\n")) {
		if (!strcmp(word, "require"))
			m->policy = PPP_MPPE_REQUIRE;
		else if (!strcmp(word, "prefer"))
			m->policy = PPP_MPPE_PREFER;
		else if (!strcmp(word, "off"))
			m->policy = PPP_MPPE_OFF;
		else if (!strcmp(word, "stateless"))
			m->allow_stateless = true;
		else if (!strcmp(word, "stateful"))
			m->allow_stateful = true;
		else if (!strcmp(word, "128"))
			m->strengths |= PPP_MPPE_128;
		else if (!strcmp(word, "56"))
			m->strengths |= PPP_MPPE_56;
		else if (!strcmp(word, "40"))
			m->strengths |= PPP_MPPE_40;
		else
			fail(r, "unknown word %s", word);
	}
}

static void set_auth(struct replay *r, char *words)
{
	struct ppp_auth_list *list = &r->link_config.auth;

	list->count = 0;
	for (char *word = strtok(words, " \t\n"); word; word = strtok(NULL, " \t\n")) {
		enum ppp_auth_method method = ppp_auth_from_keyword(word);

		if (method == PPP_AUTH_NONE || ppp_auth_allows(list, method))
			fail(r, "%s is no method, or twice there", word);
		else
			list->methods[list->count++] = (uint8_t)method;
	}
}

static void set_network(struct replay *r, const char *text)
{
	char word[4][16] = { "0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0" };
	uint32_t *const to[] = { &r->net.local, &r->net.remote, &r->net.dns[0], &r->net.nbns[0] };

	if (sscanf(text, "%15s %15s %15s %15s", word[0], word[1], word[2], word[3]) < 2)
		fail(r, "network LOCAL REMOTE [DNS NBNS]");
	for (unsigned int i = 0; i < 4; i++) {
		if (inet_pton(AF_INET, word[i], to[i]) != 1)
			fail(r, "%s is no address", word[i]);
	}
}

static void hang_up(struct replay *r)
{
	if (r->link && !r->link_over)
		ppp_link_close(r->link, PPTP_LOCAL_REQUEST, r->now);
	else
		control_connection_stop(&r->connection, PPTP_LOCAL_REQUEST, r->now);
}

static void converse(struct replay *r, const char *line)
{
	unsigned int protocol;
	double seconds;
	char direction;
	int at = 0;

	if (!r->begun)
		fail(r, "nothing has begun yet, or an unknown word");
	else if (sscanf(line, "%c control %n", &direction, &at) == 1 && at && direction == '>')
		peer_sends(r, CONTROL, line + at);
	else if (at && direction == '<')
		expect_sent(r, CONTROL, line + at);
	else if (!strncmp(line, "> end", 5))
		control_connection_lost(&r->connection, PPTP_TCP_CLOSED, NULL, r->now);
	else if (sscanf(line, "%c ppp %4x %n", &direction, &protocol, &at) == 2 && at &&
		 direction == '>')
		peer_sends(r, (uint16_t)protocol, line + at);
	else if (at && direction == '<')
		expect_sent(r, (uint16_t)protocol, line + at);
	else if (!strncmp(line, "= ", 2))
		expect_report(r, line + 2);
	else if (sscanf(line, "wait %lf", &seconds) == 1)
		pass_time(r, (uint64_t)(seconds * 1e6));
	else if (!strncmp(line, "hang-up", 7))
		hang_up(r);
	else
		fail(r, "unknown step");
}

static void play_line(struct replay *r, char *line)
{
	unsigned int mru;

	line += strspn(line, " \t\n");
	if (!*line || *line == '#')
		return;
	if (sscanf(line, "user %63s", r->scope.user) == 1 ||
		sscanf(line, "password %63s", r->scope.password) == 1)
		return;
	if (!strncmp(line, "cbcp", 4))
		r->link_config.cbcp = true;
	else if (!strncmp(line, "mppe ", 5))
		set_mppe(r, line + 5);
	else if (!strncmp(line, "auth ", 5))
		set_auth(r, line + 5);
	else if (sscanf(line, "mru %u", &mru) == 1)
		r->link_config.mru = (uint16_t)mru;
	else if (!strncmp(line, "network ", 8))
		set_network(r, line + 8);
	else if (!strncmp(line, "begin ", 6))
		begin(r, line + 6);
	else
		converse(r, line);
}

/* A line; one that ends in a backslash goes on in the next. */
static bool read_line(struct replay *r, FILE *file, char *line, size_t size)
{
	size_t len = 0;

	while (len + 1 < size && fgets(line + len, (int)(size - len), file)) {
		r->line++;
		len = strlen(line);
		if (len < 2 || strcmp(line + len - 2, "\\\n"))
			return true;
		len -= 2;
	}
	return len > 0;
}

static bool play(const char *path, FILE *pcap)
{
	static const struct ppp_link_config defaults = { .mru = 1400,
		.want_dns = true,
		.echo_interval = 30000000,
		.echo_failures = 4,
		.restart_interval = 3000000,
		.setup_timeout = 60000000 };
	struct replay *r = calloc(1, sizeof(*r));
	FILE *file = fopen(path, "r");
	char line[1200];
	bool ok;

	if (!r || !file) {
		printf("# %s: cannot be opened\n", path);
		exit(1);
	}
	r->file = path;
	r->pcap = pcap;
	r->now = 1000000000;
	r->link_config = defaults;
	while (!r->failed && read_line(r, file, line, sizeof(line)))
		play_line(r, line);
	if (!r->failed)
		say_unmatched(r);
	if (!r->failed && !r->closed)
		fail(r, "the conversation ends, and the connection is open");
	ok = !r->failed;
	fclose(file);
	if (r->link)
		ppp_link_free(r->link);
	free(r);
	return ok;
}

static FILE *capture(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || !pcap_begin(f)) {
		printf("# %s: cannot be written\n", path);
		exit(1);
	}
	return f;
}

int main(int argc, char **argv)
{
	bool all = true, with_pcap = argc > 2 && !strcmp(argv[1], "--pcap");
	FILE *pcap = with_pcap ? capture(argv[2]) : NULL;
	int first = with_pcap ? 3 : 1;

	printf("1..%d\n", argc - first);
	for (int i = first; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');
		bool ok = play(argv[i], pcap);

		printf("%s %d - %s\n", ok ? "ok" : "not ok", i - first + 1,
			slash ? slash + 1 : argv[i]);
		all &= ok;
	}
	if (pcap && fclose(pcap)) {
		printf("# the capture could not be written\n");
		all = false;
	}
	return all ? 0 : 1;
}
