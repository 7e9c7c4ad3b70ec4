/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tree shows: nodes, numbers, names, attributes, contents. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
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

/* ---- numbers ---- */

static void a_number_and_its_node_are_one(void **state)
{
	(void)state;
	static const int64_t ids[] = { 0, 1, 555, (INT64_C(1) << 47) - 1 };
	size_t n = 0;
	struct node node = NODE_ROOT;

	assert_int_equal(tree_number(&node), 1);
	for (int row = 0; row < N_ROWS; row++) {
		for (int field = -1; field < 254; field++) {
			for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
				struct node one = { (enum layout_row)row, ids[i], field }, back;
				uint64_t number = tree_number(&one);

				assert_false(number >> 63);
				if (!tree_node(number, &back))
					continue;
				n++;
				assert_int_equal(back.row, row);
				assert_int_equal(back.id, ids[i]);
				assert_int_equal(back.field, field);
			}
		}
	}
	assert_true(n > 400);
}

static void not_every_number_is_a_node(void **state)
{
	(void)state;
	static const struct node none[] = {
		{ ROW_projects, 5, -1 },
		{ ROW_stories, 0, -1 },
		{ ROW_story, 0, F_story_name },
		{ ROW_stories, 99, 0 },
		{ ROW_story_error, 501, F_story_name },
		{ ROW_me, 101, -1 },
		{ ROW_me, 0, F_me_api_token },
		{ ROW_story, 501, F_story_follower_ids },
		{ ROW_story, 501, N_story_FIELDS },
		{ N_ROWS, 1, -1 },
		{ ROW_story, 501, -2 },
	};
	struct node node;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		if (tree_node(tree_number(&none[i]), &node))
			fail_msg("row %zu is a node", i);
	}
	assert_false(tree_node(0, &node));
	assert_false(tree_node(UINT64_MAX, &node));
}

/* ---- listing and lookup ---- */

static const char *const nowhere[] = { ".", "..", "", "nope", "0501", "+501", "501 ", " 501",
	"-501", "501x", "9223372036854775808", "api_token", "NAME", ".error" };

struct listed {
	struct forest *forest;
	size_t n, n_files;
	struct node nodes[64];
	char *names[64];
	size_t n_here;
};

static bool keep(void *data, const char *name, const struct node *node)
{
	struct listed *l = data;

	assert_true(l->n_here < 64);
	l->names[l->n_here] = xstrdup(name);
	l->nodes[l->n_here++] = *node;
	return true;
}

static void check_entry(
	struct tree *t, const struct node *dir, const char *name, const struct node *node)
{
	scoped(buf_fini) struct buf own_name = BUF_INIT;
	struct node found, up;

	assert_int_equal(tree_lookup(t, dir, name, NULL, &found), 0);
	assert_int_equal(tree_number(&found), tree_number(node));
	assert_int_equal(tree_parent(t, node, &up), 0);
	assert_int_equal(tree_name(t, node, &own_name), 0);
	if (node->row == ROW_story_link || node->row == ROW_shelf_link ||
		node->row == ROW_my_link) {
		assert_int_equal(tree_lookup(t, dir, buf_str(&own_name), NULL, &found), 0);
	} else {
		assert_int_equal(tree_number(&up), tree_number(dir));
		assert_string_equal(buf_str(&own_name), name);
	}
	assert_true(strlen(name) <= 255 && !strchr(name, '/') && *name);
	assert_true(tree_node(tree_number(node), &up));
}

static void check_file(struct tree *t, const struct node *node)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct node_attr attr;
	struct node any;

	assert_int_equal(tree_stat(t, node, &attr), 0);
	assert_true(attr.mtime_ns > 0);
	if (attr.type == NODE_DIR) {
		assert_int_equal(tree_read(t, node, &text), -EISDIR);
		return;
	}
	assert_int_equal(tree_read(t, node, &text), 0);
	assert_int_equal(text.len, attr.size);
	assert_int_equal(tree_lookup(t, node, "x", NULL, &any), -ENOTDIR);
	if (attr.type == NODE_FILE && text.len)
		assert_int_equal(text.data[text.len - 1], '\n');
}

static bool is_name(const struct listed *l, const char *name)
{
	for (size_t i = 0; i < l->n_here; i++) {
		if (strcmp(l->names[i], name) == 0)
			return true;
	}
	return false;
}

