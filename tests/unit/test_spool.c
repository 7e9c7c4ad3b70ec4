/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Large bodies on disk: what goes in comes out, within bounds, and leaves nothing. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool.h"
#include "storyfs/alloc.h"

enum { MAX_FILES = 64, MAX_BYTES = 1000 };

static char dir[] = "/tmp/test-spool-XXXXXX";

static int make_dir(void **state)
{
	*state = spools_new(mkdtemp(dir), MAX_BYTES);
	return 0;
}

static int remove_dir(void **state)
{
	spools_free(*state);
	return rmdir(dir);
}

static struct spool *open_spool(struct spools *s)
{
	struct spool *spool = NULL;

	assert_int_equal(spool_open(s, &spool), 0);
	return spool;
}

static int count_names(void)
{
	DIR *d = opendir(dir);
	int n = -2; /* `.` and `..` */

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void what_goes_in_comes_out(void **state)
{
	struct spool *spool = open_spool(*state);
	struct http_source *source = spool_source(spool);
	char got[16] = "";

	assert_int_equal(spool_add(spool, "hello, ", 7), 0);
	assert_int_equal(spool_add(spool, "", 0), 0);
	assert_int_equal(spool_add(spool, "world", 5), 0);
	assert_int_equal(source->len, 12);
	assert_int_equal(http_source_read(source, 3, got, 9), 0);
	assert_string_equal(got, "lo, world");
	assert_int_equal(http_source_read(source, 3, got, 10), -EIO);
	assert_int_equal(count_names(), 0);
	http_source_free(source);
}

static void all_together_hold_so_much(void **state)
{
	struct spool *a = open_spool(*state), *b = open_spool(*state);
	scoped(free_ptr) char *bytes = xcalloc(1, MAX_BYTES);

	assert_int_equal(spool_add(a, bytes, MAX_BYTES - 100), 0);
	assert_int_equal(spool_add(b, bytes, 101), 1);
	assert_int_equal(spool_source(b)->len, 0);
	assert_int_equal(spool_add(b, bytes, 100), 0);
	assert_int_equal(spool_add(b, bytes, 1), 1);
	http_source_free(spool_source(a));
	assert_int_equal(spool_add(b, bytes, MAX_BYTES - 100), 0);
	assert_int_equal(spool_add(b, bytes, 1), 1);
	http_source_free(spool_source(b));
}

static void there_are_so_many(void **state)
{
	struct spool *all[MAX_FILES], *more = NULL;

	for (int i = 0; i < MAX_FILES; i++)
		all[i] = open_spool(*state);
	assert_int_equal(spool_open(*state, &more), 1);
	assert_null(more);
	http_source_free(spool_source(all[0]));
	all[0] = open_spool(*state);
	for (int i = 0; i < MAX_FILES; i++)
		http_source_free(spool_source(all[i]));
}

/* One that cannot be made is none of them. */
static void there_may_be_no_place(void **state)
{
	scoped(spools_free) struct spools *nowhere = spools_new("/nonexistent", MAX_BYTES);
	struct spool *spool = NULL;

	(void)state;
	for (int i = 0; i <= MAX_FILES; i++)
		assert_int_equal(spool_open(nowhere, &spool), -ENOENT);
	assert_null(spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(all_together_hold_so_much),
		cmocka_unit_test(there_are_so_many),
		cmocka_unit_test(there_may_be_no_place),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
