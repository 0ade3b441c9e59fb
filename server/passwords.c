/* The file of changed passwords: see passwords.h. */
#include "server/passwords.h"

#include "lib/ppp/mschap.h"
#include "session/config_text.h"
#include "session/settings.h"
#include "system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX  32 /* characters of a hash */
#define LINE (2 * (HEX + 1) + CHAP_NAME_MAX + 2)

static const char head[] =
	"# Passwords that users have changed, by greyline. Each line: what it "
	"replaces, NT hash, name.\n"
	"# Without its line a user has the password of the configuration again.\n";

/* The directory of `path` in `out`; false: too long. */
static bool directory_of(const char *path, char out[PATH_MAX])
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= PATH_MAX)
		return false;
	snprintf(out, PATH_MAX, "%s", dirname(copy));
	return true;
}

/*
 * 0, or -1 if a file could not be made there, or not only by us: whoever made it before would own
 * those after it, and read what is in them.
 */
static int check_directory(const char *path, char *why)
{
	char directory[PATH_MAX];
	struct stat st;

	if (*path != '/' || !directory_of(path, directory) || access(directory, W_OK | X_OK) < 0 ||
		stat(directory, &st) < 0) {
		snprintf(why, SYSTEM_WHY,
			"changed-passwords: %.120s is not the full path of a file in a directory "
			"that can be written to",
			path);
		return -1;
	}
	if (st.st_mode & S_IWOTH) {
		snprintf(why, SYSTEM_WHY,
			"changed-passwords: %.120s is a directory that everybody can write to: use "
			"one of root's, like /var/lib/greyline",
			directory);
		return -1;
	}
	return 0;
}

/* Of `text` up to `end`, one line: 0, or -1 if it is malformed. */
static int take_line(struct accounts *accounts, const char *text, size_t len, unsigned int *lapsed)
{
	uint8_t replaces[16], hash[16];
	struct account *a;
	char name[CHAP_NAME_MAX + 1];
	size_t name_len = len - 2 * (HEX + 1);
	int rc = -1;

	if (len > 2 * (HEX + 1) && name_len <= CHAP_NAME_MAX && text[HEX] == ' ' &&
		text[2 * HEX + 1] == ' ' && accounts_hash(text, replaces) == 0 &&
		accounts_hash(text + HEX + 1, hash) == 0) {
		memcpy(name, text + 2 * (HEX + 1), name_len);
		name[name_len] = '\0';
		a = accounts_find(accounts, name);
		rc = 0;
		if (a && !strcmp(a->name, name) && mschap_equal(a->replaces, replaces, 16))
			accounts_renew(a, hash);
		else
			(*lapsed)++;
	}
	explicit_bzero(hash, sizeof(hash));
	explicit_bzero(replaces, sizeof(replaces));
	return rc;
}

static int take_text(
	struct accounts *accounts, const char *path, const char *text, size_t len, char *why)
{
	unsigned int number = 0, lapsed = 0;

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;

		number++;
		if (n && text[at] != '#' && take_line(accounts, text + at, n, &lapsed) < 0) {
			snprintf(why, SYSTEM_WHY,
				"%s:%u: write 32 hexadecimal digits, a blank, 32 more, a blank, a "
				"name",
				path, number);
			return -1;
		}
		at += n + 1;
	}
	if (lapsed)
		log_info(
			"%s: %u of its lines count no more: the user is gone, or was given another "
			"password",
			path, lapsed);
	return 0;
}

int passwords_load(const char *path, struct accounts *accounts, char *why)
{
	struct stat st;
	size_t len = 0;
	char *text;
	int rc;

	if (check_directory(path, why) < 0)
		return -1;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		snprintf(why, SYSTEM_WHY, "changed-passwords: %.120s: %s", path, strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, SYSTEM_WHY, "changed-passwords: %.120s is no regular file", path);
		return -1;
	}
	text = config_text_read(path, &len, why);
	if (!text)
		return -1;
	if (st.st_mode & 077)
		log_warning("%s can be read by others, who can log on with what is in it: chmod "
			    "600 %s",
			path, path);
	rc = take_text(accounts, path, text, len, why);
	explicit_bzero(text, len);
	free(text);
	return rc;
}

static int put(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static void put_hex(char *out, const uint8_t hash[16])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[HEX] = ' ';
}

static int put_line(int fd, const struct account *a, const uint8_t hash[16])
{
	char line[LINE];
	size_t len = strlen(a->name);
	int rc;

	put_hex(line, a->replaces);
	put_hex(line + HEX + 1, hash);
	memcpy(line + 2 * (HEX + 1), a->name, len);
	line[2 * (HEX + 1) + len] = '\n';
	rc = put(fd, line, 2 * (HEX + 1) + len + 1);
	explicit_bzero(line, sizeof(line));
	return rc;
}

static int put_all(int fd, const char *path, const struct accounts *accounts,
	const struct account *changed, const struct ppp_secret *next)
{
	struct stat st;

	/* As the administrator has it; where that is not to be had, its owner is who we are. */
	if (stat(path, &st) == 0 &&
		(fchmod(fd, st.st_mode & 07777) < 0 ||
			(fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)))
		return -1;
	if (put(fd, head, sizeof(head) - 1) < 0)
		return -1;
	for (const struct account *a = accounts->newest; a; a = a->older) {
		if (a == changed ? put_line(fd, a, next->nt_hash) < 0
				 : a->renewed && put_line(fd, a, a->secret.nt_hash) < 0)
			return -1;
	}
	return fsync(fd);
}

/* The new name is on the disk, too. */
static int sync_directory(const char *path)
{
	char directory[PATH_MAX];
	int fd, rc = -1;

	if (!directory_of(path, directory))
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		rc = fsync(fd);
		close(fd);
	}
	return rc;
}

static int replace(const char *path, const struct accounts *accounts, const struct account *changed,
	const struct ppp_secret *next)
{
	char fresh[PATH_MAX];
	int fd, rc;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	(void)unlink(fresh); /* of one that was killed */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = put_all(fd, path, accounts, changed, next) < 0 ? -errno : 0;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlink(fresh);
		return rc;
	}
	if (sync_directory(path) < 0)
		log_warning("%s is written, but perhaps not yet on the disk: %s", path,
			strerror(errno));
	return 0;
}

int passwords_change(const char *path, struct accounts *accounts, struct account *account,
	const struct ppp_secret *next, char *why)
{
	int rc;

	if (strchr(account->name, '\n')) {
		snprintf(
			why, SYSTEM_WHY, "a name with a line break cannot be kept in %.120s", path);
		return -1;
	}
	rc = replace(path, accounts, account, next);
	if (rc < 0) {
		snprintf(why, SYSTEM_WHY, "%.120s cannot be written: %s", path, strerror(-rc));
		return -1;
	}
	accounts_renew(account, next->nt_hash);
	return 0;
}
