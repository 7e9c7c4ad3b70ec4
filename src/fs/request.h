/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request of the kernel: whose mount, how long it may take, and how it fails. */
#ifndef STORYFS_FS_REQUEST_H
#define STORYFS_FS_REQUEST_H

#include "mount.h"
#include "storyfs/transport.h"

struct fs *request_fs(fuse_req_t req);
/* The configured time from now on, or until the caller is interrupted (^C). */
struct call_limit request_limit(fuse_req_t req);
/* The configured time; for work nobody waits for. */
struct call_limit request_patience(const struct fs *fs);
/* Reply with the outcome of an operation that answers nothing else: 0, 1 (no such name) or
 * -errno. */
void request_end(fuse_req_t req, int r);
/* As request_end, for fsync. */
void request_end_sync(fuse_req_t req, int r);
/* As request_end, for an entry of these: on success the entry. */
void request_end_entry(fuse_req_t req, int r, const struct fuse_entry_param *e);

#endif
