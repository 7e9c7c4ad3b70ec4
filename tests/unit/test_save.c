/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving a file of the tree: what is sent, what is refused, what the writer is told; and a tree
 * that many threads read while it changes. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forest.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

#define STORY "projects/99/stories/501/"
#define ERROR_FILE STORY ".error"

static bool has_error(struct forest *f)
{
	struct node dir = node_at(f->tree, "projects/99/stories/501"), node;
	int e = tree_lookup(f->tree, &dir, ".error", NULL, &node);

	assert_true(e == 0 || e == 1);
	return e == 0;
}

static void assert_error_says(struct forest *f, const char *words)
{
	scoped(free_ptr) char *text = read_at(f->tree, ERROR_FILE);

	assert_true(text_is_valid(text, strlen(text)));
	if (!strstr(text, words))
		fail_msg("not '%s' but: %s", words, text);
}

static void a_save_sends_the_field_alone(void **state)
{
	(void)state;
	static const struct {
		const char *field, *text, *body, *reads;
	} rows[] = {
		{ "name", "Paint it black\n", "{\"name\":\"Paint it black\"}", NULL },
		{ "name", "No newline", "{\"name\":\"No newline\"}", "No newline\n" },
		{ "description", "One\n\n", "{\"description\":\"One\\n\"}", NULL },
		{ "description", "", "{\"description\":null}", NULL },
		{ "estimate", "3\n", "{\"estimate\":3}", NULL },
		{ "estimate", "", "{\"estimate\":null}", NULL },
		{ "current_state", "Finished\n", "{\"current_state\":\"finished\"}", "finished\n" },
		{ "owners", "lee\n", "{\"owner_ids\":[102]}", NULL },
		{ "owners", "bo\nlee@example.org\n103\n", "{\"owner_ids\":[103,102]}",
			"Bo\nlee\n" },
		{ "owners", "", "{\"owner_ids\":[]}", NULL },
		{ "owner_ids", "102\n", "{\"owner_ids\":[102]}", NULL },
		{ "labels", "red\n", "{\"labels\":[{\"name\":\"red\"}]}", NULL },
		{ "requested_by_id", "101\n", "{\"requested_by_id\":101}", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *path = xasprintf(STORY "%s", rows[i].field);

		forest_begin(&f);
		struct node node = node_at(f.tree, path);

		host_forget(&f.world.host);
		assert_false(tree_is_saved(f.tree, &node, rows[i].text, strlen(rows[i].text)));
		assert_int_equal(save_at(f.tree, path, rows[i].text), 0);
		assert_int_equal(f.world.host.n_asked, 2);
		assert_int_equal(f.world.host.asked[0].method, HTTP_GET);
		assert_string_equal(f.world.host.asked[0].target, "/projects/99/stories/501");
		assert_int_equal(f.world.host.asked[1].method, HTTP_PUT);
		assert_string_equal(f.world.host.asked[1].target, "/projects/99/stories/501");
		assert_string_equal(f.world.host.asked[1].body, rows[i].body);
		assert_reads(f.tree, path, rows[i].reads ? rows[i].reads : rows[i].text);
		assert_true(tree_is_saved(f.tree, &node, rows[i].text, strlen(rows[i].text)));
		assert_false(has_error(&f));
	}
}

static void what_is_there_already_is_not_sent(void **state)
{
	(void)state;
	static const struct {
		const char *field, *text;
	} rows[] = {
		{ "name", "Paint it\n" },
		{ "name", "Paint it" },
		{ "description", "All of\nit\n" },
		{ "estimate", "2.0\n" },
		{ "story_type", "FEATURE\n" },
		{ "owners", "ann\nBo\n" },
		{ "owners", "Bo\n\nann\nann\n" },
		{ "labels", "red\nblue\n" },
		{ "deadline", "" },
		{ "deadline", "\n" },
	};
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	list_all(&f.world);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(free_ptr) char *path = xasprintf(STORY "%s", rows[i].field);

		if (save_at(f.tree, path, rows[i].text) != 0)
			fail_msg("%s", path);
	}
	assert_int_equal(f.world.host.n_asked, 0);
	assert_int_equal(f.changes.len, 0);
}

