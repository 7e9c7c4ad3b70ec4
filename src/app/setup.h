/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands share that work on a source: their options as a configuration, and complaints. */
#ifndef STORYFS_APP_SETUP_H
#define STORYFS_APP_SETUP_H

#include <stdint.h>

#include "command.h"
#include "source.h"

/* The number an option was given, or otherwise; 1 when it is none in [min, max], which is said. */
int setup_number(const struct arguments *args, enum option_id option, int64_t min, int64_t max,
	int64_t *value);
/* The options that concern a source; the strings are borrowed. 1 when one is wrong, which is said.
 */
int setup_source(const struct arguments *args, struct source_config *ret);
/* Say why something failed, on standard error, as one line or as many as the reason has. */
enum exit_code setup_fail(const struct arguments *args, const char *reason);

#endif
