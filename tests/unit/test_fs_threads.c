/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many programs and foreign changes at once on one mount, for ASan and TSan to watch. The programs
 * are processes of their own, forked before there is any thread; each works through its own random
 * saves, renames, listings and scratch files on two stories that all share.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
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

#include "fake_tree.h"
#include "storyfs/alloc.h"
#include "storyfs/fs.h"

enum {
	N_PROGRAMS = 4,
	N_ROUNDS = 1000,
	N_STORIES = 2,
	DEADLINE_S = 60,
	N_ACTIONS = 11,
};

static const char *const fields[] = { "name", "description" };

struct worker {
	const char *mount;
	unsigned seed;
	int id;
	char path[3][512];
};

static int random_below(struct worker *w, int n)
{
	return (int)((unsigned)rand_r(&w->seed) % (unsigned)n);
}

/* A field of some story, and a scratch name of this worker beside it. */
static void choose(struct worker *w)
{
	int story = 555 + random_below(w, N_STORIES);

	snprintf(w->path[0], sizeof(w->path[0]), "%s/projects/99/stories/%d/%s", w->mount, story,
		fields[random_below(w, 2)]);
	snprintf(w->path[1], sizeof(w->path[1]), "%s/projects/99/stories/%d/tmp%d", w->mount, story,
		w->id);
	snprintf(w->path[2], sizeof(w->path[2]), "%s/projects/99/stories/%d/shared", w->mount,
		story);
}

static void write_file(struct worker *w, const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	char text[64];
	int n = snprintf(text, sizeof(text), "%d by %d\n", random_below(w, 1000), w->id);

	if (write(fd, text, (size_t)n) == n && random_below(w, 4) == 0)
		fsync(fd);
	close(fd);
}

