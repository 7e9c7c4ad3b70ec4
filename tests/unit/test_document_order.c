/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a document's tasks: moved by hand, sent as positions, as few as possible. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "documents.h"

#define TASKS "/projects/99/stories/501/tasks"

/* Tasks a to the last, with ids 1 to their number, as a list of the host. */
static char *list_of(const char *names)
{
	struct buf b = BUF_INIT;

	buf_add_char(&b, '[');
	for (const char *p = names; *p; p++)
		buf_add_fmt(&b, "%s{'id':%d,'story_id':501,'description':'%c','position':%d}",
			p == names ? "" : ",", *p - 'a' + 1, *p, (int)(p - names) + 1);
	buf_add_char(&b, ']');
	return buf_take(&b);
}

/* The host has these. */
static void set_tasks(struct forest *f, const char *names)
{
	scoped(free_ptr) char *list = list_of(names);

	f->world.host.numbers = true;
	change_by_others(f, "/projects/99/stories/501", "tasks", list);
	host_nest(&f->world.host, "/projects/99/stories/501", "tasks");
}

/* The document, whose tasks are these: small ones are the host's, large ones new. */
static char *with_tasks(const char *text, const char *names)
{
	const char *heading = "## Tasks <!-- storyfs: tasks -->\n\n";
	const char *from = strstr(text, heading) + strlen(heading);
	const char *to = strstr(from, "\n## Blockers");
	struct buf b = BUF_INIT;

	buf_add(&b, text, (size_t)(from - text));
	for (; *names; names++) {
		if (*names >= 'a')
			buf_add_fmt(
				&b, "- [ ] %c <!-- storyfs: %d -->\n", *names, *names - 'a' + 1);
		else
			buf_add_fmt(&b, "- [ ] %c\n", *names);
	}
	buf_add_str(&b, to);
	return buf_take(&b);
}

/* `POST X3` makes X in the third place, `PUT a1` moves a to the first, `DELETE a`; `#` is
 * one that was made. */
static char *moves(struct forest *f)
{
	struct host *h = &f->world.host;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < h->n_asked; i++) {
		const struct host_asked *a = &h->asked[i];
		const char *name = strstr(a->body, "\"description\":\"");
		const char *position = strstr(a->body, "\"position\":");

		if (a->method == HTTP_GET)
			continue;
		assert_non_null(strstr(a->target, TASKS));
		buf_add_fmt(&b, "%s%s ", b.len ? ", " : "", http_method_name(a->method));
		int id = atoi(strrchr(a->target, '/') + 1);

		buf_add_char(&b, a->method == HTTP_POST ? name[strlen("\"description\":\"")]
				 : id <= 26		? (char)('a' + id - 1)
							: '#');
		if (position)
			buf_add_fmt(&b, "%d", atoi(position + strlen("\"position\":")));
	}
	host_forget(h);
	return buf_take(&b);
}

static void save_moves(
	struct forest *f, const char *text, const char *names, int error, const char *expected)
{
	scoped(free_ptr) char *mine = with_tasks(text, names);
	int e = save_at(f->tree, PATH, mine);
	scoped(free_ptr) char *is = moves(f);

	if (e != error || strcmp(is, expected) != 0)
		fail_msg("%s: %d, sent %s", names, e, is);
}

static char *begin_with(struct forest *f, const char *names)
{
	free(begin(f));
	set_tasks(f, names);
	char *text = read_at(f->tree, PATH);

	host_forget(&f->world.host);
	return text;
}

static const struct {
	const char *was, *mine, *requests;
} orders[] = {
	{ "abc", "abc", "" },
	{ "abc", "cab", "PUT c1" },
	{ "abc", "bca", "PUT a3" },
	{ "abc", "bac", "PUT a2" },
	{ "abcd", "dcba", "PUT d1, PUT c2, PUT b3" },
	{ "abcdef", "afbcde", "PUT f2" },
	{ "abcdef", "badcfe", "PUT a2, PUT c4, PUT f5" },
	/* With one that goes, and that first; with new ones. */
	{ "abcd", "dbc", "DELETE a, PUT d1" },
	{ "abcd", "cb", "DELETE a, DELETE d, PUT c1" },
	{ "abc", "cXab", "PUT c1, POST X2" },
	{ "abc", "XcabY", "POST X1, PUT c2, POST Y" },
	{ "abc", "bcXa", "POST X4, PUT a4" },
	{ "abc", "", "DELETE a, DELETE b, DELETE c" },
};

