/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Authentication and the path. */
#include "auth.h"

#include <jansson.h>
#include <strings.h>

#include "accounts.h"
#include "storyfs/alloc.h"
#include "storyfs/token.h"

static const char token_fix[] =
	"Verify that your token value matches what's shown on your Profile page in Tracker.";
static const char password_fix[] =
	"Recheck your name (email address or Tracker username) and password.";
static const char refused_problem[] = "You aren't authorized to access the requested resource.";
static const char refused_fix[] =
	"Your project permissions are determined on the Project Membership page. If you are "
	"receiving this error you may be trying to access the wrong project, or the project API "
	"access is disabled, or someone listed as the project's Owner needs to change your "
	"membership type.";

int auth_refuse(struct call *c)
{
	int r = v5_error_set(&c->error, V5_unauthorized_operation);

	c->error.general_problem = xstrdup(refused_problem);
	c->error.possible_fix = xstrdup(refused_fix);
	return r;
}

static int refuse_credentials(struct call *c, const char *fix)
{
	int r = v5_error_set(&c->error, V5_invalid_authentication);

	c->error.possible_fix = xstrdup(fix);
	return r;
}

int auth_refuse_password(struct call *c)
{
	return refuse_credentials(c, password_fix);
}

static bool is_anonymous(const struct call *c)
{
	return !c->who.trusted && !c->who.person_id;
}

int auth_identify(struct call *c)
{
	const char *basic = http_headers_get(&c->req->headers, "Authorization");
	const char *token = http_headers_get(&c->req->headers, "X-TrackerToken");
	char digest[TOKEN_DIGEST_SIZE];

	/* Or logged in already. */
	if (c->who.trusted || c->who.person_id)
		return 0;
	if (!token)
		token = json_string_value(params_get(c->params, "token").json);
	/* Where passwords are taken, it was looked at before. */
	if (!token && basic && strncasecmp(basic, "Basic ", 6) == 0)
		return auth_refuse_password(c);
	if (!token)
		return 0;
	token_digest(token, digest);
	c->who.token = token;
	int r = tx_find_token(c->tx, digest, &c->who.person_id);

	return r > 0 ? refuse_credentials(c, token_fix) : r;
}

/* ---- projects ---- */

static void grave_name(int64_t project_id, struct buf *ret)
{
	buf_add_fmt(ret, "deleted_project_%lld", (long long)project_id);
}

int auth_bury_project(struct call *c, int64_t project_id)
{
	scoped(buf_fini) struct buf name = BUF_INIT;

	grave_name(project_id, &name);
	return tx_put_meta(c->tx, name.data, "1");
}

static int refuse_missing_project(struct call *c, int64_t project_id)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	scoped(buf_fini) struct buf value = BUF_INIT;

	grave_name(project_id, &name);
	int r = tx_get_meta(c->tx, name.data, &value);

	if (r < 0)
		return r;
	return r == 0 ? auth_refuse(c) : v5_error_set(&c->error, V5_unfound_resource);
}

/* 1: none. */
static int find_role(struct call *c, int64_t project_id, enum role *ret)
{
	struct query q = { .kind = KIND_project_membership, .limit = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_project_membership_project_id, OP_EQ, project_id);
	query_where(&q, F_project_membership_person_id, OP_EQ, c->who.person_id);
	int r = tx_list(c->tx, &q, &found);

	if (r < 0)
		return r;
	if (!found.n)
		return 1;
	*ret = (enum role)record_int(found.items[0], F_project_membership_role, ROLE_VIEWER);
	return 0;
}

/* The owner and the admins of an account own its projects, whatever they are in them (V5). */
static int find_account_role(struct call *c, const struct record *project, enum role *ret)
{
	scoped(record_unref) struct record *membership = NULL;
	int r = accounts_find_membership(
		c->tx, record_int(project, F_project_account_id, 0), c->who.person_id, &membership);

	if (r < 0)
		return r;
	if (r > 0 || !accounts_is_admin(membership))
		return 1;
	*ret = ROLE_OWNER;
	return 0;
}

static bool is_enough(enum role role, enum access access)
{
	switch (access) {
	case OWNER:
		return role == ROLE_OWNER;
	case MEMBER:
		return role == ROLE_OWNER || role == ROLE_MEMBER;
	case PERSON:
	case READER:
		break;
	}
	return true;
}

