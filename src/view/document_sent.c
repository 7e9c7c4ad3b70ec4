/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was sent of a document. An editor saves the same text again and again, in which new lines
 * have no ids: what a save made is not made by the next one. And two editors may have read the same
 * text: what the one sent is no wish of the other.
 */
#include <string.h>

#include "document.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

static bool is_same_item(const struct markdown_item *a, const struct markdown_item *b)
{
	return a->done == b->done && strcmp(a->text, b->text) == 0;
}

/* ---- whose is it? ---- */

/* The new item of mine that a made one stands for: the same, or with more behind it. */
static struct markdown_item *find_made(
	const struct markdown_items *mine, const struct markdown_item *made)
{
	struct markdown_item *longer = NULL;

	for (size_t i = 0; i < mine->n; i++) {
		struct markdown_item *item = &mine->v[i];

		if (item->id)
			continue;
		if (strcmp(item->text, made->text) == 0)
			return item;
		if (!longer && text_has_prefix(item->text, made->text))
			longer = item;
	}
	return longer;
}

static bool shares_items(const struct markdown_items *read, const struct markdown_items *sent,
	const struct markdown_items *mine)
{
	for (size_t i = 0; i < sent->n; i++) {
		const struct markdown_item *s = &sent->v[i], *m = document_find_item(mine, s->id);
		const struct markdown_item *r = document_find_item(read, s->id);

		if (!s->line ? find_made(mine, s) != NULL
			     : r && m && !is_same_item(r, s) && is_same_item(m, s))
			return true;
	}
	for (size_t i = 0; i < read->n; i++) {
		int64_t id = read->v[i].id;

		if (!document_find_item(sent, id) && !document_find_item(mine, id))
			return true;
	}
	return false;
}

static bool shares_fields(
	const struct markdown *read, const struct markdown *sent, const struct markdown *mine)
{
	each_field(f, KIND_story) {
		const char *text = document_text(sent, f);

		if (strcmp(text, document_text(read, f)) != 0 &&
			strcmp(text, document_text(mine, f)) == 0)
			return true;
	}
	return false;
}

static bool shares_comment(const struct markdown *sent, const struct markdown *mine)
{
	const struct markdown_comments *all = &sent->comments;

	return mine->comment && all->n && !all->v[all->n - 1].line &&
	       text_has_prefix(mine->comment, all->v[all->n - 1].text);
}

static bool shares_moves(const struct document_list *list, const struct markdown *read,
	const struct markdown *sent, const struct markdown *mine)
{
	const struct document_versions l = { list, document_items(read, list),
		document_items(mine, list), document_items(sent, list) };

	return document_shares_moves(&l);
}

static bool shares(
	const struct markdown *read, const struct markdown *sent, const struct markdown *mine)
{
	if (shares_fields(read, sent, mine) || shares_comment(sent, mine))
		return true;
	for (size_t i = 0; i < 2; i++) {
		const struct document_list *list = &document_lists[i];

		if (shares_items(document_items(read, list), document_items(sent, list),
			    document_items(mine, list)) ||
			shares_moves(list, read, sent, mine))
			return true;
	}
	return false;
}

struct markdown *document_find_sent(
	const struct remembered *r, const struct markdown *read, const struct markdown *mine)
{
	for (size_t i = r->n_sent; i; i--) {
		if (shares(read, r->sent[i - 1], mine))
			return r->sent[i - 1];
	}
	return NULL;
}

void document_adopt(struct markdown *mine, const struct markdown *sent)
{
	for (size_t i = 0; i < 2; i++) {
		const struct markdown_items *made = document_items(sent, &document_lists[i]);
		const struct markdown_items *items = document_items(mine, &document_lists[i]);

		for (size_t j = 0; j < made->n; j++) {
			struct markdown_item *item =
				made->v[j].line ? NULL : find_made(items, &made->v[j]);

			if (item)
				item->id = made->v[j].id;
		}
	}
}

static bool was_new(const struct markdown_item *item, const struct markdown_items *sent)
{
	const struct markdown_item *made = document_find_item(sent, item->id);

	return !item->id || (made && !made->line);
}

static size_t count_new(const struct markdown_items *items, const struct markdown_items *sent)
{
	size_t n = 0;

	for (size_t i = 0; i < items->n; i++)
		n += was_new(&items->v[i], sent);
	return n;
}

void document_follow(struct markdown *mine, struct markdown *last, const struct markdown *sent)
{
	document_adopt(last, sent);
	for (size_t i = 0; i < 2; i++) {
		const struct markdown_items *made = document_items(sent, &document_lists[i]);
		const struct markdown_items *before = document_items(last, &document_lists[i]);
		const struct markdown_items *items = document_items(mine, &document_lists[i]);

		if (count_new(items, made) != count_new(before, made))
			continue;
		for (size_t j = 0, at = 0; j < items->n; j++) {
			if (items->v[j].id)
				continue;
			while (!was_new(&before->v[at], made))
				at++;
			items->v[j].id = before->v[at++].id;
		}
	}
	document_adopt(mine, sent);
}

