/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs config`: what counts, and where it was said. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "credential.h"
#include "storyfs/json.h"
#include "storyfs/text.h"

enum { NAME_COLUMN = 20, FROM_COLUMN = 52 };

/* A row as it is printed. */
struct setting {
	const char *name;
	const char *value; /* NULL: there is none */
	bool is_literal;   /* a number, true or false */
	bool is_veiled;	   /* there is one, which is not shown */
	bool is_overruled; /* it was said, and another counts */
	enum origin origin;
	const char *word; /* the flag or variable; NULL: an operand */
	int line;
};

static const char *const places[] = {
	[ORIGIN_DEFAULT] = "default",
	[ORIGIN_FLAG] = "flag",
	[ORIGIN_LIST] = "-o",
	[ORIGIN_ENVIRONMENT] = "environment",
	[ORIGIN_SECTION] = "section",
	[ORIGIN_FILE] = "file",
};

static bool is_shown(const struct arguments *args, enum option_id option)
{
	return option_rows[option].flags & OPTION_CONFIG &&
	       (!args->n_operands || option_is_for(option, FOR_SOURCES));
}

static struct setting setting_of(const struct arguments *args, enum option_id option)
{
	const struct option_row *row = &option_rows[option];
	const char *value = args->values[option];
	bool is_veiled = row->flags & OPTION_VEILED;
	struct setting s = {
		.name = row->name,
		.value = value,
		.is_literal = row->argument.type == OPTION_NUMBER,
		.is_veiled = is_veiled && value,
		.is_overruled = args->is_overruled[option],
		.origin = args->origins[option],
		.word = args->origins[option] == ORIGIN_ENVIRONMENT ? row->environment : row->name,
		.line = args->lines[option],
	};

	if (row->argument.type == OPTION_SWITCH) {
		s.value = value ? "true" : "false";
		s.is_literal = true;
	}
	if (is_veiled)
		s.value = NULL;
	return s;
}

/* What is in the environment has no option of its own: it stands where the file's token does. */
static void note_token_of_environment(const struct arguments *args, struct setting *token)
{
	const char *where = credential_from_environment();

	if (!where || args->values[OPTION_token_command] || args->values[OPTION_token_file])
		return;
	*token = (struct setting){ .name = token->name,
		.is_veiled = true,
		.origin = ORIGIN_ENVIRONMENT,
		.word = where + 1 };
}

static struct setting source_of(const struct arguments *args)
{
	struct setting s = { .name = "source", .value = args->operands[0], .origin = ORIGIN_FLAG };

	if (args->section >= 0) {
		s.origin = ORIGIN_SECTION;
		s.line = args->file.sections[args->section].source_number;
	}
	return s;
}

/* ---- for people ---- */

static void add_origin(const struct arguments *args, const struct setting *s, struct buf *b)
{
	switch (s->origin) {
	case ORIGIN_DEFAULT:
		buf_add_str(b, "default");
		break;
	case ORIGIN_FLAG:
		buf_add_fmt(b, "%s%s", s->word ? "--" : "the command line", s->word ? s->word : "");
		break;
	case ORIGIN_LIST:
		buf_add_fmt(b, "-o %s", s->word);
		break;
	case ORIGIN_ENVIRONMENT:
		buf_add_fmt(b, "$%s", s->word);
		break;
	case ORIGIN_SECTION:
	case ORIGIN_FILE:
		buf_add_fmt(b, "%s:%d", args->file.path, s->line);
		break;
	}
	if (s->is_overruled)
		buf_add_str(
			b, ", where it does not count: another source of the token comes first");
}

static void print_setting(const struct arguments *args, const struct setting *s)
{
	scoped(buf_fini) struct buf b = BUF_INIT;

	buf_add_fmt(&b, "%-*s = ", NAME_COLUMN, s->name);
	if (s->is_veiled)
		buf_add_str(&b, "(hidden)");
	else
		text_add_words(&b, s->value ? s->value : "(none)");
	do
		buf_add_char(&b, ' ');
	while (b.len < FROM_COLUMN);
	buf_add_char(&b, ' ');
	add_origin(args, s, &b);
	puts(buf_str(&b));
}

static void print_sections(const struct arguments *args)
{
	const struct config_file *f = &args->file;

	for (size_t i = 0; i < f->n_sections; i++) {
		const struct config_section *c = &f->sections[i];

		printf("%s[%s] %s  %s:%d\n", i ? "" : "\n", c->name, c->source, f->path, c->number);
	}
}

/* ---- for scripts ---- */

static void add_text(struct buf *b, const char *key, const char *text)
{
	buf_add_fmt(b, "\"%s\":", key);
	if (text)
		json_add_text(text, b);
	else
		buf_add_str(b, "null");
}

static void add_setting(const struct setting *s, struct buf *b)
{
	add_text(b, "name", s->name);
	if (s->value && s->is_literal)
		buf_add_fmt(b, ",\"value\":%s", s->value);
	else {
		buf_add_char(b, ',');
		add_text(b, "value", s->value);
	}
	buf_add_fmt(b, ",\"hidden\":%s,\"overruled\":%s,", s->is_veiled ? "true" : "false",
		s->is_overruled ? "true" : "false");
	add_text(b, "from", places[s->origin]);
	if (s->origin == ORIGIN_ENVIRONMENT) {
		buf_add_char(b, ',');
		add_text(b, "variable", s->word);
	}
	if (s->line)
		buf_add_fmt(b, ",\"line\":%d", s->line);
}

static void add_sections(const struct arguments *args, struct buf *b)
{
	for (size_t i = 0; i < args->file.n_sections; i++) {
		const struct config_section *c = &args->file.sections[i];

		buf_add_str(b, i ? ",{" : "{");
		add_text(b, "name", c->name);
		buf_add_char(b, ',');
		add_text(b, "source", c->source);
		buf_add_fmt(b, ",\"line\":%d}", c->number);
	}
}

/* ---- both ---- */

/* Of each row: told, or added to what is told as JSON. */
static void tell(const struct arguments *args, const struct setting *s, struct buf *json)
{
	if (!arguments_have(args, OPTION_json)) {
		print_setting(args, s);
		return;
	}
	buf_add_str(json, json->len ? ",{" : "{");
	add_setting(s, json);
	buf_add_char(json, '}');
}

enum exit_code run_config(const struct arguments *args)
{
	scoped(buf_fini) struct buf settings = BUF_INIT, all = BUF_INIT;

	if (args->n_operands) {
		struct setting source = source_of(args);

		tell(args, &source, &settings);
	}
	for (int i = 0; i < N_OPTIONS; i++) {
		struct setting s = setting_of(args, (enum option_id)i);

		if (i == OPTION_token)
			note_token_of_environment(args, &s);
		if (is_shown(args, (enum option_id)i))
			tell(args, &s, &settings);
	}
	if (!arguments_have(args, OPTION_json)) {
		if (!args->n_operands)
			print_sections(args);
		return EXIT_DONE;
	}
	buf_add_char(&all, '{');
	add_text(&all, "file", args->file.path);
	buf_add_fmt(&all, ",\"settings\":[%s],\"sources\":[", buf_str(&settings));
	add_sections(args, &all);
	printf("%s]}\n", buf_str(&all));
	return EXIT_DONE;
}
