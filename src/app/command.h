/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands (commands.def) and options (options.def) as data, and what a call of the program
 * said. */
#ifndef STORYFS_APP_COMMAND_H
#define STORYFS_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "storyfs/buf.h"
#include "storyfs/scope.h"

enum command_id {
#define COMMAND(id, ...) COMMAND_##id,
#include "commands.def"
	N_COMMANDS,
};

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#include "options.def"
	N_OPTIONS,
};

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

enum option_flag {
	OPTION_CONFIG = 1, /* may stand in the configuration file */
	OPTION_ONLY_CONFIG =
		2,	   /* and nowhere else: arguments and the environment are seen by others */
	OPTION_HIDDEN = 4, /* not in help */
};

struct option_row {
	const char *name;
	char letter;
	const char *argument;
	unsigned commands; /* a bit for each command_id */
	const char *environment;
	unsigned flags; /* enum option_flag */
	const char *help;
};

extern const struct option_row option_rows[N_OPTIONS];

struct arguments;

struct command {
	const char *name;
	int least, most;
	const char *operands;
	const char *summary;
	const char *details;
	enum exit_code (*run)(const struct arguments *args);
};

extern const struct command commands[N_COMMANDS];

/* What was said. Operands and values are borrowed from argv, the environment or kept. */
struct arguments {
	const struct command *command; /* NULL for `storyfs --help` and the like */
	const char *group;	       /* then, `user`: help for the commands that begin so */
	char **operands;
	int n_operands;
	const char *values[N_OPTIONS]; /* NULL: not given; a switch's is "" */
	char **kept;
	size_t n_kept;
};

#define COMMAND(id, ...) enum exit_code run_##id(const struct arguments *args);
#include "commands.def"

/* Of argv, the environment and the configuration file. 1 when it is wrong; the reason, with what
 * would be right, is on standard error then. */
int arguments_parse(int argc, char **argv, struct arguments *ret);
void arguments_fini(struct arguments *args);
static inline bool arguments_have(const struct arguments *args, enum option_id option)
{
	return args->values[option] != NULL;
}

/* Does the command's name have the word, and another behind it? */
bool command_is_of_group(const struct command *command, const char *word);
/* `storyfs --help`, `storyfs GROUP --help`, `storyfs COMMAND --help`. */
void help_print(const struct arguments *args);

SCOPED_VALUE(struct arguments, arguments_fini);

#endif
