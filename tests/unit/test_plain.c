/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as the content of field files, both ways; and the rules that V5 held values to. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/clock.h"
#include "storyfs/plain.h"
#include "storyfs/text.h"

/* A project with three people, two of one name. */
static const struct {
	int64_t id;
	const char *name;
} people[] = { { 100, "Emperor Palpatine" }, { 101, "Darth Vader" }, { 102, "Clone" },
	{ 103, "Clone" } };

enum { N_PEOPLE = 4 };

static bool add_name(void *data, enum kind kind, int64_t id, struct buf *b)
{
	(*(int *)data)++;
	for (size_t i = 0; i < N_PEOPLE; i++) {
		if (kind != KIND_person || people[i].id != id || i >= 2)
			continue;
		buf_add_str(b, people[i].name);
		return true;
	}
	return false;
}

static int find_id(
	void *data, enum kind kind, const char *name, int64_t *ret_id, struct buf *ret_reason)
{
	(*(int *)data)++;
	for (size_t i = 0; i < N_PEOPLE; i++) {
		scoped(free_ptr) char *digits = xasprintf("%d", (int)people[i].id);

		if (kind == KIND_person && ((i < 2 && strcmp(people[i].name, name) == 0) ||
						   strcmp(digits, name) == 0)) {
			*ret_id = people[i].id;
			return 0;
		}
	}
	buf_add_fmt(ret_reason, "nobody is '%s'\n", name);
	return -EINVAL;
}

static int n_asked;
static const struct resolver resolver = { &n_asked, add_name, find_id };

/* The patch of a text; none when it is refused. */
static int read_bytes(
	enum kind kind, int f, const char *text, size_t len, struct record **ret, struct buf *why)
{
	scoped(record_unref) struct record *patch = record_new(kind);
	scoped(buf_fini) struct buf bytes = BUF_INIT;

	buf_add(&bytes, text, len);
	int e = plain_read(patch, f, &bytes, &resolver, why);

	if (e == 0)
		*ret = take_ptr(patch);
	return e;
}

static int read_text(enum kind kind, int f, const char *text, struct record **ret, struct buf *why)
{
	return read_bytes(kind, f, text, strlen(text), ret, why);
}

/* The text comes back as `again` (or as itself), set in the field `into`. */
static void assert_reads(enum kind kind, int f, const char *text, const char *again)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(buf_fini) struct buf why = BUF_INIT;
	scoped(buf_fini) struct buf out = BUF_INIT;

	if (read_text(kind, f, text, &patch, &why) < 0)
		fail_msg("'%s' was refused: %s", text, buf_str(&why));
	plain_write(patch, f, &resolver, &out);
	assert_string_equal(buf_str(&out), again ? again : text);
	assert_int_equal(why.len, 0);
}

static void assert_refuses(enum kind kind, int f, const char *text, const char *reason)
{
	struct record *patch = NULL;
	scoped(buf_fini) struct buf why = BUF_INIT;

	assert_int_equal(read_text(kind, f, text, &patch, &why), -EINVAL);
	assert_null(patch);
	assert_string_equal(buf_str(&why), reason);
}

static void scalars_go_both_ways(void **state)
{
	(void)state;
	assert_reads(KIND_story, F_story_name, " any  text\n", NULL);
	assert_reads(KIND_story, F_story_external_id, "JIRA-1", NULL);
	assert_reads(KIND_story, F_story_description, "a\r\nb\n\n", NULL);
	assert_reads(KIND_story, F_story_description, " \n", NULL);
	assert_reads(KIND_story, F_story_requested_by_id, "-7", NULL);
	assert_reads(KIND_story, F_story_requested_by_id, " 42 \r\n", "42");
	assert_reads(KIND_story, F_story_estimate, "3", NULL);
	assert_reads(KIND_story, F_story_estimate, "3.0", "3");
	assert_reads(KIND_story, F_story_estimate, "0.1", NULL);
	assert_reads(KIND_story, F_story_estimate, "-0", "0");
	assert_reads(KIND_task, F_task_complete, "true", NULL);
	assert_reads(KIND_task, F_task_complete, "false ", "false");
	assert_reads(KIND_story, F_story_deadline, "2024-05-31T16:00:00Z", NULL);
	assert_reads(KIND_story, F_story_deadline, "2024-05-31", "2024-05-31T00:00:00Z");
	assert_reads(
		KIND_story, F_story_deadline, "2024-05-31T18:00+02:00", "2024-05-31T16:00:00Z");
	assert_reads(KIND_project, F_project_start_date, "2019-04-20", NULL);
	assert_reads(KIND_story, F_story_story_type, "bug", NULL);
	assert_reads(KIND_story, F_story_current_state, "Started\r", "started");
	assert_reads(KIND_project, F_project_week_start_day, "MONDAY", "Monday");
}

