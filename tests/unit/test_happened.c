/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened: transitions and activity, as files. */
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
#include "storyfs/json_activity.h"

#define P "projects/99/"
#define STATE_HEAD "occurred_at\tstate\tstory_id\tproject_version\tperformed_by\n"
#define ACT_HEAD "occurred_at\tguid\tperformed_by\tkind\tresources\tchanges\tmessage\n"

#define STATE(state, story, version, second, who)                                                \
	"{'kind':'story_transition','state':'" state "','story_id':" story                       \
	",'project_id':99,'project_version':" version ",'occurred_at':'2024-02-01T00:00:" second \
	"Z','performed_by_id':" who "}"
#define STATE_LINE(state, story, version, second, who) \
	"2024-02-01T00:00:" second "Z\t" state "\t" story "\t" version "\t" who "\n"

#define ITEM(version, second, kind, primary, changes, message)                           \
	"{'kind':'" kind "_activity','guid':'99_" version "','project_version':" version \
	",'message':'" message "','highlight':'x','changes':[" changes                   \
	"],'primary_resources':[" primary                                                \
	"],'performed_by':{'kind':'person','id':103,'name':'Bo'},"                       \
	"'occurred_at':'2024-02-01T00:00:" second "Z'}"

#define OF_501 "{'kind':'story','id':501,'name':'Paint it'}"
#define OF_401 "{'kind':'epic','id':401,'name':'Outside'}"

#define ESTIMATED                                                                                  \
	ITEM("8", "08", "story_update", OF_501,                                                    \
		"{'kind':'label','change_type':'update','id':301,'original_values':{'counts':{}}," \
		"'new_values':{'counts':{}}},"                                                     \
		"{'kind':'story','change_type':'update','id':501,"                                 \
		"'original_values':{'estimate':null,'name':'A b','updated_at':1},"                 \
		"'new_values':{'estimate':2,'name':'Paint it','updated_at':2}}",                   \
		"Bo estimated this feature as 2 points")
#define COMMENTED                                                                                  \
	ITEM("9", "09", "comment_create", OF_401,                                                  \
		"{'kind':'comment','change_type':'create','id':604,'new_values':{'text':'Soon'}}", \
		"Bo added comment: \\\"Soon\\n\\u001b[31m\\u202e\\tnow\\\"")

#define ESTIMATED_LINE                                                         \
	"2024-02-01T00:00:08Z\t99_8\tBo\tstory_update_activity\tstories/501\t" \
	"story.estimate=>2,story.name\tBo estimated this feature as 2 points\n"
#define COMMENTED_LINE                                                                   \
	"2024-02-01T00:00:09Z\t99_9\tBo\tcomment_create_activity\tepics/401\t+comment\t" \
	"Bo added comment: \"Soon ?[31m? now\"\n"

static void fill(struct forest *f)
{
	forest_begin(f);
	host_change(&f->world.host, "/projects/99/stories/501", "transitions",
		"[" STATE("unstarted", "501", "3", "03", "101") "," STATE(
			"started", "501", "6", "06", "103") "]");
	host_change(&f->world.host, "/projects/99/stories/504", "transitions",
		"[" STATE("accepted", "504", "4", "04", "999") "]");
	host_set(&f->world.host, "/projects/99/activity", "[" COMMENTED "," ESTIMATED "]");
	host_set(&f->world.host, "/projects/100/activity", "[]");
	host_set(&f->world.host, "/my/activity", "[" ESTIMATED "]");
}

static void transitions_are_told_oldest_first(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	assert_reads(f.tree, P "transitions",
		STATE_HEAD STATE_LINE("unstarted", "501", "3", "03", "ann") STATE_LINE("accepted",
			"504", "4", "04", "999") STATE_LINE("started", "501", "6", "06", "Bo"));
	free(read_at(f.tree, P "stories/501/name"));
	host_forget(&f.world.host);
	assert_reads(f.tree, P "history/transitions/501.tsv",
		STATE_HEAD STATE_LINE("unstarted", "501", "3", "03", "ann")
			STATE_LINE("started", "501", "6", "06", "Bo"));
	assert_reads(f.tree, P "history/transitions/502.tsv", STATE_HEAD);
	assert_reads(f.tree, P "stories/501/transitions", "../../history/transitions/501.tsv");
	assert_int_equal(f.world.host.n_asked, 0);
}

static void transitions_cost_what_the_stories_cost(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	scoped(free_ptr) char *names = names_at(f.tree, P "history/transitions");

	assert_string_equal(names, "501.tsv\n502.tsv\n503.tsv\n504.tsv\n505.tsv\n");
	/* Listing them asks for nothing of them. */
	assert_int_equal(host_count(&f.world.host, "transitions"), 0);
	free(read_at(f.tree, P "transitions"));
	free(read_at(f.tree, P "history/transitions/504.tsv"));
	assert_int_equal(host_count(&f.world.host, "/projects/99/stories?fields=transitions"), 3);
	assert_int_equal(host_count(&f.world.host, "story_transitions"), 0);
}

