/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `.storyfs/conflicts`: saves that were not sent, for the server's value was no longer the one that
 * they were made from. Each stays until somebody settles it. */
#include "conflict.h"

#include <errno.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"

enum { MOST_BYTES = 16 << 20 }; /* then the oldest go; the journal has them still */

struct conflict {
	struct table_item item;
	int64_t id;
	struct node node; /* the field */
	struct buf base, mine, theirs;
	int64_t at_ns;
};

static void conflict_free(struct conflict *c)
{
	buf_fini(&c->base);
	buf_fini(&c->mine);
	buf_fini(&c->theirs);
	free(c);
}

void conflicts_fini(struct tree *t)
{
	struct conflict *c;

	while ((c = table_pop(&t->conflicts)))
		conflict_free(c);
}

/* The lock is held from here on. */
static struct conflict *find(const struct tree *t, int64_t id)
{
	return table_find(&t->conflicts, &id, sizeof(id));
}

static size_t size_of(const struct conflict *c)
{
	return sizeof(*c) + c->base.len + c->mine.len + c->theirs.len;
}

static void drop(struct tree *t, struct conflict *c)
{
	t->conflict_bytes -= size_of(c);
	table_remove(&t->conflicts, &c->item);
	conflict_free(c);
}

static bool is_text(const struct buf *b, const char *data, size_t len)
{
	return b->len == len && (!len || memcmp(b->data, data, len) == 0);
}

/* The one there is already of the same text: editors try again. */
static struct conflict *find_same(const struct tree *t, const struct conflict_texts *texts)
{
	struct conflict *c = NULL;

	while ((c = table_next(&t->conflicts, c))) {
		if (tree_number(&c->node) == tree_number(&texts->node) &&
			is_text(&c->mine, texts->mine, texts->mine_len))
			return c;
	}
	return NULL;
}

static struct conflict *make(struct tree *t, const struct conflict_texts *texts)
{
	struct conflict *c = xcalloc(1, sizeof(*c));

	c->id = ++t->last_conflict;
	c->node = texts->node;
	buf_add(&c->mine, texts->mine, texts->mine_len);
	t->conflict_bytes += size_of(c);
	table_add(&t->conflicts, &c->item, &c->id, sizeof(c->id));
	return c;
}

static void make_room(struct tree *t)
{
	struct conflict *oldest;

	while (t->conflict_bytes > MOST_BYTES && (oldest = table_next(&t->conflicts, NULL)) &&
		oldest->id != t->last_conflict) {
		log_warning("there are too many conflicts; the oldest goes");
		drop(t, oldest);
	}
}

int64_t conflict_put(struct tree *t, const struct conflict_texts *texts)
{
	lock_scope(&t->lock);
	struct conflict *c = find_same(t, texts);

	if (!c)
		c = make(t, texts);
	t->conflict_bytes -= size_of(c);
	buf_reset(&c->base);
	buf_reset(&c->theirs);
	buf_add(&c->base, buf_str(texts->base), texts->base->len);
	buf_add(&c->theirs, buf_str(texts->theirs), texts->theirs->len);
	t->conflict_bytes += size_of(c);
	c->at_ns = t->conflicts_ns = control_now(t);
	make_room(t);
	return c->id;
}

bool conflict_is_there(struct tree *t, int64_t id)
{
	lock_scope(&t->lock);
	return find(t, id) != NULL;
}

int64_t conflict_time(struct tree *t, int64_t id)
{
	lock_scope(&t->lock);
	const struct conflict *c = find(t, id);

	return c ? c->at_ns : t->conflicts_ns;
}

void conflict_list(struct tree *t, struct ids *ret)
{
	const struct conflict *c = NULL;

	lock_scope(&t->lock);
	while ((c = table_next(&t->conflicts, c)))
		ids_add(ret, c->id);
}

static void add(struct buf *ret, const struct buf *text)
{
	buf_add(ret, buf_str(text), text->len);
}

int conflict_read(struct tree *t, const struct node *node, struct buf *ret)
{
	struct node field;

	{
		lock_scope(&t->lock);
		const struct conflict *c = find(t, node->id);

		if (!c)
			return -ESTALE;
		field = c->node;
		if (node->row == ROW_conflict_base)
			add(ret, &c->base);
		else if (node->row == ROW_conflict_mine)
			add(ret, &c->mine);
		else if (node->row == ROW_conflict_theirs)
			add(ret, &c->theirs);
	}
	if (node->row != ROW_conflict_path)
		return 0;
	/* What it is in may be gone. */
	if (node_add_path(t, &field, ret) == 0)
		buf_add_char(ret, '\n');
	return 0;
}

/* ---- settling ---- */

static bool is_word(const char *data, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(data, word, len) == 0;
}

static void settle(struct tree *t, int64_t id)
{
	lock_scope(&t->lock);
	struct conflict *c = find(t, id);

	if (c)
		drop(t, c);
	t->conflicts_ns = control_now(t);
}

/* Save the text as one that was made from theirs. */
static int send(
	struct tree *t, int64_t id, const struct tree_text *text, const struct call_limit *limit)
{
	scoped(buf_fini) struct buf theirs = BUF_INIT, mine = BUF_INIT;
	struct tree_text sent = *text;
	struct node node;

	{
		lock_scope(&t->lock);
		const struct conflict *c = find(t, id);

		if (!c)
			return -ESTALE;
		node = c->node;
		add(&theirs, &c->theirs);
		add(&mine, &c->mine);
	}
	sent.base = &theirs;
	if (!text->data) {
		sent.data = buf_str(&mine);
		sent.len = mine.len;
	}
	return tree_save(t, &node, &sent, limit);
}

int conflict_resolve(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit)
{
	size_t len = text->len && text->data[text->len - 1] == '\n' ? text->len - 1 : text->len;
	int e = 0;

	if (!conflict_is_there(t, node->id))
		return -ESTALE;
	if (!len)
		return -EINVAL;
	if (is_word(text->data, len, "mine"))
		e = send(t, node->id, &(struct tree_text){ 0 }, limit);
	else if (!is_word(text->data, len, "theirs"))
		e = send(t, node->id, text, limit);
	if (e == 0)
		settle(t, node->id);
	return e;
}
