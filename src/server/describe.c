/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables, told. */
#include "storyfs/describe.h"

#include <jansson.h>
#include <string.h>

#include "columns.h"
#include "input.h"
#include "route.h"
#include "search_value.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"

static const char *const access_names[] = {
	[PERSON] = "person",
	[READER] = "reader",
	[MEMBER] = "member",
	[OWNER] = "owner",
};

/* As a script tests them. */
static const char *const type_names[] = {
	[TYPE_INT] = "integer",
	[TYPE_FLOAT] = "number",
	[TYPE_BOOL] = "boolean",
	[TYPE_STRING] = "string",
	[TYPE_XSTRING] = "extended_string",
	[TYPE_DATETIME] = "datetime",
	[TYPE_DATE] = "date",
	[TYPE_ENUM] = "enum",
	[TYPE_IDS] = "ids",
	[TYPE_OBJECT] = "object",
	[TYPE_OBJECTS] = "objects",
	[TYPE_JSON] = "json",
};

bool describe_is_shown(enum kind kind)
{
	each_field(f, kind) {
		if (!(schema_field(kind, f)->flags & FIELD_HIDDEN))
			return true;
	}
	return false;
}

/* ---- JSON ---- */

static json_t *choices_as_json(const struct choices *choices)
{
	json_t *list = json_array();

	for (int i = 0; choices->words[i]; i++)
		json_array_append_new(list, json_string(choices->words[i]));
	return list;
}

/* What a field and a parameter have in common. */
static json_t *shape_as_json(const struct field *field)
{
	json_t *json = json_pack("{ss,ss}", "key", field->key, "type", type_names[field->type]);

	if (field->type == TYPE_ENUM)
		json_object_set_new(json, "choices", choices_as_json(param_choices(field)));
	if (field->of && field->type != TYPE_ENUM)
		json_object_set_new(json, "of", json_string(schema_resource(field->of)->name));
	if (field->max)
		json_object_set_new(json, "max", json_integer((json_int_t)field->max));
	return json;
}

static json_t *field_as_json(const struct field *field)
{
	json_t *json = shape_as_json(field);
	json_t *write = json_array();

	if (field->write & WRITE_CREATE)
		json_array_append_new(write, json_string("create"));
	if (field->write & WRITE_UPDATE)
		json_array_append_new(write, json_string("update"));
	json_object_set_new(json, "write", write);
	json_object_set_new(json, "default", json_boolean(field->flags & FIELD_DEF));
	if ((field->flags & FIELD_REQ) && !field->initial)
		json_object_set_new(json, "required", json_true());
	if (field->initial)
		json_object_set_new(json, "initial", json_string(field->initial));
	return json;
}

static json_t *resource_as_json(enum kind kind)
{
	const struct resource *res = schema_resource(kind);
	json_t *fields = json_array();

	each_field(f, kind) {
		if (!(schema_field(kind, f)->flags & FIELD_HIDDEN))
			json_array_append_new(fields, field_as_json(schema_field(kind, f)));
	}
	return json_pack("{ss,ss,so}", "kind", res->name, "plural", res->plural, "fields", fields);
}

static void add_set(const struct param_set *set, json_t *list)
{
	for (int i = 0; i < set->n; i++)
		json_array_append_new(list, shape_as_json(&set->params[i]));
}

static void add_fields(const struct route *route, json_t *list)
{
	each_field(f, route->kind) {
		const struct field *field = schema_field(route->kind, f);

		if (!(field->write & route->write))
			continue;
		json_t *json = shape_as_json(field);

		if (route->write == WRITE_CREATE && (field->flags & FIELD_REQ) && !field->initial)
			json_object_set_new(json, "required", json_true());
		json_array_append_new(list, json);
	}
}

/* What is answered; `-` for what is no resource. */
static const char *answer_of(const struct route *route)
{
	return route->kind ? schema_resource(route->kind)->name : "-";
}

static json_t *route_as_json(const struct route *route)
{
	json_t *parameters = json_array();

	add_set(route_params(route), parameters);
	add_fields(route, parameters);
	if (route->paged)
		add_set(&params_page, parameters);
	return json_pack("{ss,ss,ss,ss,sb,so}", "method", http_method_name(route->method), "path",
		route->path, "kind", answer_of(route), "access", access_names[route->access],
		"paged", (int)route->paged, "parameters", parameters);
}