static void a_host_that_does_not_nest_them_is_asked_for_all(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	host_set(&f.world.host, "/projects/99/story_transitions",
		"[" STATE("started", "501", "6", "06", "103") "]");
	assert_reads(f.tree, P "history/transitions/501.tsv",
		STATE_HEAD STATE_LINE("started", "501", "6", "06", "Bo"));
	assert_int_equal(host_count(&f.world.host, "/projects/99/story_transitions?"), 1);
}

static void only_what_is_new_is_asked_for(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(read_at(f.tree, P "transitions"));
	free(read_at(f.tree, P "activity"));
	int64_t story_then = mtime_at(f.tree, P "history/transitions/501.tsv");
	int64_t other_then = mtime_at(f.tree, P "history/transitions/504.tsv");
	int64_t activity_then = mtime_at(f.tree, P "history/activity/501.tsv");

	/* It tells the last one again, and one more. */
	host_set(&f.world.host, "/projects/99/story_transitions",
		"[" STATE("started", "501", "6", "06", "103") "," STATE(
			"finished", "501", "11", "11", "103") "]");
	host_set(&f.world.host, "/projects/99/activity",
		"[" ITEM("11", "11", "story_update", OF_501, "", "Bo finished this feature") "]");
	host_move(&f.world.host, 99, 11);
	host_forget(&f.world.host);
	buf_reset(&f.changes);
	refresh(&f.world);
	assert_int_equal(host_count(&f.world.host, "fields=transitions"), 0);
	assert_int_equal(
		host_count(&f.world.host,
			"/projects/99/story_transitions?occurred_after=2024-02-01T00%3A00%3A05Z"),
		1);
	/* Once to know what happened, and once to tell it. */
	assert_int_equal(host_count(&f.world.host, "/projects/99/activity?since_version=10&"), 2);
	assert_reads(f.tree, P "transitions",
		STATE_HEAD STATE_LINE("unstarted", "501", "3", "03", "ann") STATE_LINE("accepted",
			"504", "4", "04", "999") STATE_LINE("started", "501", "6", "06", "Bo")
			STATE_LINE("finished", "501", "11", "11", "Bo"));
	assert_reads(f.tree, P "activity",
		ACT_HEAD "2024-02-01T00:00:11Z\t99_11\tBo\tstory_update_activity\tstories/501\t\t"
			 "Bo finished this feature\n" COMMENTED_LINE ESTIMATED_LINE);
	assert_true(mtime_at(f.tree, P "history/transitions/501.tsv") > story_then);
	assert_true(mtime_at(f.tree, P "history/activity/501.tsv") > activity_then);
	assert_int_equal(mtime_at(f.tree, P "history/transitions/504.tsv"), other_then);
	static const char *const moved[] = { "activity", "transitions", "history/activity/501.tsv",
		"history/transitions/501.tsv" };

	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
		scoped(free_ptr) char *line = xasprintf("moved /" P "%s\n", moved[i]);

		assert_non_null(strstr(buf_str(&f.changes), line));
	}
	assert_null(strstr(buf_str(&f.changes), "504.tsv"));
	assert_null(strstr(buf_str(&f.changes), "epic_activity"));
}

static void what_cannot_be_asked_for_since_is_loaded_again(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(read_at(f.tree, P "stories/501/name"));
	free(read_at(f.tree, P "transitions"));
	host_change(&f.world.host, "/projects/99/stories/504", "transitions", "[]");
	host_set(&f.world.host, "/projects/99/activity",
		"[" ITEM("11", "11", "story_update", OF_501, "", "Bo edited this feature") "]");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	assert_int_equal(host_count(&f.world.host, "/projects/99/story_transitions"), 1);
	assert_reads(f.tree, P "history/transitions/504.tsv", STATE_HEAD);
}

static void transitions_go_with_their_story(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(read_at(f.tree, P "stories/501/name"));
	free(read_at(f.tree, P "transitions"));
	host_set(&f.world.host, "/projects/99/story_transitions", "[]");
	host_remove(&f.world.host, "/projects/99/stories/501");
	host_move(&f.world.host, 99, 11);
	buf_reset(&f.changes);
	refresh(&f.world);
	assert_reads(f.tree, P "transitions",
		STATE_HEAD STATE_LINE("accepted", "504", "4", "04", "999"));
	static const char *const gone[] = { "activity", "transitions" };

	for (size_t i = 0; i < 2; i++) {
		scoped(free_ptr) char *line =
			xasprintf("entry /" P "history/%s/501.tsv\n", gone[i]);

		assert_non_null(strstr(buf_str(&f.changes), line));
	}
}

