/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * People by name: the members of a project. A name that two of them share is no name: then the
 * username stands for each, or the id.
 *
 * Names are kept by project and made anew when the memberships' stamp moved. Who is then called
 * otherwise than before has files to be read again: the time of that is kept with the name.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/parse.h"

/* What a person may be called, best first. */
static const int callings[] = { F_person_name, F_person_username, F_person_email,
	F_person_initials };

struct called {
	struct table_item item;
	int64_t id;
	char *name;	  /* NULL: no name is this person's alone, or the person is no member */
	int64_t mtime_ns; /* when the name last became another one while we looked, 0: never */
};

struct roster {
	struct table_item item;
	int64_t project_id;
	uint64_t stamp; /* of the memberships it was made of */
	struct records people;
	struct table called;
};

/* ---- names among people ---- */

static size_t find_called(const struct records *all, const char *name, bool fold, int64_t *ret_id)
{
	for (size_t i = 0; i < sizeof(callings) / sizeof(callings[0]); i++) {
		size_t n = 0;

		each_record(p, all) {
			const char *theirs = record_text(p, callings[i]);

			if ((fold ? strcasecmp : strcmp)(theirs, name) != 0)
				continue;
			*ret_id = record_id(p);
			n++;
		}
		if (n)
			return n;
	}
	return 0;
}

/* Comes back from a line of a file as it went in, and is not taken for an id. */
static bool is_writable_name(const char *name)
{
	size_t len = strlen(name);
	int64_t id;

	return len && !strpbrk(name, "\r\n") && !strchr(" \t", name[0]) &&
	       !strchr(" \t", name[len - 1]) && !parse_int(name, 1, INT64_MAX, &id);
}

/* What find_id finds this person by, and nobody else. */
static const char *best_name(const struct records *all, const struct record *person)
{
	for (size_t i = 0; i < sizeof(callings) / sizeof(callings[0]); i++) {
		const char *name = record_text(person, callings[i]);
		int64_t id;

		if (is_writable_name(name) && find_called(all, name, false, &id) == 1 &&
			id == record_id(person))
			return name;
	}
	return NULL;
}

/* ---- rosters; the caller holds the tree's lock ---- */

static struct called *find_name(const struct roster *r, int64_t id)
{
	return table_find(&r->called, &id, sizeof(id));
}

static void rename_to(struct called *c, const char *name, bool is_first)
{
	int64_t now = clock_now_ms() * 1000000;

	if (name && c->name ? strcmp(name, c->name) == 0 : name == c->name)
		return;
	free(c->name);
	c->name = name ? xstrdup(name) : NULL;
	if (!is_first)
		c->mtime_ns = now > c->mtime_ns ? now : c->mtime_ns + 1;
}

static void set_name(struct roster *r, int64_t id, const char *name, bool is_first)
{
	struct called *c = find_name(r, id);

	if (!c) {
		c = xcalloc(1, sizeof(*c));
		c->id = id;
		table_add(&r->called, &c->item, &c->id, sizeof(c->id));
	}
	rename_to(c, name, is_first);
}

static bool is_among(const struct records *all, int64_t id)
{
	each_record(p, all) {
		if (record_id(p) == id)
			return true;
	}
	return false;
}

static struct place memberships_of(int64_t project_id)
{
	return (struct place){
		.kind = KIND_project_membership, .parent = KIND_project, .parent_id = project_id
	};
}

static void list_members(struct store *store, int64_t project_id, struct records *ret)
{
	scoped(records_fini) struct records members = { 0 };
	struct place place = memberships_of(project_id);

	store_peek_list(store, &place, &members);
	each_record(m, &members) {
		const struct value *v = record_get(m, F_project_membership_person);

		if (v->state == VALUE_SET)
			records_add(ret, record_ref(v->record));
	}
}

static void make_names(struct roster *r, bool is_first)
{
	struct called *c = NULL;

	while ((c = table_next(&r->called, c))) {
		if (!is_among(&r->people, c->id))
			rename_to(c, NULL, is_first);
	}
	each_record(p, &r->people)
		set_name(r, record_id(p), best_name(&r->people, p), is_first);
}

static struct roster *get_roster(const struct people *people)
{
	struct tree *t = people->tree;
	struct place place = memberships_of(people->project_id);
	uint64_t stamp = store_stamp(t->store, &place);
	struct roster *r = table_find(&t->rosters, &people->project_id, sizeof(people->project_id));

