/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name most like a word, of those offered one by one: what was probably meant. */
#ifndef STORYFS_NEAREST_H
#define STORYFS_NEAREST_H

#include <stddef.h>

/* Zeroed but for the word. Both are borrowed. */
struct nearest {
	const char *word;
	const char *name;
	size_t distance;
};

void nearest_offer(struct nearest *n, const char *name);
/* NULL when none is like it. */
const char *nearest_name(const struct nearest *n);

#endif
