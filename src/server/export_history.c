/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a history as an import kept them, in the order that they had. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "export_rows.h"
#include "export_run.h"
#include "storyfs/alloc.h"
#include "storyfs/csv.h"
#include "storyfs/file.h"

struct row {
	int64_t place;
	size_t index; /* in the archive's order */
	json_t *json;
	json_t *cells; /* part of it */
};

struct history {
	struct row *rows;
	size_t n;
	json_t *widths; /* the titles in their order, and how often each comes */
};

static void history_fini(struct history *h)
{
	for (size_t i = 0; i < h->n; i++)
		json_decref(h->rows[i].json);
	free(h->rows);
	json_decref(h->widths);
}

SCOPED_VALUE(struct history, history_fini);

/* Two exports may have told of the same place. */
static int by_place(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void measure(struct history *h, const json_t *cells)
{
	const char *title;
	json_t *value;

	json_object_foreach((json_t *)cells, title, value)
	{
		json_int_t n = json_integer_value(json_object_get(h->widths, title));
		json_int_t more = (json_int_t)kept_count(value);

		json_object_set_new(h->widths, title, json_integer(more > n ? more : n));
	}
}

static void load(struct history *h, const struct unknown_resources *list)
{
	h->rows = xcalloc(list->n + 1, sizeof(*h->rows));
	h->widths = json_object();
	for (size_t i = 0; i < list->n; i++) {
		struct row *row = &h->rows[h->n];

		row->json = json_loads(list->items[i].json, 0, NULL);
		if (!row->json)
			continue;
		row->cells = kept_get_row(row->json, &row->place);
		row->index = h->n++;
	}
	qsort(h->rows, h->n, sizeof(*h->rows), by_place);
	for (size_t i = 0; i < h->n; i++)
		measure(h, h->rows[i].cells);
}

/* cells is NULL for the titles. */
static void write_line(const struct history *h, const json_t *cells, struct buf *out)
{
	const char *title;
	json_t *width;

	json_object_foreach(h->widths, title, width)
	{
		for (json_int_t n = 0; n < json_integer_value(width); n++) {
			const char *text = cells ? kept_get(cells, title, (size_t)n) : title;

			export_add_text(out, text ? text : "");
		}
	}
	csv_end_line(out);
}

int export_write_history(
	struct export_run *run, const struct unknown_resources *rows, int fd, const char *name)
{
	scoped(history_fini) struct history h = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	load(&h, rows);
	write_line(&h, NULL, &text);
	for (size_t i = 0; i < h.n; i++)
		write_line(&h, h.rows[i].cells, &text);
	run->report.n_unknown += (int64_t)h.n;
	int r = file_write(fd, text.data, text.len);

	return r < 0 ? export_fail(run, name, r) : 0;
}
