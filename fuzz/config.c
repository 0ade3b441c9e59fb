/*
 * The configuration of server and client as a whole: a file's text, or the value of --set. Taken or
 * refused with a sentence, never half.
 *
 * What it says on standard error is swallowed. The first octet chooses; the rest is the text.
 */
#include "client/config.h"
#include "server/config.h"

#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64]; /* of a file in memory */
static int file = -1, swallow = -1;

static void prepare(void)
{
	if (file >= 0)
		return;
	file = memfd_create("greyline-fuzz", 0);
	swallow = memfd_create("greyline-fuzz-stderr", 0);
	FUZZ_CHECK(file >= 0 && swallow >= 0);
	FUZZ_CHECK(!fchmod(file, 0600)); /* others cannot read the passwords */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
}

static int parse(bool server, int argc, char **argv)
{
	struct server_config s;
	struct client_config c;
	int rc;

	if (server) {
		rc = server_config_parse(&s, argc, argv);
		if (rc == 0) {
			FUZZ_CHECK(s.listen_count >= 1 && s.listen_count <= LISTEN_MAX);
			FUZZ_CHECK(s.mtu >= 576 && s.mtu <= 1500 && s.local.s_addr);
			FUZZ_CHECK(s.session.link.mppe.policy == PPP_MPPE_OFF ||
				   s.session.link.mppe.strengths);
		}
		server_config_done(&s);
	} else {
		rc = client_config_parse(&c, argc, argv);
		if (rc == 0) {
			FUZZ_CHECK(c.server && c.server[0] && c.port);
			FUZZ_CHECK(c.route_count <= CLIENT_ROUTES_MAX);
			FUZZ_CHECK(c.reconnect_min <= c.reconnect_max);
		}
		client_config_done(&c);
	}
	return rc;
}

/* Is there something that means work, not a fault: a large pool, a file that may not end? */
static bool is_costly(const char *text)
{
	return strstr(text, "pool") && strchr(text, '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *cut;
	char *argv[6] = { (char[]){ "greyline" }, (char[]){ "-c" }, path, NULL };
	int argc = 3, saved, rc;
	uint8_t how;
	off_t said;

	FUZZ_CHECK(text);
	prepare();
	how = size ? data[0] : 0;
	if (size)
		memcpy(text, data + 1, size - 1);
	if (strstr(text, "password-file") || (is_costly(text) && size > 4096)) {
		free(text);
		return 0;
	}
	FUZZ_CHECK(!ftruncate(file, 0) && !ftruncate(swallow, 0));
	(void)lseek(swallow, 0, SEEK_SET);
	if (how & 2) {
		/* The first line is an assignment, the rest a file. */
		cut = strchr(text, '\n');
		argv[argc++] = (char[]){ "--set" };
		argv[argc++] = text;
		FUZZ_CHECK(!cut || pwrite(file, cut + 1, strlen(cut + 1), 0) >= 0);
		if (cut)
			*cut = '\0';
	} else {
		FUZZ_CHECK(size < 1 || pwrite(file, data + 1, size - 1, 0) >= 0);
	}
	(void)setenv("GREYLINE_PASSWORD", "secret", 1);
	fflush(stderr);
	saved = dup(2);
	dup2(swallow, 2);
	rc = parse(how & 1, argc, argv);
	said = lseek(swallow, 0, SEEK_CUR);
	dup2(saved, 2);
	close(saved);
	FUZZ_CHECK(rc == 0 || rc == -1);
	FUZZ_CHECK(rc == 0 || said > 0);
	free(text);
	return 0;
}
