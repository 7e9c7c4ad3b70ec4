/* SPDX-License-Identifier: GPL-2.0-or-later */
/* People in and out. */
#include "storyfs/enrol.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "accounts.h"
#include "desk.h"
#include "initial.h"
#include "memberships.h"
#include "people.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"

/* ---- listing ---- */

static int list_by_person(struct desk *d, enum kind kind, int f, int64_t id, struct records *ret)
{
	struct query q = { .kind = kind, .limit = -1 };

	return tx_list(d->call.tx, query_where(&q, f, OP_EQ, id), ret);
}

static void count_token(void *data, const struct token *token)
{
	int64_t *n = data;

	(void)token;
	(*n)++;
}

static json_t *describe_projects(const struct records *memberships)
{
	json_t *list = json_array();

	each_record(m, memberships)
		json_array_append_new(
			list, json_pack("{sI,ss}", "id",
				      (json_int_t)record_int(m, F_project_membership_project_id, 0),
				      "role", record_word(m, F_project_membership_role)));
	return list;
}

/* What V5 tells of a person, and what only the archive knows. */
static int describe(struct desk *d, const struct record *person, json_t **ret)
{
	scoped(records_fini) struct records memberships = { 0 };
	scoped(password_fini) struct password password = { 0 };
	int64_t id = record_id(person), n_tokens = 0;
	int r = list_by_person(
		d, KIND_project_membership, F_project_membership_person_id, id, &memberships);

	if (r == 0)
		r = tx_each_token(d->call.tx, id, count_token, &n_tokens);
	if (r == 0)
		r = tx_get_password(d->call.tx, id, &password);
	if (r < 0)
		return r;
	json_t *json = json_from_record(person, NULL, 0);

	json_object_set_new(json, "owner", json_boolean(id == d->call.who.person_id));
	json_object_set_new(json, "password", json_boolean(r == 0));
	json_object_set_new(json, "tokens", json_integer(n_tokens));
	json_object_set_new(json, "projects", describe_projects(&memberships));
	*ret = json;
	return 0;
}

static void add_line(const struct desk *d, const struct record *person, struct buf *ret)
{
	buf_add_fmt(ret, "%" PRId64 "\t%s\t%s\t%s%s\n", record_id(person),
		record_text(person, F_person_username), record_text(person, F_person_email),
		record_text(person, F_person_name),
		record_id(person) == d->call.who.person_id ? "\towner" : "");
}

static int add_json(struct desk *d, const struct records *people, struct buf *ret)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < people->n; i++) {
		json_t *one = NULL;

		r = describe(d, people->items[i], &one);
		if (r == 0)
			json_array_append_new(list, one);
	}
	json_write(list, ret);
	buf_add_char(ret, '\n');
	json_decref(list);
	return r;
}

int enrol_list(struct archive *a, enum enrol_form form, struct buf *ret, struct buf *ret_reason)
{
	const struct query q = { .kind = KIND_person, .limit = -1 };
	scoped(records_fini) struct records people = { 0 };
	struct desk d;
	int r = desk_open(&d, a, TX_READ, ret_reason);

	if (r == 0)
		r = tx_list(d.call.tx, &q, &people);
	if (r == 0 && form == ENROL_JSON)
		r = add_json(&d, &people, ret);
	for (size_t i = 0; r == 0 && form == ENROL_TEXT && i < people.n; i++)
		add_line(&d, people.items[i], ret);
	return desk_close(&d, r);
}

/* ---- adding ---- */

static int set_text(struct desk *d, struct record *person, int f, const char *text)
{
	if (!text)
		return 0;
	if (!text_is_valid(text, strlen(text)))
		return desk_refuse(
			d, EINVAL, "the %s is not UTF-8", schema_field(KIND_person, f)->key);
	record_set_text(person, f, text);
	return 0;
}

static int make_person(struct desk *d, const struct enrolment *e, struct record **ret)
{
	scoped(record_unref) struct record *patch = record_new(KIND_person);
	scoped(record_unref) struct record *person = NULL;
	struct call *c = &d->call;
	int r = set_text(d, patch, F_person_name, e->name);

	if (r == 0)
		r = set_text(d, patch, F_person_email, e->email);
	if (r == 0)
		r = set_text(d, patch, F_person_username, e->username);
	if (r == 0)
		r = set_text(d, patch, F_person_initials, e->initials);
	if (r == 0 && !e->initials)
		people_set_initials(patch);
	if (r == 0)
		r = check_patch(patch, &c->error);
	if (r == 0)
		r = people_check_login(c, patch);
	if (r == 0)
		r = initial_make(c, patch, &person);
	if (r == 0)
		r = tx_put(c->tx, person);
	if (r == 0)
		*ret = take_ptr(person);
	return r;
}

static int read_role(struct desk *d, const char *word, enum role *ret)
{
	const struct choices *roles =
		schema_field(KIND_project_membership, F_project_membership_role)->choices;
	int i = choices_find(roles, word, true);

	if (i < 0)
		return desk_refuse(d, EINVAL, "'%s' is no role: owner, member or viewer are", word);
	*ret = (enum role)i;
	return 0;
}

