/* The command: options, the loop over a capture, the summary. */
#include "tools/decode/decode.h"

#include "lib/mppe/cipher.h"
#include "system/cpu.h"
#include "tools/decode/capture.h"
#include "tools/decode/decoder.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct decode_capture *running; /* for the signal handler only */

static void packet_run(struct decoder *d, const struct decode_packet *packet)
{
	struct decode_meta meta = { .time = packet->time, .frame = packet->frame };
	struct decode_ip ip;

	d->stats.packets++;
	if (!packet->ip || !decode_ip_read(&ip, packet->ip, packet->len))
		return;
	if (ip.protocol != DECODE_IP_TCP && ip.protocol != DECODE_IP_GRE)
		return;
	if (decode_ip_is_fragment(&ip) && !decode_fragments_add(d->fragments, &ip, packet->time))
		return;
	meta.src = ip.src;
	meta.dst = ip.dst;
	if (ip.protocol == DECODE_IP_TCP)
		decode_tcp(d, &meta, &ip);
	else
		decode_gre(d, &meta, &ip);
}

static int dump_open(struct decoder *d, const char *path, char *why)
{
	FILE *file = NULL;
	int fd;

	/* What was secret is in clear there: for its owner only. */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (!file) {
		snprintf(why, DECODE_WHY, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	d->dump_pcap = pcap_open_dead(DLT_RAW, DECODE_PACKET_MAX);
	d->dump = d->dump_pcap ? pcap_dump_fopen(d->dump_pcap, file) : NULL;
	if (!d->dump) {
		snprintf(why, DECODE_WHY, "%s: cannot be written", path);
		fclose(file);
		return -1;
	}
	return 0;
}

static int dump_close(struct decoder *d, char *why)
{
	int rc = 0;

	if (d->dump) {
		if (pcap_dump_flush(d->dump) != 0 || ferror(pcap_dump_file(d->dump))) {
			snprintf(why, DECODE_WHY, "%s: writing failed", d->options.write_path);
			rc = -1;
		}
		pcap_dump_close(d->dump);
	}
	if (d->dump_pcap)
		pcap_close(d->dump_pcap);
	return rc;
}

static void side_print(struct decode_print *p, const struct decode_call *call, unsigned int side)
{
	const struct decode_side *s = &call->side[side];
	char src[DECODE_ADDRESS];

	decode_address(call->address[side], src);
	decode_print_object(p, NULL);
	decode_print_string(p, "src", src);
	if (call->id_known[side])
		decode_print_int(p, "call_id", call->id[side]);
	decode_print_int(p, "frames", s->frames);
	decode_print_int(p, "lost", s->order.lost);
	decode_print_int(p, "late", s->order.late);
	decode_print_int(p, "duplicates", s->order.duplicates);
	decode_print_int(p, "encrypted", s->encrypted);
	decode_print_int(p, "decrypted", s->decrypted);
	if (s->crypt.has_params) {
		decode_print_int(p, "mppe_bits", s->crypt.params.bits);
		decode_print_bool(p, "stateless", s->crypt.params.stateless);
	}
	decode_print_close(p);
	decode_print_text(p, "; %s sent %" PRIu64 " frames", src, s->frames);
	if (s->order.lost || s->order.late || s->order.duplicates)
		decode_print_text(p, " (%" PRIu64 " lost, %" PRIu64 " late, %" PRIu64 " doubled)",
			s->order.lost, s->order.late, s->order.duplicates);
	if (!s->encrypted)
		return;
	decode_print_text(p, ", %" PRIu64 " encrypted", s->encrypted);
	if (s->crypt.has_params)
		decode_print_text(p, " by MPPE-%u %s", (unsigned int)s->crypt.params.bits,
			s->crypt.params.stateless ? "stateless" : "stateful");
	decode_print_text(p, ", %" PRIu64 " decrypted", s->decrypted);
}

static void call_print(struct decoder *d, const struct decode_call *call)
{
	struct decode_print *p = &d->print;
	const struct decode_auth *a = NULL;

	for (unsigned int i = 0; i < 2; i++) {
		if (call->side[i].auth.method != DECODE_METHOD_NONE)
			a = &call->side[i].auth;
	}
	decode_print_begin(p, NULL, "call");
	decode_print_int(p, "call", call->number);
	decode_print_text(p, "call %u", call->number);
	if (a) {
		decode_print_bytes(p, "user", a->name, a->name_len);
		decode_print_string(p, "method", decode_auth_name(a));
		decode_print_bool(p, "verified", a->verdict == DECODE_FITS);
		decode_print_text(p, ": user ");
		decode_print_quoted(p, a->name, a->name_len);
		decode_print_text(p, " by %s%s", decode_auth_name(a),
			a->verdict == DECODE_FITS ? ", password verified" : "");
	}
	decode_print_array(p, "sides");
	side_print(p, call, 0);
	side_print(p, call, 1);
	decode_print_close(p);
	decode_print_end(p);
}

static void summary_print(struct decoder *d)
{
	struct decode_print *p = &d->print;
	const struct decode_stats *s = &d->stats;
	const struct decode_call *calls[DECODE_CALLS_MAX];
	unsigned int count = 0;

	for (const struct decode_call *c = d->table.calls; c; c = c->next) {
		unsigned int at = count++;

		for (; at && calls[at - 1]->number > c->number; at--)
			calls[at] = calls[at - 1];
		calls[at] = c;
	}
	for (unsigned int i = 0; i < count; i++)
		call_print(d, calls[i]);
	decode_print_begin(p, NULL, "summary");
	decode_print_int(p, "packets", s->packets);
	decode_print_int(p, "control", s->control);
	decode_print_int(p, "gre", s->gre);
	decode_print_int(p, "ppp", s->ppp);
	decode_print_int(p, "encrypted", s->encrypted);
	decode_print_int(p, "decrypted", s->decrypted);
	decode_print_int(p, "compressed", s->compressed);
	decode_print_int(p, "decompressed", s->decompressed);
	decode_print_int(p, "inner", s->inner);
	decode_print_int(p, "malformed", s->malformed);
	decode_print_int(p, "calls", s->calls);
	decode_print_text(p,
		"%" PRIu64 " packets: %" PRIu64 " control messages, %" PRIu64
		" GRE packets, calls: %" PRIu64 ", %" PRIu64 " encrypted, %" PRIu64
		" decrypted, %" PRIu64 " malformed",
		s->packets, s->control, s->gre, s->calls, s->encrypted, s->decrypted, s->malformed);
	decode_print_end(p);
}

int decode_run(const struct decode_options *options, struct decode_capture *capture, FILE *out,
	struct decode_stats *stats, char *why)
{
	struct decoder *d = calloc(1, sizeof(*d));
	struct decode_packet packet;
	int rc = -1;

	snprintf(why, DECODE_WHY, "out of memory");
	if (d)
		d->fragments = decode_fragments_new();
	if (!d || !d->fragments) {
		free(d);
		return -1;
	}
	d->options = *options;
	d->batch.cipher = cipher_choose(cpu_features());
	decode_print_init(&d->print, out, options->json);
	if (!options->write_path || dump_open(d, options->write_path, why) == 0) {
		while ((rc = decode_capture_next(capture, &packet, why)) > 0)
			packet_run(d, &packet);
		decode_gre_flush(d);
		d->stats.calls = d->table.call_number;
		summary_print(d);
	}
	if (dump_close(d, why) != 0)
		rc = -1;
	if (fflush(out) != 0 || ferror(out)) {
		snprintf(why, DECODE_WHY, "writing the output failed");
		rc = -1;
	}
	if (stats)
		*stats = d->stats;
	decode_table_done(&d->table);
	decode_fragments_free(d->fragments);
	explicit_bzero(d, sizeof(*d));
	free(d);
	return rc;
}

static void usage(FILE *to)
{
	fputs("usage: greyline decode FILE|- [OPTION]...\n"
	      "       greyline decode -i IFACE [OPTION]...\n"
	      "\n"
	      "Prints the PPTP in a capture, one line per message; decrypts what it can.\n"
	      "\n"
	      "  -u, --user NAME:PASSWORD  a password to check and decrypt with (repeatable)\n"
	      "  -j, --json                one JSON object per line\n"
	      "  -w, --write PLAIN.pcap    write the inner packets in clear, as raw IP\n"
	      "  -i, --interface IFACE     capture live, until interrupted\n"
	      "  -h, --help                this text\n",
		to);
}

struct arguments {
	struct decode_options options;
	struct decode_users users;
	const char *interface, *file;
};

/* Adds a password and wipes it from the process's argument list. */
static int user_option(struct arguments *a, char *text)
{
	char why[DECODE_WHY];
	char *colon = strchr(text, ':');

	if (decode_users_add(&a->users, text, why) != 0) {
		fprintf(stderr, "greyline decode: --user: %s\n", why);
		return -1;
	}
	if (colon)
		memset(colon + 1, '*', strlen(colon + 1));
	return 0;
}

/* 0, -1 to go on with nothing (help), or 2. */
static int arguments_read(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = { { "user", required_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' }, { "write", required_argument, NULL, 'w' },
		{ "interface", required_argument, NULL, 'i' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "u:jw:i:h", options, NULL)) != -1) {
		switch (c) {
		case 'u':
			if (user_option(a, optarg) != 0)
				return 2;
			break;
		case 'j':
			a->options.json = true;
			break;
		case 'w':
			a->options.write_path = optarg;
			break;
		case 'i':
			a->interface = optarg;
			break;
		case 'h':
			usage(stdout);
			return -1;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc)
		a->file = argv[optind++];
	if (optind < argc || (a->file == NULL) == (a->interface == NULL)) {
		fputs("greyline decode: exactly one of FILE, - and -i IFACE is needed\n", stderr);
		usage(stderr);
		return 2;
	}
	a->options.users = &a->users;
	return 0;
}

static void stop(int signal)
{
	(void)signal;
	decode_capture_stop(running);
}

static struct decode_capture *input_open(const struct arguments *a, char *why)
{
	FILE *in = stdin;

	if (a->interface)
		return decode_capture_live(a->interface, why);
	if (strcmp(a->file, "-") != 0)
		in = fopen(a->file, "re");
	if (!in) {
		snprintf(why, DECODE_WHY, "%s", strerror(errno));
		return NULL;
	}
	return decode_capture_file(in, why);
}

static int command_run(const struct arguments *a)
{
	const struct sigaction act = { .sa_handler = stop };
	const char *what = a->interface ? a->interface : a->file;
	char why[DECODE_WHY] = "";
	struct decode_capture *capture = input_open(a, why);
	int rc;

	if (!capture) {
		fprintf(stderr, "greyline decode: %s: %s\n", what, why);
		return 1;
	}
	if (a->interface) {
		running = capture;
		sigaction(SIGINT, &act, NULL);
		sigaction(SIGTERM, &act, NULL);
		setvbuf(stdout, NULL, _IOLBF, 0);
	}
	rc = decode_run(&a->options, capture, stdout, NULL, why);
	if (rc != 0)
		fprintf(stderr, "greyline decode: %s: %s\n", what, why);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	decode_capture_close(capture);
	return rc ? 1 : 0;
}

int decode_main(int argc, char **argv)
{
	struct arguments a = { 0 };
	int rc = arguments_read(&a, argc, argv);

	if (rc == 0)
		rc = command_run(&a);
	decode_users_done(&a.users);
	return rc < 0 ? 0 : rc;
}
