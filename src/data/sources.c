/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of sources, and what some of them need done. */
#include "sources.h"

#include <inttypes.h>

#include "storyfs/clock.h"
#include "storyfs/http.h"
#include "storyfs/json_activity.h"

/* ---- iterations ---- */

/* They have numbers in their project instead of ids. */
static void number_iteration(
	const struct place *place, const struct record *holder, struct record *r)
{
	(void)holder;
	record_set_int(r, F_iteration_id, store_id_of(place, record_int(r, F_iteration_number, 0)));
}

/* ---- attachments ---- */

static void note_comment(const struct place *place, const struct record *holder, struct record *r)
{
	(void)place;
	if (holder)
		record_set_int(r, F_file_attachment_comment_id, record_id(holder));
}

/* ---- activity ---- */

/* One item is one version of its project. Our own are others than the project's. */
#define VERSIONS (INT64_C(1) << 30)
#define OWN (INT64_C(1) << 62)

static void prepare_activity(
	const struct place *place, const struct record *holder, struct record *r)
{
	int64_t version = record_int(r, F_activity_project_version, 0);
	int64_t project_id = strtoll(record_text(r, F_activity_guid), NULL, 10);

	(void)holder;
	if (place->parent)
		project_id = place->parent_id;
	record_set_int(r, F_activity_project_id, project_id);
	/* Both may be any number: that of a host is other people's. */
	uint64_t both = (uint64_t)project_id * (uint64_t)VERSIONS + (uint64_t)version;

	record_set_int(r, F_activity_id, (place->parent ? 0 : OWN) | (int64_t)(both & (OWN - 1)));
	json_activity_condense(r);
}

static bool activity_since(
	struct store *s, const struct place *place, int64_t version, struct buf *ret_filters)
{
	(void)s;
	(void)place;
	if (version > 0)
		buf_add_fmt(ret_filters, "since_version=%" PRId64, version);
	return version > 0;
}

/* ---- transitions ---- */

/* A story has one state at each version. */
enum { VERSION_BITS = 24 };

static void number_transition(
	const struct place *place, const struct record *holder, struct record *r)
{
	int64_t version = record_int(r, F_story_transition_project_version, 0);
	uint64_t story_id = (uint64_t)record_int(r, F_story_transition_story_id, 0);

	(void)place;
	(void)holder;
	record_set_int(r, F_story_transition_id,
		(int64_t)((story_id << VERSION_BITS | (version & ((1 << VERSION_BITS) - 1))) &
			  INT64_MAX));
}

static int compare_transitions(const void *a, const void *b)
{
	static const int keys[] = { F_story_transition_occurred_at,
		F_story_transition_project_version, F_story_transition_id };
	const struct record *left = *(struct record *const *)a;
	const struct record *right = *(struct record *const *)b;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int64_t x = record_int(left, keys[i], 0), y = record_int(right, keys[i], 0);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* From the second of the last one on: there may be more of it. */
static bool transitions_since(
	struct store *s, const struct place *place, int64_t version, struct buf *ret_filters)
{
	const struct collection *c = known_collection(s, place);
	char time[CLOCK_ISO_SIZE];
	int64_t last_ms = 0;

	(void)version;
	for (size_t i = 0; c && i < c->ids.n; i++) {
		const struct entry *e = known_entry(s, place->kind, c->ids.v[i]);
		int64_t at = e ? record_int(e->record, F_story_transition_occurred_at, 0) : 0;

		last_ms = at > last_ms ? at : last_ms;
	}
	if (!last_ms)
		return false;
	clock_format_iso(last_ms - 1000, time);
	buf_add_str(ret_filters, "occurred_after=");
	http_add_encoded(ret_filters, time);
	return true;
}

/* Those of a story that went, or is in another project now, went with it. */
static bool transition_stays(struct store *s, const struct place *place, const struct record *r)
{
	struct place stories = {
		.kind = KIND_story, .parent = KIND_project, .parent_id = place->parent_id
	};
	const struct entry *e =
		known_entry(s, KIND_story, record_int(r, F_story_transition_story_id, 0));

	return !known_collection(s, &stories) || (e && e->parent_id == place->parent_id);
}

/* ---- the table ---- */

#define COMMENT_FIELDS ":default,file_attachment_ids"
#define ACTIVITY_FIELDS \
	"guid,project_version,kind,message,changes,primary_resources,performed_by,occurred_at"

const struct source sources[] = {
	{ KIND_me, KIND_none, NULL, KIND_none },
	{ KIND_project, KIND_none, NULL, KIND_none },
	{ KIND_project_membership, KIND_project, NULL, KIND_none },
	{ KIND_label, KIND_project, NULL, KIND_none },
	{ KIND_story, KIND_project, NULL, KIND_project_membership,
		.fields = ":default,follower_ids" },
	{ KIND_epic, KIND_project, NULL, KIND_none },
	{ KIND_saved_search, KIND_project, NULL, KIND_none, true, .untold = true },
	{ KIND_review_type, KIND_project, NULL, KIND_none, true, .untold = true },
	{ KIND_story_template, KIND_project, NULL, KIND_none, true, .untold = true },
	{ KIND_integration, KIND_project, NULL, KIND_none, true, .untold = true },
	{ KIND_release, KIND_project, NULL, KIND_none, true, .fields = ":default,story_ids",
		.untold = true },
	{ KIND_iteration, KIND_project, NULL, KIND_none, true,
		.fields =
			"number,project_id,length,team_strength,start,finish,velocity,points,story_ids",
		.prepare = number_iteration, .untold = true },
	{ KIND_workspace, KIND_none, NULL, KIND_none, true },
	{ KIND_notification, KIND_none, NULL, KIND_none, true },
	{ KIND_comment, KIND_story, "comments", KIND_none, .fields = COMMENT_FIELDS },
	{ KIND_comment, KIND_epic, "comments", KIND_project_membership, .fields = COMMENT_FIELDS },
	{ KIND_task, KIND_story, "tasks", KIND_none },
	{ KIND_blocker, KIND_story, "blockers", KIND_project_membership },
	{ KIND_review, KIND_story, "reviews", KIND_project_membership },
	{ KIND_file_attachment, KIND_story, "comments", .through = KIND_comment,
		.inner = "file_attachments", .prepare = note_comment },
	{ KIND_file_attachment, KIND_epic, "comments", .through = KIND_comment,
		.inner = "file_attachments", .prepare = note_comment },
	{ KIND_story_transition, KIND_project, NULL, KIND_project_membership, true,
		.through = KIND_story, .inner = "transitions", .prepare = number_transition,
		.compare = compare_transitions, .since = transitions_since,
		.stays = transition_stays },
	{ KIND_activity, KIND_project, NULL, KIND_none, true, .fields = ACTIVITY_FIELDS,
		.max = STORE_ACTIVITY_MAX, .prepare = prepare_activity, .since = activity_since,
		.newest_first = true },
	{ KIND_activity, KIND_none, NULL, KIND_none, true, .fields = ACTIVITY_FIELDS,
		.max = STORE_OWN_ACTIVITY_MAX, .prepare = prepare_activity },
};

const size_t n_sources = sizeof(sources) / sizeof(sources[0]);

const struct source *source_find(enum kind kind, enum kind parent)
{
	each_source(source)
	{
		if (source->kind == kind && source->parent == parent)
			return source;
	}
	return NULL;
}
