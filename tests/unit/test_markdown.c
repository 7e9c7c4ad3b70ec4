/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A story as a document: what is written is read as it was, whatever the texts hold; what is none
 * is refused with line and reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/markdown.h"

/* ---- any story there can be ---- */

enum { N_STORIES = 5000 };

static const char *const pieces[] = { "a", "Ada", " ", "  ", "\n", "\n\n", "\n\n\n", "\r\n", "\r",
	"\t", "---", "\n---\n", "...", "# ", "\n# Heading\n", "## Tasks", "### ", "- [ ] ",
	"\n- [x] ", "- ", "* ", "```\n", "~~~", "    code", "<!-- ", "<!--", " -->", "-->", "\\",
	"\\\\", "storyfs:", "<!-- storyfs:", "<!-- storyfs: tasks -->",
	"\n## Tasks <!-- storyfs: tasks -->\n", "\n## Comments <!-- storyfs: comments -->\n",
	" <!-- storyfs: 701 -->", "<!-- \\storyfs:", "<!-- \\\\storyfs: newline -->",
	"<!-- storyfs: newline -->",
	"\n<!-- storyfs: version 0123456789abcdef; text below this line becomes a comment -->\n",
	"<!-- <!-- storyfs:", "key: value", ": ", ":", " #", "#", "&a", "*a", "!tag", "[", "]",
	", ", "{", "}", "\"", "'", "|", ">", "%", "@", "`", "?", "null", "~", "true", "2024-05-31",
	"0x10", "\xc3\xa9", "\xe2\x80\xa8", "\xc2\x85", "\xc2\xa0", "\xef\xbb\xbf",
	"\xf0\x9f\x9a\x80", "\x01", "\x1b[0m", "\x7f", "$(id)", "&amp;", "<script>", "\\n",
	"\xef\xbf\xbf" };

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static char *random_text(size_t max)
{
	struct buf b = BUF_INIT;

	for (size_t n = random_below(max + 1); n; n--)
		buf_add_str(&b, pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))]);
	return buf_take(&b);
}

/* As plain_write gives it: the words of what is no text, lists one a line. */
static char *random_field(const struct field *field)
{
	static const char *const times[] = { "", "2024-05-31T16:00:00Z",
		"1970-01-01T00:00:00.001Z" };
	static const char *const numbers[] = { "", "0", "-1", "3", "0.5", "9007199254740993" };

	switch (field->type) {
	case TYPE_INT:
	case TYPE_FLOAT:
		return xstrdup(numbers[random_below(6)]);
	case TYPE_DATETIME:
		return xstrdup(times[random_below(3)]);
	case TYPE_ENUM:
		return xstrdup(field->choices->words[random_below(choices_count(field->choices))]);
	case TYPE_STRING:
	case TYPE_XSTRING:
		return random_text(8);
	case TYPE_OBJECT:
	case TYPE_OBJECTS:
		break;
	case TYPE_BOOL:
	case TYPE_DATE:
	case TYPE_IDS:
	case TYPE_JSON:
		fail_msg("%s is of a type that no document has", field->key);
	}
	char *text = random_text(field->type == TYPE_OBJECT ? 4 : 12);

	for (char *p = text; *p; p++)
		*p = *p == '\r' || (*p == '\n' && field->type == TYPE_OBJECT) ? ' ' : *p;
	return text;
}

static void random_items(struct markdown_items *items, int64_t id)
{
	for (uint64_t n = random_below(4); n; n--)
		markdown_add_item(items,
			(struct markdown_item){
				.id = id++, .done = random_below(2), .text = random_text(6) });
}

static void random_story(struct markdown *m)
{
	each_field(f, KIND_story) {
		if (markdown_has_field(f))
			m->fields[f].text = random_field(schema_field(KIND_story, f));
	}
	random_items(&m->tasks, 701);
	random_items(&m->blockers, INT64_MAX - 10);
	for (uint64_t n = random_below(4), id = 601; n; n--)
		markdown_add_comment(&m->comments, (struct markdown_comment){ .id = (int64_t)id++,
							   .head = random_text(4),
							   .text = random_text(10) });
}

static void assert_same_items(const struct markdown_items *a, const struct markdown_items *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->v[i].id, b->v[i].id);
		assert_int_equal(a->v[i].done, b->v[i].done);
		assert_string_equal(a->v[i].text, b->v[i].text);
	}
}

