/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an export wrote, in words and in JSON. */
#include <inttypes.h>
#include <jansson.h>

#include "report_json.h"
#include "storyfs/export.h"
#include "storyfs/json.h"

void export_report_fini(struct export_report *report)
{
	buf_fini(&report->notes);
	*report = (struct export_report){ 0 };
}

void export_report_write_text(const struct export_report *report, struct buf *b)
{
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (report->written[kind])
			buf_add_fmt(b, "%-20s %7" PRId64 " written\n",
				schema_resource((enum kind)kind)->name, report->written[kind]);
	}
	if (report->n_unknown)
		buf_add_fmt(b, "%-20s %7" PRId64 " written as they were kept\n", "other kinds",
			report->n_unknown);
	if (report->notes.len)
		buf_add_fmt(b, "\n%s", report->notes.data);
}

void export_report_write_json(const struct export_report *report, struct buf *b)
{
	json_t *root = json_object();

	json_object_set_new(root, "written", report_from_counts(report->written));
	json_object_set_new(root, "unknown", json_integer(report->n_unknown));
	json_object_set_new(root, "notes", report_from_lines(&report->notes));
	json_write(root, b);
	buf_add_char(b, '\n');
	json_decref(root);
}