static void check_dir(struct listed *l, const struct node *dir)
{
	struct tree *t = l->forest->tree;
	struct listed here = { .forest = l->forest };
	struct node found;

	assert_int_equal(tree_list(t, dir, NULL, keep, &here), 0);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++)
		assert_int_equal(tree_lookup(t, dir, nowhere[i], NULL, &found),
			is_name(&here, nowhere[i]) ? 0 : 1);
	for (size_t i = 0; i < here.n_here; i++) {
		struct node_attr attr;

		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(here.names[i], here.names[j]);
			assert_true(tree_number(&here.nodes[i]) != tree_number(&here.nodes[j]));
		}
		check_entry(t, dir, here.names[i], &here.nodes[i]);
		check_file(t, &here.nodes[i]);
		l->n++;
		assert_int_equal(tree_stat(t, &here.nodes[i], &attr), 0);
		if (attr.type == NODE_DIR)
			check_dir(l, &here.nodes[i]);
	}
	while (here.n_here)
		free(here.names[--here.n_here]);
}

static void what_is_listed_is_found_and_nothing_else(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	struct listed l = { .forest = &f };

	check_dir(&l, &NODE_ROOT);
	assert_true(l.n > 300);
	/* me and projects; of 99 memberships, labels, stories in three pages, what is nested in
	 * them in as many twice (the kind that comes first, the rest), epics, the two nested in
	 * those, saved searches, and what is current; of 100, which has no story that could have a
	 * comment, one request a collection. Of both iterations, releases, review types, templates,
	 * integrations and activity, and their transitions: the stories do not tell them here, and
	 * have to be asked for that; workspaces, notifications and what we did. */
	assert_int_equal(f.world.host.n_asked,
		2 + (1 + 1 + 3 * 3 + 3 + 1 + 1) + 6 + 2 * 6 + (3 + 1) + 1 + 3);
	host_forget(&f.world.host);
	check_dir(&l, &NODE_ROOT);
	assert_int_equal(f.world.host.n_asked, 0);
}

static bool stop_at_second(void *data, const char *name, const struct node *node)
{
	(void)name;
	(void)node;
	return ++*(int *)data < 2;
}

static void a_listing_may_be_stopped(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	int n = 0;

	forest_begin(&f);
	struct node dir = node_at(f.tree, "projects/99/stories");

	assert_int_equal(tree_list(f.tree, &dir, NULL, stop_at_second, &n), 0);
	assert_int_equal(n, 2);
}

static void what_cannot_be_asked_is_an_error(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	struct node node, dir;
	int n = 0;

	forest_begin(&f);
	dir = node_at(f.tree, "projects/99/stories");
	host_fail(&f.world.host, &(struct host_fault){ .error = -EHOSTUNREACH });
	assert_int_equal(tree_list(f.tree, &dir, NULL, stop_at_second, &n), -EHOSTUNREACH);
	assert_int_equal(tree_lookup(f.tree, &dir, "501", NULL, &node), -EHOSTUNREACH);
	/* What cannot be there needs no asking. */
	assert_int_equal(tree_lookup(f.tree, &dir, ".git", NULL, &node), 1);
}

static void what_is_gone_is_stale(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct node_attr attr;
	int n = 0;

	forest_begin(&f);
	struct node name = node_at(f.tree, "projects/99/stories/501/name");
	struct node dir = node_at(f.tree, "projects/99/stories/501");
	struct node comments = node_at(f.tree, "projects/99/stories/501/comments");
	struct node comment = node_at(f.tree, "projects/99/stories/501/comments/601/text");

	host_remove(&f.world.host, "/projects/99/stories/501");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	assert_int_equal(tree_stat(f.tree, &name, &attr), -ESTALE);
	assert_int_equal(tree_read(f.tree, &comment, &text), -ESTALE);
	assert_int_equal(tree_stat(f.tree, &comments, &attr), -ESTALE);
	assert_int_equal(tree_list(f.tree, &dir, NULL, stop_at_second, &n), -ESTALE);
	assert_int_equal(tree_list(f.tree, &comments, NULL, stop_at_second, &n), -ESTALE);
	assert_int_equal(tree_parent(f.tree, &dir, &dir), -ESTALE);
	assert_int_equal(save_text(f.tree, &name, "x\n", NULL), -ESTALE);
	assert_false(tree_is_saved(f.tree, &name, "x\n", 2));
}

/* ---- contents ---- */

