/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a source: what it costs to know it, and how it stays true. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "world.h"

/* ---- loading ---- */

static void a_listing_costs_the_pages_it_takes(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	assert_int_equal(w.host.n_asked, 0);
	assert_int_equal(list(&w, &projects), 2);
	assert_int_equal(w.host.n_asked, 1);
	assert_int_equal(list(&w, &stories), 5);
	assert_int_equal(host_count(&w.host, "/stories?"), 3);
	assert_int_equal(host_count(&w.host, "/memberships"), 1);
	assert_int_equal(w.host.n_asked, 5);
	assert_int_equal(list(&w, &stories), 5);
	assert_int_equal(w.host.n_asked, 5);
	assert_int_equal(w.n_told, 0);
}

static void nested_kinds_cost_the_pages_of_their_parents(void **state)
{
	(void)state;
	struct place tasks = { .kind = KIND_task, .parent = KIND_story, .parent_id = 501 };
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	list(&w, &stories);
	host_forget(&w.host);
	assert_int_equal(list(&w, &comments_501), 2);
	assert_int_equal(host_count(&w.host, "/stories?fields=comments"), 3);
	assert_int_equal(list(&w, &comments_503), 0);
	assert_int_equal(w.host.n_asked, 3);
	assert_int_equal(list(&w, &tasks), 2);
	assert_int_equal(host_count(&w.host, "/stories?fields=tasks"), 3);
	assert_int_equal(w.host.n_asked, 6);
}

static struct place below_501(enum kind kind)
{
	return (struct place){ .kind = kind, .parent = KIND_story, .parent_id = 501 };
}

/* One kind is wanted for itself; two mean a walk through all there is. */
static void a_second_nested_kind_brings_the_others_along(void **state)
{
	(void)state;
	struct place tasks = below_501(KIND_task), blockers = below_501(KIND_blocker);
	struct place reviews = below_501(KIND_review);
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	list(&w, &stories);
	list(&w, &comments_501);
	host_forget(&w.host);
	assert_int_equal(list(&w, &tasks), 2);
	assert_int_equal(host_count(&w.host, "/stories?fields=tasks%2Cblockers%2Creviews"), 3);
	assert_int_equal(w.host.n_asked, 3);
	assert_int_equal(list(&w, &blockers), 1);
	assert_int_equal(list(&w, &reviews), 1);
	assert_int_equal(w.host.n_asked, 3);
	assert_int_equal(w.n_told, 0);
}

static void what_is_refused_together_is_asked_for_alone(void **state)
{
	(void)state;
	struct place tasks = below_501(KIND_task), blockers = below_501(KIND_blocker);
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	list(&w, &stories);
	list(&w, &comments_501);
	host_fail(&w.host, &(struct host_fault){ .path = "tasks%2Cblockers", .status = 400 });
	host_fail(&w.host, &(struct host_fault){ .path = "blockers%2Creviews", .status = 400 });
	host_forget(&w.host);
	assert_int_equal(list(&w, &tasks), 2);
	assert_int_equal(host_count(&w.host, "/stories?fields=tasks&"), 3);
	assert_int_equal(list(&w, &blockers), 1);
	assert_int_equal(host_count(&w.host, "/stories?fields=blockers&"), 3);
}

/* Too many requests are no reason for more of them. */
static void what_is_denied_together_is_not_asked_for_alone(void **state)
{
	(void)state;
	static const int statuses[] = { 401, 403, 429 };
	struct place tasks = below_501(KIND_task);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		scoped(world_end) struct world w;

		world_begin(&w);
		list(&w, &projects);
		list(&w, &stories);
		list(&w, &comments_501);
		host_fail(&w.host, &(struct host_fault){ .path = "tasks", .status = statuses[i] });
		assert_true(list(&w, &tasks) < 0);
		assert_int_equal(host_count(&w.host, "/stories?fields=tasks&"), 0);
	}
}

static void what_fails_together_is_asked_for_again(void **state)
{
	(void)state;
	struct place tasks = below_501(KIND_task);
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	list(&w, &stories);
	list(&w, &comments_501);
	host_fail(&w.host,
		&(struct host_fault){ .path = "tasks%2Cblockers", .error = -ECONNREFUSED });
	assert_int_equal(list(&w, &tasks), -ECONNREFUSED);
	assert_int_equal(host_count(&w.host, "/stories?fields=tasks&"), 0);
	host_heal(&w.host);
	usleep(1100 * 1000);
	assert_int_equal(list(&w, &tasks), 2);
}

