/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Front matter. libyaml reads it. It is written here: libyaml would fold long lines and escape what
 * lies beyond U+FFFF, and would leave a label `true` or `2024` to be taken for something else.
 */
#include "front_matter.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>
#include <yaml.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/nearest.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 60 };

/* The object form stands for the id form where both are files: people go by name. */
static bool has_named_form(int f)
{
	each_field(other, KIND_story) {
		const char *via = schema_field(KIND_story, other)->via;

		if (via && schema_find_field(KIND_story, via) == f &&
			layout_has_file(KIND_story, other))
			return true;
	}
	return false;
}

static bool is_shown(int f)
{
	const struct field *field = schema_field(KIND_story, f);
	int via = field->via ? schema_find_field(KIND_story, field->via) : f;

	return layout_has_file(KIND_story, f) && !has_named_form(f) &&
	       (layout_is_writable(KIND_story, f) || layout_is_writable(KIND_story, via));
}

static bool shown_fields[N_story_FIELDS];

static void find_shown_fields(void)
{
	each_field(f, KIND_story)
		shown_fields[f] = is_shown(f);
}

/* A listing of documents asks for each field of each story. */
bool markdown_has_field(int f)
{
	static pthread_once_t found = PTHREAD_ONCE_INIT;

	pthread_once(&found, find_shown_fields);
	return shown_fields[f];
}

bool front_matter_has(int f)
{
	return markdown_has_field(f) && f != F_story_name && f != F_story_description;
}

static bool is_list(const struct field *field)
{
	return field->type == TYPE_IDS || field->type == TYPE_OBJECTS;
}

/* ---- out ---- */

static bool is_text(const struct field *field)
{
	return field->type == TYPE_STRING || field->type == TYPE_XSTRING ||
	       field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS;
}

/* What YAML does not take as it is, or takes for the end of a line. */
static bool is_special(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

static bool is_word(const char *text, size_t len)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "y", "n",
		"null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == len && strncasecmp(words[i], text, len) == 0)
			return true;
	}
	return false;
}

/* Means itself to whoever reads YAML. */
static bool is_plain(const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;
	ucs4_t c;

	if (!len || strchr(" /.-0123456789", text[0]) || text[len - 1] == ' ' || is_word(text, len))
		return false;
	for (size_t i = 0; i < len;) {
		i += (size_t)u8_mbtouc(&c, s + i, len - i);
		if (is_special(c) || (c < 0x80 && strchr(":#,[]{}\"'\\&*!|<>=?%@`~", (int)c)))
			return false;
	}
	return true;
}

static void write_char(ucs4_t c, const char *bytes, int len, struct buf *b)
{
	if (c == '"' || c == '\\')
		buf_add_fmt(b, "\\%c", (int)c);
	else if (c == '\n')
		buf_add_str(b, "\\n");
	else if (c == '\t')
		buf_add_str(b, "\\t");
	else if (is_special(c))
		buf_add_fmt(b, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
	else
		buf_add(b, bytes, (size_t)len);
}

static void write_text(const char *text, size_t len, struct buf *b)
{
	if (is_plain(text, len)) {
		buf_add(b, text, len);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < len;) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)text + i, len - i);

		write_char(c, text + i, n, b);
		i += (size_t)n;
	}
	buf_add_char(b, '"');
}

