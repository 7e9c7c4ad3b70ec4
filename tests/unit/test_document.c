/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A story's document in the tree: what is read, what a save sends, what it refuses.
 * test_document_again.c goes on. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "documents.h"

static const char head[] = "---\n"
			   "accepted_at:\n"
			   "estimate: 2\n"
			   "story_type: feature\n"
			   "story_priority:\n"
			   "current_state: started\n"
			   "deadline:\n"
			   "requested_by: Bo\n"
			   "external_id:\n"
			   "integration_id:\n"
			   "owners: [Bo, ann]\n"
			   "labels: [blue, red]\n"
			   "owned_by_id:\n"
			   "followers: []\n"
			   "---\n"
			   "\n"
			   "# Paint it\n"
			   "\n"
			   "All of\n"
			   "it\n"
			   "\n"
			   "## Tasks <!-- storyfs: tasks -->\n"
			   "\n"
			   "- [ ] Buy paint <!-- storyfs: 701 -->\n"
			   "- [x] Stir <!-- storyfs: 702 -->\n"
			   "\n"
			   "## Blockers <!-- storyfs: blockers -->\n"
			   "\n"
			   "- [ ] No paint <!-- storyfs: 751 -->\n"
			   "\n"
			   "## Comments <!-- storyfs: comments -->\n"
			   "\n"
			   "### ann, 2024-05-01T10:00:00Z <!-- storyfs: comment 601 -->\n"
			   "\n"
			   "Yes\n"
			   "\n"
			   "### 999, 2024-05-01T10:00:00Z <!-- storyfs: comment 602 -->\n"
			   "\n"
			   "No\n"
			   "\n"
			   "<!-- storyfs: version ";

/* ---- reading ---- */

static void a_document_is_the_whole_story(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);

	if (strncmp(text, head, strlen(head)) != 0)
		fail_msg("it is\n%s", text);
	scoped(free_ptr) char *names = names_at(f.tree, "projects/99/markdown");

	assert_string_equal(names, "501.md\n502.md\n503.md\n504.md\n505.md\n");
	struct node node = node_at(f.tree, PATH), dir = node_at(f.tree, "projects/99/markdown"), at;
	struct node_attr attr;
	scoped(buf_fini) struct buf name = BUF_INIT;

	assert_int_equal(tree_stat(f.tree, &node, &attr), 0);
	assert_true(attr.writable && attr.type == NODE_FILE && !attr.live);
	assert_int_equal(attr.mtime_ns, SAMPLE_TIME_NS);
	assert_int_equal(tree_parent(f.tree, &node, &at), 0);
	assert_int_equal(tree_number(&at), tree_number(&dir));
	assert_int_equal(tree_name(f.tree, &node, &name), 0);
	assert_string_equal(buf_str(&name), "501.md");
	assert_reads(f.tree, "projects/99/stories/501/story.md", "../../markdown/501.md");
	assert_int_equal(tree_lookup(f.tree, &dir, "999.md", NULL, &at), 1);
	assert_int_equal(tree_lookup(f.tree, &dir, "501", NULL, &at), 1);
	assert_int_equal(tree_lookup(f.tree, &dir, ".md", NULL, &at), 1);
}

static bool stat_one(void *data, const char *name, const struct node *node)
{
	struct forest *f = data;
	struct node_attr attr;

	(void)name;
	assert_int_equal(tree_stat(f->tree, node, &attr), 0);
	assert_true(attr.size > 100);
	return true;
}

static void a_listing_costs_as_much_as_its_pages(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	struct node dir = node_at(f.tree, "projects/99/markdown");

	host_forget(&f.world.host);
	assert_int_equal(tree_list(f.tree, &dir, NULL, stat_one, &f), 0);
	/* Five stories by two: stories, tasks, all others; and the memberships. */
	assert_int_equal(f.world.host.n_asked, 3 * 3 + 1);
	host_forget(&f.world.host);
	assert_int_equal(tree_list(f.tree, &dir, NULL, stat_one, &f), 0);
	assert_int_equal(f.world.host.n_asked, 0);
}

