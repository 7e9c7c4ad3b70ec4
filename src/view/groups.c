/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views of a project's stories: by a word of a field (by-state, by-type), by owner, label or epic.
 * A group is a LINKS directory, its links are `<rank>-<id>-<slug>` in V5's order. The rank tells
 * the order and is not looked at again, so that a name lives as long as its story is in the group.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

/* The field whose words are the names of a directory's groups. */
static const struct {
	enum layout_row dir;
	int field;
} by_word[] = {
	{ ROW_by_state, F_story_current_state },
	{ ROW_by_type, F_story_story_type },
};

/* What the stories of a group have in common. */
struct group {
	int field;  /* its file is written to move a story here */
	int word;   /* of an ENUM */
	int64_t id; /* or the one they name */
	int64_t project_id;
	struct record *named; /* the label or person, for its name */
};

static void group_fini(struct group *g)
{
	record_unref(g->named);
}

SCOPED_VALUE(struct group, group_fini);

bool is_group(enum layout_row row)
{
	const struct layout *l = layout_of(row);

	return l->type == ROW_LINKS && layout_parent_kind(row) == KIND_project;
}

static bool make_by_word(const struct node *dir, struct group *ret)
{
	const struct layout *l = layout_of(dir->row);

	for (size_t i = 0; i < sizeof(by_word) / sizeof(*by_word); i++) {
		if (by_word[i].dir != l->parent)
			continue;
		ret->field = by_word[i].field;
		ret->word =
			choices_find(schema_field(KIND_story, ret->field)->choices, l->name, false);
		ret->project_id = dir->id;
		return true;
	}
	return false;
}

/* The resource the group is made of: its kind is the GROUPS directory's. */
static int make_by_resource(struct tree *t, const struct node *dir, struct group *ret)
{
	enum kind kind = layout_of(layout_of(dir->row)->parent)->kind;
	scoped(record_unref) struct record *r = NULL;

	if (store_peek(t->store, kind, dir->id, &r))
		return -ESTALE;
	ret->project_id = store_project_of(t->store, r);
	ret->field = kind == KIND_project_membership ? F_story_owners : F_story_labels;
	if (kind == KIND_label) {
		ret->named = take_ptr(r);
	} else {
		int f = kind == KIND_epic ? F_epic_label : F_project_membership_person;
		const struct value *v = record_get(r, f);

		if (v->state == VALUE_SET)
			ret->named = record_ref(v->record);
	}
	ret->id = ret->named ? record_id(ret->named) : 0;
	return 0;
}

static int make_group(struct tree *t, const struct node *dir, struct group *ret)
{
	*ret = (struct group){ 0 };
	return make_by_word(dir, ret) ? 0 : make_by_resource(t, dir, ret);
}

static bool has_label(const struct record *story, int64_t id)
{
	const struct value *v = record_get(story, F_story_labels);

	if (v->state != VALUE_SET)
		return false;
	each_record(label, &v->records) {
		if (record_id(label) == id)
			return true;
	}
	return false;
}

static bool is_in(const struct group *g, const struct record *story)
{
	const struct value *v;

	if (g->field == F_story_labels)
		return g->id && has_label(story, g->id);
	if (g->field == F_story_owners) {
		v = record_get(story, F_story_owner_ids);
		return v->state == VALUE_SET && ids_has(&v->ids, g->id);
	}
	v = record_get(story, g->field);
	return v->state == VALUE_SET && v->i == g->word;
}

static struct place stories_of(int64_t project_id)
{
	return (struct place){ .kind = KIND_story,
		.parent = KIND_project,
		.parent_id = project_id,
		.project_id = project_id };
}

int group_place(struct tree *t, const struct node *dir, struct place *ret)
{
	scoped(group_fini) struct group g;
	int e = make_group(t, dir, &g);

	*ret = stories_of(g.project_id);
	return e;
}

int group_select(
	struct tree *t, const struct node *dir, const struct records *all, struct records *ret)
{
	scoped(group_fini) struct group g;
	int e = make_group(t, dir, &g);

	if (e < 0)
		return e;
	each_record(story, all) {
		if (is_in(&g, story))
			records_add(ret, record_ref(story));
	}
	return 0;
}

/* ---- names ---- */

