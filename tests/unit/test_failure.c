/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients are told of the archive's failures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failure.h"

static const struct {
	int number, status;
	const char *code;
	bool may_be_repeated;
} rows[] = {
	{ ENOSPC, 507, "storage_full", false },
	{ ETIMEDOUT, 503, "storage_busy", true },
	{ EACCES, 503, "storage_read_only", false },
	{ EROFS, 503, "storage_read_only", false },
	{ EBADMSG, 500, "storage_damaged", false },
	{ EIO, 500, "api_internal_error", false },
	{ ENOMEM, 500, "api_internal_error", false },
};

static void each_failure_has_a_status_a_code_and_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct call c = { 0 };

		failure_answer(&c, -rows[i].number);
		assert_int_equal(c.error.status, rows[i].status);
		assert_string_equal(v5_error_code_name(&c.error), rows[i].code);
		assert_true(strlen(c.error.error) > 10);
		/* A 500 that a client's own input makes has none of this (fuzz_handle). */
		assert_true(strlen(c.error.general_problem) > 10);
		assert_int_equal(c.retry_after_s > 0, rows[i].may_be_repeated);
		assert_int_equal(c.error.possible_fix != NULL, rows[i].code[0] == 's');
		v5_error_fini(&c.error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_failure_has_a_status_a_code_and_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
