/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A story's document in the tree: what is read, what a save sends, what it refuses. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "storyfs/alloc.h"

#define PATH "projects/99/markdown/501.md"

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

/* The text with one part replaced, which is there once; the caller frees it. */
static char *replaced(const char *text, const char *part, const char *by)
{
	const char *at = strstr(text, part);

	if (!at || strstr(at + 1, part))
		fail_msg("'%s' is not once in:\n%s", part, text);
	return xasprintf("%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
}

/* With several edits, pairs of part and replacement; "END" appends. */
static char *edited(const char *text, const char *const *edits)
{
	char *now = xstrdup(text);

	for (; *edits; edits += 2) {
		scoped(free_ptr) char *before = now;

		now = strcmp(edits[0], "END") == 0 ? xasprintf("%s%s", before, edits[1])
						   : replaced(before, edits[0], edits[1]);
	}
	return now;
}

/* The writes that the host was asked for, a line each. */
static char *writes(struct forest *f)
{
	struct host *h = &f->world.host;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < h->n_asked; i++) {
		const struct host_asked *a = &h->asked[i];

		if (a->method != HTTP_GET)
			buf_add_fmt(
				&b, "%s %s %s\n", http_method_name(a->method), a->target, a->body);
	}
	return buf_take(&b);
}

static void assert_writes(struct forest *f, const char *expected)
{
	scoped(free_ptr) char *is = writes(f);

	assert_string_equal(is, expected);
	host_forget(&f->world.host);
}

static void assert_error(struct forest *f, const char *part)
{
	scoped(free_ptr) char *error = read_at(f->tree, "projects/99/markdown/.error");

	if (!strstr(error, part))
		fail_msg("no '%s' in:\n%s", part, error);
}

/* A tree in which the document was read; what hangs below the story can be written. */
static char *begin(struct forest *f)
{
	struct host *h = &f->world.host;

	forest_begin(f);
	host_set(h, "/projects/99/stories/501/tasks",
		"[{'id':701,'story_id':501,'description':'Buy paint','complete':false},"
		"{'id':702,'story_id':501,'description':'Stir','complete':true}]");
	host_set(h, "/projects/99/stories/501/blockers",
		"[{'id':751,'story_id':501,'description':'No paint','resolved':false}]");
	host_set(h, "/projects/99/stories/501/comments", "[]");
	char *text = read_at(f->tree, PATH);

	host_forget(&f->world.host);
	return text;
}

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
	/* Five stories by two: stories, tasks, blockers, comments, and the memberships. */
	assert_int_equal(f.world.host.n_asked, 4 * 3 + 1);
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
	{ { "# Paint it", "# ", "END", "Hm" }, "line 16:\n", -EINVAL },
	{ { "labels: [blue, red]", "lables: [blue]" }, "line 12: unknown key 'lables'", -EINVAL },
	{ { "deadline:\n", "" }, "line 13: the line `deadline:` is missing", -EINVAL },
	{ { "- [ ] Buy paint", "- [ ]  ", "END", "Hm" }, "line 23:\n", -EINVAL },
	{ { "- [ ] Buy paint <!-- storyfs: 701 -->\n- [x] Stir <!-- storyfs: 702 -->\n",
		  "- [x] Stir <!-- storyfs: 702 -->\n- [ ] Buy paint <!-- storyfs: 701 -->\n" },
		"line 24: the line 'Buy paint' was moved", -EINVAL },
	{ { "storyfs: 702 -->", "storyfs: 777 -->" },
		"line 24: the line 'Stir' has an id that was not there", -EINVAL },
	{ { "- [x] Stir <!-- storyfs: 702 -->", "- [x] Stir <!-- storyfs: 701 -->" },
		"line 24: the line 'Stir' is there twice", -EINVAL },
	{ { "\nYes\n", "\nYes!\n" },
		"line 32: the comment of 'ann, 2024-05-01T10:00:00Z' is not as it "
		"was read",
		-EINVAL },
	{ { "### 999, 2024-05-01T10:00:00Z <!-- storyfs: comment 602 -->\n\nNo\n\n", "" },
		"line 36: the comment of '999, 2024-05-01T10:00:00Z' is missing", -EINVAL },
	{ { "storyfs: comment 602 -->", "storyfs: comment 603 -->" },
		"line 36: the comment of '999", -EINVAL },
	{ { "### ann", "### Bo" }, "line 32: the comment of 'Bo", -EINVAL },
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
		assert_int_equal(tree_save(f.tree, &node, text, len, NULL), -EINVAL);
		assert_error(&f, "line ");
	}
	assert_writes(&f, "");
	assert_true(tree_is_saved(f.tree, &node, text, strlen(text)));
	assert_false(tree_is_saved(f.tree, &node, text, strlen(text) - 1));
}

