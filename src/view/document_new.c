/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new story of a document: one POST with all that it says, so that there is never half of it. */
#include <errno.h>
#include <string.h>

#include "document.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"
#include "write.h"

static const char suffix[] = ".md";

static size_t stem_length(const char *name)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && strcmp(name + len - n, suffix) == 0 ? len - n : 0;
}

bool tree_makes_named(const struct node *dir, const char *name)
{
	return dir->field < 0 && layout_of(dir->row)->type == ROW_DOCUMENTS && name[0] != '.' &&
	       stem_length(name);
}

struct making {
	struct tree *tree;
	const struct node *dir;
	const char *name;
	struct buf text;
	struct markdown mine;
	struct people people;
	struct resolver resolver;
	struct document_plan plan; /* of no steps: what reads the parts */
	struct call call;
};

static void making_fini(struct making *m)
{
	buf_fini(&m->text);
	markdown_fini(&m->mine);
	document_plan_fini(&m->plan);
	call_fini(&m->call);
}

SCOPED_VALUE(struct making, making_fini);

/* ---- reading ---- */

static int check_name(struct making *m, const char *name)
{
	if (strspn(name, "0123456789") != stem_length(name))
		return 0;
	buf_add_str(&m->plan.reason,
		"no story has this number, and numbers are given by the server; "
		"another name makes a story\n");
	return -EINVAL;
}

static int read_fields(struct making *m, struct record *patch)
{
	each_field(f, KIND_story) {
		scoped(record_unref) struct record *one = NULL;

		if (!*document_text(&m->mine, f))
			continue;
		int e = document_read_field(&m->plan, f, &one);

		if (e < 0)
			return e;
		document_merge(patch, one);
	}
	if (record_has(patch, F_story_name))
		return 0;
	buf_add_fmt(&m->plan.reason, "line %zu: a story has a name\n",
		m->mine.fields[F_story_name].line);
	return -EINVAL;
}

static int read_items(struct making *m, const struct document_list *list, struct record *patch)
{
	const struct markdown_items *items = document_items(&m->mine, list);
	scoped(records_fini) struct records all = { 0 };
	int nested = list->kind == KIND_task ? F_story_tasks : F_story_blockers;

	for (size_t i = 0; i < items->n; i++) {
		struct record *one;
		int e = document_read_item(&m->plan, list, &items->v[i], &one);

		if (e < 0)
			return e;
		records_add(&all, one);
	}
	if (all.n)
		record_set_objects(patch, nested, &all);
	return 0;
}

static int read_comment(struct making *m, struct record *patch)
{
	scoped(records_fini) struct records all = { 0 };
	struct record *one;

	if (m->mine.comments.n) {
		buf_add_fmt(&m->plan.reason,
			"line %zu: the comments of another story cannot be copied; take them out\n",
			m->mine.comments.v[0].line);
		return -EINVAL;
	}
	if (!m->mine.comment)
		return 0;
	int e = document_read_comment(&m->plan, &one);

	if (e < 0)
		return e;
	records_add(&all, one);
	record_set_objects(patch, F_story_comments, &all);
	return 0;
}

/* People have names once the members are known, which come with the stories. */
static int load(struct making *m)
{
	struct place stories = layout_place(m->dir);
	scoped(record_unref) struct record *none = NULL;
	int e = store_find(m->tree->store, &stories, &m->call, &none);

	return e < 0 ? e : 0;
}

static int read_document(struct making *m, const struct tree_text *text, struct record *patch)
{
	int e = check_name(m, text->name);

	buf_add(&m->text, text->data, text->len);
	if (e == 0)
		e = markdown_read(&m->text, MARKDOWN_OF_NEW, &m->mine, &m->plan.reason);
	if (e == 0)
		e = load(m);
	if (e == 0)
		e = read_fields(m, patch);
	for (size_t i = 0; e == 0 && i < 2; i++)
		e = read_items(m, &document_lists[i], patch);
	return e < 0 ? e : read_comment(m, patch);
}

/* ---- making ---- */

static bool has_nested(const struct record *patch)
{
	return record_has(patch, F_story_tasks) || record_has(patch, F_story_blockers) ||
	       record_has(patch, F_story_comments);
}

