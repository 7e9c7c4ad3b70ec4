/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may call what, and who gets to see what: each row of routes.def is asked as each sort of
 * person, of a private and of a public project, and must answer as its access says. A new row is
 * tested without being named here. What a private project holds (a word in each of its texts) must
 * come out nowhere.
 */
#include "served.h"

#include "route.h"

static const struct route rows[] = {
#define ROUTE(verb, pattern, handler, who, what, ...) \
	{ .method = HTTP_##verb, .path = pattern, .access = who, .kind = what, ##__VA_ARGS__ },
#include "routes.def"
};

#define each_row(row) \
	for (const struct route *row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++)

static const char secret[] = "zanzibar";

/* ---- a project with one of everything ---- */

static void fill_texts(struct record *r)
{
	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);

		if (field->type == TYPE_XSTRING && field->flags & FIELD_KEEP)
			record_set_text(r, f, secret);
	}
}

static void give_to_ada(struct record *r)
{
	int whose = schema_resource(record_kind(r))->whose;

	if (whose)
		record_set_int(r, whose, ADA);
}

static void fill_parents(struct record *r)
{
	const struct resource *res = schema_resource(record_kind(r));

	if (res->parent)
		record_set_int(r, res->parent_key, 1);
	give_to_ada(r);
	if (record_kind(r) == KIND_workspace)
		record_set_ids(r, F_workspace_project_ids, &(struct ids){ 1, (int64_t[]){ 1 } });
}

static bool is_kept(enum kind kind)
{
	const struct resource *res = schema_resource(kind);

	return res->n_fields && res->fields[0].flags & FIELD_KEEP && !res->plain;
}

/* Id 1 of each kind that there is none of, below project 1 if it belongs to one; what is one
 * person's alone is Ada's. */
static void put_one_of_each(struct served *s)
{
	struct tx *tx;

	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		scoped(record_unref) struct record *there = NULL;
		scoped(record_unref) struct record *r = NULL;

		if (!is_kept(kind))
			continue;
		if (tx_get(tx, kind, 1, &there) == 0) {
			r = record_copy(there);
			give_to_ada(r);
		} else {
			r = record_new(kind);
			record_set_int(r, 0, 1);
			fill_texts(r);
			fill_parents(r);
		}
		assert_int_equal(tx_put(tx, r), 0);
	}
	assert_int_equal(tx_commit(tx), 0);
}

static void fill(struct served *s)
{
	scoped(free_ptr) char *story = xasprintf(
		"{\"name\":\"%s\",\"description\":\"%s\",\"labels\":[\"%s\"],\"owner_ids\":[2,4],"
		"\"tasks\":[{\"description\":\"%s\"}],\"comments\":[{\"text\":\"%s\"}]}",
		secret, secret, secret, secret, secret);
	scoped(free_ptr) char *name =
		xasprintf("{\"name\":\"%s\",\"description\":\"%s\"}", secret, secret);

	expect(s, "POST /projects/1/memberships", "{\"person_id\":4,\"role\":\"member\"}", 200);
	expect(s, "PUT /projects/1", name, 200);
	expect(s, "POST /my/workspaces", "{\"name\":\"Ada's\",\"project_ids\":[1]}", 200);
	s->who = DAN;
	expect(s, "POST /projects/1/stories", story, 200);
	expect(s, "POST /projects/1/epics", name, 200);
	expect(s, "POST /my/workspaces", "{\"name\":\"Dan's\",\"project_ids\":[1]}", 200);
	s->who = ADA;
	expect(s, "PUT /stories/1", "{\"current_state\":\"started\",\"estimate\":1}", 200);
	expect(s, "DELETE /accounts/1/memberships/4", NULL, 204);
	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Dan's own\"}", 200);
	put_one_of_each(s);
}

static void set_public(struct served *s, bool public)
{
	s->who = ADA;
	expect(s, "PUT /projects/1", public ? "{\"public\":true}" : "{\"public\":false}", 200);
}

/* ---- requests ---- */

static bool is_segment(const char *pattern, size_t len, const char *segment)
{
	return strlen(segment) == len && strncmp(pattern, segment, len) == 0;
}

/* Ben among the persons, Dan's own workspace when he asks for his own; else the first there is. */
static void add_path(const struct route *row, bool own, struct buf *b)
{
	for (const char *p = row->path; *p;) {
		size_t len = strcspn(p, "{");

		buf_add(b, p, len);
		p += len;
		len = *p ? strcspn(p, "}") + 1 : 0;
		if (len)
			buf_add_str(b, is_segment(p, len, "{person}") ||
						       (own && is_segment(p, len, "{workspace}"))
					       ? "2"
					       : "1");
		p += len;
	}
}

/* own: what is one person's alone is Dan's, not Ada's. */
static int ask(
	struct served *s, enum who_asks who, const struct route *row, bool own, const char *query)
{
	scoped(buf_fini) struct buf request = BUF_INIT;

	buf_add_fmt(&request, "%s ", http_method_name(row->method));
	add_path(row, own, &request);
	buf_add_str(&request, query);
	s->who = who;
	served_send(s, buf_str(&request), NULL, NULL);
	return s->response.status;
}

/* ---- who may ---- */

