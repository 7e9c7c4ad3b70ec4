/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "new_archive.h"

#include <errno.h>
#include <sys/stat.h>

#include "storyfs/alloc.h"
#include "storyfs/text.h"

static int refuse(const char *path, const char *why, int error, struct buf *ret_reason)
{
	buf_add_fmt(ret_reason, "%s: %s\n", path, why);
	return error;
}

/* What has come there meanwhile is told by stage_put, too. */
static int refuse_present(const char *path, struct buf *ret_reason)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	return refuse(path,
		S_ISLNK(st.st_mode) ? "is a link that leads nowhere" : text_errno(-EEXIST), -EEXIST,
		ret_reason);
}

/* SQLite would take the log of an archive that is gone for that of the new one, and nobody but its
 * owner can tell whether something is in it that is nowhere else. Nor could SQLite open an archive
 * whose log may not have its name. */
static int refuse_remains(const char *path, struct buf *ret_reason)
{
	static const char *const ends[] = { "-journal", "-wal" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		scoped(free_ptr) char *log = xasprintf("%s%s", path, ends[i]);
		struct stat st;

		if (lstat(log, &st) == 0)
			return refuse(log,
				"belongs to an archive that is no longer there; move it away, or "
				"give the new one another name",
				-EEXIST, ret_reason);
		int e = -errno;

		if (e != -ENOENT)
			return refuse(path, text_errno(e), e, ret_reason);
	}
	return 0;
}

/* Reasons name what the caller knows: of the stage, that somebody is at work there. */
static int open_stage(const char *path, struct stage *ret, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	int r = stage_open(path, ret, &why);

	if (r == -EROFS || r == -EACCES)
		return refuse(path,
			"nothing may be written there; give the new archive another place", r,
			ret_reason);
	if (r < 0 && r != -EBUSY)
		return refuse(path, text_errno(r), r, ret_reason);
	buf_add_str(ret_reason, buf_str(&why));
	return r;
}

static int open_archive(const char *path, struct new_archive *ret, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	int r = archive_open(ret->stage.path, ARCHIVE_FILL, &ret->archive, &why);

	return r < 0 ? refuse(path, archive_explain(r), r, ret_reason) : 0;
}

int new_archive_open(const char *path, struct new_archive *ret, struct buf *ret_reason)
{
	int r = refuse_present(path, ret_reason);

	if (r == 0)
		r = refuse_remains(path, ret_reason);
	if (r == 0)
		r = open_stage(path, &ret->stage, ret_reason);
	if (r == 0)
		r = open_archive(path, ret, ret_reason);
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
