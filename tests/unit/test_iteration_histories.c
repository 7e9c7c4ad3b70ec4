/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever the history: every story is in exactly one of Done, Current, Backlog and Icebox, and
 * iterations follow each other without a gap. Histories are random commands by a seed, with a clock
 * that goes on between them and is put back at times; settings, zones and overrides change on the
 * way.
 */
#include "served.h"

#define HOUR INT64_C(3600000)
#define WEEK (168 * HOUR)

enum { SEEDS = 12, COMMANDS = 90, CHECK_EVERY = 15, PAGE = 100 };

struct history {
	struct served *s;
	uint64_t random;
	int64_t now_ms;
	int64_t n_made;
	int64_t current; /* the iteration's number */
	struct ids seen; /* stories, as they were met in iterations */
};

/* splitmix64: the same everywhere. */
static uint64_t draw(struct history *h, uint64_t below)
{
	h->random += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = h->random;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static const char *pick(struct history *h, const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return words[draw(h, n)];
}

/* ---- commands ---- */

static const char *const states[] = { "unscheduled", "unstarted", "unstarted", "unstarted",
	"planned", "started", "finished", "delivered", "rejected", "accepted", "accepted", NULL };
static const char *const settings[] = { "\"automatic_planning\":true",
	"\"automatic_planning\":false", "\"iteration_length\":1", "\"iteration_length\":2",
	"\"iteration_length\":3", "\"iteration_length\":4",
	"\"week_start_day\":\"Sunday\",\"start_date\":null",
	"\"week_start_day\":\"Wednesday\",\"start_date\":null",
	"\"week_start_day\":\"Monday\",\"start_date\":\"2024-03-04\"",
	"\"week_start_day\":\"Friday\",\"start_date\":\"2024-05-10\"",
	"\"week_start_day\":\"Saturday\",\"start_date\":\"2024-07-06\"", "\"start_date\":null",
	"\"time_zone\":{\"olson_name\":\"America/Los_Angeles\"}",
	"\"time_zone\":{\"olson_name\":\"America/Sao_Paulo\"}",
	"\"time_zone\":{\"olson_name\":\"Pacific/Apia\"}",
	"\"time_zone\":{\"olson_name\":\"Australia/Lord_Howe\"}",
	"\"time_zone\":{\"olson_name\":\"Europe/Berlin\"}", "\"initial_velocity\":1",
	"\"initial_velocity\":7", "\"point_scale\":\"0,1,2,3,8\"", "\"velocity_averaged_over\":1",
	"\"velocity_averaged_over\":4", NULL };

/* Refusals are part of a history, too. */
static void command(struct history *h, const char *method_path, const char *body)
{
	served_send(h->s, method_path, body, NULL);
	if (h->s->response.status >= 500)
		fail_msg("%s %s: %s", method_path, body ? body : "", buf_str(&h->s->response.body));
}

static void add_acceptance(struct history *h, struct buf *body)
{
	char text[CLOCK_ISO_SIZE];
	int64_t at = h->now_ms + ((int64_t)draw(h, 40) - 36) * 60 * HOUR;

	clock_format_iso(at, text);
	buf_add_fmt(body, ",\"accepted_at\":\"%s\"", text);
}

static void add_state(struct history *h, struct buf *body)
{
	const char *state = pick(h, states);

	buf_add_fmt(body, "\"current_state\":\"%s\"", state);
	if (strcmp(state, "accepted") == 0 && draw(h, 2))
		add_acceptance(h, body);
	if (draw(h, 4))
		buf_add_fmt(body, ",\"estimate\":%d", (int)draw(h, 4));
}

static void make_one(struct history *h)
{
	scoped(buf_fini) struct buf body = BUF_INIT;

	buf_add_str(&body, "{\"name\":\"n\",");
	add_state(h, &body);
	buf_add_str(&body, "}");
	command(h, "POST /projects/1/stories", body.data);
	h->n_made += h->s->response.status == 200;
}

static void change_one(struct history *h)
{
	scoped(free_ptr) char *path =
		xasprintf("PUT /stories/%d", (int)draw(h, (uint64_t)h->n_made + 1));
	scoped(buf_fini) struct buf body = BUF_INIT;

	buf_add_str(&body, "{");
	if (draw(h, 3))
		add_state(h, &body);
	else if (!draw(h, 4))
		buf_add_str(&body, "\"accepted_at\":null");
	else
		buf_add_fmt(&body, "\"after_id\":%d", (int)draw(h, (uint64_t)h->n_made + 1));
	buf_add_str(&body, "}");
	command(h, path, body.data);
}

static void delete_one(struct history *h)
{
	scoped(free_ptr) char *path =
		xasprintf("DELETE /stories/%d", (int)draw(h, (uint64_t)h->n_made + 1));

	command(h, path, NULL);
}

static void override_one(struct history *h)
{
	scoped(free_ptr) char *path =
		xasprintf("PUT /projects/1/iteration_overrides/%d", (int)draw(h, 12) + 1);
	scoped(free_ptr) char *body = draw(h, 2) ? xasprintf("{\"length\":%d}", (int)draw(h, 4) + 1)
						 : xasprintf("{\"team_strength\":%d.%d}",
							   (int)draw(h, 2), (int)draw(h, 10));

	command(h, path, body);
}

static void set_one(struct history *h)
{
	scoped(free_ptr) char *body = xasprintf("{%s}", pick(h, settings));

	command(h, "PUT /projects/1", body);
}

static void step(struct history *h)
{
	switch (draw(h, 20)) {
	case 0:
		set_one(h);
		break;
	case 1:
		delete_one(h);
		break;
	case 2:
	case 3:
		override_one(h);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
		make_one(h);
		break;
	default:
		change_one(h);
	}
	if (draw(h, 15))
		h->now_ms += (int64_t)draw(h, 40) * HOUR;
	else
		h->now_ms -= (int64_t)draw(h, 200) * HOUR;
	clock_set_fixed(h->now_ms);
}

/* ---- what must hold ---- */

static int64_t instant_at(json_t *json, const char *key)
{
	int64_t ms;

	assert_true(clock_parse_iso(json_string_value(json_object_get(json, key)), &ms));
	return ms;
}

static bool is_state(json_t *story, const char *state)
{
	return strcmp(json_string_value(json_object_get(story, "current_state")), state) == 0;
}

/* Where a story may be, being where it is. */
static void check_story(struct history *h, json_t *iteration, json_t *story)
{
	int64_t start = instant_at(iteration, "start"), finish = instant_at(iteration, "finish");
	int64_t id = json_integer_value(json_object_get(story, "id"));
	int64_t number = json_integer_value(json_object_get(iteration, "number"));
	bool is_accepted = is_state(story, "accepted");

	assert_false(ids_has(&h->seen, id));
	ids_add(&h->seen, id);
	assert_false(is_state(story, "unscheduled"));
	if (number < h->current) {
		assert_true(is_accepted);
		assert_true(instant_at(story, "accepted_at") >= start);
		assert_true(instant_at(story, "accepted_at") < finish);
	} else if (number > h->current) {
		assert_true(is_state(story, "unstarted") || is_state(story, "planned"));
	} else if (is_accepted) {
		assert_true(instant_at(story, "accepted_at") >= start);
	}
}

static void check_iteration(struct history *h, json_t *iteration, int64_t number, int64_t *end)
{
	json_t *stories = json_object_get(iteration, "stories");
	int64_t start = instant_at(iteration, "start");

	assert_int_equal(json_integer_value(json_object_get(iteration, "number")), number);
	if (number > 1)
		assert_int_equal(start, *end);
	*end = instant_at(iteration, "finish");
	assert_true(start < *end);
	for (size_t i = 0; i < json_array_size(stories); i++)
		check_story(h, iteration, json_array_get(stories, i));
}

static int64_t check_iterations(struct history *h)
{
	int64_t number = 0, total = 1, end = 0;

	while (number < total) {
		scoped(free_ptr) char *path = xasprintf(
			"GET /projects/1/iterations?limit=%d&offset=%d", PAGE, (int)number);

		expect(h->s, path, NULL, 200);
		total = strtoll(header_of(h->s, "X-Tracker-Pagination-Total"), NULL, 10);
		for (size_t i = 0; i < json_array_size(h->s->json); i++)
			check_iteration(h, json_array_get(h->s->json, i), ++number, &end);
	}
	assert_int_equal(number, total);
	return total;
}

static int64_t total_of(struct history *h, const char *query)
{
	scoped(free_ptr) char *path = xasprintf("GET /projects/1/%s", query);

	expect(h->s, path, NULL, 200);
	return strtoll(header_of(h->s, "X-Tracker-Pagination-Total"), NULL, 10);
}

/* A project that is yet to begin has its first iteration as the current one. */
static void check_current(struct history *h)
{
	expect(h->s, "GET /projects/1/iterations?scope=current", NULL, 200);
	json_t *current = json_array_get(h->s->json, 0);

	assert_int_equal(number_at(h->s, "0.number"), h->current);
	assert_true(instant_at(current, "start") <= h->now_ms || h->current == 1);
	assert_true(instant_at(current, "finish") > h->now_ms);
	assert_int_equal(total_of(h, "iterations?scope=done"), h->current - 1);
}

static void check(struct history *h)
{
	ids_fini(&h->seen);
	expect(h->s, "GET /projects/1", NULL, 200);
	h->current = number_at(h->s, "current_iteration_number");
	int64_t total = check_iterations(h);
	int64_t icebox = total_of(h, "stories?with_state=unscheduled&limit=0");

	assert_int_equal(total_of(h, "stories?limit=0"), (int64_t)h->seen.n + icebox);
	check_current(h);
	assert_int_equal(total,
		total_of(h, "iterations?scope=done") + 1 + total_of(h, "iterations?scope=backlog"));
}

static void every_story_is_in_one_place(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct served *s = *state;
		struct history h = { .s = s, .random = seed, .now_ms = NOW_MS };

		for (int i = 1; i <= COMMANDS; i++) {
			step(&h);
			if (i % CHECK_EVERY == 0)
				check(&h);
		}
		ids_fini(&h.seen);
		served_tear_down(state);
		served_set_up(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(every_story_is_in_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
