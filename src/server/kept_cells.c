/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kept_cells.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "storyfs/alloc.h"

const char kept_cells_kind[] = "export_cells";
const char kept_history_kind[] = "export_history";

/* ---- cells ---- */

/* A text alone is the first of a list. */
static json_t *make_list(json_t *cells, const char *title)
{
	json_t *old = json_object_get(cells, title);

	if (json_is_array(old))
		return old;
	json_t *list = json_array();

	json_array_append(list, old ? old : json_null());
	json_object_set_new(cells, title, list);
	return list;
}

void kept_add(json_t **cells, const char *title, size_t n, const char *text)
{
	if (!*cells)
		*cells = json_object();
	if (n == 0) {
		json_object_set_new(*cells, title, json_string(text));
		return;
	}
	json_t *list = make_list(*cells, title);

	while (json_array_size(list) <= n)
		json_array_append_new(list, json_null());
	json_array_set_new(list, n, json_string(text));
}

const char *kept_get(const json_t *cells, const char *title, size_t n)
{
	const json_t *value = json_object_get(cells, title);

	if (json_is_array(value))
		return json_string_value(json_array_get(value, n));
	return n == 0 ? json_string_value(value) : NULL;
}

size_t kept_count(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) : json_is_string(value);
}

char *kept_key(enum kind kind, int64_t id)
{
	return xasprintf("%s %" PRId64, schema_resource(kind)->name, id);
}

json_t *kept_place(json_t *cells, int64_t row)
{
	return json_pack("{sI,sO}", "row", (json_int_t)row, "cells", cells);
}

json_t *kept_get_row(json_t *placed, int64_t *ret_row)
{
	const json_t *row = json_object_get(placed, "row");

	*ret_row = json_integer_value(row);
	return json_is_integer(row) ? json_object_get(placed, "cells") : placed;
}

/* ---- those of an archive ---- */

int kept_load(struct tx *tx, struct kept *ret)
{
	return tx_list_unknown(tx, kept_cells_kind, &ret->cells);
}

void kept_fini(struct kept *kept)
{
	unknown_resources_fini(&kept->cells);
}

/* As the archive sorts them. */
static int compare(const void *a, const void *b)
{
	const struct unknown_resource *x = a, *y = b;

	if (x->project_id != y->project_id)
		return x->project_id < y->project_id ? -1 : 1;
	return strcmp(x->key, y->key);
}

json_t *kept_find(const struct kept *kept, int64_t project_id, enum kind kind, int64_t id)
{
	scoped(free_ptr) char *key = kept_key(kind, id);
	const struct unknown_resource wanted = { .project_id = project_id, .key = key };
	const struct unknown_resource *found = NULL;

	if (kept->cells.n)
		found = bsearch(&wanted, kept->cells.items, kept->cells.n, sizeof(wanted), compare);
	return found ? json_loads(found->json, 0, NULL) : NULL;
}

/* ---- in a dump ---- */

bool kept_is_kind(const char *kind)
{
	return strcmp(kind, kept_cells_kind) == 0 || strcmp(kind, kept_history_kind) == 0;
}

json_t *kept_wrap(const struct unknown_resource *kept)
{
	json_t *cells = json_loads(kept->json, JSON_DECODE_ANY, NULL);

	return json_pack("{ss,sI,so}", "key", kept->key, "project_id", (json_int_t)kept->project_id,
		"cells", cells ? cells : json_object());
}

bool kept_unwrap(const json_t *wrapped, const char **ret_key, json_t **ret_cells)
{
	const char *key = json_string_value(json_object_get(wrapped, "key"));
	json_t *cells = json_object_get(wrapped, "cells");

	if (!key || !json_is_object(cells))
		return false;
	*ret_key = key;
	*ret_cells = cells;
	return true;
}
