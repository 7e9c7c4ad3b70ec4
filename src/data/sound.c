/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids of lists, looked at before the lists are taken in. */
#include "sound.h"

#include <inttypes.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/log.h"

enum { PROBLEM_BYTES = 8 << 10 }; /* what is kept of what one list has wrong */

struct seen {
	struct table_item item;
	int64_t id;
	struct record *record;
};

static void tell(struct sound *s, const struct record *r, const char *what)
{
	buf_add_fmt(s->problems, "%s %" PRId64 ": %s\n", schema_resource(record_kind(r))->name,
		record_id(r), what);
}

/* Is the id of its kind one that we gave (sources.h's prepare)? */
static bool is_ours(const struct record *r)
{
	enum kind kind = record_kind(r);
	int id = schema_find_field(kind, "id");

	return schema_field(kind, id)->flags & FIELD_HIDDEN;
}

static bool has_id(struct sound *s, const struct record *r)
{
	bool is_id = record_id(r) > 0 && (record_id(r) < STORE_MAX_ID || is_ours(r));

	if (!is_id)
		tell(s, r, "this can be no id; it is left out");
	return is_id;
}

static bool is_first(struct sound *s, struct record *r)
{
	int64_t id = record_id(r);
	struct seen *one = table_find(&s->seen, &id, sizeof(id));

	if (one && !record_same(one->record, r))
		tell(s, r, "it is there twice; the first one is shown");
	if (one)
		return false;
	one = xcalloc(1, sizeof(*one));
	one->id = id;
	one->record = record_ref(r);
	table_add(&s->seen, &one->item, &one->id, sizeof(one->id));
	return true;
}

void sound_add(struct sound *s, const struct records *list, struct records *ret)
{
	each_record(r, list) {
		if (has_id(s, r) && is_first(s, r))
			records_add(ret, record_ref(r));
	}
}

void sound_fini(struct sound *s)
{
	struct seen *one;

	while ((one = table_pop(&s->seen))) {
		record_unref(one->record);
		free(one);
	}
}

void sound_note(struct load *l, const struct buf *problems)
{
	bool is_long = problems->len > PROBLEM_BYTES;
	scoped(free_ptr) char *text = NULL;

	if (problems->len)
		text = xasprintf("%.*s%s", PROBLEM_BYTES, problems->data, is_long ? "...\n" : "");
	if (text && !(l->problems && strcmp(l->problems, text) == 0))
		log_warning("%s: %s", schema_resource(l->key.kind)->plural, text);
	free(l->problems);
	l->problems = take_ptr(text);
}
