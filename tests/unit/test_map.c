/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/map.h"

static int *number(int n)
{
	int *p = xmalloc(sizeof(*p));

	*p = n;
	return p;
}

static void what_was_put_is_found_until_it_is_taken(void **state)
{
	(void)state;
	struct map m = MAP_INIT(int64_t);

	for (int64_t key = 0; key < 10000; key++)
		assert_null(map_put(&m, &key, number((int)key)));
	assert_int_equal(map_count(&m), 10000);
	for (int64_t key = 0; key < 10000; key += 2) {
		int *p = map_take(&m, &key);

		assert_int_equal(*p, key);
		free(p);
		assert_null(map_take(&m, &key));
		assert_null(map_get(&m, &key));
	}
	int64_t odd = 4711;

	assert_int_equal(*(int *)map_get(&m, &odd), 4711);
	map_clear(&m, free);
	assert_int_equal(map_count(&m), 0);
	assert_null(map_get(&m, &odd));
}

static void a_second_value_takes_the_first_ones_place(void **state)
{
	(void)state;
	struct map m = MAP_INIT(int);
	int a = 1, b = 2, key = 7;

	assert_null(map_put(&m, &key, &a));
	assert_ptr_equal(map_put(&m, &key, &b), &a);
	assert_ptr_equal(map_get(&m, &key), &b);
	assert_int_equal(map_count(&m), 1);
	map_clear(&m, NULL);
}

static void values_come_in_order_and_may_leave_on_the_way(void **state)
{
	(void)state;
	struct map m = MAP_INIT(int);
	int expected = 0;

	for (int key = 0; key < 100; key++)
		map_put(&m, &key, number(key));
	each_value(int, n, &m) {
		assert_int_equal(*n, expected);
		if (expected++ % 3)
			free(map_take(&m, n));
	}
	assert_int_equal(expected, 100);
	assert_int_equal(map_count(&m), 34);
	map_clear(&m, free);
	each_value(int, n, &m)
		fail_msg("%d is left", *n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found_until_it_is_taken),
		cmocka_unit_test(a_second_value_takes_the_first_ones_place),
		cmocka_unit_test(values_come_in_order_and_may_leave_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
