/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A project of a host as a dump: the folder of <kind>.json that an import reads, and the bytes of
 * attached files in files/<id>.
 *
 * It comes page by page, each a file of its own until its list is whole, so who was interrupted
 * goes on where it ended, as long as the project has the version of which the pages are. One that
 * moves meanwhile is begun again. The number of requests is that of the pages, and of the files.
 */
#ifndef STORYFS_DUMP_H
#define STORYFS_DUMP_H

#include "storyfs/api.h"

struct dump_config {
	struct api *api;
	const char *folder; /* of the project; it is there */
	int64_t project_id;
	int64_t page_limit; /* 0: 500 */
	/* Are the bytes of this file had already? */
	bool (*has_file)(void *data, int64_t id, int64_t size);
	/* Called after each request; total 0: not known. */
	void (*progress)(void *data, const char *what, int64_t done, int64_t total);
	void *data;
	struct buf *notes; /* a line each: what the host refuses of a project that it lets us see */
};

/* -errno, with the call's words when the host is why, else with a line in ret_reason. -EAGAIN: the
 * project moves all the time. */
int dump_project(const struct dump_config *config, struct call *call, struct buf *ret_reason);
/* Is all of this version there? */
bool dump_is_whole(const char *folder, int64_t version);
/* One object of the host, as a list in the file: who we are. */
int dump_object(struct api *api, const char *path, const char *file, struct call *call);

#endif
