/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Story counts of labels. */
#include "counts.h"

#include <jansson.h>

#include "storyfs/alloc.h"

static void add_many(struct counts *counts, const struct record *story, int64_t n)
{
	int64_t state = record_int(story, F_story_current_state, STATE_UNSCHEDULED);
	double points = record_float(story, F_story_estimate, 0);

	counts->stories[state] += n;
	counts->zero_points[state] += points > 0 ? 0 : n;
	counts->points[state] += points * (double)n;
}

void counts_add(struct counts *counts, const struct record *story, int sign)
{
	add_many(counts, story, sign);
}

int counts_load(struct call *c, int64_t label_id, struct counts *ret)
{
	scoped(records_fini) struct records groups = { 0 };
	scoped(ids_fini) struct ids sizes = { 0 };
	int r = tx_tally_label(c->tx, label_id, &groups, &sizes);

	*ret = (struct counts){ 0 };
	for (size_t i = 0; i < groups.n; i++)
		add_many(ret, groups.items[i], sizes.v[i]);
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

int counts_fill(struct call *c, struct records *labels, int f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < labels->n; i++) {
		struct counts counts;

		r = counts_load(c, record_id(labels->items[i]), &counts);
		set_counts(labels->items[i], f, &counts);
	}
	return r;
}
