/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refused saves: why, a text a file, until the file's next good save. By directory, so that a
 * script whose every save fails does not slow down what follows. */
#include <string.h>
#include <utlist.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 1000 };

/* What was refused in a directory: by a file of it, or of the directory itself. */
struct refused {
	uint64_t number;
	char *text;
	int64_t at_ns;
	struct refused *prev, *next;
};

struct refusal {
	struct table_item item;
	uint64_t dir;
	struct refused *all; /* by number, which is the order of fields */
	int64_t at_ns;
};

static struct refusal *find(struct tree *t, const struct node *dir)
{
	uint64_t number = tree_number(dir);

	return table_find(&t->refusals, &number, sizeof(number));
}

static int compare(const struct refused *a, const struct refused *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

/* NOLINTBEGIN(readability-function-size, clang-analyzer-*): utlist's macros nest deep, and what
 * they free they no longer hold. */

static struct refused *find_one(const struct refusal *r, const struct node *node)
{
	struct refused *one;
	uint64_t number = tree_number(node);

	DL_FOREACH(r->all, one) {
		if (one->number == number)
			return one;
	}
	return NULL;
}

static void add(struct refusal *r, struct refused *one)
{
	DL_INSERT_INORDER(r->all, one, compare);
}

static void remove_one(struct refusal *r, struct refused *one)
{
	DL_DELETE(r->all, one);
	free(one->text);
	free(one);
}

static void refusal_free(struct refusal *r)
{
	while (r->all)
		remove_one(r, r->all);
	free(r);
}

/* NOLINTEND(readability-function-size, clang-analyzer-*) */

static struct refusal *make(struct tree *t, const struct node *dir)
{
	struct refusal *r = xcalloc(1, sizeof(*r));

	r->dir = tree_number(dir);
	table_add(&t->refusals, &r->item, &r->dir, sizeof(r->dir));
	return r;
}

void refusal_put(struct tree *t, const struct node *dir, const struct node *node, char *text)
{
	struct node place = refusal_place(t, dir);

	lock_scope(&t->lock);
	struct refusal *r = find(t, &place);
	int64_t now = clock_now_ms() * 1000000;

	if (!r)
		r = make(t, &place);
	struct refused *one = find_one(r, node);

	if (!one) {
		one = xcalloc(1, sizeof(*one));
		one->number = tree_number(node);
		add(r, one);
	}
	free(one->text);
	one->text = text;
	r->at_ns = one->at_ns = now > r->at_ns ? now : r->at_ns + 1;
}

void refusal_drop(struct tree *t, const struct node *dir, const struct node *node)
{
	struct node place = node ? refusal_place(t, dir) : *dir;

	lock_scope(&t->lock);
	struct refusal *r = find(t, &place);
	struct refused *one = r && node ? find_one(r, node) : NULL;

	if (!r || (node && !one))
		return;
	if (one)
		remove_one(r, one);
	r->at_ns++;
	if (one && r->all)
		return;
	table_remove(&t->refusals, &r->item);
	refusal_free(r);
}

static void add_all(const struct refusal *r, struct buf *b)
{
	for (const struct refused *one = r->all; one; one = one->next) {
		buf_add_str(b, one->text);
		if (one->next)
			buf_add_char(b, '\n');
	}
}

int refusal_get(struct tree *t, const struct node *dir, const struct node *node, struct buf *ret)
{
	struct node place = node ? refusal_place(t, dir) : *dir;

	lock_scope(&t->lock);
	const struct refusal *r = find(t, &place);
	const struct refused *only = r && node ? find_one(r, node) : NULL;

	if (!r || (node && !only))
		return 1;
	if (only)
		buf_add_str(ret, only->text);
	else
		add_all(r, ret);
	return 0;
}

int refusals_read(struct tree *t, struct buf *ret)
{
	const struct refusal *r = NULL;
	struct node dir;

	lock_scope(&t->lock);
	while ((r = table_next(&t->refusals, r))) {
		if (!tree_node(r->dir, &dir))
			continue;
		scoped(buf_fini) struct buf path = BUF_INIT;

		if (node_add_path(t, &dir, &path) < 0)
			continue;
		buf_add_fmt(ret, "%s%s/\n", ret->len ? "\n" : "", buf_str(&path));
		add_all(r, ret);
	}
	return 0;
}

void refusals_add_status(struct tree *t, struct buf *ret)
{
	const struct refusal *r = NULL;
	const struct refused *last = NULL;
	scoped(buf_fini) struct buf path = BUF_INIT;
	struct node dir = NODE_ROOT;
	size_t n = 0;

	lock_scope(&t->lock);
	while ((r = table_next(&t->refusals, r))) {
		for (const struct refused *one = r->all; one; one = one->next, n++) {
			if ((last && one->at_ns < last->at_ns) || !tree_node(r->dir, &dir))
				continue;
			last = one;
			buf_reset(&path);
			node_add_path(t, &dir, &path);
		}
	}
	buf_add_fmt(ret, "refused: %zu\n", n);
	if (!last)
		return;
	buf_add_fmt(ret, "last_refusal: %s%s", buf_str(&path), path.len ? "/" : "");
	text_add_excerpt(ret, last->text, strcspn(last->text, "\n"), SHOWN_BYTES);
	buf_add_char(ret, '\n');
}

int64_t refusal_time(struct tree *t, const struct node *dir)
{
	lock_scope(&t->lock);
	const struct refusal *r = find(t, dir);

	return r ? r->at_ns : 0;
}

void refusals_fini(struct tree *t)
{
	struct refusal *r;

	while ((r = table_pop(&t->refusals)))
		refusal_free(r);
}
