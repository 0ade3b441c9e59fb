/* The command: options, input, output. */
#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/decode/keys.h"
#include "tools/decode/output.h"
#include "tools/decode/report.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct decode_capture *running; /* for the signal handler only */

static void usage(FILE *to)
{
	fputs("usage: greyline decode FILE|- [OPTION]...\n"
	      "       greyline decode -i IFACE [OPTION]...\n"
	      "\n"
	      "Prints the PPTP in a capture, one line per message; decrypts what it can.\n"
	      "\n"
	      "  -u, --user NAME:PASSWORD  a password to check and decrypt with (repeatable)\n"
	      "      --nt-hash NAME:HASH   the same, of a password's NT hash (32 hex digits)\n"
	      "      --master-key KEY      a key of MPPE's: MS-CHAPv2's master key (32 hex "
	      "digits)\n"
	      "                            or an EAP method's MSK (128 hex digits)\n"
	      "  -j, --json                one JSON object per line\n"
	      "  -v, --verbose             all fields of each message, below its line\n"
	      "  -s, --summary             only what each connection and call was\n"
	      "      --html REPORT.html    write a report to look at, as one page\n"
	      "      --show-secrets        show passwords, challenges and responses, too\n"
	      "  -w, --write PLAIN.pcap    write the inner packets in clear, as raw IP\n"
	      "  -i, --interface IFACE     capture live, until interrupted\n"
	      "  -h, --help                this text\n",
		to);
}

enum { OPTION_SECRETS = 256, OPTION_HASH, OPTION_KEY, OPTION_HTML };

struct arguments {
	struct decode_options options;
	struct decode_users users;
	bool json, verbose, summary;
	const char *interface, *file, *html;
	const struct decode_finder *finder;
};

/* 0, or -1: said. */
static int key_option(struct arguments *a, int option, char *text)
{
	enum decode_key key = option == 'u'           ? DECODE_KEY_USER
			      : option == OPTION_HASH ? DECODE_KEY_HASH
						      : DECODE_KEY_MASTER;
	char why[DECODE_WHY];

	if (decode_key_option(&a->users, key, text, why) == 0)
		return 0;
	fprintf(stderr, "greyline decode: %s\n", why);
	return -1;
}

/* 0, -1 to go on with nothing (help), or 2. */
static int arguments_read(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = { { "user", required_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' }, { "write", required_argument, NULL, 'w' },
		{ "interface", required_argument, NULL, 'i' },
		{ "verbose", no_argument, NULL, 'v' }, { "summary", no_argument, NULL, 's' },
		{ "nt-hash", required_argument, NULL, OPTION_HASH },
		{ "master-key", required_argument, NULL, OPTION_KEY },
		{ "show-secrets", no_argument, NULL, OPTION_SECRETS },
		{ "html", required_argument, NULL, OPTION_HTML },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "u:jvsw:i:h", options, NULL)) != -1) {
		switch (c) {
		case 'u':
		case OPTION_HASH:
		case OPTION_KEY:
			if (key_option(a, c, optarg) != 0)
				return 2;
			break;
		case 'j':
			a->json = true;
			break;
		case 'v':
			a->verbose = true;
			break;
		case 's':
			a->summary = true;
			break;
		case OPTION_SECRETS:
			a->options.secrets = true;
			break;
		case OPTION_HTML:
			a->html = optarg;
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
	if (a->html && a->options.secrets) {
		fputs("greyline decode: a report never shows secrets: --html or "
		      "--show-secrets, not both\n",
			stderr);
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
	static char buffer[1 << 18]; /* must last as long as the stream */
	FILE *in = stdin;

	if (a->interface)
		return decode_capture_live(a->interface, why);
	if (strcmp(a->file, "-") != 0)
		in = fopen(a->file, "re");
	if (!in) {
		snprintf(why, DECODE_WHY, "%s", strerror(errno));
		return NULL;
	}
	setvbuf(in, buffer, _IOFBF, sizeof(buffer));
	return decode_capture_file(in, why);
}

/* Is there somebody who waits for the lines as they come, or a source that has not ended yet? */
static bool is_awaited(const struct arguments *a)
{
	struct stat st;

	return a->interface || isatty(STDOUT_FILENO) ||
	       (strcmp(a->file, "-") == 0 &&
		       (fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode)));
}

static int capture_run(const struct arguments *a, struct decode_capture *capture,
	struct decode_sink *report, char *why)
{
	struct decode_output output;
	/* Who wants a report does not want to scroll. */
	bool summary = a->summary || (report && !a->json && !a->verbose);
	int rc;

	decode_output_init(&output, stdout, a->json ? DECODE_FORM_JSON : DECODE_FORM_TEXT,
		(a->verbose ? DECODE_VERBOSE : 0) | (summary ? DECODE_SUMMARY : 0));
	output.at_once = is_awaited(a);
	output.sink.next = report;
	rc = decode_run(&a->options, capture, &output.sink, NULL, why);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		snprintf(why, DECODE_WHY, "writing the output failed");
		rc = -1;
	}
	return rc;
}