static void it_is_announced_when_what_it_shows_moves(void **state)
{
	(void)state;
	static const struct {
		const char *path, *key, *json;
	} rows[] = {
		{ "/projects/99/stories/501", "name", "'x'" },
		{ "/projects/99/stories/501", "tasks",
			"[{'id':701,'story_id':501,'description':'Buy','complete':false}]" },
		{ "/projects/99/stories/501", "tasks",
			"[{'id':702,'story_id':501,'description':'Stir','complete':true,'position':2,"
			"'created_at':'" SAMPLE_TIME "','updated_at':'" SAMPLE_TIME "'},"
			"{'id':701,'story_id':501,'description':'Buy paint','complete':false,"
			"'position':1,'created_at':'" SAMPLE_TIME "','updated_at':'" SAMPLE_TIME
			"'}]" },
		{ "/projects/99/stories/501", "blockers", "[]" },
		{ "/projects/99/stories/501", "comments",
			"[{'id':601,'story_id':501,'text':'Hm','person_id':101}]" },
		{ "/projects/99/memberships/203", "person", "{'id':103,'name':'Bob'}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *text = begin(&f);
		int64_t before = mtime_at(f.tree, PATH);

		host_change(&f.world.host, rows[i].path, rows[i].key, rows[i].json);
		host_move(&f.world.host, 99, 11);
		buf_reset(&f.changes);
		refresh(&f.world);
		if (!strstr(buf_str(&f.changes), "moved /" PATH "\n"))
			fail_msg("row %zu: %s", i, buf_str(&f.changes));
		scoped(free_ptr) char *now = read_at(f.tree, PATH);

		assert_string_not_equal(now, text);
		assert_true(mtime_at(f.tree, PATH) > before);
	}
}

static void it_comes_and_goes_with_its_story(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	free(begin(&f));
	host_remove(&f.world.host, "/projects/99/stories/501");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	assert_non_null(strstr(buf_str(&f.changes), "entry /projects/99/markdown/501.md\n"));
	scoped(free_ptr) char *names = names_at(f.tree, "projects/99/markdown");

	assert_string_equal(names, "502.md\n503.md\n504.md\n505.md\n");
}

/* ---- saving ---- */

static const struct {
	const char *edits[13], *requests;
} saves[] = {
	{ { NULL }, "" },
	{ { "estimate: 2", "estimate: 3" }, "PUT /projects/99/stories/501 {\"estimate\":3}\n" },
	{ { "estimate: 2", "estimate: 2.0" }, "" },
	{ { "labels: [blue, red]", "labels: [red, blue]" }, "" },
	{ { "labels: [blue, red]", "labels:\n- red\n- new\n" },
		"PUT /projects/99/stories/501 {\"labels\":[{\"name\":\"red\"},{\"name\":\"new\"}]}\n" },
	{ { "estimate: 2", "estimate:", "# Paint it", "# Paint them", "All of\nit", "",
		  "owners: [Bo, ann]", "owners: [lee]", "requested_by: Bo", "requested_by: ann" },
		"PUT /projects/99/stories/501 {\"estimate\":null,\"name\":\"Paint them\","
		"\"description\":null,\"requested_by_id\":101,\"owner_ids\":[102]}\n" },
	/* Nobody's wish: blanks at the end of a comment's lines. */
	{ { "\nYes\n", "\nYes \t\r\n" }, "" },
	{ { "[ ] Buy", "[x] Buy" },
		"PUT /projects/99/stories/501/tasks/701 {\"complete\":true}\n" },
	{ { "[x] Stir", "[ ] Stir it\n  well" },
		"PUT /projects/99/stories/501/tasks/702 {\"description\":\"Stir it\\nwell\","
		"\"complete\":false}\n" },
	{ { "- [x] Stir <!-- storyfs: 702 -->\n", "" },
		"DELETE /projects/99/stories/501/tasks/702 \n" },
	{ { "- [x] Stir <!-- storyfs: 702 -->\n",
		  "- [x] Stir <!-- storyfs: 702 -->\n- [ ] Third\n\n- [x] Fourth\n" },
		"POST /projects/99/stories/501/tasks {\"description\":\"Third\"}\n"
		"POST /projects/99/stories/501/tasks {\"description\":\"Fourth\",\"complete\":true}\n" },
	{ { "- [ ] Buy", "- [ ] First\n- [ ] Second\n- [ ] Buy" },
		"POST /projects/99/stories/501/tasks {\"description\":\"First\",\"position\":1}\n"
		"POST /projects/99/stories/501/tasks {\"description\":\"Second\",\"position\":2}\n" },
	{ { "[ ] No paint", "[x] No paint" },
		"PUT /projects/99/stories/501/blockers/751 {\"resolved\":true}\n" },
	{ { "- [ ] No paint", "- [ ] No brush\n- [ ] No paint" },
		"POST /projects/99/stories/501/blockers {\"description\":\"No brush\"}\n" },
	{ { "END", "\nA <!-- \\storyfs: mark -->\n\ncomment\n\n" },
		"POST /projects/99/stories/501/comments "
		"{\"text\":\"A <!-- storyfs: mark -->\\n\\ncomment\"}\n" },
	{ { "estimate: 2", "estimate: 1", "[ ] Buy", "[x] Buy",
		  "- [x] Stir <!-- storyfs: 702 -->\n", "- [ ] New\n", "END", "Hm" },
		"PUT /projects/99/stories/501 {\"estimate\":1}\n"
		"DELETE /projects/99/stories/501/tasks/702 \n"
		"PUT /projects/99/stories/501/tasks/701 {\"complete\":true}\n"
		"POST /projects/99/stories/501/tasks {\"description\":\"New\"}\n"
		"POST /projects/99/stories/501/comments {\"text\":\"Hm\"}\n" },
};

static void a_save_is_the_fewest_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(saves) / sizeof(saves[0]); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *text = begin(&f);
		scoped(free_ptr) char *mine = edited(text, saves[i].edits);

		assert_int_equal(save_at(f.tree, PATH, mine), 0);
		scoped(free_ptr) char *is = writes(&f);

		if (strcmp(is, saves[i].requests) != 0)
			fail_msg("row %zu sent\n%s", i, is);
		host_forget(&f.world.host);
		/* Again, as an editor does: it is there already. */
		assert_int_equal(save_at(f.tree, PATH, mine), 0);
		assert_writes(&f, "");
	}
}

