/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of counted answers; they are copied outside of the lock. */
#include "cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "storyfs/alloc.h"
#include "storyfs/table.h"

enum { LARGEST_PART = 4 }; /* an answer may take so much of all: a fourth */

struct kept {
	struct table_item item;
	atomic_uint refs;
	struct buf key;
	struct http_response resp;
};

struct cache {
	pthread_mutex_t mutex; /* guards the members below */
	struct table answers;
	int64_t version;
	size_t bytes, max_bytes;
	uint64_t n_found;
};

static void kept_unref(struct kept *k)
{
	if (atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	buf_fini(&k->key);
	http_response_fini(&k->resp);
	free(k);
}

SCOPED_PTR(struct kept, kept_unref);

static size_t kept_size(const struct kept *k)
{
	return sizeof(*k) + k->key.cap + k->resp.body.cap;
}

static void copy_response(const struct http_response *from, struct http_response *ret)
{
	ret->status = from->status;
	for (size_t i = 0; i < from->headers.n; i++)
		http_headers_add(
			&ret->headers, from->headers.items[i].name, from->headers.items[i].value);
	buf_add(&ret->body, from->body.data, from->body.len);
}

/* With the lock held, as those below. */
static void drop(struct cache *c, struct kept *k)
{
	table_remove(&c->answers, &k->item);
	c->bytes -= kept_size(k);
	kept_unref(k);
}

static void drop_all(struct cache *c)
{
	struct kept *k;

	while ((k = table_next(&c->answers, NULL)))
		drop(c, k);
}

struct cache *cache_new(size_t max_bytes)
{
	struct cache *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->mutex, NULL);
	c->max_bytes = max_bytes;
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	drop_all(c);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

static struct kept *find(struct cache *c, int64_t version, const struct buf *key)
{
	lock_scope(&c->mutex);
	if (c->version != version) {
		drop_all(c);
		c->version = version;
	}
	struct kept *k = table_find(&c->answers, key->data, key->len);

	if (k) {
		atomic_fetch_add(&k->refs, 1);
		c->n_found++;
	}
	return k;
}

bool cache_find(struct cache *c, int64_t version, const struct buf *key, struct http_response *ret)
{
	scoped(kept_unref) struct kept *k = find(c, version, key);

	if (!k)
		return false;
	copy_response(&k->resp, ret);
	return true;
}

/* Nothing when it was made of an older archive, or another was quicker. */
static void add(struct cache *c, int64_t version, struct kept *k)
{
	size_t size = kept_size(k);

	lock_scope(&c->mutex);
	if (c->version != version || table_find(&c->answers, k->key.data, k->key.len))
		return;
	while (c->bytes + size > c->max_bytes)
		drop(c, table_next(&c->answers, NULL));
	atomic_fetch_add(&k->refs, 1);
	table_add(&c->answers, &k->item, k->key.data, k->key.len);
	c->bytes += size;
}

void cache_put(
	struct cache *c, int64_t version, const struct buf *key, const struct http_response *resp)
{
	if (resp->body.len > c->max_bytes / LARGEST_PART)
		return;
	scoped(kept_unref) struct kept *k = xcalloc(1, sizeof(*k));

	atomic_init(&k->refs, 1);
	buf_add(&k->key, key->data, key->len);
	copy_response(resp, &k->resp);
	if (kept_size(k) <= c->max_bytes / 2)
		add(c, version, k);
}

uint64_t cache_n_found(struct cache *c)
{
	lock_scope(&c->mutex);
	return c->n_found;
}
