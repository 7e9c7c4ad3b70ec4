/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making and deleting: in the store, and by the tree's names and `new` files; groups of stories. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forest.h"
#include "storyfs/alloc.h"

/* ---- the store ---- */

static int create(struct world *w, const char *name, int64_t *ret_id)
{
	scoped(record_unref) struct record *patch = name_patch(name);
	scoped(record_unref) struct record *now = NULL;
	int e = store_create(w->store, &stories, patch, &w->call, &now);

	*ret_id = now ? record_id(now) : 0;
	return e;
}

static int delete_story(struct world *w, int64_t id)
{
	scoped(record_unref) struct record *old = peek(w, KIND_story, id);

	return store_delete(w->store, old, &w->call);
}

static void what_is_made_is_one_post_and_known(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	int64_t id;

	world_begin(&w);
	list_all(&w);
	assert_int_equal(create(&w, "New", &id), 0);
	assert_int_equal(w.host.n_asked, 1);
	assert_int_equal(w.host.asked[0].method, HTTP_POST);
	assert_string_equal(w.host.asked[0].target, "/projects/99/stories");
	assert_string_equal(w.host.asked[0].body, "{\"name\":\"New\"}");
	assert_told(&w, "added story 8001 of project");
	assert_int_equal(id, 8001);
	assert_int_equal(list(&w, &stories), 6);
}

