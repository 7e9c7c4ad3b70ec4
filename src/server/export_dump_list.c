/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "export_dump.h"
#include "shape.h"
#include "storyfs/alloc.h"

struct dump_list {
	struct export_run *run;
	enum kind kind;
	char *path;
	struct fields *fields;
	FILE *file; /* NULL while there is nothing in it */
};

/* Does the object form that V5 sends tell it? */
static bool is_in_object(enum kind kind, int id_form)
{
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);

		if (field->flags & FIELD_DEF && field->via &&
			strcmp(field->via, schema_field(kind, id_form)->key) == 0)
			return true;
	}
	return false;
}

static struct fields *choose_fields(enum kind kind)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	size_t at;

	buf_add_str(&text, ":default");
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);
		unsigned others = FIELD_DEF | FIELD_HIDDEN | FIELD_SECRET;

		if (field->flags & FIELD_KEEP && !(field->flags & others) && !is_in_object(kind, f))
			buf_add_fmt(&text, ",%s", field->key);
	}
	return fields_parse(text.data, &at);
}

struct dump_list *dump_list_new(struct export_run *run, const char *folder, enum kind kind)
{
	struct dump_list *list = xcalloc(1, sizeof(*list));

	list->run = run;
	list->kind = kind;
	list->path = xasprintf("%s/%s.json", folder, schema_resource(kind)->name);
	list->fields = choose_fields(kind);
	return list;
}

enum kind dump_list_kind(const struct dump_list *list)
{
	return list->kind;
}

void dump_list_free(struct dump_list *list)
{
	if (list->file)
		fclose(list->file);
	fields_free(list->fields);
	free(list->path);
	free(list);
}

int dump_list_put(struct dump_list *list, const struct records *records)
{
	each_record(r, records) {
		scoped(buf_fini) struct buf text = BUF_INIT;
		const char *before = list->file ? ",\n" : "[\n";

		if (!list->file)
			list->file = fopen(list->path, "wxe");
		if (!list->file)
			return export_fail(list->run, list->path, -errno);
		json_add_record(r, list->fields, JSON_WITHOUT_SECRETS, &text);
		fputs(before, list->file);
		if (fwrite(text.data, 1, text.len, list->file) != text.len)
			return export_fail(list->run, list->path, -errno);
	}
	return 0;
}

/* What follows from the rest, and from the clock, would be another one tomorrow: but for objects in
 * the place of ids, it is as it is stored. */
static void clear_derived(struct record *r, const struct record *stored)
{
	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);

		if (field->via || (field->flags & FIELD_LIST && !record_has(stored, f)))
			continue;
		if (field->flags & FIELD_KEEP && record_has(stored, f))
			record_set(r, f, value_copy(field, record_get(stored, f)));
		else
			record_clear(r, f);
	}
}

int dump_list_add(struct dump_list *list, struct records *records)
{
	scoped(records_fini) struct records stored = { 0 };

	each_record(one, records)
		records_add(&stored, record_copy(one));
	int r = shape_fill(&list->run->desk.call, list->kind, records, list->fields);

	for (size_t i = 0; i < stored.n; i++)
		clear_derived(records->items[i], stored.items[i]);
	return r < 0 ? r : dump_list_put(list, records);
}

int dump_list_finish(struct dump_list *list)
{
	FILE *file = take_ptr(list->file);

	if (!file)
		return 0;
	bool failed = fputs("\n]\n", file) < 0;

	failed |= fclose(file) != 0;
	return failed ? export_fail(list->run, list->path, -errno) : 0;
}

int dump_make_folder(struct export_run *run, const char *path)
{
	return mkdir(path, 0777) < 0 ? export_fail(run, path, -errno) : 0;
}
