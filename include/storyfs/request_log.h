/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The request log: one JSON object a line, in a file for a person, a test or jq:
 *
 *	{"time":"2024-05-31T16:00:00.123Z","method":"PUT","path":"/services/v5/projects/99",
 *	 "status":200,"request":"{\"name\":\"x\"}","ms":3}
 *
 * `path` is path and query as sent; `request` is the body as text, null when there was none or
 * it brought a large file: bytes that are no UTF-8 as \xNN, cut at 64 KiB with "..." behind.
 * Headers are never logged, and what may be a token is shown as asterisks: the value of a `token`
 * parameter, and any word of exactly 32 hexadecimal digits wherever it stands. Each line is on its
 * way to the file when request_log_add returns.
 */
#ifndef STORYFS_REQUEST_LOG_H
#define STORYFS_REQUEST_LOG_H

#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/scope.h"

struct request_log;

struct request_entry {
	const char *method;
	const char *target;
	int status;
	const struct buf *body;
	int64_t ms;
};

/* Appends to the file, made with mode 0600; "-" is standard output. -errno of open. */
int request_log_open(const char *path, struct request_log **ret);
void request_log_close(struct request_log *log);
/* One write(2), so lines of several threads or programs do not mix. A line that cannot be written
 * is reported in the program's log, once. */
void request_log_add(struct request_log *log, const struct request_entry *entry);

SCOPED_PTR(struct request_log, request_log_close);

#endif