static void activity_is_told_newest_first(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	assert_reads(f.tree, P "activity", ACT_HEAD COMMENTED_LINE ESTIMATED_LINE);
	free(read_at(f.tree, P "stories/501/name"));
	free(read_at(f.tree, P "epics/401/name"));
	host_forget(&f.world.host);
	assert_reads(f.tree, P "history/activity/501.tsv", ACT_HEAD ESTIMATED_LINE);
	assert_reads(f.tree, P "history/activity/502.tsv", ACT_HEAD);
	assert_reads(f.tree, P "history/epic_activity/401.tsv", ACT_HEAD COMMENTED_LINE);
	assert_reads(f.tree, P "stories/501/activity", "../../history/activity/501.tsv");
	assert_reads(f.tree, P "epics/401/activity", "../../history/epic_activity/401.tsv");
	assert_int_equal(f.world.host.n_asked, 0);
	assert_int_equal(save_at(f.tree, P "activity", "x\n"), -EACCES);
}

static void what_we_did_says_where(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(read_at(f.tree, P "activity"));
	assert_reads(f.tree, "my/activity",
		ACT_HEAD "2024-02-01T00:00:08Z\t99_8\tBo\tstory_update_activity\t"
			 "projects/99/stories/501\tstory.estimate=>2,story.name\t"
			 "Bo estimated this feature as 2 points\n");
	assert_reads(f.tree, P "activity", ACT_HEAD COMMENTED_LINE ESTIMATED_LINE);
	host_set(&f.world.host, "/my/activity", "[]");
	host_move(&f.world.host, 99, 11);
	refresh(&f.world);
	assert_reads(f.tree, "my/activity", ACT_HEAD);
	assert_reads(f.tree, P "activity", ACT_HEAD COMMENTED_LINE ESTIMATED_LINE);
}

static void only_the_newest_are_loaded(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	scoped(buf_fini) struct buf list = BUF_INIT;
	static const char end[] =
		"\n# of the newest 5000 of the project; what is older is not loaded\n";

	fill(&f);
	buf_add_char(&list, '[');
	for (int i = 6000; i; i--)
		buf_add_fmt(&list,
			"%s{'guid':'99_%d','project_version':%d,'kind':'k','message':'m'}",
			i < 6000 ? "," : "", i, i);
	buf_add_char(&list, ']');
	host_set(&f.world.host, "/projects/99/activity", buf_str(&list));
	scoped(free_ptr) char *text = read_at(f.tree, P "activity");
	size_t lines = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 1 + 5000 + 1);
	assert_non_null(strstr(text, "\t99_1001\t"));
	assert_null(strstr(text, "\t99_1000\t"));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	assert_int_equal(host_count(&f.world.host, "/projects/99/activity"), 2500);
	assert_reads(f.tree, P "history/activity/501.tsv",
		ACT_HEAD "# of the newest 5000 of the project; what is older is not loaded\n");
}

static void hosts_without_them_have_empty_files(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	assert_reads(f.tree, P "activity", ACT_HEAD);
	assert_reads(f.tree, P "transitions", STATE_HEAD);
	assert_reads(f.tree, "my/activity", ACT_HEAD);
}

static void nothing_is_known_before_it_was_looked_up(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	struct node node = { ROW_project_activity, 99, -1 };
	struct node_attr attr;

	fill(&f);
	free(names_at(f.tree, "projects"));
	free(names_at(f.tree, "projects/99"));
	assert_int_equal(tree_stat(f.tree, &node, &attr), -ENODATA);
	assert_int_equal(host_count(&f.world.host, "activity"), 0);
	assert_int_equal(node_at(f.tree, P "activity").row, ROW_project_activity);
	assert_int_equal(tree_stat(f.tree, &node, &attr), 0);
}

static void who_is_called_otherwise_is_told_so(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	fill(&f);
	free(read_at(f.tree, P "transitions"));
	free(read_at(f.tree, P "stories.tsv"));
	int64_t then = mtime_at(f.tree, P "history/transitions/501.tsv");

	host_change(&f.world.host, "/projects/99/memberships/203", "person",
		"{'id':103,'name':'Boris','username':'bo'}");
	host_move(&f.world.host, 99, 11);
	buf_reset(&f.changes);
	refresh(&f.world);
	assert_reads(f.tree, P "history/transitions/501.tsv",
		STATE_HEAD STATE_LINE("unstarted", "501", "3", "03", "ann")
			STATE_LINE("started", "501", "6", "06", "Boris"));
	assert_true(mtime_at(f.tree, P "history/transitions/501.tsv") > then);
	assert_non_null(strstr(buf_str(&f.changes), "moved /" P "history/transitions/501.tsv\n"));
	assert_non_null(strstr(buf_str(&f.changes), "moved /" P "transitions\n"));
	assert_non_null(strstr(buf_str(&f.changes), "moved /" P "stories.tsv\n"));
}

