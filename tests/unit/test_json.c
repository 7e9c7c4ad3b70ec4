/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as V5's JSON: what is read is written again, whatever it held. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "storyfs/alloc.h"
#include "storyfs/json.h"
#include "storyfs/text.h"

static struct record *read_one(enum kind kind, const char *text, struct buf *problems)
{
	struct record *r = NULL;

	if (json_read_record(kind, text, strlen(text), problems, &r) < 0)
		fail_msg("%s was not read", text);
	return r;
}

static char *write_one(const struct record *r, const char *fields, unsigned flags)
{
	size_t at;
	scoped(fields_free) struct fields *f = fields ? fields_parse(fields, &at) : NULL;
	struct buf b = BUF_INIT;

	assert_true(f || !fields);
	json_write_record(r, f, flags, &b);
	return buf_take(&b);
}

static void assert_same_json(const char *got, const char *expected)
{
	json_t *a = json_loads(got, JSON_DECODE_ANY, NULL);
	json_t *b = json_loads(expected, JSON_DECODE_ANY, NULL);
	bool same = a && b && json_equal(a, b);

	json_decref(a);
	json_decref(b);
	if (!same)
		fail_msg("got      %s\nexpected %s", got, expected);
}

#define TIMES                                      \
	"\"created_at\":\"2014-03-02T07:11:04Z\"," \
	"\"updated_at\":\"2014-03-02T07:11:05Z\","

#define LABEL \
	"{\"id\":7849080,\"project_id\":1027488,\"kind\":\"label\"," TIMES "\"name\":\"admin\"}"

/* Answers of V5's, as the reference has them; each comes back as it is. */
static const struct {
	enum kind kind;
	const char *fields;
	const char *text;
} samples[] = {
	{ KIND_label, NULL, LABEL },
	{ KIND_story, NULL,
		"{\"kind\":\"story\",\"id\":144829981,\"project_id\":1027488,"
		"\"name\":\"Test story\",\"story_type\":\"feature\","
		"\"current_state\":\"unscheduled\",\"requested_by_id\":1266314,\"owner_ids\":[],"
		"\"labels\":[]," TIMES
		"\"url\":\"https://www.pivotaltracker.com/story/show/144829981\"}" },
	{ KIND_story, NULL,
		"{\"kind\":\"story\",\"id\":1,\"estimate\":3,\"owner_ids\":[7,8],"
		"\"labels\":[" LABEL "],\"owned_by_id\":7,\"name\":\"g\\u00fcn \\\"x\\\"\\n\","
		"\"accepted_at\":\"2017-01-03T23:44:24Z\",\"story_priority\":\"p3\"}" },
	{ KIND_story, "name,story_type,labels(name)",
		"{\"id\":1,\"name\":\"x\",\"story_type\":\"bug\","
		"\"labels\":[{\"id\":2,\"name\":\"a\"}]}" },
	{ KIND_story, ":default,owners,tasks",
		"{\"kind\":\"story\",\"id\":1,\"owner_ids\":[5],"
		"\"owners\":[{\"kind\":\"person\",\"id\":5,\"name\":\"D\",\"initials\":\"DV\"}],"
		"\"tasks\":[{\"kind\":\"task\",\"id\":9,\"complete\":false,\"position\":1}]}" },
	{ KIND_epic, ":default,label_id",
		"{\"kind\":\"epic\",\"id\":4,\"name\":\"e\",\"label_id\":7849080,"
		"\"label\":" LABEL "}" },
	{ KIND_task, NULL,
		"{\"kind\":\"task\",\"id\":1,\"story_id\":2,\"description\":\"d\"," TIMES
		"\"complete\":true,\"position\":1}" },
	{ KIND_project, NULL,
		"{\"kind\":\"project\",\"id\":99,\"name\":\"Learn About the Force\","
		"\"week_start_day\":\"Monday\",\"start_date\":\"2019-04-22\",\"public\":false,"
		"\"time_zone\":{\"kind\":\"time_zone\",\"olson_name\":\"America/Los_Angeles\","
		"\"offset\":\"-07:00\"}}" },
	{ KIND_activity, NULL,
		"{\"kind\":\"story_update_activity\",\"guid\":\"99_66\",\"project_version\":66,"
		"\"message\":\"X edited\",\"changes\":[{\"kind\":\"story\",\"original_values\":"
		"{\"accepted_at\":null}}],\"primary_resources\":[],\"project\":{\"id\":99},"
		"\"occurred_at\":\"2017-01-03T23:44:24Z\"}" },
	{ KIND_story, NULL,
		"{\"kind\":\"story\",\"id\":1,\"new\":{\"deep\":[1,2.5,null,\"x\"]},"
		"\"rank\":5,\"cycle_time\":33.333333333333336,\"nothing\":null}" },
	{ KIND_story, NULL, "{\"kind\":\"release\",\"id\":1,\"name\":\"R\"}" },
	{ KIND_story, ":default,pull_requests",
		"{\"kind\":\"story\",\"id\":1,\"pull_requests\":[{\"kind\":\"pull_request\",\"id\":2,"
		"\"x\":null}]}" },
};

