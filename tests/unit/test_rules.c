/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is refused before it is sent because V5 certainly would, and what a refusal tells. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "storyfs/alloc.h"

static const char stories_path[] = "projects/99/stories";

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
}

/* The project says what points there are, and whether bugs have them; NULL: it does not say. */
static void begin(struct forest *f, const char *scale, const char *bugs)
{
	forest_begin(f);
	host_change(&f->world.host, "/projects/99", "point_scale", scale);
	host_change(&f->world.host, "/projects/99", "bugs_and_chores_are_estimatable", bugs);
	free(names_at(f->tree, stories_path));
	host_forget(&f->world.host);
}

static void what_v5_refuses_for_certain_is_not_sent(void **state)
{
	(void)state;
	static const struct {
		const char *scale, *bugs, *path, *text;
		int error; /* 0: it is sent */
		const char *reason, *accepted;
	} rows[] = {
		{ "'0,1,2,3'", "false", "501/estimate", "3\n", 0, NULL, NULL },
		{ "'0,1,2,3'", "false", "501/estimate", "5\n", -EINVAL,
			"not a point of this project's point_scale, 0,1,2,3",
			"accepted: one of 0,1,2,3; empty for none\n" },
		{ "'0,1,2,3'", "false", "501/estimate", "many\n", -EINVAL, "'many'",
			"accepted: one of 0,1,2,3; empty for none\n" },
		{ "'0, 0.5, 40'", "false", "501/estimate", "0.5\n", 0, NULL, NULL },
		{ "'0,1,2,3'", "false", "501/estimate", "\n", 0, NULL, NULL },
		{ NULL, NULL, "501/estimate", "5\n", 0, NULL, NULL },
		{ "'0,1,2,3'", "false", "502/estimate", "1\n", -EINVAL,
			"a bug has no estimate in this project: its "
			"bugs_and_chores_are_estimatable is false",
			"accepted: nothing, as long as story_type is bug\n" },
		{ "'0,1,2,3'", "false", "503/estimate", "1\n", -EINVAL, "a chore has no estimate",
			"as long as story_type is chore\n" },
		{ "'0,1,2,3'", "true", "502/estimate", "1\n", 0, NULL, NULL },
		{ "'0,1,2,3'", "true", "502/estimate", "9\n", -EINVAL, "point_scale",
			"accepted: one of 0,1,2,3" },
		{ "'0,1,2,3'", NULL, "502/estimate", "1\n", 0, NULL, NULL },
		{ "'0,1,2,3'", "true", "505/estimate", "1\n", -EINVAL,
			"a release has no estimate\n", "as long as story_type is release\n" },
		{ "'0,1,2,3'", "false", "501/deadline", "2024-07-01\n", -EINVAL,
			"only a release has a deadline, this is a feature\n",
			"accepted: nothing, as long as story_type is feature\n" },
		{ "'0,1,2,3'", "false", "505/deadline", "2024-07-01\n", 0, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *path = xasprintf("%s/%s", stories_path, rows[i].path);

		begin(&f, rows[i].scale, rows[i].bugs);
		if (save_at(f.tree, path, rows[i].text) != rows[i].error)
			fail_msg("row %zu", i);
		/* A save looks first. */
		assert_int_equal(f.world.host.n_asked, rows[i].error ? 0 : 2);
		if (!rows[i].error)
			continue;
		*strrchr(path, '/') = '\0';
		scoped(free_ptr) char *error = xasprintf("%s/.error", path);
		scoped(free_ptr) char *text = read_at(f.tree, error);

		assert_has(text, rows[i].reason);
		assert_has(text, rows[i].accepted);
		assert_has(text, "\nsent: nothing\n");
		assert_has(text, "\nnext: ");
	}
}

static void what_is_there_already_is_not_judged(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	begin(&f, "'0,1'", "false");
	assert_int_equal(save_at(f.tree, "projects/99/stories/501/estimate", "2\n"), 0);
	assert_int_equal(f.world.host.n_asked, 0);
}

static void a_refusal_says_whether_it_was_sent(void **state)
{
	(void)state;
	static const struct {
		struct host_fault fault;
		const char *words;
	} rows[] = {
		{ { .status = 400, .body = "{'kind':'error','code':'invalid_parameter'}" },
			"sent: once; the server refused it\n" },
		{ { .error = -ECONNREFUSED }, "sent: nothing\n" },
		{ { .error = -ETIMEDOUT }, "sent: once; what became of it is unknown\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		struct host_fault fault = rows[i].fault;
		struct node node, members;

		begin(&f, NULL, NULL);
		members = node_at(f.tree, "projects/99/memberships");
		free(names_at(f.tree, "projects/99/stories/501/comments"));
		for (size_t m = 0; m < 3; m++) {
			fault.method = (enum http_method[]){ HTTP_PUT, HTTP_POST, HTTP_DELETE }[m];
			host_fail(&f.world.host, &fault);
		}
		assert_true(save_at(f.tree, "projects/99/stories/501/name", "New\n") < 0);
		assert_true(save_at(f.tree, "projects/99/stories/501/comments/new", "New\n") < 0);
		node = node_at(f.tree, "projects/99/stories/502");
		assert_true(tree_remove(f.tree, &node, NULL) < 0);
		scoped(free_ptr) char *saved = read_at(f.tree, "projects/99/stories/501/.error");
		scoped(free_ptr) char *made =
			read_at(f.tree, "projects/99/stories/501/comments/.error");
		scoped(free_ptr) char *deleted = read_at(f.tree, "projects/99/stories/.error");

		assert_has(saved, rows[i].words);
		assert_has(made, rows[i].words);
		assert_has(deleted, rows[i].words);
		assert_int_equal(tree_make(f.tree, &members, "Hello", NULL, &node), -EPERM);
		scoped(free_ptr) char *named = read_at(f.tree, "projects/99/memberships/.error");

		assert_has(named, "a name makes none here\n");
		assert_has(named, "sent: nothing\n");
	}
}

static void a_switch_is_never_empty(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(save_at(f.tree, "projects/99/enable_tasks", "maybe\n"), -EINVAL);
	scoped(free_ptr) char *text = read_at(f.tree, "projects/99/.error");

	assert_has(text, "accepted: true or false, never empty\n");
}

static void all_refusals_are_below_their_paths(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(save_at(f.tree, "projects/99/enable_tasks", "maybe\n"), -EINVAL);
	assert_int_equal(save_at(f.tree, ".storyfs/deletes", "lots\n"), -EINVAL);
	scoped(free_ptr) char *text = read_at(f.tree, ".storyfs/errors");
	scoped(free_ptr) char *lines = xasprintf("\n%s", text);

	assert_has(lines, "\nprojects/99/\nenable_tasks: not saved");
	assert_has(lines, "\n.storyfs/\ndeletes: not saved");
}

static void a_number_that_is_none_is_explained(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(save_at(f.tree, ".storyfs/deletes", "lots\n"), -EINVAL);
	scoped(free_ptr) char *text = read_at(f.tree, ".storyfs/.error");
	scoped(free_ptr) char *all = read_at(f.tree, ".storyfs/errors");

	assert_has(text, "deletes: not saved (Invalid argument)");
	assert_has(text, "wrote: lots");
	assert_has(text, "accepted: a whole number from 0 to 1000000\n");
	assert_has(text, "sent: nothing\n");
	assert_has(all, text);
	assert_int_equal(save_at(f.tree, ".storyfs/deletes", "20\n"), 0);
	scoped(free_ptr) char *names = names_at(f.tree, ".storyfs");

	assert_null(strstr(names, ".error"));
}

static int move(struct forest *f, const char *from, const char *to, const char *new_name)
{
	struct tree_rename rename = { .from = node_at(f->tree, from),
		.to = node_at(f->tree, to),
		.old_name = "1-501-Paint-it",
		.new_name = new_name };

	assert_int_equal(
		tree_lookup(f->tree, &rename.from, "1-501-Paint-it", NULL, &rename.node), 0);
	return tree_move(f->tree, &rename, NULL);
}

static void a_move_that_means_nothing_is_explained(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		int error;
		const char *words;
	} rows[] = {
		{ "by-state/started", "by-type/bug", -EXDEV, "of different views" },
		{ "by-state/started", "by-state/started", -EPERM, "its rank here follows" },
		{ "by-label/red", "panels/icebox", -EXDEV, "of different views" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *from = xasprintf("projects/99/%s", rows[i].from);
		scoped(free_ptr) char *to = xasprintf("projects/99/%s", rows[i].to);

		forest_begin(&f);
		assert_int_equal(move(&f, from, to, "2-x"), rows[i].error);
		assert_int_equal(host_count(&f.world.host, "PUT"), 0);
		scoped(free_ptr) char *text = read_at(f.tree, "projects/99/stories/501/.error");

		assert_has(text, "2-x: not moved");
		assert_has(text, rows[i].words);
		assert_has(text, "sent: nothing\n");
		assert_int_equal(
			move(&f, "projects/99/by-type/feature", "projects/99/by-type/bug", "2-x"),
			0);
		scoped(free_ptr) char *names = names_at(f.tree, "projects/99/stories/501");

		assert_null(strstr(names, ".error"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_v5_refuses_for_certain_is_not_sent),
		cmocka_unit_test(what_is_there_already_is_not_judged),
		cmocka_unit_test(a_refusal_says_whether_it_was_sent),
		cmocka_unit_test(a_switch_is_never_empty),
		cmocka_unit_test(all_refusals_are_below_their_paths),
		cmocka_unit_test(a_number_that_is_none_is_explained),
		cmocka_unit_test(a_move_that_means_nothing_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
