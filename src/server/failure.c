/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The failures as a table; what is none of its rows is V5's api_internal_error. */
#include "failure.h"

#include <errno.h>
#include <stdlib.h>

#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum { RETRY_AFTER_S = 10 };

static const struct {
	int number, status;
	int64_t retry_after_s;
	const char *code, *error, *fix;
} failures[] = {
	{ ENOSPC, 507, 0, "storage_full", "There is no room left where the archive lies.",
		"Free some space there and send it again; the server goes on by itself." },
	{ ETIMEDOUT, 503, RETRY_AFTER_S, "storage_busy",
		"Another program keeps the archive from being written.",
		"Send it again when that program is done." },
	{ EACCES, 503, 0, "storage_read_only", "The archive cannot be written.",
		"Let the server write the archive's file and its folder, and send it again." },
	{ EROFS, 503, 0, "storage_read_only", "The archive cannot be written.",
		"Let the server write the archive's file and its folder, and send it again." },
	{ EBADMSG, 500, 0, "storage_damaged", "The archive is damaged.",
		"Put a backup in its place, or save what can be read; the server's log says how." },
};

void failure_answer(struct call *c, int error)
{
	struct v5_error *e = &c->error;

	v5_error_set(e, V5_api_internal_error);
	e->general_problem = xasprintf("the archive failed: %s", text_errno(error));
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		if (failures[i].number != abs(error))
			continue;
		v5_error_fini(e);
		*e = (struct v5_error){ .code = V5_OTHER, .status = failures[i].status };
		e->code_text = xstrdup(failures[i].code);
		e->error = xstrdup(failures[i].error);
		e->general_problem = xstrdup("nothing of this request was written");
		e->possible_fix = xstrdup(failures[i].fix);
		c->retry_after_s = failures[i].retry_after_s;
		return;
	}
}
