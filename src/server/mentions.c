/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text without names costs nothing; for others the project's people are read once, and their
 * names made comparable once. */
#include "mentions.h"

#include <ctype.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/text.h"

/* Of a text, so many names count; it may be long, and made to cost. */
enum { MAX_NAMES = 50 };

/* ---- names in a text ---- */

/* Letters beyond ASCII are bytes above it. */
static bool is_name(char c)
{
	return isalnum((unsigned char)c) || strchr("_-.", c) || (unsigned char)c >= 0x80;
}

/* How long the name behind an @ is: to its closing quote, or to where no name can go on. A full
 * stop or a dash at its end is the sentence's. */
static size_t name_length(const char *name, bool quoted)
{
	size_t len = 0;

	if (quoted)
		return strcspn(name, "\"\n");
	while (name[len] && is_name(name[len]))
		len++;
	while (len && strchr("-.", name[len - 1]))
		len--;
	return len;
}

struct name {
	char *text; /* in lower case */
	bool quoted;
};

/* The next name at or after *at, which moves on; false at the end. An @ within a word is an
 * address's. */
static bool next_name(const char *text, const char **at, struct name *ret)
{
	for (const char *p = *at; *p; p++) {
		if (*p != '@' || (p > text && (is_name(p[-1]) || p[-1] == '@')))
			continue;
		bool quoted = p[1] == '"';
		const char *name = p + 1 + quoted;
		size_t len = name_length(name, quoted);

		if (!len || (quoted && name[len] != '"'))
			continue;
		scoped(free_ptr) char *copy = xstrndup(name, len);

		*ret = (struct name){ text_lower(copy), quoted };
		*at = name + len;
		return true;
	}
	return false;
}

/* ---- people ---- */

static int list_people(struct call *c, struct records *ret)
{
	struct query memberships = { .kind = KIND_project_membership, .limit = -1 };
	struct query people = { .kind = KIND_person, .limit = -1 };
	scoped(records_fini) struct records members = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };

	query_where(&memberships, F_project_membership_project_id, OP_EQ, call_project_id(c));
	query_where(&memberships, F_project_membership_role, OP_NE, ROLE_VIEWER);
	int r = tx_list(c->tx, &memberships, &members);

	for (size_t i = 0; i < members.n; i++)
		ids_add(&ids, record_int(members.items[i], F_project_membership_person_id, 0));
	query_where(&people, F_person_id, OP_IN, 0)->where[0].ids = &ids;
	return r < 0 ? r : tx_list(c->tx, &people, ret);
}

/* A person by names in lower case. */
struct known {
	int64_t id;
	char *names[N_person_FIELDS]; /* of the fields below */
};

static const int name_fields[] = { F_person_username, F_person_name, F_person_initials };

enum { N_NAMES = sizeof(name_fields) / sizeof(*name_fields) };

struct people {
	size_t n;
	struct known *items;
};

static void people_fini(struct people *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < N_NAMES; k++)
			free(p->items[i].names[name_fields[k]]);
	}
	free(p->items);
}

SCOPED_VALUE(struct people, people_fini);

static int load_people(struct call *c, struct people *ret)
{
	scoped(records_fini) struct records list = { 0 };
	int r = list_people(c, &list);

	ret->items = xcalloc(list.n + 1, sizeof(*ret->items));
	ret->n = list.n;
	for (size_t i = 0; i < list.n; i++) {
		ret->items[i].id = record_id(list.items[i]);
		for (size_t k = 0; k < N_NAMES; k++)
			ret->items[i].names[name_fields[k]] =
				text_lower(record_text(list.items[i], name_fields[k]));
	}
	return r;
}

/* The only one whose field says so; 0 when there is none, or several. */
static int64_t find_person(const struct people *people, int f, const char *name)
{
	int64_t found = 0;

	for (size_t i = 0; i < people->n; i++) {
		if (strcmp(people->items[i].names[f], name) != 0)
			continue;
		if (found)
			return 0;
		found = people->items[i].id;
	}
	return found;
}

static int64_t find_named(const struct people *people, const struct name *name)
{
	int64_t id =
		find_person(people, name->quoted ? F_person_name : F_person_username, name->text);

	return id || name->quoted ? id : find_person(people, F_person_initials, name->text);
}

int mentions_find(struct call *c, const char *text, struct ids *ret)
{
	scoped(people_fini) struct people people = { 0 };
	const char *at = text;
	struct name name;
	int r = 0;

	if (!record_int(call_project(c), F_project_enable_following, 1))
		return 0;
	for (int n = 0; r == 0 && n < MAX_NAMES && next_name(text, &at, &name); n++) {
		if (!people.items)
			r = load_people(c, &people);
		int64_t id = find_named(&people, &name);

		free(name.text);
		if (id && !ids_has(ret, id))
			ids_add(ret, id);
	}
	return r;
}