static void as_few_as_possible_are_moved(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *text = begin_with(&f, orders[i].was);

		save_moves(&f, text, orders[i].mine, 0, orders[i].requests);
		/* Again, as an editor does. */
		save_moves(&f, text, orders[i].mine, 0, "");
	}
}

static void one_put_moves_and_changes(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin_with(&f, "abc");
	scoped(free_ptr) char *moved = with_tasks(text, "cab");
	scoped(free_ptr) char *mine = replaced(moved, "- [ ] c", "- [x] see");

	assert_int_equal(save_at(f.tree, PATH, mine), 0);
	assert_writes(&f, "PUT " TASKS "/3 {\"description\":\"see\",\"complete\":true,"
			  "\"position\":1}\n");
}

/* An editor goes on, and takes it back; another one that read the same moves nothing. */
static void moves_are_those_of_the_text_that_was_read(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin_with(&f, "abcd");

	save_moves(&f, text, "dabc", 0, "PUT d1");
	save_moves(&f, text, "dacb", 0, "PUT c3");
	save_moves(&f, text, "dacXb", 0, "POST X4");
	save_moves(&f, text, "dXacb", 0, "PUT #2");
}

static void a_move_is_taken_back(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin_with(&f, "abcd");

	save_moves(&f, text, "dabc", 0, "PUT d1");
	save_moves(&f, text, "dabc", 0, "");
	save_moves(&f, text, "abcd", 0, "PUT d4");
}

static void what_others_moved_stays_theirs(void **state)
{
	(void)state;
	static const struct {
		const char *theirs, *mine;
		int error;
		const char *requests;
	} rows[] = {
		{ "cab", "abc", 0, "" },
		{ "cab", "cab", 0, "" },
		{ "cab", "bac", -EBUSY, "" },
		/* A new one, and one that is gone, are no other order. */
		{ "abcd", "cab", 0, "PUT c1" },
		{ "ac", "cab", 0, "PUT c1" },
		{ "dabc", "acb", 0, "PUT c3" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *text = begin_with(&f, "abc");

		set_tasks(&f, rows[i].theirs);
		save_moves(&f, text, rows[i].mine, rows[i].error, rows[i].requests);
	}
}

static void an_order_that_moved_is_told(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin_with(&f, "abc");

	set_tasks(&f, "cab");
	save_moves(&f, text, "bac", -EBUSY, "");
	assert_error(&f, "line 24: not sent: the order of the tasks, which is another one now than "
			 "when you read it");
}

/* Nothing is sent when a part of it would be refused. */
static void what_is_refused_moves_nothing(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *text = begin_with(&f, "abc");
	scoped(free_ptr) char *moved = with_tasks(text, "cab");
	scoped(free_ptr) char *mine = replaced(moved, "estimate: 2", "estimate: x");
	scoped(free_ptr) char *twice = with_tasks(text, "abac");

	assert_int_equal(save_at(f.tree, PATH, mine), -EINVAL);
	assert_int_equal(save_at(f.tree, PATH, twice), -EINVAL);
	assert_error(&f, "is there twice");
	assert_writes(&f, "");
}

static void blockers_have_no_order(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	free(begin(&f));
	change_by_others(&f, "/projects/99/stories/501", "blockers",
		"[{'id':1,'story_id':501,'description':'a'},{'id':2,'story_id':501,'description':'b'}]");
	scoped(free_ptr) char *text = read_at(f.tree, PATH);
	scoped(free_ptr) char *mine =
		replaced(text, "- [ ] a <!-- storyfs: 1 -->\n- [ ] b <!-- storyfs: 2 -->\n",
			"- [ ] b <!-- storyfs: 2 -->\n- [ ] a <!-- storyfs: 1 -->\n");

	assert_int_equal(save_at(f.tree, PATH, mine), -EINVAL);
	assert_error(&f, "the line 'a' was moved, but these have no order of their own");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_few_as_possible_are_moved),
		cmocka_unit_test(one_put_moves_and_changes),
		cmocka_unit_test(moves_are_those_of_the_text_that_was_read),
		cmocka_unit_test(a_move_is_taken_back),
		cmocka_unit_test(what_others_moved_stays_theirs),
		cmocka_unit_test(an_order_that_moved_is_told),
		cmocka_unit_test(what_is_refused_moves_nothing),
		cmocka_unit_test(blockers_have_no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
