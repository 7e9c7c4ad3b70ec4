/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Webhooks: the resource, what a webhook is owed, how failures are waited out. */
#include <errno.h>

#include "served.h"
#include "webhook_send.h"

enum { MOST_POSTS = 64 };

static const int64_t day_ms = 24 * 60 * 60 * 1000;

/* Receivers: what they were sent, and what they answer. */
struct receivers {
	struct transport base;
	int outcome; /* of the next posts: -errno, or a status */
	const char *answer;
	int n_posts;
	char *origins[MOST_POSTS];
	char *targets[MOST_POSTS];
	json_t *bodies[MOST_POSTS];
	char *origin;
	char *content_type;
};

static struct receivers world;

static int take_post(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	(void)t;
	assert_true(world.n_posts < MOST_POSTS);
	assert_int_equal(req->method, HTTP_POST);
	assert_true(limit->deadline_ms > 0);
	world.origins[world.n_posts] = xstrdup(world.origin);
	world.targets[world.n_posts] = xstrdup(req->target);
	world.bodies[world.n_posts] = json_loadb(req->body.data, req->body.len, 0, NULL);
	assert_non_null(world.bodies[world.n_posts++]);
	free(world.content_type);
	world.content_type = xstrdup(http_headers_get(&req->headers, "Content-Type"));
	if (world.outcome < 0)
		return world.outcome;
	ret->status = world.outcome;
	buf_add_str(&ret->body, world.answer ? world.answer : "");
	return 0;
}

static void free_nothing(struct transport *t)
{
	(void)t;
}

static int connect_world(void *data, const char *origin, struct transport **ret)
{
	(void)data;
	free(world.origin);
	world.origin = xstrdup(origin);
	*ret = &world.base;
	return 0;
}

static int set_up(void **state)
{
	world = (struct receivers){ .base = { take_post, free_nothing }, .outcome = 200 };
	return served_set_up(state);
}

static int tear_down(void **state)
{
	for (int i = 0; i < world.n_posts; i++) {
		free(world.origins[i]);
		free(world.targets[i]);
		json_decref(world.bodies[i]);
	}
	free(world.origin);
	free(world.content_type);
	return served_tear_down(state);
}

#define webhook_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static int64_t make_webhook(struct served *s, const char *url)
{
	scoped(free_ptr) char *body = xasprintf("{\"webhook_url\":\"%s\"}", url);

	expect(s, "POST /projects/1/webhooks", body, 200);
	return number_at(s, "id");
}

static enum webhook_outcome send_next(struct served *s, int64_t id)
{
	struct webhook_sender_config config = { .archive = s->archive, .connect = connect_world };
	scoped(webhook_line_fini) struct webhook_line line = { 0 };
	struct call_limit limit = { 0 };
	enum webhook_outcome outcome;
	int r = webhook_send_next(&config, id, &line, &limit, &outcome);

	assert_int_equal(r, world.outcome == -EINTR ? -EINTR : 0);
	return outcome;
}

/* How many webhooks may be told now, and when the next of the others may be. */
static size_t count_due(struct served *s, int64_t *ret_next)
{
	scoped(webhook_due_fini) struct webhook_due due = { 0 };
	scoped(webhook_due_fini) struct webhook_due failing = { 0 };
	int64_t next;
	struct tx *tx;

	assert_int_equal(tx_begin(s->archive, TX_READ, &tx), 0);
	assert_int_equal(webhook_list_due(tx, clock_now_ms(), &due, &failing, &next), 0);
	tx_abort(tx);
	if (ret_next)
		*ret_next = next;
	return due.ids.n + failing.ids.n;
}

static void get_webhook(struct served *s, int64_t id)
{
	scoped(free_ptr) char *path = xasprintf("GET /projects/1/webhooks/%lld", (long long)id);

	expect(s, path, NULL, 200);
}

static void put_webhook(struct served *s, int64_t id, const char *body)
{
	scoped(free_ptr) char *path = xasprintf("PUT /projects/1/webhooks/%lld", (long long)id);

	expect(s, path, body, 200);
}

