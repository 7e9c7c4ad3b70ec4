/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document of a story, and one of a story to be made: what is accepted is written so that it is
 * accepted again and written just the same; what is refused has a line and a reason.
 */
#include <assert.h>

#include "storyfs/markdown.h"
#include "storyfs/text.h"

#include "fuzz.h"

static void write_again(const struct markdown *m, enum markdown_use use)
{
	scoped(markdown_fini) struct markdown again = { 0 };
	scoped(buf_fini) struct buf once = BUF_INIT;
	scoped(buf_fini) struct buf twice = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;

	markdown_write(m, &once);
	assert(text_is_valid(once.data, once.len));
	assert(markdown_read(&once, use, &again, &reason) == 0);
	markdown_write(&again, &twice);
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

static void read_text(const struct buf *text, enum markdown_use use)
{
	scoped(markdown_fini) struct markdown m = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (markdown_read(text, use, &m, &reason) == 0) {
		assert(!reason.len);
		write_again(&m, use);
		return;
	}
	assert(text_has_prefix(buf_str(&reason), "line "));
	assert(text_is_valid(reason.data, reason.len) && reason.data[reason.len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add(&text, data, size);
	read_text(&text, MARKDOWN_OF_STORY);
	read_text(&text, MARKDOWN_OF_NEW);
	return 0;
}