static void lists_are_lines(void **state)
{
	(void)state;
	assert_reads(KIND_story, F_story_owner_ids, "101\n100", NULL);
	assert_reads(KIND_story, F_story_owner_ids, "\n101\r\n\r\n 100 \n101\n", "101\n100");
	assert_reads(KIND_story, F_story_owners, "Darth Vader\nEmperor Palpatine", NULL);
	assert_reads(
		KIND_story, F_story_owners, "Darth Vader\r\n\r\n101\nDarth Vader", "Darth Vader");
	assert_reads(KIND_story, F_story_owners, "103\n102", NULL);
	assert_reads(KIND_story, F_story_labels, "admin\nlow hanging fruit", NULL);
	assert_reads(KIND_story, F_story_labels, "\n b \r\n\na\nb", "b\na");
	assert_reads(KIND_story, F_story_labels, "42", NULL);
	assert_reads(KIND_story, F_story_labels, "a\rb\r", "a\nb");
	assert_reads(KIND_epic, F_epic_label, " front end\n", "front end");
	assert_reads(KIND_project, F_project_time_zone, "America/Los_Angeles", NULL);
	assert_reads(KIND_story, F_story_requested_by, "Darth Vader", NULL);
}

static void assert_patch(enum kind kind, int f, const char *text, int target, enum value_state is)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(buf_fini) struct buf why = BUF_INIT;

	assert_int_equal(read_text(kind, f, text, &patch, &why), 0);
	each_field(i, kind)
		assert_int_equal(record_get(patch, i)->state, i == target ? is : VALUE_ABSENT);
}

static void a_patch_sets_one_field_the_id_form_where_names_point(void **state)
{
	(void)state;
	assert_patch(KIND_story, F_story_name, "x", F_story_name, VALUE_SET);
	assert_patch(KIND_story, F_story_owners, "101", F_story_owner_ids, VALUE_SET);
	assert_patch(KIND_story, F_story_owners, "", F_story_owner_ids, VALUE_SET);
	assert_patch(KIND_story, F_story_labels, "a", F_story_labels, VALUE_SET);
	assert_patch(KIND_story, F_story_labels, " \n", F_story_labels, VALUE_SET);
	assert_patch(KIND_story, F_story_requested_by, "101", F_story_requested_by_id, VALUE_SET);
	assert_patch(KIND_story, F_story_requested_by, " \n", F_story_requested_by_id, VALUE_NULL);
	assert_patch(KIND_epic, F_epic_label, "", F_epic_label, VALUE_NULL);
	assert_patch(KIND_epic, F_epic_label, "x", F_epic_label, VALUE_SET);
}

static void nothing_is_no_value(void **state)
{
	(void)state;
	each_field(f, KIND_story) {
		const struct field *row = schema_field(KIND_story, f);

		if (row->type == TYPE_IDS || row->type == TYPE_OBJECTS || row->via)
			continue;
		assert_patch(KIND_story, f, "", f, VALUE_NULL);
	}
	assert_patch(KIND_story, F_story_estimate, " \r\n", F_story_estimate, VALUE_NULL);
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(buf_fini) struct buf none = BUF_INIT;

	assert_int_equal(plain_read(patch, F_story_name, &none, NULL, &none), 0);
	assert_int_equal(record_get(patch, F_story_name)->state, VALUE_NULL);
}

