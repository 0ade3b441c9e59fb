/*
 * The undo files: who is dead, what is shared, what is left alone. In a network namespace of its
 * own, as undoing is real; tests/netns/test_net_crash.c has the crashes.
 */
#include "system/log.h"
#include "system/net.h"
#include "system/state_file.h"
#include "tests/netns/namespace.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char dir[40], why[SYSTEM_WHY], content[262144];

static int set_up(void **state)
{
	(void)state;
	log_set(LOG_ERROR, LOG_TEXT);
	return net_forward_set(false, why) < 0 || state_dir_make(dir) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char path[400];
	DIR *list = opendir(dir);
	struct dirent *entry;

	(void)state;
	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	if (list)
		closedir(list);
	return rmdir(dir);
}

static bool forwarding(void)
{
	bool on = false;

	assert_int_equal(net_forward_get(&on, why), 0);
	return on;
}

static struct net_state *open_state(const char *name)
{
	struct net_state *st = net_state_open(name, why);

	if (!st)
		fail_msg("%s", why);
	return st;
}

/* The text of NAME.PID.undo. */
static const char *file_of(const char *name, pid_t pid)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.%d.undo", dir, name, (int)pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	n = read(fd, content, sizeof(content) - 1);
	close(fd);
	assert_true(n >= 0);
	content[n] = '\0';
	return content;
}

