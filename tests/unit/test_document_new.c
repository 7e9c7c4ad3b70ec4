/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New stories of documents: one request with all that the text says, or none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "documents.h"

#define FOLDER "projects/99/markdown"
#define TASKS "## Tasks <!-- storyfs: tasks -->\n\n"
#define WITH_TASK(line) "# B\n\nMore text\n\n" TASKS line "\n"
#define BLOCKERS "## Blockers <!-- storyfs: blockers -->\n\n"
#define COMMENTS "## Comments <!-- storyfs: comments -->\n\n"
#define END "<!-- storyfs: version 0; text below this line becomes a comment -->\n"

static int make_at(struct forest *f, const char *name, const char *text, struct node *ret)
{
	struct node dir = node_at(f->tree, FOLDER);

	return tree_make_text(
		f->tree, &dir, &(struct tree_text){ name, text, strlen(text) }, NULL, ret);
}

static const struct {
	const char *text, *body;
} made[] = {
	{ "# Paint\n", "{\"name\":\"Paint\"}" },
	{ "# A<!-- storyfs: newline -->b\n\nText\n\nmore\n",
		"{\"name\":\"A\\nb\",\"description\":\"Text\\n\\nmore\"}" },
	{ "---\nestimate: 3\nowners: [bo, lee]\nlabels: [red, \"1\"]\nrequested_by: ann\n---\n# Paint\n",
		"{\"estimate\":3,\"name\":\"Paint\",\"requested_by_id\":101,\"owner_ids\":[103,102],"
		"\"labels\":[{\"name\":\"red\"},{\"name\":\"1\"}]}" },
	{ "# Paint\n" TASKS "- [ ] one\n- [x] two <!-- storyfs: 701 -->\n\n" BLOCKERS
	  "- [ ] none\n" COMMENTS END "\nHm\n",
		"{\"name\":\"Paint\",\"tasks\":[{\"description\":\"one\"},{\"description\":\"two\","
		"\"complete\":true}],\"comments\":[{\"text\":\"Hm\"}],"
		"\"blockers\":[{\"description\":\"none\"}]}" },
};

static void a_document_is_one_post(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		scoped(forest_end) struct forest f;
		struct node node, found;

		forest_begin(&f);
		if (make_at(&f, "paint.md", made[i].text, &node) != 0)
			fail_msg("row %zu was refused", i);
		scoped(free_ptr) char *is = writes(&f);
		scoped(free_ptr) char *expected =
			xasprintf("POST /projects/99/stories %s\n", made[i].body);

		assert_string_equal(is, expected);
		/* The name finds it, and is no name of the listing. */
		found = node_at(f.tree, FOLDER "/paint.md");
		assert_int_equal(tree_number(&found), tree_number(&node));
		assert_true(tree_is_alias(&node, "paint.md"));
		assert_false(tree_is_alias(&node, "8001.md"));
		scoped(free_ptr) char *last = read_at(f.tree, ".storyfs/last");

		assert_non_null(strstr(last, "path: projects/99/stories/8001\n"));
	}
}

static const struct {
	const char *name, *text, *reason;
	int error;
} refused[] = {
	{ "4711.md", "# A\n", "no story has this number", -EINVAL },
	{ "a.md", "", "line 1: the document is empty", -EINVAL },
	{ "a.md", "A\n", "line 1: expected `# the name`, not 'A'", -EINVAL },
	{ "a.md", "# \n", "line 1: a story has a name", -EINVAL },
	{ "a.md", "#  \t\n", "line 1:\n", -EINVAL },
	{ "a.md", "---\nestimate: x\n---\n# A\n", "line 2: estimate: 'x' is not accepted",
		-EINVAL },
	{ "a.md", "---\nowners: [nobody]\n---\n# A\n", "line 2: nobody here is called 'nobody'",
		-EINVAL },
	{ "a.md", "# A\n" TASKS "- [ ] \n", "line 4:\n", -EINVAL },
	{ "a.md",
		"# A\n" TASKS BLOCKERS COMMENTS
		"### Ann, then <!-- storyfs: comment 601 -->\n\nYes\n\n" END,
		"line 8: the comments of another story cannot be copied", -EINVAL },
};

static void nothing_is_made_of_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		scoped(forest_end) struct forest f;
		struct node node;

		forest_begin(&f);
		if (make_at(&f, refused[i].name, refused[i].text, &node) != refused[i].error)
			fail_msg("row %zu was not refused so", i);
		scoped(free_ptr) char *is = writes(&f);
		scoped(free_ptr) char *error = read_at(f.tree, FOLDER "/.error");

		assert_string_equal(is, "");
		if (!strstr(error, refused[i].reason))
			fail_msg("row %zu: %s", i, error);
	}
}