static struct world *progressing;
static int n_told_progress;

static void look_at_progress(struct host *h, const struct host_asked *asked)
{
	scoped(buf_fini) struct buf status = BUF_INIT;

	(void)h;
	if (!strstr(asked->target, "/stories?") || strstr(asked->target, "offset=0"))
		return;
	store_add_status(progressing->store, &status);
	n_told_progress += strstr(buf_str(&status), "loading: stories of project 99, ") &&
			   strstr(buf_str(&status), " of 5\n");
}

static void it_is_told_how_far_a_list_is_read(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf status = BUF_INIT;
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	progressing = &w;
	w.host.answered = look_at_progress;
	list(&w, &stories);
	w.host.answered = NULL;
	assert_int_equal(n_told_progress, 2);
	store_add_status(w.store, &status);
	assert_null(strstr(buf_str(&status), "loading"));
}

static void finding_is_listing(void **state)
{
	(void)state;
	struct place one = stories;
	scoped(world_end) struct world w;
	struct record *r;

	world_begin(&w);
	list(&w, &projects);
	one.id = 505;
	assert_int_equal(store_find(w.store, &one, &w.call, &r), 0);
	assert_string_equal(record_text(r, F_story_name), "Done");
	record_unref(r);
	one.id = 506;
	assert_int_equal(store_find(w.store, &one, &w.call, &r), 1);
	/* Known, and of another project. */
	one = (struct place){ KIND_story, 505, KIND_project, 100, 100 };
	assert_int_equal(store_find(w.store, &one, &w.call, &r), 1);
	one = (struct place){ KIND_story, 505, KIND_project, 101, 101 };
	assert_int_equal(store_find(w.store, &one, &w.call, &r), 1);
	assert_int_equal(host_count(&w.host, "/projects/101"), 0);
}

static void a_host_that_leaves_empty_lists_out_still_nests(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	w.host.without_empty = true;
	list(&w, &projects);
	list(&w, &stories);
	host_forget(&w.host);
	assert_int_equal(list(&w, &comments_501), 2);
	assert_int_equal(list(&w, &comments_503), 0);
	assert_int_equal(w.host.n_asked, 3);
}

static void a_host_that_does_not_nest_is_asked_for_each_parent(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	w.host.without_nesting = true;
	host_set(&w.host, "/projects/99/stories/501/comments", "[{'id':601,'text':'Yes'}]");
	list(&w, &projects);
	list(&w, &stories);
	assert_int_equal(list(&w, &comments_501), 1);
	assert_int_equal(list(&w, &comments_501), 1);
	assert_int_equal(host_count(&w.host, "/stories/501/comments"), 1);
	world_forget(&w);
	/* What was looked at stays true. */
	host_set(&w.host, "/projects/99/stories/501/comments",
		"[{'id':601,'text':'Yes!'},{'id':602}]");
	host_move(&w.host, 99, 11);
	refresh(&w);
	assert_int_equal(host_count(&w.host, "/stories/501/comments"), 1);
	assert_int_equal(list(&w, &comments_501), 2);
	assert_told(&w, "moved comment 601 of story");
	assert_told(&w, "added comment 602 of story");
	assert_int_equal(host_count(&w.host, "/stories/503/comments"), 0);
}

static void a_failure_is_kept_for_a_second(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	host_fail(&w.host,
		&(struct host_fault){ .path = "/stories", .status = 503, .body = "Closed." });
	assert_int_equal(list(&w, &stories), -EHOSTDOWN);
	assert_non_null(strstr(w.call.error.error, "Closed."));
	host_heal(&w.host);
	host_forget(&w.host);
	assert_int_equal(list(&w, &stories), -EHOSTDOWN);
	assert_non_null(strstr(w.call.error.error, "Closed."));
	assert_int_equal(w.host.n_asked, 0);
	usleep(1100 * 1000);
	assert_int_equal(list(&w, &stories), 5);
}

static void what_is_loaded_needs_no_host(void **state)
{
	(void)state;
	static const struct host_fault denied = { .path = "/memberships",
		.status = 403,
		.body = "{\"code\":\"unauthorized_operation\",\"error\":\"No.\"}" };
	scoped(world_end) struct world w;

	world_begin(&w);
	host_fail(&w.host, &denied);
	list(&w, &projects);
	assert_int_equal(list(&w, &stories), 5);
	host_heal(&w.host);
	host_fail(&w.host, &(struct host_fault){ .error = -ECONNREFUSED });
	host_forget(&w.host);
	usleep(1100 * 1000);
	assert_int_equal(list(&w, &stories), 5);
	assert_int_equal(w.host.n_asked, 0);
}

