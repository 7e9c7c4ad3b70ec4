/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `storyfs mount` and `umount`. The parent forks at once and waits on a pipe; the child opens the
 * source, asks it who we are, mounts, and says so when the mount answers, or why not. Threads are
 * only ever made in the child.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard.h"
#include "mountpoint.h"
#include "setup.h"
#include "storyfs/alloc.h"
#include "storyfs/fs.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "supervisor.h"

struct mounting {
	const struct arguments *args;
	struct source_config source;
	struct fs_config fs;
	bool foreground;
	int pipe; /* to the parent; -1 in the foreground */
};

/* ---- options ---- */

static mode_t find_mask(const struct arguments *args)
{
	const char *text = args->values[OPTION_umask];
	mode_t mask = umask(0);

	umask(mask);
	return text ? (mode_t)strtoul(text, NULL, 8) : mask;
}

static struct mounting mounting_of(const struct arguments *args)
{
	struct mounting m = {
		.args = args,
		.source = setup_source(args),
		.foreground = arguments_have(args, OPTION_foreground) ||
			      arguments_have(args, OPTION_debug),
		.pipe = -1,
	};

	m.source.keep = !arguments_have(args, OPTION_no_cache);
	m.fs = (struct fs_config){
		.source = args->operands[0],
		.read_only = arguments_have(args, OPTION_ro),
		.allow_other = arguments_have(args, OPTION_allow_other),
		.default_permissions = arguments_have(args, OPTION_default_permissions),
		.no_exec = arguments_have(args, OPTION_noexec),
		.no_atime = arguments_have(args, OPTION_noatime),
		.debug = arguments_have(args, OPTION_debug),
		.uid = (uid_t)setup_number(args, OPTION_uid, geteuid()),
		.gid = (gid_t)setup_number(args, OPTION_gid, getegid()),
		.umask = find_mask(args),
		.timeout_ms = m.source.timeout_s * 1000,
	};
	return m;
}

/* ---- the child ---- */

static void leave_terminal(void)
{
	scoped(close_fd) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!log_is_journal())
		dup2(null, STDERR_FILENO);
}

/* Nobody waits for the mount any more: then nobody wants it. */
static void tell_ready(void *data)
{
	struct mounting *m = data;

	if (m->pipe < 0) {
		log_info("mounted %s", m->fs.mountpoint);
		supervisor_tell("READY=1");
		return;
	}
	if (write(m->pipe, "1", 1) != 1)
		kill(getpid(), SIGTERM);
	close(m->pipe);
	m->pipe = -1;
	leave_terminal();
}

static enum exit_code serve(struct mounting *m)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(guard_end) struct guard guard = GUARD_NONE;
	scoped(source_close) struct source *source = NULL;
	scoped(fs_free) struct fs *fs = NULL;
	int g = arguments_have(m->args, OPTION_auto_unmount) ? guard_start(m->fs.mountpoint, &guard)
							     : 0;

	if (g < 0)
		return setup_fail(m->args, text_errno(g));
	m->fs.ready = tell_ready;
	m->fs.data = m;
	if (source_open(&m->source, &source, &reason) < 0 || source_check(source, &reason) < 0)
		return setup_fail(m->args, buf_str(&reason));
	m->fs.cache_dir = source_cache_dir(source);
	if (fs_mount(source_tree(source), &m->fs, &fs, &reason) < 0)
		return setup_fail(m->args, buf_str(&reason));
	source_keep_journal(source);
	store_set_listener(source_store(source), fs_changed, fs);
	int e = fs_loop(fs);

	if (m->foreground)
		supervisor_tell("STOPPING=1");
	store_set_listener(source_store(source), NULL, NULL);
	return e < 0 ? setup_fail(m->args, text_errno(e)) : EXIT_DONE;
}

/* ---- the parent ---- */

/* The child says it is ready, or ends having said why not. */
static enum exit_code await(int fd)
{
	char word;
	ssize_t n;

	do
		n = read(fd, &word, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code serve_in_background(struct mounting *m)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return setup_fail(m->args, text_errno(errno));
	pid_t pid = fork();

	if (pid < 0)
		return setup_fail(m->args, text_errno(errno));
	if (pid > 0) {
		close(ends[1]);
		enum exit_code code = await(ends[0]);

		close(ends[0]);
		return code;
	}
	close(ends[0]);
	m->pipe = ends[1];
	setsid();
	if (chdir("/") < 0)
		log_warning("chdir /: %s", text_errno(errno));
	return serve(m);
}

/* The working directory is left: what was named from there is named from the root. */
static char *absolute_source(const char *where)
{
	return source_is_url(where) ? xstrdup(where) : realpath(where, NULL);
}

/* A file that the process opens later; NULL for none. */
static char *absolute_file(const char *path)
{
	scoped(free_ptr) char *here = path && *path && *path != '/' ? getcwd(NULL, 0) : NULL;

	if (here)
		return xasprintf("%s/%s", here, path);
	return path ? xstrdup(path) : NULL;
}

enum exit_code run_mount(const struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(free_ptr) char *mountpoint = NULL;
	scoped(free_ptr) char *where = NULL;
	scoped(free_ptr) char *token_file = NULL;
	scoped(free_ptr) char *ca_file = NULL;
	struct mounting m = mounting_of(args);

	if (m.fs.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	alloc_limit_arenas(1);
	alloc_lay_large_apart();
	where = absolute_source(args->operands[0]);
	if (!where) {
		source_explain_missing(args->operands[0], errno, &reason);
		return setup_fail(args, buf_str(&reason));
	}
	if (mountpoint_prepare(args->operands[1], &mountpoint, &reason) < 0)
		return setup_fail(args, buf_str(&reason));
	token_file = absolute_file(m.source.token_file);
	ca_file = absolute_file(m.source.ca_file);
	m.source.where = where;
	m.source.token_file = token_file;
	m.source.ca_file = ca_file;
	m.fs.mountpoint = mountpoint;
	return m.foreground ? serve(&m) : serve_in_background(&m);
}

enum exit_code run_umount(const struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (mountpoint_release(args->operands[0], &reason) < 0)
		return setup_fail(args, buf_str(&reason));
	return EXIT_DONE;
}
