/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds that were unknown when an archive got them: once the schema has them, what was kept as it
 * came is imported out of the archive itself. */
#include "import_adopt.h"

#include <jansson.h>
#include <string.h>

#include "import_run.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"

static const char kinds_meta[] = "kinds";

static bool is_kept(enum kind kind)
{
	return schema_field(kind, 0)->flags & FIELD_KEEP;
}

/* The kinds that this version has tables for. */
static void list_kinds(struct buf *ret)
{
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (is_kept((enum kind)kind))
			buf_add_fmt(ret, "%s ", schema_resource((enum kind)kind)->name);
	}
}

int import_adopt_is_due(struct tx *tx, bool *ret)
{
	scoped(buf_fini) struct buf kinds = BUF_INIT;
	scoped(buf_fini) struct buf before = BUF_INIT;
	int r = tx_get_meta(tx, kinds_meta, &before);

	if (r < 0)
		return r;
	list_kinds(&kinds);
	*ret = strcmp(buf_str(&before), kinds.data) != 0;
	return 0;
}

/* A negative id stands for none until the record is stored. */
static bool take_identity(struct record *r, size_t index)
{
	if (schema_resource(record_kind(r))->plain)
		record_set_int(r, 0, -(int64_t)(index + 1));
	return record_id(r) != 0;
}

static int adopt_one(struct import_run *run, enum kind kind, size_t index,
	const struct unknown_resource *unknown)
{
	const struct resource *res = schema_resource(kind);
	json_t *json = json_loads(unknown->json, 0, NULL);
	struct record *r = NULL;
	bool read = json && json_to_record(kind, json, "", NULL, &r) == 0;

	json_decref(json);
	if (!read || !take_identity(r, index)) {
		record_unref(r);
		return 0;
	}
	if (res->parent == KIND_project && !record_has(r, res->parent_key) && unknown->project_id)
		record_set_int(r, res->parent_key, unknown->project_id);
	import_table_add_own(&run->table, r, 0);
	return tx_delete_unknown(run->tx, unknown->project_id, res->name, unknown->key);
}

static int adopt_kind(struct import_run *run, enum kind kind)
{
	scoped(unknown_resources_fini) struct unknown_resources list = { 0 };
	int r = tx_list_unknown(run->tx, schema_resource(kind)->name, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = adopt_one(run, kind, i, &list.items[i]);
	return r;
}

int import_adopt(struct tx *tx)
{
	static const struct import_config nothing = { 0 };
	scoped(buf_fini) struct buf kinds = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(import_run_fini) struct import_run run = { .config = &nothing, .reason = &reason };
	int r = 0;

	run.tx = tx;
	run.files = xcalloc(1, sizeof(*run.files));
	run.files[run.n_files++] = xstrdup("the archive");
	for (int kind = KIND_none + 1; r == 0 && kind < N_KINDS; kind++) {
		if (is_kept((enum kind)kind))
			r = adopt_kind(&run, (enum kind)kind);
	}
	import_flatten(&run, run.table.end);
	if (r == 0)
		r = import_store_table(&run);
	run.tx = NULL;
	list_kinds(&kinds);
	return r < 0 ? r : tx_put_meta(tx, kinds_meta, kinds.data);
}
