/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nested resources. Wherever the schema pairs an object form with an id form (labels and
 * label_ids), the objects become resources of their own and their ids take the objects' place. What
 * they belong to follows from the schema, too: a task in a story has that story_id, a label in a
 * story the story's project_id.
 */
#include <jansson.h>
#include <string.h>

#include "activity.h"
#include "children.h"
#include "import_run.h"
#include "story_links.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"

enum { MAX_DEPTH = 8 };

/* ---- what is odd ---- */

static void count_odd_key(
	struct import_run *run, size_t file, const char *within, const char *key, bool known)
{
	scoped(free_ptr) char *path = xasprintf("%s%s%s", within, *within ? "." : "", key);
	struct odd_key **at = &run->odd_keys;

	for (; *at; at = &(*at)->next) {
		if ((*at)->file == file && (*at)->known == known && strcmp((*at)->key, path) == 0) {
			(*at)->n++;
			return;
		}
	}
	*at = xcalloc(1, sizeof(**at));
	**at = (struct odd_key){ .file = file, .key = take_ptr(path), .known = known, .n = 1 };
}

/* Known keys are in a record's extra when their type was wrong; the reader has named the ones that
 * are not nested. */
static void look_at_extra(
	struct import_run *run, const struct record *r, size_t file, const char *within)
{
	json_t *extra = record_extra(r) ? json_loads(record_extra(r), 0, NULL) : NULL;
	const char *key;
	json_t *value;

	json_object_foreach(extra, key, value)
	{
		bool known = schema_find_field(record_kind(r), key) >= 0;

		if (!known || *within)
			count_odd_key(run, file, within, key, known);
	}
	json_decref(extra);
}

/* ---- what belongs to what ---- */

/* A parent that the dump lacks may be in the archive. */
static struct record *find_parent(const struct import_run *run, enum kind kind, int64_t id)
{
	const struct entry *e = id ? import_table_find(&run->table, kind, id) : NULL;
	struct record *r = NULL;

	if (e)
		return record_ref(e->record);
	return id && run->tx && tx_get(run->tx, kind, id, &r) == 0 ? r : NULL;
}

int64_t import_project_of(const struct import_run *run, const struct record *r)
{
	const struct resource *res = schema_resource(record_kind(r));
	scoped(record_unref) struct record *parent = NULL;

	if (record_kind(r) == KIND_project)
		return record_id(r);
	if (record_kind(r) == KIND_activity || res->parent == KIND_project)
		return record_int(r, res->parent_key, 0);
	if (!res->parent)
		return 0;
	parent = find_parent(run, res->parent, record_int(r, res->parent_key, 0));
	if (!parent && res->parent2)
		parent = find_parent(run, res->parent2, record_int(r, res->parent2_key, 0));
	return parent ? import_project_of(run, parent) : 0;
}

static void set_parent(
	const struct import_run *run, struct record *nested, const struct record *holder)
{
	const struct resource *res = schema_resource(record_kind(nested));

	if (res->parent && res->parent == record_kind(holder) &&
		!record_has(nested, res->parent_key))
		record_set_int(nested, res->parent_key, record_id(holder));
	else if (res->parent2 && res->parent2 == record_kind(holder) &&
		 !record_has(nested, res->parent2_key))
		record_set_int(nested, res->parent2_key, record_id(holder));
	else if (res->parent == KIND_project && !record_has(nested, res->parent_key) &&
		 import_project_of(run, holder))
		record_set_int(nested, res->parent_key, import_project_of(run, holder));
}

/* ---- taking out ---- */

/* Where nested resources are found. */
struct place {
	struct import_run *run;
	size_t file;
	const char *within; /* the path of keys so far */
	int depth;
};

static void flatten(const struct place *p, struct record *r);

/* A resource that stands by its name alone: the one of this name in the project, or a new one. */
static int64_t id_by_name(struct import_run *run, const struct record *nested)
{
	enum kind kind = record_kind(nested);
	int label = schema_resource(kind)->label;
	int64_t id = 0, next = 0;

	each_entry_of(e, &run->table, kind) {
		if (strcmp(record_text(e->record, label), record_text(nested, label)) == 0 &&
			import_project_of(run, e->record) == import_project_of(run, nested))
			return e->key.id;
		if (e->key.id > next)
			next = e->key.id;
	}
	if (import_stored_id(run, nested, &id) == 0)
		return id;
	return tx_next_id(run->tx, kind, &id) == 0 && id > next ? id : next + 1;
}