/* ---- others ---- */

static void change_by_others(struct forest *f, const char *path, const char *key, const char *json)
{
	host_change(&f->world.host, path, key, json);
	host_move(&f->world.host, 99, 11);
	refresh(&f->world);
	host_forget(&f->world.host);
}

static const struct {
	const char *path, *key, *json; /* what others change */
	const char *edits[5], *requests, *conflict;
} conflicts[] = {
	/* Another field. */
	{ "", "name", "'Other'", { "estimate: 2", "estimate: 3" },
		"PUT /projects/99/stories/501 {\"estimate\":3}\n", NULL },
	/* The same, alike. */
	{ "", "estimate", "3", { "estimate: 2", "estimate: 3", "# Paint it", "# Mine" },
		"PUT /projects/99/stories/501 {\"name\":\"Mine\"}\n", NULL },
	/* The same, otherwise. */
	{ "", "estimate", "1", { "estimate: 2", "estimate: 3", "# Paint it", "# Mine" },
		"PUT /projects/99/stories/501 {\"name\":\"Mine\"}\n",
		"line 3: not sent: estimate was '2' when you read it, and is '1' now" },
	/* A task that is gone, one that is another, one that was ticked alike. */
	{ "", "tasks", "[{'id':702,'story_id':501,'description':'Stir','complete':true}]",
		{ "Buy paint", "Buy more" }, "",
		"line 23: not sent: task was 'Buy paint' when you read it, and is '(removed)' now" },
	{ "", "tasks",
		"[{'id':701,'story_id':501,'description':'Their','complete':true},"
		"{'id':702,'story_id':501,'description':'Stir','complete':true}]",
		{ "[ ] Buy paint", "[x] Mine", "END", "Hm" },
		"POST /projects/99/stories/501/comments {\"text\":\"Hm\"}\n",
		"line 23: not sent: task was 'Buy paint' when you read it, and is 'Their' now" },
	{ "", "tasks", "[{'id':701,'story_id':501,'description':'Their'}]",
		{ "- [ ] Buy paint <!-- storyfs: 701 -->\n- [x] Stir <!-- storyfs: 702 -->\n", "" },
		"", "line 23: not sent: the removal of task 701, which was 'Buy paint'" },
	/* A comment more. */
	{ "", "comments",
		"[{'id':601,'story_id':501,'text':'Yes','person_id':101},"
		"{'id':609,'story_id':501,'text':'Third','person_id':103}]",
		{ "END", "Mine" }, "POST /projects/99/stories/501/comments {\"text\":\"Mine\"}\n",
		NULL },
};

static void what_moved_meanwhile_is_not_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *text = begin(&f);
		scoped(free_ptr) char *mine = edited(text, conflicts[i].edits);

		change_by_others(
			&f, "/projects/99/stories/501", conflicts[i].key, conflicts[i].json);
		int e = save_at(f.tree, PATH, mine);
		scoped(free_ptr) char *is = writes(&f);

		if (e != (conflicts[i].conflict ? -EBUSY : 0) ||
			strcmp(is, conflicts[i].requests) != 0)
			fail_msg("row %zu: %d, sent\n%s", i, e, is);
		if (!conflicts[i].conflict)
			continue;
		assert_error(&f, conflicts[i].conflict);
		/* The same again: what is a conflict stays one, and nothing is sent twice. */
		host_forget(&f.world.host);
		assert_int_equal(save_at(f.tree, PATH, mine), -EBUSY);
		assert_writes(&f, "");
	}
}

/* ---- one editor, again and again ---- */

