/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One webhook told the next thing that happened. What is remembered between attempts is in the
 * archive, so that any program that has it open can go on, also after a crash: an item may then be
 * sent twice, but none is left out, and they come in their order.
 */
#ifndef STORYFS_SERVER_WEBHOOK_SEND_H
#define STORYFS_SERVER_WEBHOOK_SEND_H

#include "storyfs/archive.h"
#include "storyfs/webhook_sender.h"

/* The way to one receiver, kept between its items. Zeroed is none yet. */
struct webhook_line {
	char *origin;
	struct transport *transport;
};

void webhook_line_fini(struct webhook_line *line);

/* Webhooks, and of each its project. Zeroed is none. */
struct webhook_due {
	struct ids ids, project_ids;
};

void webhook_due_fini(struct webhook_due *due);

/* What there is to do at now_ms: appends the webhooks that are owed something and may be told now,
 * those that failed last time to ret_failing. *ret_next_ms is when the next of the others may be
 * told, 0 when none waits. */
int webhook_list_due(struct tx *tx, int64_t now_ms, struct webhook_due *ret_due,
	struct webhook_due *ret_failing, int64_t *ret_next_ms);

enum webhook_outcome {
	WEBHOOK_TOLD,	 /* the item has arrived; there may be more */
	WEBHOOK_NOTHING, /* nothing is owed */
	WEBHOOK_FAILED,	 /* not now */
};

/* Send the oldest item that the webhook is owed, and remember how that went. Holds no transaction
 * while it sends. -EINTR when the limit says so: nothing is remembered then. */
int webhook_send_next(const struct webhook_sender_config *config, int64_t webhook_id,
	struct webhook_line *line, const struct call_limit *limit, enum webhook_outcome *ret);

SCOPED_VALUE(struct webhook_line, webhook_line_fini);
SCOPED_VALUE(struct webhook_due, webhook_due_fini);

#endif
