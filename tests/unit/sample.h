/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two projects for a host. 99 "Shed": people 101 and 102, both "Ann Lee", and 103 "Bo"; labels 301
 * red and 302 blue; stories 501 to 505, of which 501 has two comments and two tasks and 502 one
 * comment; epics 401, with a comment, and 402. 100 "Other" is empty.
 */
#ifndef STORYFS_TESTS_SAMPLE_H
#define STORYFS_TESTS_SAMPLE_H

#include "host.h"
#include "storyfs/store.h"

#define SAMPLE_TIME "2024-05-01T10:00:00Z"
#define SAMPLE_TIME_NS (INT64_C(1714557600) * 1000000000)

void sample_init(struct host *h);

/* A store over the host, with pages of two; the host outlives it. refresh_s as in store_config. */
struct store *sample_store(struct host *h, int refresh_s);

#endif