static void what_is_no_value_is_not_sent(void **state)
{
	(void)state;
	static const struct {
		const char *field, *text;
		int error;
		const char *words;
	} rows[] = {
		{ "estimate", "many\n", -EINVAL, "a number" },
		{ "story_type", "novel\n", -EINVAL, "feature, bug, chore, release" },
		{ "current_state", "", -EINVAL, "can't be blank" },
		{ "name", " \n", -EINVAL, "Name can't be blank" },
		{ "deadline", "soon\n", -EINVAL, "2024-05-31" },
		{ "owners", "Ann Lee\n", -EINVAL,
			"'Ann Lee' is the name of 2 people; write one "
			"of ann, lee, Bo" },
		{ "owners", "Zed\n", -EINVAL, "nobody here is called 'Zed'" },
		{ "owners", "bo\nzed\n", -EINVAL, "zed" },
		{ "owner_ids", "bo\n", -EINVAL, "bo" },
		{ "description", "\xff\n", -EINVAL, "not UTF-8" },
		{ "url", "http://x\n", -EACCES, NULL },
		{ "requested_by", "Bo\n", -EACCES, NULL },
		{ "project_id", "100\n", -EACCES, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *path = xasprintf(STORY "%s", rows[i].field);

		forest_begin(&f);
		node_at(f.tree, path);
		host_forget(&f.world.host);
		assert_int_equal(save_at(f.tree, path, rows[i].text), rows[i].error);
		assert_int_equal(f.world.host.n_asked, 0);
		assert_int_equal(has_error(&f), rows[i].words != NULL);
		if (rows[i].words)
			assert_error_says(&f, rows[i].words);
	}
}

static void nothing_but_files_can_be_saved(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(save_at(f.tree, "projects/99/stories", "x"), -EISDIR);
	assert_int_equal(save_at(f.tree, "projects/99/project.json", "{}"), -EACCES);
	assert_int_equal(save_at(f.tree, "by-name/Shed", "x"), -EACCES);
	assert_int_equal(save_at(f.tree, "me/name", "x"), -EACCES);
}

static void nul_bytes_are_not_sent(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	struct node node = node_at(f.tree, STORY "name");

	host_forget(&f.world.host);
	assert_int_equal(
		tree_save(f.tree, &node, &(struct tree_text){ .data = "a\0b\n", .len = 4 }, NULL),
		-EINVAL);
	assert_int_equal(f.world.host.n_asked, 0);
	assert_error_says(&f, "wrote: a\\x00b\\n\n");
}

static void a_save_of_nothing_is_called_so(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_int_equal(save_at(f.tree, STORY "name", ""), -EINVAL);
	assert_error_says(&f, "wrote: (nothing)\n");
}

static void what_is_too_long_is_not_sent(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(buf_fini) struct buf text = BUF_INIT;

	forest_begin(&f);
	for (int i = 0; i < 5000; i++)
		buf_add_str(&text, "\xc3\xa4");
	host_forget(&f.world.host);
	assert_int_equal(save_at(f.tree, STORY "name", buf_str(&text)), 0);
	buf_add_str(&text, "\xc3\xa4");
	assert_int_equal(save_at(f.tree, STORY "name", buf_str(&text)), -EMSGSIZE);
	assert_int_equal(host_count(&f.world.host, "PUT"), 1);
	assert_error_says(&f, "at most 5000 characters");
	assert_error_says(&f, "\xc3\xa4... (10002 bytes in all)\n");
	/* It tells how it began, and not all of it. */
	struct node error = node_at(f.tree, ERROR_FILE);
	struct node_attr attr;

	assert_int_equal(tree_stat(f.tree, &error, &attr), 0);
	assert_true(attr.size < 1500);
	assert_false(attr.writable);
}

static void a_refusal_is_told_beside_the_file(void **state)
{
	(void)state;
	static const struct {
		struct host_fault fault;
		int error;
		const char *words, *next;
	} rows[] = {
		{ { .status = 400,
			  .body = "{\"code\":\"invalid_parameter\",\"error\":\"One or more request "
				  "parameters was missing or invalid.\",\"general_problem\":\"Stories in the "
				  "started state may not change.\",\"possible_fix\":\"Don't.\"}" },
			-EINVAL,
			"problem: Stories in the started state may not change.\npossible "
			"fix: Don't.\n",
			"the server's value is unchanged" },
		{ { .status = 403,
			  .body = "{\"code\":\"unauthorized_operation\",\"error\":\"No.\"}" },
			-EACCES, "No.", "the server's value is unchanged" },
		{ { .status = 503, .body = "<html><body>Back <b>soon</b>.</body></html>" },
			-EHOSTDOWN, "Back soon .", "the server's value is unchanged" },
		{ { .error = -ETIMEDOUT }, -ETIMEDOUT, "no answer in time",
			"whether the server has it is unknown" },
		{ { .error = -ECONNREFUSED }, -ECONNREFUSED, "refused the connection",
			"the server's value is unchanged" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		struct host_fault fault = rows[i].fault;

		forest_begin(&f);
		list_all(&f.world);
		fault.method = HTTP_PUT;
		host_fail(&f.world.host, &fault);
		assert_int_equal(save_at(f.tree, STORY "name", "New\n"), rows[i].error);
		assert_error_says(&f, "name: not saved (");
		assert_error_says(&f, "wrote: New\\n\n");
		assert_error_says(&f, rows[i].words);
		assert_error_says(&f, rows[i].next);
		assert_error_says(
			&f, "accepted: UTF-8 text, at most 5000 characters, never empty\n");
		assert_reads(f.tree, STORY "name", "Paint it\n");
		assert_int_equal(mtime_at(f.tree, STORY "name"), SAMPLE_TIME_NS);
		assert_int_equal(host_count(&f.world.host, "PUT"), 1);
		host_heal(&f.world.host);
		assert_int_equal(save_at(f.tree, STORY "name", "New\n"), 0);
		assert_false(has_error(&f));
	}
}

static void each_field_has_its_own_refusal(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(buf_fini) struct buf text = BUF_INIT;

	forest_begin(&f);
	struct node name = node_at(f.tree, STORY "name"),
		    estimate = node_at(f.tree, STORY "estimate");

	assert_int_equal(save_at(f.tree, STORY "estimate", "x"), -EINVAL);
	int64_t first = mtime_at(f.tree, ERROR_FILE);

	assert_int_equal(save_at(f.tree, STORY "name", ""), -EINVAL);
	assert_true(mtime_at(f.tree, ERROR_FILE) > first);
	assert_error_says(&f, "estimate: not saved");
	assert_error_says(&f, "another one\n\nname: not saved");
	assert_int_equal(tree_error(f.tree, &name, &text), 0);
	assert_null(strstr(buf_str(&text), "estimate"));
	int64_t second = mtime_at(f.tree, ERROR_FILE);

	assert_int_equal(save_at(f.tree, STORY "name", "Paint it\n"), 0);
	assert_true(mtime_at(f.tree, ERROR_FILE) > second);
	assert_int_equal(tree_error(f.tree, &name, &text), 1);
	assert_int_equal(tree_error(f.tree, &estimate, &text), 0);
	assert_int_equal(save_at(f.tree, STORY "estimate", ""), 0);
	assert_false(has_error(&f));
	assert_int_equal(tree_error(f.tree, &estimate, &text), 1);
}

static bool at_once(void *data)
{
	(void)data;
	return true;
}

static void a_save_may_be_interrupted(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	struct call_limit limit = { .cancelled = at_once };

	forest_begin(&f);
	struct node node = node_at(f.tree, STORY "name");

	host_fail(&f.world.host, &(struct host_fault){ .method = HTTP_PUT, .delay_ms = 60 * 1000 });
	host_forget(&f.world.host);
	assert_int_equal(save_text(f.tree, &node, "New\n", &limit), -EINTR);
	assert_int_equal(f.world.host.n_asked, 2);
	assert_error_says(&f, "whether the server has it is unknown");
}

/* ---- threads ---- */

struct rush {
	struct forest *forest;
	atomic_int n;
};

static bool read_entry(void *data, const char *name, const struct node *node)
{
	struct tree *t = data;
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct node_attr attr;

	(void)name;
	if (tree_stat(t, node, &attr) == 0 && attr.type == NODE_DIR)
		return true;
	tree_read(t, node, &text);
	return true;
}

static void rush_once(struct tree *t, struct store *s, int i)
{
	static const enum layout_row dirs[] = { ROW_story, ROW_story_comments, ROW_tasks };
	struct node dir = { dirs[i % 3], 501 + i % 5, -1 };
	struct node name = { ROW_story, 501 + i % 5, i % 2 ? F_story_name : F_story_owners };
	scoped(free_ptr) char *text =
		i % 2 ? xasprintf("name %d\n", i) : xstrdup(i % 4 ? "bo\n" : "ann\nzed\n");
	scoped(call_fini) struct call call = { 0 };

	if (i % 16 == 0)
		store_refresh(s, &call);
	else if (i % 4 == 1)
		save_text(t, &name, text, NULL);
	else
		tree_list(t, &dir, NULL, read_entry, t);
	tree_is_saved(t, &name, text, strlen(text));
}

static void *rush(void *data)
{
	struct rush *rush = data;
	int i;

	while ((i = atomic_fetch_add(&rush->n, 1)) < 1200)
		rush_once(rush->forest->tree, rush->forest->world.store, i);
	return NULL;
}

/* People are renamed, stories come and go. */
static void shuffle(struct host *h, const struct host_asked *asked)
{
	static int n;
	scoped(free_ptr) char *person =
		xasprintf("{'id':101,'name':'Ann %d','username':'ann'}", ++n);

	(void)asked;
	if (n % 5)
		return;
	host_change(h, "/projects/99/memberships/201", "person", person);
	if (n % 2) {
		host_remove(h, "/projects/99/stories/503");
		host_add(h, "/projects/99/stories", "{'id':503,'project_id':99,'name':'Door'}");
	}
	host_move(h, 99, 1000 + n);
}

static void ignore(void *data, const struct tree_change *c)
{
	(void)c;
	(void)data;
}

static void pass_on(void *data, const struct change *c)
{
	tree_changes(data, c, ignore, NULL);
}

static void a_tree_may_be_read_while_it_changes(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	struct rush data = { .forest = &f };
	pthread_t threads[16];

	forest_begin(&f);
	store_set_listener(f.world.store, pass_on, f.tree);
	list_all(&f.world);
	f.world.host.answered = shuffle;
	for (int i = 0; i < 16; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, rush, &data), 0);
	for (int i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
	f.world.host.answered = NULL;
	for (size_t i = 0; i < f.world.host.n_asked; i++) {
		const char *body = f.world.host.asked[i].body;

		/* One field each. */
		if (f.world.host.asked[i].method == HTTP_PUT)
			assert_ptr_equal(strchr(body, ':'), strrchr(body, ':'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_save_sends_the_field_alone),
		cmocka_unit_test(what_is_there_already_is_not_sent),
		cmocka_unit_test(what_is_no_value_is_not_sent),
		cmocka_unit_test(nothing_but_files_can_be_saved),
		cmocka_unit_test(nul_bytes_are_not_sent),
		cmocka_unit_test(a_save_of_nothing_is_called_so),
		cmocka_unit_test(what_is_too_long_is_not_sent),
		cmocka_unit_test(a_refusal_is_told_beside_the_file),
		cmocka_unit_test(each_field_has_its_own_refusal),
		cmocka_unit_test(a_save_may_be_interrupted),
		cmocka_unit_test(a_tree_may_be_read_while_it_changes),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