/* ---- the words of an item ---- */

static void assert_summary(const char *changes, const char *words)
{
	scoped(record_unref) struct record *item = record_new(KIND_activity);

	record_set_text(item, F_activity_changes, changes);
	json_activity_condense(item);
	assert_string_equal(record_text(item, F_activity_summary), words);
	assert_false(record_has(item, F_activity_changes));
}

#define UPDATE(from, to)                                                             \
	"[{\"kind\":\"story\",\"change_type\":\"update\",\"original_values\":{" from \
	"},\"new_values\":{" to "}}]"

static void changes_are_told_in_words(void **state)
{
	(void)state;
	assert_summary(UPDATE("\"estimate\":1", "\"estimate\":2.5"), "story.estimate=1>2.5");
	assert_summary(UPDATE("\"estimate\":3", "\"estimate\":null"), "story.estimate=3>");
	assert_summary(UPDATE("\"current_state\":\"started\"", "\"current_state\":\"finished\""),
		"story.current_state=started>finished");
	assert_summary(
		UPDATE("\"complete\":false", "\"complete\":true"), "story.complete=false>true");
	assert_summary(UPDATE("\"name\":\"a\\u001bb\"", "\"name\":\"c\""), "story.name");
	assert_summary(UPDATE("\"name\":\"a\"", "\"name\":\"two words\""), "story.name");
	assert_summary(UPDATE("\"name\":\"a\"", "\"name\":\"\""), "story.name");
	assert_summary(UPDATE("\"label_ids\":[1]", "\"label_ids\":[]"), "story.label_ids");
	assert_summary(UPDATE("", "\"updated_at\":1,\"counts\":{}"), "");
	assert_summary("[{\"kind\":\"task\",\"change_type\":\"delete\"},"
		       "{\"kind\":\"label\",\"change_type\":\"create\"}]",
		"-task,+label");
}

static void what_is_no_activity_tells_nothing(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "[", "{}", "null", "7", "[7,null,[],\"x\"]" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scoped(record_unref) struct record *item = record_new(KIND_activity);

		record_set_text(item, F_activity_primary_resources, texts[i]);
		record_set_text(item, F_activity_performed_by, texts[i]);
		json_activity_condense(item);
		assert_string_equal(record_text(item, F_activity_subjects), "");
		assert_string_equal(record_text(item, F_activity_performer), "");
		assert_int_equal(record_get(item, F_activity_story_ids)->n, 0);
	}
	assert_summary("{}", "");
	assert_summary("[{\"kind\":7,\"change_type\":\"update\",\"new_values\":[1]}]", "");
}

static void many_changes_are_cut(void **state)
{
	(void)state;
	scoped(record_unref) struct record *item = record_new(KIND_activity);
	scoped(buf_fini) struct buf changes = BUF_INIT;

	for (int i = 0; i < 1000; i++)
		buf_add_fmt(&changes, "%c{\"kind\":\"story\",\"change_type\":\"create\",\"id\":%d}",
			i ? ',' : '[', i + 1);
	buf_add_char(&changes, ']');
	record_set_text(item, F_activity_changes, buf_str(&changes));
	json_activity_condense(item);
	const char *summary = record_text(item, F_activity_summary);

	assert_true(strlen(summary) < 450);
	assert_string_equal(summary + strlen(summary) - 10, "+story,...");
	assert_int_equal(record_get(item, F_activity_story_ids)->n, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transitions_are_told_oldest_first),
		cmocka_unit_test(transitions_cost_what_the_stories_cost),
		cmocka_unit_test(a_host_that_does_not_nest_them_is_asked_for_all),
		cmocka_unit_test(only_what_is_new_is_asked_for),
		cmocka_unit_test(what_cannot_be_asked_for_since_is_loaded_again),
		cmocka_unit_test(transitions_go_with_their_story),
		cmocka_unit_test(activity_is_told_newest_first),
		cmocka_unit_test(what_we_did_says_where),
		cmocka_unit_test(only_the_newest_are_loaded),
		cmocka_unit_test(hosts_without_them_have_empty_files),
		cmocka_unit_test(nothing_is_known_before_it_was_looked_up),
		cmocka_unit_test(who_is_called_otherwise_is_told_so),
		cmocka_unit_test(changes_are_told_in_words),
		cmocka_unit_test(what_is_no_activity_tells_nothing),
		cmocka_unit_test(many_changes_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
