/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the archives of rivals.h are asked for: each appends one whole request, as it goes over the
 * wire. data is how many stories there are, an int; n counts a client's requests. Any thread.
 */
#ifndef STORYFS_BENCH_REQUESTS_H
#define STORYFS_BENCH_REQUESTS_H

#include <stdint.h>

#include "storyfs/buf.h"

void request_get_story(const void *data, int client, int64_t n, struct buf *ret);
void request_get_stories(const void *data, int client, int64_t n, struct buf *ret);
void request_get_page(const void *data, int client, int64_t n, struct buf *ret);
void request_put_name(const void *data, int client, int64_t n, struct buf *ret);
void request_put_state(const void *data, int client, int64_t n, struct buf *ret);
void request_put_place(const void *data, int client, int64_t n, struct buf *ret);
void request_post_story(const void *data, int client, int64_t n, struct buf *ret);

#endif
