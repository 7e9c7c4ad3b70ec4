/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fresh archive in a place of its own, for tests. */
#ifndef STORYFS_TESTS_ARCHIVED_H
#define STORYFS_TESTS_ARCHIVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/archive.h"

struct fixture {
	char dir[64];
	char *path;
	struct archive *archive;
};

static inline void open_archive(struct fixture *fx, enum archive_mode mode)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (archive_open(fx->path, mode, &fx->archive, &reason) < 0)
		fail_msg("%s", buf_str(&reason));
}

static inline int set_up(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof(*fx));

	strcpy(fx->dir, "/tmp/storyfs-test-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->path = xasprintf("%s/a.db", fx->dir);
	open_archive(fx, ARCHIVE_CREATE);
	*state = fx;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fx = *state;
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", fx->dir);

	archive_close(fx->archive);
	assert_int_equal(system(rm), 0);
	free(fx->path);
	free(fx);
	return 0;
}

static inline struct tx *begin(struct fixture *fx, enum tx_mode mode)
{
	struct tx *tx = NULL;

	assert_int_equal(tx_begin(fx->archive, mode, &tx), 0);
	return tx;
}

#endif
