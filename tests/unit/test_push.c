/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving into a store, and the times that go with values. */
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

static void times_move_with_values_and_only_then(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	assert_int_equal(mtime(&w, F_story_name), SAMPLE_TIME_NS);
	assert_int_equal(mtime(&w, -1), SAMPLE_TIME_NS);
	/* The clock did not tick: a nanosecond tells them apart. */
	host_change(&w.host, "/projects/99/stories/501", "name", "'1'");
	host_move(&w.host, 99, 11);
	refresh(&w);
	assert_int_equal(mtime(&w, F_story_name), SAMPLE_TIME_NS + 1);
	assert_int_equal(mtime(&w, F_story_description), SAMPLE_TIME_NS);
	assert_int_equal(mtime(&w, -1), SAMPLE_TIME_NS + 1);
	/* Another field within the same second: the whole moves once more. */
	host_change(&w.host, "/projects/99/stories/501", "description", "'2'");
	host_move(&w.host, 99, 12);
	refresh(&w);
	assert_int_equal(mtime(&w, F_story_name), SAMPLE_TIME_NS + 1);
	assert_true(mtime(&w, F_story_description) > SAMPLE_TIME_NS);
	assert_int_equal(mtime(&w, -1), SAMPLE_TIME_NS + 2);
	/* The clock ticked. */
	host_change(&w.host, "/projects/99/stories/501", "estimate", "3");
	host_change(&w.host, "/projects/99/stories/501", "updated_at", "'2024-05-01T10:00:01Z'");
	host_move(&w.host, 99, 13);
	refresh(&w);
	assert_int_equal(mtime(&w, F_story_name), SAMPLE_TIME_NS + 1);
	assert_int_equal(mtime(&w, F_story_estimate), SAMPLE_TIME_NS + 1000000000);
	assert_int_equal(mtime(&w, -1), SAMPLE_TIME_NS + 1000000000);
	/* A clock set back. */
	host_change(&w.host, "/projects/99/stories/501", "updated_at", "'2020-01-01T00:00:00Z'");
	host_move(&w.host, 99, 14);
	refresh(&w);
	assert_int_equal(mtime(&w, F_story_updated_at), SAMPLE_TIME_NS + 1000000001);
}

static void a_key_that_nobody_knows_moves_the_whole(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	host_change(&w.host, "/projects/99/stories/501", "mood", "'good'");
	host_move(&w.host, 99, 11);
	refresh(&w);
	assert_told(&w, "moved story 501 of project");
	assert_int_equal(mtime(&w, -1), SAMPLE_TIME_NS + 1);
	assert_int_equal(mtime(&w, F_story_name), SAMPLE_TIME_NS);
}

static void a_save_is_one_put_and_known(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	w.host.updated_at = "2024-05-02T00:00:00Z";
	assert_int_equal(save_name(&w, "Saved"), 0);
	assert_int_equal(w.host.n_asked, 1);
	assert_string_equal(w.host.asked[0].target, "/projects/99/stories/501");
	assert_string_equal(w.host.asked[0].body, "{\"name\":\"Saved\"}");
	assert_int_equal(w.n_told, 1);
	assert_told(&w, "moved story 501 of project");
	assert_name(&w, "Saved");
	assert_true(mtime(&w, F_story_name) > SAMPLE_TIME_NS);
	assert_int_equal(mtime(&w, F_story_description), SAMPLE_TIME_NS);
}

static void an_unknown_outcome_is_looked_at(void **state)
{
	(void)state;
	static const struct {
		struct host_fault fault;
		int error;
		size_t n_looks;
	} rows[] = {
		{ { .error = -ETIMEDOUT, .done = true }, 0, 1 },
		{ { .error = -ETIMEDOUT }, -ETIMEDOUT, 1 },
		{ { .error = -ECONNRESET, .done = true }, 0, 1 },
		{ { .error = -ECONNRESET }, -ECONNRESET, 1 },
		{ { .error = -EIO }, -EIO, 1 },
		{ { .status = 500, .body = "oops", .done = true }, 0, 1 },
		{ { .status = 200, .body = "<html>login</html>" }, -EPROTO, 1 },
		{ { .cut = 5 }, 0, 1 },
		{ { .error = -ECONNREFUSED }, -ECONNREFUSED, 0 },
		{ { .status = 400, .body = "{}" }, -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(world_end) struct world w;
		struct host_fault fault = rows[i].fault;

		world_begin(&w);
		list_all(&w);
		fault.method = HTTP_PUT;
		host_fail(&w.host, &fault);
		if (save_name(&w, "Saved") != rows[i].error)
			fail_msg("row %zu", i);
		assert_int_equal(host_count(&w.host, "PUT"), 1);
		assert_int_equal(host_count(&w.host, "GET"), rows[i].n_looks);
		assert_name(&w, rows[i].error ? "Paint it" : "Saved");
		assert_int_equal(w.n_told, rows[i].error ? 0 : 1);
		if (rows[i].error)
			assert_non_null(w.call.error.error);
	}
}

static void a_new_label_of_a_story_is_a_label_of_the_project(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	scoped(record_unref) struct record *old = peek(&w, KIND_story, 503);
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(record_unref) struct record *now = NULL;
	struct records names = { 0 };

	records_add(&names, record_new(KIND_label));
	record_set_text(names.items[0], F_label_name, "green");
	record_set_objects(patch, F_story_labels, &names);
	assert_int_equal(store_update(w.store, old, patch, &w.call, &now), 0);
	assert_string_equal(w.host.asked[0].body, "{\"labels\":[{\"name\":\"green\"}]}");
	assert_told(&w, "added label 9001 of project");
	assert_int_equal(list(&w, &labels), 3);
}

static void what_is_gone_is_not_sent(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list_all(&w);
	scoped(record_unref) struct record *old = peek(&w, KIND_comment, 601);
	scoped(record_unref) struct record *patch = record_new(KIND_comment);
	struct record *now;

	record_set_text(patch, F_comment_text, "Never");
	host_remove(&w.host, "/projects/99/stories/501");
	host_move(&w.host, 99, 11);
	refresh(&w);
	host_forget(&w.host);
	assert_int_equal(store_update(w.store, old, patch, &w.call, &now), -ESTALE);
	assert_non_null(w.call.error.error);
	assert_int_equal(w.host.n_asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_move_with_values_and_only_then),
		cmocka_unit_test(a_key_that_nobody_knows_moves_the_whole),
		cmocka_unit_test(a_save_is_one_put_and_known),
		cmocka_unit_test(an_unknown_outcome_is_looked_at),
		cmocka_unit_test(a_new_label_of_a_story_is_a_label_of_the_project),
		cmocka_unit_test(what_is_gone_is_not_sent),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