static void what_is_no_value_is_refused_with_what_would_be(void **state)
{
	(void)state;
	assert_refuses(KIND_story, F_story_estimate, "big",
		"estimate: 'big' is not accepted: expected a number\n");
	assert_refuses(KIND_story, F_story_estimate, "0,5",
		"estimate: '0,5' is not accepted: expected a number\n");
	assert_refuses(KIND_task, F_task_position, "1.5",
		"position: '1.5' is not accepted: expected a whole number\n");
	assert_refuses(KIND_task, F_task_complete, "yes",
		"complete: 'yes' is not accepted: expected true or false\n");
	assert_refuses(KIND_story, F_story_story_type, "epic",
		"story_type: 'epic' is not accepted: expected one of feature, bug, chore, release\n");
	assert_refuses(KIND_story, F_story_deadline, "tomorrow",
		"deadline: 'tomorrow' is not accepted: expected a time such as "
		"2024-05-31T16:00:00Z or a day such as 2024-05-31\n");
	assert_refuses(KIND_project, F_project_start_date, "2015-02-29",
		"start_date: '2015-02-29' is not accepted: expected a day such as 2024-05-31\n");
	assert_refuses(KIND_story, F_story_owner_ids, "100\nVader",
		"owner_ids: 'Vader' is not accepted: expected ids in digits, one a line\n");
	assert_refuses(KIND_story, F_story_requested_by_id, "0x1",
		"requested_by_id: '0x1' is not accepted: expected an id in digits\n");
	assert_refuses(KIND_story, F_story_owners, "Darth Vader\nClone", "nobody is 'Clone'\n");
	assert_refuses(KIND_epic, F_epic_label, "a\nb",
		"label: 'a b' is not accepted: expected label by name\n");
	assert_refuses(KIND_activity, F_activity_changes, "[]",
		"changes: '[]' is not accepted: expected JSON\n");
	assert_refuses(KIND_me, F_me_projects, "5",
		"projects: '5' is not accepted: expected membership_summary by name, one a line\n");
}

static void a_reason_is_one_line_of_valid_text(void **state)
{
	(void)state;
	struct record *patch;
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf why = BUF_INIT;

	buf_add_str(&text, "x\ny");
	while (text.len < 4000)
		buf_add_str(&text, "\xe2\x82\xac");
	assert_int_equal(read_text(KIND_story, F_story_estimate, text.data, &patch, &why), -EINVAL);
	assert_true(text_is_valid(why.data, why.len));
	assert_ptr_equal(strchr(why.data, '\n'), why.data + why.len - 1);
	assert_true(why.len < 150);
}

static void broken_bytes_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
	} rows[] = { { "a\0b", 3 }, { "\0", 1 }, { "g\xfcn", 3 }, { "\xc3", 1 },
		{ "\xed\xa0\x80", 3 } };
	static const int fields[] = { F_story_name, F_story_estimate, F_story_labels,
		F_story_owners };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); k++) {
			struct record *patch;
			scoped(buf_fini) struct buf why = BUF_INIT;

			assert_int_equal(read_bytes(KIND_story, fields[k], rows[i].text,
						 rows[i].len, &patch, &why),
				-EINVAL);
			assert_non_null(strstr(buf_str(&why), "not UTF-8 or holds NUL"));
		}
	}
}

static void a_list_of_thousands_is_refused_soon(void **state)
{
	(void)state;
	static const int fields[] = { F_story_owner_ids, F_story_labels };

	for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); k++) {
		struct record *patch;
		scoped(buf_fini) struct buf text = BUF_INIT;
		scoped(buf_fini) struct buf why = BUF_INIT;

		for (int i = 1; i < 200000; i++)
			buf_add_fmt(&text, "%d\n", i);
		assert_int_equal(
			read_text(KIND_story, fields[k], text.data, &patch, &why), -EINVAL);
		assert_non_null(strstr(buf_str(&why), "more than 5000 lines"));
	}
}

static void without_a_resolver_ids_are_written_and_read(void **state)
{
	(void)state;
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(buf_fini) struct buf b = BUF_INIT;
	scoped(buf_fini) struct buf ids = BUF_INIT;

	buf_add_str(&ids, "100\n9");
	assert_int_equal(plain_read(patch, F_story_owners, &ids, NULL, &b), 0);
	plain_write(patch, F_story_owners, NULL, &b);
	assert_string_equal(buf_str(&b), "100\n9");
	buf_reset(&b);
	plain_write(patch, F_story_owners, &resolver, &b);
	assert_string_equal(buf_str(&b), "Emperor Palpatine\n9");
}

static void a_name_stays_on_its_line(void **state)
{
	(void)state;
	scoped(record_unref) struct record *story = record_new(KIND_story);
	struct record *label = record_new(KIND_label);
	scoped(records_fini) struct records list = { 0 };
	scoped(buf_fini) struct buf b = BUF_INIT;

	record_set_text(label, F_label_name, "two\r\nlines");
	records_add(&list, label);
	records_add(&list, record_ref(label));
	record_set_objects(story, F_story_labels, &list);
	plain_write(story, F_story_labels, NULL, &b);
	assert_string_equal(buf_str(&b), "two  lines\ntwo  lines");
}

/* ---- random records ---- */

static uint64_t seed;

