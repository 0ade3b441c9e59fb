/*
 * The server's name servers for this machine: by systemd-resolved where it runs (the setting goes
 * with the device), by resolvconf where that is installed, else in /etc/resolv.conf itself, whose
 * old content is kept beside it and put back.
 *
 * The file is replaced by rename(2). Where it is a mount of its own, as in containers, that cannot be: it is
 * written in place then, so that whoever dies between two system calls leaves either the mark of the first line, by which
 * the next one knows what to put back, or the old lines, with empty ones behind them at most.
 */
#include "client/network.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define SAVED       "/etc/resolv.conf.before-greyline"
#define MARK        "# made by greyline connect, pid "
#define OURS_MAX    512   /* octets of our own file */
#define KEPT_MAX    65536 /* of the old one, to be put back in place */
#define PAGE        4096  /* what one write(2) does even of who is being killed */

/* Runs a program with `input` as its standard input; its exit status, or -1. */
static int run(const char *const argv[], const char *input)
{
	posix_spawn_file_actions_t actions;
	int fds[2], status = -1, rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[0], 0);
	posix_spawn_file_actions_adddup2(&actions, 2, 1); /* standard output is for our own lines */
	/* posix_spawn(3) takes what it does not change as char * for history's sake. */
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[0]);
	if (rc == 0) {
		if (*input && write(fds[1], input, strlen(input)) < 0)
			log_debug("%s did not read its input", argv[0]);
		close(fds[1]);
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
			return WEXITSTATUS(status);
		return -1;
	}
	close(fds[1]);
	return -1;
}

static bool resolved_runs(void)
{
	return access("/run/systemd/resolve/resolv.conf", F_OK) == 0;
}

static int set_by_resolved(const char *dev, const struct client_dns *servers)
{
	const char *dns[3 + CLIENT_DNS_MAX + 1] = { "resolvectl", "dns", dev };
	const char *const domain[] = { "resolvectl", "domain", dev, "~.", NULL };

	for (unsigned int i = 0; i < servers->count; i++)
		dns[3 + i] = servers->servers[i];
	return run(dns, "") == 0 && run(domain, "") == 0 ? 0 : -1;
}

static bool resolvconf_there(void)
{
	return access("/sbin/resolvconf", X_OK) == 0 || access("/usr/sbin/resolvconf", X_OK) == 0;
}

static int resolvconf(const char *dev, const char *what, const char *input)
{
	char record[64];
	const char *const argv[] = { "resolvconf", what, record, NULL };

	snprintf(record, sizeof(record), "%s.greyline", dev);
	return run(argv, input) == 0 ? 0 : -1;
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	int rc;

	if (!f)
		return -1;
	rc = fputs(text, f) < 0 ? -1 : 0;
	return fclose(f) == 0 ? rc : -1;
}

/* The pid in the first line of our own /etc/resolv.conf, 0 if it is not ours. */
static pid_t file_owner(void)
{
	char line[128] = "";
	FILE *f = fopen(RESOLV_CONF, "re");
	pid_t pid = 0;

	if (f && fgets(line, sizeof(line), f) && !strncmp(line, MARK, strlen(MARK)))
		pid = (pid_t)strtol(line + strlen(MARK), NULL, 10);
	if (f)
		fclose(f);
	return pid;
}

/* All of a file, to be freed; NULL with errno. */
static char *content_read(const char *path, size_t *len, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *content = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		content = malloc(KEPT_MAX);
	if (content)
		n = read(fd, content, KEPT_MAX);
	close(fd);
	if (n >= 0 && n < KEPT_MAX) {
		*len = (size_t)n;
		return content;
	}
	if (n == KEPT_MAX)
		errno = EFBIG;
	free(content);
	return NULL;
}

static int write_at(int fd, const char *bytes, size_t len, size_t at)
{
	ssize_t n = pwrite(fd, bytes, len, (off_t)at);

	if (n >= 0 && (size_t)n < len)
		errno = ENOSPC;
	return n == (ssize_t)len ? 0 : -1;
}

/* The beginning last: until then the first line is what it was. `bytes` has room for a page. */
static int write_in_place(const char *path, char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = -1, error;
	size_t head = len < PAGE ? len : PAGE;
	struct stat st;

	if (fd < 0)
		return -1;
	/* Over what was there, so that nothing of it is behind what is new. */
	if (fstat(fd, &st) == 0 && st.st_size > (off_t)head && head < PAGE) {
		size_t size = st.st_size < PAGE ? (size_t)st.st_size : PAGE;

		memset(bytes + head, '\n', size - head);
		head = size;
	}
	if ((len <= PAGE || write_at(fd, bytes + PAGE, len - PAGE, PAGE) == 0) &&
		write_at(fd, bytes, head, 0) == 0 && ftruncate(fd, (off_t)len) == 0)
		rc = 0;
	(void)fsync(fd); /* some file systems have none */
	error = errno;
	close(fd);
	errno = error;
	return rc;
}

