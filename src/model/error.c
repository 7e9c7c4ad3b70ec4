/* SPDX-License-Identifier: GPL-2.0-or-later */
/* V5's error object. */
#include "storyfs/error.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 300 };

static const struct {
	const char *name;
	int status;
	int number;
	const char *text;
} errors[] = {
	[V5_OK] = { "ok", 200, 0, "" },
#define V5_ERROR(code, status, number, text) [V5_##code] = { #code, status, number, text },
#define V5_STATUS(status, number)
#include "storyfs/errors.def"
};

static const struct {
	int from;
	int number;
} statuses[] = {
#define V5_ERROR(code, status, number, text)
#define V5_STATUS(status, number) { status, number },
#include "storyfs/errors.def"
};

void v5_error_fini(struct v5_error *e)
{
	free(e->code_text);
	free(e->error);
	free(e->general_problem);
	free(e->requirement);
	free(e->possible_fix);
	for (size_t i = 0; i < e->n_validation_errors; i++) {
		free(e->validation_errors[i].field);
		free(e->validation_errors[i].problem);
	}
	free(e->validation_errors);
	*e = (struct v5_error){ 0 };
}

int v5_error_set(struct v5_error *e, enum v5_code code)
{
	assert(code < V5_OTHER);
	v5_error_fini(e);
	e->code = code;
	e->status = errors[code].status;
	e->error = xstrdup(errors[code].text);
	return -errors[code].number;
}

__attribute__((format(printf, 1, 0))) static char *format_text(const char *fmt, va_list ap)
{
	char *text = NULL;

	return vasprintf(&text, fmt, ap) < 0 ? xstrdup(fmt) : text;
}

int v5_error_problem(struct v5_error *e, const char *fmt, ...)
{
	va_list ap;
	int r = v5_error_set(e, V5_invalid_parameter);

	va_start(ap, fmt);
	e->general_problem = format_text(fmt, ap);
	va_end(ap);
	return r;
}

int v5_error_requirement(struct v5_error *e, const char *fmt, ...)
{
	va_list ap;
	int r = v5_error_set(e, V5_invalid_parameter);

	va_start(ap, fmt);
	e->requirement = format_text(fmt, ap);
	va_end(ap);
	return r;
}

void v5_error_add_validation(struct v5_error *e, const char *field, const char *problem)
{
	size_t n = e->n_validation_errors++;

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): v5_error_fini leaves it NULL */
	e->validation_errors = xrealloc(e->validation_errors, n + 1, sizeof(*e->validation_errors));
	e->validation_errors[n] = (struct validation_error){ xstrdup(field), xstrdup(problem) };
}

static void add_member(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

struct json_t *v5_error_encode(const struct v5_error *e)
{
	json_t *object = json_object();

	add_member(object, "code", v5_error_code_name(e));
	add_member(object, "kind", "error");
	add_member(object, "error", e->error);
	add_member(object, "general_problem", e->general_problem);
	add_member(object, "requirement", e->requirement);
	add_member(object, "possible_fix", e->possible_fix);
	if (e->n_validation_errors) {
		json_t *list = json_array();

		for (size_t i = 0; i < e->n_validation_errors; i++)
			json_array_append_new(
				list, json_pack("{ss,ss}", "field", e->validation_errors[i].field,
					      "problem", e->validation_errors[i].problem));
		json_object_set_new(object, "validation_errors", list);
	}
	return object;
}

static char *copy_member(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? xstrdup(text) : NULL;
}

static void read_validation_errors(json_t *list, struct v5_error *e)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *field = json_string_value(json_object_get(item, "field"));
		const char *problem = json_string_value(json_object_get(item, "problem"));

		if (problem)
			v5_error_add_validation(e, field ? field : "?", problem);
	}
}

/* An `envelope` answer carries its error object under `data`. */
static json_t *error_object(json_t *root)
{
	json_t *data = json_object_get(root, "data");

	return !json_object_get(root, "error") && json_is_object(data) ? data : root;
}