static void set_rank(struct record *r, size_t index)
{
	int f = schema_find_field(record_kind(r), "rank");

	/* After all that have a place in their own file. */
	if (f >= 0)
		record_set_int(r, f, ((int64_t)1 << 40) + (int64_t)(index + 1) * 65536);
}

/* An id alone, without a name where it must have one, would make a resource that says nothing. */
static bool says_something(const struct record *r)
{
	const struct resource *res = schema_resource(record_kind(r));

	if (record_has(r, res->label))
		return true;
	if (res->fields[res->label].flags & FIELD_REQ)
		return false;
	for (int f = 1; f < res->n_fields; f++) {
		bool is_parent = (res->parent && f == res->parent_key) ||
				 (res->parent2 && f == res->parent2_key);

		if (record_has(r, f) && !is_parent && !(res->fields[f].flags & FIELD_HIDDEN))
			return true;
	}
	return false;
}

/* What has no id in V5 is one of its own by where it stands. */
static int64_t next_key(struct import_run *run)
{
	return -(INT64_C(1) << 62) - ++run->n_unkeyed;
}

/* The nested resource as one of its own; its id, or 0 when nothing tells which one it is. */
static int64_t take_out(const struct place *p, const struct record *holder,
	const struct record *nested, size_t index)
{
	enum kind whole = schema_resource(record_kind(nested))->summary_of;
	scoped(record_unref) struct record *r =
		whole ? record_as(nested, whole) : record_copy(nested);
	const struct resource *res = schema_resource(record_kind(r));

	if (res->plain && res->fields[0].flags & FIELD_KEEP)
		record_set_int(r, 0, next_key(p->run));
	set_parent(p->run, r, holder);
	set_rank(r, index);
	if (!record_id(r) && res->by_name)
		record_set_int(r, 0, id_by_name(p->run, r));
	if (record_id(r) <= 0 && (!res->plain || !record_id(r)))
		return 0;
	flatten(p, r);
	if (says_something(r) || import_table_find(&p->run->table, record_kind(r), record_id(r)))
		import_table_add_nested(&p->run->table, r, p->file);
	return record_id(r);
}

static void add_id(struct record *r, int f, int64_t id)
{
	if (schema_field(record_kind(r), f)->type == TYPE_IDS)
		record_add_id(r, f, id);
	else if (!record_has(r, f))
		record_set_int(r, f, id);
}

static void flatten_field(const struct place *p, struct record *r, int f)
{
	const struct field *field = schema_field(record_kind(r), f);
	int via = schema_find_field(record_kind(r), field->via);
	scoped(free_ptr) char *path =
		xasprintf("%s%s%s", p->within, *p->within ? "." : "", field->key);
	const struct place inner = { p->run, p->file, path, p->depth + 1 };
	const struct value *v = record_get(r, f);
	bool is_one = field->type == TYPE_OBJECT;
	struct record *const *items = is_one ? &v->record : v->records;
	size_t n = is_one ? 1 : v->n;

	if (field->type == TYPE_OBJECTS && !record_has(r, via))
		record_set_ids(r, via, &(struct ids){ 0 });
	for (size_t i = 0; i < n; i++) {
		int64_t id = take_out(&inner, r, items[i], i);

		if (id)
			add_id(r, via, id);
	}
	record_clear(r, f);
}

/* Nested resources without an id form: those that have no ids. */
static void flatten_plain(const struct place *p, struct record *r, int f)
{
	const struct value *v = record_get(r, f);
	scoped(free_ptr) char *path = xasprintf(
		"%s%s%s", p->within, *p->within ? "." : "", schema_field(record_kind(r), f)->key);
	const struct place inner = { p->run, p->file, path, p->depth + 1 };

	for (size_t i = 0; i < v->n; i++)
		take_out(&inner, r, v->records[i], i);
	record_clear(r, f);
}

static bool holds_plain(const struct field *field, enum kind kind)
{
	return field->type == TYPE_OBJECTS && !field->via && children_are(field->of, kind);
}

/* owned_by is the first of the owners, and not stored then; before there were several, it was all
 * there was. */
static void take_owned_by(struct record *story)
{
	int64_t id = record_int(story, F_story_owned_by_id, 0);
	const struct value *owners = record_get(story, F_story_owner_ids);

	if (id && owners->state != VALUE_SET)
		add_id(story, F_story_owner_ids, id);
	owners = record_get(story, F_story_owner_ids);
	if (owners->n && owners->ids[0] == id)
		record_clear(story, F_story_owned_by_id);
}