/* The same with a report beside it, where one is wanted, and whatever the finder has for that. */
static int reported_run(const struct arguments *a, struct decode_capture *capture,
	struct decode_report *report, char *why)
{
	struct decode_sink *sink = NULL;
	void *finder;
	int rc;

	if (!report->html)
		return capture_run(a, capture, NULL, why);
	finder = a->finder->begin(&sink);
	if (!finder) {
		snprintf(why, DECODE_WHY, "out of memory");
		return -1;
	}
	sink->next = decode_html_sink(report->html);
	rc = capture_run(a, capture, sink, why);
	a->finder->tell(finder, report->html);
	a->finder->end(finder);
	return rc;
}

/* 0, or -1 with a sentence in `why`: nothing is written over what is read, or what else is written. */
static int outputs_check(const struct arguments *a, const struct decode_capture *capture,
	const struct decode_report *report, char *why)
{
	struct stat page, plain;

	if (decode_capture_is_from(capture, STDOUT_FILENO)) {
		snprintf(why, DECODE_WHY, "standard output is the capture that is read");
		return -1;
	}
	if (!report->file || !a->options.write_path || fstat(fileno(report->file), &page) != 0 ||
		stat(a->options.write_path, &plain) != 0 || !S_ISREG(page.st_mode) ||
		page.st_dev != plain.st_dev || page.st_ino != plain.st_ino)
		return 0;
	snprintf(why, DECODE_WHY, "--html and --write name the same file");
	return -1;
}

static int command_run(const struct arguments *a)
{
	const struct sigaction act = { .sa_handler = stop };
	const char *what = a->interface ? a->interface : a->file;
	char why[DECODE_WHY] = "";
	struct decode_capture *capture = input_open(a, why);
	struct decode_report report;
	int rc;

	if (!capture) {
		fprintf(stderr, "greyline decode: %s: %s\n", what, why);
		return 1;
	}
	if (decode_report_open(&report, a->html, capture, what, why) != 0) {
		fprintf(stderr, "greyline decode: %s\n", why);
		decode_capture_close(capture);
		return 1;
	}
	if (a->interface) {
		running = capture;
		sigaction(SIGINT, &act, NULL);
		sigaction(SIGTERM, &act, NULL);
		setvbuf(stdout, NULL, _IOLBF, 0);
		fprintf(stderr, "greyline decode: listening on %s\n", what);
	}
	rc = outputs_check(a, capture, &report, why);
	if (rc == 0)
		rc = reported_run(a, capture, &report, why);
	if (rc != 0)
		fprintf(stderr, "greyline decode: %s: %s\n", what, why);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	decode_capture_close(capture);
	if (decode_report_close(&report, why) != 0) {
		fprintf(stderr, "greyline decode: %s\n", why);
		rc = -1;
	}
	return rc ? 1 : 0;
}

int decode_command(int argc, char **argv, const struct decode_finder *finder)
{
	struct arguments a = { .finder = finder };
	int rc = arguments_read(&a, argc, argv);

	if (rc == 0)
		rc = command_run(&a);
	decode_users_done(&a.users);
	return rc < 0 ? 0 : rc;
}