static void read_file(const char *path)
{
	scoped(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	struct stat st;

	if (fd >= 0 && read(fd, text, sizeof(text)) >= 0)
		fstat(fd, &st);
}

static void list(struct worker *w)
{
	scoped(free_ptr) char *path = xstrdup(w->path[0]);

	*strrchr(path, '/') = '\0';
	DIR *dir = opendir(path);

	while (dir && readdir(dir))
		;
	if (dir)
		closedir(dir);
}

static void act(struct worker *w, int action)
{
	const char *field = w->path[0], *scratch = w->path[1], *shared = w->path[2];

	switch (action) {
	case 0:
		write_file(w, field, O_WRONLY | O_TRUNC);
		break;
	case 1:
		write_file(w, field, O_WRONLY | O_APPEND);
		break;
	case 2:
		write_file(w, scratch, O_WRONLY | O_TRUNC);
		rename(scratch, field);
		break;
	case 3:
		rename(field, scratch);
		write_file(w, field, O_WRONLY | O_EXCL);
		unlink(scratch);
		break;
	case 4:
		list(w);
		break;
	case 5:
		if (symlink("x", scratch) == 0)
			unlink(scratch);
		break;
	case 6:
		unlink(field);
		write_file(w, field, O_WRONLY);
		break;
	case 7:
		if (truncate(field, 3) < 0)
			read_file(field);
		break;
	case 8:
		write_file(w, scratch, O_WRONLY | O_APPEND);
		if (link(scratch, shared) < 0)
			unlink(shared);
		rename(shared, field);
		unlink(scratch);
		break;
	case 9:
		write_file(w, scratch, O_WRONLY);
		renameat2(AT_FDCWD, scratch, AT_FDCWD, shared, RENAME_EXCHANGE);
		rename(scratch, shared);
		break;
	default:
		read_file(field);
		break;
	}
}

/* The program: waits for the mount, works, and ends. */
static int work(const char *mount, int id)
{
	struct worker w = { .mount = mount, .seed = (unsigned)id + 1, .id = id };
	struct stat st;

	alarm(DEADLINE_S);
	choose(&w);
	while (stat(w.path[0], &st) < 0)
		usleep(10000);
	for (int i = 0; i < N_ROUNDS; i++) {
		choose(&w);
		act(&w, random_below(&w, N_ACTIONS));
	}
	return 0;
}

struct watch {
	struct tree *tree;
	pid_t pids[N_PROGRAMS];
	atomic_bool done;
	int failed;
};

/* Somebody else changes things all the time. */
static void *change(void *data)
{
	struct watch *watch = data;
	char text[64];

	for (int i = 0; !atomic_load(&watch->done); i++) {
		snprintf(text, sizeof(text), "foreign %d", i);
		fake_tree_set(watch->tree, 555 + i % N_STORIES, fields[i % 2], text);
		usleep(1000);
	}
	return NULL;
}

/* Waits for the programs, then ends the mount as init would. */
static void *wait_for_programs(void *data)
{
	struct watch *watch = data;

	for (int i = 0; i < N_PROGRAMS; i++) {
		int status;

		if (waitpid(watch->pids[i], &status, 0) < 0 || status)
			watch->failed++;
	}
	atomic_store(&watch->done, true);
	kill(getpid(), SIGTERM);
	return NULL;
}

static void start_programs(struct watch *watch, const char *mount)
{
	for (int i = 0; i < N_PROGRAMS; i++) {
		watch->pids[i] = fork();
		if (watch->pids[i] == 0)
			_exit(work(mount, i));
		assert_true(watch->pids[i] > 0);
	}
}

static void programs_and_foreign_changes_go_on_at_once(void **state)
{
	(void)state;
	char mount[] = "/tmp/storyfs-threads-XXXXXX";
	struct watch watch = { 0 };
	struct fake_config fake = { .n_stories = N_STORIES };
	struct fs_config config = { .mountpoint = mount, .vacated_ms = 50, .timeout_ms = 5000 };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct fs *fs;
	pthread_t changer, waiter;

	assert_non_null(mkdtemp(mount));
	start_programs(&watch, mount);
	scoped(tree_free) struct tree *t = fake_tree_new(&fake);

	watch.tree = t;
	int r = fs_mount(t, &config, &fs, &reason);

	if (r < 0)
		fail_msg("%s", buf_str(&reason));
	fake_tree_set_listener(t, fs_changed, fs);
	pthread_create(&changer, NULL, change, &watch);
	pthread_create(&waiter, NULL, wait_for_programs, &watch);
	assert_int_equal(fs_loop(fs), 0);
	atomic_store(&watch.done, true);
	pthread_join(waiter, NULL);
	pthread_join(changer, NULL);
	fs_free(fs);
	assert_int_equal(watch.failed, 0);
	assert_int_equal(fake_tree_most_at_once(t), 1);
	assert_true(fake_tree_saves(t) > N_ROUNDS / 4);
	assert_int_equal(rmdir(mount), 0);
}

/* Whoever sees the mount may end it; what it was told before it serves counts. */
static void what_ends_it_before_it_serves_ends_it_cleanly(void **state)
{
	(void)state;
	char mount[] = "/tmp/storyfs-signal-XXXXXX";
	struct fake_config fake = { .n_stories = 1 };
	struct fs_config config = { .mountpoint = mount };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	int status;

	assert_non_null(mkdtemp(mount));
	pid_t pid = fork();

	if (pid == 0) {
		scoped(tree_free) struct tree *t = fake_tree_new(&fake);
		struct fs *fs;

		if (fs_mount(t, &config, &fs, &reason) < 0)
			_exit(1);
		kill(getpid(), SIGTERM);
		int r = fs_loop(fs);

		fs_free(fs);
		_exit(r == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(rmdir(mount), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ends_it_before_it_serves_ends_it_cleanly),
		cmocka_unit_test(programs_and_foreign_changes_go_on_at_once),
	};

	if (access("/dev/fuse", R_OK | W_OK) < 0) {
		puts("1..0 # SKIP no /dev/fuse to mount with");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