static int check_role(struct call *c, const struct record *project)
{
	int r = 1;

	c->role = ROLE_OWNER;
	c->is_guest = false;
	if (c->who.trusted)
		return 0;
	if (c->who.person_id)
		r = find_role(c, record_id(project), &c->role);
	if (c->who.person_id && (r > 0 || (r == 0 && c->role != ROLE_OWNER))) {
		int more = find_account_role(c, project, &c->role);

		r = more <= 0 ? more : r;
	}
	if (r < 0)
		return r;
	if (r == 0)
		return is_enough(c->role, c->route->access) ? 0 : auth_refuse(c);
	c->role = ROLE_VIEWER;
	c->is_guest = true;
	if (record_int(project, F_project_public, 0) && c->route->access == READER)
		return 0;
	return is_anonymous(c) ? refuse_credentials(c, token_fix) : auth_refuse(c);
}

int auth_enter_project(struct call *c, int64_t project_id)
{
	scoped(record_unref) struct record *project = NULL;
	int r = tx_get(c->tx, KIND_project, project_id, &project);

	if (r > 0)
		return refuse_missing_project(c, project_id);
	if (r == 0)
		r = check_role(c, project);
	if (r < 0)
		return r;
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = take_ptr(project);
	return 0;
}

/* ---- accounts ---- */

static int enter_account(struct call *c, const struct record *account)
{
	scoped(record_unref) struct record *membership = NULL;

	if (c->who.trusted)
		return 0;
	if (is_anonymous(c))
		return refuse_credentials(c, token_fix);
	int r = accounts_find_membership(c->tx, record_id(account), c->who.person_id, &membership);

	if (r < 0)
		return r;
	enum role role = r == 0 && accounts_is_admin(membership) ? ROLE_OWNER : ROLE_VIEWER;

	return r == 0 && is_enough(role, c->route->access) ? 0 : auth_refuse(c);
}

/* ---- the path ---- */

static bool belongs_to(const struct record *r, int key, const struct record *parent)
{
	return record_int(r, key, 0) == record_id(parent);
}

/* Does it belong to what the path named before it? */
static int check_parent(struct call *c, const struct record *r)
{
	const struct resource *res = schema_resource(record_kind(r));
	bool belongs = true;

	if (record_kind(r) == KIND_account)
		return enter_account(c, r);
	if (res->whose && !c->who.trusted && record_int(r, res->whose, 0) != c->who.person_id)
		return auth_refuse(c);
	if (res->parent && c->at[res->parent])
		belongs = belongs_to(r, res->parent_key, c->at[res->parent]);
	else if (res->parent2 && c->at[res->parent2])
		belongs = belongs_to(r, res->parent2_key, c->at[res->parent2]);
	else if (res->parent == KIND_project)
		return auth_enter_project(c, record_int(r, res->parent_key, 0));
	return belongs ? 0 : v5_error_set(&c->error, V5_unfound_resource);
}

static int load(struct call *c, enum kind kind, int64_t id)
{
	scoped(record_unref) struct record *r = NULL;

	c->ids[kind] = id;
	if (kind == KIND_none)
		return 0;
	if (!id)
		return v5_error_set(&c->error, V5_unfound_resource);
	/* Persons are named alone; what is not kept (an iteration) cannot be loaded. */
	if (kind == KIND_person || !(schema_field(kind, 0)->flags & FIELD_KEEP))
		return 0;
	if (kind == KIND_project)
		return auth_enter_project(c, id);
	int e = tx_get(c->tx, kind, id, &r);

	if (e > 0)
		return v5_error_set(&c->error, V5_unfound_resource);
	if (e == 0)
		e = check_parent(c, r);
	if (e == 0)
		c->at[kind] = take_ptr(r);
	return e;
}

int auth_load_path(struct call *c, const struct route_match *match)
{
	int r = 0;

	if (c->route->access == PERSON && is_anonymous(c))
		return refuse_credentials(c, token_fix);
	for (int i = 0; r == 0 && i < match->n; i++) {
		if (match->ids[i].kind == KIND_account && !match->ids[i].is_number)
			return v5_error_problem(&c->error, "The id isn't valid");
		if (match->ids[i].kind == KIND_none && !match->ids[i].is_number)
			return v5_error_set(&c->error, V5_unfound_resource);
		r = load(c, match->ids[i].kind, match->ids[i].id);
	}
	return r;
}
