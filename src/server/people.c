/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persons by id. */
#include "people.h"

#include <string.h>

#include "initial.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"

static int check_person(struct call *c, const char *key, int64_t id)
{
	scoped(record_unref) struct record *person = NULL;
	int r = tx_get(c->tx, KIND_person, id, &person);

	if (r > 0)
		return v5_error_problem(
			&c->error, "'%s' names no person: %lld", key, (long long)id);
	return r;
}

void people_add_once(const struct ids *ids, struct ids *ret)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (!ids_has(ret, ids->v[i]))
			ids_add(ret, ids->v[i]);
	}
}

int people_set(struct call *c, struct record *r, int f, const struct ids *wanted)
{
	const struct value *before = record_get(r, f);
	scoped(ids_fini) struct ids once = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < wanted->n; i++) {
		if (!value_has_id(before, wanted->v[i]))
			e = check_person(c, schema_field(record_kind(r), f)->key, wanted->v[i]);
	}
	people_add_once(wanted, &once);
	if (e == 0 && (once.n || before->state == VALUE_SET))
		record_set_ids(r, f, &once);
	return e;
}

int people_set_one(struct call *c, struct record *r, int f, int64_t id)
{
	int e = record_int(r, f, 0) == id
			? 0
			: check_person(c, schema_field(record_kind(r), f)->key, id);

	if (e == 0)
		record_set_int(r, f, id);
	return e;
}

int people_set_author(struct call *c, struct record *r, int f, const struct record *patch)
{
	record_clear(r, f);
	if (record_has(patch, f))
		return people_set_one(c, r, f, record_int(patch, f, 0));
	if (c->who.person_id)
		record_set_int(r, f, c->who.person_id);
	return 0;
}

bool people_same_set(const struct ids *ids, const struct value *v)
{
	for (size_t i = 0; i < ids->n && v->n == ids->n; i++) {
		if (!value_has_id(v, ids->v[i]))
			return false;
	}
	return ids->n == v->n;
}

int people_check_member(struct call *c, int64_t person_id)
{
	struct query q = { .kind = KIND_project_membership };
	int64_t n = 0;

	query_where(&q, F_project_membership_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_project_membership_person_id, OP_EQ, person_id);
	int r = tx_count(c->tx, &q, &n);

	return r == 0 && !n ? v5_error_problem(&c->error,
				      "The person with id %lld is not a member of this project.",
				      (long long)person_id)
			    : r;
}

int people_list_projects(struct call *c, struct ids *ret)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records mine = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_project_membership_person_id, OP_EQ, c->who.person_id), &mine);

	for (size_t i = 0; i < mine.n; i++)
		ids_add(ret, record_int(mine.items[i], F_project_membership_project_id, 0));
	return r;
}

/* ---- newcomers ---- */

static bool is_address(const char *s)
{
	const char *at = strchr(s, '@');

	return at && at != s && at[1] && !strpbrk(s, " \t\r\n,;<>") && !strchr(at + 1, '@');
}

static int refuse_address(struct call *c, const char *email)
{
	int r = v5_error_requirement(&c->error, "%s is not a valid email address.", email);

	c->error.general_problem =
		xstrdup("One or more consistency checks failed on the supplied Person.");
	return r;
}

/* Who has this text as e-mail or username, whatever its case, but for one person; 1: nobody. */
static int find_by_login(struct call *c, const char *login, int64_t but, int64_t *ret_id)
{
	const struct query q = { .kind = KIND_person, .limit = -1 };
	scoped(records_fini) struct records people = { 0 };
	scoped(free_ptr) char *wanted = text_lower(login);
	int r = tx_list(c->tx, &q, &people);

	if (r < 0)
		return r;
	each_record(person, &people) {
		scoped(free_ptr) char *email = text_lower(record_text(person, F_person_email));
		scoped(free_ptr) char *name = text_lower(record_text(person, F_person_username));

		if (record_id(person) == but ||
			(strcmp(email, wanted) != 0 && strcmp(name, wanted) != 0))
			continue;
		*ret_id = record_id(person);
		return 0;
	}
	return 1;
}