static void the_servers_refusal_is_told(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	struct node node, dir;

	forest_begin(&f);
	host_fail(&f.world.host,
		&(struct host_fault){ .method = HTTP_POST,
			.status = 400,
			.times = 1,
			.body = "{\"kind\":\"error\",\"code\":\"invalid_parameter\",\"error\":\"Not so.\"}" });
	assert_int_equal(make_at(&f, "a.md", "# A\n", &node), -EINVAL);
	scoped(free_ptr) char *error = read_at(f.tree, FOLDER "/.error");

	assert_non_null(strstr(error, "a.md: not made a story (Invalid argument)"));
	assert_non_null(strstr(error, "Not so."));
	dir = node_at(f.tree, FOLDER);
	assert_int_equal(tree_lookup(f.tree, &dir, "a.md", NULL, &node), 1);
	assert_int_equal(make_at(&f, "a.md", "# A\n", &node), 0);
	assert_int_equal(tree_lookup(f.tree, &dir, ".error", NULL, &node), 1);
}

/* An editor goes on with the text that made it. */
static void the_text_that_made_it_is_saved_again(void **state)
{
	(void)state;
	static const struct {
		const char *text, *request;
		int error;
	} rows[] = {
		{ "# A\n\nText\n", "", 0 },
		{ "# A\n\nMore text\n",
			"PUT /projects/99/stories/8001 {\"description\":\"More text\"}\n", 0 },
		{ "---\nstory_type: bug\n---\n# B\n\nMore text\n",
			"PUT /projects/99/stories/8001 {\"story_type\":\"bug\",\"name\":\"B\"}\n",
			0 },
		{ "---\nstate: bug\n---\n# B\n", "", -EINVAL },
	};
	scoped(forest_end) struct forest f;
	struct node node;

	forest_begin(&f);
	assert_int_equal(make_at(&f, "a.md", "# A\n\nText\n", &node), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host_forget(&f.world.host);
		if (save_at(f.tree, FOLDER "/a.md", rows[i].text) != rows[i].error)
			fail_msg("row %zu", i);
		scoped(free_ptr) char *is = writes(&f);

		assert_string_equal(is, rows[i].request);
	}
	/* The same editor may change what it made. */
	host_set(&f.world.host, "/projects/99/stories/8001/tasks", "[]");
	host_forget(&f.world.host);
	assert_int_equal(save_at(f.tree, FOLDER "/a.md", WITH_TASK("- [ ] Tpyo")), 0);
	assert_int_equal(save_at(f.tree, FOLDER "/a.md", WITH_TASK("- [ ] Typo")), -EINVAL);
	assert_int_equal(
		save_from(f.tree, FOLDER "/a.md", WITH_TASK("- [ ] Tpyo"), WITH_TASK("- [ ] Typo")),
		0);
	assert_writes(&f, "POST /projects/99/stories/8001/tasks {\"description\":\"Tpyo\"}\n"
			  "PUT /projects/99/stories/8001/tasks/8002 {\"description\":\"Typo\"}\n");
	/* Of no other story. */
	assert_int_equal(save_at(f.tree, FOLDER "/501.md", rows[0].text), -EINVAL);
}

static void names_that_make_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *dir, *name;
		bool makes;
	} rows[] = {
		{ FOLDER, "a.md", true },
		{ FOLDER, "4711.md", true },
		{ FOLDER, ".a.md", false },
		{ FOLDER, "a.md~", false },
		{ FOLDER, ".md", false },
		{ FOLDER, "a", false },
		{ FOLDER, "#a.md#", false },
		{ "projects/99/stories", "a.md", false },
		{ "projects/99", "a.md", false },
		{ "projects/99/stories/501", "a.md", false },
		{ FOLDER "/501.md", "a.md", false },
	};
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct node dir = node_at(f.tree, rows[i].dir), made_node;

		if (tree_makes_named(&dir, rows[i].name) != rows[i].makes)
			fail_msg("row %zu", i);
		if (!rows[i].makes)
			assert_int_equal(tree_make_text(f.tree, &dir,
						 &(struct tree_text){ rows[i].name, "# A\n", 4 },
						 NULL, &made_node),
				-EPERM);
	}
	scoped(free_ptr) char *is = writes(&f);

	assert_string_equal(is, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_one_post),
		cmocka_unit_test(nothing_is_made_of_what_is_refused),
		cmocka_unit_test(the_servers_refusal_is_told),
		cmocka_unit_test(the_text_that_made_it_is_saved_again),
		cmocka_unit_test(names_that_make_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
