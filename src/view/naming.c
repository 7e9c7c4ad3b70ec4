/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * People by name: the members of a project and oneself. A name that two of them share is no name:
 * then the username stands for each, or the id.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"

/* What a person may be called, best first. */
static const int callings[] = { F_person_name, F_person_username, F_person_email,
	F_person_initials };

static void add_people(struct people *people, struct records *ret)
{
	scoped(records_fini) struct records members = { 0 };
	struct place place = { .kind = KIND_project_membership,
		.parent = KIND_project,
		.parent_id = people->project_id };

	store_peek_list(people->store, &place, &members);
	each_record(m, &members) {
		const struct value *v = record_get(m, F_project_membership_person);

		if (v->state == VALUE_SET)
			records_add(ret, record_ref(v->record));
	}
}

static size_t count_called(const struct records *all, int f, const char *name)
{
	size_t n = 0;

	each_record(p, all)
		n += strcmp(record_text(p, f), name) == 0;
	return n;
}

/* What find_id finds this person by, and nobody else. */
static const char *best_name(const struct records *all, const struct record *person)
{
	for (size_t i = 0; i < sizeof(callings) / sizeof(callings[0]); i++) {
		const char *name = record_text(person, callings[i]);

		if (*name && !strchr(name, '\n') && count_called(all, callings[i], name) == 1)
			return name;
	}
	return NULL;
}

static bool add_name(void *data, enum kind kind, int64_t id, struct buf *b)
{
	scoped(records_fini) struct records all = { 0 };

	if (kind != KIND_person)
		return false;
	add_people(data, &all);
	each_record(p, &all) {
		const char *name = record_id(p) == id ? best_name(&all, p) : NULL;

		if (!name)
			continue;
		buf_add_str(b, name);
		return true;
	}
	return false;
}

static bool is_called(const struct record *person, int f, const char *name, bool fold)
{
	return (fold ? strcasecmp : strcmp)(record_text(person, f), name) == 0;
}

static size_t find_called(const struct records *all, const char *name, bool fold, int64_t *ret_id)
{
	for (size_t i = 0; i < sizeof(callings) / sizeof(callings[0]); i++) {
		size_t n = 0;

		each_record(p, all) {
			if (is_called(p, callings[i], name, fold)) {
				*ret_id = record_id(p);
				n++;
			}
		}
		if (n)
			return n;
	}
	return 0;
}

static void list_people(const struct records *all, struct buf *b)
{
	bool first = true;

	each_record(p, all) {
		const char *name = best_name(all, p);

		buf_add_str(b, first ? " " : ", ");
		if (name)
			buf_add_str(b, name);
		else
			buf_add_fmt(b, "%" PRId64, record_id(p));
		first = false;
	}
	buf_add_char(b, '\n');
}

static int find_id(
	void *data, enum kind kind, const char *name, int64_t *ret_id, struct buf *ret_reason)
{
	scoped(records_fini) struct records all = { 0 };
	size_t n;

	if (parse_int(name, 1, INT64_MAX, ret_id))
		return 0;
	if (kind == KIND_person)
		add_people(data, &all);
	n = find_called(&all, name, false, ret_id);
	if (n == 0)
		n = find_called(&all, name, true, ret_id);
	if (n == 1)
		return 0;
	buf_add_fmt(ret_reason,
		n ? "'%s' is the name of %zu people; write one of"
		  : "nobody here is called '%s' (%zu people); write one of",
		name, n ? n : all.n);
	list_people(&all, ret_reason);
	return -EINVAL;
}

struct resolver people_resolver(struct people *people)
{
	return (struct resolver){ people, add_name, find_id };
}
