/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints libFuzzer's dictionary out of the tables: the segments of V5's paths, the keys and words
 * of its resources and parameters, the keywords of its search. A word that several have comes once.
 */
#include <stdio.h>

#include "route.h"
#include "storyfs/alloc.h"
#include "storyfs/server.h"
#include "storyfs/table.h"

static struct table words;

struct word {
	struct table_item item;
	char *text;
};

static void add(const char *fmt, const char *text)
{
	scoped(buf_fini) struct buf b = BUF_INIT;

	for (const char *p = fmt; *p; p++) {
		if (*p == '@')
			buf_add_str(&b, text);
		else
			buf_add_char(&b, *p);
	}
	if (table_find(&words, buf_str(&b), b.len))
		return;
	struct word *word = xcalloc(1, sizeof(*word));

	word->text = buf_take(&b);
	table_add(&words, &word->item, word->text, strlen(word->text));
}

static void add_choices(const struct choices *choices)
{
	for (size_t i = 0; choices && choices->words[i]; i++)
		add("\"@\"", choices->words[i]);
}

/* `/projects`, `/1`, so that any path can be put together. */
static void add_path(const char *path)
{
	scoped(free_ptr) char *copy = xstrdup(path);
	char *rest = copy, *segment;

	while ((segment = strsep(&rest, "/"))) {
		if (*segment && *segment != '{')
			add("/@", segment);
	}
}

static void add_params(const struct param_set *set)
{
	for (int i = 0; i < set->n; i++) {
		add("&@=", set->params[i].key);
		add("\"@\":", set->params[i].key);
		if (set->params[i].type == TYPE_ENUM)
			add_choices(param_choices(&set->params[i]));
	}
}

static void add_fields(enum kind kind)
{
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);

		add("\"@\":", field->key);
		add("@,", field->key);
		add_choices(field->choices);
	}
}

static void print(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	puts("\"");
}

static void add_methods(void)
{
	for (int method = 0; method < HTTP_OTHER; method++)
		add("@ " SERVER_PREFIX, http_method_name((enum http_method)method));
}

int main(void)
{
	struct word *word;

	add_methods();
	for (size_t i = 0; route_nth(i); i++) {
		add_path(route_nth(i)->path);
		add_params(route_params(route_nth(i)));
	}
	add_params(&params_common);
	add_params(&params_page);
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++)
		add_fields((enum kind)kind);
#define KEYWORD(word, ...) add("@:", word);
#define TRAIT(word, ...) add("@", word);
#include "search_keywords.def"
	while ((word = table_pop(&words))) {
		print(word->text);
		free(word->text);
		free(word);
	}
	return 0;
}
