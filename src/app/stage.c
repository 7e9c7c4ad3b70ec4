/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"

static int fail(const char *path, int error, struct buf *ret_reason)
{
	buf_add_fmt(ret_reason, "%s: %s\n", path, text_errno(error));
	return error;
}

static int lock_folder(const char *folder, int *ret_lock, struct buf *ret_reason)
{
	int lock = file_lock_folder(folder);

	if (lock == -EBUSY)
		buf_add_fmt(ret_reason, "%s: another storyfs is at work there\n", folder);
	if (lock < 0)
		return lock == -EBUSY ? lock : fail(folder, lock, ret_reason);
	*ret_lock = lock;
	return 0;
}

/* ---- signals ---- */

/* To the guard alone. */
static int over(void)
{
	return SIGRTMIN;
}

static void *guard(void *data)
{
	struct stage *s = data;
	sigset_t signals = s->signals;
	int number;

	sigaddset(&signals, over());
	if (sigwait(&signals, &number) || number == over())
		return NULL;
	file_remove_tree(s->work);
	rmdir(s->folder);
	sigemptyset(&signals);
	sigaddset(&signals, number);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	kill(getpid(), number);
	return NULL;
}

/* Those that would end the process: not what nohup has it ignore. */
static void find_signals(sigset_t *ret)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

	sigemptyset(ret);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++) {
		struct sigaction now;

		if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			sigaddset(ret, ending[i]);
	}
}

static void begin_guard(struct stage *s)
{
	find_signals(&s->signals);
	pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
	s->is_guarded = thread_start(guard, s, &s->guard) == 0;
	if (!s->is_guarded)
		pthread_sigmask(SIG_UNBLOCK, &s->signals, NULL);
}

static void end_guard(struct stage *s)
{
	if (!s->is_guarded)
		return;
	pthread_kill(s->guard, over());
	pthread_join(s->guard, NULL);
	pthread_sigmask(SIG_UNBLOCK, &s->signals, NULL);
}

/* ---- the stage ---- */

int stage_open(const char *target, struct stage *ret, struct buf *ret_reason)
{
	struct stage s = { .target = target, .folder = xasprintf("%s.part", target) };
	int r = lock_folder(s.folder, &s.lock, ret_reason);

	if (r < 0) {
		free(s.folder);
		return r;
	}
	s.work = xasprintf("%s/work", s.folder);
	s.path = xasprintf("%s/whole", s.work);
	*ret = s;
	file_remove_tree(s.work);
	if (mkdir(s.work, 0700) < 0)
		return fail(s.work, -errno, ret_reason);
	begin_guard(ret);
	return 0;
}

/* What was there is in the folder then, and goes with it. Not every file system can exchange. */
static int replace(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
		return 0;
	return rename(from, to) < 0 ? -errno : 0;
}

static int keep(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (access(to, F_OK) == 0)
		return -EEXIST;
	return rename(from, to) < 0 ? -errno : 0;
}

/* It has to be on the disk before it has its name, and the name before who called goes on: what it
 * was made of may be taken away then. */
static int sync_all(const struct stage *s)
{
	return syncfs(s->lock) < 0 ? -errno : 0;
}

int stage_put(struct stage *s, bool replaces, struct buf *ret_reason)
{
	int r = sync_all(s);

	if (r == 0)
		r = replaces ? replace(s->path, s->target) : keep(s->path, s->target);
	if (r == 0)
		r = sync_all(s);
	return r < 0 ? fail(s->target, r, ret_reason) : 0;
}

void stage_close(struct stage *s)
{
	if (!s->folder)
		return;
	end_guard(s);
	/* What else is in the folder is not ours. */
	file_remove_tree(s->work);
	rmdir(s->folder);
	close(s->lock);
	free(s->path);
	free(s->work);
	free(s->folder);
	*s = (struct stage){ 0 };
}
