/*
 * The files of running instances in the state directory, and who owns them.
 *
 * NAME.PID.undo is text: "greyline-undo 1", then "name", "pid", "start", "boot" and "netns" with
 * their values, then the caller's lines, each line ended by a newline. It is replaced by writing
 * NAME.PID.undo~, fsync and rename, so a reader sees a whole file at any moment; only a death
 * between can leave a "~" behind, which the next holder of the lock removes. The lock is flock(2)
 * on the directory itself: it goes away with its holder.
 *
 * An owner is alive if its pid is and was started at the same tick, so that a reused pid deceives
 * nobody. All instances that share the directory must share a pid namespace.
 */
#include "system/state_file.h"
#include "system/log.h"
#include "system/tun.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STATE_PATH   "/run/greyline"
#define MAGIC        "greyline-undo 1"
#define SUFFIX       ".undo"
#define FILE_MAX     (STATE_LINE * (STATE_LINES_MAX + 6))
#define LOCK_TRIES   500
#define LOCK_WAIT_MS 20

static const char *state_path(void)
{
	const char *path = getenv("GREYLINE_STATE");

	return path && *path ? path : STATE_PATH;
}

static int why_dir(const char *what, int error, char *why)
{
	const char *text = strerror(error);

	if (error == EACCES || error == EPERM)
		text = "no permission (run as root, or name another directory in GREYLINE_STATE)";
	snprintf(why, SYSTEM_WHY, "cannot %s the state directory %s: %s", what, state_path(), text);
	errno = error;
	return -1;
}

/* What stands in the files is undone with root's rights, so not everybody may write them. */
static int check_dir(int dir, char *why)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return why_dir("look at", errno, why);
	if (!(st.st_mode & S_IWOTH))
		return 0;
	snprintf(why, SYSTEM_WHY,
		"the state directory %s may be written by everybody: chmod 755 it", state_path());
	errno = EPERM;
	return -1;
}

static int lock_dir(int dir, char *why)
{
	const struct timespec pause = { .tv_nsec = LOCK_WAIT_MS * 1000000L };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return why_dir("lock", errno, why);
		nanosleep(&pause, NULL);
	}
	snprintf(why, SYSTEM_WHY,
		"another greyline process holds the state directory %s for 10 seconds now: is it "
		"stopped?",
		state_path());
	errno = ETIMEDOUT;
	return -1;
}

int state_dir_lock(bool create, char *why)
{
	int dir, error;

	if (create && mkdir(state_path(), 0755) < 0 && errno != EEXIST)
		return why_dir("make", errno, why);
	dir = open(state_path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return why_dir("open", errno, why);
	if (check_dir(dir, why) == 0 && lock_dir(dir, why) == 0)
		return dir;
	error = errno;
	close(dir);
	errno = error;
	return -1;
}

/* Reads a small file of /proc as text; -1 with errno. */
static int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return -1;
	buf[n] = '\0';
	return 0;
}

/* Field 22 of /proc/PID/stat (proc(5)); 0 if the process is gone or a zombie, -1 if that cannot be
 * known. */
static int process_start(pid_t pid, uint64_t *start)
{
	char path[40], text[1024];
	char *pos, *rest = NULL;
	int field;

	*start = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_text(path, text, sizeof(text)) < 0)
		return kill(pid, 0) < 0 && errno == ESRCH ? 0 : -1;
	/* The command's name stands in parentheses and may hold anything, so count from the last
	 * one. */
	pos = strrchr(text, ')');
	if (!pos)
		return -1;
	pos = strtok_r(pos + 1, " ", &rest);
	if (!pos || *pos == 'Z' || *pos == 'X')
		return pos ? 0 : -1;
	for (field = 3; pos && field < 22; field++)
		pos = strtok_r(NULL, " ", &rest);
	if (!pos)
		return -1;
	*start = strtoull(pos, NULL, 10);
	return 0;
}

static void boot_id(char *out, size_t size)
{
	char text[64];

	if (read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
		snprintf(text, sizeof(text), "unknown");
	text[strcspn(text, " \n")] = '\0';
	snprintf(out, size, "%.36s", text);
}

/* The cookie is unique until the next boot; an inode number, for kernels before 5.14, may come
 * again. */
static uint64_t netns_id(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = -1;

	if (fd >= 0) {
		rc = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
		close(fd);
	}
	if (rc == 0)
		return cookie;
	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static bool good_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > STATE_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(name[i]) ||
			(!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i])))
			return false;
	return true;
}

