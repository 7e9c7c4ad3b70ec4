/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Here, and nowhere else, errno meets FUSE. */
#include "request.h"

#include <errno.h>

#include "node.h"
#include "storyfs/clock.h"

struct fs *request_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static bool is_interrupted(void *data)
{
	return fuse_req_interrupted(data);
}

struct call_limit request_limit(fuse_req_t req)
{
	struct call_limit limit = request_patience(request_fs(req));

	limit.cancelled = is_interrupted;
	limit.data = req;
	return limit;
}

struct call_limit request_patience(const struct fs *fs)
{
	return (struct call_limit){ .deadline_ms = clock_deadline(fs->config.timeout_ms) };
}

/*
 * ENOSYS tells the kernel never to ask for this operation again, and from 512 on are numbers the
 * kernel takes for a broken reply: neither may come out of a layer below by accident.
 */
static int fuse_errno(int r)
{
	if (r > 0)
		return ENOENT;
	if (r == -ENOSYS)
		return EOPNOTSUPP;
	return r <= -512 ? EIO : -r;
}

void request_end(fuse_req_t req, int r)
{
	fuse_reply_err(req, fuse_errno(r));
}

/* To emacs and others EINVAL of fsync means that the file cannot be synchronised, which they take
 * for success. */
void request_end_sync(fuse_req_t req, int r)
{
	request_end(req, r == -EINVAL ? -EIO : r);
}

void request_end_entry(fuse_req_t req, int r, const struct fuse_entry_param *e)
{
	struct fs *fs = request_fs(req);

	if (r)
		request_end(req, r);
	else if (fuse_reply_entry(req, e) == -ENOENT)
		node_forget(fs, e->ino, 1);
}
