/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts by field (or document), by process. Who reads a whole tree pushes out what it read itself,
 * not what others did. */
#include "seen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "storyfs/alloc.h"

enum {
	MOST_FIELDS = 256, /* of one process */
	MOST_READERS = 1024,
	MOST_BYTES = 32 << 20,
	MOST_ANCESTORS = 6,
};

struct shown {
	struct table_item item;
	uint64_t number; /* of the field */
	bool is_true;	 /* when an act of its process began */
	struct buf text;
};

struct reader {
	struct table_item item;
	pid_t id;
	struct table shown; /* the last one at the end */
};

static size_t count(const struct table *t)
{
	return t->first ? HASH_CNT(hh, t->first) : 0;
}

static void drop_oldest(struct seen *seen, struct reader *r)
{
	struct shown *s = table_pop(&r->shown);

	seen->bytes -= s->text.len;
	buf_fini(&s->text);
	free(s);
}

static void drop_reader(struct seen *seen, struct reader *r)
{
	while (r->shown.first)
		drop_oldest(seen, r);
	table_remove(&seen->readers, &r->item);
	free(r);
}

void seen_fini(struct seen *seen)
{
	while (seen->readers.first)
		drop_reader(seen, table_next(&seen->readers, NULL));
}

void seen_sweep(struct seen *seen)
{
	struct reader *r = table_next(&seen->readers, NULL);

	while (r) {
		struct reader *next = table_next(&seen->readers, r);

		if (kill(r->id, 0) < 0 && errno == ESRCH)
			drop_reader(seen, r);
		r = next;
	}
}

/* The one who reads now is the last to go. */
static struct reader *use_reader(struct seen *seen, pid_t id)
{
	struct reader *r = table_find(&seen->readers, &id, sizeof(id));

	if (r) {
		table_remove(&seen->readers, &r->item);
	} else {
		if (count(&seen->readers) >= MOST_READERS)
			seen_sweep(seen);
		if (count(&seen->readers) >= MOST_READERS)
			drop_reader(seen, table_next(&seen->readers, NULL));
		r = xcalloc(1, sizeof(*r));
		r->id = id;
	}
	table_add(&seen->readers, &r->item, &r->id, sizeof(r->id));
	return r;
}

static struct shown *use_shown(struct seen *seen, struct reader *r, uint64_t number)
{
	struct shown *s = table_find(&r->shown, &number, sizeof(number));

	if (s) {
		table_remove(&r->shown, &s->item);
	} else {
		if (count(&r->shown) >= MOST_FIELDS)
			drop_oldest(seen, r);
		s = xcalloc(1, sizeof(*s));
		s->number = number;
	}
	table_add(&r->shown, &s->item, &s->number, sizeof(s->number));
	return s;
}

static void note(struct seen *seen, pid_t id, uint64_t number, const struct buf *text)
{
	struct reader *r = use_reader(seen, id);
	struct shown *s = use_shown(seen, r, number);

	seen->bytes += text->len - s->text.len;
	buf_reset(&s->text);
	buf_add(&s->text, buf_str(text), text->len);
	while (seen->bytes > MOST_BYTES && count(&seen->readers) > 1)
		drop_reader(seen, table_next(&seen->readers, NULL));
}

void seen_note(
	struct seen *seen, struct process who, const struct node *node, const struct buf *text)
{
	if (who.id)
		note(seen, who.id, tree_number(node), text);
	if (who.parent && node->field >= 0)
		note(seen, who.parent, tree_number(node), text);
}

static const struct buf *find(const struct seen *seen, pid_t id, uint64_t number)
{
	const struct reader *r = table_find(&seen->readers, &id, sizeof(id));
	const struct shown *s = r ? table_find(&r->shown, &number, sizeof(number)) : NULL;

	return s ? &s->text : NULL;
}

const struct buf *seen_find(struct seen *seen, struct process who, const struct node *node)
{
	const struct buf *own = find(seen, who.id, tree_number(node));

	return own || node->field < 0 ? own : find(seen, who.parent, tree_number(node));
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(buf_str(a), buf_str(b), a->len) == 0;
}

void seen_reread(struct seen *seen, pid_t tid, const struct node *node, const struct buf *text)
{
	const struct buf *own = find(seen, tid, tree_number(node));

	if (own && is_same(own, text))
		return;
	struct process who = process_of_thread(tid);

	own = find(seen, who.id, tree_number(node));
	if (own && !is_same(own, text))
		seen_note(seen, who, node, text);
}

/* Is it a field of the resource, and what is its text now? */
static bool read_field(struct tree *t, const struct shown *s, int64_t id, struct buf *ret)
{
	struct node node;

	return tree_node(s->number, &node) && node.id == id && node.field >= 0 &&
	       tree_read(t, &node, ret) == 0;
}

static void begin_act(struct seen *seen, struct tree *t, pid_t reader, int64_t id)
{
	struct reader *r = table_find(&seen->readers, &reader, sizeof(reader));

	for (struct shown *s = NULL; r && (s = table_next(&r->shown, s));) {
		scoped(buf_fini) struct buf now = BUF_INIT;

		s->is_true = read_field(t, s, id, &now) && is_same(&now, &s->text);
	}
}

static void end_act(struct seen *seen, struct tree *t, pid_t reader, int64_t id)
{
	struct reader *r = table_find(&seen->readers, &reader, sizeof(reader));

	for (struct shown *s = NULL; r && (s = table_next(&r->shown, s));) {
		scoped(buf_fini) struct buf now = BUF_INIT;

		if (!s->is_true || !read_field(t, s, id, &now))
			continue;
		seen->bytes += now.len - s->text.len;
		buf_reset(&s->text);
		buf_add(&s->text, buf_str(&now), now.len);
	}
}

/* The process, the shell that runs it, the program that has the shell run it... */
static void each_for_whom(struct seen *seen, struct tree *t, struct process who, int64_t id,
	void (*act)(struct seen *seen, struct tree *t, pid_t reader, int64_t id))
{
	for (int i = 0; i < MOST_ANCESTORS && who.id; i++) {
		act(seen, t, who.id, id);
		who = who.parent ? process_of_thread(who.parent) : (struct process){ 0 };
	}
}

void seen_begin_act(struct seen *seen, struct tree *t, struct process who, int64_t id)
{
	each_for_whom(seen, t, who, id, begin_act);
}

void seen_end_act(struct seen *seen, struct tree *t, struct process who, int64_t id)
{
	each_for_whom(seen, t, who, id, end_act);
}
