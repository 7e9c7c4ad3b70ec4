/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options (options.def) as data: found by name, and held to what they take. */
#ifndef STORYFS_APP_OPTION_H
#define STORYFS_APP_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/buf.h"

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#include "options.def"
	N_OPTIONS,
};

enum option_flag {
	OPTION_CONFIG = 1, /* may stand in the configuration file */
	OPTION_ONLY_CONFIG =
		2,	   /* and nowhere else: arguments and the environment are seen by others */
	OPTION_HIDDEN = 4, /* not in help */
	OPTION_VEILED = 8, /* the value may tell a secret */
};

enum option_type {
	OPTION_SWITCH,
	OPTION_TEXT,
	OPTION_PATH, /* of a file, or `-` */
	OPTION_MODE, /* octal */
	OPTION_NUMBER,
};

struct option_row {
	const char *name;
	char letter;
	struct {
		enum option_type type;
		const char *name; /* NULL: of a switch */
		int64_t least, most;
	} argument;
	const char *fallback; /* the default, or NULL */
	unsigned commands;    /* a bit for each command_id */
	const char *environment;
	unsigned flags; /* enum option_flag */
	const char *help;
};

extern const struct option_row option_rows[N_OPTIONS];

/* By its name, in which - and _ are the same; -1 when there is no such option. */
int option_find(const char *word, size_t len);
/* Is it one of the commands (bits) that take it? `config` takes all that the file may hold. */
bool option_is_for(enum option_id option, unsigned commands);
/* Hold a value to what the option takes. A switch's becomes "" when it is on (the value is empty,
 * true, yes, on or 1), NULL when it is off. False when it is none, with what would be appended:
 * `takes ...`. */
bool option_take_value(
	enum option_id option, const char *text, const char **ret_value, struct buf *ret_reason);

#endif
