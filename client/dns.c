/*
 * The server's name servers for this machine: by systemd-resolved where it runs (the setting goes
 * with the device), by resolvconf where that is installed, else in /etc/resolv.conf itself, whose
 * old content is kept beside it and put back.
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

static int set_in_file(const char *text, char *why)
{
	char all[512];

	if (access(SAVED, F_OK) == 0 && file_owner()) {
		snprintf(why, SYSTEM_WHY,
			RESOLV_CONF " is in use by another greyline: its name servers stay");
		return -1;
	}
	/* Else somebody has written the file anew since: what was saved is out of date. */
	unlink(SAVED);
	/* A hard link first: at no moment is there neither the old file nor its copy. */
	if (link(RESOLV_CONF, SAVED) < 0 && errno != ENOENT) {
		snprintf(why, SYSTEM_WHY, "cannot keep a copy of " RESOLV_CONF " as " SAVED ": %s",
			strerror(errno));
		return -1;
	}
	snprintf(all, sizeof(all), MARK "%d; the old one is " SAVED "\n%s", (int)getpid(), text);
	if (write_file(RESOLV_CONF ".greyline", all) == 0 &&
		rename(RESOLV_CONF ".greyline", RESOLV_CONF) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "cannot write " RESOLV_CONF ": %s", strerror(errno));
	unlink(SAVED);
	unlink(RESOLV_CONF ".greyline");
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
	else if (rename(SAVED, RESOLV_CONF) < 0)
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

	if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH) {
		log_warning(
			"putting back " RESOLV_CONF ", which a client that was killed had changed");
		restore_file();
	}
}
