/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands (commands.def) and options (options.def) as data, and what a call of the program
 * said. */
#ifndef STORYFS_APP_COMMAND_H
#define STORYFS_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "config_file.h"
#include "option.h"
#include "storyfs/buf.h"
#include "storyfs/scope.h"

enum command_id {
#define COMMAND(id, ...) COMMAND_##id,
#include "commands.def"
	N_COMMANDS,
};

/* Those that work on a source, whose options may stand in its section, as bits. */
#define FOR_SOURCES \
	(1U << COMMAND_mount | 1U << COMMAND_ls | 1U << COMMAND_cat | 1U << COMMAND_clone)

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

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

/* Where an option was said. What is said further up counts. */
enum origin {
	ORIGIN_DEFAULT, /* nowhere */
	ORIGIN_FLAG,
	ORIGIN_LIST, /* behind -o */
	ORIGIN_ENVIRONMENT,
	ORIGIN_SECTION, /* of the source, in the configuration file */
	ORIGIN_FILE,
};

/* What was said. Operands and values are borrowed from argv, the environment, the file or kept. */
struct arguments {
	const struct command *command; /* NULL for `storyfs --help` and the like */
	const char *group;	       /* then, `user`: help for the commands that begin so */
	char **operands;
	int n_operands;
	const char *values[N_OPTIONS]; /* or the default; NULL: none. A switch's is "" or NULL */
	enum origin origins[N_OPTIONS];
	int lines[N_OPTIONS];	      /* in the file */
	bool is_overruled[N_OPTIONS]; /* another source of the token counts */
	struct config_file file;
	int section; /* of the source in it; -1: none */
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

/* The command whose name, of one or two words, stands at the start: how many it has, 0 for none. */
int command_find(char **words, int n, const struct command **ret);
/* Does the command's name have the word, and another behind it? */
bool command_is_of_group(const struct command *command, const char *word);
/* Does the configuration file bear on it? */
bool command_has_file(const struct command *command);
/* `storyfs --help`, `storyfs GROUP --help`, `storyfs COMMAND --help`. */
void help_print(const struct arguments *args);

SCOPED_VALUE(struct arguments, arguments_fini);

#endif
