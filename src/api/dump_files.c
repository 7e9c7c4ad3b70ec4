/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attached file is written under another name until it is whole. */
#include "dump_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"

struct disk_sink {
	struct http_sink sink;
	int fd;
	int error; /* of the disk */
};

static int write_piece(struct http_sink *s, int64_t at, const char *data, size_t n)
{
	struct disk_sink *d = (struct disk_sink *)s;

	d->error = at == 0 && ftruncate(d->fd, 0) < 0 ? -errno : 0;
	if (!d->error)
		d->error = file_write_at(d->fd, data, n, at);
	return d->error;
}

int dump_file(struct api *api, const char *url, const char *path, struct call *call)
{
	scoped(free_ptr) char *part = xasprintf("%s.part", path);
	struct disk_sink d = { .sink.write = write_piece };

	d.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (d.fd < 0)
		return -errno;
	int e = api_download(api, url, &d.sink, call);

	if (d.error < 0)
		v5_error_fini(&call->error);
	if (close(d.fd) < 0 && e == 0)
		e = -errno;
	if (e == 0 && rename(part, path) < 0)
		e = -errno;
	if (e < 0)
		unlink(part);
	return e;
}
