/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder into which somebody unpacked the ZIP of an export. Links are not followed. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "import_export.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/text.h"

enum { PIECE = 1 << 16, MAX_DEPTH = 4 };

struct unpacked_file {
	char *name; /* within the folder */
	int64_t size;
	const char *odd;
};

struct unpacked {
	struct export_source source;
	char *path;
	struct unpacked_file *files;
	size_t n;
};

static int64_t count(struct export_source *source)
{
	return (int64_t)((struct unpacked *)source)->n;
}

static struct unzip_entry get_entry(struct export_source *source, int64_t index)
{
	const struct unpacked_file *file = &((struct unpacked *)source)->files[index];

	return (struct unzip_entry){ .name = file->name, .size = file->size, .odd = file->odd };
}

static int give(int fd, int (*take)(void *data, const char *bytes, size_t len), void *data)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	int64_t at = 0, n = 0;
	int r = 0;

	while (r >= 0 && (n = file_read_at(fd, piece, PIECE, at)) > 0) {
		at += n;
		r = take(data, piece, (size_t)n);
	}
	return r < 0 ? r : (int)n;
}

static int read_file(struct export_source *source, int64_t index,
	int (*take)(void *data, const char *bytes, size_t len), void *data, struct buf *ret_reason)
{
	const struct unpacked *u = (struct unpacked *)source;
	scoped(free_ptr) char *path = xasprintf("%s/%s", u->path, u->files[index].name);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		buf_add_str(ret_reason, text_errno(errno));
		return -EBADMSG;
	}
	int r = give(fd, take, data);

	close(fd);
	return r;
}

static void close_folder(struct export_source *source)
{
	struct unpacked *u = (struct unpacked *)source;

	for (size_t i = 0; i < u->n; i++)
		free(u->files[i].name);
	free(u->files);
	free(u->path);
	free(u);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void add(struct unpacked *u, const FTSENT *f)
{
	bool is_file = f->fts_info == FTS_F;

	u->files = xrealloc(u->files, u->n + 1, sizeof(*u->files));
	u->files[u->n++] = (struct unpacked_file){
		.name = xstrdup(f->fts_path + strlen(u->path) + 1),
		.size = is_file ? (int64_t)f->fts_statp->st_size : 0,
		.odd = f->fts_info == FTS_SL ? "it is a link"
		       : !is_file	     ? "it is no file, or cannot be read"
					     : NULL,
	};
}

static FTS *open_tree(const char *path)
{
	char *copy = xstrdup(path);
	char *const roots[] = { copy, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);

	free(copy);
	return tree;
}

struct export_source *import_open_unpacked(const char *path)
{
	struct unpacked *u = xcalloc(1, sizeof(*u));

	u->source = (struct export_source){ count, get_entry, read_file, close_folder, NULL };
	u->path = xstrdup(path);
	FTS *tree = open_tree(u->path);

	for (FTSENT *f; tree && (f = fts_read(tree)) != NULL;) {
		bool is_folder = f->fts_info == FTS_D || f->fts_info == FTS_DP;
		bool is_hidden = f->fts_level > 0 && f->fts_name[0] == '.';

		if (is_hidden || f->fts_level > MAX_DEPTH)
			fts_set(tree, f, FTS_SKIP);
		else if (!is_folder && f->fts_level > 0)
			add(u, f);
	}
	if (tree)
		fts_close(tree);
	return &u->source;
}

bool import_is_unpacked(const char *path)
{
	FTS *tree = open_tree(path);
	bool has_csv = false, has_json = false;

	for (FTSENT *f; tree && (f = fts_read(tree)) != NULL;) {
		const char *end = strrchr(f->fts_name, '.');

		if (f->fts_level > 0)
			fts_set(tree, f, FTS_SKIP);
		if (f->fts_info != FTS_F || !end)
			continue;
		has_csv |= strcasecmp(end, ".csv") == 0;
		has_json |= strcmp(end, ".json") == 0;
	}
	if (tree)
		fts_close(tree);
	return has_csv && !has_json;
}
