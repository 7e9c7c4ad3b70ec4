/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Webhooks are told what happened: one POST an item of activity, in its order, for each webhook by
 * itself, so that one whose receiver is slow or dead holds up no other. What an attempt that failed
 * waits for doubles from 1 s to 1 h, less a random part; after 24 h of failures the webhook is
 * parked: `enabled` is false, what it is owed stays. Only 2xx is a success; a redirect is none.
 *
 * It sees what any program writes into the archive: its own server's commands at once
 * (webhook_sender_wake), others' within a second. At most one sender works on an archive at a time;
 * two would each send everything.
 */
#ifndef STORYFS_WEBHOOK_SENDER_H
#define STORYFS_WEBHOOK_SENDER_H

#include "storyfs/archive.h"
#include "storyfs/transport.h"

struct webhook_sender;

struct webhook_sender_config {
	struct archive *archive; /* borrowed, outlives the sender */
	/* Make the way to an origin (`https://host:port`); any thread, several at once. -errno. */
	int (*connect)(void *data, const char *origin, struct transport **ret);
	void *data;
};

int webhook_sender_start(const struct webhook_sender_config *config, struct webhook_sender **ret);
/* Something was written. Any thread; takes a webhook_sender * so that it fits a callback. */
void webhook_sender_wake(void *sender);
/* Sends nothing more, and gives what is being sent 3 s to be answered; an item that was not is sent
 * again by the next sender. */
void webhook_sender_stop(struct webhook_sender *s);

SCOPED_PTR(struct webhook_sender, webhook_sender_stop);

#endif
