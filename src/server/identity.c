/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The people of an archive. */
#include "storyfs/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { SHOWN_PEOPLE = 50 };
static const char owner_meta[] = "owner";

void identity_describe(const struct record *person, struct buf *b)
{
	static const int fields[] = { F_person_username, F_person_email };
	int n = 0;

	buf_add_str(b, record_text(person, F_person_name));
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (record_has(person, fields[i]))
			buf_add_fmt(b, "%s%s", n++ ? ", " : " (", record_text(person, fields[i]));
	}
	buf_add_fmt(b, "%s, id %" PRId64, n ? ")" : "", record_id(person));
}

static bool same_word(const char *a, const char *b)
{
	scoped(free_ptr) char *x = text_lower(a);
	scoped(free_ptr) char *y = text_lower(b);

	return strcmp(x, y) == 0;
}

/* Those whose field is this word. */
static void select_people(const struct records *people, int f, const char *who, struct records *ret)
{
	each_record(person, people) {
		if (record_has(person, f) && same_word(record_text(person, f), who))
			records_add(ret, record_ref(person));
	}
}

static void list_people(const struct records *people, struct buf *b)
{
	for (size_t i = 0; i < people->n && i < SHOWN_PEOPLE; i++) {
		buf_add_str(b, "\n  ");
		identity_describe(people->items[i], b);
	}
	if (people->n > SHOWN_PEOPLE)
		buf_add_fmt(b, "\n  and %zu more", people->n - SHOWN_PEOPLE);
}

static int choose(
	const struct records *people, const char *who, int64_t *ret_id, struct buf *reason)
{
	static const int fields[] = { F_person_username, F_person_email, F_person_name };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		scoped(records_fini) struct records found = { 0 };

		select_people(people, fields[i], who, &found);
		if (found.n == 1) {
			*ret_id = record_id(found.items[0]);
			return 0;
		}
		if (found.n) {
			buf_add_fmt(reason, "'%s' may be any of these; use the id:", who);
			list_people(&found, reason);
			return -ENOTUNIQ;
		}
	}
	buf_add_fmt(reason, "there is nobody called '%s' in the archive", who);
	if (people->n)
		buf_add_str(reason, "; there are:");
	list_people(people, reason);
	return -ENOENT;
}

int identity_find(struct tx *tx, const char *who, int64_t *ret_id, struct buf *ret_reason)
{
	const struct query q = { .kind = KIND_person, .limit = -1 };
	scoped(records_fini) struct records people = { 0 };
	int64_t id;
	int e = tx_list(tx, &q, &people);

	if (e < 0)
		return e;
	if (!text_is_valid(who, strlen(who))) {
		buf_add_str(ret_reason, "the name is not UTF-8");
		return -ENOENT;
	}
	each_record(person, &people) {
		if (parse_int(who, 1, INT64_MAX, &id) && record_id(person) == id) {
			*ret_id = id;
			return 0;
		}
	}
	return choose(&people, who, ret_id, ret_reason);
}

int identity_get_owner(struct tx *tx, int64_t *ret_id)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int e = tx_get_meta(tx, owner_meta, &text);

	if (e)
		return e;
	return parse_int(buf_str(&text), 1, INT64_MAX, ret_id) ? 0 : 1;
}

int identity_set_owner(struct tx *tx, int64_t id)
{
	scoped(free_ptr) char *text = xasprintf("%" PRId64, id);

	return tx_put_meta(tx, owner_meta, text);
}