static void what_was_made_is_not_made_again(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	scoped(free_ptr) char *one =
		edited(text, (const char *[]){ "storyfs: 702 -->\n",
				     "storyfs: 702 -->\n- [ ] New\n", "END", "Hm", NULL });
	scoped(free_ptr) char *two = edited(one,
		(const char *[]){ "- [ ] New", "- [x] Newer\n- [ ] Last", "END", ", well", NULL });

	assert_int_equal(save_at(f.tree, PATH, one), 0);
	assert_writes(&f, "POST /projects/99/stories/501/tasks {\"description\":\"New\"}\n"
			  "POST /projects/99/stories/501/comments {\"text\":\"Hm\"}\n");
	/* The comment goes on, the new task is ticked and renamed, one more is made. */
	assert_int_equal(save_at(f.tree, PATH, two), 0);
	assert_writes(&f,
		"PUT /projects/99/stories/501/tasks/8001 {\"description\":\"Newer\",\"complete\":true}\n"
		"POST /projects/99/stories/501/tasks {\"description\":\"Last\"}\n"
		"PUT /projects/99/stories/501/comments/8002 {\"text\":\"Hm, well\"}\n");
	assert_int_equal(save_at(f.tree, PATH, two), 0);
	assert_writes(&f, "");
	/* As if it had not been saved: what was made is not removed behind anybody's back. */
	assert_int_equal(save_at(f.tree, PATH, text), -EINVAL);
	assert_error(&f, "was made by the last save of this document");
	assert_writes(&f, "");
}

static void a_change_can_be_taken_back(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	scoped(free_ptr) char *one = edited(
		text, (const char *[]){ "estimate: 2", "estimate: 3", "[ ] Buy", "[x] Buy", NULL });
	scoped(free_ptr) char *two = replaced(text, "[ ] Buy", "[x] Buy");

	assert_int_equal(save_at(f.tree, PATH, one), 0);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"estimate\":3}\n"
			  "PUT /projects/99/stories/501/tasks/701 {\"complete\":true}\n");
	assert_int_equal(save_at(f.tree, PATH, two), 0);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"estimate\":2}\n");
	assert_int_equal(save_at(f.tree, PATH, text), 0);
	assert_writes(&f, "PUT /projects/99/stories/501/tasks/701 {\"complete\":false}\n");
}

static void two_editors_of_one_text_do_not_undo_each_other(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	scoped(free_ptr) char *one =
		edited(text, (const char *[]){ "estimate: 2", "estimate: 3", "END", "Mine", NULL });
	scoped(free_ptr) char *other =
		edited(text, (const char *[]){ "# Paint it", "# Other", "END", "Theirs", NULL });

	assert_int_equal(save_at(f.tree, PATH, one), 0);
	host_forget(&f.world.host);
	assert_int_equal(save_at(f.tree, PATH, other), 0);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"name\":\"Other\"}\n"
			  "POST /projects/99/stories/501/comments {\"text\":\"Theirs\"}\n");
	/* And the first one goes on. */
	assert_int_equal(save_at(f.tree, PATH, one), 0);
	assert_writes(&f, "");
}

/* ---- failures ---- */

static void what_was_done_before_a_failure_is_told(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	scoped(free_ptr) char *mine =
		edited(text, (const char *[]){ "estimate: 2", "estimate: 3", "[ ] Buy", "[x] Buy",
				     "END", "Hm", NULL });

	host_fail(&f.world.host,
		&(struct host_fault){ .method = HTTP_PUT,
			.path = "tasks",
			.times = 1,
			.status = 403,
			.body = "{\"kind\":\"error\",\"code\":\"unauthorized_operation\",\"error\":\"No.\"}" });
	assert_int_equal(save_at(f.tree, PATH, mine), -EACCES);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"estimate\":3}\n"
			  "PUT /projects/99/stories/501/tasks/701 {\"complete\":true}\n");
	assert_error(&f, "501.md: not saved whole (");
	assert_error(&f, "done: change story: estimate\nfailed: change task 701\n"
			 "not sent: make comment 'Hm'\n");
	assert_error(&f, "No.");
	/* The same text again sends what is left. */
	assert_int_equal(save_at(f.tree, PATH, mine), 0);
	assert_writes(&f, "PUT /projects/99/stories/501/tasks/701 {\"complete\":true}\n"
			  "POST /projects/99/stories/501/comments {\"text\":\"Hm\"}\n");
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
		cmocka_unit_test(what_moved_meanwhile_is_not_sent),
		cmocka_unit_test(what_was_made_is_not_made_again),
		cmocka_unit_test(a_change_can_be_taken_back),
		cmocka_unit_test(two_editors_of_one_text_do_not_undo_each_other),
		cmocka_unit_test(what_was_done_before_a_failure_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
