/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "new_archive.h"

#include <errno.h>
#include <sys/stat.h>

#include "storyfs/alloc.h"

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* SQLite would take the log of an archive that is gone for that of the new one, and nobody but its
 * owner can tell whether something is in it that is nowhere else. */
static int refuse_remains(const char *path, struct buf *ret_reason)
{
	static const char *const ends[] = { "-journal", "-wal" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		scoped(free_ptr) char *log = xasprintf("%s%s", path, ends[i]);

		if (!is_there(log))
			continue;
		buf_add_fmt(ret_reason,
			"%s: belongs to an archive that is no longer there; move it away, or give "
			"the new one another name\n",
			log);
		return -EEXIST;
	}
	return 0;
}

static int open_stage(const char *path, struct stage *ret, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	int r = stage_open(path, ret, &why);

	if (r == -EROFS || r == -EACCES)
		buf_add_fmt(ret_reason,
			"%s: nothing may be written there; give the new archive another place\n",
			path);
	else
		buf_add_str(ret_reason, buf_str(&why));
	return r;
}

int new_archive_open(const char *path, struct new_archive *ret, struct buf *ret_reason)
{
	if (is_there(path)) {
		buf_add_fmt(ret_reason, "%s: is a link that leads nowhere\n", path);
		return -EEXIST;
	}
	int r = refuse_remains(path, ret_reason);

	if (r == 0)
		r = open_stage(path, &ret->stage, ret_reason);
	if (r == 0)
		r = archive_open(ret->stage.path, ARCHIVE_FILL, &ret->archive, ret_reason);
	return r;
}

int new_archive_put(struct new_archive *n, struct buf *ret_reason)
{
	archive_close(take_ptr(n->archive));
	int r = refuse_remains(n->stage.target, ret_reason);

	return r < 0 ? r : stage_put(&n->stage, false, ret_reason);
}

void new_archive_close(struct new_archive *n)
{
	archive_close(take_ptr(n->archive));
	stage_close(&n->stage);
}