/* The answer has the story alone: what was loaded before is asked for again, the rest once. That it
 * was made is true whatever comes of this. */
static void learn_nested(struct making *m, const struct record *patch, int64_t story_id)
{
	scoped(call_fini) struct call call = { .limit = m->call.limit };

	if (has_nested(patch))
		store_refresh(m->tree->store, &call);
	document_load(m->tree, story_id, &call);
}

/* It is there, by this name, too. */
static void learn_made(struct making *m, const struct record *story, struct node *ret)
{
	struct node at = { layout_find(ROW_RESOURCE, KIND_story, KIND_project), record_id(story),
		-1 };
	struct markdown *made = xcalloc(1, sizeof(*made));

	control_note_made(m->tree, &at, story, false);
	*ret = (struct node){ layout_find(ROW_DOCUMENT, KIND_story, KIND_project), record_id(story),
		-1 };
	document_make(m->tree, story, made);
	remembered_add_made(m->tree, record_id(story), &m->text, made);
	make_remember(m->tree, m->dir, m->name, ret);
}

static int send(struct making *m, const struct record *patch, struct node *ret)
{
	scoped(record_unref) struct record *now = NULL;
	struct place stories = layout_place(m->dir);
	scoped(doubt_free) struct doubt *doubt = doubt_new(m->tree, &stories, patch);
	int e = write_create(m->tree, &stories, patch, &m->call, &now);

	if (e < 0 && doubt && api_is_outcome_unknown(e))
		doubt_remember(m->tree, m->dir, m->name, take_ptr(doubt));
	if (e < 0)
		return e;
	learn_nested(m, patch, record_id(now));
	learn_made(m, now, ret);
	return 0;
}

/* Did an earlier save of this name make it? Of another story that one was no save. 1 when not. */
static int settle_doubt(struct making *m, const struct record *patch, struct node *ret)
{
	scoped(doubt_free) struct doubt *doubt = doubt_take(m->tree, m->dir, m->name);
	scoped(record_unref) struct record *story = NULL;

	if (!doubt || strcmp(record_text(doubt_patch(doubt), F_story_name),
			      record_text(patch, F_story_name)) != 0)
		return 1;
	int e = doubt_look(m->tree, doubt, &m->call, &story);

	if (e < 0) {
		buf_add_str(
			&m->plan.reason, "whether the last save made the story is not known yet\n");
		doubt_remember(m->tree, m->dir, m->name, take_ptr(doubt));
	}
	if (e)
		return e;
	learn_nested(m, doubt_patch(doubt), record_id(story));
	learn_made(m, story, ret);
	return 0;
}

static void refuse(struct making *m, int e)
{
	refusal_put(m->tree, m->dir, m->dir,
		explain_refusal(&(struct refused_save){ .name = m->name,
			.what = "made a story",
			.error = e,
			.reason = &m->plan.reason,
			.v5 = m->call.error.code != V5_OK ? &m->call.error : &m->plan.error,
			.next = "nothing was made; save another text",
			.next_unknown =
				"whether it was made is unknown; look, and save it again if "
				"it is not there" }));
}

int tree_make_text(struct tree *t, const struct node *dir, const struct tree_text *text,
	const struct call_limit *limit, struct node *ret)
{
	scoped(making_fini) struct making m = {
		.tree = t, .dir = dir, .name = text->name, .people = { t, dir->id }
	};
	scoped(record_unref) struct record *patch = record_new(KIND_story);

	if (!tree_makes_named(dir, text->name))
		return -EPERM;
	if (limit)
		m.call.limit = *limit;
	m.resolver = people_resolver(&m.people);
	m.plan.mine = &m.mine;
	m.plan.resolver = &m.resolver;
	int e = read_document(&m, text, patch);

	if (e == 0)
		e = settle_doubt(&m, patch, ret);
	bool was_made = e == 0;

	if (e > 0)
		e = send(&m, patch, ret);
	if (e < 0) {
		refuse(&m, e);
		return e;
	}
	refusal_drop(t, dir, dir);
	/* What was written since then is another save of it. */
	return was_made ? document_save(t, ret, text, limit) : 0;
}
