/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a request as it is read, line by line, and whether it can be read in one way alone.
 */
#ifndef STORYFS_SERVER_HTTP_HEAD_H
#define STORYFS_SERVER_HTTP_HEAD_H

#include "storyfs/http.h"

/* Zeroed but for headers, which are borrowed. */
struct http_head {
	struct http_headers *headers;
	size_t bytes; /* how long it was on the wire, about */
	int n_lengths, n_codings;
	bool is_malformed;
};

/* Both texts are terminated, too; when the lengths say otherwise they hold a NUL. */
struct http_head_line {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* Copies the line into the headers. */
void http_head_add(struct http_head *head, const struct http_head_line *line);
/* Could two readers take it for two different requests? */
bool http_head_is_ambiguous(const struct http_head *head);

#endif
