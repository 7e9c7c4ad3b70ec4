/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is inside is counted, so that an end can wait for them. From the moment that the wait is over
 * nobody gets in: what began is finished, or was given its time, and nothing begins unseen.
 */
#ifndef STORYFS_SERVER_GATE_H
#define STORYFS_SERVER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/scope.h"

struct gate;

struct gate *gate_new(void);
void gate_free(struct gate *g);

/* False when it is closed. */
bool gate_enter(struct gate *g);
/* Once for each time that it was entered. */
void gate_leave(struct gate *g);
/* Has gate_close been called? */
bool gate_is_ending(struct gate *g);
/* Wait until nobody is inside, at most so long, and close it. */
void gate_close(struct gate *g, int64_t grace_ms);

SCOPED_PTR(struct gate, gate_free);

#endif
