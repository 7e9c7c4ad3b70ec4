/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kind, newline, JSON: what is read and written is read again, and written just the same; jansson
 * says what is JSON. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "../../src/model/json_scan.h"
#include "storyfs/json.h"

#include "fuzz.h"

static void write_all(const struct records *list, struct buf *b)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			buf_add_char(b, ',');
		json_write_record(list->items[i], NULL, i % 2 ? JSON_AS_LINES : 0, b);
	}
	buf_add_char(b, ']');
}

static void read_again(enum kind kind, const struct records *list)
{
	scoped(buf_fini) struct buf once = BUF_INIT;
	scoped(buf_fini) struct buf twice = BUF_INIT;
	scoped(records_fini) struct records again = { 0 };

	write_all(list, &once);
	assert(json_read_records(kind, once.data, once.len, NULL, &again) == 0);
	assert(again.n == list->n);
	write_all(&again, &twice);
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

/* jansson overlooks a NUL behind a number. */
static void scan(const char *text, size_t len)
{
	if (memchr(text, '\0', len))
		return;
	scoped(json_scan_fini) struct json_scan in;
	json_t *json = json_loadb(text, len, JSON_DECODE_ANY, NULL);

	json_scan_init(&in, text, len);
	json_scan_skip(&in);
	json_scan_end(&in);
	assert(in.is_broken == !json);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free_ptr) char *name = fuzz_take_line(&data, &size);
	enum kind kind = name ? schema_find_kind(name) : KIND_none;
	scoped(records_fini) struct records list = { 0 };
	scoped(buf_fini) struct buf problems = BUF_INIT;
	struct record *r;

	if (kind == KIND_none)
		return 0;
	scan((const char *)data, size);
	if (json_read_record(kind, (const char *)data, size, &problems, &r) == 0)
		records_add(&list, r);
	else if (json_read_records(kind, (const char *)data, size, &problems, &list) < 0)
		assert(problems.len);
	read_again(kind, &list);
	for (size_t i = 0; i < list.n; i++) {
		scoped(buf_fini) struct buf patch = BUF_INIT;

		json_write_record(list.items[i], NULL, JSON_AS_PATCH | JSON_AS_MILLIS, &patch);
	}
	return 0;
}
