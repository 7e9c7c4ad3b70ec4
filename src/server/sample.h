/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stories of a sample project (sample.def). */
#ifndef STORYFS_SERVER_SAMPLE_H
#define STORYFS_SERVER_SAMPLE_H

#include "call.h"

/* Make them in the call's project, each by a command of its own. */
int sample_make(struct call *c);

#endif
