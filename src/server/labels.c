/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels: their names are lower-case and unique in a project. */
#include "labels.h"

#include <jansson.h>
#include <string.h>

#include "counts.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"

/* ---- names ---- */

/* A name as it is stored: lower-case, no blanks around. The caller frees it. */
static char *stored_name(const char *name)
{
	scoped(free_ptr) char *low = text_lower(name);
	const char *from = low + strspn(low, " \t\r\n");
	size_t len = strlen(from);

	while (len && strchr(" \t\r\n", from[len - 1]))
		len--;
	return xstrndup(from, len);
}

static int check_name(struct call *c, const struct record *label)
{
	const struct value *name = record_get(label, F_label_name);

	if (name->state != VALUE_SET || text_is_blank(name->s))
		return v5_error_problem(&c->error, "Please enter a name for the label.");
	return check_value(schema_field(KIND_label, F_label_name), name, &c->error);
}

static int check_names(struct call *c, const struct value *v, enum value_type type)
{
	struct record *const *items = type == TYPE_OBJECT ? &v->record : v->records;
	size_t n = type == TYPE_OBJECT ? 1 : v->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!record_has(items[i], F_label_id))
			r = check_name(c, items[i]);
	}
	return r;
}

int labels_check_nested(struct call *c, const struct record *patch)
{
	int r = 0;

	for (int f = 0; r == 0 && f < schema_resource(record_kind(patch))->n_fields; f++) {
		const struct field *field = schema_field(record_kind(patch), f);
		bool nested = field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS;

		if (nested && field->of == KIND_label && record_has(patch, f))
			r = check_names(c, record_get(patch, f), field->type);
	}
	return r;
}

/* 1: no label of that name. */
static int find_by_name(struct call *c, const char *name, struct record **ret)
{
	struct query q = { .kind = KIND_label, .limit = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_label_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_label_name, OP_EQ, 0)->where[1].s = name;
	int r = tx_list(c->tx, &q, &found);

	if (r < 0)
		return r;
	if (!found.n)
		return 1;
	*ret = record_ref(found.items[0]);
	return 0;
}

int labels_find(struct call *c, const char *name, int64_t *ret_id)
{
	scoped(free_ptr) char *stored = stored_name(name);
	scoped(record_unref) struct record *label = NULL;
	int r = find_by_name(c, stored, &label);

	*ret_id = label ? record_id(label) : 0;
	return r < 0 ? r : 0;
}

/* ---- creating ---- */

static int make_label(struct call *c, const char *name, struct record **ret)
{
	scoped(record_unref) struct record *patch = record_new(KIND_label);
	scoped(record_unref) struct record *label = NULL;

	record_set_text(patch, F_label_name, name);
	int r = initial_make(c, patch, &label);

	if (r < 0)
		return r;
	record_set_int(label, F_label_project_id, call_project_id(c));
	r = tx_put(c->tx, label);
	if (r == 0)
		*ret = take_ptr(label);
	return r;
}

static int tell_created(struct call *c, const struct records *labels)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(buf_fini) struct buf message = BUF_INIT;
	struct counts none = { 0 };

	buf_add_str(&message, "created labels: ");
	for (size_t i = 0; i < labels->n; i++) {
		const struct record *label = labels->items[i];
		scoped(scoped_json_fini) struct scoped_json values = { NULL };
		int r = activity_take_values(c, label, &values.json);

		if (r < 0)
			return r;
		activity_add_create(
			&a, label, values.json, json_pack("{so}", "counts", counts_encode(&none)));
		activity_add_primary(&a, label);
		buf_add_fmt(&message, "%s\"%s\"", i ? ", " : "", record_text(label, F_label_name));
	}
	return activity_write(c, &a, "label_create_activity", "created", buf_str(&message));
}

/* ---- resolving ---- */

static void take_sorted_ids(struct records *labels, struct ids *ret)
{
	shape_sort_labels(labels);
	for (size_t i = 0; i < labels->n; i++) {
		if (!ids_has(ret, record_id(labels->items[i])))
			ids_add(ret, record_id(labels->items[i]));
	}
}

