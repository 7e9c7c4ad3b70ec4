/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places where an option is said, one after the other. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "credential.h"
#include "source.h"
#include "storyfs/nearest.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 60 };

static unsigned bits_of(const struct arguments *args)
{
	return 1U << (args->command - commands);
}

/* ---- the command line and the environment ---- */

static int check_value(struct arguments *args, enum option_id option)
{
	const struct option_row *row = &option_rows[option];
	bool is_word = args->origins[option] == ORIGIN_FLAG || args->origins[option] == ORIGIN_LIST;
	const char *text = args->values[option];
	scoped(buf_fini) struct buf why = BUF_INIT;

	if (option_take_value(option, text, &args->values[option], &why))
		return 0;
	buf_add_str(&why, ", not '");
	text_add_excerpt(&why, text, strlen(text), SHOWN_BYTES);
	buf_add_char(&why, '\'');
	fprintf(stderr, "storyfs: %s%s %s\n", is_word ? "--" : "$",
		is_word ? row->name : row->environment, buf_str(&why));
	return 1;
}

static int take_environment(struct arguments *args)
{
	for (int i = 0; i < N_OPTIONS; i++) {
		const char *name = option_rows[i].environment;
		const char *value = name ? getenv(name) : NULL;

		if (value && *value && args->origins[i] == ORIGIN_DEFAULT &&
			option_is_for((enum option_id)i, bits_of(args))) {
			args->values[i] = value;
			args->origins[i] = ORIGIN_ENVIRONMENT;
		}
		if (args->values[i] && check_value(args, (enum option_id)i))
			return 1;
	}
	return 0;
}

/* ---- the file ---- */

static bool has_source(const struct arguments *args)
{
	return args->n_operands && option_is_for(OPTION_token, bits_of(args));
}

/* A directory is no archive: where one has the name, as a mountpoint may, nothing is shadowed. */
static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* What has no look of a path, and is none, was meant for a name. */
static int refuse_source(const struct arguments *args, const char *word)
{
	struct nearest near = { .word = word };

	if (strpbrk(word, "/.") || is_file(word))
		return 0;
	for (size_t i = 0; i < args->file.n_sections; i++)
		nearest_offer(&near, args->file.sections[i].name);
	fprintf(stderr, "storyfs: '%s' is no file here, and there is no source [%s] in %s", word,
		word, args->file.path ? args->file.path : "a configuration file");
	if (nearest_name(&near))
		fprintf(stderr, "; did you mean '%s'?", nearest_name(&near));
	fputc('\n', stderr);
	return 1;
}

static int take_source(struct arguments *args)
{
	const char *word = args->operands[0];
	const struct config_section *found = config_file_find_section(&args->file, word);

	if (!found)
		return refuse_source(args, word);
	if (is_file(word)) {
		fprintf(stderr,
			"storyfs: '%s' is a file here and taken for the archive; for the source "
			"[%s] of %s:%d, call storyfs from another directory\n",
			word, word, args->file.path, found->number);
		return 0;
	}
	args->section = (int)(found - args->file.sections);
	args->operands[0] = found->source;
	return 0;
}

static void take_lines(struct arguments *args, int section, enum origin origin)
{
	scoped(buf_fini) struct buf none = BUF_INIT;

	for (size_t i = 0; i < args->file.n_lines; i++) {
		const struct config_line *line = &args->file.lines[i];

		if (line->section != section || args->origins[line->option] != ORIGIN_DEFAULT ||
			!option_is_for(line->option, bits_of(args)))
			continue;
		option_take_value(line->option, line->text, &args->values[line->option], &none);
		args->origins[line->option] = origin;
		args->lines[line->option] = line->number;
	}
}

static int take_file(struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (config_file_read(&args->file, &reason)) {
		fprintf(stderr, "storyfs: %s\n", buf_str(&reason));
		return 1;
	}
	if (has_source(args) && take_source(args))
		return 1;
	if (args->section >= 0)
		take_lines(args, args->section, ORIGIN_SECTION);
	take_lines(args, -1, ORIGIN_FILE);
	return 0;
}

/* ---- all ---- */

/* The first place that says where the token is; the command line is one, however it is said. */
static int place_of(enum origin origin)
{
	return origin == ORIGIN_LIST ? ORIGIN_FLAG : (int)origin;
}

static void choose_token(struct arguments *args)
{
	const enum option_id sources[] = { OPTION_token_command, OPTION_token_file, OPTION_token };
	const int n = sizeof(sources) / sizeof(*sources);
	int first = credential_from_environment() ? ORIGIN_ENVIRONMENT : ORIGIN_FILE;
	bool said = false;

	for (int i = 0; i < n; i++) {
		int place = place_of(args->origins[sources[i]]);

		if (place != ORIGIN_DEFAULT && place < first)
			first = place;
	}
	for (int i = 0; i < n; i++) {
		enum option_id o = sources[i];

		if (args->origins[o] == ORIGIN_DEFAULT)
			continue;
		args->is_overruled[o] = said || place_of(args->origins[o]) > first;
		if (args->is_overruled[o])
			args->values[o] = NULL;
		said |= !args->is_overruled[o];
	}
}

static void take_defaults(struct arguments *args)
{
	for (int i = 0; i < N_OPTIONS; i++) {
		if (args->origins[i] == ORIGIN_DEFAULT &&
			option_is_for((enum option_id)i, bits_of(args)))
			args->values[i] = option_rows[i].fallback;
	}
}

int settings_complete(struct arguments *args)
{
	if (take_environment(args) || (command_has_file(args->command) && take_file(args)))
		return 1;
	choose_token(args);
	take_defaults(args);
	return 0;
}
