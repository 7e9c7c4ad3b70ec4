/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After any history: what is tallied is what counting anew gives, versions have no gap, and the
 * activity, applied item by item, says what each resource was before and ends with what it is.
 */
#include <sqlite3.h>

#include "served.h"

enum { N_COMMANDS = 400, N_SEEDS = 3, N_NAMES = 6 };

/* ---- counted anew ---- */

static sqlite3 *open_file(const struct served *s)
{
	scoped(free_ptr) char *path = xasprintf("%s/a.db", s->dir);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void run_sql(const struct served *s, const char *sql)
{
	sqlite3 *db = open_file(s);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int number(const struct served *s, const char *sql)
{
	sqlite3 *db = open_file(s);
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int n = sqlite3_column_int(stmt, 0);

	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

#define STORIES                                                                        \
	"SELECT ifnull(project_id, 0), ifnull(current_state, ''), count(*) FROM story" \
	" GROUP BY 1, 2"
#define LABELS                                                                         \
	"SELECT target, ifnull(current_state, ''), ifnull(estimate, 0.0), count(*)"    \
	" FROM story JOIN refs USING(id) WHERE kind = 'story' AND field = 'label_ids'" \
	" GROUP BY 1, 2, 3"
#define DIFFERENCE(a, b) "SELECT count(*) FROM (SELECT * FROM (" a ") EXCEPT " b ")"

static void expect_tallies(const struct served *s)
{
	assert_int_equal(number(s, DIFFERENCE(STORIES, "SELECT * FROM story_tally")), 0);
	assert_int_equal(number(s, DIFFERENCE("SELECT * FROM story_tally", STORIES)), 0);
	assert_int_equal(number(s, DIFFERENCE(LABELS, "SELECT * FROM label_tally")), 0);
	assert_int_equal(number(s, DIFFERENCE("SELECT * FROM label_tally", LABELS)), 0);
}

/* ---- a history ---- */

struct history {
	struct served *s;
	unsigned seed;
	json_t *ids;   /* of stories that were made */
	int n_refused; /* commands that the rules did not allow */
};

static int below(struct history *h, int n)
{
	return (int)((unsigned)rand_r(&h->seed) % (unsigned)n);
}

static int64_t any_story(struct history *h)
{
	size_t n = json_array_size(h->ids);

	return n ? json_integer_value(json_array_get(h->ids, (size_t)below(h, (int)n))) : 0;
}

static void add_labels(struct history *h, struct buf *ret)
{
	int n = below(h, 4);

	buf_add_str(ret, "\"labels\":[");
	for (int i = 0; i < n; i++)
		buf_add_fmt(ret, "%s\"label %d\"", i ? "," : "", below(h, N_NAMES));
	buf_add_char(ret, ']');
}

/* Some fields of a story; the rules may refuse them together. */
static void add_fields(struct history *h, struct buf *ret)
{
	static const char *const states[] = { "accepted", "delivered", "finished", "started",
		"rejected", "unstarted", "unscheduled" };
	static const char *const types[] = { "feature", "bug", "chore" };

	buf_add_fmt(ret, "{\"name\":\"Story %d\"", below(h, 1000));
	if (below(h, 2))
		buf_add_fmt(ret, ",\"current_state\":\"%s\"", states[below(h, 7)]);
	if (below(h, 2))
		buf_add_fmt(ret, ",\"estimate\":%d", below(h, 4));
	else if (!below(h, 8))
		buf_add_str(ret, ",\"estimate\":null");
	if (!below(h, 6))
		buf_add_fmt(ret, ",\"story_type\":\"%s\"", types[below(h, 3)]);
	if (!below(h, 4))
		buf_add_fmt(ret, ",\"description\":\"text %d\"", below(h, 9));
	if (!below(h, 4))
		buf_add_fmt(ret, ",\"owner_ids\":[%d,%d]", 1 + below(h, 2), 1 + below(h, 2));
	if (!below(h, 5) && json_array_size(h->ids))
		buf_add_fmt(ret, ",\"%s\":%lld", below(h, 2) ? "after_id" : "before_id",
			(long long)any_story(h));
	if (below(h, 2)) {
		buf_add_char(ret, ',');
		add_labels(h, ret);
	}
	buf_add_char(ret, '}');
}

/* Send it; what is refused leaves everything as it was. */
static bool try(struct history *h, const char *request, const char *body)
{
	served_send(h->s, request, body, NULL);
	if (h->s->response.status < 300)
		return true;
	if (h->s->response.status >= 500)
		fail_msg("%s answered %s", request, buf_str(&h->s->response.body));
	h->n_refused++;
	return false;
}

static void make_one(struct history *h)
{
	scoped(buf_fini) struct buf body = BUF_INIT;

	add_fields(h, &body);
	if (try(h, "POST /projects/1/stories", body.data))
		json_array_append_new(h->ids, json_integer(number_at(h->s, "id")));
}

static void change_one(struct history *h)
{
	scoped(free_ptr) char *request = xasprintf("PUT /stories/%lld", (long long)any_story(h));
	scoped(buf_fini) struct buf body = BUF_INIT;

	add_fields(h, &body);
	try(h, request, body.data);
}

static void delete_one(struct history *h)
{
	size_t n = json_array_size(h->ids), at = n ? (size_t)below(h, (int)n) : 0;
	scoped(free_ptr) char *request = xasprintf(
		"DELETE /stories/%lld", (long long)json_integer_value(json_array_get(h->ids, at)));

	if (n && try(h, request, NULL))
		json_array_remove(h->ids, at);
}

/* Into a project of its own, or back. */
static void move_one(struct history *h)
{
	scoped(free_ptr) char *request = xasprintf("PUT /stories/%lld", (long long)any_story(h));
	scoped(free_ptr) char *body = xasprintf("{\"project_id\":%d}", 1 + below(h, 2));

	try(h, request, body);
}

static void change_label(struct history *h)
{
	expect(h->s, "GET /projects/1/labels", NULL, 200);
	size_t n = json_array_size(h->s->json);

	if (!n)
		return;
	json_t *label = json_array_get(h->s->json, (size_t)below(h, (int)n));
	int64_t id = json_integer_value(json_object_get(label, "id"));
	bool is_deleted = below(h, 2);
	scoped(free_ptr) char *request = xasprintf(
		"%s /projects/1/labels/%lld", is_deleted ? "DELETE" : "PUT", (long long)id);
	scoped(free_ptr) char *body = xasprintf("{\"name\":\"label %d\"}", below(h, N_NAMES));

	try(h, request, is_deleted ? NULL : body);
}

static void act(struct history *h)
{
	int what = below(h, 20);

	if (what < 6)
		make_one(h);
	else if (what < 17)
		change_one(h);
	else if (what == 17)
		delete_one(h);
	else if (what == 18)
		change_label(h);
	else
		move_one(h);
}

static void live(struct history *h)
{
	h->n_refused = 0;
	for (int i = 0; i < N_COMMANDS; i++) {
		clock_set_fixed(NOW_MS + i * INT64_C(3600000));
		act(h);
		if (i % 50 == 0)
			expect_tallies(h->s);
	}
	expect_tallies(h->s);
	assert_true(json_array_size(h->ids) > N_COMMANDS / 8);
	assert_true(h->n_refused < N_COMMANDS / 2);
}

/* ---- its activity ---- */

/* What is known of a resource, by `kind id`. */
static json_t *known(json_t *all, const json_t *change)
{
	scoped(free_ptr) char *key =
		xasprintf("%s %lld", json_string_value(json_object_get(change, "kind")),
			(long long)json_integer_value(json_object_get(change, "id")));
	json_t *one = json_object_get(all, key);

	if (!one)
		json_object_set_new(all, key, one = json_object());
	return one;
}

/* Places move with others' moves, and labels' names with the labels, untold. */
static bool is_told(const char *key)
{
	return strcmp(key, "before_id") != 0 && strcmp(key, "after_id") != 0 &&
	       strcmp(key, "labels") != 0;
}

static bool holds(const json_t *list, const json_t *item)
{
	size_t i;
	json_t *other;

	json_array_foreach(list, i, other)
	{
		if (json_equal(other, item))
			return true;
	}
	return false;
}

/* Labels are told by their names' order, which moves with the names. */
static bool is_same(const char *key, const json_t *a, const json_t *b)
{
	size_t i;
	json_t *item;

	if (strcmp(key, "label_ids") != 0)
		return json_equal(a, b);
	json_array_foreach(a, i, item)
	{
		if (!holds(b, item))
			return false;
	}
	return json_array_size(a) == json_array_size(b);
}

static void apply(json_t *all, const json_t *change)
{
	json_t *one = known(all, change), *values = json_object_get(change, "original_values");
	const char *type = json_string_value(json_object_get(change, "change_type")), *key;
	json_t *value;

	if (strcmp(type, "create") == 0 || strcmp(type, "delete") == 0)
		json_object_clear(one);
	json_object_foreach(values, key, value)
	{
		json_t *was = json_object_get(one, key);

		if (is_told(key) && !(was ? is_same(key, was, value) : json_is_null(value)))
			fail_msg("%s was not as told: %s", key, json_dumps(change, 0));
	}
	json_object_update(one, json_object_get(change, "new_values"));
}

static void apply_item(json_t *all, const json_t *item)
{
	size_t i;
	json_t *change;

	json_array_foreach(json_object_get(item, "changes"), i, change) apply(all, change);
}

/* All of it, oldest first, checking that no version is missing. */
static json_t *replay(struct served *s)
{
	int64_t n = version_of(s);
	json_t *items = json_array(), *all = json_object();

	while ((int64_t)json_array_size(items) < n) {
		scoped(free_ptr) char *request = xasprintf(
			"GET /projects/1/activity?limit=100&offset=%zu", json_array_size(items));

		expect(s, request, NULL, 200);
		assert_true(json_array_size(s->json) > 0);
		json_array_extend(items, s->json);
	}
	for (int64_t version = 1; version <= n; version++) {
		json_t *item = json_array_get(items, (size_t)(n - version));

		assert_int_equal(
			json_integer_value(json_object_get(item, "project_version")), version);
		apply_item(all, item);
	}
	json_decref(items);
	return all;
}

/* Each resource of an answer, in what is asked of it. */
static void expect_known(struct served *s, json_t *all, const char *request)
{
	size_t i;
	json_t *now, *value;

	expect(s, request, NULL, 200);
	assert_true(json_array_size(s->json) > 0);
	json_array_foreach(s->json, i, now)
	{
		json_t *one = known(all, now);
		const char *key;

		json_object_foreach(now, key, value)
		{
			if (strcmp(key, "kind") != 0 &&
				!is_same(key, json_object_get(one, key), value))
				fail_msg("%s is not as told: %s, but %s", key, json_dumps(now, 0),
					json_dumps(one, 0));
		}
	}
}

static void tallies_versions_and_activity_hold_after_any_history(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= N_SEEDS; seed++) {
		void *served;

		served_set_up(&served);
		struct history h = { .s = served, .seed = seed, .ids = json_array() };

		expect(h.s, "POST /projects", "{\"name\":\"Sun\"}", 200);
		live(&h);
		json_t *all = replay(h.s);

		expect_known(h.s, all,
			"GET /projects/1/stories?limit=1000&fields=kind,name,current_state,story_type,"
			"label_ids,owner_ids,updated_at");
		expect_known(h.s, all, "GET /projects/1/labels?fields=kind,name,counts");
		json_decref(all);
		json_decref(h.ids);
		served_tear_down(&served);
	}
}

/* ---- files ---- */

static void reopen(struct served *s)
{
	scoped(free_ptr) char *path = xasprintf("%s/a.db", s->dir);
	scoped(buf_fini) struct buf reason = BUF_INIT;

	server_free(s->server);
	archive_close(s->archive);
	s->server = NULL;
	s->archive = NULL;
	assert_int_equal(archive_open(path, ARCHIVE_EXISTING, &s->archive, &reason), 0);
	assert_int_equal(server_new(s->archive, NULL, &s->server), 0);
}

static void an_older_file_is_counted_when_it_is_opened(void **state)
{
	struct served *s = *state;
	struct history h = { .s = s, .seed = 7, .ids = json_array() };

	expect(s, "POST /projects", "{\"name\":\"Sun\"}", 200);
	live(&h);
	run_sql(s, "DROP TRIGGER story_is_made; DROP TRIGGER story_is_moved;"
		   "DROP TRIGGER story_counts_otherwise; DROP TRIGGER story_is_deleted;"
		   "DROP TRIGGER label_is_put; DROP TRIGGER label_is_taken;"
		   "DROP TABLE story_tally; DROP TABLE label_tally");
	assert_int_equal(number(s, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 0);
	reopen(s);
	expect_tallies(s);
	assert_true(number(s, "SELECT count(*) FROM label_tally") > 0);
	live(&h);
	reopen(s);
	expect_tallies(s);
	json_decref(h.ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tallies_versions_and_activity_hold_after_any_history),
		served_test(an_older_file_is_counted_when_it_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
