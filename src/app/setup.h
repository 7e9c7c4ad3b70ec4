/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands share that work on a source: their options as a configuration, and complaints. */
#ifndef STORYFS_APP_SETUP_H
#define STORYFS_APP_SETUP_H

#include <stdint.h>

#include "command.h"
#include "source.h"

/* The number that an option has, by the command line or its default; without either, otherwise. */
int64_t setup_number(const struct arguments *args, enum option_id option, int64_t otherwise);
/* The options that concern a source; the strings are borrowed. */
struct source_config setup_source(const struct arguments *args);
/* Say why something failed, on standard error, as one line or as many as the reason has. */
enum exit_code setup_fail(const struct arguments *args, const char *reason);

#endif