static const char *sent_name(int i)
{
	return json_string_value(find_at(world.bodies[i], "primary_resources.0.name"));
}

/* ---- the resource ---- */

static void a_webhook_is_made_read_changed_and_deleted(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);
	int64_t id = make_webhook(s, "https://example.org/hook?key=1");

	assert_string_equal(text_at(s, "kind"), "webhook");
	assert_int_equal(number_at(s, "project_id"), 1);
	assert_string_equal(text_at(s, "webhook_url"), "https://example.org/hook?key=1");
	assert_string_equal(text_at(s, "webhook_version"), "v5");
	assert_true(json_is_true(find_at(s->json, "enabled")));
	assert_string_equal(text_at(s, "created_at"), NOW_TEXT);
	assert_false(has_at(s, "sent_version"));
	make_webhook(s, "http://other.example.org");
	expect(s, "GET /projects/1/webhooks", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	put_webhook(s, id, "{\"webhook_url\":\"http://example.org/b\",\"enabled\":false}");
	get_webhook(s, id);
	assert_string_equal(text_at(s, "webhook_url"), "http://example.org/b");
	assert_true(json_is_false(find_at(s->json, "enabled")));
	expect(s, "DELETE /projects/1/webhooks/1", NULL, 204);
	expect_code(s, "GET /projects/1/webhooks/1", NULL, "unfound_resource");
	assert_int_equal(version_of(s), version);
}

static void only_owners_see_webhooks(void **state)
{
	struct served *s = *state;

	make_webhook(s, "https://example.org/");
	for (s->who = BEN; s->who <= DAN; s->who++) {
		expect_code(s, "GET /projects/1/webhooks", NULL, "unauthorized_operation");
		expect_code(s, "GET /projects/1/webhooks/1", NULL, "unauthorized_operation");
		expect_code(s, "POST /projects/1/webhooks", "{\"webhook_url\":\"http://a.b/\"}",
			"unauthorized_operation");
		expect_code(s, "DELETE /projects/1/webhooks/1", NULL, "unauthorized_operation");
	}
}

static void a_url_is_http_without_a_password(void **state)
{
	static const char *const bad[] = { "ftp://example.org/", "example.org", "http://",
		"http:///path", "https://me:secret@example.org/", "http://a b/", "http://a/\\u00e4",
		"file:///etc/passwd", "http://:80/" };
	struct served *s = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scoped(free_ptr) char *body = xasprintf("{\"webhook_url\":\"%s\"}", bad[i]);

		expect_requirement(
			s, "POST /projects/1/webhooks", body, "Webhook must be a valid URL.");
	}
	expect_problem(s, "POST /projects/1/webhooks", "{}",
		"this endpoint requires the parameter: webhook_url");
	make_webhook(s, "http://example.org");
	expect_problem(s, "PUT /projects/1/webhooks/1", "{}",
		"this endpoint requires at least one of the following parameters: enabled, "
		"webhook_url, webhook_version");
}

static void v3_is_refused(void **state)
{
	struct served *s = *state;

	expect_problem(s, "POST /projects/1/webhooks",
		"{\"webhook_url\":\"http://a.b/\",\"webhook_version\":\"v3\"}",
		"'webhook_version' must be one of: v5");
}

/* ---- what is sent ---- */

static void an_item_is_sent_as_activity_in_millis(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "https://example.org:8443/in?key=1#x");

	make(s, "first", "unstarted");
	assert_int_equal(send_next(s, id), WEBHOOK_TOLD);
	assert_int_equal(world.n_posts, 1);
	assert_string_equal(world.origins[0], "https://example.org:8443");
	assert_string_equal(world.targets[0], "/in?key=1");
	assert_string_equal(world.content_type, "application/json");
	expect(s, "GET /projects/1/activity?limit=1&date_format=millis", NULL, 200);
	assert_true(json_equal(world.bodies[0], json_array_get(s->json, 0)));
	assert_int_equal(json_integer_value(find_at(world.bodies[0], "occurred_at")), NOW_MS);
	assert_int_equal(
		json_integer_value(find_at(world.bodies[0], "changes.0.new_values.created_at")),
		NOW_MS);
	assert_int_equal(send_next(s, id), WEBHOOK_NOTHING);
	assert_int_equal(world.n_posts, 1);
}

