/* Where passwords to log on with come from: a file or the environment. See settings.h. */
#include "session/settings.h"

#include "lib/ppp/mschap.h"
#include "system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_MAX 1024 /* bytes of a password file's first line */

/* Taken out: neither ps(1) nor a program that we start shall see it. */
static char *password_of_environment(char *why)
{
	char *env = getenv("GREYLINE_PASSWORD"), *copy = NULL;

	if (!env) {
		snprintf(why, SYSTEM_WHY,
			"no password: give --password-file FILE, or set GREYLINE_PASSWORD in the "
			"environment");
		return NULL;
	}
	copy = strdup(env);
	if (!copy)
		snprintf(why, SYSTEM_WHY, "out of memory");
	explicit_bzero(env, strlen(env));
	unsetenv("GREYLINE_PASSWORD");
	return copy;
}

/* The first line of `n` bytes of the file, which all is there is or PASSWORD_MAX. */
static char *first_line(const char *text, size_t n, const char *path, char *why)
{
	const char *end = memchr(text, '\n', n);
	size_t len = end ? (size_t)(end - text) : n;
	char *password = NULL;

	while (len && text[len - 1] == '\r')
		len--;
	if (!end && n == PASSWORD_MAX)
		snprintf(why, SYSTEM_WHY,
			"the first line of the password file %s is too long for a password", path);
	else if (memchr(text, 0, len))
		snprintf(why, SYSTEM_WHY,
			"the password file %s is no text file: it has a zero byte", path);
	else if (!len)
		snprintf(why, SYSTEM_WHY,
			"the password file %s is empty: its first line must be the password", path);
	else if (!(password = strndup(text, len)))
		snprintf(why, SYSTEM_WHY, "out of memory");
	return password;
}

char *settings_password(const char *path, char *why)
{
	char text[PASSWORD_MAX], *password = NULL;
	size_t used = 0;
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (!path || !*path)
		return password_of_environment(why);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, text + used, sizeof(text) - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		snprintf(why, SYSTEM_WHY, "cannot read the password file %s: %s", path,
			strerror(errno));
	else
		password = first_line(text, used, path, why);
	explicit_bzero(text, sizeof(text));
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 077)
		log_warning("the password file %s can be read by others: chmod 600 %s", path, path);
	close(fd);
	return password;
}

char *settings_logon_password(const char *path, uint8_t hash[16], char *why)
{
	char *password = settings_password(path, why);

	if (!password || (*password && mschap_nt_hash(password, hash) == 0))
		return password;
	explicit_bzero(password, strlen(password));
	free(password);
	snprintf(why, SYSTEM_WHY, "the password must have 1 to 256 characters of UTF-8");
	return NULL;
}