static uint64_t random_bits(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static size_t random_below(size_t n)
{
	return (size_t)(random_bits() % n);
}

/* Text that has broken programs before. */
static char *random_text(void)
{
	static const char *const pieces[] = { "a", "B", " ", "\n", "\r\n", "\t", "'", "\"", "\\",
		"%s", "%n", "$(rm)", "`x`", "../", "/", "null", "true", "0", "-1", "1e9", "---\n",
		"# ", "{}", "[", "<b>", "&amp;", "\x01", "\x7f", "\xc3\xbc", "\xe2\x80\xae",
		"\xf0\x9f\x92\xa9", "\xef\xbb\xbf", "e\xcc\x81", "\xc2\xa0", "\xe2\x80\xa8", ";",
		",", "\\u0000" };
	struct buf b = BUF_INIT;

	do
		buf_add_str(&b, pieces[random_below(sizeof(pieces) / sizeof(*pieces))]);
	while (random_below(12));
	return buf_take(&b);
}

/* A label's name: what a line can hold. */
static struct records random_labels(void)
{
	struct records list = { 0 };

	for (size_t n = random_below(4); n; n--) {
		scoped(free_ptr) char *text = random_text();
		struct record *r = record_new(KIND_label);
		scoped(buf_fini) struct buf name = BUF_INIT;

		for (const char *p = text; *p; p++)
			buf_add_char(&name, strchr("\r\n\t", *p) ? '_' : *p);
		buf_add_fmt(&name, ".%zu", n);
		record_set_text(r, F_label_name, name.data + strspn(name.data, " "));
		records_add(&list, r);
	}
	return list;
}

static struct value random_value(const struct field *field)
{
	struct value v = { .state = VALUE_SET };
	struct ids ids = { 0 };

	switch (field->type) {
	case TYPE_STRING:
	case TYPE_XSTRING:
		v.s = random_text();
		break;
	case TYPE_INT:
		v.i = (int64_t)random_bits() >> random_below(64);
		break;
	case TYPE_FLOAT:
		v.f = ldexp((double)(int64_t)random_bits(), (int)random_below(80) - 90);
		break;
	case TYPE_BOOL:
		v.i = (int64_t)random_below(2);
		break;
	case TYPE_ENUM:
		v.i = (int64_t)random_below(choices_count(field->choices));
		break;
	case TYPE_DATETIME:
		v.i = CLOCK_MIN_MS + (int64_t)random_below(CLOCK_MAX_MS - CLOCK_MIN_MS + 1);
		break;
	case TYPE_DATE:
		v.i = (int64_t)random_below(3652058) - 719528;
		break;
	case TYPE_IDS:
		for (size_t n = random_below(9); n; n--)
			ids_add(&ids, (int64_t)(n << 32 | random_below(1u << 31)));
		v = value_of_ids(ids);
		break;
	case TYPE_OBJECTS:
		v = value_of_records(random_labels());
		break;
	case TYPE_OBJECT:
	case TYPE_JSON:
		v.state = VALUE_NULL;
		break;
	}
	return v;
}

static void assert_comes_back(enum kind kind, int f)
{
	const struct field *field = schema_field(kind, f);
	scoped(record_unref) struct record *r = record_new(kind);
	scoped(record_unref) struct record *again = record_new(kind);
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf why = BUF_INIT;

	record_set(r, f, random_value(field));
	plain_write(r, f, &resolver, &text);
	if (plain_read(again, f, &text, &resolver, &why) < 0)
		fail_msg("%s '%s': %s", field->key, buf_str(&text), buf_str(&why));
	if (!value_equal(field, record_get(r, f), record_get(again, f)))
		fail_msg("%s '%s' came back as another value", field->key, buf_str(&text));
}

static void what_is_written_is_read_again(void **state)
{
	(void)state;
	seed = 0x5eed5eed;
	for (int round = 0; round < 300; round++) {
		for (enum kind k = KIND_none + 1; k < N_KINDS; k++) {
			each_field(f, k) {
				const struct field *row = schema_field(k, f);

				if (row->type != TYPE_OBJECTS || row->of == KIND_label)
					assert_comes_back(k, f);
			}
		}
	}
}

/* ---- rules ---- */

static void each_limit_is_kept_in_characters(void **state)
{
	(void)state;
	for (enum kind k = KIND_none + 1; k < N_KINDS; k++) {
		each_field(f, k) {
			const struct field *row = schema_field(k, f);
			scoped(buf_fini) struct buf text = BUF_INIT;
			scoped(v5_error_fini) struct v5_error e = { 0 };

			if (!row->max)
				continue;
			for (size_t i = 0; i < row->max; i++)
				buf_add_str(&text, "\xe2\x82\xac");
			struct value v = { .state = VALUE_SET, .s = text.data };

			assert_int_equal(check_value(row, &v, &e), 0);
			buf_add_char(&text, '.');
			v.s = text.data;
			assert_int_equal(check_value(row, &v, &e), -EINVAL);
			scoped(free_ptr) char *requirement =
				xasprintf("'%s' parameter must be %zu characters or less.",
					row->key, row->max);
			scoped(free_ptr) char *problem = xasprintf("This %s is too long:  '%s'",
				row->type == TYPE_XSTRING ? "extended_string" : "string",
				text.data);

			assert_string_equal(e.requirement, requirement);
			assert_string_equal(e.general_problem, problem);
			assert_int_equal(e.code, V5_invalid_parameter);
		}
	}
}

static void blanks_count_towards_a_limit(void **state)
{
	(void)state;
	scoped(free_ptr) char *text = xmalloc(20002);
	scoped(v5_error_fini) struct v5_error e = { 0 };
	struct value v = { .state = VALUE_SET, .s = text };

	memset(text, ' ', 20001);
	text[20001] = '\0';
	assert_int_equal(
		check_value(schema_field(KIND_story, F_story_description), &v, &e), -EINVAL);
	text[20000] = '\0';
	assert_int_equal(check_value(schema_field(KIND_story, F_story_description), &v, &e), 0);
}

static void needed_values_are_not_blank(void **state)
{
	(void)state;
	static const struct {
		enum kind kind;
		int f;
		const char *text;
		const char *problem;
	} rows[] = {
		{ KIND_story, F_story_name, NULL, "Name can't be blank" },
		{ KIND_story, F_story_name, "", "Name can't be blank" },
		{ KIND_story, F_story_name, " \n\xc2\xa0", "Name can't be blank" },
		{ KIND_task, F_task_description, " ", "Description can't be blank" },
		{ KIND_story, F_story_story_type, NULL, "Story type can't be blank" },
		{ KIND_story, F_story_description, NULL, NULL },
		{ KIND_story, F_story_description, "", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct field *field = schema_field(rows[i].kind, rows[i].f);
		scoped(record_unref) struct record *patch = record_new(rows[i].kind);
		scoped(v5_error_fini) struct v5_error e = { 0 };

		if (rows[i].text)
			record_set_text(patch, rows[i].f, rows[i].text);
		else
			record_set_null(patch, rows[i].f);
		if (!rows[i].problem) {
			assert_int_equal(check_patch(patch, &e), 0);
			continue;
		}
		assert_int_equal(check_patch(patch, &e), -EINVAL);
		assert_string_equal(e.general_problem, rows[i].problem);
		assert_string_equal(e.validation_errors[0].field, field->key);
		assert_string_equal(e.validation_errors[0].problem, rows[i].problem);
	}
}

static void a_patch_without_a_needed_field_is_no_offence(void **state)
{
	(void)state;
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(v5_error_fini) struct v5_error e = { 0 };

	assert_int_equal(check_patch(patch, &e), 0);
	record_set_float(patch, F_story_estimate, 2);
	assert_int_equal(check_patch(patch, &e), 0);
	assert_int_equal(e.code, V5_OK);
}

static void nested_resources_keep_their_rules(void **state)
{
	(void)state;
	scoped(record_unref) struct record *patch = NULL;
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(v5_error_fini) struct v5_error e = { 0 };

	buf_add_str(&text, "short\n");
	for (int i = 0; i < 256; i++)
		buf_add_char(&text, 'x');
	assert_int_equal(read_text(KIND_story, F_story_labels, text.data, &patch, &text), 0);
	assert_int_equal(check_patch(patch, &e), -EINVAL);
	assert_string_equal(e.requirement, "'name' parameter must be 255 characters or less.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_go_both_ways),
		cmocka_unit_test(lists_are_lines),
		cmocka_unit_test(a_patch_sets_one_field_the_id_form_where_names_point),
		cmocka_unit_test(nothing_is_no_value),
		cmocka_unit_test(what_is_no_value_is_refused_with_what_would_be),
		cmocka_unit_test(a_reason_is_one_line_of_valid_text),
		cmocka_unit_test(broken_bytes_are_refused),
		cmocka_unit_test(a_list_of_thousands_is_refused_soon),
		cmocka_unit_test(without_a_resolver_ids_are_written_and_read),
		cmocka_unit_test(a_name_stays_on_its_line),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(each_limit_is_kept_in_characters),
		cmocka_unit_test(blanks_count_towards_a_limit),
		cmocka_unit_test(needed_values_are_not_blank),
		cmocka_unit_test(a_patch_without_a_needed_field_is_no_offence),
		cmocka_unit_test(nested_resources_keep_their_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
