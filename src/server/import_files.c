/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of attached files that lie beside a dump, as files/<id>. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import_run.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/text.h"

enum { PIECE = 1 << 20 };

/* 1: the archive has other bytes, or none. */
static int compare(struct import_run *run, int64_t id, int fd, int64_t size)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	int64_t had = 0;
	int r = tx_count_bytes(run->tx, id, &had);

	if (r || had != size)
		return r < 0 ? r : 1;
	for (int64_t at = 0; at < size;) {
		scoped(buf_fini) struct buf old = BUF_INIT;
		int64_t n = file_read_at(fd, piece, PIECE, at);

		if (n <= 0)
			return n < 0 ? (int)n : 1;
		r = tx_get_bytes(run->tx, id, at, (size_t)n, &old);
		if (r < 0)
			return r;
		if ((int64_t)old.len != n || memcmp(old.data, piece, (size_t)n) != 0)
			return 1;
		at += n;
	}
	return 0;
}

static int put(struct import_run *run, int64_t id, int fd)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	int r = tx_delete_bytes(run->tx, id);
	int64_t n = 1;

	for (int64_t at = 0; r >= 0 && n > 0; at += n) {
		n = file_read_at(fd, piece, PIECE, at);
		/* A file of no bytes is put, too. */
		if (n > 0 || (n == 0 && at == 0))
			r = tx_put_bytes(run->tx, id, piece, (size_t)n);
	}
	return r < 0 ? r : (int)(n < 0 ? n : 0);
}

/* 1: there is no such file. */
static int open_file(const char *path, int *ret_fd, int64_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 1 : -errno;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -EIO;
	}
	*ret_fd = fd;
	*ret_size = st.st_size;
	return 0;
}

static int store(struct import_run *run, int64_t id, const char *path)
{
	int64_t size = 0;
	int fd = -1;
	int e = open_file(path, &fd, &size);

	if (e > 0)
		return 0;
	if (e == 0)
		e = compare(run, id, fd, size);
	if (e > 0)
		e = put(run, id, fd);
	if (fd >= 0)
		close(fd);
	if (e < 0)
		buf_add_fmt(run->reason, "%s: %s", path, text_errno(e));
	return e;
}

int import_dumped_files(struct import_run *run)
{
	each_entry_of(e, &run->table, KIND_file_attachment) {
		const char *from = run->files && e->file < run->n_files ? run->files[e->file] : "";
		const char *slash = strrchr(from, '/');

		if (!slash || e->skip)
			continue;
		scoped(free_ptr) char *path =
			xasprintf("%.*s/files/%" PRId64, (int)(slash - from), from, e->key.id);
		int r = store(run, e->key.id, path);

		if (r < 0)
			return r;
	}
	return 0;
}