static void put_file(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* A pid that was and is no more. */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Leaves the file of an instance: of this boot and namespace unless `change` says otherwise. */
static void put_instance(
	const char *name, pid_t pid, const char *lines, void (*change)(struct state_file *))
{
	struct state_file file;
	char text[2048], file_name[96];

	assert_int_equal(state_file_init(&file, name, why), 0);
	file.pid = pid;
	if (change)
		change(&file);
	snprintf(text, sizeof(text),
		"greyline-undo 1\nname %s\npid %d\nstart %" PRIu64 "\nboot %s\nnetns %" PRIu64
		"\n%s",
		name, (int)pid, file.start, file.boot, file.netns, lines);
	snprintf(file_name, sizeof(file_name), "%s.%d.undo", name, (int)pid);
	put_file(file_name, text);
	state_file_done(&file);
}

static void other_start(struct state_file *file)
{
	file->start++;
}

static void other_boot(struct state_file *file)
{
	snprintf(file->boot, sizeof(file->boot), "00000000-0000-0000-0000-000000000000");
}

static void other_netns(struct state_file *file)
{
	file->netns++;
}

static struct net_route some_route(void)
{
	struct net_route route = { .prefix_len = 24, .ifindex = 4711, .metric = 7 };

	inet_pton(AF_INET, "192.0.2.0", &route.prefix);
	inet_pton(AF_INET, "198.51.100.1", &route.gateway);
	return route;
}

static void an_instance_has_one_file_until_it_closes(void **state)
{
	struct net_state *st = open_state("grey0");

	(void)state;
	assert_int_equal(state_dir_files(dir), 1);
	assert_non_null(file_of("grey0", getpid()));
	net_state_close(st);
	assert_int_equal(state_dir_files(dir), 0);
	net_state_close(NULL);
}

static void a_note_is_in_the_file_when_the_call_returns(void **state)
{
	struct net_state *st = open_state("grey0");
	struct net_route route = some_route();
	const char *lines;

	(void)state;
	assert_int_equal(net_state_route(st, &route, why), 0);
	assert_int_equal(net_state_route(st, &route, why), 0);
	assert_int_equal(net_state_masquerade(st, "grey0", why), 0);
	assert_int_equal(net_state_forward(st, why), 0);
	lines = strstr(file_of("grey0", getpid()), "\nroute");
	assert_non_null(lines);
	assert_string_equal(lines,
		"\nroute 192.0.2.0/24 via 198.51.100.1 dev 4711 source 0.0.0.0 metric 7\n"
		"masquerade grey0\nforward 0\n");
	assert_int_equal(net_state_route_undo(st, &route, why), 0);
	assert_null(strstr(file_of("grey0", getpid()), "\nroute"));
	assert_int_equal(net_state_route_undo(st, &route, why), 0);
	net_state_close(st);
}

static void what_a_dead_process_left_is_undone(void **state)
{
	(void)state;
	put_instance("grey0", dead_pid(),
		"forward 0\nroute 192.0.2.0/24 via 0.0.0.0 dev 4711 source 0.0.0.0 metric 0\n",
		other_start);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_recover();
	assert_false(forwarding());
	assert_int_equal(state_dir_files(dir), 0);
}

static void a_reused_pid_is_no_sign_of_life(void **state)
{
	(void)state;
	put_instance("grey0", getpid(), "forward 0\n", other_start);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_recover();
	assert_false(forwarding());
	assert_int_equal(state_dir_files(dir), 0);
}

static void a_zombie_is_dead(void **state)
{
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	put_instance("grey0", pid, "", NULL);
	net_state_recover();
	assert_int_equal(state_dir_files(dir), 0);
	waitpid(pid, NULL, 0);
}

static void a_living_process_is_left_alone(void **state)
{
	(void)state;
	put_instance("grey0", getpid(), "forward 0\n", NULL);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_recover();
	assert_true(forwarding());
	assert_int_equal(state_dir_files(dir), 1);
}

static void a_file_from_before_the_boot_is_only_removed(void **state)
{
	(void)state;
	put_instance("grey0", dead_pid(), "forward 0\n", other_boot);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_recover();
	assert_true(forwarding());
	assert_int_equal(state_dir_files(dir), 0);
}

static void another_network_namespace_is_left_alone(void **state)
{
	(void)state;
	put_instance("grey0", dead_pid(), "forward 0\n", other_netns);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_recover();
	assert_true(forwarding());
	assert_int_equal(state_dir_files(dir), 1);
}

static void only_the_last_instance_switches_forwarding_off(void **state)
{
	struct net_state *a = open_state("a"), *b = open_state("b");

	(void)state;
	assert_int_equal(net_state_forward(a, why), 0);
	assert_int_equal(net_forward_set(true, why), 0);
	assert_int_equal(net_state_forward(b, why), 0);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_close(a);
	assert_true(forwarding());
	net_state_close(b);
	assert_false(forwarding());
}

static void forwarding_that_was_on_stays_on(void **state)
{
	struct net_state *a, *b;

	(void)state;
	assert_int_equal(net_forward_set(true, why), 0);
	a = open_state("a");
	b = open_state("b");
	assert_int_equal(net_state_forward(a, why), 0);
	assert_int_equal(net_state_forward(b, why), 0);
	net_state_close(b);
	net_state_close(a);
	assert_true(forwarding());
}

static void a_crash_does_not_take_forwarding_from_the_living(void **state)
{
	struct net_state *b;

	(void)state;
	put_instance("a", dead_pid(), "forward 0\n", other_start);
	assert_int_equal(net_forward_set(true, why), 0);
	/* It died after our recovery and before our note. */
	b = open_state("b");
	assert_int_equal(net_state_forward(b, why), 0);
	net_state_recover();
	assert_int_equal(state_dir_files(dir), 1);
	assert_true(forwarding());
	net_state_close(b);
	assert_false(forwarding());
}

static void a_living_instances_name_is_taken(void **state)
{
	struct net_state *st = open_state("grey0");

	(void)state;
	assert_null(net_state_open("grey0", why));
	assert_non_null(strstr(why, "greyline runs already as \"grey0\""));
	net_state_close(st);
	st = open_state("grey0");
	net_state_close(st);
}

static void names_that_are_no_file_names_are_refused(void **state)
{
	static const char *const names[] = { "", ".", "..", "../x", "a/b", ".hidden", "a b", "a\nb",
		"\xc3\xa4", "a1234567890123456789012345678901234567890" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_null(net_state_open(names[i], why));
		assert_non_null(strstr(why, "1 to 40 letters"));
	}
	assert_int_equal(state_dir_files(dir), 0);
}

static void devices_that_could_not_stand_in_a_rule_are_not_noted(void **state)
{
	static const char *const names[] = { "", "a b", "a\"b", "a;b", "a*", "a\nforward 0",
		"abcdefghijklmnop" };
	struct net_state *st = open_state("grey0");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(net_state_masquerade(st, names[i], why), -1);
	assert_null(strstr(file_of("grey0", getpid()), "masquerade"));
	net_state_close(st);
}

static void a_directory_that_everybody_may_write_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(dir, 01777), 0);
	assert_null(net_state_open("grey0", why));
	assert_non_null(strstr(why, "may be written by everybody"));
	assert_int_equal(chmod(dir, 0755), 0);
}

static void a_missing_directory_is_made_when_it_is_needed(void **state)
{
	struct net_state *st;
	struct stat info;

	(void)state;
	assert_int_equal(rmdir(dir), 0);
	net_state_recover();
	assert_int_equal(stat(dir, &info), -1);
	st = open_state("grey0");
	assert_int_equal(stat(dir, &info), 0);
	net_state_close(st);
}

static void a_half_written_file_of_the_dead_is_removed(void **state)
{
	(void)state;
	put_file("grey0.4711.undo~", "greyline-un");
	net_state_recover();
	assert_int_equal(state_dir_files(dir), 0);
}

