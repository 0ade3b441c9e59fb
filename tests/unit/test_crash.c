/* system/crash: what a process that dies says, and by what it dies; tests/netns/crash has the threads. */
#include "system/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Its standard error, once it has died of `number`: its own doing, or (`sent`) ours. */
static void die(int number, bool sent, char *said, size_t size)
{
	size_t used = 0;
	volatile char *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int out[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		signal(number, SIG_DFL); /* not a sanitizer's */
		dup2(out[1], STDERR_FILENO);
		crash_watch();
		close(out[0]);
		close(out[1]);
		if (sent)
			(void)!write(STDERR_FILENO, ".", 1); /* it may be sent */
		else if (number == SIGABRT)
			abort();
		else
			*nothing = 1;
		for (;;)
			pause();
	}
	close(out[1]);
	while ((n = read(out[0], said + used, size - 1 - used)) > 0) {
		if (sent && !used)
			assert_int_equal(kill(pid, number), 0);
		used += (size_t)n;
	}
	said[used] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
	munmap((void *)(uintptr_t)nothing, 4096);
}

static void a_signal_that_was_sent_is_told_from_a_fault(void **state)
{
	static const int numbers[] = { SIGABRT, SIGSEGV };
	char said[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		die(numbers[i], false, said, sizeof(said));
		assert_non_null(strstr(said, "the control thread died of SIG"));
		assert_null(strstr(said, "which was sent to it"));
		die(numbers[i], true, said, sizeof(said));
		assert_non_null(strstr(said, "the control thread died of SIG"));
		assert_non_null(strstr(said, "which was sent to it"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_that_was_sent_is_told_from_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
