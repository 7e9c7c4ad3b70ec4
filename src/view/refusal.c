/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refused saves: why, a text a field, until the field's next good save. By resource, so that a
 * script whose every save fails does not slow down what follows. */
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

struct refusal {
	struct table_item item;
	struct {
		enum kind kind;
		int padding; /* a hash key has no stray bytes */
		int64_t id;
	} key;
	char **texts; /* by field, NULL where there is none */
	int n_texts;
	int64_t at_ns;
};

static struct refusal *find(struct tree *t, enum kind kind, int64_t id)
{
	struct refusal wanted;

	memset(&wanted, 0, sizeof(wanted));
	wanted.key.kind = kind;
	wanted.key.id = id;
	return table_find(&t->refusals, &wanted.key, sizeof(wanted.key));
}

static struct refusal *make(struct tree *t, enum kind kind, int64_t id)
{
	struct refusal *r = xcalloc(1, sizeof(*r));

	r->key.kind = kind;
	r->key.id = id;
	r->texts = xcalloc((size_t)schema_resource(kind)->n_fields, sizeof(*r->texts));
	table_add(&t->refusals, &r->item, &r->key, sizeof(r->key));
	return r;
}

static void refusal_free(struct refusal *r)
{
	each_field(f, r->key.kind)
		free(r->texts[f]);
	free(r->texts);
	free(r);
}

void refusal_put(struct tree *t, enum kind kind, int64_t id, int f, char *text)
{
	lock_scope(&t->lock);
	struct refusal *r = find(t, kind, id);
	int64_t now = clock_now_ms() * 1000000;

	if (!r)
		r = make(t, kind, id);
	r->n_texts += !r->texts[f];
	free(r->texts[f]);
	r->texts[f] = text;
	r->at_ns = now > r->at_ns ? now : r->at_ns + 1;
}

void refusal_drop(struct tree *t, enum kind kind, int64_t id, int f)
{
	lock_scope(&t->lock);
	struct refusal *r = find(t, kind, id);

	if (!r || (f >= 0 && !r->texts[f]))
		return;
	if (f < 0 || r->n_texts == 1) {
		table_remove(&t->refusals, &r->item);
		refusal_free(r);
		return;
	}
	free(r->texts[f]);
	r->texts[f] = NULL;
	r->n_texts--;
	r->at_ns++;
}

int refusal_get(struct tree *t, enum kind kind, int64_t id, int f, struct buf *ret)
{
	lock_scope(&t->lock);
	struct refusal *r = find(t, kind, id);
	int none = 1;

	for (int i = 0; r && i < schema_resource(kind)->n_fields; i++) {
		if (!r->texts[i] || (f >= 0 && i != f))
			continue;
		if (!none)
			buf_add_char(ret, '\n');
		buf_add_str(ret, r->texts[i]);
		none = 0;
	}
	return none;
}

int64_t refusal_time(struct tree *t, enum kind kind, int64_t id)
{
	lock_scope(&t->lock);
	const struct refusal *r = find(t, kind, id);

	return r ? r->at_ns : 0;
}

void refusals_fini(struct tree *t)
{
	struct refusal *r;

	while ((r = table_pop(&t->refusals)))
		refusal_free(r);
}