static void answers_of_v5_come_back_as_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		scoped(buf_fini) struct buf problems = BUF_INIT;
		scoped(record_unref) struct record *r =
			read_one(samples[i].kind, samples[i].text, &problems);
		scoped(free_ptr) char *text = write_one(r, samples[i].fields, 0);

		assert_same_json(text, samples[i].text);
		assert_string_equal(buf_str(&problems), "");
	}
}

static void values_are_understood(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = read_one(KIND_story,
		"{\"id\":5.0,\"estimate\":2,\"story_type\":\"chore\",\"labels\":[\"a\",{\"id\":7}],"
		"\"created_at\":1493854182000,\"updated_at\":\"2017-05-03T23:29:42Z\","
		"\"description\":null,\"owned_by\":{\"id\":3,\"kind\":\"person\"}}",
		NULL);

	assert_int_equal(record_id(r), 5);
	assert_true(record_float(r, F_story_estimate, 0) > 1.9);
	assert_int_equal(record_int(r, F_story_story_type, -1), STORY_TYPE_CHORE);
	assert_int_equal(record_int(r, F_story_created_at, 0), INT64_C(1493854182000));
	assert_int_equal(record_int(r, F_story_updated_at, 0), INT64_C(1493854182000));
	assert_int_equal(record_get(r, F_story_description)->state, VALUE_ABSENT);
	const struct value *labels = record_get(r, F_story_labels);

	assert_int_equal(labels->n, 2);
	assert_string_equal(record_text(labels->records[0], F_label_name), "a");
	assert_int_equal(record_id(labels->records[1]), 7);
	assert_int_equal(record_id(record_get(r, F_story_owned_by)->record), 3);
	assert_null(record_extra(r));
}

static void whole_numbers_have_no_fraction_and_times_have_two_forms(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = read_one(KIND_story,
		"{\"id\":1,\"estimate\":9.0,\"created_at\":\"2017-05-03T23:29:42Z\"}", NULL);
	scoped(free_ptr) char *iso = write_one(r, NULL, 0);
	scoped(free_ptr) char *millis = write_one(r, "estimate,created_at", JSON_AS_MILLIS);
	scoped(free_ptr) char *lines = write_one(r, "estimate", JSON_AS_LINES);

	assert_string_equal(iso, "{\"kind\":\"story\",\"id\":1,"
				 "\"created_at\":\"2017-05-03T23:29:42Z\",\"estimate\":9}");
	assert_string_equal(millis, "{\"id\":1,\"created_at\":1493854182000,\"estimate\":9}");
	assert_string_equal(lines, "{\n  \"id\": 1,\n  \"estimate\": 9\n}");
	record_set_float(r, F_story_estimate, 0.5);
	scoped(free_ptr) char *half = write_one(r, "estimate", 0);

	assert_string_equal(half, "{\"id\":1,\"estimate\":0.5}");
}

/* A value of another type than the table says: kept as it came, and reported. */
static const struct {
	enum kind kind;
	const char *text;
	const char *problem;
} mistyped[] = {
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"estimate\":\"x\"}",
		"estimate: expected number, got \"x\"\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"estimate\":9007199254740993}",
		"estimate: expected number, got 9007199254740993\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"story_type\":\"Bug\"}",
		"story_type: expected one of a set of words: feature, bug, chore, release, got "
		"\"Bug\"\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"owner_ids\":[1,\"2\"]}",
		"owner_ids: expected list of ids, got [1,\"2\"]\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"created_at\":\"soon\"}",
		"created_at: expected time, got \"soon\"\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"created_at\":9223372036854775807}",
		"created_at: expected time, got 9223372036854775807\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"requested_by_id\":1.5}",
		"requested_by_id: expected integer, got 1.5\n" },
	{ KIND_task, "{\"kind\":\"task\",\"id\":1,\"complete\":\"true\"}",
		"complete: expected true or false, got \"true\"\n" },
	{ KIND_story, "{\"kind\":\"story\",\"id\":1,\"labels\":[{\"name\":\"a\"},{}]}",
		"labels[1].id: missing\n"
		"labels: expected list of objects, got [{\"name\":\"a\"},{}]\n" },
	{ KIND_epic,
		"{\"kind\":\"epic\",\"id\":1,\"label\":{\"kind\":\"label\",\"id\":2,\"name\":5}}",
		"label.name: expected text, got 5\n" },
	{ KIND_project, "{\"kind\":\"project\",\"id\":1,\"time_zone\":{\"offset\":\"Z\"}}",
		"time_zone.olson_name: missing\n"
		"time_zone: expected object, got {\"offset\":\"Z\"}\n" },
};

