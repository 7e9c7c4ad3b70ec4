/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saves of texts that were made from another value than the server has; and what the journal tells
 * of all saves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "storyfs/alloc.h"
#include "storyfs/journal.h"

#define STORY "projects/99/stories/501/"
#define AT_HOST "/projects/99/stories/501"
#define CONFLICT ".storyfs/conflicts/1/"

static void assert_conflicts(struct forest *f, const char *names)
{
	scoped(free_ptr) char *are = names_at(f->tree, ".storyfs/conflicts");

	assert_string_equal(are, names);
}

static void assert_error_says(struct forest *f, const char *words)
{
	scoped(free_ptr) char *text = read_at(f->tree, STORY ".error");

	if (!strstr(text, words))
		fail_msg("not '%s' but: %s", words, text);
}

static void what_moved_is_not_overwritten(void **state)
{
	(void)state;
	static const struct {
		const char *field, *base, *theirs, *now, *mine;
	} rows[] = {
		{ "name", "Paint it\n", "'Theirs'", "Theirs\n", "Mine\n" },
		{ "description", "All of\nit\n", "'x'", "x\n", "" },
		{ "estimate", "2\n", "3", "3\n", "1\n" },
		{ "estimate", "2\n", NULL, "", "1\n" },
		{ "current_state", "started\n", "'finished'", "finished\n", "unstarted\n" },
		{ "owner_ids", "101\n103\n", "[102]", "102\n", "103\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;
		scoped(free_ptr) char *path = xasprintf(STORY "%s", rows[i].field);

		forest_begin(&f);
		scoped(free_ptr) char *base = read_at(f.tree, path);

		host_change(&f.world.host, AT_HOST, rows[i].field, rows[i].theirs);
		host_forget(&f.world.host);
		assert_int_equal(save_from(f.tree, path, base, rows[i].mine), -EBUSY);
		assert_int_equal(host_count(&f.world.host, "PUT"), 0);
		assert_int_equal(host_count(&f.world.host, "GET " AT_HOST), 1);
		assert_reads(f.tree, path, rows[i].now);
		assert_conflicts(&f, "1\n");
		assert_reads(f.tree, CONFLICT "base", base);
		assert_reads(f.tree, CONFLICT "mine", rows[i].mine);
		assert_reads(f.tree, CONFLICT "theirs", rows[i].now);
		assert_error_says(&f, ".storyfs/conflicts/1 ");
		/* The same again is the same conflict, and another text another one. */
		assert_int_equal(save_from(f.tree, path, base, rows[i].mine), -EBUSY);
		assert_conflicts(&f, "1\n");
		/* From what there is now it can be saved. */
		assert_int_equal(save_from(f.tree, path, rows[i].now, rows[i].mine), 0);
		assert_int_equal(host_count(&f.world.host, "PUT"), 1);
	}
}

static void what_did_not_move_is_sent(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	node_at(f.tree, STORY "name");
	host_change(&f.world.host, AT_HOST, "name", "'Theirs'");
	assert_int_equal(save_from(f.tree, STORY "estimate", "2\n", "3\n"), 0);
	/* Other words for the same are the same. */
	assert_int_equal(save_from(f.tree, STORY "current_state", "STARTED", "finished\n"), 0);
	assert_int_equal(save_from(f.tree, STORY "owners", "Bo\nann\n", "ann\n"), 0);
	assert_reads(f.tree, STORY "name", "Theirs\n");
	/* What is known may be older than what was read. */
	host_change(&f.world.host, AT_HOST, "name", "'Theirs, later'");
	assert_int_equal(save_from(f.tree, STORY "name", "Theirs, later\n", "Mine\n"), 0);
	/* Two that want the same do not disagree. */
	host_change(&f.world.host, AT_HOST, "name", "'Same'");
	host_forget(&f.world.host);
	assert_int_equal(save_from(f.tree, STORY "name", "Mine\n", "Same\n"), 0);
	assert_int_equal(host_count(&f.world.host, "PUT"), 0);
	assert_conflicts(&f, "");
}

/* Somebody writes after the look, before the PUT. */
static void write_between(struct host *h, const struct host_asked *asked)
{
	if (asked->method != HTTP_GET || strcmp(asked->target, AT_HOST) != 0)
		return;
	host_change(h, AT_HOST, "name", "'Theirs'");
	host_change(h, AT_HOST, "estimate", "3");
	host_move(h, 99, 20);
}

static const char activity[] =
	"[{'kind':'story_update_activity','guid':'99_21','project_version':21,'message':'m',"
	"'highlight':'edited','changes':[{'kind':'story','change_type':'update','id':501,"
	"'original_values':{'name':'Theirs'},'new_values':{'name':'Mine'}}],"
	"'primary_resources':[],'project':{'kind':'project','id':99,'name':'P'},"
	"'performed_by':{'kind':'person','id':101,'name':'Ann','initials':'A'},"
	"'occurred_at':'2024-05-01T10:00:00Z'}]";

static void what_was_overwritten_is_kept(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	node_at(f.tree, STORY "name");
	host_set(&f.world.host, "/projects/99/activity", activity);
	f.world.host.answered = write_between;
	assert_int_equal(save_from(f.tree, STORY "name", "Paint it\n", "Mine\n"), 0);
	f.world.host.answered = NULL;
	assert_reads(f.tree, STORY "name", "Mine\n");
	assert_conflicts(&f, "1\n");
	assert_reads(f.tree, CONFLICT "base", "Paint it\n");
	assert_reads(f.tree, CONFLICT "mine", "Mine\n");
	assert_reads(f.tree, CONFLICT "theirs", "Theirs\n");
	assert_reads(f.tree, CONFLICT "path", "projects/99/stories/501/name\n");
	assert_error_says(&f, "name: saved, over what somebody else saved");
	assert_int_equal(host_count(&f.world.host, "activity?since_version=20"), 1);
}

static void nobody_writes_between_is_no_further_request(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	node_at(f.tree, STORY "name");
	host_move(&f.world.host, 99, 30);
	host_forget(&f.world.host);
	assert_int_equal(save_from(f.tree, STORY "name", "Paint it\n", "Mine\n"), 0);
	assert_int_equal(f.world.host.n_asked, 2);
	assert_conflicts(&f, "");
}

static void without_a_look_nothing_is_sent(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	node_at(f.tree, STORY "name");
	host_fail(&f.world.host, &(struct host_fault){ .method = HTTP_GET, .error = -ETIMEDOUT });
	host_forget(&f.world.host);
	assert_int_equal(save_at(f.tree, STORY "name", "Mine\n"), -ETIMEDOUT);
	assert_int_equal(host_count(&f.world.host, "PUT"), 0);
	assert_error_says(&f, "nothing was sent");
	/* But a host that answers for no such resource alone can take one. */
	host_heal(&f.world.host);
	host_fail(&f.world.host,
		&(struct host_fault){ .method = HTTP_GET,
			.status = 404,
			.body = "{\"code\":\"route_not_found\",\"error\":\"No.\"}" });
	assert_int_equal(save_at(f.tree, STORY "name", "Mine\n"), 0);
}

static void a_conflict_is_settled(void **state)
{
	(void)state;
	static const struct {
		const char *answer, *name;
		size_t n_puts;
	} rows[] = {
		{ "mine\n", "Mine\n", 1 },
		{ "theirs", "Theirs\n", 0 },
		{ "Both\n", "Both\n", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(forest_end) struct forest f;

		forest_begin(&f);
		node_at(f.tree, STORY "name");
		host_change(&f.world.host, AT_HOST, "name", "'Theirs'");
		assert_int_equal(save_from(f.tree, STORY "name", "Paint it\n", "Mine\n"), -EBUSY);
		struct node resolve = node_at(f.tree, CONFLICT "resolve");
		struct node dir = node_at(f.tree, ".storyfs/conflicts/1");
		struct node_attr attr;

		assert_true(tree_makes_new(&resolve));
		host_forget(&f.world.host);
		assert_int_equal(save_text(f.tree, &resolve, "", NULL), -EINVAL);
		assert_int_equal(save_text(f.tree, &resolve, rows[i].answer, NULL), 0);
		assert_int_equal(host_count(&f.world.host, "PUT"), rows[i].n_puts);
		assert_reads(f.tree, STORY "name", rows[i].name);
		assert_conflicts(&f, "");
		assert_int_equal(tree_stat(f.tree, &dir, &attr), -ESTALE);
		assert_int_equal(tree_stat(f.tree, &resolve, &attr), -ESTALE);
		assert_int_equal(save_text(f.tree, &resolve, "mine\n", NULL), -ESTALE);
	}
}

static void many_conflicts_do_not_fill_the_memory(void **state)
{
	(void)state;
	enum { N = 40, BYTES = 1 << 20 };
	scoped(forest_end) struct forest f;
	scoped(free_ptr) char *base = xcalloc(1, BYTES + 1);
	struct node node;

	forest_begin(&f);
	memset(base, 'x', BYTES);
	for (int i = 0; i < N; i++) {
		scoped(free_ptr) char *mine = xasprintf("Mine %d\n", i);

		assert_int_equal(save_from(f.tree, STORY "description", base, mine), -EBUSY);
	}
	struct node dir = node_at(f.tree, ".storyfs/conflicts");

	assert_int_equal(tree_lookup(f.tree, &dir, "1", NULL, &node), 1);
	assert_int_equal(tree_lookup(f.tree, &dir, "30", NULL, &node), 0);
	assert_reads(f.tree, ".storyfs/conflicts/40/mine", "Mine 39\n");
}

/* ---- the journal ---- */

static void the_journal_tells_all_writes(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"save\tok\tprojects/99/stories/501/name\tPaint it\\n\tMine\\n\n",
		"save\tok\tprojects/99/stories/501/description\tAll of\\nit\\n\t\n",
		"save\tEINVAL\tprojects/99/stories/501/estimate\t2\\n\t3\\n\n",
		"save\tEBUSY\tprojects/99/stories/501/name\tTheirs\\n\tMine, too\\n\n",
		"make\tok\tprojects/99/labels/",
		"delete\tok\tprojects/99/labels/",
	};
	scoped(forest_end) struct forest f;
	struct journal *journal;
	struct node made;

	forest_begin(&f);
	assert_reads(f.tree, ".storyfs/journal", "");
	assert_int_equal(journal_open(NULL, &journal), 0);
	tree_set_journal(f.tree, journal);
	assert_int_equal(save_at(f.tree, STORY "name", "Mine\n"), 0);
	assert_int_equal(save_at(f.tree, STORY "name", "Mine\n"), 0);
	assert_int_equal(save_at(f.tree, STORY "description", ""), 0);
	host_fail(&f.world.host,
		&(struct host_fault){ .method = HTTP_PUT,
			.status = 400,
			.times = 1,
			.body = "{\"code\":\"invalid_parameter\",\"error\":\"No.\"}" });
	assert_int_equal(save_at(f.tree, STORY "estimate", "3\n"), -EINVAL);
	host_change(&f.world.host, AT_HOST, "name", "'Theirs'");
	assert_int_equal(save_from(f.tree, STORY "name", "Mine\n", "Mine, too\n"), -EBUSY);
	struct node dir = node_at(f.tree, "projects/99/labels");

	assert_int_equal(tree_make(f.tree, &dir, "Green", NULL, &made), 0);
	assert_int_equal(tree_remove(f.tree, &made, NULL), 0);
	{
		scoped(free_ptr) char *said = read_at(f.tree, ".storyfs/journal");
		const char *line = said;

		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
			assert_non_null(line);
			const char *rest = strchr(line, '\t') + 1;

			if (strncmp(rest, lines[i], strlen(lines[i])) != 0)
				fail_msg("not '%s' but: %s", lines[i], rest);
			line = strchr(line, '\n') + 1;
		}
		assert_string_equal(line, "");
	}
	tree_set_journal(f.tree, NULL);
	journal_free(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_moved_is_not_overwritten),
		cmocka_unit_test(what_did_not_move_is_sent),
		cmocka_unit_test(what_was_overwritten_is_kept),
		cmocka_unit_test(nobody_writes_between_is_no_further_request),
		cmocka_unit_test(without_a_look_nothing_is_sent),
		cmocka_unit_test(a_conflict_is_settled),
		cmocka_unit_test(many_conflicts_do_not_fill_the_memory),
		cmocka_unit_test(the_journal_tells_all_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
