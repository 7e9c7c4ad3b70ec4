/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_json.h"

#include <jansson.h>
#include <string.h>

json_t *report_from_counts(const int64_t counts[N_KINDS])
{
	json_t *object = json_object();

	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (counts[kind])
			json_object_set_new(object, schema_resource((enum kind)kind)->name,
				json_integer(counts[kind]));
	}
	return object;
}

json_t *report_from_lines(const struct buf *lines)
{
	json_t *list = json_array();

	for (const char *p = buf_str(lines); *p;) {
		size_t len = strcspn(p, "\n");

		json_array_append_new(list, json_stringn(p, len));
		p += len + (p[len] == '\n');
	}
	return list;
}
