/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name that was probably meant: fewest letters added, dropped, changed or swapped. */
#include "storyfs/nearest.h"

#include <string.h>

enum { LONGEST = 40 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = least(least(now[j - 1], before[j]) + 1,
				before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], older[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t d = distance(n->word, name);

	if (!n->name || d < n->distance) {
		n->name = name;
		n->distance = d;
	}
}

const char *nearest_name(const struct nearest *n)
{
	size_t len = strlen(n->word);

	return n->name && n->distance <= (len < 6 ? 2 : len / 3) && n->distance < len ? n->name
										      : NULL;
}
