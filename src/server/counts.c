/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Story counts of labels. */
#include "counts.h"

#include <jansson.h>

#include "storyfs/alloc.h"

void counts_add(struct counts *counts, const struct record *story, int sign)
{
	int64_t state = record_int(story, F_story_current_state, STATE_UNSCHEDULED);
	double points = record_float(story, F_story_estimate, 0);

	counts->stories[state] += sign;
	counts->zero_points[state] += points > 0 ? 0 : sign;
	counts->points[state] += points * sign;
}

int counts_load(struct call *c, int64_t label_id, struct counts *ret)
{
	struct query q = { .kind = KIND_story, .limit = -1 };
	scoped(records_fini) struct records stories = { 0 };
	int r = tx_list(c->tx, query_where(&q, F_story_label_ids, OP_HAS, label_id), &stories);

	*ret = (struct counts){ 0 };
	for (size_t i = 0; i < stories.n; i++)
		counts_add(ret, stories.items[i], 1);
	return r;
}

static json_t *encode_number(double d)
{
	int64_t whole = (int64_t)d;

	return (double)whole < d || (double)whole > d ? json_real(d) : json_integer(whole);
}

static json_t *encode_states(const struct counts *counts, int which)
{
	const struct choices *states = schema_field(KIND_story, F_story_current_state)->choices;
	json_t *object = json_object();

	for (int s = 0; s < N_STATES; s++) {
		double n = which == 0	? (double)counts->zero_points[s]
			   : which == 1 ? counts->points[s]
					: (double)counts->stories[s];

		json_object_set_new(object, states->words[s], encode_number(n));
	}
	json_object_set_new(object, "kind", json_string("counts_by_story_state"));
	return object;
}

struct json_t *counts_encode(const struct counts *counts)
{
	static const char *const parts[] = { "number_of_zero_point_stories_by_state",
		"sum_of_story_estimates_by_state", "number_of_stories_by_state" };
	json_t *object = json_object();

	for (int i = 0; i < 3; i++)
		json_object_set_new(object, parts[i], encode_states(counts, i));
	json_object_set_new(object, "kind", json_string("story_counts"));
	return object;
}

static void set_counts(struct record *label, int f, const struct counts *counts)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	json_t *json = counts_encode(counts);

	json_write(json, &text);
	json_decref(json);
	record_set_text(label, f, buf_str(&text));
}

/* Many labels: all stories of their projects are read once. */
static int load_stories(struct call *c, const struct records *labels, struct records *ret)
{
	struct query q = { .kind = KIND_story, .limit = -1 };
	scoped(ids_fini) struct ids projects = { 0 };

	for (size_t i = 0; i < labels->n; i++) {
		int64_t id = record_int(labels->items[i], F_label_project_id, 0);

		if (!ids_has(&projects, id))
			ids_add(&projects, id);
	}
	query_where(&q, F_story_project_id, OP_IN, 0)->where[0].ids = &projects;
	return tx_list(c->tx, &q, ret);
}

int counts_fill(struct call *c, struct records *labels, int f)
{
	scoped(records_fini) struct records stories = { 0 };
	int r = load_stories(c, labels, &stories);

	for (size_t i = 0; r == 0 && i < labels->n; i++) {
		struct counts counts = { 0 };

		for (size_t k = 0; k < stories.n; k++) {
			const struct value *v = record_get(stories.items[k], F_story_label_ids);

			if (v->state == VALUE_SET && ids_has(&v->ids, record_id(labels->items[i])))
				counts_add(&counts, stories.items[k], 1);
		}
		set_counts(labels->items[i], f, &counts);
	}
	return r;
}