static int get_by_id(struct call *c, int64_t id, struct record **ret)
{
	scoped(record_unref) struct record *label = NULL;
	int r = tx_get(c->tx, KIND_label, id, &label);

	if (r < 0)
		return r;
	if (r > 0 || record_int(label, F_label_project_id, 0) != call_project_id(c))
		return v5_error_problem(&c->error,
			"Label with id=%lld does not exist within this project", (long long)id);
	*ret = take_ptr(label);
	return 0;
}

/* One that was given: found, or made and added to made. */
static int resolve_one(
	struct call *c, const struct record *given, struct records *made, struct record **ret)
{
	if (record_has(given, F_label_id))
		return get_by_id(c, record_id(given), ret);
	int r = check_name(c, given);

	if (r < 0)
		return r;
	scoped(free_ptr) char *name = stored_name(record_text(given, F_label_name));

	r = find_by_name(c, name, ret);
	if (r <= 0)
		return r;
	r = make_label(c, name, ret);
	if (r == 0)
		records_add(made, record_ref(*ret));
	return r;
}

int labels_resolve(struct call *c, const struct records *wanted, struct ids *ret)
{
	scoped(records_fini) struct records labels = { 0 };
	scoped(records_fini) struct records made = { 0 };

	for (size_t i = 0; i < wanted->n; i++) {
		struct record *label = NULL;
		int r = resolve_one(c, wanted->items[i], &made, &label);

		if (r < 0)
			return r;
		records_add(&labels, label);
	}
	take_sorted_ids(&labels, ret);
	return made.n ? tell_created(c, &made) : 0;
}

int labels_resolve_ids(struct call *c, const struct ids *wanted, struct ids *ret)
{
	scoped(records_fini) struct records labels = { 0 };

	for (size_t i = 0; i < wanted->n; i++) {
		struct record *label = NULL;
		int r = get_by_id(c, wanted->v[i], &label);

		if (r < 0)
			return r;
		records_add(&labels, label);
	}
	take_sorted_ids(&labels, ret);
	return 0;
}

/* ---- counts ---- */

static const struct value *labels_of(const struct record *story)
{
	static const struct value none = { 0 };

	return story ? record_get(story, F_story_label_ids) : &none;
}

/* Does a story count the same for a label that it keeps? */
static bool counts_same(const struct record *old, const struct record *now)
{
	static const int counted[] = { F_story_current_state, F_story_estimate };

	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
		if (!value_equal(schema_field(KIND_story, counted[i]), record_get(old, counted[i]),
			    record_get(now, counted[i])))
			return false;
	}
	return true;
}

static int tell_count(struct call *c, struct activity *a, int64_t label_id,
	const struct record *old, const struct record *now)
{
	struct counts after, before;
	scoped(record_unref) struct record *label = NULL;
	int r = tx_get(c->tx, KIND_label, label_id, &label);

	if (r)
		return r < 0 ? r : 0;
	r = counts_load(c, label_id, &after);
	if (r < 0)
		return r;
	before = after;
	if (now && value_has_id(labels_of(now), label_id))
		counts_add(&before, now, -1);
	if (old && value_has_id(labels_of(old), label_id))
		counts_add(&before, old, 1);
	json_t *was = counts_encode(&before), *is = counts_encode(&after);

	if (json_equal(was, is)) {
		json_decref(was);
		json_decref(is);
	} else {
		activity_add_counts(a, label, was, is);
	}
	return 0;
}

int labels_tell_counts(
	struct call *c, struct activity *a, const struct record *old, const struct record *now)
{
	const struct value *mine = labels_of(now), *former = labels_of(old);
	bool same = old && now && counts_same(old, now);
	int r = 0;

	for (size_t i = 0; r == 0 && i < mine->n; i++) {
		if (!same || !value_has_id(former, mine->ids[i]))
			r = tell_count(c, a, mine->ids[i], old, now);
	}
	for (size_t i = 0; r == 0 && i < former->n; i++) {
		if (!value_has_id(mine, former->ids[i]))
			r = tell_count(c, a, former->ids[i], old, now);
	}
	return r;
}

/* ---- endpoints ---- */

