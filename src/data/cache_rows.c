/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the cache. The hash at the end of a row's bytes is also one of what they are of, so that
 * a row that lies where another belongs is found out, too. */
#include "cache_rows.h"

#include <errno.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/pack.h"

enum { HASH_BYTES = sizeof(uint64_t) };

/* ---- bytes ---- */

static uint64_t hash_place(const struct cache_group *group, int64_t id)
{
	int64_t words[] = { group->kind, group->parent, group->project_id, id };

	return pack_hash(1, words, sizeof(words));
}

int64_t cache_load_hash(const struct cache_load *load)
{
	int64_t words[] = { load->of_one, load->version, load->apart, load->missing,
		load->true_ms };
	uint64_t hash = pack_hash(hash_place(&load->group, load->parent_id), words, sizeof(words));

	if (load->problems)
		hash = pack_hash(hash, load->problems, strlen(load->problems));
	return (int64_t)hash;
}

void cache_row_write(const struct cache_op *op, struct buf *ret)
{
	buf_reset(ret);
	if (op->type == CACHE_PUT_RECORD)
		pack_record(op->record, ret);
	else
		pack_ids(&op->ids, ret);
	uint64_t hash = pack_hash(hash_place(&op->group, op->id), ret->data, ret->len);

	buf_add(ret, &hash, HASH_BYTES);
}

/* How long the bytes are without their hash; -EBADMSG when that is another one. */
static int64_t check(const struct cache_group *group, int64_t id, const char *data, size_t len)
{
	uint64_t hash;

	if (len < HASH_BYTES)
		return -EBADMSG;
	len -= HASH_BYTES;
	memcpy(&hash, data + len, HASH_BYTES);
	return hash == pack_hash(hash_place(group, id), data, len) ? (int64_t)len : -EBADMSG;
}

int cache_row_read_record(const struct cache_group *group, int64_t id, const void *data, size_t len,
	struct record **ret)
{
	int64_t n = check(group, id, data, len);

	return n < 0 ? (int)n : unpack_record(group->kind, data, (size_t)n, ret);
}

int cache_row_read_ids(
	const struct cache_group *group, int64_t id, const void *data, size_t len, struct ids *ret)
{
	int64_t n = check(group, id, data, len);

	return n < 0 ? (int)n : unpack_ids(data, (size_t)n, ret);
}

/* ---- what they hold ---- */

struct cache_op *cache_batch_add(struct cache_batch *batch, enum cache_op_type type)
{
	if (batch->n == batch->cap) {
		batch->cap = batch->cap ? batch->cap * 2 : 64;
		batch->ops = xrealloc(batch->ops, batch->cap, sizeof(*batch->ops));
	}
	struct cache_op *op = &batch->ops[batch->n++];

	*op = (struct cache_op){ .type = type };
	return op;
}

void cache_load_fini(struct cache_load *load)
{
	free(load->problems);
	load->problems = NULL;
}

void cache_rows_fini(struct cache_rows *rows)
{
	for (size_t i = 0; i < rows->n_lists; i++)
		ids_fini(&rows->lists[i].ids);
	free(rows->lists);
	records_fini(&rows->records);
	*rows = (struct cache_rows){ 0 };
}

void cache_batch_fini(struct cache_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		record_unref(batch->ops[i].record);
		ids_fini(&batch->ops[i].ids);
		cache_load_fini(&batch->ops[i].load);
	}
	free(batch->ops);
	*batch = (struct cache_batch){ 0 };
}