static void every_file_has_its_text(void **state)
{
	(void)state;
	static const struct {
		const char *path, *text;
	} rows[] = {
		{ "me/id", "101\n" },
		{ "me/username", "ann\n" },
		{ "projects/99/name", "Shed\n" },
		{ "projects/99/version", "10\n" },
		{ "projects/99/public", "false\n" },
		{ "projects/99/description", "" },
		{ "projects/99/stories/501/id", "501\n" },
		{ "projects/99/stories/501/name", "Paint it\n" },
		{ "projects/99/stories/501/description", "All of\nit\n" },
		{ "projects/99/stories/501/estimate", "2\n" },
		{ "projects/99/stories/504/estimate", "0.5\n" },
		{ "projects/99/stories/502/estimate", "" },
		{ "projects/99/stories/501/story_type", "feature\n" },
		{ "projects/99/stories/501/current_state", "started\n" },
		{ "projects/99/stories/501/requested_by", "Bo\n" },
		{ "projects/99/stories/501/requested_by_id", "103\n" },
		{ "projects/99/stories/501/owner_ids", "103\n101\n" },
		{ "projects/99/stories/501/owners", "Bo\nann\n" },
		{ "projects/99/stories/502/owners", "" },
		{ "projects/99/stories/501/labels", "blue\nred\n" },
		{ "projects/99/stories/505/deadline", "2024-06-01T12:00:00Z\n" },
		{ "projects/99/stories/501/created_at", SAMPLE_TIME "\n" },
		{ "projects/99/stories/501/url", "https://example.org/501\n" },
		{ "projects/99/stories/501/comments/601/text", "Yes\n" },
		{ "projects/99/stories/501/comments/601/person", "ann\n" },
		{ "projects/99/stories/501/comments/602/person", "999\n" },
		{ "projects/99/stories/501/tasks/702/complete", "true\n" },
		{ "projects/99/stories/501/tasks/702/position", "2\n" },
		{ "projects/99/epics/401/label", "red\n" },
		{ "projects/99/epics/402/label", "" },
		{ "projects/99/epics/401/comments/604/text", "Soon\n" },
		{ "projects/99/epics/401/comments/604/person", "Bo\n" },
		{ "projects/99/labels/301/name", "red\n" },
		{ "projects/99/memberships/202/person", "lee\n" },
		{ "projects/99/memberships/202/role", "member\n" },
		{ "by-name/Shed", "../projects/99" },
	};
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(free_ptr) char *text = read_at(f.tree, rows[i].path);

		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s is '%s', not '%s'", rows[i].path, text, rows[i].text);
	}
}

static void a_directory_holds_its_fields_then_what_is_below(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	scoped(free_ptr) char *names = names_at(f.tree, "projects/99/stories/501/comments/601");

	assert_string_equal(names,
		"id\nstory_id\nepic_id\ntext\nperson_id\nperson\ncreated_at\nupdated_at\n"
		"commit_identifier\ncommit_type\nexternal_source\nexternal_author\nexternal_link\n"
		"file_attachment_ids\n");
}

static void the_document_is_what_the_server_sent(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	host_change(&f.world.host, "/projects/99", "mood", "{'good':[1,null]}");
	scoped(free_ptr) char *text = read_at(f.tree, "projects/99/project.json");
	json_t *is = json_loads(text, 0, NULL);
	json_t *sent = json_array_get(json_object_get(f.world.host.held, "/projects"), 0);

	assert_true(json_equal(is, sent));
	json_decref(is);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void modes_follow_from_the_schema(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool writable;
	} rows[] = {
		{ "", false },
		{ "me", false },
		{ "me/name", false },
		{ "projects", false },
		{ "projects/99", true },
		{ "projects/99/name", true },
		{ "projects/99/id", false },
		{ "projects/99/project.json", false },
		{ "projects/99/stories", false },
		{ "projects/99/stories/501", true },
		{ "projects/99/stories/501/name", true },
		{ "projects/99/stories/501/owners", true },
		{ "projects/99/stories/501/requested_by", false },
		{ "projects/99/stories/501/url", false },
		{ "projects/99/stories/501/project_id", false },
		{ "projects/99/memberships/201/role", true },
		{ "projects/99/memberships/201/person", false },
		{ "by-name/Shed", false },
	};
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct node node = node_at(f.tree, rows[i].path);
		struct node_attr attr;

		assert_int_equal(tree_stat(f.tree, &node, &attr), 0);
		if (attr.writable != rows[i].writable)
			fail_msg("%s: writable is %d", rows[i].path, attr.writable);
	}
}

/* ---- names of links ---- */