static int list_projects(struct desk *d, struct records *ret)
{
	const struct query q = { .kind = KIND_project, .limit = -1 };

	return tx_list(d->call.tx, &q, ret);
}

static int join_named(struct desk *d, const char *word, int64_t person_id, enum role role)
{
	scoped(record_unref) struct record *project = NULL;
	int r = desk_find_project(d, word, &project);

	return r < 0 ? r : memberships_join(&d->call, project, person_id, role);
}

static int join_all(struct desk *d, int64_t person_id, enum role role)
{
	scoped(records_fini) struct records projects = { 0 };
	int r = list_projects(d, &projects);

	for (size_t i = 0; r == 0 && i < projects.n; i++)
		r = memberships_join(&d->call, projects.items[i], person_id, role);
	return r;
}

static int join_projects(struct desk *d, const struct enrolment *e, int64_t person_id)
{
	scoped(free_ptr) char *words = xstrdup(e->projects ? e->projects : "");
	char *rest = *words ? words : NULL, *word;
	enum role role = ROLE_MEMBER;
	int r = e->role ? read_role(d, e->role, &role) : 0;

	if (r == 0 && strcmp(words, "all") == 0)
		return join_all(d, person_id, role);
	while (r == 0 && (word = strsep(&rest, ",")))
		r = join_named(d, word, person_id, role);
	return r;
}

/* The new one, as in a list but by itself. */
static int tell(struct desk *d, const struct record *person, enum enrol_form form, struct buf *ret)
{
	json_t *json = NULL;

	if (form == ENROL_TEXT) {
		add_line(d, person, ret);
		return 0;
	}
	int r = describe(d, person, &json);

	if (r < 0)
		return r;
	json_write(json, ret);
	buf_add_char(ret, '\n');
	json_decref(json);
	return 0;
}

int enrol_add(struct archive *a, const struct enrolment *e, enum enrol_form form, struct buf *ret,
	struct buf *ret_reason)
{
	scoped(record_unref) struct record *person = NULL;
	struct desk d;
	int r = desk_open(&d, a, TX_WRITE, ret_reason);

	if (r == 0)
		r = make_person(&d, e, &person);
	if (r == 0)
		r = join_projects(&d, e, record_id(person));
	if (r == 0)
		r = tell(&d, person, form, ret);
	return desk_close(&d, r);
}

/* ---- removing ---- */

static int leave_projects(struct desk *d, int64_t person_id)
{
	scoped(records_fini) struct records memberships = { 0 };
	int r = list_by_person(d, KIND_project_membership, F_project_membership_person_id,
		person_id, &memberships);

	for (size_t i = 0; r == 0 && i < memberships.n; i++) {
		scoped(record_unref) struct record *project = NULL;

		r = tx_get(d->call.tx, KIND_project,
			record_int(memberships.items[i], F_project_membership_project_id, 0),
			&project);
		if (r == 0)
			r = memberships_leave(&d->call, project, person_id);
		if (r < 0 && d->call.error.code)
			buf_add_fmt(d->reason, "project %" PRId64 ": ", record_id(project));
		r = r > 0 ? 0 : r;
	}
	return r;
}

/* What it owned passes to the archive's owner. */
static int leave_accounts(struct desk *d, int64_t person_id)
{
	scoped(records_fini) struct records memberships = { 0 };
	struct call *c = &d->call;
	int r = list_by_person(d, KIND_account_membership, F_account_membership_person_id,
		person_id, &memberships);

	for (size_t i = 0; r == 0 && i < memberships.n; i++) {
		const struct record *m = memberships.items[i];
		int64_t account_id = record_int(m, F_account_membership_account_id, 0);

		r = tx_delete(c->tx, KIND_account_membership, record_id(m));
		if (r == 0 && record_int(m, F_account_membership_owner, 0))
			r = accounts_own(c->tx, account_id, c->who.person_id, call_now_ms(c));
	}
	return r;
}

static int delete_workspaces(struct desk *d, int64_t person_id)
{
	scoped(records_fini) struct records workspaces = { 0 };
	int r = list_by_person(d, KIND_workspace, F_workspace_person_id, person_id, &workspaces);

	for (size_t i = 0; r == 0 && i < workspaces.n; i++)
		r = tx_delete(d->call.tx, KIND_workspace, record_id(workspaces.items[i]));
	return r;
}

int enrol_remove(struct archive *a, const char *who, struct buf *ret_reason)
{
	int64_t id = 0;
	struct desk d;
	int r = desk_open(&d, a, TX_WRITE, ret_reason);

	if (r == 0)
		r = desk_find(&d, who, &id);
	if (r == 0 && id == d.call.who.person_id)
		r = desk_refuse(&d, EPERM, "the archive is theirs: its owner cannot be removed");
	if (r == 0)
		r = leave_projects(&d, id);
	if (r == 0)
		r = leave_accounts(&d, id);
	if (r == 0)
		r = delete_workspaces(&d, id);
	if (r == 0)
		r = tx_delete_token(d.call.tx, id, NULL);
	if (r == 0)
		r = tx_delete_password(d.call.tx, id);
	return desk_close(&d, r);
}
