/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the token comes from. Copies are wiped when they are given up. */
#include "credential.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/log.h"
#include "storyfs/text.h"

enum {
	TOKEN_BYTES = 4096,
	COMMAND_MS = 30000,
};

extern char **environ;

struct credential {
	char *command;
	char *file;
	char *from_environment;
	char *from_config;
	pthread_mutex_t lock; /* guards value */
	char *value;	      /* NULL until it was asked for */
};

static void wipe(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* A copy of the variable, whose own bytes are overwritten: /proc shows them for as long as the
 * process lives. */
static char *move_from_environment(const char *name)
{
	char *value = getenv(name);
	char *copy = value && *value ? xstrdup(value) : NULL;

	if (value) {
		explicit_bzero(value, strlen(value));
		unsetenv(name); /* NOLINT(concurrency-mt-unsafe): no thread was started yet */
	}
	return copy;
}

static char *copy_text(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

/* systemd hands credentials over as files of a directory that is ours alone. */
static char *credential_path(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path = dir ? xasprintf("%s/token", dir) : NULL;

	if (path && access(path, R_OK) < 0) {
		free(path);
		path = NULL;
	}
	return path;
}

const char *credential_from_environment(void)
{
	scoped(free_ptr) char *path = credential_path();
	const char *token = getenv("STORYFS_TOKEN");

	return path ? "$CREDENTIALS_DIRECTORY/token" : token && *token ? "$STORYFS_TOKEN" : NULL;
}

struct credential *credential_new(const char *command, const char *file, const char *from_config)
{
	struct credential *t = xcalloc(1, sizeof(*t));

	t->command = copy_text(command);
	t->file = file && *file ? xstrdup(file) : credential_path();
	t->from_environment = move_from_environment("STORYFS_TOKEN");
	t->from_config = copy_text(from_config);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void credential_free(struct credential *t)
{
	if (!t)
		return;
	free(t->command);
	free(t->file);
	wipe(t->from_environment);
	wipe(t->from_config);
	wipe(t->value);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- sources ---- */

static int read_token_file(const char *path, struct buf *ret)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		int e = -errno;

		log_error("token file %s: %s", path, text_errno(e));
		return e;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		log_error("token file %s: others may read it; run: chmod 600 %s", path, path);
		return -EACCES;
	}
	int e = file_read(path, TOKEN_BYTES, ret);

	if (e < 0)
		log_error("token file %s: %s", path, text_errno(e));
	return e;
}

/* The command, its output going to *ret_fd. */
static int start_command(const char *command, pid_t *ret_pid, int *ret_fd)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	int e = posix_spawn(ret_pid, "/bin/sh", &actions, &attr, argv, environ);

	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (e)
		close(ends[0]);
	else
		*ret_fd = ends[0];
	return -e;
}

static int run_token_command(const char *command, struct buf *ret)
{
	scoped(close_fd) int fd = -1;
	pid_t pid = -1;
	int status = 0;
	int e = start_command(command, &pid, &fd);

	if (e == 0) {
		e = file_read_pipe(fd, clock_deadline(COMMAND_MS), TOKEN_BYTES, ret);
		if (e < 0)
			kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	if (e == 0 && status)
		e = -EIO;
	if (e < 0)
		log_error("token_command failed: %s",
			e == -EIO ? "it ended with an error" : text_errno(e));
	return e;
}

static int ask(struct credential *t, struct buf *ret)
{
	if (t->command)
		return run_token_command(t->command, ret);
	if (t->file)
		return read_token_file(t->file, ret);
	if (t->from_environment)
		buf_add_str(ret, t->from_environment);
	else if (t->from_config)
		buf_add_str(ret, t->from_config);
	return 0;
}

/* The first line, and that only if it can stand in a header. */
static int take_line(struct buf *text)
{
	while (text->len && isspace((unsigned char)text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	for (size_t i = 0; i < text->len; i++) {
		if (!isgraph((unsigned char)text->data[i])) {
			log_error(
				"what the token's source gave is no token: %zu bytes with blanks, "
				"control or other characters",
				text->len);
			return -EINVAL;
		}
	}
	return 0;
}

/* The caller holds the lock. */
static int refresh(struct credential *t)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int e = ask(t, &text);

	if (e == 0)
		e = take_line(&text);
	if (e == 0) {
		wipe(t->value);
		t->value = xstrdup(buf_str(&text));
	}
	if (text.data)
		explicit_bzero(text.data, text.cap);
	return e;
}

int credential_get(void *data, struct buf *ret)
{
	struct credential *t = data;

	lock_scope(&t->lock);
	int e = t->value ? 0 : refresh(t);

	if (e < 0)
		return e;
	buf_add_str(ret, t->value);
	return 0;
}

bool credential_renew(void *data)
{
	struct credential *t = data;

	lock_scope(&t->lock);
	scoped(free_ptr) char *old = t->value ? xstrdup(t->value) : NULL;
	bool is_other =
		(t->command || t->file) && refresh(t) == 0 && (!old || strcmp(old, t->value) != 0);

	if (old)
		explicit_bzero(old, strlen(old));
	return is_other;
}