static void add_project(struct host *h, int id, const char *name)
{
	host_add(h, "/projects", "{'id':0,'name':'','version':1}");
	json_t *list = json_object_get(h->held, "/projects");
	json_t *p = json_array_get(list, json_array_size(list) - 1);

	json_object_set_new(p, "id", json_integer(id));
	json_object_set_new(p, "name", json_string(name));
}

static void links_have_names_that_are_names(void **state)
{
	(void)state;
	static const char *const titles[] = { "Twice", "Twice", "Twice (2)", "..", ".hidden", "a/b",
		"", "line\nbreak", "  blanks  ", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x8c\xb3",
		"tab\there", "Twice (1)", "(7)", "x ()" };
	scoped(forest_end) struct forest f;
	char long_title[5001];

	forest_begin(&f);
	host_set(&f.world.host, "/projects", "[]");
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		add_project(&f.world.host, (int)i + 1, titles[i]);
	memset(long_title, 'w', 5000);
	long_title[5000] = '\0';
	add_project(&f.world.host, 98, long_title);
	add_project(&f.world.host, 99, long_title);
	struct listed l = { .forest = &f };
	struct node by_name = node_at(f.tree, "by-name");

	check_dir(&l, &by_name);
	assert_int_equal(l.n, 16);
	assert_reads(f.tree, "by-name/Twice (1)", "../projects/1");
	assert_reads(f.tree, "by-name/Twice (2)", "../projects/2");
	assert_reads(f.tree, "by-name/Twice (2) (3)", "../projects/3");
	assert_reads(f.tree, "by-name/Twice (1) (12)", "../projects/12");
	assert_reads(f.tree, "by-name/a_b", "../projects/6");
	assert_reads(f.tree, "by-name/blanks", "../projects/9");
}

/* ---- people ---- */

static void add_member(struct host *h, int id, const char *name, const char *username)
{
	scoped(free_ptr) char *json = xasprintf(
		"{'id':%d,'project_id':99,'role':'member','person':{'id':%d,'name':'%s','username':"
		"'%s'}}",
		id + 100, id, name, username);

	host_add(h, "/projects/99/memberships", json);
}

static void a_name_leads_back_to_its_person(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	/* The first's only name of their own is another's name. */
	static const char *const people[][2] = { { "Cy", "Di" }, { "Cy", "cy2" }, { "Di", "d" },
		{ "4711", "four" }, { " Eve", "eve" }, { "Fay\\nFay", "fay" } };

	forest_begin(&f);
	for (int i = 0; i < 6; i++)
		add_member(&f.world.host, 110 + i, people[i][0], people[i][1]);
	host_change(&f.world.host, "/projects/99/stories/501", "owner_ids",
		"[110,111,112,113,114,115,77]");
	assert_reads(
		f.tree, "projects/99/stories/501/owners", "110\ncy2\nDi\nfour\neve\nfay\n77\n");
	struct node owners = node_at(f.tree, "projects/99/stories/501/owners");
	scoped(free_ptr) char *text = read_at(f.tree, "projects/99/stories/501/owners");

	assert_true(tree_is_saved(f.tree, &owners, text, strlen(text)));
}

static void a_renamed_person_moves_the_files_that_show_it(void **state)
{
	(void)state;
	static const char *const shown[] = { "projects/99/stories/501/owners",
		"projects/99/stories/502/requested_by", "projects/99/stories/503/owners",
		"projects/99/stories/501/comments/601/person",
		"projects/99/memberships/201/person" };
	static const char *const not_shown[] = { "projects/99/stories/501/requested_by",
		"projects/99/stories/501/owner_ids", "projects/99/stories/504/owners",
		"projects/99/epics/401/comments/604/person" };
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(mtime_at(f.tree, shown[i]), SAMPLE_TIME_NS);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(mtime_at(f.tree, not_shown[i]), SAMPLE_TIME_NS);
	/* With one Ann Lee called otherwise, the other may be called so. */
	host_change(&f.world.host, "/projects/99/memberships/202", "person",
		"{'id':102,'name':'Lee','username':'lee'}");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	assert_reads(f.tree, "projects/99/stories/501/owners", "Bo\nAnn Lee\n");
	assert_reads(f.tree, "projects/99/stories/503/owners", "Lee\n");
	for (size_t i = 0; i < 5; i++) {
		scoped(free_ptr) char *line = xasprintf("moved /%s\n", shown[i]);

		assert_true(mtime_at(f.tree, shown[i]) > SAMPLE_TIME_NS);
		if (!strstr(buf_str(&f.changes), line))
			fail_msg("not announced: %s", line);
	}
	for (size_t i = 0; i < 4; i++) {
		scoped(free_ptr) char *line = xasprintf("moved /%s\n", not_shown[i]);

		assert_int_equal(mtime_at(f.tree, not_shown[i]), SAMPLE_TIME_NS);
		assert_null(strstr(buf_str(&f.changes), line));
	}
}

