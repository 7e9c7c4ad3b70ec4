/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints of notifications: one's own, of the projects that one is still a member of. */
#include "auth.h"
#include "change.h"
#include "initial.h"
#include "input.h"
#include "notify.h"
#include "people.h"
#include "route.h"
#include "shape.h"

/* How far back a list reaches when nobody says. */
static const int64_t usual_ms = INT64_C(10) * 24 * 60 * 60 * 1000;

/* The caller's, but those of projects that are closed to them now; projects must outlive the query.
 */
static int begin_query(struct call *c, struct query *ret, struct ids *ret_projects)
{
	int r = people_list_projects(c, ret_projects);

	*ret = (struct query){ .kind = KIND_notification, .limit = -1, .descending = true };
	query_where(ret, F_notification_person_id, OP_EQ, c->who.person_id);
	query_where(ret, F_notification_project_id, OP_IN, 0)->where[1].ids = ret_projects;
	return r;
}

/* ---- listing ---- */

/* For the header: when the newest of all came, or was read. */
static int find_last(struct call *c, const struct query *mine)
{
	int64_t ms = 0;
	int r = tx_extreme(c->tx, mine, F_notification_updated_at, true, &ms);

	if (r == 0)
		c->last_notification_ms = ms;
	return r < 0 ? r : 0;
}

int notifications_list(struct call *c)
{
	const struct value *after = &c->given[P_notification_list_created_after];
	scoped(ids_fini) struct ids projects = { 0 };
	scoped(records_fini) struct records list = { 0 };
	struct query q;
	int r = begin_query(c, &q, &projects);

	if (r == 0)
		r = find_last(c, &q);
	if (r < 0)
		return r;
	q.order = F_notification_created_at;
	query_where(&q, F_notification_created_at, OP_GT,
		after->state == VALUE_SET ? after->i : call_now_ms(c) - usual_ms);
	r = tx_list(c->tx, &q, &list);
	return r < 0 ? r : answer_records(c, KIND_notification, &list);
}

/* The instant must be one that the client has from a notification: else it may have missed some. */
static int check_since(struct call *c, const struct query *mine, int64_t since)
{
	struct query q = *mine;
	int64_t n = 0;
	int r = tx_count(c->tx, query_where(&q, F_notification_updated_at, OP_EQ, since), &n);

	if (r == 0 && !n)
		return v5_error_problem(&c->error,
			"The timestamp must be 0, or the updated_at of one of your notifications in "
			"milliseconds.");
	return r;
}

int notifications_list_since(struct call *c)
{
	int64_t since = c->ids[KIND_none];
	scoped(ids_fini) struct ids projects = { 0 };
	scoped(records_fini) struct records list = { 0 };
	struct query q;
	int r = c->ids[KIND_person] == c->who.person_id ? 0 : auth_refuse(c);

	/* Whatever is asked for. */
	c->envelope = true;
	c->json_flags |= JSON_AS_MILLIS;
	if (r == 0)
		r = begin_query(c, &q, &projects);
	if (r == 0 && since)
		r = check_since(c, &q, since);
	if (r == 0)
		r = find_last(c, &q);
	if (r < 0)
		return r;
	q.order = F_notification_updated_at;
	query_where(
		&q, F_notification_updated_at, OP_GT, since ? since : call_now_ms(c) - usual_ms);
	r = tx_list(c->tx, &q, &list);
	return r < 0 ? r : answer_records(c, KIND_notification, &list);
}

/* ---- reading them ---- */

static int write_read(struct call *c, struct record *now)
{
	initial_touch(now, call_now_ms(c));
	return tx_put(c->tx, now);
}

int notifications_update(struct call *c)
{
	const struct record *old = c->at[KIND_notification];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;

	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	if (change_differs(old, now, -1, -1))
		r = write_read(c, now);
	return r < 0 ? r : answer_record(c, now);
}

int notifications_mark_read(struct call *c)
{
	const struct value *before = &c->given[P_notification_mark_before];
	struct query q = { .kind = KIND_notification, .limit = -1 };
	scoped(records_fini) struct records unread = { 0 };

	if (before->state != VALUE_SET)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: before");
	query_where(&q, F_notification_person_id, OP_EQ, c->who.person_id);
	query_where(&q, F_notification_read_at, OP_NULL, 0);
	query_where(&q, F_notification_id, OP_LE, before->i);
	int r = tx_list(c->tx, &q, &unread);

	for (size_t i = 0; r == 0 && i < unread.n; i++) {
		record_set_int(unread.items[i], F_notification_read_at, call_now_ms(c));
		r = write_read(c, unread.items[i]);
	}
	return r < 0 ? r : answer_nothing(c);
}
