/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The person who asks, seen by itself. */

#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

/* me's fields that are the person's, under the same names. */
static const struct {
	int mine, person;
} shared[] = {
	{ F_me_id, F_person_id },
	{ F_me_name, F_person_name },
	{ F_me_initials, F_person_initials },
	{ F_me_username, F_person_username },
	{ F_me_email, F_person_email },
	{ F_me_has_google_identity, F_person_has_google_identity },
	{ F_me_receives_in_app_notifications, F_person_receives_in_app_notifications },
	{ F_me_created_at, F_person_created_at },
	{ F_me_updated_at, F_person_updated_at },
};

static const struct {
	int summary, membership;
} summarized[] = {
	{ F_membership_summary_id, F_project_membership_id },
	{ F_membership_summary_project_id, F_project_membership_project_id },
	{ F_membership_summary_project_color, F_project_membership_project_color },
	{ F_membership_summary_favorite, F_project_membership_favorite },
	{ F_membership_summary_role, F_project_membership_role },
	{ F_membership_summary_last_viewed_at, F_project_membership_last_viewed_at },
};

static void copy_value(struct record *to, int t, const struct record *from, int f)
{
	if (record_has(from, f))
		record_set(
			to, t, value_copy(schema_field(record_kind(from), f), record_get(from, f)));
}

static struct record *summarize(const struct record *membership, const struct record *project)
{
	struct record *summary = record_new(KIND_membership_summary);

	for (size_t i = 0; i < sizeof(summarized) / sizeof(*summarized); i++)
		copy_value(summary, summarized[i].summary, membership, summarized[i].membership);
	copy_value(summary, F_membership_summary_project_name, project, F_project_name);
	return summary;
}

static int add_projects(struct call *c, struct record *me)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records memberships = { 0 };
	struct records summaries = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_project_membership_person_id, OP_EQ, c->who.person_id),
		&memberships);

	for (size_t i = 0; r >= 0 && i < memberships.n; i++) {
		const struct record *membership = memberships.items[i];
		scoped(record_unref) struct record *project = NULL;

		r = tx_get(c->tx, KIND_project,
			record_int(membership, F_project_membership_project_id, 0), &project);
		if (r == 0)
			records_add(&summaries, summarize(membership, project));
	}
	record_set_objects(me, F_me_projects, &summaries);
	return r < 0 ? r : 0;
}

static void add_time_zone(struct record *me, const struct record *person)
{
	scoped(record_unref) struct record *zone = record_new(KIND_time_zone);
	const char *initial = schema_field(KIND_person, F_person_olson_name)->initial;

	record_set_text(zone, F_time_zone_olson_name,
		record_has(person, F_person_olson_name) ? record_text(person, F_person_olson_name)
							: initial);
	record_set_object(me, F_me_time_zone, zone);
}

static void add_initial(struct record *me, int f, bool value)
{
	if (!record_has(me, f))
		record_set_int(me, f, value);
}

int me_get(struct call *c)
{
	scoped(record_unref) struct record *person = NULL;
	scoped(record_unref) struct record *me = record_new(KIND_me);
	int r = tx_get(c->tx, KIND_person, c->who.person_id, &person);

	if (r > 0)
		return v5_error_set(&c->error, V5_unfound_resource);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		copy_value(me, shared[i].mine, person, shared[i].person);
	add_initial(me, F_me_has_google_identity, false);
	add_initial(me, F_me_receives_in_app_notifications, true);
	add_time_zone(me, person);
	if (c->who.token)
		record_set_text(me, F_me_api_token, c->who.token);
	r = add_projects(c, me);
	return r < 0 ? r : answer_record(c, me);
}
