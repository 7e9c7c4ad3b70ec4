/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing activity. */
#include "activity.h"

#include <jansson.h>
#include <string.h>

#include "initial.h"
#include "order.h"
#include "shape.h"
#include "storyfs/alloc.h"

void activity_fini(struct activity *a)
{
	json_decref(a->changes);
	json_decref(a->primary);
	json_decref(a->secondary);
	ids_fini(&a->told);
	*a = (struct activity){ 0 };
}

void scoped_json_fini(struct scoped_json *j)
{
	json_decref(j->json);
	j->json = NULL;
}

/* ---- values ---- */

/* Is the field part of what activity tells: anything stored that somebody set, or that links? */
static bool is_told(const struct field *field)
{
	if (!(field->flags & FIELD_KEEP) || (field->flags & FIELD_HIDDEN))
		return false;
	return field->write || (field->flags & FIELD_IDENT) || field->of ||
	       field->type == TYPE_DATETIME;
}

static void add_id(json_t *values, const char *key, int64_t id)
{
	if (id)
		json_object_set_new(values, key, json_integer(id));
}

static int add_neighbours(struct call *c, const struct record *r, json_t *values)
{
	struct neighbours n = { 0, 0 };
	int e = order_neighbours(c, r, &n);

	add_id(values, "before_id", n.before_id);
	add_id(values, "after_id", n.after_id);
	return e;
}

/* The labels' names, sorted, and label_ids parallel to them: labels are renamed behind the story's
 * back. One that the archive does not hold has no name. */
static int add_labels(struct call *c, const struct record *story, json_t *values)
{
	const struct value *v = record_get(story, F_story_label_ids);
	scoped(records_fini) struct records labels = { 0 };
	json_t *ids = json_array(), *names = json_array();

	json_object_set_new(values, "label_ids", ids);
	json_object_set_new(values, "labels", names);
	for (size_t i = 0; i < v->n; i++) {
		struct record *label = NULL;
		int r = tx_get(c->tx, KIND_label, v->ids[i], &label);

		if (r < 0)
			return r;
		if (r > 0) {
			label = record_new(KIND_label);
			record_set_int(label, F_label_id, v->ids[i]);
		}
		records_add(&labels, label);
	}
	shape_sort_labels(&labels);
	for (size_t i = 0; i < labels.n; i++) {
		json_array_append_new(ids, json_integer(record_id(labels.items[i])));
		json_array_append_new(
			names, json_string(record_text(labels.items[i], F_label_name)));
	}
	return 0;
}

/* NULL differs in all. */
static bool differs(const struct record *r, const struct record *other, int f)
{
	return !other || !value_equal(schema_field(record_kind(r), f), record_get(r, f),
				 record_get(other, f));
}

/* Who is named first when nobody is named as the owner. */
static void add_first_owner(const struct record *story, const struct record *other, json_t *values)
{
	const struct value *owners = record_get(story, F_story_owner_ids);
	bool is_due = differs(story, other, F_story_owner_ids) ||
		      differs(story, other, F_story_owned_by_id);

	if (is_due && !record_has(story, F_story_owned_by_id) && owners->n)
		add_id(values, "owned_by_id", owners->ids[0]);
}

/* What is told of a story or an epic beside its fields. */
static int add_derived(
	struct call *c, const struct record *r, const struct record *other, json_t *values)
{
	enum kind kind = record_kind(r);
	int e = 0;

	if (kind == KIND_story) {
		add_first_owner(r, other, values);
		if (differs(r, other, F_story_label_ids))
			e = add_labels(c, r, values);
		if (e == 0 && differs(r, other, F_story_rank))
			e = add_neighbours(c, r, values);
	} else if (kind == KIND_epic && differs(r, other, F_epic_rank)) {
		e = add_neighbours(c, r, values);
	}
	return e;
}

/* In what differs from other. */
static int take_values(
	struct call *c, const struct record *r, const struct record *other, json_t **ret)
{
	enum kind kind = record_kind(r);
	json_t *values = json_object();

	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);

		if (!is_told(field) || !differs(r, other, f))
			continue;
		if (record_has(r, f))
			json_object_set_new(values, field->key,
				json_from_value(field, record_get(r, f), NULL, 0));
		else if (field->type == TYPE_IDS && (field->flags & FIELD_LIST))
			json_object_set_new(values, field->key, json_array());
	}
	int e = add_derived(c, r, other, values);

	if (e < 0) {
		json_decref(values);
		return e;
	}
	*ret = values;
	return 0;
}

int activity_take_values(struct call *c, const struct record *r, json_t **ret)
{
	return take_values(c, r, NULL, ret);
}

int activity_take_differing(
	struct call *c, const struct record *r, const struct record *other, json_t **ret)
{
	return take_values(c, r, other, ret);
}

/* ---- changes ---- */

