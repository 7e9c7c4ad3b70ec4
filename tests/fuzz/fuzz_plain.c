/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kind, newline, field, newline, a file's text: what is accepted is written so that it is accepted
 * again and written just the same; what is refused has a reason.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "storyfs/check.h"
#include "storyfs/parse.h"
#include "storyfs/plain.h"
#include "storyfs/text.h"

#include "fuzz.h"

/* Everybody is called `nr <id>`. */
static bool add_name(void *data, enum kind kind, int64_t id, struct buf *b)
{
	(void)data;
	(void)kind;
	buf_add_fmt(b, "nr %lld", (long long)id);
	return true;
}

static int find_id(
	void *data, enum kind kind, const char *name, int64_t *ret_id, struct buf *ret_reason)
{
	(void)data;
	(void)kind;
	if (text_has_prefix(name, "nr ") && parse_int(name + 3, 1, INT64_MAX, ret_id))
		return 0;
	buf_add_str(ret_reason, "nobody\n");
	return -EINVAL;
}

static void read_again(
	enum kind kind, int f, const struct record *patch, const struct resolver *who)
{
	scoped(buf_fini) struct buf once = BUF_INIT;
	scoped(buf_fini) struct buf twice = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(record_unref) struct record *again = NULL;

	plain_write(patch, f, who, &once);
	assert(plain_read(kind, f, buf_str(&once), once.len, who, &again, &reason) == 0);
	plain_write(again, f, who, &twice);
	assert(strcmp(buf_str(&once), buf_str(&twice)) == 0);
	scoped(record_unref) struct record *rest = record_diff(patch, again);

	assert(!rest);
}

static void read_text(
	enum kind kind, int f, const char *text, size_t len, const struct resolver *who)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(v5_error_fini) struct v5_error error = { 0 };

	if (plain_read(kind, f, text, len, who, &patch, &reason) < 0) {
		assert(reason.len && text_is_valid(reason.data, reason.len));
		return;
	}
	int e = check_patch(patch, &error);

	assert(e == v5_error_errno(&error));
	read_again(kind, f, patch, who);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct resolver who = { NULL, add_name, find_id };
	scoped(free_ptr) char *name = fuzz_take_line(&data, &size);
	scoped(free_ptr) char *key = name ? fuzz_take_line(&data, &size) : NULL;
	enum kind kind = key ? schema_find_kind(name) : KIND_none;
	int f = kind != KIND_none ? schema_find_field(kind, key) : -1;

	if (f < 0)
		return 0;
	read_text(kind, f, (const char *)data, size, &who);
	read_text(kind, f, (const char *)data, size, NULL);
	return 0;
}