void describe_json(const char *base, struct buf *b)
{
	json_t *resources = json_array(), *routes = json_array(), *common = json_array();
	const struct route *route;

	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (describe_is_shown((enum kind)kind))
			json_array_append_new(resources, resource_as_json((enum kind)kind));
	}
	for (size_t i = 0; (route = route_nth(i)); i++)
		json_array_append_new(routes, route_as_json(route));
	add_set(&params_common, common);
	json_t *root = json_pack("{ss,ss,so,so,so}", "version", STORYFS_VERSION, "base", base,
		"parameters", common, "resources", resources, "routes", routes);

	json_write(root, b);
	json_decref(root);
}

/* ---- text ---- */

enum { MAX_COLUMNS = 5, GAP = 2 };

/* Rows whose cells are told as wide as the widest; the last column is as it is. */
struct columns {
	size_t n_columns;
	size_t n_cells;
	char **cells;
};

static void columns_fini(struct columns *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
}

SCOPED_VALUE(struct columns, columns_fini);

/* Takes the text over. */
static void add_cell(struct columns *t, char *text)
{
	t->cells = xrealloc(t->cells, t->n_cells + 1, sizeof(*t->cells));
	t->cells[t->n_cells++] = text;
}

static void write_columns(const struct columns *t, const char *indent, struct buf *b)
{
	size_t widths[MAX_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->n_cells; i++) {
		size_t len = strlen(t->cells[i]), *width = &widths[i % t->n_columns];

		if (len > *width)
			*width = len;
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t column = i % t->n_columns;
		bool last = column + 1 == t->n_columns;

		if (column == 0)
			buf_add_str(b, indent);
		buf_add_fmt(b, "%-*s", last ? 0 : (int)(widths[column] + GAP), t->cells[i]);
		if (!last)
			continue;
		while (b->data[b->len - 1] == ' ')
			b->data[--b->len] = '\0';
		buf_add_char(b, '\n');
	}
}

static char *type_text(const struct field *field)
{
	struct buf b = BUF_INIT;

	if (field->type == TYPE_ENUM) {
		const struct choices *choices = param_choices(field);

		for (int i = 0; choices->words[i]; i++)
			buf_add_fmt(&b, "%s%s", i ? "|" : "", choices->words[i]);
		return buf_take(&b);
	}
	buf_add_str(&b, value_type_name(field->type));
	if (field->of)
		buf_add_fmt(&b, " (%s)", schema_resource(field->of)->name);
	if (field->max)
		buf_add_fmt(&b, ", at most %zu", field->max);
	return buf_take(&b);
}

static const char *sent_text(const struct field *field)
{
	if (field->flags & FIELD_IDENT)
		return "always";
	return field->flags & FIELD_DEF ? "by default" : "on request";
}

static const char *write_text(const struct field *field)
{
	static const char *const words[] = { "-", "create", "update", "create, update" };

	return words[field->write];
}

static char *notes_text(const struct field *field)
{
	if (field->initial)
		return xasprintf("%s if not given", field->initial);
	return xstrdup(field->flags & FIELD_REQ ? "required" : "");
}

void describe_resource(enum kind kind, struct buf *b)
{
	const struct resource *res = schema_resource(kind);
	scoped(columns_fini) struct columns t = { .n_columns = 5 };
	static const char *const heads[] = { "KEY", "SENT", "WRITTEN ON", "NOTES", "TYPE" };

	for (size_t i = 0; i < t.n_columns; i++)
		add_cell(&t, xstrdup(heads[i]));
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);

		if (field->flags & FIELD_HIDDEN)
			continue;
		add_cell(&t, xstrdup(field->key));
		add_cell(&t, xstrdup(sent_text(field)));
		add_cell(&t, xstrdup(write_text(field)));
		add_cell(&t, notes_text(field));
		add_cell(&t, type_text(field));
	}
	buf_add_fmt(b, "%s (%s)\n", res->name, res->plural);
	write_columns(&t, "  ", b);
}