static void a_post_is_never_sent_twice(void **state)
{
	(void)state;
	static const struct {
		struct host_fault fault;
		int error;
		int n; /* stories, then */
	} rows[] = {
		{ { .error = -ETIMEDOUT, .done = true }, 0, 6 },
		{ { .error = -ETIMEDOUT }, -ETIMEDOUT, 5 },
		{ { .error = -EINTR, .done = true }, -EINTR, 5 },
		{ { .status = 500, .body = "oops", .done = true }, 0, 6 },
		{ { .cut = 3 }, 0, 6 },
		{ { .status = 400, .body = "{}" }, -EINVAL, 5 },
		{ { .error = -ECONNREFUSED }, -ECONNREFUSED, 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(world_end) struct world w;
		struct host_fault fault = rows[i].fault;
		int64_t id;

		world_begin(&w);
		list_all(&w);
		fault.method = HTTP_POST;
		host_fail(&w.host, &fault);
		if (create(&w, "New", &id) != rows[i].error)
			fail_msg("row %zu", i);
		assert_int_equal(host_count(&w.host, "POST"), 1);
		assert_int_equal(list(&w, &stories), rows[i].n);
		assert_int_equal(id, rows[i].error ? 0 : 8001);
		assert_int_equal(w.call.error.error == NULL, rows[i].error == 0);
	}
}

/* Of the same words by somebody else, or from before, none is ours. */
static void what_others_made_is_not_ours(void **state)
{
	(void)state;
	static const struct {
		const char *theirs;
		int error;
	} rows[] = {
		{ "{'id':9,'story_id':501,'text':'Hm','person_id':103}", -ETIMEDOUT },
		{ "{'id':9,'story_id':501,'text':'Hm!','person_id':101}", -ETIMEDOUT },
		{ "{'id':9,'story_id':501,'text':'Hm','person_id':101}", 0 },
		{ "{'id':601,'story_id':501,'text':'Hm','person_id':101}", -ETIMEDOUT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(world_end) struct world w;
		scoped(record_unref) struct record *patch = record_new(KIND_comment);
		scoped(record_unref) struct record *now = NULL;
		scoped(free_ptr) char *list_json = xasprintf("[%s]", rows[i].theirs);

		world_begin(&w);
		list_all(&w);
		record_set_text(patch, F_comment_text, "Hm");
		host_set(&w.host, "/projects/99/stories/501/comments", list_json);
		host_fail(
			&w.host, &(struct host_fault){ .method = HTTP_POST, .error = -ETIMEDOUT });
		assert_int_equal(
			store_create(w.store, &comments_501, patch, &w.call, &now), rows[i].error);
		assert_int_equal(now ? record_id(now) : 0, rows[i].error ? 0 : 9);
		assert_int_equal(host_count(&w.host, "POST"), 1);
		/* One list, not that of all stories. */
		assert_int_equal(host_count(&w.host, "/stories/501/comments"), 2);
		assert_int_equal(host_count(&w.host, "/stories?"), 0);
	}
}

static void what_is_deleted_is_gone_with_all_below(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct record *r;

	world_begin(&w);
	list_all(&w);
	assert_int_equal(delete_story(&w, 501), 0);
	assert_int_equal(w.host.n_asked, 1);
	assert_int_equal(w.host.asked[0].method, HTTP_DELETE);
	assert_told(&w, "removed story 501 of project");
	assert_int_equal(list(&w, &stories), 4);
	assert_int_equal(store_peek(w.store, KIND_comment, 601, &r), 1);
	/* Deleted by somebody else meanwhile. */
	host_remove(&w.host, "/projects/99/stories/502");
	assert_int_equal(delete_story(&w, 502), 0);
	assert_int_equal(list(&w, &stories), 3);
}

static void an_unknown_delete_is_looked_at(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct host_fault fault = { .method = HTTP_DELETE, .error = -ETIMEDOUT, .times = 1 };

	world_begin(&w);
	list_all(&w);
	host_fail(&w.host, &fault);
	assert_int_equal(delete_story(&w, 501), -ETIMEDOUT);
	assert_int_equal(list(&w, &stories), 5);
	fault.done = true;
	host_fail(&w.host, &fault);
	assert_int_equal(delete_story(&w, 501), 0);
	assert_int_equal(list(&w, &stories), 4);
}

static struct world *deleting;

static void delete_meanwhile(struct host *h, const struct host_asked *asked)
{
	if (asked->method != HTTP_GET || !strstr(asked->target, "/stories?"))
		return;
	h->answered = NULL;
	assert_int_equal(delete_story(deleting, 503), 0);
}

static void an_older_answer_does_not_bring_it_back(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	deleting = &w;
	host_move(&w.host, 99, 11);
	w.host.max_limit = 100;
	w.host.answered = delete_meanwhile;
	store_refresh(w.store, &w.call);
	assert_null(w.host.answered);
	assert_int_equal(list(&w, &stories), 4);
}

/* ---- the tree ---- */

static int make_at(struct forest *f, const char *path, const char *name, struct node *ret)
{
	struct node dir = node_at(f->tree, path);

	return tree_make(f->tree, &dir, name, NULL, ret);
}

static int remove_at(struct forest *f, const char *path)
{
	struct node node = node_at(f->tree, path);

	return tree_remove(f->tree, &node, NULL);
}

static void a_made_name_finds_what_was_made(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	struct node made, found;

	forest_begin(&f);
	assert_int_equal(make_at(&f, "projects/99/stories", "A new day", &made), 0);
	assert_int_equal(made.id, 8001);
	found = node_at(f.tree, "projects/99/stories/A new day");
	assert_int_equal(tree_number(&found), tree_number(&made));
	assert_true(tree_is_alias(&found, "A new day"));
	assert_false(tree_is_alias(&found, "8001"));
	assert_reads(f.tree, "projects/99/stories/A new day/name", "A new day\n");
	assert_reads(f.tree, ".storyfs/last",
		"id: 8001\nkind: story\npath: projects/99/stories/8001\nname: A new day\n");
	assert_int_equal(remove_at(&f, "projects/99/stories/8001"), 0);
	struct node dir = node_at(f.tree, "projects/99/stories");

	assert_int_equal(tree_lookup(f.tree, &dir, "A new day", NULL, &found), 1);
}

static void only_what_can_be_made_is_made(void **state)
{
	(void)state;
	static const struct {
		const char *path, *name;
		int error;
	} rows[] = {
		{ "", "x", -EPERM },
		{ "projects", "x", -EPERM },
		{ "projects/99", "x", -EPERM },
		{ "projects/99/memberships", "x", -EPERM },
		{ "projects/99/stories/501/reviews", "x", -EPERM },
		{ "projects/99/stories", ".git", -EPERM },
		{ "projects/99/stories", "4711", -EINVAL },
		{ "projects/99/stories", " ", -EINVAL },
		{ "projects/99/stories", "\xff", -EINVAL },
	};
	scoped(forest_end) struct forest f;
	struct node made;

	forest_begin(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (make_at(&f, rows[i].path, rows[i].name, &made) != rows[i].error)
			fail_msg("row %zu", i);
	}
	assert_int_equal(host_count(&f.world.host, "POST"), 0);
	scoped(free_ptr) char *why = read_at(f.tree, "projects/99/stories/.error");

	assert_non_null(strstr(why, "story: not made (Invalid argument)"));
	assert_int_equal(make_at(&f, "projects/99/stories", "fine", &made), 0);
	struct node dir = node_at(f.tree, "projects/99/stories");

	assert_int_equal(tree_lookup(f.tree, &dir, ".error", NULL, &made), 1);
}

static void a_new_file_makes_one_or_one_a_line(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	host_set(&f.world.host, "/projects/99/stories/501/tasks", "[]");
	host_set(&f.world.host, "/projects/99/stories/501/comments", "[]");
	scoped(free_ptr) char *before = names_at(f.tree, "projects/99/stories/501/tasks");

	assert_string_equal(before, "new\n701\n702\n");
	host_forget(&f.world.host);
	assert_int_equal(
		save_at(f.tree, "projects/99/stories/501/tasks/new", "one\n\n  two \r\n"), 0);
	assert_int_equal(f.world.host.n_asked, 2);
	assert_string_equal(f.world.host.asked[0].body, "{\"description\":\"one\"}");
	assert_string_equal(f.world.host.asked[1].body, "{\"description\":\"two\"}");
	assert_reads(f.tree, "projects/99/stories/501/tasks/new", "");
	scoped(free_ptr) char *after = names_at(f.tree, "projects/99/stories/501/tasks");

	assert_string_equal(after, "new\n701\n702\n8001\n8002\n");
	assert_int_equal(
		save_at(f.tree, "projects/99/stories/501/comments/new", "\n one\n\ntwo\n\n"), 0);
	assert_string_equal(
		f.world.host.asked[f.world.host.n_asked - 1].body, "{\"text\":\"one\\n\\ntwo\"}");
}

static void all_lines_are_checked_before_one_is_sent(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(buf_fini) struct buf lines = BUF_INIT;
	struct host_fault fault = { .method = HTTP_POST,
		.path = "tasks",
		.status = 400,
		.body = "{\"kind\":\"error\",\"code\":\"invalid_parameter\",\"error\":\"No.\"}" };

	forest_begin(&f);
	host_set(&f.world.host, "/projects/99/stories/501/tasks", "[]");
	buf_add_str(&lines, "fine\n");
	for (int i = 0; i < 1001; i++)
		buf_add_char(&lines, 'x');
	assert_int_equal(
		save_at(f.tree, "projects/99/stories/501/tasks/new", buf_str(&lines)), -EINVAL);
	assert_int_equal(save_at(f.tree, "projects/99/stories/501/tasks/new", " \n\n"), -EINVAL);
	assert_int_equal(host_count(&f.world.host, "POST"), 0);
	scoped(free_ptr) char *blank = read_at(f.tree, "projects/99/stories/501/tasks/.error");

	assert_non_null(strstr(blank, "nothing but blanks"));
	assert_int_equal(save_at(f.tree, "projects/99/stories/501/tasks/new", "one\n"), 0);
	host_fail(&f.world.host, &fault);
	assert_int_equal(save_at(f.tree, "projects/99/stories/501/tasks/new", "two\n"), -EINVAL);
	scoped(free_ptr) char *refused = read_at(f.tree, ".storyfs/errors");

	assert_non_null(strstr(refused, "projects/99/stories/501/tasks/\ntask: not made"));
	assert_non_null(strstr(refused, "wrote: two\\n"));
}

static void what_is_taken_apart_is_not_deleted(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	struct node field = node_at(f.tree, "projects/99/stories/501/name");

	tree_note_unlink(f.tree, &field);
	assert_int_equal(remove_at(&f, "projects/99/stories/501"), -ENOTEMPTY);
	scoped(free_ptr) char *why = read_at(f.tree, "projects/99/stories/.error");

	assert_non_null(strstr(why, "501: not deleted (Directory not empty)"));
	assert_non_null(strstr(why, "rm -r never deletes"));
	/* What must not be deleted at all marks what it is in, too. */
	assert_int_equal(remove_at(&f, "projects/99/stories/502/comments"), -EPERM);
	assert_int_equal(remove_at(&f, "projects/99/stories/502"), -ENOTEMPTY);
	assert_int_equal(remove_at(&f, "projects/99"), -EPERM);
	assert_int_equal(remove_at(&f, "me"), -EPERM);
	assert_int_equal(host_count(&f.world.host, "DELETE"), 0);
	assert_int_equal(remove_at(&f, "projects/99/stories/503"), 0);
	assert_int_equal(host_count(&f.world.host, "DELETE"), 1);
}

/* What stands for a membership is a person, no text. */
static void a_member_can_be_taken_out(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(remove_at(&f, "projects/99/memberships/203"), 0);
	assert_int_equal(host_count(&f.world.host, "DELETE /projects/99/memberships/203"), 1);
}

static void what_is_denied_is_told_in_the_nearest_place(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(remove_at(&f, "projects/99/iterations/1"), -EPERM);
	struct tree_denied d = { .act = TREE_UNLINK,
		.node = node_at(f.tree, "projects/99/by-state/started/1-501-Paint-it"),
		.dir = node_at(f.tree, "projects/99/by-state/started"),
		.name = "7-501-Paint-it",
		.error = -EPERM };

	tree_note_denied(f.tree, &d);
	/* One in each place, the last. */
	scoped(free_ptr) char *project = read_at(f.tree, "projects/99/.error");

	assert_non_null(strstr(project, "by-state/started/7-501-Paint-it: not removed"));
	assert_null(strstr(project, "iterations"));
	assert_non_null(strstr(project, "\nsent: nothing\nnext: write the field"));
	assert_int_equal(remove_at(&f, "me"), -EPERM);
	scoped(free_ptr) char *top = read_at(f.tree, ".error");

	assert_non_null(strstr(top, "me: not removed (Operation not permitted)"));
	/* Other failures have their own words. */
	d.error = -EIO;
	d.name = "other";
	tree_note_denied(f.tree, &d);
	scoped(free_ptr) char *all = read_at(f.tree, ".storyfs/errors");

	assert_non_null(strstr(all, "projects/99/\nby-state/started/7-501"));
	assert_null(strstr(all, "other"));
	/* A write that is taken there ends it. */
	assert_int_equal(save_at(f.tree, "projects/99/description", "New\n"), 0);
	scoped(free_ptr) char *left = read_at(f.tree, ".storyfs/errors");

	assert_null(strstr(left, "by-state"));
	assert_non_null(strstr(left, "me: not removed"));
	assert_int_equal(host_count(&f.world.host, "DELETE"), 0);
}

static void a_burst_of_deletes_is_stopped(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_reads(f.tree, ".storyfs/deletes", "10\n");
	assert_int_equal(save_at(f.tree, ".storyfs/deletes", "some\n"), -EINVAL);
	assert_int_equal(save_at(f.tree, ".storyfs/deletes", "1\n"), 0);
	assert_int_equal(remove_at(&f, "projects/99/stories/505"), 0);
	assert_reads(f.tree, ".storyfs/deletes", "0\n");
	assert_int_equal(remove_at(&f, "projects/99/stories/504"), -EBUSY);
	assert_int_equal(host_count(&f.world.host, "DELETE"), 1);
	scoped(free_ptr) char *why = read_at(f.tree, "projects/99/stories/.error");

	assert_non_null(strstr(why, "echo N > .storyfs/deletes"));
	assert_int_equal(save_at(f.tree, ".storyfs/deletes", "5"), 0);
	assert_int_equal(remove_at(&f, "projects/99/stories/504"), 0);
	assert_reads(f.tree, ".storyfs/deletes", "4\n");
}

/* The groups of by-state and by-type are V5's words, all of them. */
static void there_is_a_group_for_each_word(void **state)
{
	(void)state;
	static const struct {
		const char *dir;
		int field;
	} rows[] = { { "projects/99/by-state", F_story_current_state },
		{ "projects/99/by-type", F_story_story_type } };
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct choices *choices = schema_field(KIND_story, rows[i].field)->choices;
		scoped(free_ptr) char *names = names_at(f.tree, rows[i].dir);
		size_t n = 0;

		for (const char *p = names; *p; p += strcspn(p, "\n") + 1) {
			scoped(free_ptr) char *name = xstrndup(p, strcspn(p, "\n"));

			assert_true(choices_find(choices, name, false) >= 0);
			n++;
		}
		assert_int_equal(n, choices_count(choices));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_is_one_post_and_known),
		cmocka_unit_test(a_post_is_never_sent_twice),
		cmocka_unit_test(what_others_made_is_not_ours),
		cmocka_unit_test(what_is_deleted_is_gone_with_all_below),
		cmocka_unit_test(an_unknown_delete_is_looked_at),
		cmocka_unit_test(an_older_answer_does_not_bring_it_back),
		cmocka_unit_test(a_made_name_finds_what_was_made),
		cmocka_unit_test(only_what_can_be_made_is_made),
		cmocka_unit_test(a_new_file_makes_one_or_one_a_line),
		cmocka_unit_test(all_lines_are_checked_before_one_is_sent),
		cmocka_unit_test(what_is_taken_apart_is_not_deleted),
		cmocka_unit_test(a_member_can_be_taken_out),
		cmocka_unit_test(what_is_denied_is_told_in_the_nearest_place),
		cmocka_unit_test(a_burst_of_deletes_is_stopped),
		cmocka_unit_test(there_is_a_group_for_each_word),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
