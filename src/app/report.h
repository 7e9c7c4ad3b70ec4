/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of an import or a clone, on standard output: text, or JSON with --json. */
#ifndef STORYFS_APP_REPORT_H
#define STORYFS_APP_REPORT_H

#include "command.h"
#include "storyfs/import.h"

void report_print(const struct arguments *args, const struct import_report *report);

#endif