static void assert_same(const struct markdown *a, const struct markdown *b)
{
	each_field(f, KIND_story) {
		assert_int_equal(a->fields[f].text == NULL, b->fields[f].text == NULL);
		if (a->fields[f].text)
			assert_string_equal(a->fields[f].text, b->fields[f].text);
	}
	assert_same_items(&a->tasks, &b->tasks);
	assert_same_items(&a->blockers, &b->blockers);
	assert_int_equal(a->comments.n, b->comments.n);
	for (size_t i = 0; i < a->comments.n; i++) {
		assert_int_equal(a->comments.v[i].id, b->comments.v[i].id);
		assert_string_equal(a->comments.v[i].head, b->comments.v[i].head);
		assert_string_equal(a->comments.v[i].text, b->comments.v[i].text);
	}
	assert_int_equal(a->comment == NULL, b->comment == NULL);
	if (a->comment)
		assert_string_equal(a->comment, b->comment);
}

static void read_or_fail(const struct buf *text, enum markdown_use use, struct markdown *ret)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (markdown_read(text, use, ret, &reason) < 0)
		fail_msg("%s in:\n%s", buf_str(&reason), buf_str(text));
	assert_int_equal(reason.len, 0);
}

static void any_story_is_read_as_it_was_written(void **state)
{
	(void)state;
	seed = 20240531;
	for (int i = 0; i < N_STORIES; i++) {
		scoped(markdown_fini) struct markdown story = { 0 };
		scoped(markdown_fini) struct markdown again = { 0 };
		scoped(buf_fini) struct buf once = BUF_INIT;
		scoped(buf_fini) struct buf twice = BUF_INIT;

		random_story(&story);
		markdown_write(&story, &once);
		read_or_fail(&once, MARKDOWN_OF_STORY, &again);
		assert_same(&story, &again);
		markdown_write(&again, &twice);
		assert_string_equal(buf_str(&once), buf_str(&twice));
	}
}

/* A story's document, wherever it is cut: refused, or nothing but its end is gone. */
static void a_cut_document_is_refused(void **state)
{
	(void)state;
	seed = 7;
	for (int i = 0; i < 20; i++) {
		scoped(markdown_fini) struct markdown story = { 0 };
		scoped(buf_fini) struct buf text = BUF_INIT;

		random_story(&story);
		markdown_write(&story, &text);
		for (size_t len = 0; len < text.len - 1; len++) {
			scoped(markdown_fini) struct markdown m = { 0 };
			scoped(buf_fini) struct buf cut = BUF_INIT;
			scoped(buf_fini) struct buf reason = BUF_INIT;

			buf_add(&cut, text.data, len);
			assert_int_equal(
				markdown_read(&cut, MARKDOWN_OF_STORY, &m, &reason), -EINVAL);
			assert_int_equal(strncmp(buf_str(&reason), "line ", 5), 0);
		}
	}
}

/* ---- one document ---- */

#define HEAD                           \
	"---\n"                        \
	"accepted_at:\n"               \
	"estimate: 3\n"                \
	"story_type: feature\n"        \
	"story_priority:\n"            \
	"current_state: started\n"     \
	"deadline:\n"                  \
	"requested_by: Ada\n"          \
	"external_id:\n"               \
	"integration_id:\n"            \
	"owners: [Ada, \"O'Brien\"]\n" \
	"labels: [a b, \"2024\"]\n"    \
	"owned_by_id:\n"               \
	"followers: []\n"              \
	"---\n"                        \
	"\n"                           \
	"# The name\n"                 \
	"\n"
#define TASKS "## Tasks <!-- storyfs: tasks -->\n\n"
#define BLOCKERS "## Blockers <!-- storyfs: blockers -->\n\n"
#define COMMENTS "## Comments <!-- storyfs: comments -->\n\n"
#define COMMENT "### Ada, 2024-05-31T16:00:00Z <!-- storyfs: comment 601 -->\n\nYes\n\n"
#define END "<!-- storyfs: version 0; text below this line becomes a comment -->\n"
#define REST TASKS BLOCKERS COMMENTS END

