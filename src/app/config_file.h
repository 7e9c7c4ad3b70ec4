/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file, $XDG_CONFIG_HOME/storyfs/config: lines of `name = VALUE`, where the name
 * is an option's (options.def, those with CONFIG). What stands above the first section counts
 * for all; `[NAME]` begins what counts for one source, and there `source = URL` (or the path of an
 * archive) says which that is:
 *
 *	refresh = 60
 *	[work]
 *	source = https://tracker.example.com/services/v5
 *	token_file = ~/.tracker-token
 *
 * A line that begins with # is a comment. A switch needs no value. Paths are absolute or begin with
 * ~/. A file that holds a token has to be its owner's alone. Whatever is not understood is a
 *mistake: nothing of the file counts then.
 */
#ifndef STORYFS_APP_CONFIG_FILE_H
#define STORYFS_APP_CONFIG_FILE_H

#include "option.h"

struct config_line {
	enum option_id option;
	int section; /* an index, or -1: above them */
	int number;  /* from 1 */
	char *text;  /* as it stands there; a path without ~ */
};

struct config_section {
	char *name, *source;
	int number, source_number; /* of their lines */
};

struct config_file {
	char *path; /* NULL: there is no place for one */
	struct config_line *lines;
	size_t n_lines;
	struct config_section *sections;
	size_t n_sections;
};

/* No file is an empty one. 1 when it is wrong, with the reason (`PATH:LINE: ...`), in which nothing
 * of a token is. */
int config_file_read(struct config_file *ret, struct buf *ret_reason);
void config_file_fini(struct config_file *f);

/* NULL when there is none. */
const struct config_section *config_file_find_section(
	const struct config_file *f, const char *name);
/* The line of an option in a section (-1: above them); NULL when there is none. */
const struct config_line *config_file_find_line(
	const struct config_file *f, enum option_id option, int section);

SCOPED_VALUE(struct config_file, config_file_fini);

#endif