static void flatten(const struct place *p, struct record *r)
{
	look_at_extra(p->run, r, p->file, p->within);
	if (p->depth > MAX_DEPTH)
		return;
	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);

		if (field->via && record_has(r, f))
			flatten_field(p, r, f);
		else if (holds_plain(field, record_kind(r)) && record_has(r, f))
			flatten_plain(p, r, f);
	}
	if (record_kind(r) == KIND_story)
		take_owned_by(r);
}

/* ---- blockers ---- */

/* The story that a blocker's text names, when it may wait for it; NULL when not. */
static struct record *find_link(
	const struct import_run *run, const struct record *blocker, int64_t id)
{
	const struct entry *blocked = import_table_find(
		&run->table, KIND_story, record_int(blocker, F_blocker_story_id, 0));
	const struct entry *other = import_table_find(&run->table, KIND_story, id);

	if (!blocked || !other || blocked == other ||
		import_project_of(run, other->record) != import_project_of(run, blocked->record) ||
		record_int(other->record, F_story_current_state, STATE_UNSCHEDULED) ==
			STATE_ACCEPTED)
		return NULL;
	return other->record;
}

/* As the server links a blocker when it is made. */
static void link_blocker(const struct import_run *run, struct record *blocker)
{
	scoped(ids_fini) struct ids named = { 0 };
	scoped(ids_fini) struct ids open = { 0 };

	if (!record_int(blocker, F_blocker_resolved, 0))
		story_links_find(record_text(blocker, F_blocker_description), &named);
	for (size_t i = 0; i < named.n; i++) {
		struct record *other = find_link(run, blocker, named.v[i]);

		if (!other)
			continue;
		add_id(other, F_story_blocked_story_ids,
			record_int(blocker, F_blocker_story_id, 0));
		ids_add(&open, named.v[i]);
	}
	record_set_ids(blocker, F_blocker_blocking_ids, &open);
}

/* ---- activity ---- */

/* What an activity, say, holds of its project or performer, as a record; NULL for nothing. */
static struct record *read_kept(const struct record *holder, int f, enum kind kind)
{
	const char *text = record_text(holder, f);
	struct record *r = NULL;

	if (*text && json_read_record(kind, text, strlen(text), NULL, &r) < 0)
		return NULL;
	return r;
}

static void flatten_activity(struct import_run *run, struct record *activity, size_t file)
{
	scoped(record_unref) struct record *project =
		read_kept(activity, F_activity_project, KIND_project);
	scoped(record_unref) struct record *person =
		read_kept(activity, F_activity_performed_by, KIND_person);
	const char *guid = record_text(activity, F_activity_guid);

	activity_index(activity);
	if (project)
		record_set_int(activity, F_activity_project_id, record_id(project));
	else if (*guid && strtoll(guid, NULL, 10) > 0)
		record_set_int(activity, F_activity_project_id, strtoll(guid, NULL, 10));
	if (!person)
		return;
	record_set_int(activity, F_activity_performed_by_id, record_id(person));
	if (record_has(person, F_person_name))
		import_table_add_nested(&run->table, person, file);
}

/* ---- notifications ---- */

/* What only one person sees is of whoever made the dump. */
static void set_whose(const struct import_run *run, struct record *r)
{
	int whose = schema_resource(record_kind(r))->whose;

	if (whose && run->me_id && !record_has(r, whose))
		record_set_int(r, whose, run->me_id);
}

static void flatten_notification(struct record *notification)
{
	scoped(record_unref) struct record *project =
		read_kept(notification, F_notification_project, KIND_project);

	if (project)
		record_set_int(notification, F_notification_project_id, record_id(project));
}

static void flatten_entry(struct import_run *run, const struct entry *e)
{
	if (e->nested)
		return;
	set_whose(run, e->record);
	if (e->key.kind == KIND_activity) {
		look_at_extra(run, e->record, e->file, "");
		flatten_activity(run, e->record, e->file);
	} else if (e->key.kind == KIND_notification) {
		look_at_extra(run, e->record, e->file, "");
		flatten_notification(e->record);
	} else {
		flatten(&(struct place){ run, e->file, "", 0 }, e->record);
	}
}

void import_flatten(struct import_run *run, const struct entry *last)
{
	/* What is taken out is added at the end, flat already. */
	for (const struct entry *e = last ? run->table.all : NULL; e;
		e = e == last ? NULL : e->next)
		flatten_entry(run, e);
	each_entry_of(e, &run->table, KIND_blocker)
		link_blocker(run, e->record);
	for (const struct odd_key *odd = run->odd_keys; odd; odd = odd->next)
		buf_add_fmt(&run->report.notes, "%s: %lld with %s '%s'; kept as it is\n",
			run->files[odd->file], (long long)odd->n,
			odd->known ? "a value of another type in" : "the unknown key", odd->key);
}
