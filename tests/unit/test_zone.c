/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time zones as clients name them. */
#include "served.h"

#include "zone.h"

/* npm's pivotaltracker makes projects so; whether such a zone has a summer nobody can know. */
static void an_offset_alone_is_a_zone_that_keeps_it(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Mars\",\"time_zone\":{\"offset\":\"-08:00\"}}",
		200);
	assert_string_equal(text_at(s, "time_zone.olson_name"), "Etc/GMT+8");
	assert_string_equal(text_at(s, "time_zone.offset"), "-08:00");
	expect(s, "PUT /projects/1", "{\"time_zone\":{\"offset\":\"+05:45\"}}", 200);
	assert_string_equal(text_at(s, "time_zone.olson_name"), "Asia/Kathmandu");
	expect(s, "PUT /projects/1",
		"{\"time_zone\":{\"olson_name\":\"Europe/Vienna\",\"offset\":\"-08:00\"}}", 200);
	assert_string_equal(text_at(s, "time_zone.offset"), "+02:00");
	expect(s, "PUT /me", "{\"time_zone\":{\"offset\":\"+00:00\"}}", 200);
	assert_string_equal(text_at(s, "time_zone.olson_name"), "UTC");
	expect_problem(s, "PUT /projects/1", "{\"time_zone\":{\"offset\":\"-03:30\"}}",
		"'time_zone' names no time zone: -03:30");
	expect_problem(
		s, "PUT /projects/1", "{\"time_zone\":{}}", "'time_zone' names no time zone: ");
	expect_problem(s, "PUT /me", "{\"time_zone\":{\"offset\":\"+25:00\"}}",
		"'time_zone' names no time zone: +25:00");
}

/* What stands in the table is so, today and half a year from now. */
static void every_fixed_zone_keeps_its_offset(void **state)
{
	int n = 0;

	(void)state;
	for (int minutes = -14 * 60; minutes <= 14 * 60; minutes += 15) {
		scoped(free_ptr) char *offset = xasprintf("%c%02d:%02d", minutes < 0 ? '-' : '+',
			abs(minutes) / 60, abs(minutes) % 60);
		const char *name = zone_of_offset(offset);

		for (int half_year = 0; name && half_year < 2; half_year++) {
			char shown[ZONE_OFFSET_SIZE];

			zone_format_offset(name, NOW_MS + half_year * 182 * ZONE_DAY_MS, shown);
			assert_string_equal(shown, offset);
		}
		n += name != NULL;
	}
	assert_int_equal(n, 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(an_offset_alone_is_a_zone_that_keeps_it),
		cmocka_unit_test(every_fixed_zone_keeps_its_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