/* A number, a time, a word. What somebody wrote where such a thing belongs may be anything. */
static bool is_bare(const char *text, size_t len)
{
	static const char inner[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_.:+-";
	size_t n = strspn(text, inner);

	return len && n >= len && !strchr("_.:+-", text[len - 1]) && !strchr("_.:+", text[0]) &&
	       (text[0] != '-' || strchr("0123456789", text[1])) && !is_word(text, len);
}

static void write_scalar(const struct field *field, const char *text, size_t len, struct buf *b)
{
	if (!is_text(field) && is_bare(text, len))
		buf_add(b, text, len);
	else
		write_text(text, len, b);
}

static void write_list(const struct field *field, const char *text, struct buf *b)
{
	buf_add_char(b, '[');
	while (*text) {
		size_t len = strcspn(text, "\n");

		write_scalar(field, text, len, b);
		text += len;
		if (!*text)
			break;
		buf_add_str(b, ", ");
		text++;
		if (!*text)
			write_scalar(field, text, 0, b);
	}
	buf_add_char(b, ']');
}

void front_matter_write(const struct markdown_field *fields, struct buf *b)
{
	each_field(f, KIND_story) {
		const struct field *field = schema_field(KIND_story, f);
		const char *text = fields[f].text;

		if (!text || !front_matter_has(f))
			continue;
		buf_add_fmt(b, "%s:", field->key);
		if (is_list(field) || *text)
			buf_add_char(b, ' ');
		if (is_list(field))
			write_list(field, text, b);
		else if (*text)
			write_scalar(field, text, strlen(text), b);
		buf_add_char(b, '\n');
	}
}

void front_matter_add_keys(struct buf *b)
{
	const char *sep = "";

	each_field(f, KIND_story) {
		if (!front_matter_has(f))
			continue;
		buf_add_fmt(b, "%s%s", sep, schema_field(KIND_story, f)->key);
		sep = ", ";
	}
}

/* ---- in ---- */

struct reading {
	yaml_parser_t parser;
	yaml_event_t event; /* the one looked at */
	bool has_event;
	size_t line;
	struct markdown_field *fields;
	struct buf *reason;
};

static void reading_fini(struct reading *r)
{
	if (r->has_event)
		yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
}

SCOPED_VALUE(struct reading, reading_fini);

static size_t line_of(const struct reading *r)
{
	return r->line + r->event.start_mark.line;
}

static int refuse(const struct reading *r, const char *why)
{
	buf_add_fmt(r->reason, "line %zu: %s\n", line_of(r), why);
	return -EINVAL;
}

/* Go on to the next event. */
static int step(struct reading *r)
{
	if (r->has_event)
		yaml_event_delete(&r->event);
	r->has_event = yaml_parser_parse(&r->parser, &r->event);
	if (r->has_event)
		return 0;
	size_t at = r->parser.problem_mark.line;

	buf_add_fmt(r->reason, "line %zu: the front matter is no YAML: %s%s%s\n", r->line + at,
		r->parser.context ? r->parser.context : "", r->parser.context ? ", " : "",
		r->parser.problem ? r->parser.problem : "it cannot be read");
	return -EINVAL;
}

/* The text of a scalar; none for an empty or null one. */
static int read_scalar(struct reading *r, struct buf *ret)
{
	const char *text = (const char *)r->event.data.scalar.value;
	size_t len = r->event.data.scalar.length;

	if (r->event.data.scalar.anchor || r->event.data.scalar.tag)
		return refuse(r, "anchors and tags are not for here");
	if (!text_is_valid(text, len))
		return refuse(r, "the value holds a NUL");
	if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return 0;
	buf_add(ret, text, len);
	return 0;
}

static int read_list(struct reading *r, struct buf *ret)
{
	if (r->event.data.sequence_start.anchor || r->event.data.sequence_start.tag)
		return refuse(r, "anchors and tags are not for here");
	for (bool first = true;; first = false) {
		int e = step(r);

		if (e < 0 || r->event.type == YAML_SEQUENCE_END_EVENT)
			return e;
		if (r->event.type != YAML_SCALAR_EVENT)
			return refuse(r, "an item of a list is a text or a number");
		if (strpbrk((const char *)r->event.data.scalar.value, "\r\n"))
			return refuse(r, "an item of a list is one line");
		if (!first)
			buf_add_char(ret, '\n');
		e = read_scalar(r, ret);
		if (e < 0)
			return e;
	}
}

static int refuse_key(struct reading *r, const char *key)
{
	struct nearest nearest = { .word = key };
	scoped(buf_fini) struct buf shown = BUF_INIT;

	text_add_excerpt(&shown, key, strlen(key), SHOWN_BYTES);
	each_field(f, KIND_story) {
		if (front_matter_has(f))
			nearest_offer(&nearest, schema_field(KIND_story, f)->key);
	}
	buf_add_fmt(r->reason, "line %zu: unknown key '%s'", line_of(r), buf_str(&shown));
	if (nearest_name(&nearest))
		buf_add_fmt(r->reason, ", is `%s` meant?", nearest_name(&nearest));
	buf_add_str(r->reason, " The keys are ");
	front_matter_add_keys(r->reason);
	buf_add_char(r->reason, '\n');
	return -EINVAL;
}

/* The event is a key. */
static int read_key(struct reading *r, int *ret_field)
{
	if (r->event.type != YAML_SCALAR_EVENT)
		return refuse(r, "a key is a word");
	const char *key = (const char *)r->event.data.scalar.value;
	int f = schema_find_field(KIND_story, key);

	if (f < 0 || !front_matter_has(f))
		return refuse_key(r, key);
	if (r->fields[f].text)
		return refuse(r, "the key is there twice");
	*ret_field = f;
	return 0;
}

static int read_value(struct reading *r, int f)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	size_t line = line_of(r);
	int e = step(r);

	if (e < 0)
		return e;
	if (r->event.type == YAML_SCALAR_EVENT)
		e = read_scalar(r, &text);
	else if (r->event.type == YAML_SEQUENCE_START_EVENT && is_list(schema_field(KIND_story, f)))
		e = read_list(r, &text);
	else
		e = refuse(r, is_list(schema_field(KIND_story, f)) ? "expected a list"
								   : "expected one value");
	if (e < 0)
		return e;
	r->fields[f] = (struct markdown_field){ buf_take(&text), line };
	return 0;
}

static int read_mapping(struct reading *r)
{
	for (;;) {
		int f = 0, e = step(r);

		if (e < 0 || r->event.type == YAML_MAPPING_END_EVENT)
			return e;
		e = read_key(r, &f);
		if (e == 0)
			e = read_value(r, f);
		if (e < 0)
			return e;
	}
}

/* One mapping, or nothing at all. */
static int read_document(struct reading *r)
{
	int e = step(r); /* the stream's start */

	if (e == 0)
		e = step(r);
	if (e < 0 || r->event.type == YAML_STREAM_END_EVENT)
		return e;
	e = step(r);
	if (e < 0)
		return e;
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return refuse(r, "expected lines of `key: value`");
	e = read_mapping(r);
	if (e == 0)
		e = step(r); /* the document's end */
	if (e == 0)
		e = step(r);
	if (e == 0 && r->event.type != YAML_STREAM_END_EVENT)
		return refuse(r, "expected the end of the front matter");
	return e;
}

int front_matter_read(const char *text, size_t len, size_t line, struct markdown_field *ret_fields,
	struct buf *ret_reason)
{
	scoped(reading_fini) struct reading r = {
		.line = line, .fields = ret_fields, .reason = ret_reason
	};

	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	return read_document(&r);
}
