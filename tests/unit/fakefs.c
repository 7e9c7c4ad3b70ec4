/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mount of the fake tree, for programs to be run on.
 *
 * usage: fakefs MOUNTPOINT LOG CONTROL [N_STORIES [VACATED_MS [TIMEOUT_MS]]]
 *
 * Prints `ready` when it answers. SIGUSR1 applies the foreign changes of the control file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_tree.h"
#include "storyfs/fs.h"

static void say_ready(void *data)
{
	(void)data;
	puts("ready");
	fflush(stdout);
}

static void *apply_changes(void *data)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (;;) {
		sigwait(&set, &number);
		fake_tree_apply(data);
		puts("applied");
		fflush(stdout);
	}
	return NULL;
}

static void block_changes(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int arg(int argc, char **argv, int i, int otherwise)
{
	return i < argc ? atoi(argv[i]) : otherwise;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	struct fake_config fake = {
		.log = argv[2], .control = argv[3], .n_stories = arg(argc, argv, 4, 3)
	};
	struct fs_config config = { .mountpoint = argv[1],
		.source = "fake,tree",
		.default_permissions = true,
		.uid = getuid(),
		.gid = getgid(),
		.umask = 022,
		.vacated_ms = arg(argc, argv, 5, 0),
		.timeout_ms = arg(argc, argv, 6, 0),
		.debug = getenv("FAKEFS_DEBUG") != NULL,
		.ready = say_ready };
	scoped(tree_free) struct tree *t = fake_tree_new(&fake);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct fs *fs;
	pthread_t thread;

	block_changes();
	fs_heal(argv[1]);
	if (fs_mount(t, &config, &fs, &reason) < 0) {
		fprintf(stderr, "%s\n", buf_str(&reason));
		return 1;
	}
	fake_tree_set_listener(t, fs_changed, fs);
	pthread_create(&thread, NULL, apply_changes, t);
	int r = fs_loop(fs);

	pthread_cancel(thread);
	pthread_join(thread, NULL);
	fs_free(fs);
	return r < 0;
}
