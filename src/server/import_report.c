/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import did, in words and in JSON. */
#include <inttypes.h>
#include <jansson.h>

#include "report_json.h"
#include "storyfs/import.h"
#include "storyfs/json.h"

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

void import_report_write_json(const struct import_report *report, struct buf *b)
{
	json_t *root = json_object();

	json_object_set_new(root, "read", report_from_counts(report->read));
	json_object_set_new(root, "changed", report_from_counts(report->changed));
	json_object_set_new(root, "unknown", json_integer(report->n_unknown));
	json_object_set_new(root, "notes", report_from_lines(&report->notes));
	json_write(root, b);
	buf_add_char(b, '\n');
	json_decref(root);
}
