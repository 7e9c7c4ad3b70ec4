/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V5's error object (reference: `code`, `kind`, `error` always; `general_problem`, `requirement`,
 * `possible_fix`, `validation_errors` when they apply): made by the server, read by the client,
 * shown to the person who saved. One table (errors.def) turns a condition into an errno.
 */
#ifndef STORYFS_ERROR_H
#define STORYFS_ERROR_H

#include <stddef.h>

#include "storyfs/buf.h"

enum v5_code {
	V5_OK,
#define V5_ERROR(code, status, number, text) V5_##code,
#define V5_STATUS(status, number)
#include "storyfs/errors.def"
	V5_OTHER, /* an answer in no words of V5's: code is the HTTP status */
};

struct validation_error {
	char *field;
	char *problem;
};

/* Zeroed is no error. Texts are NULL where they do not apply. */
struct v5_error {
	enum v5_code code;
	int status;
	char *code_text; /* as sent, for V5_OTHER */
	char *error;
	char *general_problem;
	char *requirement;
	char *possible_fix;
	struct validation_error *validation_errors;
	size_t n_validation_errors;
};

void v5_error_fini(struct v5_error *e);

/* Make e this error, with its fixed text and status; what it held before is gone. Returns -errno of
 * the error, so that a check can end with `return v5_error_set(...)`. */
int v5_error_set(struct v5_error *e, enum v5_code code);
/* invalid_parameter with a general_problem. */
int v5_error_problem(struct v5_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* invalid_parameter with a requirement; a general_problem may be added by hand. */
int v5_error_requirement(struct v5_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void v5_error_add_validation(struct v5_error *e, const char *field, const char *problem);

struct json_t;
/* The error object; the caller owns it. */
struct json_t *v5_error_encode(const struct v5_error *e);
/* Read an error answer. A body that is not V5's (HTML of a proxy, nothing, another API's JSON) is
 * survived: the first words of its text become `error`. status is 300 or more, or 2xx for a body
 * that was no JSON. Returns -errno. */
int v5_error_decode(int status, const char *body, size_t len, struct v5_error *ret);
/* -errno of the condition, from the table. */
int v5_error_errno(const struct v5_error *e);
/* The name V5 gives the code, never NULL. */
const char *v5_error_code_name(const struct v5_error *e);
/* Append the server's words, a line each, as a person reads them. */
void v5_error_add_text(const struct v5_error *e, struct buf *b);

SCOPED_VALUE(struct v5_error, v5_error_fini);

#endif
