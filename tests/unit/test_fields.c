/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `fields` parameter: its grammar, and which fields V5's recorded answers held for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/buf.h"
#include "storyfs/fields.h"

static struct fields *parse(const char *text)
{
	size_t at;
	struct fields *f = fields_parse(text, &at);

	if (!f)
		fail_msg("'%s' was refused at %zu", text, at);
	return f;
}

static void requests_of_real_clients_are_read(void **state)
{
	(void)state;
	static const char *const texts[] = {
		":default",
		"current_velocity,:default",
		":default,epics(:default,label(name))",
		"stories(total_hits,stories(id,current_state,updated_at))",
		"number,team_strength,stories(name,story_type,estimate,owners(name,email))",
		"person(email,name)",
		"labels(counts)",
		"comments(:default,file_attachments(:default,uploader))",
		" name , id ",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scoped(fields_free) struct fields *f = parse(texts[i]);

		assert_non_null(f);
	}
}

static void wrong_requests_are_refused_at_the_first_wrong_byte(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t at;
	} rows[] = {
		{ "", 0 },
		{ ",", 0 },
		{ "name,", 5 },
		{ "name,,id", 5 },
		{ "name)", 4 },
		{ "labels(name", 11 },
		{ "labels()", 7 },
		{ "labels(name))", 12 },
		{ "labels(name,)", 12 },
		{ "na-me", 2 },
		{ ":defaults", 0 },
		{ ":Default", 0 },
		{ "a,:", 2 },
		{ ":default(name)", 8 },
		{ "name id", 5 },
		{ "g\xc3\xbcn", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t at = 999;

		assert_null(fields_parse(rows[i].text, &at));
		if (at != rows[i].at)
			fail_msg("'%s': refused at %zu", rows[i].text, at);
	}
}

static void nesting_ends_at_sixteen(void **state)
{
	(void)state;
	for (int depth = 0; depth < 40; depth++) {
		scoped(buf_fini) struct buf text = BUF_INIT;
		size_t at = 0;

		for (int i = 0; i < depth; i++)
			buf_add_str(&text, "a(");
		buf_add_char(&text, 'a');
		for (int i = 0; i < depth; i++)
			buf_add_char(&text, ')');
		scoped(fields_free) struct fields *f = fields_parse(buf_str(&text), &at);

		assert_int_equal(f != NULL, depth <= 16);
		assert_true(f || at == 34);
	}
}

static void what_stands_in_parentheses_belongs_to_the_name(void **state)
{
	(void)state;
	scoped(fields_free) struct fields *f = parse("comments(:default,person(name)),labels");
	const struct fields *comments = fields_nested(f, "comments");

	assert_false(fields_has_default(f));
	assert_true(fields_has(f, "labels"));
	assert_null(fields_nested(f, "labels"));
	assert_true(fields_has_default(comments));
	assert_true(fields_has(fields_nested(comments, "person"), "name"));
	assert_false(fields_has(f, "person"));
	assert_null(fields_nested(f, "nothing"));
}

static void no_parameter_means_the_default(void **state)
{
	(void)state;
	assert_true(fields_has_default(NULL));
	assert_true(fields_wants_kind(NULL));
	assert_false(fields_has(NULL, "name"));
	assert_null(fields_nested(NULL, "labels"));
	assert_true(fields_wants(NULL, KIND_story, F_story_name));
	assert_false(fields_wants(NULL, KIND_story, F_story_owners));
}

/* What V5 was recorded to send for a parameter: keys it held, and keys it did not. */
static const struct {
	enum kind kind;
	const char *fields;
	const char *with;
	const char *without;
	bool kind_too;
} recorded[] = {
	{ KIND_story, "name,story_type", "id name story_type", "url labels created_at", false },
	{ KIND_label, "name", "id name", "project_id created_at", false },
	{ KIND_story, "kind", "id", "name", true },
	{ KIND_story, ":default,owners", "owner_ids owners name", "owned_by", true },
	{ KIND_story, ":default,owned_by", "owned_by owner_ids", "owned_by_id", true },
	{ KIND_story, "owned_by,owned_by_id", "id owned_by owned_by_id", "name", false },
	{ KIND_story, ":default,requested_by", "requested_by", "requested_by_id", true },
	{ KIND_epic, ":default,label_id", "label label_id", "comment_ids", true },
	{ KIND_comment, ":default,person", "person", "person_id", true },
	{ KIND_comment, ":default,file_attachments", "file_attachments text", "file_attachment_ids",
		true },
	{ KIND_project, ":default,account", "account account_id", "labels stories", true },
	{ KIND_activity, "message", "guid project_version message", "changes kind", false },
	{ KIND_story, "rank", "id", "rank", false },
};

static void assert_wants(const struct fields *f, enum kind kind, const char *words, bool wanted)
{
	char word[64];
	int n = 0;

	for (; sscanf(words, "%63s%n", word, &n) == 1; words += n) {
		int i = schema_find_field(kind, word);

		assert_true(i >= 0);
		if (fields_wants(f, kind, i) != wanted)
			fail_msg("%s: %s %s", schema_resource(kind)->name, word,
				wanted ? "is missing" : "is too much");
	}
}

static void answers_hold_what_v5_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(recorded) / sizeof(*recorded); i++) {
		scoped(fields_free) struct fields *f = parse(recorded[i].fields);

		assert_wants(f, recorded[i].kind, recorded[i].with, true);
		assert_wants(f, recorded[i].kind, recorded[i].without, false);
		assert_int_equal(fields_wants_kind(f), recorded[i].kind_too);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_real_clients_are_read),
		cmocka_unit_test(wrong_requests_are_refused_at_the_first_wrong_byte),
		cmocka_unit_test(nesting_ends_at_sixteen),
		cmocka_unit_test(what_stands_in_parentheses_belongs_to_the_name),
		cmocka_unit_test(no_parameter_means_the_default),
		cmocka_unit_test(answers_hold_what_v5_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
