/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications into the archive. */
#include "notify.h"

#include <jansson.h>

#include "storyfs/alloc.h"

/* So many old ones go with a new one at most, that no request pays for all of a long pause. */
enum { MAX_DROPPED = 50 };

static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;

/* ---- whom ---- */

/* Those who are still to be told, if they are of the project. */
static int find_recipients(
	struct call *c, const struct ids *whom, const struct ids *told, struct ids *ret)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(ids_fini) struct ids wanted = { 0 };
	scoped(records_fini) struct records members = { 0 };

	for (size_t i = 0; i < whom->n; i++) {
		if (whom->v[i] != c->who.person_id && !ids_has(told, whom->v[i]))
			ids_add(&wanted, whom->v[i]);
	}
	if (!wanted.n)
		return 0;
	query_where(&q, F_project_membership_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_project_membership_person_id, OP_IN, 0)->where[1].ids = &wanted;
	int r = tx_list(c->tx, &q, &members);

	for (size_t i = 0; i < members.n; i++) {
		int64_t id = record_int(members.items[i], F_project_membership_person_id, 0);

		if (!ids_has(ret, id))
			ids_add(ret, id);
	}
	return r;
}

/* ---- what ---- */

/* A resource by its name, as notifications hold them. */
static void set_named(struct record *r, int f, enum kind kind, int64_t id, const char *name)
{
	json_t *json =
		json_pack("{ss,sI}", "kind", schema_resource(kind)->name, "id", (json_int_t)id);
	scoped(buf_fini) struct buf text = BUF_INIT;

	json_object_set_new(json, "name", json_string(name));
	json_write(json, &text);
	json_decref(json);
	record_set_text(r, f, buf_str(&text));
}

static int set_performer(struct call *c, struct record *r, struct buf *ret_name)
{
	scoped(record_unref) struct record *person = NULL;
	int e = c->who.person_id ? tx_get(c->tx, KIND_person, c->who.person_id, &person) : 1;

	if (e < 0)
		return e;
	buf_add_str(ret_name, person ? record_text(person, F_person_name) : "Somebody");
	set_named(r, F_notification_performer, KIND_person, c->who.person_id, buf_str(ret_name));
	return 0;
}

static void set_subject(struct record *r, const struct record *subject)
{
	enum kind kind = record_kind(subject);
	int url = kind == KIND_story ? F_story_url : F_epic_url;

	record_set_text(r, F_notification_link, record_text(subject, url));
	set_named(r, kind == KIND_story ? F_notification_story : F_notification_epic, kind,
		record_id(subject), record_text(subject, schema_resource(kind)->label));
}

/* The notification but for its id and whose it is. */
static int make(struct call *c, const struct notice *notice, struct record **ret)
{
	scoped(record_unref) struct record *r = record_new(KIND_notification);
	scoped(buf_fini) struct buf name = BUF_INIT;
	int e = set_performer(c, r, &name);

	if (e < 0)
		return e;
	scoped(free_ptr) char *message = xasprintf("%s%s%s", notice->before ? notice->before : "",
		notice->before ? buf_str(&name) : "", notice->after);

	record_set_int(r, F_notification_project_id, call_project_id(c));
	set_named(r, F_notification_project, KIND_project, call_project_id(c),
		record_text(call_project(c), F_project_name));
	record_set_text(r, F_notification_message, message);
	if (notice->context)
		record_set_text(r, F_notification_context, notice->context);
	record_set_text(r, F_notification_notification_type, notice->type);
	record_set_int(r, F_notification_new_attachment_count, notice->n_attachments);
	record_set_text(r, F_notification_action, notice->action);
	set_subject(r, notice->subject);
	if (notice->comment_id)
		record_set_int(r, F_notification_comment_id, notice->comment_id);
	record_set_int(r, F_notification_created_at, call_now_ms(c));
	record_set_int(r, F_notification_updated_at, call_now_ms(c));
	*ret = take_ptr(r);
	return 0;
}

/* ---- writing ---- */

static int drop_old(struct call *c)
{
	struct query q = {
		.kind = KIND_notification, .limit = MAX_DROPPED, .order = F_notification_created_at
	};
	scoped(ids_fini) struct ids old = { 0 };

	query_where(
		&q, F_notification_created_at, OP_LT, call_now_ms(c) - NOTIFY_KEPT_DAYS * day_ms);
	int r = tx_list_ids(c->tx, &q, &old);

	for (size_t i = 0; r >= 0 && i < old.n; i++)
		r = tx_delete(c->tx, KIND_notification, old.v[i]);
	return r < 0 ? r : 0;
}

static int write_one(struct call *c, struct record *r, int64_t person_id)
{
	int64_t id;
	int e = tx_next_id(c->tx, KIND_notification, &id);

	if (e < 0)
		return e;
	record_set_int(r, F_notification_id, id);
	record_set_int(r, F_notification_person_id, person_id);
	return tx_put(c->tx, r);
}

int notify_tell(
	struct call *c, struct activity *a, const struct notice *notice, const struct ids *whom)
{
	scoped(ids_fini) struct ids recipients = { 0 };
	scoped(record_unref) struct record *r = NULL;
	int e = 0;

	if (record_int(call_project(c), F_project_enable_following, 1))
		e = find_recipients(c, whom, &a->told, &recipients);
	if (e < 0 || !recipients.n)
		return e;
	e = make(c, notice, &r);
	for (size_t i = 0; e == 0 && i < recipients.n; i++) {
		e = write_one(c, r, recipients.v[i]);
		ids_add(&a->told, recipients.v[i]);
	}
	return e < 0 ? e : drop_old(c);
}