	if (r && r->stamp == stamp)
		return r;
	bool is_first = !r;

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		r->project_id = people->project_id;
		table_add(&t->rosters, &r->item, &r->project_id, sizeof(r->project_id));
	}
	r->stamp = stamp;
	records_fini(&r->people);
	list_members(t->store, people->project_id, &r->people);
	make_names(r, is_first);
	return r;
}

void rosters_fini(struct tree *t)
{
	struct roster *r;
	struct called *c;

	while ((r = table_pop(&t->rosters))) {
		while ((c = table_pop(&r->called))) {
			free(c->name);
			free(c);
		}
		records_fini(&r->people);
		free(r);
	}
}

/* ---- the resolver ---- */

static bool add_name(void *data, enum kind kind, int64_t id, struct buf *b)
{
	const struct people *people = data;

	if (kind != KIND_person)
		return false;
	lock_scope(&people->tree->lock);
	struct called *c = find_name(get_roster(people), id);

	if (!c || !c->name)
		return false;
	buf_add_str(b, c->name);
	return true;
}

static void list_people(const struct roster *r, struct buf *b)
{
	bool first = true;

	each_record(p, &r->people) {
		const struct called *c = find_name(r, record_id(p));

		buf_add_str(b, first ? " " : ", ");
		if (c && c->name)
			buf_add_str(b, c->name);
		else
			buf_add_fmt(b, "%" PRId64, record_id(p));
		first = false;
	}
	buf_add_char(b, '\n');
}

static int find_id(
	void *data, enum kind kind, const char *name, int64_t *ret_id, struct buf *ret_reason)
{
	const struct people *people = data;

	if (parse_int(name, 1, INT64_MAX, ret_id))
		return 0;
	if (kind != KIND_person) {
		buf_add_fmt(ret_reason, "'%s' is no id\n", name);
		return -EINVAL;
	}
	lock_scope(&people->tree->lock);
	struct roster *r = get_roster(people);
	size_t n = find_called(&r->people, name, false, ret_id);

	if (n == 0)
		n = find_called(&r->people, name, true, ret_id);
	if (n == 1)
		return 0;
	buf_add_fmt(ret_reason,
		n ? "'%s' is the name of %zu people; write one of"
		  : "nobody here is called '%s' (%zu people); write one of",
		name, n ? n : r->people.n);
	list_people(r, ret_reason);
	return -EINVAL;
}

struct resolver people_resolver(struct people *people)
{
	return (struct resolver){ people, add_name, find_id };
}

/* ---- who was renamed ---- */

bool people_are_shown(const struct field *field)
{
	return field->of == KIND_person &&
	       (field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS);
}

/* The people of a field: of its own value, or of the id form it is written from. */
static void add_shown_ids(const struct record *r, int f, struct ids *ids)
{
	const struct field *field = schema_field(record_kind(r), f);
	const struct value *v = record_get(r, f);

	if (v->state != VALUE_SET && field->via) {
		f = schema_find_field(record_kind(r), field->via);
		field = schema_field(record_kind(r), f);
		v = record_get(r, f);
	}
	if (v->state != VALUE_SET)
		return;
	if (field->type == TYPE_INT)
		ids_add(ids, v->i);
	else if (field->type == TYPE_OBJECT)
		ids_add(ids, record_id(v->record));
	else if (field->type == TYPE_IDS)
		ids_add_value(ids, v);
	for (size_t i = 0; field->type == TYPE_OBJECTS && i < v->n; i++)
		ids_add(ids, record_id(v->records[i]));
}

int64_t people_mtime(const struct people *people, const struct record *r, int f)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int64_t latest = 0;

	add_shown_ids(r, f, &ids);
	lock_scope(&people->tree->lock);
	const struct roster *roster = get_roster(people);

	for (size_t i = 0; i < ids.n; i++) {
		const struct called *c = find_name(roster, ids.v[i]);

		if (c && c->mtime_ns > latest)
			latest = c->mtime_ns;
	}
	return latest;
}

bool people_were_renamed(const struct people *people)
{
	lock_scope(&people->tree->lock);
	const struct roster *r = get_roster(people);
	const struct called *c = NULL;

	while ((c = table_next(&r->called, c))) {
		if (c->mtime_ns)
			return true;
	}
	return false;
}
