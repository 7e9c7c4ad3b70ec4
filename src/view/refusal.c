/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refused saves: why, a text a field, until the field's next good save. */
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

static struct refusal *find(struct tree *t, enum kind kind, int64_t id, int f)
{
	struct refusal wanted, *r;

	memset(&wanted, 0, sizeof(wanted));
	wanted.key.kind = kind;
	wanted.key.field = f;
	wanted.key.id = id;
	HASH_FIND(hh, t->refusals, &wanted.key, sizeof(wanted.key), r);
	return r;
}

static bool matches(const struct refusal *r, enum kind kind, int64_t id, int f)
{
	return r->key.kind == kind && r->key.id == id && (f < 0 || r->key.field == f);
}

void refusal_put(struct tree *t, enum kind kind, int64_t id, int f, char *text)
{
	lock_scope(&t->lock);
	struct refusal *r = find(t, kind, id, f);
	int64_t now = clock_now_ms() * 1000000;

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		r->key.kind = kind;
		r->key.field = f;
		r->key.id = id;
		HASH_ADD(hh, t->refusals, key, sizeof(r->key), r);
	}
	free(r->text);
	r->text = text;
	r->at_ns = now > r->at_ns ? now : r->at_ns + 1;
}

void refusal_drop(struct tree *t, enum kind kind, int64_t id, int f)
{
	struct refusal *r, *next;

	lock_scope(&t->lock);
	HASH_ITER(hh, t->refusals, r, next) {
		if (kind != KIND_none && !matches(r, kind, id, f))
			continue;
		HASH_DEL(t->refusals, r);
		free(r->text);
		free(r);
	}
}

int refusal_get(struct tree *t, enum kind kind, int64_t id, int f, struct buf *ret)
{
	struct refusal *r, *next;
	int none = 1;

	lock_scope(&t->lock);
	HASH_ITER(hh, t->refusals, r, next) {
		if (!matches(r, kind, id, f))
			continue;
		if (!none)
			buf_add_char(ret, '\n');
		buf_add_str(ret, r->text);
		none = 0;
	}
	return none;
}

int64_t refusal_time(struct tree *t, enum kind kind, int64_t id)
{
	struct refusal *r, *next;
	int64_t latest = 0;

	lock_scope(&t->lock);
	HASH_ITER(hh, t->refusals, r, next) {
		if (matches(r, kind, id, -1) && r->at_ns > latest)
			latest = r->at_ns;
	}
	return latest;
}
