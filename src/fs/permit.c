/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modes of scratch files. */
#include "permit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "request.h"

enum {
	MAX_GROUPS = 256,
	EXECUTE = 0111,
	TO_RUN = 0x20, /* the kernel's FMODE_EXEC, in the flags of execve(2)'s open */
};

static bool is_judged_here(fuse_req_t req, const struct file *f)
{
	const struct fs_config *config = &request_fs(req)->config;

	return !f->is_field && !config->default_permissions;
}

int permit_access(fuse_req_t req, const struct file *f, int wanted)
{
	unsigned bits = (unsigned)f->mode >> 6 & 7;

	if (!is_judged_here(req, f))
		return 0;
	if (fuse_req_ctx(req)->uid == 0)
		bits = R_OK | W_OK | (f->mode & EXECUTE ? X_OK : 0);
	return (unsigned)wanted & ~bits ? -EACCES : 0;
}

int permit_open(fuse_req_t req, const struct file *f, int flags)
{
	int access = flags & O_ACCMODE;

	/* The kernel looked whether it may be run. */
	if (flags & TO_RUN)
		return 0;
	return permit_access(req, f,
		(access != O_WRONLY ? R_OK : 0) |
			(access != O_RDONLY || (flags & O_TRUNC) ? W_OK : 0));
}

static bool is_in_group(fuse_req_t req, gid_t gid)
{
	gid_t groups[MAX_GROUPS];
	int n = fuse_req_getgroups(req, MAX_GROUPS, groups);

	for (int i = 0; i < n && i < MAX_GROUPS; i++) {
		if (groups[i] == gid)
			return true;
	}
	return fuse_req_ctx(req)->gid == gid;
}

int permit_owner(fuse_req_t req, const struct file *f, const struct stat *attr, unsigned set)
{
	if (!is_judged_here(req, f) || fuse_req_ctx(req)->uid == 0)
		return 0;
	if ((set & FUSE_SET_ATTR_UID) && attr->st_uid != f->uid)
		return -EPERM;
	if ((set & FUSE_SET_ATTR_GID) && attr->st_gid != f->gid && !is_in_group(req, attr->st_gid))
		return -EPERM;
	return 0;
}
