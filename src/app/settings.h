/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts of what is said in several places: the command line, then the environment, then the
 * configuration file (the section of the source, then what stands above), then defaults. */
#ifndef STORYFS_APP_SETTINGS_H
#define STORYFS_APP_SETTINGS_H

#include "command.h"

/*
 * Complete what the command line said. An operand that names a section of the file becomes its
 * source, unless there is a file (anything but a directory) of that name here: a path or URL is
 * never taken for a name. A token comes from the first place where its source is said; those said
 * later are overruled. 1 when something is wrong, which is on standard error then.
 */
int settings_complete(struct arguments *args);

#endif
