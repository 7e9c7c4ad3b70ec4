/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command may change many stories of few labels, so each label's counts are told once. */
#include "estimates.h"

#include <jansson.h>
#include <string.h>

#include "change.h"
#include "counts.h"
#include "initial.h"
#include "people.h"
#include "storyfs/alloc.h"
#include "storyfs/scale.h"

/* ---- which ---- */

static int list_misfits(struct call *c, const char *scale, struct records *ret)
{
	struct query q = { .kind = KIND_story, .limit = -1, .order = F_story_rank };
	scoped(records_fini) struct records estimated = { 0 };

	query_where(&q, F_story_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_story_estimate, OP_NOT_NULL, 0);
	int r = tx_list(c->tx, &q, &estimated);

	each_record(story, &estimated) {
		if (!scale_has(scale, record_float(story, F_story_estimate, 0)))
			records_add(ret, record_ref(story));
	}
	return r;
}

/* ---- their labels ---- */

static void list_labels(const struct records *stories, struct ids *ret)
{
	each_record(story, stories) {
		const struct ids labels = value_ids(record_get(story, F_story_label_ids));

		people_add_once(&labels, ret);
	}
}

/* An array of each label's counts as they are now. */
static int take_counts(struct call *c, const struct ids *labels, json_t **ret)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < labels->n; i++) {
		struct counts counts = { 0 };

		r = counts_load(c, labels->v[i], &counts);
		json_array_append_new(list, counts_encode(&counts));
	}
	*ret = list;
	return r;
}

static int tell_counts(
	struct call *c, struct activity *a, const struct ids *labels, const json_t *before)
{
	scoped(scoped_json_fini) struct scoped_json after = { NULL };
	int r = take_counts(c, labels, &after.json);

	for (size_t i = 0; r == 0 && i < labels->n; i++) {
		scoped(record_unref) struct record *label = NULL;
		int e = tx_get(c->tx, KIND_label, labels->v[i], &label);

		if (e == 0)
			activity_add_counts(a, label, json_incref(json_array_get(before, i)),
				json_incref(json_array_get(after.json, i)));
		r = e < 0 ? e : 0;
	}
	return r;
}

/* ---- changing them ---- */

static int rescale(struct call *c, struct activity *a, struct record *story, const char *scale)
{
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = activity_take_values(c, story, &before.json);

	record_set_float(story, F_story_estimate,
		scale_nearest(scale, record_float(story, F_story_estimate, 0)));
	initial_touch(story, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, story);
	return r < 0 ? r : activity_updated(c, a, story, before.json);
}

int estimates_rescale(struct call *c, struct activity *a, const struct record *old)
{
	const char *scale = record_text(call_project(c), F_project_point_scale);
	scoped(records_fini) struct records stories = { 0 };
	scoped(ids_fini) struct ids labels = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };

	if (strcmp(scale, record_text(old, F_project_point_scale)) == 0 || scale_is_custom(scale))
		return 0;
	int r = list_misfits(c, scale, &stories);

	list_labels(&stories, &labels);
	if (r == 0)
		r = take_counts(c, &labels, &before.json);
	for (size_t i = 0; r == 0 && i < stories.n; i++)
		r = rescale(c, a, stories.items[i], scale);
	return r < 0 ? r : tell_counts(c, a, &labels, before.json);
}
