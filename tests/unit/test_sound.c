/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts that send what no list can be: the rest is shown, and what is wrong is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "world.h"

static const struct place tasks_501 = { .kind = KIND_task, .parent = KIND_story, .parent_id = 501 };
static const struct place tasks_502 = { .kind = KIND_task, .parent = KIND_story, .parent_id = 502 };

static void assert_problems(struct world *w, const char *expected)
{
	scoped(buf_fini) struct buf problems = BUF_INIT;

	store_add_problems(w->store, &problems);
	assert_string_equal(buf_str(&problems), expected);
}

static void begin(struct world *w, const char *stories_json)
{
	world_begin(w);
	host_set(&w->host, "/projects/99/stories", stories_json);
	assert_int_equal(list(w, &projects), 2);
}

static void ids_that_can_be_none_are_left_out(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	begin(&w, "[{'id':501,'name':'a'},{'id':-5,'name':'b'},{'id':0,'name':'c'},"
		  "{'id':140737488355328,'name':'d'},{'id':9223372036854775807,'name':'e'},"
		  "{'name':'f'},{},{'id':502,'name':'g'}]");
	assert_int_equal(list(&w, &stories), 2);
	assert_problems(&w, "of /projects/99/stories the host sent what is no V5:\n"
			    "[1].id: missing\n"
			    "[0].id: missing\n"
			    "story -5: this can be no id; it is left out\n"
			    "story 0: this can be no id; it is left out\n"
			    "story 140737488355328: this can be no id; it is left out\n"
			    "story 9223372036854775807: this can be no id; it is left out\n");
}

static void the_first_of_two_with_one_id_is_shown(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	begin(&w, "[{'id':501,'name':'a'},{'id':501,'name':'b'},{'id':502,'name':'c'},"
		  "{'id':502,'name':'c'}]");
	assert_int_equal(list(&w, &stories), 2);
	assert_name(&w, "a");
	assert_problems(&w, "of /projects/99/stories the host sent what is no V5:\n"
			    "story 501: it is there twice; the first one is shown\n");
}

/* One task has one story. */
static void nested_ones_are_told_apart_across_their_parents(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	begin(&w, "[{'id':501,'name':'a','tasks':[{'id':1,'description':'x'},{'id':-2},3]},"
		  "{'id':502,'name':'b','tasks':[{'id':1,'description':'y'},{'id':4}]},"
		  "{'id':-1,'name':'c','tasks':[{'id':5}]}]");
	assert_int_equal(list(&w, &stories), 2);
	assert_int_equal(list(&w, &tasks_501), 1);
	assert_int_equal(list(&w, &tasks_502), 1);
	assert_problems(&w, "of /projects/99/stories the host sent what is no V5:\n"
			    "story -1: this can be no id; it is left out\n"
			    "\n"
			    "of /projects/99/stories, their tasks the host sent what is no V5:\n"
			    "[0].tasks[2]: expected an object, got 3\n"
			    "task -2: this can be no id; it is left out\n"
			    "task 1: it is there twice; the first one is shown\n");
	/* It is loaded: nothing is asked for again. */
	host_forget(&w.host);
	assert_int_equal(list(&w, &tasks_502), 1);
	refresh(&w);
	assert_int_equal(host_count(&w.host, "/stories"), 0);
}

/* The last page has one story, and that is none. */
static void a_page_of_none_leaves_the_others(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	begin(&w, "[{'id':501,'name':'a'},{'id':502,'name':'b'},{'name':'c'}]");
	assert_int_equal(list(&w, &stories), 2);
	host_set(&w.host, "/projects/99/stories", "[{'name':'a'},{'name':'b'}]");
	host_move(&w.host, 99, 11);
	assert_int_equal(store_refresh(w.store, &w.call), -EPROTO);
	assert_int_equal(list(&w, &stories), 2);
}

/* Activity has no ids but those we make of it, which are large. */
static void ids_of_our_own_are_no_problem(void **state)
{
	(void)state;
	struct place activity = { .kind = KIND_activity };
	scoped(world_end) struct world w;

	begin(&w, "[]");
	host_set(&w.host, "/my/activity",
		"[{'kind':'story_update_activity','guid':'99_10','project_version':10,"
		"'message':'m','occurred_at':'2024-05-01T10:00:00Z'},"
		"{'kind':'story_update_activity','guid':'9223372036854775807_1',"
		"'project_version':9223372036854775807}]");
	assert_int_equal(list(&w, &activity), 2);
	assert_problems(&w, "");
}

static void what_is_right_again_is_told_no_more(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	begin(&w, "[{'id':501,'name':'a','estimate':'x'},{'id':-1}]");
	assert_int_equal(list(&w, &stories), 1);
	assert_problems(&w, "of /projects/99/stories the host sent what is no V5:\n"
			    "[0].estimate: expected number, got \"x\"\n"
			    "story -1: this can be no id; it is left out\n");
	host_set(&w.host, "/projects/99/stories", "[{'id':501,'name':'a'},{'id':502}]");
	host_move(&w.host, 99, 11);
	refresh(&w);
	assert_int_equal(list(&w, &stories), 2);
	assert_problems(&w, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_that_can_be_none_are_left_out),
		cmocka_unit_test(the_first_of_two_with_one_id_is_shown),
		cmocka_unit_test(nested_ones_are_told_apart_across_their_parents),
		cmocka_unit_test(a_page_of_none_leaves_the_others),
		cmocka_unit_test(ids_of_our_own_are_no_problem),
		cmocka_unit_test(what_is_right_again_is_told_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