/* ---- changes ---- */

static void a_change_concerns_the_nodes_that_show_it(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	list_all(&f.world);
	host_change(&f.world.host, "/projects/99/stories/501", "owner_ids", "[103]");
	host_change(&f.world.host, "/projects/99/stories/501", "comments",
		"[{'id':601,'text':'Yes!','person_id':101,'updated_at':'" SAMPLE_TIME "'}]");
	host_change(&f.world.host, "/projects/99/epics/401", "comments",
		"[{'id':604,'text':'Now','person_id':103}]");
	host_add(&f.world.host, "/projects/99/labels", "{'id':303,'name':'new'}");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	static const char *const lines[] = { "moved /projects/99/version\n", "moved /projects/99\n",
		"moved /projects/99/project.json\n", "moved /projects/99/stories\n",
		"moved /projects/99/stories/501/owner_ids\n",
		"moved /projects/99/stories/501/owners\n", "moved /projects/99/stories/501\n",
		"entry /projects/99/stories/501/comments/602\n",
		"moved /projects/99/stories/501/comments\n",
		"moved /projects/99/stories/501/comments/601/text\n",
		"moved /projects/99/epics/401/comments/604/text\n",
		"entry /projects/99/labels/303\n" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!strstr(buf_str(&f.changes), lines[i]))
			fail_msg("not announced: %sbut:\n%s", lines[i], buf_str(&f.changes));
	}
	assert_null(strstr(buf_str(&f.changes), "/name\n"));
	assert_null(strstr(buf_str(&f.changes), "by-name"));
	assert_null(strstr(buf_str(&f.changes), "/502"));
}

static void a_new_title_concerns_all_links_it_is_like(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	list_all(&f.world);
	host_change(&f.world.host, "/projects/100", "name", "'Shed'");
	host_move(&f.world.host, 100, 4);
	refresh(&f.world);
	assert_non_null(strstr(buf_str(&f.changes), "entry /by-name/Other\n"));
	assert_non_null(strstr(buf_str(&f.changes), "entry /by-name/Shed\n"));
	assert_non_null(strstr(buf_str(&f.changes), "entry /by-name/Shed (99)\n"));
	assert_non_null(strstr(buf_str(&f.changes), "entry /by-name/Shed (100)\n"));
	assert_reads(f.tree, "by-name/Shed (99)", "../projects/99");
}

static void a_listing_that_changed_has_a_later_time(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	list_all(&f.world);
	int64_t all = mtime_at(f.tree, "projects"), links = mtime_at(f.tree, "by-name");
	int64_t some = mtime_at(f.tree, "projects/99/labels");

	host_add(&f.world.host, "/projects", "{'id':97,'name':'New','version':1}");
	host_add(&f.world.host, "/projects/99/labels", "{'id':303,'name':'new'}");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	assert_true(mtime_at(f.tree, "projects") > all);
	assert_true(mtime_at(f.tree, "by-name") > links);
	assert_true(mtime_at(f.tree, "projects/99/labels") > some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_and_its_node_are_one),
		cmocka_unit_test(not_every_number_is_a_node),
		cmocka_unit_test(what_is_listed_is_found_and_nothing_else),
		cmocka_unit_test(a_listing_may_be_stopped),
		cmocka_unit_test(what_cannot_be_asked_is_an_error),
		cmocka_unit_test(what_is_gone_is_stale),
		cmocka_unit_test(every_file_has_its_text),
		cmocka_unit_test(a_directory_holds_its_fields_then_what_is_below),
		cmocka_unit_test(the_document_is_what_the_server_sent),
		cmocka_unit_test(modes_follow_from_the_schema),
		cmocka_unit_test(links_have_names_that_are_names),
		cmocka_unit_test(a_name_leads_back_to_its_person),
		cmocka_unit_test(a_renamed_person_moves_the_files_that_show_it),
		cmocka_unit_test(a_change_concerns_the_nodes_that_show_it),
		cmocka_unit_test(a_new_title_concerns_all_links_it_is_like),
		cmocka_unit_test(a_listing_that_changed_has_a_later_time),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
