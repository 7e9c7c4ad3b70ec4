/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kind, newline, bytes: what is taken for a record is written just the same; and so is, when the
 * bytes are JSON, what was read from it. */
#include <assert.h>
#include <string.h>

#include "storyfs/json.h"
#include "storyfs/pack.h"

#include "fuzz.h"

/* -EBADMSG or the same bytes again. */
static int unpack(enum kind kind, const void *data, size_t len)
{
	scoped(buf_fini) struct buf again = BUF_INIT;
	scoped(record_unref) struct record *r = NULL;
	int e = unpack_record(kind, data, len, &r);

	if (e == 0) {
		pack_record(r, &again);
		assert(again.len == len && (len == 0 || memcmp(again.data, data, len) == 0));
	}
	return e;
}

static void read_json(enum kind kind, const char *text, size_t len)
{
	scoped(buf_fini) struct buf problems = BUF_INIT;
	scoped(buf_fini) struct buf bytes = BUF_INIT;
	scoped(record_unref) struct record *r = NULL;

	if (json_read_record(kind, text, len, &problems, &r) < 0)
		return;
	pack_record(r, &bytes);
	assert(unpack(kind, bytes.data, bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free_ptr) char *name = fuzz_take_line(&data, &size);
	enum kind kind = name ? schema_find_kind(name) : KIND_none;
	scoped(ids_fini) struct ids ids = { 0 };

	if (kind == KIND_none)
		return 0;
	unpack(kind, data, size);
	read_json(kind, (const char *)data, size);
	if (unpack_ids(data, size, &ids) == 0) {
		scoped(buf_fini) struct buf again = BUF_INIT;

		pack_ids(&ids, &again);
		assert(again.len == size && (size == 0 || memcmp(again.data, data, size) == 0));
	}
	return 0;
}
