/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import keeps beside the resources: by title and place, as JSON. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kept_cells.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"

static void assert_json(const json_t *json, const char *expected)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	json_write(json, &text);
	assert_string_equal(buf_str(&text), expected);
}

static void cells_keep_their_place(void **state)
{
	json_t *cells = NULL;

	(void)state;
	assert_null(kept_get(NULL, "Mood", 0));
	kept_add(&cells, "Mood", 0, "good");
	assert_json(cells, "{\"Mood\":\"good\"}");
	kept_add(&cells, "Mood", 2, "bad");
	kept_add(&cells, "", 1, "x");
	assert_json(cells, "{\"Mood\":[\"good\",null,\"bad\"],\"\":[null,\"x\"]}");
	assert_string_equal(kept_get(cells, "Mood", 0), "good");
	assert_null(kept_get(cells, "Mood", 1));
	assert_string_equal(kept_get(cells, "Mood", 2), "bad");
	assert_null(kept_get(cells, "Mood", 3));
	assert_null(kept_get(cells, "Other", 0));
	assert_int_equal(kept_count(json_object_get(cells, "Mood")), 3);
	assert_int_equal(kept_count(json_object_get(cells, "Other")), 0);
	json_decref(cells);
}

static void a_row_has_its_place_or_none(void **state)
{
	json_t *cells = json_pack("{s:s}", "row", "1");
	json_t *placed = kept_place(cells, 17);
	int64_t row = 0;

	(void)state;
	assert_ptr_equal(kept_get_row(placed, &row), cells);
	assert_int_equal(row, 17);
	/* As it was before there were places. */
	assert_ptr_equal(kept_get_row(cells, &row), cells);
	assert_int_equal(row, 0);
	json_decref(placed);
	json_decref(cells);
}

static void a_dump_holds_the_key_too(void **state)
{
	char name[] = "story 5", json[] = "{\"a\":\"b\"}";
	const struct unknown_resource kept = { 99, name, json };
	json_t *wrapped = kept_wrap(&kept), *cells = NULL;
	const char *key = NULL;

	(void)state;
	assert_json(wrapped, "{\"key\":\"story 5\",\"project_id\":99,\"cells\":{\"a\":\"b\"}}");
	assert_true(kept_unwrap(wrapped, &key, &cells));
	assert_string_equal(key, name);
	assert_json(cells, json);
	assert_false(kept_unwrap(cells, &key, &cells));
	assert_true(kept_is_kind("export_cells") && kept_is_kind("export_history"));
	assert_false(kept_is_kind("story"));
	json_decref(wrapped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_keep_their_place),
		cmocka_unit_test(a_row_has_its_place_or_none),
		cmocka_unit_test(a_dump_holds_the_key_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