static void me_is_asked_for_once(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct record *me;

	world_begin(&w);
	host_fail(&w.host, &(struct host_fault){ .status = 503, .times = 1 });
	assert_int_equal(store_get_me(w.store, &w.call, &me), -EHOSTDOWN);
	assert_int_equal(store_get_me(w.store, &w.call, &me), -EHOSTDOWN);
	assert_int_equal(w.host.n_asked, 1);
	usleep(1100 * 1000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_get_me(w.store, &w.call, &me), 0);
		assert_string_equal(record_text(me, F_me_username), "ann");
		record_unref(me);
	}
	assert_int_equal(w.host.n_asked, 2);
}

/* ---- freshness ---- */

static void a_look_at_what_did_not_move_is_one_request(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	refresh(&w);
	assert_int_equal(w.host.n_asked, 0);
	list_all(&w);
	refresh(&w);
	assert_int_equal(w.host.n_asked, 1);
	assert_int_equal(host_count(&w.host, "GET /projects?fields=id%2Cversion"), 1);
	assert_int_equal(w.n_told, 0);
}

static void only_what_moved_is_loaded_again(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	host_change(&w.host, "/projects/99/stories/501", "name", "'Paint it black'");
	host_move(&w.host, 99, 11);
	refresh(&w);
	assert_int_equal(host_count(&w.host, "/projects/100"), 0);
	assert_int_equal(host_count(&w.host, "fields=tasks"), 0);
	assert_int_equal(w.n_told, 2);
	assert_told(&w, "moved story 501 of project");
	assert_told(&w, "moved project 99");
	scoped(record_unref) struct record *r = peek(&w, KIND_story, 501);

	assert_string_equal(record_text(r, F_story_name), "Paint it black");
	world_forget(&w);
	refresh(&w);
	assert_int_equal(w.host.n_asked, 1);
}

static void what_came_and_went_is_told(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct record *r;

	world_begin(&w);
	list_all(&w);
	host_remove(&w.host, "/projects/99/stories/501");
	host_add(&w.host, "/projects/99/stories",
		"{'id':506,'project_id':99,'name':'New','comments':[{'id':605,'text':'!'}]}");
	host_move(&w.host, 99, 11);
	refresh(&w);
	assert_told(&w, "removed story 501 of project");
	assert_told(&w, "added story 506 of project");
	assert_told(&w, "added comment 605 of story");
	assert_int_equal(list(&w, &stories), 5);
	/* What hung below it is gone, too. */
	assert_int_equal(store_peek(w.store, KIND_comment, 601, &r), 1);
	assert_int_equal(list(&w, &comments_501), -ESTALE);
	assert_int_equal(store_peek_list(w.store, &comments_501, &(struct records){ 0 }), 1);
}

static void a_comment_that_came_with_its_story_is_told(void **state)
{
	(void)state;
	struct place comments = { .kind = KIND_comment, .parent = KIND_story, .parent_id = 506 };
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	/* The stories are loaded again, the comments cannot be: the directory is there, and empty.
	 */
	host_add(&w.host, "/projects/99/stories",
		"{'id':506,'name':'New','comments':[{'id':605,'text':'!'}]}");
	host_move(&w.host, 99, 11);
	host_fail(&w.host, &(struct host_fault){ .path = "fields=comments", .status = 503 });
	assert_int_equal(store_refresh(w.store, &w.call), -EHOSTDOWN);
	assert_int_equal(list(&w, &comments), 0);
	host_heal(&w.host);
	world_forget(&w);
	refresh(&w);
	assert_int_equal(list(&w, &comments), 1);
	assert_told(&w, "added comment 605 of story");
}

static void one_project_that_fails_holds_up_no_other(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	host_move(&w.host, 99, 11);
	host_move(&w.host, 100, 4);
	host_add(&w.host, "/projects/100/stories", "{'id':550,'project_id':100,'name':'x'}");
	host_fail(&w.host, &(struct host_fault){ .path = "/projects/99/", .status = 500 });
	assert_int_equal(store_refresh(w.store, &w.call), -EIO);
	assert_told(&w, "added story 550 of project");
}