static bool has_segment(const struct route *row, const char *segment)
{
	return strstr(row->path, segment) != NULL;
}

/* Is the path that of something which is one person's alone? Here it is Ada's. */
static bool is_private(const struct route *row)
{
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		scoped(free_ptr) char *segment = xasprintf("{%s}", schema_resource(kind)->name);

		if (schema_resource(kind)->whose && has_segment(row, segment))
			return true;
	}
	return false;
}

static bool is_allowed(const struct route *row, enum who_asks who, bool public)
{
	static const int ranks[] = { [ADA] = OWNER, [BEN] = MEMBER, [CLEO] = READER };
	bool member = who == ADA || who == BEN || who == CLEO;

	if (row->access == PERSON)
		return who != NOBODY && (!is_private(row) || who == ADA);
	if (has_segment(row, "{account}") || is_private(row))
		return who == ADA;
	return member ? ranks[who] >= (int)row->access : public && row->access == READER;
}

/* Does the path lead through a project? Else the handler finds out whose it is. */
static bool is_rooted(const struct route *row)
{
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		scoped(free_ptr) char *segment = xasprintf("{%s}", schema_resource(kind)->name);
		bool root = kind == KIND_project || kind == KIND_account ||
			    schema_resource(kind)->parent == KIND_project ||
			    schema_resource(kind)->whose;

		if (root && has_segment(row, segment))
			return true;
	}
	return row->access == PERSON;
}

/* A parameter that no route takes: what gets this far may call, and does nothing. */
static void expect_row(struct served *s, const struct route *row, enum who_asks who, bool public)
{
	static const char *const names[] = { "", "owner", "member", "viewer", "stranger",
		"nobody" };
	bool allowed = is_allowed(row, who, public);
	int status = ask(s, who, row, false, allowed || is_rooted(row) ? "?nonsense=1" : "");

	if (allowed ? status != 400 && status != 404 : status != 403)
		fail_msg("%s %s, %s of a %s project: %d where it is %s: %s",
			http_method_name(row->method), row->path, names[who],
			public ? "public" : "private", status, allowed ? "allowed" : "not allowed",
			buf_str(&s->response.body));
}

static void each_route_lets_in_whom_its_row_says(void **state)
{
	struct served *s = *state;

	fill(s);
	for (int public = 0; public < 2; public ++) {
		set_public(s, public);
		each_row(row)
		{
			for (enum who_asks who = ADA; who <= NOBODY; who++)
				expect_row(s, row, who, public);
		}
	}
}

/* ---- what is told ---- */

/* `:default` and each field there is, with the whole of what is nested in it. */
static void add_fields(enum kind kind, int depth, struct buf *b)
{
	buf_add_str(b, ":default");
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);
		bool nested = field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS;

		if (field->flags & FIELD_HIDDEN)
			continue;
		buf_add_fmt(b, ",%s", field->key);
		if (!nested || !depth)
			continue;
		buf_add_char(b, '(');
		add_fields(field->of, depth - 1, b);
		buf_add_char(b, ')');
	}
}

static void expect_untold(struct served *s, const struct route *row, const char *what)
{
	static const enum who_asks strangers[] = { DAN, NOBODY };

	for (int depth = 0; depth < 3; depth++) {
		scoped(buf_fini) struct buf query = BUF_INIT;

		buf_add_str(&query, "?fields=");
		add_fields(row->kind, depth, &query);
		for (size_t i = 0; i < 2; i++) {
			ask(s, strangers[i], row, true, depth ? buf_str(&query) : "");
			if (strstr(buf_str(&s->response.body), what))
				fail_msg("%s%s tells it: %s", row->path, buf_str(&query),
					buf_str(&s->response.body));
		}
	}
}

static void a_private_project_is_told_of_nowhere(void **state)
{
	struct served *s = *state;

	fill(s);
	each_row(row)
	{
		if (row->method == HTTP_GET)
			expect_untold(s, row, secret);
	}
}

static void guests_of_a_public_project_see_no_addresses(void **state)
{
	struct served *s = *state;

	fill(s);
	set_public(s, true);
	s->who = DAN;
	expect(s, "PUT /me", "{\"email\":\"dan@elsewhere.net\"}", 200);
	expect(s, "GET /my/workspaces/2", NULL, 200);
	expect(s, "GET /projects/1/stories/1?fields=owners", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "owners")), 2);
	each_row(row)
	{
		if (row->method == HTTP_GET)
			expect_untold(s, row, "@example.org");
	}
	s->who = CLEO;
	expect(s, "GET /projects/1/stories/1?fields=owners", NULL, 200);
	assert_non_null(strstr(buf_str(&s->response.body), "@example.org"));
}

/* The word is there to be told: its own people see it. */
static void a_member_is_told_of_it(void **state)
{
	struct served *s = *state;
	int n = 0;

	fill(s);
	each_row(row)
	{
		if (row->method != HTTP_GET)
			continue;
		ask(s, BEN, row, false, "");
		n += strstr(buf_str(&s->response.body), secret) != NULL;
	}
	assert_true(n > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(each_route_lets_in_whom_its_row_says),
		served_test(a_private_project_is_told_of_nowhere),
		served_test(guests_of_a_public_project_see_no_addresses),
		served_test(a_member_is_told_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