static int keep_copy(void)
{
	size_t len = 0;
	struct stat st;
	char *content = content_read(RESOLV_CONF, &len, &st);
	int fd, rc = -1, error;

	if (!content)
		return -1;
	fd = open(SAVED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && write_at(fd, content, len, 0) == 0)
		rc = fchmod(fd, st.st_mode & 0777);
	error = errno;
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	if (fd >= 0 && rc != 0)
		unlink(SAVED);
	free(content);
	errno = error;
	return rc;
}

/* What rename(2) would do; `saved` goes when all is there. */
static int restore_in_place(void)
{
	size_t len = 0;
	struct stat st;
	char *content = content_read(SAVED, &len, &st);
	int rc = content ? write_in_place(RESOLV_CONF, content, len) : -1;

	free(content);
	return rc == 0 ? unlink(SAVED) : -1;
}

/* The old content is kept: as a hard link, so at no moment is there neither the old file nor its copy. */
static int keep(bool *in_place)
{
	*in_place = false;
	if (link(RESOLV_CONF, SAVED) == 0 || errno == ENOENT)
		return 0;
	*in_place = true; /* a mount of its own */
	return errno == EXDEV ? keep_copy() : -1;
}

static int put(char all[PAGE], bool in_place)
{
	int rc, error;

	if (!in_place) {
		rc = write_file(RESOLV_CONF ".greyline", all) == 0
			     ? rename(RESOLV_CONF ".greyline", RESOLV_CONF)
			     : -1;
		error = errno;
		if (rc != 0) {
			unlink(SAVED);
			unlink(RESOLV_CONF ".greyline");
		}
		errno = error;
		return rc;
	}
	if (write_in_place(RESOLV_CONF, all, strlen(all)) == 0)
		return 0;
	error = errno;
	if (file_owner() != getpid()) /* as it was */
		unlink(SAVED);
	else
		(void)restore_in_place(); /* else the copy stays */
	errno = error;
	return -1;
}

static int set_in_file(const char *text, char *why)
{
	char all[PAGE];
	bool in_place;

	if (access(SAVED, F_OK) == 0 && file_owner()) {
		snprintf(why, SYSTEM_WHY,
			RESOLV_CONF " is in use by another greyline: its name servers stay");
		return -1;
	}
	/* Else somebody has written the file anew since: what was saved is out of date. */
	unlink(SAVED);
	if (keep(&in_place) < 0) {
		snprintf(why, SYSTEM_WHY,
			"cannot keep a copy of " RESOLV_CONF " as " SAVED
			": %s; its name servers stay, write the tunnel's there yourself",
			strerror(errno));
		return -1;
	}
	snprintf(all, OURS_MAX, MARK "%d; the old one is " SAVED "\n%s", (int)getpid(), text);
	if (put(all, in_place) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY,
		"cannot write " RESOLV_CONF ": %s; write the tunnel's name servers there yourself",
		strerror(errno));
	return -1;
}

void client_dns_add(struct client_dns *dns, const char *server)
{
	for (unsigned int i = 0; i < dns->count; i++) {
		if (!strcmp(dns->servers[i], server))
			return;
	}
	if (dns->count == CLIENT_DNS_MAX)
		return;
	snprintf(dns->servers[dns->count++], sizeof(dns->servers[0]), "%s", server);
	dns->changed = true;
}

int client_dns_set(const char *dev, struct client_dns *dns, char *why)
{
	char text[CLIENT_DNS_MAX * (INET6_ADDRSTRLEN + 12) + 1] = "";

	dns->changed = false;
	for (unsigned int i = 0; i < dns->count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "nameserver %s\n", dns->servers[i]);
	}
	if (resolved_runs()) {
		if (set_by_resolved(dev, dns) == 0)
			return 0;
		snprintf(why, SYSTEM_WHY, "resolvectl did not take the name servers for %s", dev);
		return -1;
	}
	if (resolvconf_there()) {
		if (resolvconf(dev, "-a", text) == 0)
			return 0;
		snprintf(why, SYSTEM_WHY, "resolvconf did not take the name servers for %s", dev);
		return -1;
	}
	return set_in_file(text, why);
}

static void restore_file(void)
{
	if (access(SAVED, F_OK) < 0)
		unlink(RESOLV_CONF); /* there was none */
	else if (rename(SAVED, RESOLV_CONF) < 0 && (errno != EBUSY || restore_in_place() < 0))
		log_error("cannot put back " RESOLV_CONF " from " SAVED ": %s", strerror(errno));
}

void client_dns_unset(const char *dev)
{
	if (resolved_runs())
		return;
	if (resolvconf_there())
		(void)resolvconf(dev, "-d", "");
	else if (file_owner() == getpid())
		restore_file();
}

void client_dns_recover(void)
{
	pid_t pid = file_owner();

	/* In a container the next one has the same number. */
	if (pid > 0 && (pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH))) {
		log_warning(
			"putting back " RESOLV_CONF ", which a client that was killed had changed");
		restore_file();
	}
}
