/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two readers could take for two different requests is none: lengths that are not one number,
 * a length beside chunks, names and values with characters that end a line elsewhere. */
#include "http_head.h"

#include <string.h>
#include <strings.h>

#include "storyfs/parse.h"

static bool is_length(const char *value)
{
	int64_t length;

	return strspn(value, "0123456789") == strlen(value) &&
	       parse_int(value, 0, INT64_MAX, &length);
}

static void check(struct http_head *head, const char *name, const char *value)
{
	if (!http_is_header_name(name) || !http_is_header_value(value))
		head->is_malformed = true;
	if (strcasecmp(name, "Content-Length") == 0 && (head->n_lengths++ || !is_length(value)))
		head->is_malformed = true;
	if (strcasecmp(name, "Transfer-Encoding") == 0 &&
		(head->n_codings++ || strcasecmp(value, "chunked") != 0))
		head->is_malformed = true;
}

void http_head_add(struct http_head *head, const struct http_head_line *line)
{
	head->bytes += line->name_len + line->value_len + strlen(": \r\n");
	if (strlen(line->name) != line->name_len || strlen(line->value) != line->value_len)
		head->is_malformed = true;
	check(head, line->name, line->value);
	http_headers_add(head->headers, line->name, line->value);
}

bool http_head_is_ambiguous(const struct http_head *head)
{
	return head->is_malformed || (head->n_lengths && head->n_codings);
}
