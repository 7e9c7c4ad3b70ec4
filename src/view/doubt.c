/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was to be made, and what there was before. */
#include "doubt.h"

#include <inttypes.h>
#include <string.h>

#include "storyfs/alloc.h"

struct doubt {
	struct table_item item;
	char *key; /* the directory's number and the name, while it is remembered */
	struct place place;
	struct record *patch;
	struct ids before;
};

struct doubt *doubt_new(struct tree *t, const struct place *place, const struct record *patch)
{
	struct doubt *d = xcalloc(1, sizeof(*d));

	d->place = *place;
	d->patch = record_ref(patch);
	if (store_peek_ids(t->store, place, &d->before) == 0)
		return d;
	doubt_free(d);
	return NULL;
}

void doubt_free(struct doubt *d)
{
	if (!d)
		return;
	free(d->key);
	record_unref(d->patch);
	ids_fini(&d->before);
	free(d);
}

const struct record *doubt_patch(const struct doubt *d)
{
	return d->patch;
}

int doubt_look(struct tree *t, const struct doubt *d, struct call *call, struct record **ret)
{
	return store_find_made(
		t->store, &(struct creation){ d->place, d->patch, &d->before, 0 }, call, ret);
}

/* ---- by name ---- */

static char *make_key(const struct node *dir, const char *name)
{
	return xasprintf("%" PRIu64 "/%s", tree_number(dir), name);
}

struct doubt *doubt_take(struct tree *t, const struct node *dir, const char *name)
{
	scoped(free_ptr) char *key = make_key(dir, name);

	lock_scope(&t->lock);
	struct doubt *d = table_find(&t->doubts, key, strlen(key));

	if (d)
		table_remove(&t->doubts, &d->item);
	return d;
}

void doubt_remember(struct tree *t, const struct node *dir, const char *name, struct doubt *d)
{
	doubt_free(doubt_take(t, dir, name));
	free(d->key);
	d->key = make_key(dir, name);
	lock_scope(&t->lock);
	table_add(&t->doubts, &d->item, d->key, strlen(d->key));
}

void doubts_fini(struct tree *t)
{
	struct doubt *d;

	while ((d = table_pop(&t->doubts)))
		doubt_free(d);
}
