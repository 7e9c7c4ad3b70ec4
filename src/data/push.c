/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending: one PUT, and a look at the resource when nobody knows what became of it. */
#include <errno.h>

#include "known.h"
#include "storyfs/clock.h"

enum { LOOK_MS = 5000 };

/* Resources that an answer holds nested and that are listed elsewhere (a new label of a story) are
 * known from now on. */
static void learn_nested(struct store *s, const struct record *r, struct changes *changes)
{
	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);
		const struct value *v = record_get(r, f);

		if (field->type != TYPE_OBJECTS || v->state != VALUE_SET ||
			!schema_resource(field->of)->by_name)
			continue;
		for (size_t i = 0; i < v->records.n; i++)
			known_add(s, v->records.items[i], changes);
	}
}

static void learn(struct store *s, const struct record *r, const struct place *place)
{
	scoped(changes_fini) struct changes changes = { 0 };

	pthread_mutex_lock(&s->lock);
	known_put(s, r, place, &changes);
	learn_nested(s, r, &changes);
	pthread_mutex_unlock(&s->lock);
	changes_tell(s, &changes);
}

/* Was it done all the same? 0 with the record as it is, else the error of the write. */
static int look(struct store *s, const struct place *place, const struct record *patch, int error,
	struct record **ret)
{
	scoped(call_fini) struct call call = { .limit.deadline_ms = clock_deadline(LOOK_MS) };
	scoped(record_unref) struct record *now = NULL;

	if (api_get(s->api, place, &call, &now) < 0)
		return error;
	learn(s, now, place);
	if (!record_fulfils(now, patch))
		return error;
	*ret = take_ptr(now);
	return 0;
}

int store_update(struct store *s, const struct record *old, const struct record *patch,
	struct call *call, struct record **ret)
{
	struct place place = place_of(s, old);
	scoped(record_unref) struct record *now = NULL;
	int e = api_update(s->api, &place, patch, call, &now);

	/* Whoever interrupted does not want to wait for another answer. */
	if (e < 0 && api_is_outcome_unknown(e) && e != -EINTR)
		return look(s, &place, patch, e, ret);
	if (e < 0)
		return e;
	learn(s, now, &place);
	*ret = take_ptr(now);
	return 0;
}
