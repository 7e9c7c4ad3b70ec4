/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications: what a person is told of what somebody else did. Only people of the project are
 * told, each once a command, and never of what they did themselves.
 */
#ifndef STORYFS_SERVER_NOTIFY_H
#define STORYFS_SERVER_NOTIFY_H

#include "activity.h"

/* How long a notification is kept: older ones go as new ones come. */
enum { NOTIFY_KEPT_DAYS = 90 };

/* What happened. The message is `before`, the name of who did it, `after`; it is `after` alone
 * when before is NULL. */
struct notice {
	const struct record *subject; /* a story or an epic */
	const char *type;	      /* V5's notification_type */
	const char *action;
	const char *before, *after;
	const char *context; /* what was written, or NULL */
	int64_t comment_id;  /* or 0 */
	int64_t n_attachments;
};

/* Tell these people, as part of a command, but those who were told before (a->told). */
int notify_tell(
	struct call *c, struct activity *a, const struct notice *notice, const struct ids *whom);

#endif
