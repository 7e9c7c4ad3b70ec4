/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Iterations and releases as directories, what is ours alone, and fields that only lists tell. */
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

#define P "projects/99/"

static void fill(struct forest *f)
{
	forest_begin(f);
	host_set(&f->world.host, "/projects/99/iterations",
		"[{'number':1,'project_id':99,'length':1,'velocity':7,'points':2.5,"
		"'start':'2024-01-01T00:00:00Z','finish':'2024-01-08T00:00:00Z',"
		"'story_ids':[504,501]},"
		"{'number':2,'project_id':99,'length':1,'story_ids':[]}]");
	host_set(&f->world.host, "/projects/100/iterations",
		"[{'number':1,'project_id':100,'length':2,'story_ids':[]}]");
	host_set(&f->world.host, "/projects/99/releases",
		"[{'id':505,'project_id':99,'name':'Done','story_ids':[502,503]}]");
	host_set(&f->world.host, "/my/notifications",
		"[{'id':9001,'message':'Bo commented','notification_type':'story'}]");
	host_set(&f->world.host, "/my/workspaces",
		"[{'id':31,'name':'Both','project_ids':[99,100]}]");
}

static void assert_names(struct forest *f, const char *path, const char *names)
{
	scoped(free_ptr) char *is = names_at(f->tree, path);

	assert_string_equal(is, names);
}

static void iterations_have_the_numbers_of_their_project(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	assert_names(&f, P "iterations", "1\n2\n");
	assert_reads(f.tree, P "iterations/1/number", "1\n");
	assert_reads(f.tree, P "iterations/1/velocity", "7\n");
	assert_reads(f.tree, P "iterations/1/points", "2.5\n");
	assert_reads(f.tree, P "iterations/1/finish", "2024-01-08T00:00:00Z\n");
	/* Each project has a first one. */
	assert_reads(f.tree, "projects/100/iterations/1/length", "2\n");
	assert_reads(f.tree, P "iterations/1/length", "1\n");
	struct node one = node_at(f.tree, P "iterations/1"), none;
	struct node list = node_at(f.tree, P "iterations");

	assert_int_not_equal(one.id, node_at(f.tree, "projects/100/iterations/1").id);
	assert_int_equal(tree_lookup(f.tree, &list, "3", NULL, &none), 1);
	assert_int_equal(tree_lookup(f.tree, &list, "99999999999", NULL, &none), 1);
	assert_int_equal(host_count(&f.world.host, "/projects/99/iterations?"), 1);
	assert_int_equal(save_at(f.tree, P "iterations/1/length", "2\n"), -EACCES);
}

static void shelves_hold_links_in_their_order(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	assert_names(&f, P "iterations/1/stories", "1-504-Bench\n2-501-Paint-it\n");
	assert_names(&f, P "iterations/2/stories", "");
	assert_names(&f, P "releases", "505\n");
	assert_reads(f.tree, P "releases/505/name", "Done\n");
	assert_names(&f, P "releases/505/stories", "1-502-Roof\n2-503-Door\n");
	assert_reads(f.tree, P "releases/505/stories/1-502-Roof", "../../../stories/502");
	assert_reads(f.tree, P "by-state/unstarted/1-502-Roof", "../../stories/502");
	/* All of it for one request each, and the stories. */
	assert_int_equal(host_count(&f.world.host, "/releases"), 1);
	assert_int_equal(host_count(&f.world.host, "/projects/99/iterations"), 1);
}

static void shelves_follow(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(names_at(f.tree, P "iterations/1/stories"));
	free(names_at(f.tree, P "releases/505/stories"));
	int64_t then = mtime_at(f.tree, P "iterations/1/stories");

	buf_reset(&f.changes);
	host_set(&f.world.host, "/projects/99/iterations",
		"[{'number':1,'project_id':99,'length':1,'story_ids':[501]},"
		"{'number':3,'project_id':99,'length':1,'story_ids':[504]}]");
	host_change(&f.world.host, "/projects/99/stories/501", "name", "'Other'");
	host_move(&f.world.host, 99, 8);
	refresh(&f.world);
	assert_names(&f, P "iterations", "1\n3\n");
	assert_names(&f, P "iterations/1/stories", "1-501-Other\n");
	assert_true(mtime_at(f.tree, P "iterations/1/stories") > then);
	assert_non_null(strstr(buf_str(&f.changes), "moved /projects/99/iterations/1/stories\n"));
	assert_non_null(strstr(buf_str(&f.changes), "entry /projects/99/iterations/2\n"));
	assert_non_null(strstr(buf_str(&f.changes), "entry /projects/99/iterations/3\n"));
}

