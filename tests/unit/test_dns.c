/*
 * Name servers in /etc/resolv.conf: as a file, and as a mount of its own, which cannot be replaced. In a mount namespace with
 * an /etc of its own; skipped where there is none to be had, or where resolvconf would be asked.
 */
#include "client/network.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME "/etc/resolv.conf"
#define SAVED     "/etc/resolv.conf.before-greyline"
#define OUTER     "/etc/outer"

static char old[10000], now[20000];
static const char *skipped; /* why */

static void content(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static const char *read_now(void)
{
	FILE *f = fopen(FILE_NAME, "r");
	size_t n;

	assert_non_null(f);
	n = fread(now, 1, sizeof(now) - 1, f);
	fclose(f);
	now[n] = '\0';
	return now;
}

static void is_as_it_was(void)
{
	assert_string_equal(read_now(), old);
	assert_int_not_equal(access(SAVED, F_OK), 0);
}

static struct client_dns servers(void)
{
	struct client_dns dns = { 0 };

	client_dns_add(&dns, "192.0.2.53");
	client_dns_add(&dns, "2001:db8::53");
	return dns;
}

static int set_now(char *why)
{
	struct client_dns dns = servers();

	return client_dns_set("tun9", &dns, why);
}

static void is_ours(void)
{
	assert_ptr_equal(strstr(read_now(), "# made by greyline connect, pid "), now);
	assert_non_null(strstr(now, "\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"));
	assert_string_equal(strrchr(now, ':'), ":53\n");
	assert_int_equal(access(SAVED, F_OK), 0);
}

/* Without an end: as SIGKILL leaves it. */
static void set_and_die(void)
{
	pid_t pid = fork();
	char why[SYSTEM_WHY];
	int status;

	if (pid == 0)
		_exit(set_now(why) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void begin(size_t size, bool mounted)
{
	static const char line[] = "nameserver 198.51.100.1 # what was\n";

	if (skipped)
		skip();
	umount(FILE_NAME);
	unlink(FILE_NAME);
	unlink(SAVED);
	for (size_t i = 0; i < size; i++)
		old[i] = line[i % (sizeof(line) - 1)];
	old[size] = '\0';
	content(FILE_NAME, mounted ? "below\n" : old);
	if (!mounted)
		return;
	content(OUTER, old);
	assert_int_equal(mount(OUTER, FILE_NAME, NULL, MS_BIND, NULL), 0);
}

static const size_t sizes[] = { 0, 1, 33, 140, 800, 4095, 4096, 4097, 9000 };

/* Each as a plain file, and as a mount. */
#define WAYS (2 * sizeof(sizes) / sizeof(sizes[0]))

static void set_and_put_back(void **state)
{
	char why[SYSTEM_WHY];

	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		begin(sizes[i / 2], i & 1);
		assert_int_equal(set_now(why), 0);
		is_ours();
		client_dns_unset("tun9");
		is_as_it_was();
	}
}

static void put_back_after_a_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		begin(sizes[i / 2], i & 1);
		set_and_die();
		is_ours();
		client_dns_recover();
		is_as_it_was();
	}
}

/* Between two system calls: behind our lines are some of the old ones. */
static void put_back_after_a_kill_halfway(void **state)
{
	FILE *f;

	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		begin(sizes[i / 2], i & 1);
		set_and_die();
		f = fopen(FILE_NAME, "a");
		assert_non_null(f);
		for (int k = 0; k < 500; k++)
			fputs("nameserver 198.51.100.1\n", f);
		fclose(f);
		client_dns_recover();
		is_as_it_was();
	}
}

/* In a container the next one has the number of the one that was killed. */
static void put_back_of_the_same_number(void **state)
{
	char why[SYSTEM_WHY];

	(void)state;
	begin(100, true);
	assert_int_equal(set_now(why), 0);
	client_dns_recover();
	is_as_it_was();
	assert_int_equal(set_now(why), 0);
	client_dns_unset("tun9");
	is_as_it_was();
}

static void what_others_wrote_stays(void **state)
{
	char why[SYSTEM_WHY];

	(void)state;
	begin(100, true);
	assert_int_equal(set_now(why), 0);
	content(FILE_NAME, "nameserver 203.0.113.1\n");
	client_dns_unset("tun9");
	assert_string_equal(read_now(), "nameserver 203.0.113.1\n");
	strcpy(old, now);
	assert_int_equal(set_now(why), 0);
	client_dns_unset("tun9");
	is_as_it_was();
}

static void a_file_that_cannot_be_written(void **state)
{
	char why[SYSTEM_WHY] = "";

	(void)state;
	begin(100, true);
	assert_int_equal(mount(NULL, FILE_NAME, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(set_now(why), -1);
	assert_non_null(strstr(why, "write the tunnel's name servers there yourself"));
	is_as_it_was();
}

static void map(const char *path, unsigned int id)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (dprintf(fd, "0 %u 1", id) < 0)
		skipped = path;
	close(fd);
}

static int set_up(void **state)
{
	unsigned int uid = geteuid(), gid = getegid();

	(void)state;
	if (access("/sbin/resolvconf", X_OK) == 0 || access("/usr/sbin/resolvconf", X_OK) == 0)
		skipped = "resolvconf is there";
	else if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) < 0)
		skipped = "no namespaces";
	if (skipped)
		return 0;
	if (uid) {
		content("/proc/self/setgroups", "deny");
		map("/proc/self/uid_map", uid);
		map("/proc/self/gid_map", gid);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", "/etc", "tmpfs", 0, NULL) < 0 ||
		mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
		skipped = "no mounts";
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_put_back),
		cmocka_unit_test(put_back_after_a_kill),
		cmocka_unit_test(put_back_after_a_kill_halfway),
		cmocka_unit_test(put_back_of_the_same_number),
		cmocka_unit_test(what_others_wrote_stays),
		cmocka_unit_test(a_file_that_cannot_be_written),
	};

	return cmocka_run_group_tests_name("dns", tests, set_up, NULL);
}