static void it_looks_like_this(void **state)
{
	(void)state;
	static const char expected[] =
		HEAD "One line,\n\n* <!-- \\storyfs: another -->\n\n" TASKS
		     "- [x] Buy paint <!-- storyfs: 701 -->\n"
		     "- [ ] Stir\n\n  slowly <!-- storyfs: 702 -->\n\n" BLOCKERS
		     "- [ ] No paint <!-- storyfs: 751 -->\n\n" COMMENTS COMMENT
		     "<!-- storyfs: version ";
	scoped(markdown_fini) struct markdown m = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT, again = BUF_INIT;

	buf_add_str(&text, expected);
	buf_add_str(&text, "x; text below this line becomes a comment -->\n");
	read_or_fail(&text, MARKDOWN_OF_STORY, &m);
	assert_string_equal(m.fields[F_story_owners].text, "Ada\nO'Brien");
	assert_string_equal(m.fields[F_story_labels].text, "a b\n2024");
	assert_string_equal(m.fields[F_story_deadline].text, "");
	assert_string_equal(
		m.fields[F_story_description].text, "One line,\n\n* <!-- storyfs: another -->");
	assert_int_equal(m.fields[F_story_estimate].line, 3);
	assert_int_equal(m.fields[F_story_name].line, 17);
	assert_string_equal(m.tasks.v[1].text, "Stir\n\nslowly");
	assert_string_equal(m.version, "x");
	markdown_write(&m, &again);
	assert_int_equal(strncmp(buf_str(&again), expected, strlen(expected)), 0);
}

static void what_people_write_is_understood(void **state)
{
	(void)state;
	scoped(markdown_fini) struct markdown m = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text,
		"---\nlabels:\n  - a\n  - 'b c'\nestimate: null\nexternal_id: >\n  one\n  two\n"
		"deadline: \nowners: []\nrequested_by: \"B\\u00f6\"\nstory_priority: ~ # none\n"
		"owned_by_id: 7\nfollowers: []\naccepted_at:\nintegration_id:\nstory_type: bug\ncurrent_state: "
		"started\n---\n\n\n# Name\nAt once\n" TASKS "- [X] one\n\n\n- [ ] two\n"
		"  lines  \n\n" BLOCKERS "- [ ] b\n" COMMENTS END "\n\nA new\n\none\n\n");
	read_or_fail(&text, MARKDOWN_OF_STORY, &m);
	assert_string_equal(m.fields[F_story_labels].text, "a\nb c");
	assert_string_equal(m.fields[F_story_estimate].text, "");
	assert_string_equal(m.fields[F_story_external_id].text, "one two\n");
	assert_string_equal(m.fields[F_story_story_priority].text, "");
	assert_string_equal(m.fields[F_story_requested_by].text, "B\xc3\xb6");
	assert_string_equal(m.fields[F_story_description].text, "At once");
	assert_int_equal(m.tasks.n, 2);
	assert_true(m.tasks.v[0].done && m.tasks.v[0].id == 0);
	assert_string_equal(m.tasks.v[0].text, "one");
	assert_string_equal(m.tasks.v[1].text, "two\nlines");
	assert_string_equal(m.blockers.v[0].text, "b");
	assert_string_equal(m.comment, "A new\n\none");
}

static void a_new_one_needs_its_heading_alone(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name, *description;
		size_t n_tasks;
	} rows[] = {
		{ "# Name", "Name", "", 0 },
		{ "\n# Name\n\nText\n\n\n", "Name", "Text", 0 },
		{ "---\nestimate: 1\n---\n# Name\nText", "Name", "Text", 0 },
		{ "# Name\n" TASKS "- [ ] one\n- [ ] two", "Name", "", 2 },
		{ HEAD "Text\n\n" TASKS "- [ ] one\n" BLOCKERS COMMENTS END "Hm", "The name",
			"Text", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scoped(markdown_fini) struct markdown m = { 0 };
		scoped(buf_fini) struct buf text = BUF_INIT;

		buf_add_str(&text, rows[i].text);
		read_or_fail(&text, MARKDOWN_OF_NEW, &m);
		assert_string_equal(m.fields[F_story_name].text, rows[i].name);
		assert_string_equal(m.fields[F_story_description].text, rows[i].description);
		assert_int_equal(m.tasks.n, rows[i].n_tasks);
	}
}

/* ---- what is refused ---- */

