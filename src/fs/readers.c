/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers: the few that were seen last. */
#include "readers.h"

#include <stddef.h>

struct reader *readers_find(struct readers *readers, pid_t pid)
{
	for (int i = 0; i < N_READERS; i++) {
		struct reader *r = &readers->v[i];

		if (r->used && r->pid == pid) {
			r->used = ++readers->serial;
			return r;
		}
	}
	return NULL;
}

/* In the place of the one that was not seen for the longest time. */
static void add(struct readers *readers, pid_t pid, uint64_t number)
{
	struct reader *oldest = &readers->v[0];

	for (int i = 1; i < N_READERS; i++) {
		if (readers->v[i].used < oldest->used)
			oldest = &readers->v[i];
	}
	*oldest = (struct reader){ .pid = pid, .used = ++readers->serial, .number = number };
}

bool readers_note(struct readers *readers, pid_t pid, uint64_t number, uint64_t dir)
{
	struct reader *r = readers_find(readers, pid);

	if (!r) {
		add(readers, pid, number);
		return false;
	}
	bool is_new = r->number != number;
	/* It was quicker than the texts of the directory it has just listed. */
	bool is_served = r->left && r->listed == dir;

	r->number = number;
	if (!is_new || is_served)
		return false;
	r->from = dir;
	if (r->is_waiting || r->is_walking)
		return false;
	r->is_waiting = true;
	return true;
}

struct reader *readers_waiting(struct readers *readers)
{
	for (int i = 0; i < N_READERS; i++) {
		if (readers->v[i].used && readers->v[i].is_waiting)
			return &readers->v[i];
	}
	return NULL;
}

static bool is_expected(const struct reader *r, uint64_t dir)
{
	for (unsigned i = 0; i < r->n_expected; i++) {
		if (r->expected[i] == dir)
			return true;
	}
	return dir == r->listed;
}

void reader_renew(struct reader *r, const uint64_t *dirs, unsigned n)
{
	bool is_hit = false;

	if (r->left)
		return;
	for (unsigned i = 0; i < n && !is_hit; i++)
		is_hit = is_expected(r, dirs[i]);
	if (!is_hit && r->n_expected)
		r->by_number = !r->by_number;
	r->window = is_hit ? r->window * 2 : WINDOW_LEAST;
	if (r->window > WINDOW_MOST)
		r->window = WINDOW_MOST;
	r->left = r->window;
	r->n_expected = 0;
}