static json_t *begin_change(const struct record *r, const char *change_type)
{
	return json_pack("{ss,ss,sI}", "kind", schema_resource(record_kind(r))->name, "change_type",
		change_type, "id", (json_int_t)record_id(r));
}

/* What stands behind the values: by what one knows the resource. */
static void add_label_of(json_t *change, const struct record *r)
{
	enum kind kind = record_kind(r);
	static const bool named[N_KINDS] = { [KIND_story] = true,
		[KIND_label] = true,
		[KIND_epic] = true,
		[KIND_project] = true,
		[KIND_story_template] = true };

	if (named[kind])
		json_object_set_new(
			change, "name", json_string(record_text(r, schema_resource(kind)->label)));
	if (kind == KIND_story)
		json_object_set_new(
			change, "story_type", json_string(record_word(r, F_story_story_type)));
	if (kind == KIND_story && record_has(r, F_story_story_priority))
		json_object_set_new(change, "story_priority",
			json_string(record_word(r, F_story_story_priority)));
}

void activity_add_change(struct activity *a, struct json_t *change)
{
	if (!a->changes)
		a->changes = json_array();
	json_array_append_new(a->changes, change);
}

void activity_add_create(
	struct activity *a, const struct record *r, const json_t *values, json_t *more)
{
	json_t *change = begin_change(r, "create");
	json_t *copy = json_copy((json_t *)values);

	if (more)
		json_object_update(copy, more);
	json_decref(more);
	json_object_set_new(change, "new_values", copy);
	add_label_of(change, r);
	activity_add_change(a, change);
}

/* What differs: into from as it was, into to as it is; null for nothing. */
static void diff(const json_t *before, const json_t *after, json_t *from, json_t *to)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)before, key, value)
	{
		json_t *now = json_object_get(after, key);

		if (now && json_equal(value, now))
			continue;
		json_object_set(from, key, value);
		json_object_set_new(to, key, now ? json_incref(now) : json_null());
	}
	json_object_foreach((json_t *)after, key, value)
	{
		if (json_object_get(before, key))
			continue;
		json_object_set_new(from, key, json_null());
		json_object_set(to, key, value);
	}
}

void activity_add_update(
	struct activity *a, const struct record *r, const json_t *before, const json_t *after)
{
	json_t *from = json_object();
	json_t *to = json_object();

	diff(before, after, from, to);
	if (json_object_size(from)) {
		json_t *change = begin_change(r, "update");

		json_object_set(change, "original_values", from);
		json_object_set(change, "new_values", to);
		add_label_of(change, r);
		activity_add_change(a, change);
	}
	json_decref(from);
	json_decref(to);
}

void activity_add_delete(struct activity *a, const struct record *r)
{
	json_t *change = begin_change(r, "delete");

	add_label_of(change, r);
	activity_add_change(a, change);
}

void activity_add_counts(
	struct activity *a, const struct record *label, json_t *before, json_t *after)
{
	json_t *change = begin_change(label, "update");

	json_object_set_new(change, "original_values", json_pack("{so}", "counts", before));
	json_object_set_new(change, "new_values", json_pack("{so}", "counts", after));
	add_label_of(change, label);
	activity_add_change(a, change);
}

void activity_add_primary(struct activity *a, const struct record *r)
{
	json_t *item = json_pack("{ss,sI}", "kind", schema_resource(record_kind(r))->name, "id",
		(json_int_t)record_id(r));

	add_label_of(item, r);
	int url = schema_find_field(record_kind(r), "url");

	if (url >= 0)
		json_object_set_new(item, "url", json_string(record_text(r, url)));
	if (!a->primary)
		a->primary = json_array();
	json_array_append_new(a->primary, item);
}

void activity_add_secondary(
	struct activity *a, const struct record *r, const char *message, const char *highlight)
{
	json_t *resource = json_pack("{ss,sI}", "kind", schema_resource(record_kind(r))->name, "id",
		(json_int_t)record_id(r));

	add_label_of(resource, r);
	if (!a->secondary)
		a->secondary = json_array();
	json_array_append_new(
		a->secondary, json_pack("{ss,ss,ss,so}", "kind", "secondary_resource", "message",
				      message, "highlight", highlight, "resource", resource));
}

int activity_created(struct call *c, struct activity *a, const struct record *r)
{
	scoped(scoped_json_fini) struct scoped_json values = { NULL };
	int e = activity_take_values(c, r, &values.json);

	if (e == 0)
		activity_add_create(a, r, values.json, NULL);
	return e;
}

int activity_updated(
	struct call *c, struct activity *a, const struct record *r, const json_t *before)
{
	scoped(scoped_json_fini) struct scoped_json after = { NULL };
	int e = activity_take_values(c, r, &after.json);

	if (e == 0)
		activity_add_update(a, r, before, after.json);
	return e;
}

