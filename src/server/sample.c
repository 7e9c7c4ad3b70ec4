/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each row is made as a story that somebody sends. */
#include "sample.h"

#include "story.h"

static const struct {
	enum story_type type;
	enum story_state state;
	int estimate;
	const char *label, *name;
} rows[] = {
#define SAMPLE(type, state, estimate, label, name) \
	{ STORY_TYPE_##type, STATE_##state, estimate, label, name },
#include "sample.def"
};

static struct record *make_patch(size_t i)
{
	struct record *patch = record_new(KIND_story);
	struct record *label = record_new(KIND_label);
	struct records labels = { 0 };

	record_set_int(patch, F_story_story_type, rows[i].type);
	record_set_int(patch, F_story_current_state, rows[i].state);
	if (rows[i].estimate >= 0)
		record_set_float(patch, F_story_estimate, rows[i].estimate);
	record_set_text(patch, F_story_name, rows[i].name);
	record_set_text(label, F_label_name, rows[i].label);
	records_add(&labels, label);
	record_set_objects(patch, F_story_labels, &labels);
	return patch;
}

int sample_make(struct call *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(record_unref) struct record *patch = make_patch(i);
		scoped(record_unref) struct record *story = NULL;

		r = story_make(c, &(struct story_request){ .patch = patch, .group = -1 }, &story);
	}
	return r;
}
