/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV, written by libcsv. */
#include "storyfs/csv.h"

#include <csv.h>
#include <stdbool.h>
#include <string.h>

static bool is_at_line_start(const struct buf *b)
{
	return !b->len || b->data[b->len - 1] == '\n';
}

/* Blanks at the ends are quoted, too: readers strip them else. */
static bool needs_quotes(const char *text, size_t len)
{
	return text[strcspn(text, ",\"\r\n")] ||
	       (len && (strchr(" \t", text[0]) || strchr(" \t", text[len - 1])));
}

void csv_add_cell(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	if (!is_at_line_start(b))
		buf_add_char(b, ',');
	else if (!len) /* the first cell of a line, which must not look as if there were none */
		buf_add_str(b, "\"\"");
	if (!needs_quotes(text, len)) {
		buf_add(b, text, len);
		return;
	}
	size_t quoted = csv_write(NULL, 0, text, len);
	char *to = buf_reserve(b, quoted);

	csv_write(to, quoted, text, len);
	to[quoted] = '\0';
	b->len += quoted;
}

void csv_end_line(struct buf *b)
{
	buf_add_char(b, '\n');
}