static void nothing_is_moved_on_a_shelf(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	struct tree_rename rename = { .node = node_at(f.tree, P "by-state/started/1-501-Paint-it"),
		.from = node_at(f.tree, P "by-state/started"),
		.to = node_at(f.tree, P "releases/505/stories"),
		.new_name = "1-x" };

	assert_int_equal(tree_move(f.tree, &rename, NULL), -EPERM);
	scoped(free_ptr) char *text = read_at(f.tree, P "stories/501/.error");

	assert_non_null(strstr(text, "follows from the order in panels/"));
	assert_int_equal(host_count(&f.world.host, "PUT"), 0);
}

static void what_is_ours_is_listed_and_followed(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(names_at(f.tree, "projects"));
	assert_names(&f, "my/notifications", "9001\n");
	assert_reads(f.tree, "my/notifications/9001/message", "Bo commented\n");
	assert_reads(f.tree, "workspaces/31/name", "Both\n");
	assert_reads(f.tree, "workspaces/31/project_ids", "99\n100\n");
	host_forget(&f.world.host);
	assert_int_equal(
		save_at(f.tree, "my/notifications/9001/read_at", "2024-07-01T00:00:00Z\n"), 0);
	assert_int_equal(host_count(&f.world.host, "PUT /my/notifications/9001"), 1);
	/* Something happened in a project: there may be another one. */
	host_add(&f.world.host, "/my/notifications", "{'id':9002,'message':'New'}");
	refresh(&f.world);
	assert_names(&f, "my/notifications", "9001\n");
	host_move(&f.world.host, 99, 8);
	refresh(&f.world);
	assert_names(&f, "my/notifications", "9001\n9002\n");
}

static void a_host_without_them_has_empty_directories(void **state)
{
	(void)state;
	static const char *const paths[] = { P "releases", P "review_types", P "integrations",
		P "story_templates", "workspaces", "my/notifications" };
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_names(&f, paths[i], "");
		assert_names(&f, paths[i], "");
	}
	/* Nor are they asked for again. */
	assert_int_equal(host_count(&f.world.host, "/releases"), 1);
	assert_int_equal(host_count(&f.world.host, "/my/"), 2);
}

static void followers_come_with_the_stories(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	host_change(&f.world.host, "/projects/99/stories/501", "follower_ids", "[103,102]");
	free(names_at(f.tree, P "stories"));
	host_forget(&f.world.host);
	assert_reads(f.tree, P "stories/501/followers", "Bo\nlee\n");
	assert_reads(f.tree, P "stories/502/followers", "");
	assert_int_equal(f.world.host.n_asked, 0);
	/* The answer of a PUT need not tell them. */
	assert_int_equal(save_at(f.tree, P "stories/501/followers", "Bo\n"), 0);
	assert_int_equal(host_count(&f.world.host, "PUT"), 1);
	assert_string_equal(
		f.world.host.asked[f.world.host.n_asked - 1].body, "{\"follower_ids\":[103]}");
	assert_reads(f.tree, P "stories/501/followers", "Bo\n");
	assert_int_equal(save_at(f.tree, P "stories/501/name", "Other\n"), 0);
	assert_reads(f.tree, P "stories/501/followers", "Bo\n");
	assert_int_equal(save_at(f.tree, P "stories/501/followers", ""), 0);
	assert_reads(f.tree, P "stories/501/followers", "");
}

/* ---- mine ---- */

