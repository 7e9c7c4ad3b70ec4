/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Iterations of a dump. They are computed here; what cannot be is that somebody changed one. */
#include <jansson.h>

#include "import_run.h"
#include "storyfs/json.h"

void import_take_iteration(struct import_run *run, const json_t *item, size_t file, int64_t key)
{
	scoped(buf_fini) struct buf problems = BUF_INIT;
	struct record *r;

	if (json_to_record(KIND_iteration_override, item, "", &problems, &r) < 0)
		return;
	record_set_extra(r, NULL);
	record_set_int(r, F_iteration_override_id, key);
	import_table_add_own(&run->table, r, file);
}

int import_trim_override(struct import_run *run, struct record *override)
{
	double strength = record_float(override, F_iteration_override_team_strength, 1);
	scoped(record_unref) struct record *project = NULL;
	int r = tx_get(run->tx, KIND_project,
		record_int(override, F_iteration_override_project_id, 0), &project);

	if (r)
		return r;
	if (record_int(override, F_iteration_override_length, 0) ==
		record_int(project, F_project_iteration_length, 1))
		record_clear(override, F_iteration_override_length);
	if (strength >= 1 && strength <= 1)
		record_clear(override, F_iteration_override_team_strength);
	return !record_has(override, F_iteration_override_length) &&
	       !record_has(override, F_iteration_override_team_strength);
}