int state_file_init(struct state_file *file, const char *name, char *why)
{
	*file = (struct state_file){ .pid = getpid() };
	if (!good_name(name)) {
		snprintf(why, SYSTEM_WHY,
			"an instance's name must be 1 to %d letters, digits, '-', '_' or '.', and "
			"not begin with '.'",
			STATE_NAME_MAX);
		errno = EINVAL;
		return -1;
	}
	snprintf(file->name, sizeof(file->name), "%s", name);
	boot_id(file->boot, sizeof(file->boot));
	file->netns = netns_id();
	if (process_start(file->pid, &file->start) == 0 && file->start)
		return 0;
	snprintf(why, SYSTEM_WHY, "cannot read this process's entry in /proc: is /proc mounted?");
	errno = ENOENT;
	return -1;
}

void state_file_done(struct state_file *file)
{
	free(file->lines);
	file->lines = NULL;
	file->count = 0;
}

int state_file_add(struct state_file *file, const char *line, char *why)
{
	char(*lines)[STATE_LINE];

	if (file->count >= STATE_LINES_MAX || strlen(line) >= STATE_LINE) {
		snprintf(why, SYSTEM_WHY,
			"too many routes: at most %d changes can be noted for undoing",
			STATE_LINES_MAX);
		errno = ENOBUFS;
		return -1;
	}
	lines = realloc(file->lines, (file->count + 1) * sizeof(*lines));
	if (!lines) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		errno = ENOMEM;
		return -1;
	}
	file->lines = lines;
	snprintf(lines[file->count++], STATE_LINE, "%s", line);
	return 0;
}

void state_file_drop(struct state_file *file, size_t index)
{
	file->count--;
	memmove(file->lines[index], file->lines[index + 1],
		(file->count - index) * sizeof(*file->lines));
}

bool state_file_has(const struct state_file *file, const char *line)
{
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->lines[i], line) == 0)
			return true;
	return false;
}

static void file_name(const struct state_file *file, char *out, size_t size)
{
	snprintf(out, size, "%s.%d" SUFFIX, file->name, (int)file->pid);
}

/* Writes all to the open descriptor, which is closed; -1 with errno. */
static int write_content(int fd, const struct state_file *file)
{
	FILE *out = fdopen(fd, "w");
	int error;

	if (!out) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	fprintf(out, MAGIC "\nname %s\npid %d\nstart %" PRIu64 "\nboot %s\nnetns %" PRIu64 "\n",
		file->name, (int)file->pid, file->start, file->boot, file->netns);
	for (size_t i = 0; i < file->count; i++)
		fprintf(out, "%s\n", file->lines[i]);
	if (fflush(out) == 0 && fsync(fd) == 0)
		return fclose(out) == 0 ? 0 : -1;
	error = errno;
	fclose(out);
	errno = error;
	return -1;
}

int state_file_write(int dir, const struct state_file *file, char *why)
{
	char name[STATE_LINE], temporary[STATE_LINE + 1];
	int fd, error;

	file_name(file, name, sizeof(name));
	snprintf(temporary, sizeof(temporary), "%s~", name);
	unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0 && write_content(fd, file) == 0 && renameat(dir, temporary, dir, name) == 0) {
		fsync(dir);
		return 0;
	}
	error = errno;
	if (fd >= 0)
		unlinkat(dir, temporary, 0);
	return why_dir("write to", error, why);
}

void state_file_remove(int dir, const struct state_file *file)
{
	char name[STATE_LINE];

	file_name(file, name, sizeof(name));
	unlinkat(dir, name, 0);
	fsync(dir);
}

bool state_file_here(const struct state_file *file)
{
	return file->netns == netns_id();
}

enum state_owner state_file_owner(const struct state_file *file)
{
	uint64_t start;
	char boot[40];

