/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints of followers, of stories and of epics. Whoever is of the project may follow or stop
 * following, viewers too; others are made to by its members. */
#include "auth.h"
#include "change.h"
#include "followers.h"
#include "initial.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

static struct record *subject_of(const struct call *c)
{
	return c->at[KIND_story] ? c->at[KIND_story] : c->at[KIND_epic];
}

static int key_of(const struct record *r)
{
	return schema_find_field(record_kind(r), "follower_ids");
}

int following_list(struct call *c)
{
	const struct record *subject = subject_of(c);

	return answer_named(c, KIND_person, record_get(subject, key_of(subject)));
}

static int check_may(struct call *c, int64_t person_id)
{
	bool own = person_id == c->who.person_id;

	return c->is_guest || (c->role == ROLE_VIEWER && !own) ? auth_refuse(c) : 0;
}

static bool is_following(const struct record *subject, int64_t person_id)
{
	return value_has_id(record_get(subject, key_of(subject)), person_id);
}

/* The end of a command that made the subject `now`. */
static int write_activity(
	struct call *c, const struct record *old, struct record *now, int64_t person_id, bool added)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	scoped(record_unref) struct record *person = NULL;
	const char *highlight = added ? "added follower:" : "deleted follower:";
	int r = tx_get(c->tx, KIND_person, person_id, &person);

	if (r >= 0)
		r = activity_take_values(c, old, &before.json);
	initial_touch(now, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, now);
	if (r == 0)
		r = activity_updated(c, &a, now, before.json);
	scoped(free_ptr) char *message =
		xasprintf("%s \"%s\"", highlight, person ? record_text(person, F_person_name) : "");

	activity_add_primary(&a, now);
	return r < 0 ? r
		     : activity_write(c, &a,
			       added ? "follower_create_activity" : "follower_delete_activity",
			       highlight, message);
}

/* Who is to follow: by person_id or, as owners are given, id; else whoever asks. */
static int64_t wanted_person(const struct call *c)
{
	const struct value *person_id = &c->given[P_follower_person_id];
	const struct value *id = &c->given[P_follower_id];

	if (person_id->state == VALUE_SET)
		return person_id->i;
	return id->state == VALUE_SET ? id->i : c->who.person_id;
}

int following_create(struct call *c)
{
	struct record *subject = subject_of(c);
	int64_t person_id = wanted_person(c);
	scoped(record_unref) struct record *now = record_copy(subject);
	int r = check_may(c, person_id);

	if (r < 0)
		return r;
	if (is_following(subject, person_id))
		return following_list(c);
	r = people_check_member(c, person_id);
	if (r < 0)
		return r;
	followers_add(now, person_id);
	r = write_activity(c, subject, now, person_id, true);
	return r < 0 ? r : answer_named(c, KIND_person, record_get(now, key_of(now)));
}

int following_delete(struct call *c)
{
	struct record *subject = subject_of(c);
	int64_t person_id = c->ids[KIND_person];
	scoped(record_unref) struct record *now = record_copy(subject);
	int r = check_may(c, person_id);

	if (r < 0)
		return r;
	if (!is_following(subject, person_id))
		return v5_error_set(&c->error, V5_unfound_resource);
	followers_remove(now, person_id);
	r = write_activity(c, subject, now, person_id, false);
	return r < 0 ? r : answer_nothing(c);
}