static int refuse_taken(struct call *c, const char *name)
{
	scoped(record_unref) struct record *other = NULL;
	int r = find_by_name(c, name, &other);

	if (r == 0)
		return v5_error_problem(&c->error, "The label '%s' already exists.", name);
	return r < 0 ? r : 0;
}

int labels_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(records_fini) struct records made = { 0 };
	struct record *label = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0)
		r = input_check_required(c, patch);
	if (r == 0)
		r = check_name(c, patch);
	if (r < 0)
		return r;
	scoped(free_ptr) char *name = stored_name(record_text(patch, F_label_name));

	r = refuse_taken(c, name);
	if (r == 0)
		r = make_label(c, name, &label);
	if (r < 0)
		return r;
	records_add(&made, label);
	r = tell_created(c, &made);
	return r < 0 ? r : answer_record(c, label);
}

static int rename_label(struct call *c, struct record *label, const char *name)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	scoped(free_ptr) char *message = xasprintf(
		"renamed label: \"%s\" to \"%s\"", record_text(label, F_label_name), name);
	int r = activity_take_values(c, label, &before.json);

	if (r < 0)
		return r;
	record_set_text(label, F_label_name, name);
	initial_touch(label, call_now_ms(c));
	r = tx_put(c->tx, label);
	if (r == 0)
		r = activity_updated(c, &a, label, before.json);
	activity_add_primary(&a, label);
	return r < 0 ? r : activity_write(c, &a, "label_update_activity", "edited", message);
}

int labels_update(struct call *c)
{
	struct record *label = c->at[KIND_label];
	scoped(record_unref) struct record *patch = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0)
		r = input_check_required(c, patch);
	if (r == 0)
		r = check_name(c, patch);
	if (r < 0)
		return r;
	scoped(free_ptr) char *name = stored_name(record_text(patch, F_label_name));

	if (strcmp(name, record_text(label, F_label_name)) != 0) {
		r = refuse_taken(c, name);
		if (r == 0)
			r = rename_label(c, label, name);
	}
	return r < 0 ? r : answer_record(c, label);
}

/* ---- deleting ---- */

static int take_from_story(struct call *c, struct activity *a, struct record *story)
{
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = activity_take_values(c, story, &before.json);

	record_remove_id(story, F_story_label_ids, record_id(c->at[KIND_label]));
	initial_touch(story, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, story);
	return r < 0 ? r : activity_updated(c, a, story, before.json);
}

static int take_from_stories(struct call *c, struct activity *a)
{
	struct query q = { .kind = KIND_story, .limit = -1, .order = F_story_rank };
	scoped(records_fini) struct records stories = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_story_label_ids, OP_HAS, record_id(c->at[KIND_label])), &stories);

	for (size_t i = 0; r == 0 && i < stories.n; i++)
		r = take_from_story(c, a, stories.items[i]);
	return r;
}

static int take_from_epics(struct call *c, struct activity *a)
{
	struct query q = { .kind = KIND_epic, .limit = -1 };
	scoped(records_fini) struct records epics = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_epic_label_id, OP_EQ, record_id(c->at[KIND_label])), &epics);

	for (size_t i = 0; r == 0 && i < epics.n; i++) {
		scoped(scoped_json_fini) struct scoped_json before = { NULL };

		r = activity_take_values(c, epics.items[i], &before.json);
		record_clear(epics.items[i], F_epic_label_id);
		initial_touch(epics.items[i], call_now_ms(c));
		if (r == 0)
			r = tx_put(c->tx, epics.items[i]);
		if (r == 0)
			r = activity_updated(c, a, epics.items[i], before.json);
	}
	return r;
}

int labels_delete(struct call *c)
{
	const struct record *label = c->at[KIND_label];
	scoped(activity_fini) struct activity a = { 0 };
	scoped(free_ptr) char *message =
		xasprintf("deleted label: \"%s\"", record_text(label, F_label_name));
	int r = take_from_stories(c, &a);

	if (r == 0)
		r = take_from_epics(c, &a);
	if (r == 0)
		r = tx_delete(c->tx, KIND_label, record_id(label));
	activity_add_delete(&a, label);
	activity_add_primary(&a, label);
	if (r == 0)
		r = activity_write(c, &a, "label_delete_activity", "deleted", message);
	return r < 0 ? r : answer_nothing(c);
}