static void add_slug(const struct record *story, struct buf *b)
{
	size_t start = b->len;

	text_add_file_name(b, record_text(story, F_story_name));
	for (size_t i = start; i < b->len; i++) {
		if (b->data[i] == ' ')
			b->data[i] = '-';
	}
}

char *group_link_name(const struct record *story, size_t rank, int width)
{
	struct buf name = BUF_INIT;

	buf_add_fmt(&name, "%0*zu-%" PRId64 "-", width, rank, record_id(story));
	add_slug(story, &name);
	return buf_take(&name);
}

/* What follows the rank; NULL when there is none. */
static const char *after_rank(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && name[digits] == '-' ? name + digits + 1 : NULL;
}

int64_t group_link_id(const char *name)
{
	const char *rest = after_rank(name);
	scoped(free_ptr) char *digits = rest ? xstrndup(rest, strspn(rest, "0123456789")) : NULL;
	int64_t id;

	return digits && parse_int(digits, 1, INT64_MAX, &id) ? id : 0;
}

bool group_link_fits(const struct record *story, const char *name)
{
	scoped(free_ptr) char *real = group_link_name(story, 1, 1);
	const char *rest = after_rank(name);

	return rest && strcmp(rest, after_rank(real)) == 0;
}

char *group_name(struct tree *t, int64_t project_id, const struct record *r)
{
	struct people people = { t, project_id };
	struct resolver resolver = people_resolver(&people);
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct buf name = BUF_INIT;

	plain_write(r, schema_resource(record_kind(r))->label, &resolver, &text);
	text_add_file_name(&name, buf_str(&text));
	return buf_take(&name);
}

void group_names_make(
	struct tree *t, int64_t project_id, const struct records *all, struct link_names *ret)
{
	char **plain = xcalloc(all->n, sizeof(*plain));

	for (size_t i = 0; i < all->n; i++)
		plain[i] = group_name(t, project_id, all->items[i]);
	link_names_take(all, plain, ret);
}

/* ---- moving ---- */

/* The lines of a list without one item, with another. */
static void change_lines(struct buf *text, const char *without, const char *with)
{
	struct buf lines = BUF_INIT;
	bool has = false;

	for (const char *p = buf_str(text); *p;) {
		size_t len = strcspn(p, "\n");
		scoped(free_ptr) char *line = xstrndup(p, len);

		has = has || strcmp(line, with) == 0;
		if (strcmp(line, without) != 0)
			buf_add_fmt(&lines, "%s\n", line);
		p += len + (p[len] == '\n');
	}
	if (!has)
		buf_add_fmt(&lines, "%s\n", with);
	buf_fini(text);
	*text = lines;
}

static void add_member_name(struct tree *t, const struct group *g, struct buf *b)
{
	struct people people = { t, g->project_id };
	struct resolver resolver = people_resolver(&people);

	if (!resolver.add_name(resolver.data, record_kind(g->named), g->id, b))
		buf_add_str(
			b, record_text(g->named, schema_resource(record_kind(g->named))->label));
}

/* The text of the field for a story that leaves one group for another. */
static int write_moved(struct tree *t, const struct node *file, const struct group *from,
	const struct group *to, struct buf *ret)
{
	scoped(buf_fini) struct buf out = BUF_INIT, in = BUF_INIT;
	const struct field *field = schema_field(KIND_story, to->field);

	if (field->type == TYPE_ENUM) {
		buf_add_fmt(ret, "%s\n", field->choices->words[to->word]);
		return 0;
	}
	if (!from->named || !to->named)
		return -EINVAL;
	add_member_name(t, from, &out);
	add_member_name(t, to, &in);
	int e = tree_read(t, file, ret);

	change_lines(ret, buf_str(&out), buf_str(&in));
	return e;
}

int group_move(struct tree *t, int64_t story_id, const struct node *from, const struct node *to,
	const struct call_limit *limit)
{
	scoped(group_fini) struct group source, target;
	scoped(buf_fini) struct buf text = BUF_INIT;
	int e = make_group(t, from, &source), e2 = make_group(t, to, &target);

	if (e < 0 || e2 < 0)
		return -ESTALE;
	if (source.project_id != target.project_id || source.field != target.field)
		return -EXDEV;
	struct node file = { ROW_story, story_id, target.field };

	e = write_moved(t, &file, &source, &target, &text);
	return e < 0 ? e : tree_save(t, &file, buf_str(&text), text.len, limit);
}
