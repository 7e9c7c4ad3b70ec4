/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Activity with its times in ms: date_format=millis, and what webhooks are sent. */
#ifndef STORYFS_SERVER_MILLIS_H
#define STORYFS_SERVER_MILLIS_H

#include "storyfs/record.h"

/* An activity's `changes` hold values as V5 writes them; now their times are ms. */
void millis_convert_changes(struct record *activity);

#endif