static void mistyped_values_are_kept_and_reported(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistyped) / sizeof(*mistyped); i++) {
		scoped(buf_fini) struct buf problems = BUF_INIT;
		scoped(record_unref) struct record *r =
			read_one(mistyped[i].kind, mistyped[i].text, &problems);
		scoped(free_ptr) char *text = write_one(r, NULL, 0);

		assert_string_equal(buf_str(&problems), mistyped[i].problem);
		assert_same_json(text, mistyped[i].text);
	}
}

/* Of members with one key the last one counts, as it does for jansson. */
static void of_two_with_one_key_the_last_counts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *written;
	} rows[] = {
		{ "{\"id\":1,\"name\":\"a\",\"name\":\"b\"}", "{\"id\":1,\"name\":\"b\"}" },
		{ "{\"id\":1,\"name\":\"a\",\"name\":null}", "{\"id\":1}" },
		{ "{\"id\":1,\"name\":\"a\",\"name\":5}", "{\"id\":1,\"name\":5}" },
		{ "{\"id\":1,\"name\":5,\"name\":\"b\"}", "{\"id\":1,\"name\":\"b\"}" },
		{ "{\"id\":1,\"name\":5,\"name\":null}", "{\"id\":1}" },
		{ "{\"id\":1,\"x\":5,\"x\":[]}", "{\"id\":1,\"x\":[]}" },
		{ "{\"id\":1,\"kind\":\"y\",\"kind\":\"story\"}", "{\"id\":1}" },
		{ "{\"id\":1,\"id\":2}", "{\"id\":2}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(record_unref) struct record *r = read_one(KIND_story, rows[i].text, NULL);
		scoped(free_ptr) char *text = write_one(r, "name,x", 0);

		assert_string_equal(text, rows[i].written);
	}
}

static void a_value_set_later_takes_the_place_of_the_mistyped_one(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r =
		read_one(KIND_story, "{\"id\":1,\"estimate\":\"x\",\"rank\":3}", NULL);
	scoped(record_unref) struct record *patch = record_new(KIND_story);

	record_set_float(patch, F_story_estimate, 2);
	record_set_int(patch, F_story_rank, 77);
	scoped(record_unref) struct record *patched = record_patched(r, patch);
	scoped(free_ptr) char *text = write_one(patched, NULL, 0);

	assert_same_json(text, "{\"kind\":\"story\",\"id\":1,\"estimate\":2,\"rank\":3}");
}

static void problems_are_short_lines_of_valid_text(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf problems = BUF_INIT;

	buf_add_str(&text, "{\"id\":1,\"estimate\":\".");
	for (int i = 0; i < 2000; i++)
		buf_add_str(&text, "\xe2\x82\xac");
	buf_add_str(&text, "\"}");
	scoped(record_unref) struct record *r = read_one(KIND_story, text.data, &problems);

	assert_int_equal(record_id(r), 1);
	assert_true(problems.len < 120);
	assert_true(text_is_valid(problems.data, problems.len));
	assert_ptr_equal(strchr(problems.data, '\n'), problems.data + problems.len - 1);
}

static void what_is_no_answer_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *problem;
	} rows[] = {
		{ "", "line 1, column 0" },
		{ "{\"id\":1", "line 1, column 7" },
		{ "{\"id\":1} x", "end of file expected" },
		{ "[]", "document: expected an object, got []" },
		{ "7", "'[' or '{' expected" },
		{ "{}", "id: missing" },
		{ "{\"id\":\"1\"}", "id: expected integer, got \"1\"\nid: missing" },
		{ "{\"id\":1,\"name\":\"\xff\"", "unable to decode byte 0xff" },
		{ "[{\"id\":1}\x1b[2J", "expected near '?'" },
		{ "[{\"id\":\"\\u0000\"]", "\\u0000 is not allowed" },
		{ "{\"id\":1,\"estimate\":\"x\"} x", "line 1, column 25: end of file" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(buf_fini) struct buf problems = BUF_INIT;
		struct record *r = NULL;

		assert_int_equal(json_read_record(KIND_story, rows[i].text, strlen(rows[i].text),
					 &problems, &r),
			-EBADMSG);
		assert_null(r);
		/* And of what stood before it nothing is told. */
		if (!strstr(buf_str(&problems), rows[i].problem) ||
			(strstr(rows[i].problem, "line") && strstr(buf_str(&problems), "estimate")))
			fail_msg("%s: %s", rows[i].text, buf_str(&problems));
		assert_int_equal(
			json_read_record(KIND_story, rows[i].text, strlen(rows[i].text), NULL, &r),
			-EBADMSG);
	}
}