static void files_that_we_did_not_write_are_left_alone(void **state)
{
	static const char head[] = "greyline-undo 1\nname x\npid 4711\nstart 1\nboot b\nnetns 1\n";
	static const char *const texts[] = {
		"",
		"\n",
		"greyline-undo 2\nname x\npid 4711\nstart 1\nboot b\nnetns 1\n",
		"greyline-undo 1\n",
		"greyline-undo 1\nname y\npid 4711\nstart 1\nboot b\nnetns 1\n",
		"greyline-undo 1\nname ../x\npid 4711\nstart 1\nboot b\nnetns 1\n",
		"greyline-undo 1\nname x\npid 0\nstart 1\nboot b\nnetns 1\n",
		"greyline-undo 1\nname x\npid -1\nstart 1\nboot b\nnetns 1\n",
		"greyline-undo 1\nname x\npid 4294967297\nstart 1\nboot b\nnetns 1\n",
		"greyline-undo 1\nname x\npid 4711\nstart 0\nboot b\nnetns 1\n",
		"greyline-undo 1\nname x\npid 4711\nstart 99999999999999999999\nboot b\nnetns 1\n",
		("greyline-undo 1\nname x\npid 4711\nstart 1\nboot "
		 "123456789012345678901234567890123456789x\nnetns 1\n"),
		"greyline-undo 1\nname x\npid 4711\nstart 1\nboot b\nnetns 1",
	};
	char text[1024];

	(void)state;
	log_set((enum log_level) - 1, LOG_TEXT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file("x.4711.undo", texts[i]);
		net_state_recover();
		assert_int_equal(state_dir_files(dir), 1);
	}
	snprintf(text, sizeof(text), "%sforward 0", head);
	put_file("x.4711.undo", text);
	net_state_recover();
	assert_int_equal(state_dir_files(dir), 1);
	snprintf(text, sizeof(text), "%s%0200d\n", head, 0);
	put_file("x.4711.undo", text);
	net_state_recover();
	assert_int_equal(state_dir_files(dir), 1);
	/* The same head is good under its own name: it is from before this boot. */
	put_file("x.4711.undo", head);
	put_file("sock", "");
	net_state_recover();
	assert_int_equal(state_dir_files(dir), 1);
}

static void lines_that_cannot_be_undone_stay_in_the_file(void **state)
{
	pid_t pid = dead_pid();

	(void)state;
	log_set((enum log_level) - 1, LOG_TEXT);
	put_instance("grey0", pid,
		"forward 0\n"
		"dance\n"
		"route 192.0.2.0/24 via 198.51.100.1 dev 4711 source 0.0.0.0 metric 7\n"
		"route 192.0.2.0/24 via 198.51.100.1 dev 4711 source 0.0.0.0 metric 7 more\n"
		"route 192.0.2.0/280 via 198.51.100.1 dev 4711 source 0.0.0.0 metric 7\n"
		"masquerade a;b\n",
		other_start);
	assert_int_equal(net_forward_set(true, why), 0);
	net_state_recover();
	assert_false(forwarding());
	assert_string_equal(strstr(file_of("grey0", pid), "dance"),
		"dance\n"
		"route 192.0.2.0/24 via 198.51.100.1 dev 4711 source 0.0.0.0 metric 7 more\n"
		"route 192.0.2.0/280 via 198.51.100.1 dev 4711 source 0.0.0.0 metric 7\n"
		"masquerade a;b\n");
}

static void too_many_notes_are_refused_and_the_file_stays_whole(void **state)
{
	struct net_state *st = open_state("grey0");
	struct net_route route = some_route();
	int n = 0;

	(void)state;
	for (; n < 2000; n++) {
		route.metric = (uint32_t)n;
		if (net_state_route(st, &route, why) < 0)
			break;
	}
	assert_int_equal(n, STATE_LINES_MAX);
	assert_non_null(strstr(why, "too many routes"));
	assert_non_null(strstr(file_of("grey0", getpid()), "metric 1023\n"));
	assert_null(strstr(content, "metric 1024\n"));
	net_state_close(st);
	assert_int_equal(state_dir_files(dir), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_instance_has_one_file_until_it_closes),
		CASE(a_note_is_in_the_file_when_the_call_returns),
		CASE(what_a_dead_process_left_is_undone),
		CASE(a_reused_pid_is_no_sign_of_life),
		CASE(a_zombie_is_dead),
		CASE(a_living_process_is_left_alone),
		CASE(a_file_from_before_the_boot_is_only_removed),
		CASE(another_network_namespace_is_left_alone),
		CASE(only_the_last_instance_switches_forwarding_off),
		CASE(forwarding_that_was_on_stays_on),
		CASE(a_crash_does_not_take_forwarding_from_the_living),
		CASE(a_living_instances_name_is_taken),
		CASE(names_that_are_no_file_names_are_refused),
		CASE(devices_that_could_not_stand_in_a_rule_are_not_noted),
		CASE(a_directory_that_everybody_may_write_is_refused),
		CASE(a_missing_directory_is_made_when_it_is_needed),
		CASE(a_half_written_file_of_the_dead_is_removed),
		CASE(files_that_we_did_not_write_are_left_alone),
		CASE(lines_that_cannot_be_undone_stay_in_the_file),
		CASE(too_many_notes_are_refused_and_the_file_stays_whole),
	};

	namespace_enter_or_skip();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
