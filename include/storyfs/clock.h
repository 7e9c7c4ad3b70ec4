/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time: now, deadlines, and V5's two written forms, datetime (ISO 8601 UTC, whole seconds) and
 * date (YYYY-MM-DD). Instants are milliseconds since the epoch, dates are days since the epoch.
 * The clock is a seam: a test sets it.
 */
#ifndef STORYFS_CLOCK_H
#define STORYFS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_ISO_SIZE sizeof("-292277026-12-31T23:59:59.999Z")

/* The written forms have years of four digits: the first and the last instant that has one. */
#define CLOCK_MIN_MS INT64_C(-62167219200000)
#define CLOCK_MAX_MS INT64_C(253402300799999)

/* Wall clock, ms since the epoch. */
int64_t clock_now_ms(void);
/* From now on clock_now_ms answers this; a negative value gives the real clock back. */
void clock_set_fixed(int64_t now_ms);

/* For deadlines: ms from an arbitrary start, never set back. */
int64_t clock_monotonic_ms(void);
/* An instant of clock_monotonic_ms that is timeout_ms away. */
int64_t clock_deadline(int64_t timeout_ms);
/* The same instant for a timed wait on CLOCK_MONOTONIC. */
struct timespec clock_timespec(int64_t monotonic_ms);

/* `2013-04-30T04:25:15Z`; milliseconds are printed only when there are any. */
void clock_format_iso(int64_t ms, char ret_text[CLOCK_ISO_SIZE]);
/* ISO 8601 with a zone (Z, +hh:mm, +hhmm) or without (UTC); seconds, a fraction and the time of day
 * may be missing. False when the text is something else, no such day exists or the instant is out
 * of CLOCK_MIN_MS to CLOCK_MAX_MS. */
bool clock_parse_iso(const char *text, int64_t *ret_ms);
void clock_format_date(int64_t days, char ret_text[CLOCK_ISO_SIZE]);
bool clock_parse_date(const char *text, int64_t *ret_days);

#endif