static bool read_object(json_t *object, struct v5_error *e)
{
	e->error = copy_member(object, "error");
	if (!e->error)
		return false;
	e->code_text = copy_member(object, "code");
	for (int c = V5_OK + 1; e->code_text && c < V5_OTHER; c++) {
		if (strcmp(errors[c].name, e->code_text) == 0)
			e->code = (enum v5_code)c;
	}
	e->general_problem = copy_member(object, "general_problem");
	e->requirement = copy_member(object, "requirement");
	e->possible_fix = copy_member(object, "possible_fix");
	read_validation_errors(json_object_get(object, "validation_errors"), e);
	return true;
}

/* Elements that hold no text for a person. */
static const struct {
	const char *open, *close;
} silent[] = {
	{ "<style", "</style" },
	{ "<script", "</script" },
};

static bool starts_with(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - p) >= len && strncasecmp(p, word, len) == 0;
}

static bool is_tag(const char *p, const char *end)
{
	return *p == '<' && p + 1 < end && (isalpha((unsigned char)p[1]) || strchr("/!?", p[1]));
}

/* Behind the tag that starts at p, or behind the element when that is silent. */
static const char *skip_tag(const char *p, const char *end)
{
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++) {
		if (!starts_with(p, end, silent[i].open))
			continue;
		while (p < end && !starts_with(p, end, silent[i].close))
			p++;
	}
	const char *close = p < end ? memchr(p, '>', (size_t)(end - p)) : NULL;

	return close ? close + 1 : end;
}

/* The words of a body that is not V5's, without tags; NULL when there are none. */
static char *visible_words(const char *body, size_t len)
{
	scoped(buf_fini) struct buf words = BUF_INIT;
	const char *p = body, *end = body + len;

	while (p < end && words.len < SHOWN_BYTES) {
		const char *start = p;

		while (p < end && !is_tag(p, end))
			p++;
		text_add_excerpt(&words, start, (size_t)(p - start), SHOWN_BYTES - words.len);
		if (p < end) {
			text_add_excerpt(&words, " ", 1, 1);
			p = skip_tag(p, end);
		}
	}
	while (words.len && words.data[words.len - 1] == ' ')
		words.data[--words.len] = '\0';
	return words.len ? buf_take(&words) : NULL;
}

int v5_error_decode(int status, const char *body, size_t len, struct v5_error *ret)
{
	json_t *root = json_loadb(body, len, 0, NULL);

	v5_error_fini(ret);
	ret->code = V5_OTHER;
	ret->status = status;
	if (!json_is_object(root) || !read_object(error_object(root), ret)) {
		scoped(free_ptr) char *words = visible_words(len ? body : "", len);

		ret->error = xasprintf("The server answered HTTP %d%s%s", status,
			words ? " and not in V5's terms: " : " with nothing of V5's to say.",
			words ? words : "");
	}
	json_decref(root);
	return v5_error_errno(ret);
}

int v5_error_errno(const struct v5_error *e)
{
	if (e->code != V5_OTHER)
		return -errors[e->code].number;
	size_t i = 0;

	while (i + 1 < sizeof(statuses) / sizeof(*statuses) && statuses[i].from > e->status)
		i++;
	return -statuses[i].number;
}

const char *v5_error_code_name(const struct v5_error *e)
{
	if (e->code != V5_OTHER)
		return errors[e->code].name;
	return e->code_text ? e->code_text : "http_status";
}

/* A line of the host's words, which may be anything. */
static void add_line(const char *label, const char *words, struct buf *b)
{
	if (!words)
		return;
	text_add_words(b, label);
	buf_add_str(b, ": ");
	text_add_words(b, words);
	buf_add_char(b, '\n');
}

void v5_error_add_text(const struct v5_error *e, struct buf *b)
{
	text_add_words(b, e->error ? e->error : "nothing was said");
	if (e->status) {
		buf_add_str(b, " (");
		text_add_words(b, v5_error_code_name(e));
		buf_add_fmt(b, ", HTTP %d)", e->status);
	}
	buf_add_char(b, '\n');
	add_line("problem", e->general_problem, b);
	add_line("requirement", e->requirement, b);
	for (size_t i = 0; i < e->n_validation_errors; i++)
		add_line(e->validation_errors[i].field, e->validation_errors[i].problem, b);
	add_line("possible fix", e->possible_fix, b);
}
