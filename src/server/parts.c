/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of stories, epics and projects. Which kinds they are is a list; the rest follows from their
 * rows. */
#include "parts.h"

#include "change.h"
#include "children.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"

static bool is_part(enum kind kind)
{
	static const bool parts[N_KINDS] = {
		[KIND_review] = true,
		[KIND_pull_request] = true,
		[KIND_branch] = true,
		[KIND_cicd_event] = true,
		[KIND_story_template] = true,
	};

	return parts[kind];
}

static struct record *parent_of(const struct call *c)
{
	const struct resource *res = schema_resource(c->route->kind);

	return c->at[c->at[res->parent] ? res->parent : res->parent2];
}

/* ---- in words ---- */

/* `pull request` */
static char *noun_of(enum kind kind)
{
	char *noun = xstrdup(schema_resource(kind)->name);

	for (char *p = noun; *p; p++) {
		if (*p == '_')
			*p = ' ';
	}
	return noun;
}

/* What tells one from another: the text of its label; of a review, which kind of review it is. */
static int add_title(struct call *c, const struct record *part, struct buf *ret)
{
	enum kind kind = record_kind(part);
	int label = schema_resource(kind)->label;
	const struct field *field = schema_field(kind, label);
	scoped(record_unref) struct record *named = NULL;

	if (!field->of) {
		buf_add_str(ret, record_text(part, label));
		return 0;
	}
	int r = tx_get(c->tx, field->of, record_int(part, label, 0), &named);

	if (r == 0)
		buf_add_str(ret, record_text(named, schema_resource(field->of)->label));
	return r < 0 ? r : 0;
}

/* The end of a command: verb is V5's, `create`; done is what the person did, `added`. */
static int write_activity(struct call *c, struct activity *a, const struct record *part,
	const char *verb, const char *done)
{
	scoped(free_ptr) char *noun = noun_of(record_kind(part));
	scoped(free_ptr) char *highlight = xasprintf("%s %s:", done, noun);
	scoped(free_ptr) char *kind =
		xasprintf("%s_%s_activity", schema_resource(record_kind(part))->name, verb);
	scoped(buf_fini) struct buf title = BUF_INIT;
	struct record *parent = parent_of(c);
	bool in_project = record_kind(parent) == KIND_project;
	int r = in_project ? 0 : change_touch(c, a, parent, NULL);

	if (r == 0)
		r = add_title(c, part, &title);
	if (r < 0)
		return r;
	scoped(free_ptr) char *message = xasprintf("%s \"%s\"", highlight, buf_str(&title));

	activity_add_primary(a, in_project ? part : parent);
	return activity_write(c, a, kind, highlight, message);
}

/* ---- what a part names ---- */

/* A review type of this project, say. */
static int check_named(struct call *c, const struct field *field, int64_t id)
{
	scoped(record_unref) struct record *named = NULL;
	int r = tx_get(c->tx, field->of, id, &named);

	if (r < 0)
		return r;
	if (r > 0 ||
		record_int(named, schema_resource(field->of)->parent_key, 0) != call_project_id(c))
		return v5_error_problem(&c->error, "'%s' names no %s of this project: %lld",
			field->key, schema_resource(field->of)->name, (long long)id);
	return 0;
}

/* Whatever the patch names must be there, unless it was named before. */
static int check_names(
	struct call *c, const struct record *patch, const struct record *old, struct record *now)
{
	int r = 0;

	for (int f = 0; r == 0 && f < schema_resource(record_kind(patch))->n_fields; f++) {
		const struct field *field = schema_field(record_kind(patch), f);
		int64_t id = record_int(patch, f, 0);

		if (field->type != TYPE_INT || !field->of || !record_has(patch, f))
			continue;
		if (old && record_int(old, f, 0) == id)
			continue;
		record_clear(now, f);
		r = field->of == KIND_person ? people_set_one(c, now, f, id)
					     : check_named(c, field, id);
		if (r == 0)
			record_set_int(now, f, id);
	}
	return r;
}

static int check_required(struct call *c, const struct record *patch)
{
	each_field(f, record_kind(patch)) {
		const struct field *field = schema_field(record_kind(patch), f);

		if (field->flags & FIELD_REQ && !record_has(patch, f))
			return v5_error_problem(
				&c->error, "this endpoint requires the parameter: %s", field->key);
	}
	return 0;
}

/* ---- adding ---- */

static int add(struct call *c, struct activity *a, const struct record *parent,
	const struct record *patch, struct record **ret)
{
	enum kind kind = record_kind(patch);
	scoped(record_unref) struct record *part = NULL;
	int r = check_required(c, patch);

	if (r == 0)
		r = check_patch(patch, &c->error);
	if (r == 0)
		r = initial_make(c, patch, &part);
	if (r == 0)
		r = check_names(c, patch, NULL, part);
	if (r < 0)
		return r;
	record_set_int(part, children_key(kind, record_kind(parent)), record_id(parent));
	r = tx_put(c->tx, part);
	if (r == 0)
		r = activity_created(c, a, part);
	if (r == 0 && ret)
		*ret = take_ptr(part);
	return r;
}

int parts_add_nested(
	struct call *c, struct activity *a, const struct record *patch, const struct record *parent)
{
	int r = 0;

	for (int f = 0; r == 0 && f < schema_resource(record_kind(patch))->n_fields; f++) {
		const struct field *field = schema_field(record_kind(patch), f);
		const struct value *v = record_get(patch, f);

		if (field->type != TYPE_OBJECTS || !is_part(field->of))
			continue;
		for (size_t i = 0; r == 0 && i < v->n; i++)
			r = add(c, a, parent, v->records[i], NULL);
	}
	return r;
}

/* ---- endpoints ---- */

int parts_create(struct call *c)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *part = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0)
		r = add(c, &a, parent_of(c), patch, &part);
	if (r == 0)
		r = write_activity(c, &a, part, "create", "added");
	return r < 0 ? r : answer_record(c, part);
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	int r = activity_put(c, &a, old, now);

	return r < 0 ? r : write_activity(c, &a, now, "update", "edited");
}

int parts_update(struct call *c)
{
	const struct record *old = c->at[c->route->kind];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	r = check_names(c, patch, old, now);
	if (r == 0 && change_differs(old, now, -1, -1))
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

int parts_delete(struct call *c)
{
	const struct record *part = c->at[c->route->kind];
	scoped(activity_fini) struct activity a = { 0 };
	int r = tx_delete(c->tx, record_kind(part), record_id(part));

	activity_add_delete(&a, part);
	if (r == 0)
		r = write_activity(c, &a, part, "delete", "deleted");
	return r < 0 ? r : answer_nothing(c);
}