void describe_routes(struct buf *b)
{
	scoped(columns_fini) struct columns t = { .n_columns = 4 };
	const struct route *route;

	for (size_t i = 0; (route = route_nth(i)); i++) {
		add_cell(&t, xstrdup(http_method_name(route->method)));
		add_cell(&t, xstrdup(route->path));
		add_cell(&t, xstrdup(answer_of(route)));
		add_cell(&t, xstrdup(access_names[route->access]));
	}
	write_columns(&t, "", b);
}

/* ---- the search language ---- */

static const char search_form[] =
	"Terms with blanks between must all hold; AND and OR (in upper case) may stand between them,\n"
	"bind alike and are read from the left; parentheses group.\n"
	"\n"
	"  word          a whole word of the name, description, comments, tasks, labels, people or\n"
	"                files, whatever the case; * stands for any characters, ? for one: print*\n"
	"  \"two words\"   a phrase; \\\" and \\\\ stand for \" and \\\n"
	"  /expression/  a regular expression (PCRE2), in free text, names, labels and epics\n"
	"  -term         what the term does not find; not before dates\n"
	"  keyword:term  what the keyword says; no blank around the colon\n"
	"  keyword:a,b   any of them; not behind name and dates\n"
	"\n"
	"Dates are 1/31/2015, 2015-01-31, today, yesterday, and -3d, -2w or -5h for so long ago (by\n"
	"itself: since then), in the time zone of whoever searches. Stories accepted in iterations that\n"
	"are no longer shown are left out unless includedone:true says otherwise.\n"
	"\n";

/* The words that mean the same stand in rows behind each other, and the first one has the help. */
static char *keyword_text(size_t *i)
{
	const struct search_keyword *k = search_keyword_nth((*i)++), *same;
	struct buf b = BUF_INIT;

	buf_add_str(&b, k->word);
	while ((same = search_keyword_nth(*i)) && same->about == k->about &&
		same->takes == k->takes) {
		buf_add_fmt(&b, ", %s", same->word);
		++*i;
	}
	return buf_take(&b);
}

static void add_keywords(struct buf *b)
{
	scoped(columns_fini) struct columns t = { .n_columns = 2 };
	const struct search_keyword *k;

	for (size_t i = 0; (k = search_keyword_nth(i));) {
		add_cell(&t, keyword_text(&i));
		add_cell(&t, xstrdup(k->help));
	}
	write_columns(&t, "  ", b);
}

/* Of those whose values are a set of words, which. */
static void add_words(struct buf *b)
{
	scoped(columns_fini) struct columns t = { .n_columns = 2 };
	const struct search_keyword *k;

	for (size_t i = 0; (k = search_keyword_nth(i));) {
		scoped(buf_fini) struct buf words = BUF_INIT;
		scoped(free_ptr) char *names = keyword_text(&i);

		search_value_add_words(k, &words);
		if (!words.len)
			continue;
		add_cell(&t, take_ptr(names));
		add_cell(&t, buf_take(&words));
	}
	write_columns(&t, "  ", b);
}

void describe_search(struct buf *b)
{
	buf_add_str(b, search_form);
	add_keywords(b);
	buf_add_str(b, "\nThe values of some are one of these words:\n\n");
	add_words(b);
}

/* ---- exports ---- */

/* How a cell of each form is written. */
static const char *const form_texts[] = {
	[VALUE] = "as it is",
	[NAME] = "the name",
	[NAMES] = "names, with commas between",
	[DAY] = "Nov 19, 2015",
	[WORDS] = NULL,
	[COMMENT] = "text (author - Nov 19, 2015)",
	[ITERATION] = "the number of its iteration",
	[ITERATION_START] = "its first day",
	[ITERATION_END] = "its last day",
};

static void describe_column(const struct column *column, struct buf *b)
{
	enum kind kind = columns_kind(column);
	scoped(free_ptr) char *field = xasprintf(
		"%s.%s", schema_resource(kind)->name, schema_field(kind, column->field)->key);

	buf_add_fmt(b, "%-16s %-11s %-4s %-26s ", column->title, column->old ? column->old : "-",
		column->list == NONE ? "once" : "each", column->form < ITERATION ? field : "-");
	if (column->form == WORDS)
		buf_add_fmt(b, "%s or %s\n", column->yes, column->no);
	else
		buf_add_fmt(b, "%s\n", form_texts[column->form]);
}

void describe_columns(struct buf *b)
{
	for (int i = 0; i < N_COLUMNS; i++)
		describe_column(&columns[i], b);
}
