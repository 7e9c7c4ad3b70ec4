/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target: libFuzzer calls it with inputs of its own making, replay.c with those in a corpus
 * folder. Targets that try several kinds or fields take them from the input's head, so that a
 * corpus file is readable: `story\n{"id":1}`.
 */
#ifndef STORYFS_FUZZ_H
#define STORYFS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input's first line, cut off it; NULL when there is none. The caller frees it. */
static inline char *fuzz_take_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);

	if (!end)
		return NULL;
	char *line = strndup((const char *)*data, (size_t)(end - *data));

	*size -= (size_t)(end + 1 - *data);
	*data = end + 1;
	return line;
}

#endif