int activity_put(struct call *c, struct activity *a, const struct record *old, struct record *now)
{
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = activity_take_values(c, old, &before.json);

	initial_touch(now, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, now);
	return r < 0 ? r : activity_updated(c, a, now, before.json);
}

/* ---- which stories and epics ---- */

static void note_subjects(const json_t *list, enum kind kind, struct ids *ret)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry)
	{
		const char *word = json_string_value(json_object_get(entry, "kind"));
		int64_t id = json_integer_value(json_object_get(entry, "id"));

		if (word && schema_find_kind(word) == kind && id && !ids_has(ret, id))
			ids_add(ret, id);
	}
}

static void note_all(struct record *item, const json_t *primary, const json_t *changes)
{
	static const struct {
		int field;
		enum kind kind;
	} subjects[] = {
		{ F_activity_story_ids, KIND_story },
		{ F_activity_epic_ids, KIND_epic },
	};

	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		scoped(ids_fini) struct ids ids = { 0 };

		note_subjects(primary, subjects[i].kind, &ids);
		note_subjects(changes, subjects[i].kind, &ids);
		record_set_ids(item, subjects[i].field, &ids);
	}
}

bool activity_index(struct record *item)
{
	if (record_has(item, F_activity_story_ids))
		return false;
	json_t *primary = json_loads(record_text(item, F_activity_primary_resources), 0, NULL);
	json_t *changes = json_loads(record_text(item, F_activity_changes), 0, NULL);

	note_all(item, primary, changes);
	json_decref(primary);
	json_decref(changes);
	return true;
}

/* ---- the item ---- */

static void set_json(struct record *r, int f, const json_t *json)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (json)
		json_write(json, &text);
	record_set_text(r, f, json ? buf_str(&text) : "[]");
}

static void set_project(struct record *item, const struct record *project)
{
	json_t *json = json_pack("{ss,sI,ss}", "kind", "project", "id",
		(json_int_t)record_id(project), "name", record_text(project, F_project_name));

	set_json(item, F_activity_project, json);
	json_decref(json);
	record_set_int(item, F_activity_project_id, record_id(project));
}

/* The person by whom; the name alone is needed for the message. */
static int set_performer(struct call *c, struct record *item, struct buf *ret_name)
{
	scoped(record_unref) struct record *person = NULL;
	int r = c->who.person_id ? tx_get(c->tx, KIND_person, c->who.person_id, &person) : 1;

	if (r < 0)
		return r;
	json_t *json = json_pack("{ss,sI}", "kind", "person", "id", (json_int_t)c->who.person_id);

	buf_add_str(ret_name, person ? record_text(person, F_person_name) : "Somebody");
	json_object_set_new(json, "name", json_string(buf_str(ret_name)));
	if (person && record_has(person, F_person_initials))
		json_object_set_new(
			json, "initials", json_string(record_text(person, F_person_initials)));
	set_json(item, F_activity_performed_by, json);
	json_decref(json);
	if (c->who.person_id)
		record_set_int(item, F_activity_performed_by_id, c->who.person_id);
	return 0;
}

static int raise_version(struct call *c, int64_t *ret)
{
	struct record *project = call_project(c);

	*ret = record_int(project, F_project_version, 0) + 1;
	record_set_int(project, F_project_version, *ret);
	return tx_put_int(c->tx, project, F_project_version);
}

static void fill_item(
	struct record *item, const struct activity *a, const char *kind, const char *highlight)
{
	record_set_text(item, F_activity_kind, kind);
	record_set_text(item, F_activity_highlight, highlight);
	set_json(item, F_activity_changes, a->changes);
	set_json(item, F_activity_primary_resources, a->primary);
	set_json(item, F_activity_secondary_resources, a->secondary);
}

int activity_write(struct call *c, const struct activity *a, const char *kind,
	const char *highlight, const char *message)
{
	scoped(record_unref) struct record *item = record_new(KIND_activity);
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(free_ptr) char *guid = NULL;
	int64_t id, version;
	int r = raise_version(c, &version);

	if (r == 0)
		r = tx_next_id(c->tx, KIND_activity, &id);
	if (r == 0)
		r = set_performer(c, item, &text);
	if (r < 0)
		return r;
	buf_add_fmt(&text, " %s", message);
	guid = xasprintf("%lld_%lld", (long long)call_project_id(c), (long long)version);
	fill_item(item, a, kind, highlight);
	set_project(item, call_project(c));
	record_set_int(item, F_activity_id, id);
	record_set_text(item, F_activity_guid, guid);
	record_set_int(item, F_activity_project_version, version);
	record_set_text(item, F_activity_message, buf_str(&text));
	record_set_int(item, F_activity_occurred_at, call_now_ms(c));
	note_all(item, a->primary, a->changes);
	return tx_put(c->tx, item);
}