static void what_is_mine_is_of_all_projects(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	host_change(&f.world.host, "/projects/99/stories/504", "owner_ids", "[101]");
	host_set(&f.world.host, "/projects/100/stories",
		"[{'id':801,'project_id':100,'name':'a/b \\u001b','current_state':'unscheduled',"
		"'owner_ids':[101],'requested_by_id':101,'labels':[]}]");
	/* 504 is accepted, 501 is requested by another one. */
	assert_names(&f, "my/work", "1-501-Paint-it\n2-801-a_b-_\n");
	assert_names(&f, "my/requested", "1-502-Roof\n2-801-a_b-_\n");
	assert_reads(f.tree, "my/work/1-501-Paint-it", "../../projects/99/stories/501");
	assert_reads(f.tree, "my/requested/2-801-a_b-_", "../../projects/100/stories/801");
	/* Its rank is not looked at. */
	assert_reads(f.tree, "my/work/7-801-a_b-_", "../../projects/100/stories/801");
	struct node dir = node_at(f.tree, "my/work"), none;

	assert_int_equal(tree_lookup(f.tree, &dir, "1-502-Roof", NULL, &none), 1);
	assert_int_equal(tree_lookup(f.tree, &dir, "1-504-Bench", NULL, &none), 1);
	assert_int_equal(tree_lookup(f.tree, &dir, ".error", NULL, &none), 1);
	/* me, the projects, memberships and stories of both: three pages and one. */
	assert_int_equal(f.world.host.n_asked, 2 + 2 + 3 + 1);
}

static void what_is_mine_follows(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	assert_names(&f, "my/work", "1-501-Paint-it\n");
	int64_t then = mtime_at(f.tree, "my/work");

	host_change(&f.world.host, "/projects/99/stories/501", "current_state", "'accepted'");
	host_change(&f.world.host, "/projects/99/stories/505", "owner_ids", "[101]");
	host_move(&f.world.host, 99, 11);
	buf_reset(&f.changes);
	refresh(&f.world);
	assert_names(&f, "my/work", "1-505-Done\n");
	assert_true(mtime_at(f.tree, "my/work") > then);
	assert_non_null(strstr(buf_str(&f.changes), "moved /my/work\n"));
	assert_non_null(strstr(buf_str(&f.changes), "moved /my/requested\n"));
}

static void what_is_denied_has_none_of_mine(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	host_fail(&f.world.host,
		&(struct host_fault){ .path = "/projects/100/stories",
			.status = 403,
			.body = "{\"kind\":\"error\",\"code\":\"unauthorized_operation\"}" });
	assert_names(&f, "my/work", "1-501-Paint-it\n");
	host_heal(&f.world.host);
}

/* ---- what holds an attachment ---- */

static void an_attachment_tells_its_comment_and_that_tells_it(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	host_change(&f.world.host, "/projects/99/stories/502", "comments",
		"[{'id':603,'story_id':502,'text':'Hm','file_attachment_ids':[901,902],"
		"'file_attachments':[{'id':901,'filename':'plan.txt','size':3},"
		"{'id':902,'filename':'comment','size':3}]}]");
	host_change(&f.world.host, "/projects/99/epics/401", "comments",
		"[{'id':604,'epic_id':401,'file_attachment_ids':[903],"
		"'file_attachments':[{'id':903,'filename':'x','size':3}]}]");
	assert_names(&f, P "attachments/901", "plan.txt\ncomment\n");
	assert_reads(f.tree, P "attachments/901/comment", "../../stories/502/comments/603");
	assert_reads(f.tree, P "attachments/903/comment", "../../epics/401/comments/604");
	/* A file of that name has it. */
	assert_names(&f, P "attachments/902", "comment\n");
	assert_int_equal(node_at(f.tree, P "attachments/902/comment").row, ROW_attachment_bytes);
	host_forget(&f.world.host);
	assert_reads(f.tree, P "stories/502/comments/603/file_attachment_ids", "901\n902\n");
	assert_reads(f.tree, P "stories/501/comments/601/file_attachment_ids", "");
	assert_int_equal(host_count(&f.world.host, "/stories?"), 3);
	assert_int_equal(
		save_at(f.tree, P "stories/502/comments/603/file_attachment_ids", ""), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mine_is_of_all_projects),
		cmocka_unit_test(what_is_mine_follows),
		cmocka_unit_test(what_is_denied_has_none_of_mine),
		cmocka_unit_test(an_attachment_tells_its_comment_and_that_tells_it),
		cmocka_unit_test(iterations_have_the_numbers_of_their_project),
		cmocka_unit_test(shelves_hold_links_in_their_order),
		cmocka_unit_test(shelves_follow),
		cmocka_unit_test(nothing_is_moved_on_a_shelf),
		cmocka_unit_test(what_is_ours_is_listed_and_followed),
		cmocka_unit_test(a_host_without_them_has_empty_directories),
		cmocka_unit_test(followers_come_with_the_stories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
