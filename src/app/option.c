/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of options, expanded. */
#include "option.h"

#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "storyfs/parse.h"

enum {
	ANY = -1,
	CONFIG = OPTION_CONFIG,
	SECRET = OPTION_CONFIG | OPTION_ONLY_CONFIG | OPTION_VEILED,
	VEILED = OPTION_CONFIG | OPTION_VEILED,
	HIDDEN = OPTION_HIDDEN,
};
#define FOR(command) (1 << COMMAND_##command)
#define SWITCH                            \
	{                                 \
		OPTION_SWITCH, NULL, 0, 0 \
	}
#define TEXT(name)                      \
	{                               \
		OPTION_TEXT, name, 0, 0 \
	}
#define PATH(name)                      \
	{                               \
		OPTION_PATH, name, 0, 0 \
	}
#define MODE(name)                         \
	{                                  \
		OPTION_MODE, name, 0, 0777 \
	}
#define NUMBER(name, least, most)                \
	{                                        \
		OPTION_NUMBER, name, least, most \
	}
#define OPTION(id, name, letter, argument, fallback, commands, environment, flag_bits, help)   \
	[OPTION_##id] = { name, letter, argument, fallback, (unsigned)(commands), environment, \
		flag_bits, help },
const struct option_row option_rows[N_OPTIONS] = {
#include "options.def"
};

static bool same_name(const char *word, size_t len, const char *name)
{
	if (strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (word[i] != name[i] && !(word[i] == '_' && name[i] == '-'))
			return false;
	}
	return true;
}

int option_find(const char *word, size_t len)
{
	for (int i = 0; i < N_OPTIONS; i++) {
		if (same_name(word, len, option_rows[i].name))
			return i;
	}
	return -1;
}

bool option_is_for(enum option_id option, unsigned commands_bits)
{
	const struct option_row *row = &option_rows[option];

	return row->commands & commands_bits ||
	       (row->flags & CONFIG && commands_bits & FOR(config));
}

static const char *const on[] = { "", "true", "yes", "on", "1", NULL };
static const char *const off[] = { "false", "no", "off", "0", NULL };

static bool is_one_of(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0)
		words++;
	return *words;
}

static bool is_octal(const char *text, int64_t most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 8);

	return text[strspn(text, "01234567")] == '\0' && end != text && n <= (unsigned long)most;
}

/* What it takes, in words; NULL when the text is that. */
static const char *find_fault(const struct option_row *row, const char *text, struct buf *words)
{
	int64_t number;

	switch (row->argument.type) {
	case OPTION_SWITCH:
		return is_one_of(text, on) || is_one_of(text, off) ? NULL : "true or false";
	case OPTION_TEXT:
	case OPTION_PATH:
		return NULL;
	case OPTION_MODE:
		return is_octal(text, row->argument.most) ? NULL : "an octal mode such as 022";
	case OPTION_NUMBER:
		break;
	}
	if (parse_int(text, row->argument.least, row->argument.most, &number))
		return NULL;
	buf_add_fmt(words, "a whole number from %" PRId64 " to %" PRId64, row->argument.least,
		row->argument.most);
	return buf_str(words);
}

bool option_take_value(
	enum option_id option, const char *text, const char **ret_value, struct buf *ret_reason)
{
	const struct option_row *row = &option_rows[option];
	scoped(buf_fini) struct buf words = BUF_INIT;
	const char *fault = find_fault(row, text, &words);

	if (fault) {
		buf_add_fmt(ret_reason, "takes %s", fault);
		return false;
	}
	*ret_value = text;
	if (row->argument.type == OPTION_SWITCH)
		*ret_value = is_one_of(text, on) ? "" : NULL;
	return true;
}
