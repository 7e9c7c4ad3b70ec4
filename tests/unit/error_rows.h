/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals as rows: what is asked, and each member of the error object that answers. A member that
 * a row does not name must not be there. What was answered is remembered, so that a list of texts
 * can be held against it (error_rows_has).
 */
#ifndef STORYFS_TESTS_ERROR_ROWS_H
#define STORYFS_TESTS_ERROR_ROWS_H

#include <fnmatch.h>

#include "served.h"

#define PARAMETER 400, "invalid_parameter", "One or more request parameters was missing or invalid."
#define CREDENTIALS \
	403, "invalid_authentication", "Invalid authentication credentials were presented."
#define UNAUTHORIZED                                                                                  \
	403, "unauthorized_operation", "Authorization failure.",                                      \
		.problem = "You aren't authorized to access the requested resource.",                 \
		.fix = "Your project permissions are determined on the Project Membership page. If "  \
		       "you are receiving this error you may be trying to access the wrong project, " \
		       "or the project API access is disabled, or someone listed as the project's "   \
		       "Owner needs to change your membership type."
#define UNFOUND                                                                                    \
	404, "unfound_resource",                                                                   \
		"The object you tried to access could not be found.  It may have been removed by " \
		"another user, you may be using the ID of another object type, or you may be "     \
		"trying to access a sub-resource at the wrong point in a tree."
#define NO_ROUTE 404, "route_not_found", "The path you requested has no valid endpoint."
#define INTERNAL                                                                                  \
	500, "api_internal_error",                                                                \
		"We encountered an unexpected, unhandleable error while processing your request." \
		"  The problem may be transient.  The failure has been logged."
#define BROKEN_BODY                                                      \
	500, "unhandled_condition", "An unexpected condition occurred.", \
		.problem = "Cannot parse the JSON-encoded request body."

struct row {
	const char *request, *body;
	int status;
	const char *code, *error;
	const char *problem, *requirement, *fix; /* NULL: absent */
	const char *field; /* of the one validation error, whose words are problem's */
};

/* Each text that a request of this program was answered with. */
static struct {
	char **texts;
	size_t n;
} answered;

/* Was there one that fits the pattern (fnmatch)? */
static inline bool error_rows_has(const char *pattern)
{
	for (size_t i = 0; i < answered.n; i++) {
		if (fnmatch(pattern, answered.texts[i], 0) == 0)
			return true;
	}
	return false;
}

static inline void error_rows_remember(const char *text)
{
	answered.texts = xrealloc(answered.texts, answered.n + 1, sizeof(*answered.texts));
	answered.texts[answered.n++] = xstrdup(text);
}

static inline void error_rows_forget(void)
{
	while (answered.n)
		free(answered.texts[--answered.n]);
	free(answered.texts);
	answered.texts = NULL;
}

static inline void expect_text(
	const struct served *s, const struct row *row, const char *key, const char *text)
{
	const char *got = json_string_value(json_object_get(s->json, key));

	if (!got != !text || (text && strcmp(got, text) != 0))
		fail_msg("%s %s: %s is not \"%s\" in %s", row->request, row->body ? row->body : "",
			key, text ? text : "absent", buf_str(&s->response.body));
	if (got)
		error_rows_remember(got);
}

static inline void expect_rows(struct served *s, const struct row *rows, size_t n)
{
	for (const struct row *row = rows; row < rows + n; row++) {
		expect(s, row->request, row->body, row->status);
		expect_text(s, row, "kind", "error");
		expect_text(s, row, "code", row->code);
		expect_text(s, row, "error", row->error);
		expect_text(s, row, "general_problem", row->problem);
		expect_text(s, row, "requirement", row->requirement);
		expect_text(s, row, "possible_fix", row->fix);
		assert_int_equal(has_at(s, "validation_errors"), row->field != NULL);
		if (row->field) {
			assert_string_equal(text_at(s, "validation_errors.0.field"), row->field);
			assert_string_equal(
				text_at(s, "validation_errors.0.problem"), row->problem);
		}
		assert_null(header_of(s, "X-Tracker-Project-Version"));
		assert_string_equal(header_of(s, "Cache-Control"), "no-cache");
		assert_string_equal(
			header_of(s, "Content-Type"), "application/json; charset=utf-8");
	}
}

#define EXPECT_ROWS(s, rows) expect_rows(s, rows, sizeof(rows) / sizeof(*(rows)))

#endif