/* ---- noting ---- */

static const struct document_list *list_of(enum kind kind)
{
	for (size_t i = 0; i < 2; i++) {
		if (document_lists[i].kind == kind)
			return &document_lists[i];
	}
	return NULL;
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = xstrdup(by);
}

/* Those that moved meanwhile were not sent. */
static void note_fields(const struct document_plan *p, struct markdown *sent)
{
	each_field(f, KIND_story) {
		const char *base = document_text(p->base, f), *mine = document_text(p->mine, f);

		if (strcmp(mine, base) != 0 && strcmp(base, document_text(p->present, f)) == 0)
			replace(&sent->fields[f].text, mine);
	}
}

/* Where mine has it: behind what is before it there. */
static size_t place_of(const struct markdown_items *mine, const struct markdown_item *item,
	const struct markdown_items *sent)
{
	size_t at = 0;

	for (const struct markdown_item *before = item; before > mine->v && !at; before--) {
		const struct markdown_item *found = document_find_item(sent, before[-1].id);

		at = before[-1].id && found ? (size_t)(found - sent->v) + 1 : 0;
	}
	return at;
}

static void insert_item(const struct markdown_items *mine, const struct markdown_item *item,
	struct markdown_items *sent)
{
	size_t at = place_of(mine, item, sent);

	markdown_add_item(sent, (struct markdown_item){ 0 });
	memmove(&sent->v[at + 1], &sent->v[at], (sent->n - 1 - at) * sizeof(*sent->v));
	sent->v[at] = (struct markdown_item){
		.id = item->id, .done = item->done, .text = xstrdup(item->text)
	};
}

static void remove_item(struct markdown_items *sent, int64_t id)
{
	struct markdown_item *item = document_find_item(sent, id);

	if (!item)
		return;
	free(item->text);
	memmove(item, item + 1, (size_t)(&sent->v[sent->n] - (item + 1)) * sizeof(*item));
	sent->n--;
}

static void move_item(const struct markdown_items *mine, const struct markdown_item *item,
	struct markdown_item *found, struct markdown_items *sent)
{
	struct markdown_item moved = *found;

	memmove(found, found + 1, (size_t)(&sent->v[sent->n] - (found + 1)) * sizeof(*found));
	sent->n--;
	size_t at = place_of(mine, item, sent);

	memmove(&sent->v[at + 1], &sent->v[at], (sent->n - at) * sizeof(*sent->v));
	sent->v[at] = moved;
	sent->n++;
}

static void note_item(struct document_plan *p, const struct document_step *step, int64_t id,
	struct markdown *sent)
{
	const struct document_list *list = list_of(step->kind);
	struct markdown_items *items = document_items(sent, list);
	struct markdown_item *item = document_find_item(items, step->id);

	if (step->type == STEP_DELETE) {
		remove_item(items, step->id);
	} else if (step->type == STEP_CREATE) {
		step->item->id = id;
		insert_item(document_items(p->mine, list), step->item, items);
	} else if (item) {
		if (record_has(step->patch, list->text))
			replace(&item->text, record_text(step->patch, list->text));
		item->done = record_int(step->patch, list->done, item->done);
		if (list->has_order && record_has(step->patch, F_task_position))
			move_item(document_items(p->mine, list), step->item, item, items);
	}
}

static void note_comment(const struct document_step *step, int64_t id, struct markdown *sent)
{
	struct markdown_comments *all = &sent->comments;
	const char *text = record_text(step->patch, F_comment_text);

	if (step->type == STEP_CREATE)
		markdown_add_comment(
			all, (struct markdown_comment){
				     .id = id, .head = xstrdup(""), .text = xstrdup(text) });
	else
		replace(&all->v[all->n - 1].text, text);
}

void document_note_made(const struct record *made, struct markdown *sent)
{
	const struct document_list *list = list_of(record_kind(made));

	if (list)
		markdown_add_item(document_items(sent, list),
			(struct markdown_item){ .id = record_id(made),
				.done = record_int(made, list->done, 0),
				.text = xstrdup(record_text(made, list->text)) });
	else
		markdown_add_comment(&sent->comments,
			(struct markdown_comment){ .id = record_id(made),
				.head = xstrdup(""),
				.text = xstrdup(record_text(made, F_comment_text)) });
}

void document_note_sent(struct document_plan *p, const struct document_step *step, int64_t id,
	struct markdown *sent)
{
	if (step->kind == KIND_story)
		note_fields(p, sent);
	else if (step->kind == KIND_comment)
		note_comment(step, id, sent);
	else
		note_item(p, step, id, sent);
}
