/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a webhook is owed. There is no queue beside the activity: a webhook knows the version of its
 * project up to which it was told (sent_version), and the items behind it are what it is owed, in
 * their order, written by the same transaction as what they tell of. So an item cannot be lost, and
 * costs nothing when it is made.
 *
 * A webhook that fails again and again is parked: `enabled` turns false while failing_since stays.
 * When its owner enables it, it goes on where it stopped. One that its owner turned off is owed
 * nothing of the time until it is turned on.
 */
#ifndef STORYFS_SERVER_WEBHOOK_H
#define STORYFS_SERVER_WEBHOOK_H

#include "storyfs/archive.h"

/* Owed nothing of what the project's history holds so far. */
void webhook_skip(struct record *webhook, int64_t project_version);
/* No failure is remembered: the next attempt is due at once. */
void webhook_forget_failures(struct record *webhook);
/* The project comes with its history, that is not news: before it is put into the archive, tell so
 * to those of its webhooks that were told all there was. */
int webhooks_skip_import(struct tx *tx, const struct record *project);

#endif