static void lists_are_read_and_written(void **state)
{
	(void)state;
	static const char good[] = "[{\"id\":1,\"estimate\":\"x\"},{\"id\":2,\"labels\":[\"a\"]}]";
	scoped(records_fini) struct records list = { 0 };
	scoped(buf_fini) struct buf problems = BUF_INIT;

	assert_int_equal(
		json_read_records(KIND_story, "{\"id\":1}", 8, &problems, &list), -EBADMSG);
	assert_string_equal(buf_str(&problems), "document: expected a list, got {\"id\":1}\n");
	buf_reset(&problems);
	assert_int_equal(json_read_records(KIND_story, good, strlen(good), &problems, &list), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(buf_str(&problems), "[0].estimate: expected number, got \"x\"\n");
	json_t *array = json_from_records(&list, NULL, 0);

	assert_int_equal(json_array_size(array), 2);
	json_decref(array);
}

/* A page of stories names few labels, and each of them often. */
static void what_lies_in_many_resources_is_one_record(void **state)
{
	(void)state;
	static const char text[] =
		"[{\"id\":1,\"labels\":[{\"id\":7,\"name\":\"a\"},{\"id\":8,\"name\":\"b\"}]},"
		"{\"id\":2,\"labels\":[{\"id\":8,\"name\":\"b\"},{\"id\":7,\"name\":\"other\"}]}]";
	scoped(records_fini) struct records list = { 0 };

	assert_int_equal(json_read_records(KIND_story, text, sizeof(text) - 1, NULL, &list), 0);
	const struct value *one = record_get(list.items[0], F_story_labels);
	const struct value *two = record_get(list.items[1], F_story_labels);

	assert_ptr_equal(one->records[1], two->records[0]);
	assert_ptr_not_equal(one->records[0], two->records[1]);
	assert_string_equal(record_text(one->records[0], F_label_name), "a");
	assert_string_equal(record_text(two->records[1], F_label_name), "other");
}

static void a_patch_holds_what_changes_and_nothing_else(void **state)
{
	(void)state;
	scoped(record_unref) struct record *patch =
		read_one(KIND_story, "{\"id\":1,\"new\":2}", NULL);
	scoped(records_fini) struct records labels = { 0 };
	struct record *label = record_new(KIND_label);

	record_set_text(label, F_label_name, "a");
	records_add(&labels, label);
	record_clear(patch, F_story_id);
	record_set_null(patch, F_story_estimate);
	record_set_text(patch, F_story_name, "x");
	record_set_int(patch, F_story_rank, 5);
	record_set_objects(patch, F_story_labels, &labels);
	scoped(free_ptr) char *text = write_one(patch, NULL, JSON_AS_PATCH);

	assert_string_equal(
		text, "{\"estimate\":null,\"name\":\"x\",\"labels\":[{\"name\":\"a\"}]}");
}

static void secrets_stay_inside_when_asked(void **state)
{
	(void)state;
	scoped(record_unref) struct record *me =
		read_one(KIND_me, "{\"id\":1,\"api_token\":\"0123\"}", NULL);
	scoped(free_ptr) char *open = write_one(me, NULL, 0);
	scoped(free_ptr) char *closed = write_one(me, "api_token", JSON_WITHOUT_SECRETS);

	assert_string_equal(open, "{\"kind\":\"me\",\"id\":1,\"api_token\":\"0123\"}");
	assert_string_equal(closed, "{\"id\":1}");
}

static bool takes(enum kind kind, int f, const char *text, enum value_state expected)
{
	const struct field *field = schema_field(kind, f);
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	struct value v;
	bool taken = json_to_value(field, json, &v);

	json_decref(json);
	if (taken) {
		assert_int_equal(v.state, expected);
		value_fini(field, &v);
	}
	return taken;
}

static void what_a_client_sends_may_lack_ids(void **state)
{
	(void)state;
	assert_true(takes(KIND_story, F_story_name, "null", VALUE_NULL));
	assert_true(takes(
		KIND_story, F_story_labels, "[{\"name\":\"a\"},\"b\",{\"id\":1}]", VALUE_SET));
	assert_false(takes(KIND_story, F_story_labels, "[{\"color\":1}]", VALUE_SET));
	assert_false(takes(KIND_story, F_story_labels, "\"a\"", VALUE_SET));
	assert_true(takes(KIND_story, F_story_tasks, "[{\"description\":\"d\"}]", VALUE_SET));
	assert_true(takes(KIND_story, F_story_comments, "[{\"text\":\"t\"}]", VALUE_SET));
	assert_true(takes(KIND_epic, F_epic_label, "{\"name\":\"a\"}", VALUE_SET));
	assert_true(
		takes(KIND_project, F_project_time_zone, "{\"olson_name\":\"UTC\"}", VALUE_SET));
	assert_false(takes(KIND_project, F_project_time_zone, "{}", VALUE_SET));
	assert_false(takes(KIND_story, F_story_name, "true", VALUE_SET));
}

static void assert_straight(const struct record *r, const char *fields, unsigned flags)
{
	size_t at;
	scoped(fields_free) struct fields *f = fields ? fields_parse(fields, &at) : NULL;
	scoped(buf_fini) struct buf document = BUF_INIT;
	scoped(buf_fini) struct buf straight = BUF_INIT;
	scoped(buf_fini) struct buf list = BUF_INIT;
	scoped(buf_fini) struct buf twice = BUF_INIT;
	struct record *const items[] = { (struct record *)r, (struct record *)r };

	json_write_record(r, f, flags, &document);
	json_add_record(r, f, flags, &straight);
	assert_string_equal(buf_str(&straight), buf_str(&document));
	json_add_records(&(struct records){ 2, (struct record **)items }, f, flags, &list);
	buf_add_fmt(&twice, "[%s,%s]", buf_str(&document), buf_str(&document));
	assert_string_equal(buf_str(&list), buf_str(&twice));
}

static void text_straight_from_records_is_the_same(void **state)
{
	static const char *const shapes[] = { NULL, "name", ":default,labels(name),owned_by",
		":default,tasks,requested_by_id,label_ids", "kind,id" };
	static const char *const texts[] = { "", "plain", "\x01\x1f\x7f\b\f\n\r\t\"\\/",
		"g\xc3\xbcn \xf0\x9f\x8d\x8e", "cut \xc3", "\xff\xfe", "\xed\xa0\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		scoped(record_unref) struct record *r =
			read_one(samples[i].kind, samples[i].text, NULL);

		for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++) {
			assert_straight(r, shapes[k], 0);
			assert_straight(r, shapes[k], JSON_AS_MILLIS | JSON_WITHOUT_SECRETS);
		}
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		static const double numbers[] = { 0, -0.5, 1e20, 1e-7, 0.1, -3,
			33.333333333333336 };
		scoped(record_unref) struct record *r = record_new(KIND_story);

		record_set_text(r, F_story_name, texts[i]);
		record_set_float(r, F_story_estimate, numbers[i]);
		record_set_int(r, F_story_id, i ? -(int64_t)i : INT64_MIN);
		record_set_int(r, F_story_created_at, -1 - (int64_t)i * INT64_C(50000000000001));
		record_set_int(r, F_story_updated_at, INT64_C(253402300799000));
		assert_straight(r, NULL, 0);
	}
	scoped(buf_fini) struct buf nothing = BUF_INIT;

	json_add_records(&(struct records){ 0 }, NULL, 0, &nothing);
	assert_string_equal(buf_str(&nothing), "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_v5_come_back_as_they_are),
		cmocka_unit_test(values_are_understood),
		cmocka_unit_test(whole_numbers_have_no_fraction_and_times_have_two_forms),
		cmocka_unit_test(mistyped_values_are_kept_and_reported),
		cmocka_unit_test(of_two_with_one_key_the_last_counts),
		cmocka_unit_test(a_value_set_later_takes_the_place_of_the_mistyped_one),
		cmocka_unit_test(problems_are_short_lines_of_valid_text),
		cmocka_unit_test(what_is_no_answer_is_refused_with_the_reason),
		cmocka_unit_test(lists_are_read_and_written),
		cmocka_unit_test(what_lies_in_many_resources_is_one_record),
		cmocka_unit_test(a_patch_holds_what_changes_and_nothing_else),
		cmocka_unit_test(secrets_stay_inside_when_asked),
		cmocka_unit_test(what_a_client_sends_may_lack_ids),
		cmocka_unit_test(text_straight_from_records_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
