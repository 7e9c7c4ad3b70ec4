/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V5's rules of a story that need no server to be known: which types have points, which points a
 * project has, that only a release has a deadline. What a host does not tell is left to it.
 */
#include <errno.h>

#include "shown.h"
#include "storyfs/scale.h"

struct rules {
	struct record *project;
	int64_t type; /* the story's, as it will be; -1: unknown */
};

static void rules_fini(struct rules *r)
{
	record_unref(r->project);
}

SCOPED_VALUE(struct rules, rules_fini);

static void begin(
	struct rules *r, struct tree *t, const struct record *story, const struct record *patch)
{
	const struct record *from = patch && record_has(patch, F_story_story_type) ? patch : story;

	store_peek(t->store, KIND_project, store_project_of(t->store, story), &r->project);
	r->type = record_int(from, F_story_story_type, -1);
}

static const char *type_name(const struct rules *r)
{
	return schema_field(KIND_story, F_story_story_type)->choices->words[r->type];
}

/* Is it certain that it has no points? */
static bool has_no_points(const struct rules *r)
{
	if (r->type == STORY_TYPE_RELEASE)
		return true;
	return (r->type == STORY_TYPE_BUG || r->type == STORY_TYPE_CHORE) && r->project &&
	       record_has(r->project, F_project_bugs_and_chores_are_estimatable) &&
	       !record_int(r->project, F_project_bugs_and_chores_are_estimatable, 0);
}

static const char *scale_of(const struct rules *r)
{
	return r->project ? record_text(r->project, F_project_point_scale) : "";
}

static int check_estimate(const struct rules *r, const struct record *patch, struct buf *ret)
{
	if (has_no_points(r)) {
		buf_add_fmt(ret, "a %s has no estimate%s\n", type_name(r),
			r->type == STORY_TYPE_RELEASE ? ""
						      : " in this project: its "
							"bugs_and_chores_are_estimatable is false");
		return -EINVAL;
	}
	if (!*scale_of(r) || scale_has(scale_of(r), record_float(patch, F_story_estimate, 0)))
		return 0;
	buf_add_fmt(ret, "not a point of this project's point_scale, %s\n", scale_of(r));
	return -EINVAL;
}

int rules_check(struct tree *t, const struct record *old, const struct record *patch,
	struct buf *ret_reason)
{
	scoped(rules_fini) struct rules r = { 0 };

	if (record_kind(patch) != KIND_story)
		return 0;
	begin(&r, t, old, patch);
	if (record_has(patch, F_story_deadline) && r.type >= 0 && r.type != STORY_TYPE_RELEASE) {
		buf_add_fmt(
			ret_reason, "only a release has a deadline, this is a %s\n", type_name(&r));
		return -EINVAL;
	}
	return record_has(patch, F_story_estimate) ? check_estimate(&r, patch, ret_reason) : 0;
}

bool rules_describe(struct tree *t, const struct record *r, int f, struct buf *ret)
{
	scoped(rules_fini) struct rules rules = { 0 };

	if (record_kind(r) != KIND_story || (f != F_story_estimate && f != F_story_deadline))
		return false;
	begin(&rules, t, r, NULL);
	if (f == F_story_deadline ? rules.type >= 0 && rules.type != STORY_TYPE_RELEASE
				  : has_no_points(&rules)) {
		buf_add_fmt(ret, "nothing, as long as story_type is %s", type_name(&rules));
		return true;
	}
	if (f == F_story_deadline || !*scale_of(&rules))
		return false;
	buf_add_fmt(ret, "one of %s; empty for none", scale_of(&rules));
	return true;
}
