/* SPDX-License-Identifier: GPL-2.0-or-later */
/* README.md of a mount. That its examples work is shown by tests/e2e/test_guide.py. */
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

enum { MOST_LINES = 140, MOST_COLUMNS = 120 };

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
}

/* What hangs below the root, a project or a story, by the layout. */
static void all_places_are_named(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	static const struct {
		enum layout_row parent;
		const char *name;
	} rows[] = {
#define LAYOUT(row, parent, name, type, kind) { ROW_##parent, name },
#include "storyfs/layout.def"
	};
	int n = 0;

	forest_begin(&f);
	scoped(free_ptr) char *text = read_at(f.tree, "README.md");

	for (size_t i = 1; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!rows[i].name || (rows[i].parent != ROW_root && rows[i].parent != ROW_project &&
					     rows[i].parent != ROW_story))
			continue;
		if (strcmp(rows[i].name, "README.md") == 0)
			continue;
		assert_has(text, rows[i].name);
		n++;
	}
	assert_true(n > 15);
}

static void fields_that_can_be_written_are_named(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	scoped(free_ptr) char *text = read_at(f.tree, "README.md");
	const char *from = strstr(text, "\nstory: ");

	assert_non_null(from);
	scoped(free_ptr) char *story = xstrndup(from, (size_t)(strstr(from, "\nepic: ") - from));

	each_field(i, KIND_story) {
		const struct field *field = schema_field(KIND_story, i);
		scoped(free_ptr) char *word = xasprintf(" %s", field->key);
		bool shown = field->flags & (FIELD_DEF | FIELD_FILE) && i != F_story_project_id;

		if (shown && field->write & WRITE_UPDATE)
			assert_has(story, word);
	}
	assert_null(strstr(story, " created_at"));
	assert_null(strstr(story, " project_id"));
	assert_null(strstr(story, " url"));
}

static void errors_are_those_of_the_table(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	static const struct {
		const char *code;
		int number;
	} rows[] = {
#define V5_ERROR(code, status, name, text) { #code, name },
#define V5_STATUS(status, name)
#include "storyfs/errors.def"
	};

	forest_begin(&f);
	scoped(free_ptr) char *text = read_at(f.tree, "README.md");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(free_ptr) char *start = xasprintf("\n%s ", strerrorname_np(rows[i].number));
		const char *line = strstr(text, start);

		assert_non_null(line);
		scoped(free_ptr) char *only = xstrndup(line + 1, strcspn(line + 1, "\n"));

		assert_has(only, rows[i].code);
		/* One line an error. */
		assert_null(strstr(line + 1, start));
	}
}

static void it_is_short(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;
	int lines = 0;

	forest_begin(&f);
	scoped(free_ptr) char *text = read_at(f.tree, "README.md");

	for (const char *p = text; *p; p += strcspn(p, "\n") + 1, lines++) {
		if (strcspn(p, "\n") > MOST_COLUMNS)
			fail_msg("too long: %.*s", (int)strcspn(p, "\n"), p);
	}
	assert_in_range(lines, 60, MOST_LINES);
}

static bool is_live(struct tree *t)
{
	struct node node = node_at(t, "README.md");
	struct node_attr attr;

	assert_int_equal(tree_stat(t, &node, &attr), 0);
	assert_false(attr.writable);
	return attr.live;
}

static void examples_are_of_this_mount_once_it_is_known(void **state)
{
	(void)state;
	scoped(forest_end) struct forest f;

	forest_begin(&f);
	scoped(free_ptr) char *before = read_at(f.tree, "README.md");
	int64_t then = mtime_at(f.tree, "README.md");

	assert_int_equal(f.world.host.n_asked, 0);
	assert_true(is_live(f.tree));
	assert_has(before, "P=$PWD/projects/PROJECT ");
	free(names_at(f.tree, "projects/99/stories"));
	int asked = f.world.host.n_asked;
	scoped(free_ptr) char *after = read_at(f.tree, "README.md");

	assert_int_equal(f.world.host.n_asked, asked);
	assert_has(after, "P=$PWD/projects/99 ");
	assert_has(after, "\"$P\"/stories/501/tasks/");
	assert_true(mtime_at(f.tree, "README.md") > then);
	assert_false(is_live(f.tree));
	then = mtime_at(f.tree, "README.md");
	/* From now on it is the same, whatever happens. */
	host_remove(&f.world.host, "/projects/99/stories/501");
	refresh(&f.world);
	assert_reads(f.tree, "README.md", after);
	assert_int_equal(mtime_at(f.tree, "README.md"), then);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_places_are_named),
		cmocka_unit_test(fields_that_can_be_written_are_named),
		cmocka_unit_test(errors_are_those_of_the_table),
		cmocka_unit_test(it_is_short),
		cmocka_unit_test(examples_are_of_this_mount_once_it_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
