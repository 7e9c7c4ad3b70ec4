/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server is held against: archives to serve, a constant over HTTP, and SQLite alone. */
#ifndef STORYFS_BENCH_RIVALS_H
#define STORYFS_BENCH_RIVALS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "storyfs/buf.h"

/* Of the person who asks, in every archive. */
#define BENCH_TOKEN "0123456789abcdef0123456789abcdef"
enum { BENCH_PROJECT = 99, BENCH_FIRST_STORY = 1000 };

/* A process that serves on a port of 127.0.0.1. */
struct rival {
	pid_t pid;
	unsigned port;
};

/* An archive of one project with so many stories, ten people and forty labels. */
void make_archive(const char *path, int n_stories);
/* `storyfs serve` without its command line. cache_bytes as in server.h. */
struct rival serve_archive(const char *path, int64_t cache_bytes);
/* The answer (header and body as on the wire), whatever is asked for. */
struct rival serve_constant(const struct buf *answer);
/* Its resident memory in KiB. */
long rival_rss(const struct rival *r);
void rival_end(const struct rival *r);

/* Commits of one row a second, for so long, by SQLite alone on a file made at path. */
double bare_commits(const char *path, int64_t duration_ms);

#endif
