/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents that were read, so that a save can be told from what others changed meanwhile. Those
 * not used for the longest time go first. */
#include <inttypes.h>
#include <string.h>

#include "document.h"
#include "marks.h"
#include "storyfs/alloc.h"

enum { REMEMBERED_BYTES = 8 << 20, VERSION_LEN = 16 };

static char *key_of(int64_t story_id, const char *version)
{
	return xasprintf("%" PRId64 "/%s", story_id, version);
}

void remembered_add_doubt(struct remembered *r, struct doubt *doubt, struct markdown *sent)
{
	r->doubts = xrealloc(r->doubts, r->n_doubts + 1, sizeof(*r->doubts));
	r->doubts[r->n_doubts++] = (struct remembered_doubt){ doubt, sent };
}

void remembered_drop_doubt(struct remembered *r)
{
	doubt_free(r->doubts[--r->n_doubts].doubt);
}

static void drop(struct remembered *r)
{
	for (size_t i = 0; i < r->n_sent; i++) {
		markdown_fini(r->sent[i]);
		free(r->sent[i]);
	}
	free(r->sent);
	while (r->n_doubts)
		remembered_drop_doubt(r);
	free(r->doubts);
	buf_fini(&r->text);
	free(r->key);
	free(r);
}

/* The lock is held. Whoever uses it frees it. */
static void forget_oldest(struct tree *t)
{
	struct remembered *r = table_pop(&t->remembered);

	t->remembered_bytes -= r->text.len;
	r->dropped = true;
	if (!r->n_users)
		drop(r);
}

/* The lock is held. The last one again. */
static struct remembered *use(struct tree *t, const char *key)
{
	struct remembered *r = table_find(&t->remembered, key, strlen(key));

	if (r) {
		table_remove(&t->remembered, &r->item);
		table_add(&t->remembered, &r->item, r->key, strlen(r->key));
	}
	return r;
}

/* It stands in the last line, which is always as long. */
static char *version_of(const struct buf *text)
{
	size_t behind = strlen(MARK_VERSION_END) + 1;

	return xstrndup(text->data + text->len - behind - VERSION_LEN, VERSION_LEN);
}

/* The lock is held. */
static void add(struct tree *t, struct remembered *r)
{
	table_add(&t->remembered, &r->item, r->key, strlen(r->key));
	t->remembered_bytes += r->text.len;
	while (t->remembered_bytes > REMEMBERED_BYTES && t->remembered.first != &r->item)
		forget_oldest(t);
}

void remembered_add(struct tree *t, int64_t story_id, const struct buf *text)
{
	scoped(free_ptr) char *version = version_of(text);
	scoped(free_ptr) char *key = key_of(story_id, version);

	lock_scope(&t->lock);
	if (use(t, key))
		return;
	struct remembered *r = xcalloc(1, sizeof(*r));

	r->key = take_ptr(key);
	buf_add(&r->text, text->data, text->len);
	buf_trim(&r->text);
	add(t, r);
}

void remembered_add_made(
	struct tree *t, int64_t story_id, const struct buf *text, struct markdown *made)
{
	struct remembered *r = xcalloc(1, sizeof(*r));

	r->key = key_of(story_id, REMEMBERED_MADE);
	buf_add(&r->text, text->data, text->len);
	buf_trim(&r->text);
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
	r->sent = xcalloc(1, sizeof(*r->sent));
	r->sent[r->n_sent++] = made;
	lock_scope(&t->lock);
	add(t, r);
}

struct remembered *remembered_take(struct tree *t, int64_t story_id, const char *version)
{
	scoped(free_ptr) char *key = key_of(story_id, version);

	lock_scope(&t->lock);
	struct remembered *r = use(t, key);

	if (r)
		r->n_users++;
	return r;
}

void remembered_give(struct tree *t, struct remembered *r)
{
	lock_scope(&t->lock);
	if (--r->n_users == 0 && r->dropped)
		drop(r);
}

void remembered_fini(struct tree *t)
{
	while (t->remembered.first)
		forget_oldest(t);
}