	boot_id(boot, sizeof(boot));
	if (strcmp(boot, file->boot) != 0)
		return STATE_OWNER_BEFORE_BOOT;
	/* Where the kernel hides other users' processes, rather leave a change than undo a living
	 * one's. */
	if (process_start(file->pid, &start) < 0 || start == file->start)
		return STATE_OWNER_ALIVE;
	return state_file_here(file) ? STATE_OWNER_DEAD : STATE_OWNER_ELSEWHERE;
}

/* The value of the next line "KEY value", cut off at *rest; NULL if it is another line. */
static const char *next_value(char **rest, const char *key)
{
	char *line = *rest, *end = strchr(line, '\n');
	size_t len = strlen(key);

	if (!end || strncmp(line, key, len) != 0 || line[len] != ' ')
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line + len + 1;
}

static bool next_number(char **rest, const char *key, uint64_t max, uint64_t *out)
{
	const char *value = next_value(rest, key);
	char *end;

	if (!value || !isdigit((unsigned char)*value))
		return false;
	errno = 0;
	*out = strtoull(value, &end, 10);
	return errno == 0 && *end == '\0' && *out <= max;
}

/* 0, or -1 if it is not exactly what write_content() writes. */
static int parse(struct state_file *file, char *text)
{
	const char *magic = MAGIC "\n", *name, *boot;
	char why[SYSTEM_WHY];
	uint64_t pid;

	*file = (struct state_file){ 0 };
	if (strncmp(text, magic, strlen(magic)) != 0)
		return -1;
	text += strlen(magic);
	name = next_value(&text, "name");
	if (!name || !good_name(name) || !next_number(&text, "pid", INT32_MAX, &pid) || pid == 0 ||
		!next_number(&text, "start", UINT64_MAX, &file->start) || file->start == 0)
		return -1;
	boot = next_value(&text, "boot");
	if (!boot || strlen(boot) >= sizeof(file->boot) ||
		!next_number(&text, "netns", UINT64_MAX, &file->netns))
		return -1;
	snprintf(file->name, sizeof(file->name), "%s", name);
	snprintf(file->boot, sizeof(file->boot), "%s", boot);
	file->pid = (pid_t)pid;
	while (*text) {
		char *end = strchr(text, '\n');

		if (!end || state_file_add(file, (*end = '\0', text), why) < 0)
			return -1;
		text = end + 1;
	}
	return 0;
}

static int read_file(int dir, const char *name, struct state_file *file)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = malloc(FILE_MAX + 1), expected[STATE_LINE];
	size_t used = 0;
	ssize_t n = -1;
	int rc = -1;

	*file = (struct state_file){ 0 };
	while (fd >= 0 && text && used < FILE_MAX &&
		(n = read(fd, text + used, FILE_MAX - used)) > 0)
		used += (size_t)n;
	if (n == 0) {
		text[used] = '\0';
		rc = strlen(text) == used ? parse(file, text) : -1;
	}
	if (rc == 0) {
		file_name(file, expected, sizeof(expected));
		rc = strcmp(name, expected) == 0 ? 0 : -1;
	}
	if (fd >= 0)
		close(fd);
	free(text);
	if (rc < 0)
		state_file_done(file);
	return rc;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* Undo files, and what deaths left of them. */
static int is_ours(const struct dirent *entry)
{
	return ends_with(entry->d_name, SUFFIX) || ends_with(entry->d_name, SUFFIX "~");
}

void state_dir_each(
	int dir, void (*handle)(void *user, int dir, struct state_file *file), void *user)
{
	struct dirent **list = NULL;
	struct state_file file;
	/* A list made first, as what `handle` renames might turn up in a running readdir() for
	 * ever. */
	int count = scandirat(dir, ".", &list, is_ours, alphasort);

	if (count < 0)
		log_warning(
			"cannot read the state directory %s: %s", state_path(), strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;

		/* We hold the lock, so nobody is writing: its writer died. */
		if (ends_with(name, "~")) {
			unlinkat(dir, name, 0);
		} else if (read_file(dir, name, &file) == 0) {
			handle(user, dir, &file);
			state_file_done(&file);
		} else {
			log_warning(
				"%s/%s is no undo file that can be read: look at it and remove it",
				state_path(), name);
		}
		free(list[i]);
	}
	free(list);
}
