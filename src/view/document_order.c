/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of a document's list. Against the order that was read, mine tells what I moved; as few
 * of the tasks as possible are sent elsewhere, each right behind the one it follows in mine. Where
 * that is, is found by doing what the steps will do, one after the other, to the list as it is.
 */
#include <string.h>

#include "document.h"
#include "storyfs/alloc.h"

/* Tasks that are in all three, as mine has them, and where the others have them. */
struct common {
	size_t n;
	const struct markdown_item **items;
	size_t *base, *present;
	bool *stays; /* where it is */
};

static void common_fini(struct common *c)
{
	free(c->items);
	free(c->base);
	free(c->present);
	free(c->stays);
}

SCOPED_VALUE(struct common, common_fini);

static void find_common(const struct document_versions *l, struct common *ret)
{
	*ret = (struct common){ .items = xcalloc(l->mine->n, sizeof(struct markdown_item *)),
		.base = xcalloc(l->mine->n, sizeof(*ret->base)),
		.present = xcalloc(l->mine->n, sizeof(*ret->present)),
		.stays = xcalloc(l->mine->n, sizeof(*ret->stays)) };
	for (size_t i = 0; i < l->mine->n; i++) {
		const struct markdown_item *mine = &l->mine->v[i];
		const struct markdown_item *base =
			mine->id ? document_find_item(l->base, mine->id) : NULL;
		const struct markdown_item *present =
			base ? document_find_item(l->present, mine->id) : NULL;

		if (!present)
			continue;
		ret->items[ret->n] = mine;
		ret->base[ret->n] = (size_t)(base - l->base->v);
		ret->present[ret->n] = (size_t)(present - l->present->v);
		ret->stays[ret->n++] = true;
	}
}

static bool is_rising(const size_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (v[i - 1] > v[i])
			return false;
	}
	return true;
}

/* Two orders of the same: does each pair stand alike in both? */
static bool is_same_order(const struct common *c)
{
	for (size_t i = 0; i < c->n; i++) {
		for (size_t j = 0; j < i; j++) {
			if ((c->base[j] < c->base[i]) != (c->present[j] < c->present[i]))
				return false;
		}
	}
	return true;
}

/* The most that stand in the order they are in already stay; the last such row of them. */
static void find_longest(struct common *c)
{
	size_t *len = xcalloc(c->n, sizeof(*len)), *before = xcalloc(c->n, sizeof(*before));
	size_t best = 0;

	for (size_t i = 0; i < c->n; i++) {
		before[i] = i;
		for (size_t j = 0; j < i; j++) {
			if (c->present[j] < c->present[i] && len[j] + 1 > len[i]) {
				len[i] = len[j] + 1;
				before[i] = j;
			}
		}
		if (len[i] >= len[best])
			best = i;
	}
	memset(c->stays, 0, c->n * sizeof(*c->stays));
	for (c->stays[best] = true; before[best] != best; c->stays[best] = true)
		best = before[best];
	free(len);
	free(before);
}

/* False when others moved some, too, otherwise than I. */
static bool find_moves(struct common *c)
{
	if (is_rising(c->base, c->n) || is_rising(c->present, c->n))
		return true;
	if (!is_same_order(c))
		return false;
	find_longest(c);
	return true;
}

/* ---- the list while the steps are done ---- */

/* What stands for a new one. */
static int64_t key_of(const struct markdown_items *mine, size_t at)
{
	return mine->v[at].id ? mine->v[at].id : -1 - (int64_t)at;
}

static size_t index_of(const struct ids *now, int64_t key)
{
	size_t i = 0;

	while (i < now->n && now->v[i] != key)
		i++;
	return i;
}

static void insert(struct ids *now, size_t at, int64_t key)
{
	ids_add(now, key);
	memmove(&now->v[at + 1], &now->v[at], (now->n - 1 - at) * sizeof(*now->v));
	now->v[at] = key;
}

/* Behind the nearest of those before it in mine that are there. */
static size_t place_behind(const struct ids *now, const struct markdown_items *mine, size_t at)
{
	while (at--) {
		size_t i = index_of(now, key_of(mine, at));

		if (i < now->n)
			return i + 1;
	}
	return 0;
}

static bool stays(const struct common *c, const struct markdown_item *item)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i] == item)
			return c->stays[i];
	}
	return true;
}

/* Nothing of mine that is there already comes behind it. */
static bool is_last(const struct document_versions *l, size_t at)
{
	for (size_t i = at + 1; i < l->mine->n; i++) {
		if (l->mine->v[i].id && document_find_item(l->present, l->mine->v[i].id))
			return false;
	}
	return true;
}

/* The list without what the save removes, which goes first. */
static void begin_list(const struct document_versions *l, struct ids *ret)
{
	for (size_t i = 0; i < l->present->n; i++) {
		const struct markdown_item *item = &l->present->v[i];

		if (!document_is_removed(l, item))
			ids_add(ret, item->id);
	}
}

/* The position to be sent; 0 for none. */
static int64_t put(
	const struct document_versions *l, const struct common *c, size_t at, struct ids *now)
{
	const struct markdown_item *item = &l->mine->v[at];

	if (!item->id && is_last(l, at)) {
		ids_add(now, key_of(l->mine, at));
		return 0;
	}
	if (item->id && (stays(c, item) || !ids_remove(now, item->id)))
		return 0;
	size_t to = place_behind(now, l->mine, at);

	insert(now, to, key_of(l->mine, at));
	return (int64_t)to + 1;
}

bool document_find_positions(const struct document_versions *l, int64_t **ret)
{
	scoped(common_fini) struct common common;
	scoped(ids_fini) struct ids now = { 0 };
	int64_t *positions = xcalloc(l->mine->n, sizeof(*positions));

	find_common(l, &common);
	bool is_clear = find_moves(&common);

	begin_list(l, &now);
	for (size_t i = 0; i < l->mine->n; i++)
		positions[i] = put(l, &common, i, &now);
	*ret = positions;
	return is_clear;
}

bool document_shares_moves(const struct document_versions *l)
{
	scoped(common_fini) struct common c;

	find_common(l, &c);
	for (size_t i = 0; i < c.n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (c.base[j] > c.base[i] && c.present[j] < c.present[i])
				return true;
		}
	}
	return false;
}
