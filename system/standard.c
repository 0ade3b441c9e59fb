/* Standard input, output and error: see standard.h. */
#include "system/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void standard_reserve(void)
{
	/* open() gives the lowest number that is free: this very one. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

int standard_flush(const char *program)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "%s: standard output could not be written%s%s: what is there is not all\n",
		program, errno ? ": " : "", errno ? strerror(errno) : "");
	return -1;
}