static void items_come_in_order_to_each_webhook(void **state)
{
	struct served *s = *state;
	int64_t a = make_webhook(s, "http://a.example.org/");
	int64_t b = make_webhook(s, "http://b.example.org/");

	make(s, "one", "unstarted");
	make(s, "two", "unstarted");
	make(s, "three", "unstarted");
	assert_int_equal(count_due(s, NULL), 2);
	while (send_next(s, a) == WEBHOOK_TOLD)
		;
	while (send_next(s, b) == WEBHOOK_TOLD)
		;
	assert_int_equal(world.n_posts, 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(sent_name(i), i % 3 == 0   ? "one"
						  : i % 3 == 1 ? "two"
							       : "three");
	assert_int_equal(count_due(s, NULL), 0);
}

static void what_happened_before_is_not_sent(void **state)
{
	struct served *s = *state;

	make(s, "before", "unstarted");
	int64_t id = make_webhook(s, "http://a.example.org/");

	assert_int_equal(count_due(s, NULL), 0);
	assert_int_equal(send_next(s, id), WEBHOOK_NOTHING);
	make(s, "after", "unstarted");
	assert_int_equal(send_next(s, id), WEBHOOK_TOLD);
	assert_string_equal(sent_name(0), "after");
}

static void what_was_refused_is_not_told(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	expect(s, "POST /projects/1/stories", "{\"name\":\"\"}", 400);
	assert_int_equal(count_due(s, NULL), 0);
	assert_int_equal(send_next(s, id), WEBHOOK_NOTHING);
}

static void a_cut_between_post_and_mark_sends_again(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	make(s, "one", "unstarted");
	make(s, "two", "unstarted");
	world.outcome = -EINTR;
	send_next(s, id);
	world.outcome = 200;
	while (send_next(s, id) == WEBHOOK_TOLD)
		;
	assert_int_equal(world.n_posts, 3);
	assert_string_equal(sent_name(0), "one");
	assert_string_equal(sent_name(1), "one");
	assert_string_equal(sent_name(2), "two");
}

/* ---- failures ---- */

static void a_failure_is_kept_and_waited_out(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/"), next;

	make(s, "one", "unstarted");
	world.outcome = 503;
	world.answer = "try\nlater";
	assert_int_equal(send_next(s, id), WEBHOOK_FAILED);
	get_webhook(s, id);
	assert_string_equal(text_at(s, "last_error_code"), "503");
	assert_string_equal(text_at(s, "last_response_body"), "try later");
	assert_true(json_is_true(find_at(s->json, "enabled")));
	assert_int_equal(count_due(s, &next), 0);
	assert_in_range(next, NOW_MS + 500, NOW_MS + 1000);
	clock_set_fixed(next);
	assert_int_equal(count_due(s, NULL), 1);
	world.outcome = 200;
	assert_int_equal(send_next(s, id), WEBHOOK_TOLD);
	assert_string_equal(sent_name(1), "one");
	assert_int_equal(count_due(s, NULL), 0);
}

static void waits_double_to_an_hour(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/"), most = 1000, next;

	make(s, "one", "unstarted");
	world.outcome = -ECONNREFUSED;
	for (int i = 0; i < 14; i++) {
		assert_int_equal(send_next(s, id), WEBHOOK_FAILED);
		assert_int_equal(count_due(s, &next), 0);
		assert_in_range(next - clock_now_ms(), most / 2, most);
		most = most * 2 < 3600000 ? most * 2 : 3600000;
		clock_set_fixed(next);
	}
	get_webhook(s, id);
	assert_string_equal(text_at(s, "last_error_code"), "connection_refused");
	assert_false(has_at(s, "last_response_body"));
}

/* Fail until the webhook is parked, for more than a day. */
static void park(struct served *s, int64_t id)
{
	int64_t began = clock_now_ms(), next = 0;

	for (int i = 0; i < 60; i++) {
		assert_int_equal(send_next(s, id), WEBHOOK_FAILED);
		count_due(s, &next);
		if (!next)
			break;
		clock_set_fixed(next);
	}
	assert_int_equal(next, 0);
	assert_in_range(clock_now_ms() - began, day_ms, day_ms + 3600000);
	get_webhook(s, id);
	assert_true(json_is_false(find_at(s->json, "enabled")));
	assert_true(has_at(s, "last_error_code"));
}

static void a_day_of_failures_parks_it_and_loses_nothing(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	make(s, "one", "unstarted");
	world.outcome = -EHOSTUNREACH;
	park(s, id);
	make(s, "two", "unstarted");
	world.outcome = 200;
	assert_int_equal(send_next(s, id), WEBHOOK_NOTHING);
	int n = world.n_posts;

	put_webhook(s, id, "{\"enabled\":true}");
	assert_int_equal(count_due(s, NULL), 1);
	while (send_next(s, id) == WEBHOOK_TOLD)
		;
	assert_int_equal(world.n_posts, n + 2);
	assert_string_equal(sent_name(n), "one");
	assert_string_equal(sent_name(n + 1), "two");
}

static void what_an_owner_turns_off_is_owed_nothing(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	make(s, "one", "unstarted");
	world.outcome = 500;
	park(s, id);
	world.outcome = 200;
	put_webhook(s, id, "{\"enabled\":false}");
	make(s, "two", "unstarted");
	put_webhook(s, id, "{\"enabled\":true}");
	make(s, "three", "unstarted");
	int n = world.n_posts;

	while (send_next(s, id) == WEBHOOK_TOLD)
		;
	assert_int_equal(world.n_posts, n + 1);
	assert_string_equal(sent_name(n), "three");
}

static void a_new_url_is_tried_at_once(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	make(s, "one", "unstarted");
	world.outcome = -EACCES;
	assert_int_equal(send_next(s, id), WEBHOOK_FAILED);
	get_webhook(s, id);
	assert_string_equal(text_at(s, "last_error_code"), "address_not_allowed");
	assert_int_equal(count_due(s, NULL), 0);
	put_webhook(s, id, "{\"webhook_url\":\"http://b.example.org/\"}");
	assert_int_equal(count_due(s, NULL), 1);
	world.outcome = 204;
	assert_int_equal(send_next(s, id), WEBHOOK_TOLD);
	assert_string_equal(world.origins[1], "http://b.example.org");
	assert_string_equal(sent_name(1), "one");
}

static void gone_parks_and_a_redirect_fails(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	make(s, "one", "unstarted");
	world.outcome = 302;
	assert_int_equal(send_next(s, id), WEBHOOK_FAILED);
	get_webhook(s, id);
	assert_true(json_is_true(find_at(s->json, "enabled")));
	world.outcome = 410;
	assert_int_equal(send_next(s, id), WEBHOOK_FAILED);
	get_webhook(s, id);
	assert_true(json_is_false(find_at(s->json, "enabled")));
	assert_string_equal(text_at(s, "last_error_code"), "410");
}

static void a_deleted_project_has_no_webhooks(void **state)
{
	struct served *s = *state;
	int64_t id = make_webhook(s, "http://a.example.org/");

	make(s, "one", "unstarted");
	expect(s, "DELETE /projects/1", NULL, 204);
	assert_int_equal(count_due(s, NULL), 0);
	assert_int_equal(send_next(s, id), WEBHOOK_NOTHING);
	assert_int_equal(world.n_posts, 0);
}

/* ---- threads ---- */

struct counted {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int n;
};

struct counting {
	struct transport base;
	bool is_dead;
	struct counted *counted;
};

static int count_post(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct counting *c = (struct counting *)t;

	(void)req;
	if (c->is_dead)
		return call_limit_sleep(limit, 60000) < 0 ? -EINTR : -ETIMEDOUT;
	ret->status = 200;
	lock_scope(&c->counted->lock);
	c->counted->n++;
	pthread_cond_broadcast(&c->counted->changed);
	return 0;
}

static void free_counting(struct transport *t)
{
	free(t);
}

static int connect_counting(void *data, const char *origin, struct transport **ret)
{
	struct counting *c = xcalloc(1, sizeof(*c));

	*c = (struct counting){ { count_post, free_counting }, strstr(origin, "dead") != NULL,
		data };
	*ret = &c->base;
	return 0;
}

/* It hangs until the end. */
static int hang_or_count(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	const struct call_limit endless = { .cancelled = limit->cancelled, .data = limit->data };

	if (!((struct counting *)t)->is_dead)
		return count_post(t, req, limit, ret);
	while (call_limit_sleep(&endless, 60000) == 0)
		;
	return -EINTR;
}

static int connect_hanging(void *data, const char *origin, struct transport **ret)
{
	connect_counting(data, origin, ret);
	(*ret)->perform = hang_or_count;
	return 0;
}

static void one_projects_receivers_hold_up_no_others(void **state)
{
	struct served *s = *state;
	struct counted counted = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	struct webhook_sender_config config = { s->archive, connect_hanging, &counted };
	struct webhook_sender *sender;

	clock_set_fixed(-1);
	/* More than there are threads. */
	for (int i = 0; i < 100; i++)
		make_webhook(s, "http://dead.example.org/");
	make(s, "story", "unstarted");
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/2/webhooks", "{\"webhook_url\":\"http://alive.example.org/\"}",
		200);
	expect(s, "POST /projects/2/stories", "{\"name\":\"dust\"}", 200);
	assert_int_equal(webhook_sender_start(&config, &sender), 0);
	pthread_mutex_lock(&counted.lock);
	while (counted.n < 1)
		pthread_cond_wait(&counted.changed, &counted.lock);
	pthread_mutex_unlock(&counted.lock);
	webhook_sender_stop(sender);
	assert_int_equal(counted.n, 1);
}

static void dead_receivers_hold_up_nobody(void **state)
{
	struct served *s = *state;
	struct counted counted = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	struct webhook_sender_config config = { s->archive, connect_counting, &counted };
	struct webhook_sender *sender;

	clock_set_fixed(-1);
	for (int i = 0; i < 20; i++)
		make_webhook(s, "http://dead.example.org/");
	make_webhook(s, "http://alive.example.org/");
	assert_int_equal(webhook_sender_start(&config, &sender), 0);
	for (int i = 0; i < 5; i++)
		make(s, "story", "unstarted");
	webhook_sender_wake(sender);
	pthread_mutex_lock(&counted.lock);
	while (counted.n < 5)
		pthread_cond_wait(&counted.changed, &counted.lock);
	pthread_mutex_unlock(&counted.lock);
	webhook_sender_stop(sender);
	assert_int_equal(counted.n, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		webhook_test(a_webhook_is_made_read_changed_and_deleted),
		webhook_test(only_owners_see_webhooks),
		webhook_test(a_url_is_http_without_a_password),
		webhook_test(v3_is_refused),
		webhook_test(an_item_is_sent_as_activity_in_millis),
		webhook_test(items_come_in_order_to_each_webhook),
		webhook_test(what_happened_before_is_not_sent),
		webhook_test(what_was_refused_is_not_told),
		webhook_test(a_cut_between_post_and_mark_sends_again),
		webhook_test(a_failure_is_kept_and_waited_out),
		webhook_test(waits_double_to_an_hour),
		webhook_test(a_day_of_failures_parks_it_and_loses_nothing),
		webhook_test(what_an_owner_turns_off_is_owed_nothing),
		webhook_test(a_new_url_is_tried_at_once),
		webhook_test(gone_parks_and_a_redirect_fails),
		webhook_test(a_deleted_project_has_no_webhooks),
		webhook_test(dead_receivers_hold_up_nobody),
		webhook_test(one_projects_receivers_hold_up_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