static void a_project_may_go_and_come_back(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct record *r;

	world_begin(&w);
	list_all(&w);
	host_remove(&w.host, "/projects/99");
	refresh(&w);
	assert_told(&w, "removed project 99");
	assert_int_equal(list(&w, &stories), -ESTALE);
	assert_int_equal(store_peek(w.store, KIND_story, 501, &r), 1);
	assert_int_equal(store_peek(w.store, KIND_comment, 604, &r), 1);
	host_add(&w.host, "/projects", "{'id':99,'name':'Shed','version':12}");
	refresh(&w);
	assert_told(&w, "added project 99");
	assert_int_equal(list(&w, &stories), 5);
	assert_int_equal(list(&w, &comments_501), 2);
}

static void a_story_may_move_to_another_project(void **state)
{
	(void)state;
	struct place other = { .kind = KIND_story, .parent = KIND_project, .parent_id = 100 };
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	/* Its new project is asked for before its old one. */
	host_set(&w.host, "/projects", "[{'id':100,'version':4},{'id':99,'version':11}]");
	host_remove(&w.host, "/projects/99/stories/503");
	host_add(&w.host, "/projects/100/stories",
		"{'id':503,'project_id':100,'name':'Door','comments':[],'tasks':[]}");
	refresh(&w);
	assert_told(&w, "removed story 503 of project");
	assert_told(&w, "added story 503 of project");
	assert_int_equal(list(&w, &stories), 4);
	assert_int_equal(list(&w, &other), 1);
	scoped(record_unref) struct record *r = peek(&w, KIND_story, 503);

	assert_int_equal(store_project_of(w.store, r), 100);
	assert_int_equal(store_parent_of(w.store, r), 100);
}

/* How often the host was asked for it. */
static size_t search(struct world *w, const char *query)
{
	struct selector what = { stories.parent_id, SELECT_QUERY, query };
	scoped(ids_fini) struct ids found = { 0 };

	host_forget(&w->host);
	assert_int_equal(store_select(w->store, &what, &w->call, &found), 0);
	assert_int_equal(found.n, 5);
	return w->host.n_asked;
}

static void what_was_searched_for_last_is_kept_and_no_more_than_has_room(void **state)
{
	(void)state;
	enum { N = 600, LEN = 10000 };
	scoped(free_ptr) char *long_word = xcalloc(1, LEN + 1);
	scoped(world_end) struct world w;

	memset(long_word, 'a', LEN);
	world_begin(&w);
	list(&w, &projects);
	list(&w, &stories);
	for (int i = 0; i < N; i++) {
		scoped(free_ptr) char *query = xasprintf("name:%d%s", i, long_word);

		assert_in_range(search(&w, query), 1, 3);
		assert_int_equal(search(&w, query), 0);
		assert_int_equal(search(&w, "name:often") > 0, i == 0);
	}
	size_t n_kept = 0;

	for (int i = N; i-- > 0;) {
		scoped(free_ptr) char *query = xasprintf("name:%d%s", i, long_word);

		if (search(&w, query))
			break;
		n_kept++;
	}
	assert_in_range(n_kept, (4 << 20) / LEN - 20, (4 << 20) / LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_searched_for_last_is_kept_and_no_more_than_has_room),
		cmocka_unit_test(a_listing_costs_the_pages_it_takes),
		cmocka_unit_test(nested_kinds_cost_the_pages_of_their_parents),
		cmocka_unit_test(a_second_nested_kind_brings_the_others_along),
		cmocka_unit_test(what_is_refused_together_is_asked_for_alone),
		cmocka_unit_test(what_is_denied_together_is_not_asked_for_alone),
		cmocka_unit_test(what_fails_together_is_asked_for_again),
		cmocka_unit_test(it_is_told_how_far_a_list_is_read),
		cmocka_unit_test(finding_is_listing),
		cmocka_unit_test(a_host_that_leaves_empty_lists_out_still_nests),
		cmocka_unit_test(a_host_that_does_not_nest_is_asked_for_each_parent),
		cmocka_unit_test(a_failure_is_kept_for_a_second),
		cmocka_unit_test(what_is_loaded_needs_no_host),
		cmocka_unit_test(me_is_asked_for_once),
		cmocka_unit_test(a_look_at_what_did_not_move_is_one_request),
		cmocka_unit_test(only_what_moved_is_loaded_again),
		cmocka_unit_test(what_came_and_went_is_told),
		cmocka_unit_test(a_comment_that_came_with_its_story_is_told),
		cmocka_unit_test(one_project_that_fails_holds_up_no_other),
		cmocka_unit_test(a_project_may_go_and_come_back),
		cmocka_unit_test(a_story_may_move_to_another_project),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