static const struct {
	const char *text, *reason;
} refused[] = {
	{ "", "line 1: the document is empty" },
	{ " \n\n", "line 1: the document is empty" },
	{ "# Name\n", "line 1: expected `---`, not '# Name'" },
	{ "---\r\nestimate: 3\r\n---\r\n", "line 1: the lines end with CR LF" },
	{ "---\nestimate: 3\n",
		"line 3: the document ends where `---` should come: it was cut off" },
	{ "---\nestimate: 3\n---\n\n# Name\n" REST, "line 3: the line `accepted_at:` is missing" },
	{ "---\nestimat: 3\n---\n",
		"line 2: unknown key 'estimat', is `estimate` meant? The keys are "
		"accepted_at, estimate, " },
	{ "---\nname: x\n---\n", "line 2: unknown key 'name'" },
	{ "---\nid: 5\n---\n", "line 2: unknown key 'id'" },
	{ "---\nestimate: 3\nestimate: 3\n---\n", "line 3: the key is there twice" },
	{ "---\nestimate: [3]\n---\n", "line 2: expected one value" },
	{ "---\nlabels: {a: b}\n---\n", "line 2: expected a list" },
	{ "---\nlabels: [a, [b]]\n---\n", "line 2: an item of a list is a text or a number" },
	{ "---\nlabels: [\"a\\nb\"]\n---\n", "line 2: an item of a list is one line" },
	{ "---\nlabels: &a [x]\n---\n", "line 2: anchors and tags are not for here" },
	{ "---\nestimate: !!int 3\n---\n", "line 2: anchors and tags are not for here" },
	{ "---\nexternal_id: \"a\\0b\"\n---\n", "line 2: the value holds a NUL" },
	{ "---\n- a\n---\n", "line 2: expected lines of `key: value`" },
	{ "---\nestimate: 3\n  x: [\n---\n", "line 3: the front matter is no YAML: " },
	{ "---\nestimate: 3\n...\na: b\n---\n", "line 4: " },
	{ HEAD "text", "line 20: the document ends where `## Tasks <!-- storyfs: tasks -->` should "
		       "come: it was cut off" },
	{ HEAD "a <!-- storyfs: b\n" REST, "line 19: expected `## Tasks <!-- storyfs: tasks -->`" },
	{ HEAD BLOCKERS TASKS COMMENTS END,
		"line 19: expected `## Tasks <!-- storyfs: tasks -->`" },
	{ HEAD "## To do <!-- storyfs: tasks -->\n" BLOCKERS COMMENTS END,
		"line 19: expected `## Tasks" },
	{ HEAD TASKS "text\n" BLOCKERS COMMENTS END, "line 21: expected `- [ ] `, not 'text'" },
	{ HEAD TASKS "- [ ] a <!-- storyfs: 1 -->\n  b\n" BLOCKERS COMMENTS END,
		"line 22: expected `- [ ] `" },
	{ HEAD TASKS "- [y] a\n" BLOCKERS COMMENTS END, "line 21: expected `- [ ] `" },
	{ HEAD TASKS "- [ ] a <!-- storyfs: x -->\n" BLOCKERS COMMENTS END,
		"line 21: a mark that is not the id" },
	{ HEAD TASKS "- [ ] a <!-- storyfs: 1 --> b\n" BLOCKERS COMMENTS END,
		"line 21: a mark that is not the id" },
	{ HEAD TASKS "- [ ] a <!-- storyfs: 1 --> <!-- storyfs: 2 -->\n" BLOCKERS COMMENTS END,
		"line 21: a mark that is not the id" },
	{ HEAD TASKS "- [ ] a\n", "line 22: the document ends where `## Blockers" },
	{ HEAD TASKS BLOCKERS COMMENTS "text\n" END, "line 25: text before the first comment" },
	{ HEAD TASKS BLOCKERS COMMENTS "### Ada <!-- storyfs: 601 -->\n" END,
		"line 25: expected `### author, time <!-- storyfs: comment id -->`" },
	{ HEAD TASKS BLOCKERS COMMENTS COMMENT,
		"line 29: the document ends where `<!-- storyfs: version" },
	{ HEAD REST "a\n<!-- storyfs: b", "line 27: a mark of storyfs within a text" },
	{ HEAD REST END, "line 26: a mark of storyfs within a text" },
	{ "---\n---\n\n# a<!-- storyfs: b -->\n" REST,
		"line 2: the line `accepted_at:` is missing" },
	{ "\xff", "line 1: the text is not UTF-8 or holds NUL bytes" },
};

static void what_is_no_document_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		scoped(markdown_fini) struct markdown m = { 0 };
		scoped(buf_fini) struct buf text = BUF_INIT, reason = BUF_INIT;

		buf_add_str(&text, refused[i].text);
		assert_int_equal(markdown_read(&text, MARKDOWN_OF_STORY, &m, &reason), -EINVAL);
		if (strncmp(buf_str(&reason), refused[i].reason, strlen(refused[i].reason)) != 0)
			fail_msg("row %zu: %s", i, buf_str(&reason));
		assert_int_equal(reason.data[reason.len - 1], '\n');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_story_is_read_as_it_was_written),
		cmocka_unit_test(a_cut_document_is_refused),
		cmocka_unit_test(it_looks_like_this),
		cmocka_unit_test(what_people_write_is_understood),
		cmocka_unit_test(a_new_one_needs_its_heading_alone),
		cmocka_unit_test(what_is_no_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
