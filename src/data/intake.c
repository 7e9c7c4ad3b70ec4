/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a replacement of records changed, from under the lock to those who are told. */
#include "known.h"
#include "storyfs/alloc.h"

void intake_fini(struct intake *in)
{
	for (size_t i = 0; i < in->n; i++) {
		record_unref(in->changes[i].before);
		record_unref(in->changes[i].after);
	}
	free(in->changes);
	in->changes = NULL;
	in->n = in->cap = 0;
}

/* Until end_telling the listener stays who it is. */
static void (*begin_telling(struct store *s))(void *data, const struct change *change)
{
	lock_scope(&s->lock);
	s->n_telling += s->changed != NULL;
	return s->changed;
}

static void end_telling(struct store *s)
{
	lock_scope(&s->lock);
	s->n_telling--;
	pthread_cond_broadcast(&s->wake);
}

void intake_tell(struct store *s, struct intake *in)
{
	void (*changed)(void *data, const struct change *change) = in->n ? begin_telling(s) : NULL;

	for (size_t i = 0; changed && i < in->n; i++) {
		struct pending_change *item = &in->changes[i];

		item->change.before = item->before;
		item->change.after = item->after;
		changed(s->data, &item->change);
	}
	if (changed)
		end_telling(s);
	intake_fini(in);
}

void intake_add(struct intake *in, enum change_type type, const struct entry *e,
	const struct place *place, const struct record *before)
{
	if (in->n == in->cap) {
		in->cap = in->cap ? in->cap * 2 : 16;
		in->changes = xrealloc(in->changes, in->cap, sizeof(*in->changes));
	}
	in->changes[in->n++] = (struct pending_change){
		.change = { .type = type,
			.kind = e->key.kind,
			.id = e->key.id,
			.parent = place->parent,
			.parent_id = place->parent_id },
		.before = before ? record_ref(before) : NULL,
		.after = record_ref(e->record),
	};
}
