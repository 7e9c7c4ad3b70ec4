/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client is told when the archive fails. */
#ifndef STORYFS_SERVER_FAILURE_H
#define STORYFS_SERVER_FAILURE_H

#include "call.h"

/* Make -errno of the archive the call's answer: an error object in V5's shape, with a code of ours
 * where the client, or who runs the server, can do something about it. */
void failure_answer(struct call *c, int error);

#endif
