/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: one line a message on standard error, `storyfs: ` in front, or a `<N>` priority mark
 * (sd-daemon) when that is the journal. An error is logged once, where it is first seen.
 * Nothing secret is ever passed here. Any thread may log.
 */
#ifndef STORYFS_LOG_H
#define STORYFS_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Is standard error the journal's? $JOURNAL_STREAM names the file that was; what is started from a
 * service inherits it. */
bool log_is_journal(void);
/* Messages above this level are dropped; LOG_LEVEL_WARNING at start. */
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
