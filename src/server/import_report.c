/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import did, in words and in JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "storyfs/import.h"
#include "storyfs/json.h"
#include "storyfs/text.h"

void import_report_fini(struct import_report *report)
{
	buf_fini(&report->notes);
	*report = (struct import_report){ 0 };
}

void import_report_write_text(const struct import_report *report, struct buf *b)
{
	int64_t changed = 0;

	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		changed += report->changed[kind];
		if (report->read[kind] || report->changed[kind])
			buf_add_fmt(b, "%-20s %7" PRId64 " read %7" PRId64 " new or changed\n",
				schema_resource((enum kind)kind)->name, report->read[kind],
				report->changed[kind]);
	}
	if (report->n_unknown)
		buf_add_fmt(b, "%-20s %7" PRId64 " kept as they are\n", "other kinds",
			report->n_unknown);
	if (!changed)
		buf_add_str(b, "nothing changed\n");
	if (report->notes.len)
		buf_add_fmt(b, "\n%s", report->notes.data);
}

static json_t *from_counts(const int64_t counts[N_KINDS])
{
	json_t *object = json_object();

	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (counts[kind])
			json_object_set_new(object, schema_resource((enum kind)kind)->name,
				json_integer(counts[kind]));
	}
	return object;
}

static json_t *from_lines(const struct buf *lines)
{
	json_t *list = json_array();

	for (const char *p = buf_str(lines); *p;) {
		size_t len = strcspn(p, "\n");

		json_array_append_new(list, json_stringn(p, len));
		p += len + (p[len] == '\n');
	}
	return list;
}

void import_report_write_json(const struct import_report *report, struct buf *b)
{
	json_t *root = json_object();

	json_object_set_new(root, "read", from_counts(report->read));
	json_object_set_new(root, "changed", from_counts(report->changed));
	json_object_set_new(root, "unknown", json_integer(report->n_unknown));
	json_object_set_new(root, "notes", from_lines(&report->notes));
	json_write(root, b);
	buf_add_char(b, '\n');
	json_decref(root);
}
