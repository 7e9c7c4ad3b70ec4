/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules a value must keep; the words are V5's. */
#include "storyfs/check.h"

#include "storyfs/alloc.h"
#include "storyfs/text.h"

static char *usual_words(const struct field *field)
{
	char *words = xasprintf("%s can't be blank", field->key);

	words[0] = (char)(words[0] - 'a' + 'A');
	for (char *p = words; *p; p++) {
		if (*p == '_')
			*p = ' ';
	}
	return words;
}

static int refuse_blank(const struct field *field, struct v5_error *ret_error)
{
	scoped(free_ptr) char *problem = field->blank ? xstrdup(field->blank) : usual_words(field);
	int r = v5_error_problem(ret_error, "%s", problem);

	v5_error_add_validation(ret_error, field->key, problem);
	return r;
}

static int refuse_long(const struct field *field, const char *text, struct v5_error *ret_error)
{
	int r = v5_error_requirement(ret_error, "'%s' parameter must be %zu characters or less.",
		field->key, field->max);

	ret_error->general_problem =
		field->type == TYPE_XSTRING
			? xasprintf("This extended_string is too long:  '%s'", text)
			: xasprintf("This string is too long:  '%s'", text);
	return r;
}

static int check_text(const struct field *field, const char *text, struct v5_error *ret_error)
{
	if (field->flags & FIELD_REQ && text_is_blank(text))
		return refuse_blank(field, ret_error);
	if (field->max && text_length(text) > field->max)
		return refuse_long(field, text, ret_error);
	return 0;
}

static int check_records(const struct value *list, struct v5_error *ret_error)
{
	for (size_t i = 0; i < list->n; i++) {
		int e = check_patch(list->records[i], ret_error);

		if (e < 0)
			return e;
	}
	return 0;
}

int check_value(const struct field *field, const struct value *v, struct v5_error *ret_error)
{
	if (v->state == VALUE_ABSENT)
		return 0;
	if (v->state == VALUE_NULL)
		return field->flags & FIELD_REQ ? refuse_blank(field, ret_error) : 0;
	switch (field->type) {
	case TYPE_STRING:
	case TYPE_XSTRING:
		return check_text(field, v->s, ret_error);
	case TYPE_OBJECT:
		return check_patch(v->record, ret_error);
	case TYPE_OBJECTS:
		return check_records(v, ret_error);
	case TYPE_INT:
	case TYPE_FLOAT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_ENUM:
	case TYPE_IDS:
	case TYPE_JSON:
		break;
	}
	return 0;
}

int check_patch(const struct record *patch, struct v5_error *ret_error)
{
	each_field(f, record_kind(patch)) {
		int r = check_value(
			schema_field(record_kind(patch), f), record_get(patch, f), ret_error);

		if (r < 0)
			return r;
	}
	return 0;
}
