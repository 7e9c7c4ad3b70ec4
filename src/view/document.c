/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of stories, from what the store has. */
#include "document.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "storyfs/alloc.h"

const struct document_list document_lists[2] = {
	{ KIND_task, F_task_description, F_task_complete, true, offsetof(struct markdown, tasks) },
	{ KIND_blocker, F_blocker_description, F_blocker_resolved, false,
		offsetof(struct markdown, blockers) },
};

/* What a document needs beside the story. */
static const enum kind below[] = { KIND_task, KIND_blocker, KIND_comment };

struct markdown_item *document_find_item(const struct markdown_items *items, int64_t id)
{
	for (size_t i = 0; i < items->n; i++) {
		if (items->v[i].id == id)
			return &items->v[i];
	}
	return NULL;
}

const char *document_text(const struct markdown *m, int f)
{
	return m->fields[f].text ? m->fields[f].text : "";
}

static struct place place_below(enum kind kind, int64_t story_id)
{
	return (struct place){ .kind = kind, .parent = KIND_story, .parent_id = story_id };
}

/* ---- making ---- */

static void add_fields(
	const struct record *story, const struct resolver *resolver, struct markdown *ret)
{
	each_field(f, KIND_story) {
		struct buf text = BUF_INIT;

		if (!markdown_has_field(f))
			continue;
		plain_write(story, f, resolver, &text);
		ret->fields[f].text = buf_take(&text);
	}
}

static void add_items(struct tree *t, const struct document_list *list, int64_t story_id,
	struct markdown_items *ret)
{
	scoped(records_fini) struct records all = { 0 };
	struct place place = place_below(list->kind, story_id);

	store_peek_list(t->store, &place, &all);
	each_record(r, &all)
		markdown_add_item(ret, (struct markdown_item){ .id = record_id(r),
					       .done = record_int(r, list->done, 0),
					       .text = xstrdup(record_text(r, list->text)) });
}

static void add_comments(struct tree *t, int64_t story_id, const struct resolver *resolver,
	struct markdown_comments *ret)
{
	scoped(records_fini) struct records all = { 0 };
	struct place place = place_below(KIND_comment, story_id);

	store_peek_list(t->store, &place, &all);
	each_record(r, &all) {
		struct buf head = BUF_INIT;

		plain_write(r, F_comment_person, resolver, &head);
		buf_add_str(&head, ", ");
		plain_write(r, F_comment_created_at, resolver, &head);
		markdown_add_comment(
			ret, (struct markdown_comment){ .id = record_id(r),
				     .head = buf_take(&head),
				     .text = xstrdup(record_text(r, F_comment_text)) });
	}
}

int document_make(struct tree *t, const struct record *story, struct markdown *ret)
{
	struct people people = { t, store_project_of(t->store, story) };
	struct resolver resolver = people_resolver(&people);

	add_fields(story, &resolver, ret);
	for (size_t i = 0; i < 2; i++)
		add_items(t, &document_lists[i], record_id(story),
			document_items(ret, &document_lists[i]));
	add_comments(t, record_id(story), &resolver, &ret->comments);
	return 0;
}

int document_write(struct tree *t, int64_t story_id, struct buf *ret)
{
	scoped(record_unref) struct record *story = NULL;
	scoped(markdown_fini) struct markdown m = { 0 };

	if (store_peek(t->store, KIND_story, story_id, &story))
		return -ESTALE;
	document_make(t, story, &m);
	markdown_write(&m, ret);
	return 0;
}

int document_read(struct tree *t, int64_t story_id, struct buf *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int e = document_write(t, story_id, &text);

	if (e < 0)
		return e;
	remembered_add(t, story_id, &text);
	buf_add(ret, text.data, text.len);
	return 0;
}

/* ---- loading ---- */

int document_load(struct tree *t, int64_t story_id, struct call *call)
{
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		struct place place = place_below(below[i], story_id);
		scoped(record_unref) struct record *none = NULL;
		/* No id: nothing is found, but all is loaded. */
		int e = store_find(t->store, &place, call, &none);

		if (e < 0)
			return e;
	}
	return 0;
}

/* ---- time ---- */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t fields_mtime(struct tree *t, const struct record *r, const int *fields, size_t n)
{
	int64_t at = 0;

	for (size_t i = 0; i < n; i++)
		at = later(at, file_mtime(t, r, fields[i]));
	return at;
}

static int64_t below_mtime(struct tree *t, enum kind kind, int64_t story_id)
{
	static const int task[] = { F_task_description, F_task_complete };
	static const int blocker[] = { F_blocker_description, F_blocker_resolved };
	static const int comment[] = { F_comment_text, F_comment_person, F_comment_created_at };
	scoped(records_fini) struct records all = { 0 };
	struct place place = place_below(kind, story_id);
	int64_t at = store_list_mtime(t->store, &place);

	store_peek_list(t->store, &place, &all);
	each_record(r, &all)
		at = later(at, kind == KIND_task      ? fields_mtime(t, r, task, 2)
			       : kind == KIND_blocker ? fields_mtime(t, r, blocker, 2)
						      : fields_mtime(t, r, comment, 3));
	return at;
}

int64_t document_mtime(struct tree *t, const struct record *story)
{
	int64_t at = 0;

	each_field(f, KIND_story) {
		if (markdown_has_field(f))
			at = later(at, file_mtime(t, story, f));
	}
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		at = later(at, below_mtime(t, below[i], record_id(story)));
	return at;
}

bool document_shows(enum kind kind)
{
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		if (below[i] == kind)
			return true;
	}
	return kind == KIND_story;
}
