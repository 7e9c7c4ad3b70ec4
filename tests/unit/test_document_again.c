/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents that others change meanwhile, that an editor saves again, of which a part fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "documents.h"

/* A program that reads lines writes LF for CR LF. */
static void line_ends_alone_are_no_change(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	free(begin(&f));
	change_by_others(&f, "/projects/99/stories/501", "description", "'a\\r\\nb\\n'");
	scoped(free_ptr) char *text = read_at(f.tree, PATH);
	scoped(free_ptr) char *unix_text = replaced(text, "a\r\nb", "a\nb");
	scoped(free_ptr) char *mine = replaced(text, "a\r\nb", "a\nc");

	assert_int_equal(save_at(f.tree, PATH, unix_text), 0);
	assert_writes(&f, "");
	assert_int_equal(save_at(f.tree, PATH, mine), 0);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"description\":\"a\\nc\\n\"}\n");
}

/* What was read long ago is forgotten; then a text of it is refused, and nothing is guessed. */
static void what_is_forgotten_is_refused(void **state)
{
	(void)state;
	enum { N_TEXTS = 36, TEXT_BYTES = 1 << 20 };
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *first = begin(&f);
	scoped(free_ptr) char *last = NULL;

	for (int i = 0; i < N_TEXTS; i++) {
		scoped(free_ptr) char *json = xcalloc(1, TEXT_BYTES + 3);

		json[0] = json[TEXT_BYTES] = '\'';
		memset(json + 1, '0' + i, TEXT_BYTES - 1);
		change_by_others(&f, "/projects/99/stories/501", "description", json);
		free(last);
		last = read_at(f.tree, PATH);
	}
	scoped(free_ptr) char *old = replaced(first, "estimate: 2", "estimate: 3");
	scoped(free_ptr) char *young = replaced(last, "estimate: 2", "estimate: 3");

	assert_int_equal(save_at(f.tree, PATH, old), -EBUSY);
	assert_error(&f, "what that was is not known any more");
	assert_writes(&f, "");
	change_by_others(&f, "/projects/99/stories/501", "name", "'Other'");
	assert_int_equal(save_at(f.tree, PATH, young), 0);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"estimate\":3}\n");
}

/* ---- others ---- */

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
		"line 24: not sent: task was 'Buy paint' when you read it, and is '(removed)' now" },
	{ "", "tasks",
		"[{'id':701,'story_id':501,'description':'Their','complete':true},"
		"{'id':702,'story_id':501,'description':'Stir','complete':true}]",
		{ "[ ] Buy paint", "[x] Mine", "END", "Hm" },
		"POST /projects/99/stories/501/comments {\"text\":\"Hm\"}\n",
		"line 24: not sent: task was 'Buy paint' when you read it, and is 'Their' now" },
	{ "", "tasks", "[{'id':701,'story_id':501,'description':'Their'}]",
		{ "- [ ] Buy paint <!-- storyfs: 701 -->\n- [x] Stir <!-- storyfs: 702 -->\n", "" },
		"", "line 24: not sent: the removal of task 701, which was 'Buy paint'" },
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

/* Whose it was the tree is told by the text that the same one saved last. */
static void who_saved_a_place_may_change_it_again(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	scoped(free_ptr) char *one = replaced(text, "estimate: 2", "estimate: 3");
	scoped(free_ptr) char *two = replaced(text, "estimate: 2", "estimate: 1");
	scoped(free_ptr) char *three = replaced(text, "estimate: 2", "estimate: 0");

	assert_int_equal(save_at(f.tree, PATH, one), 0);
	host_forget(&f.world.host);
	/* Those that read the text before, and did not save it. */
	assert_int_equal(save_at(f.tree, PATH, two), -EBUSY);
	assert_int_equal(save_from(f.tree, PATH, text, two), -EBUSY);
	assert_writes(&f, "");
	assert_int_equal(save_from(f.tree, PATH, one, two), 0);
	assert_writes(&f, "PUT /projects/99/stories/501 {\"estimate\":1}\n");
	change_by_others(&f, "/projects/99/stories/501", "estimate", "2");
	assert_int_equal(save_from(f.tree, PATH, two, three), -EBUSY);
	assert_writes(&f, "");
}

static void what_one_made_one_may_change_and_remove(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin(&f);
	scoped(free_ptr) char *one = edited(
		text, (const char *[]){ "storyfs: 702 -->\n",
			      "storyfs: 702 -->\n- [ ] Tpyo\n- [ ] Last\n", "END", "Hm", NULL });
	scoped(free_ptr) char *two = edited(
		one, (const char *[]){ "- [ ] Tpyo", "- [x] Typo", "\nHm", "\nAh, hm", NULL });
	scoped(free_ptr) char *three = replaced(two, "- [x] Typo\n", "");

	assert_int_equal(save_at(f.tree, PATH, one), 0);
	host_forget(&f.world.host);
	assert_int_equal(save_at(f.tree, PATH, two), -EINVAL);
	assert_writes(&f, "");
	assert_int_equal(save_from(f.tree, PATH, one, two), 0);
	assert_writes(&f,
		"PUT /projects/99/stories/501/tasks/8001 {\"description\":\"Typo\",\"complete\":true}\n"
		"PUT /projects/99/stories/501/comments/8003 {\"text\":\"Ah, hm\"}\n");
	assert_int_equal(save_from(f.tree, PATH, two, three), 0);
	assert_writes(&f, "DELETE /projects/99/stories/501/tasks/8001 \n");
	assert_int_equal(save_from(f.tree, PATH, three, three), 0);
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
		cmocka_unit_test(line_ends_alone_are_no_change),
		cmocka_unit_test(what_is_forgotten_is_refused),
		cmocka_unit_test(what_moved_meanwhile_is_not_sent),
		cmocka_unit_test(what_was_made_is_not_made_again),
		cmocka_unit_test(a_change_can_be_taken_back),
		cmocka_unit_test(two_editors_of_one_text_do_not_undo_each_other),
		cmocka_unit_test(who_saved_a_place_may_change_it_again),
		cmocka_unit_test(what_one_made_one_may_change_and_remove),
		cmocka_unit_test(what_was_done_before_a_failure_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