static const struct {
	const char *edits[5], *reason;
	int error;
} refusals[] = {
	{ { "estimate: 2", "estimate: many", "END", "Hm" },
		"line 3: estimate: 'many' is not accepted", -EINVAL },
	{ { "owners: [Bo, ann]", "owners: [Nobody]", "END", "Hm" },
		"line 11: nobody here is called", -EINVAL },
	{ { "# Paint it", "# ", "END", "Hm" }, "line 17:\n", -EINVAL },
	{ { "labels: [blue, red]", "lables: [blue]" }, "line 12: unknown key 'lables'", -EINVAL },
	{ { "deadline:\n", "" }, "line 14: the line `deadline:` is missing", -EINVAL },
	{ { "- [ ] Buy paint", "- [ ]  ", "END", "Hm" }, "line 24:\n", -EINVAL },
	{ { "storyfs: 702 -->", "storyfs: 777 -->" },
		"line 25: the line 'Stir' has an id that was not there", -EINVAL },
	{ { "- [x] Stir <!-- storyfs: 702 -->", "- [x] Stir <!-- storyfs: 701 -->" },
		"line 25: the line 'Stir' is there twice", -EINVAL },
	{ { "\nYes\n", "\nYes!\n" },
		"line 33: the comment of 'ann, 2024-05-01T10:00:00Z' is not as it "
		"was read",
		-EINVAL },
	{ { "### 999, 2024-05-01T10:00:00Z <!-- storyfs: comment 602 -->\n\nNo\n\n", "" },
		"line 37: the comment of '999, 2024-05-01T10:00:00Z' is missing", -EINVAL },
	{ { "storyfs: comment 602 -->", "storyfs: comment 603 -->" },
		"line 37: the comment of '999", -EINVAL },
	{ { "### ann", "### Bo" }, "line 33: the comment of 'Bo", -EINVAL },
	{ { "storyfs: version ", "storyfs: version x" }, "the story is not the one that", -EBUSY },
};

static void nothing_is_sent_of_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *text = begin(&f);
		scoped(free_ptr) char *mine = edited(text, refusals[i].edits);

		if (save_at(f.tree, PATH, mine) != refusals[i].error)
			fail_msg("row %zu was not refused so", i);
		assert_error(&f, refusals[i].reason);
		assert_error(&f, "501.md: not saved (");
		assert_error(&f, "next: nothing was changed");
		assert_writes(&f, "");
		assert_reads(f.tree, PATH, text);
		/* A good save takes the refusal away. */
		assert_int_equal(save_at(f.tree, PATH, text), 0);
		struct node dir = node_at(f.tree, "projects/99/markdown"), error;

		assert_int_equal(tree_lookup(f.tree, &dir, ".error", NULL, &error), 1);
	}
}

static void an_emptied_or_cut_document_is_refused(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	struct node node = node_at(f.tree, PATH);

	for (size_t len = 0; len < strlen(text) - 1; len += 7) {
		assert_int_equal(tree_save(f.tree, &node,
					 &(struct tree_text){ .data = text, .len = len }, NULL),
			-EINVAL);
		assert_error(&f, "line ");
	}
	assert_writes(&f, "");
	assert_true(tree_is_saved(f.tree, &node, text, strlen(text)));
	assert_false(tree_is_saved(f.tree, &node, text, strlen(text) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_the_whole_story),
		cmocka_unit_test(a_listing_costs_as_much_as_its_pages),
		cmocka_unit_test(it_is_announced_when_what_it_shows_moves),
		cmocka_unit_test(it_comes_and_goes_with_its_story),
		cmocka_unit_test(a_save_is_the_fewest_requests),
		cmocka_unit_test(nothing_is_sent_of_what_is_refused),
		cmocka_unit_test(an_emptied_or_cut_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