void people_set_initials(struct record *person)
{
	const char *name = record_text(person, F_person_name);
	char letters[4] = { 0 };
	size_t n = 0;
	bool begins = true;

	for (const char *p = name; *p && n + 1 < sizeof(letters); p++) {
		if (begins && (unsigned char)*p < 0x80 && *p > ' ')
			letters[n++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
		begins = *p == ' ';
	}
	if (n)
		record_set_text(person, F_person_initials, letters);
}

static int make_person(struct call *c, const struct newcomer *who, int64_t *ret_id)
{
	scoped(record_unref) struct record *patch = record_new(KIND_person);
	scoped(record_unref) struct record *person = NULL;
	const char *name = who->name->state == VALUE_SET ? who->name->s : who->email->s;

	record_set_text(patch, F_person_email, who->email->s);
	record_set_text(patch, F_person_name, name);
	if (who->initials->state == VALUE_SET)
		record_set_text(patch, F_person_initials, who->initials->s);
	else
		people_set_initials(patch);
	int r = check_patch(patch, &c->error);

	if (r == 0)
		r = initial_make(c, patch, &person);
	if (r == 0)
		r = tx_put(c->tx, person);
	if (r == 0)
		*ret_id = record_id(person);
	return r;
}

/* V5's ids had 32 bits, and its words for one that has more are others. */
static int refuse_id(struct call *c, int64_t id)
{
	if (id > INT32_MAX)
		return v5_error_problem(
			&c->error, "Couldn't find Person with an out of range value for 'id'");
	return v5_error_problem(&c->error, "Couldn't find Person with 'id'=%lld", (long long)id);
}

static int check_known(struct call *c, int64_t id, const struct newcomer *who)
{
	scoped(record_unref) struct record *person = NULL;

	if (who->email->state == VALUE_SET || who->name->state == VALUE_SET ||
		who->initials->state == VALUE_SET)
		return v5_error_problem(&c->error,
			"Do not send person_id with email, initials, or name in the same request.");
	int r = tx_get(c->tx, KIND_person, id, &person);

	if (r <= 0)
		return r;
	return who->or_unfound ? v5_error_set(&c->error, V5_unfound_resource) : refuse_id(c, id);
}

static int check_address(struct call *c, const struct newcomer *who)
{
	if (who->email->state != VALUE_SET)
		return v5_error_problem(&c->error, "Email can't be blank.%s",
			who->name->state == VALUE_SET ? "" : ", Name can't be blank");
	return is_address(who->email->s) ? 0 : refuse_address(c, who->email->s);
}

int people_set_newcomer(struct call *c, struct record *r, int f, const struct newcomer *who)
{
	int64_t id = 0;

	if (record_has(r, f))
		return check_known(c, record_int(r, f, 0), who);
	int e = check_address(c, who);

	if (e < 0)
		return e;
	e = find_by_login(c, who->email->s, 0, &id);
	if (e > 0)
		e = make_person(c, who, &id);
	if (e == 0)
		record_set_int(r, f, id);
	return e;
}

int people_check_login(struct call *c, const struct record *person)
{
	const char *email = record_text(person, F_person_email);
	const char *username = record_text(person, F_person_username);
	int64_t other;
	int r = 1;

	if (*email && !is_address(email))
		return refuse_address(c, email);
	if (strpbrk(username, ":@ \t"))
		return v5_error_problem(
			&c->error, "Username can't contain blanks, colons or at signs.");
	if (*email)
		r = find_by_login(c, email, record_id(person), &other);
	if (r == 0)
		return v5_error_problem(&c->error, "Email has already been taken");
	if (r > 0 && *username)
		r = find_by_login(c, username, record_id(person), &other);
	if (r == 0)
		return v5_error_problem(&c->error, "Username has already been taken");
	return r < 0 ? r : 0;
}
