/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * README.md: what somebody must know who has nothing but the mount. Paths come from the layout,
 * fields from the schema, error numbers from the tables of errors; the examples name a project and
 * a story of this mount once they are known, and then it does not change any more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum { COLUMNS = 118 };

/* ---- the tree ---- */

static const struct {
	enum layout_row row;
	const char *words;
} places[] = {
	{ ROW_me, "who you are, a file a field" },
	{ ROW_by_name, "links to projects by name" },
	{ ROW_storyfs_last, "what was made last: id, kind, path, name" },
	{ ROW_storyfs_deletes, "how many more may be deleted now; write a number to allow more" },
	{ ROW_project, "a project: name, description, point_scale, ... a file a field" },
	{ ROW_stories_tsv, "a line a story, in priority order; the first line names the columns" },
	{ ROW_project_activity,
		"what happened, newest first, columns alike; the newest 5000 of a project" },
	{ ROW_project_transitions, "each state that a story came into, oldest first" },
	{ ROW_markdown_story,
		"a whole story to read, edit and save; a new markdown/<any>.md makes one" },
	{ ROW_story, "a story, a file a field; `mkdir stories/\"Title\"` makes one" },
	{ ROW_story_md, "-> markdown/<id>.md" },
	{ ROW_story_comment, "a comment: text, person, created_at, ..." },
	{ ROW_story_comment_new, "what is written there is posted" },
	{ ROW_task, "a task: description, complete, position" },
	{ ROW_task_new, "each line becomes a task" },
	{ ROW_blocker_new, "each line becomes a blocker" },
	{ ROW_review, "a review: status, reviewer_id, ..." },
	{ ROW_story_attachments, "-> $P/attachments/<id>/<name>; `cp` a file there to attach it" },
	{ ROW_attachment_comment, "-> the comment that holds it" },
	{ ROW_story_activity_link, "what happened to it, newest first; transitions: its states" },
	{ ROW_epic, "an epic, with comments/ and activity; mkdir makes one" },
	{ ROW_label, "a label; mkdir, or a line in labels/new, makes one" },
	{ ROW_membership, "who is in the project: person, role" },
	{ ROW_by_state,
		"links <rank>-<id>-<title>; by-type/, by-owner/, by-label/, by-epic/ alike" },
	{ ROW_panels, "current, backlog, icebox, done: links, as Tracker shows them" },
	{ ROW_search_query, "a name with a colon is a query: `ls \"$P/search/state:started\"`" },
	{ ROW_search_group,
		"saved searches; `mkdir search/ladder` makes one, the name is its query" },
	{ ROW_iteration, "number, start, finish, velocity, points; stories/ are links" },
	{ ROW_release, "a release; stories/ are those before it" },
	{ ROW_notification, "what you were told; write read_at" },
	{ ROW_my_work,
		"links to what you own and is not accepted; my/requested/ to what you asked for" },
	{ ROW_my_activity, "what you did, in all projects; the newest 500" },
};

enum { N_PLACES = sizeof(places) / sizeof(*places), PATH_COLUMNS = 32 };

/* From the root, or from the project. */
static void add_path(enum layout_row row, struct buf *b)
{
	const struct layout *l = layout_of(row);

	if (row == ROW_project) {
		buf_add_str(b, "$P");
		return;
	}
	if (l->parent != ROW_root)
		add_path(l->parent, b);
	if (l->parent != ROW_root)
		buf_add_char(b, '/');
	buf_add_str(b, l->name ? l->name : layout_stand_in(row));
}

static bool is_directory(enum layout_row row)
{
	return layout_class(row)->node == NODE_DIR;
}

static void add_whole_path(enum layout_row row, struct buf *b)
{
	add_path(row, b);
	if (is_directory(row))
		buf_add_char(b, '/');
}

/* Is there a word on it, or on what is below it, or is it named in one on something else? */
static bool has_words(enum layout_row row)
{
	scoped(free_ptr) char *name = xasprintf("%s/", layout_of(row)->name);

	for (size_t i = 0; i < N_PLACES; i++) {
		if (strstr(places[i].words, name))
			return true;
		for (enum layout_row r = places[i].row; r != ROW_root; r = layout_of(r)->parent) {
			if (r == row)
				return true;
		}
	}
	return false;
}

static bool is_landmark(enum layout_row row)
{
	const struct layout *l = layout_of(row);

	return l->name && l->type != ROW_ERROR && l->type != ROW_GUIDE &&
	       (l->parent == ROW_root || l->parent == ROW_project || l->parent == ROW_story);
}

/* Words one after the other, the next line indented. */
static void add_word(struct buf *b, size_t *column, const char *word)
{
	size_t len = strlen(word) + 1;

	if (*column + len > COLUMNS) {
		buf_add_str(b, "\n ");
		*column = 1;
	}
	buf_add_fmt(b, " %s", word);
	*column += len;
}

/* Those without words in a line or two. */
static void add_others(struct buf *b)
{
	size_t column = strlen("and");

	buf_add_str(b, "and");
	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		scoped(buf_fini) struct buf path = BUF_INIT;

		if (!is_landmark((enum layout_row)i) || has_words((enum layout_row)i))
			continue;
		add_whole_path((enum layout_row)i, &path);
		add_word(b, &column, buf_str(&path));
	}
	buf_add_char(b, '\n');
}

static void add_places(struct buf *b)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		scoped(buf_fini) struct buf path = BUF_INIT;

		add_whole_path(places[i].row, &path);
		buf_add_fmt(b, "%-*s %s\n", PATH_COLUMNS, buf_str(&path), places[i].words);
	}
	add_others(b);
}

/* ---- fields ---- */

static void add_fields(enum kind kind, struct buf *b)
{
	const char *name = schema_resource(kind)->name;
	size_t column = strlen(name) + 1, n = 0;

	each_field(f, kind) {
		if (!layout_has_file(kind, f) || !layout_is_writable(kind, f))
			continue;
		if (n++ == 0)
			buf_add_fmt(b, "%s:", name);
		add_word(b, &column, schema_field(kind, f)->key);
	}
	if (n)
		buf_add_char(b, '\n');
}

static bool has_directory(enum kind kind)
{
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		const struct layout *l = layout_of((enum layout_row)row);

		if (l->type == ROW_RESOURCE && l->kind == kind)
			return kind != KIND_me;
	}
	return false;
}

static void add_all_fields(struct buf *b)
{
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (has_directory(kind))
			add_fields(kind, b);
	}
}

/* ---- errors ---- */

/* What storyfs refuses by itself. */
static const struct {
	int number;
	const char *words;
} refusals[] = {
	{ EINVAL, "no value of the field: `.error` says more" },
	{ EACCES, "the file is read-only" },
	{ EMSGSIZE, "too long" },
	{ EPERM,
		"no such thing can be made, moved or removed here; of a mv, see `.storyfs/errors`" },
	{ ENOTEMPTY,
		"files in it were being removed: `rm -r` never deletes upstream, `rmdir` does" },
	{ EBUSY,
		"it moved since you read it: .storyfs/conflicts/; or too many deletes: .storyfs/deletes" },
	{ EXDEV, "moved between views that do not set the same field" },
	{ EROFS, "mounted read-only" },
	{ ESTALE, "it is gone" },
	{ ETIMEDOUT, "no answer in time: whether it was carried out is looked at, else unknown" },
	{ EHOSTUNREACH, "the server cannot be reached" },
};

/* And what servers do. */
static const struct {
	const char *code; /* NULL: HTTP's status alone */
	int status;
	int number;
} answers[] = {
#define V5_ERROR(code, http, name, text) { #code, http, name },
#define V5_STATUS(http, name) { NULL, http, name },
#include "storyfs/errors.def"
};

enum {
	N_REFUSALS = sizeof(refusals) / sizeof(*refusals),
	N_ANSWERS = sizeof(answers) / sizeof(*answers),
};

static const char *own_words(int number)
{
	for (size_t i = 0; i < N_REFUSALS; i++) {
		if (refusals[i].number == number)
			return refusals[i].words;
	}
	return NULL;
}

static void add_error(int number, struct buf *b)
{
	const char *own = own_words(number);
	const char *between = own ? "; V5: " : "V5: ";

	buf_add_fmt(b, "%-13s%s", strerrorname_np(number), own ? own : "");
	for (size_t i = 0; i < N_ANSWERS; i++) {
		if (answers[i].number != number)
			continue;
		if (answers[i].code)
			buf_add_fmt(b, "%s%s", between, answers[i].code);
		else if (answers[i].status)
			buf_add_fmt(b, "%s%d", between, answers[i].status);
		else
			buf_add_fmt(b, "%san answer that is not V5's", between);
		between = ", ";
	}
	buf_add_char(b, '\n');
}

static bool was_listed(size_t before, int number)
{
	for (size_t i = 0; i < before; i++) {
		if (answers[i].number == number)
			return true;
	}
	return own_words(number);
}

static void add_errors(struct buf *b)
{
	for (size_t i = 0; i < N_REFUSALS; i++)
		add_error(refusals[i].number, b);
	for (size_t i = 0; i < N_ANSWERS; i++) {
		if (!was_listed(i, answers[i].number))
			add_error(answers[i].number, b);
	}
}

/* ---- text ---- */

static const char beginning[] =
	"# This directory is a Tracker\n\n"
	"Mounted by storyfs " STORYFS_VERSION
	". Files are fields, directories are resources by id: "
	"read, grep and edit\n"
	"them with any program. In what follows `$P` is a project's directory:\n\n"
	"```sh\nP=$PWD/projects/%s   # here, where this file is; then go where your work is\n```\n\n"
	"## Where things are\n```\n";

static const char saving[] =
	"```\n\n## Saves\n"
	"- A file holds the value and one newline; empty means none. Times are ISO 8601 UTC, lists\n"
	"  one item a line, labels and people by name.\n"
	"- Closing a changed file sends that one field. The same text sends nothing.\n"
	"- A refusal is an error at close. `.error` in the directory says field, value, rule, what is\n"
	"  accepted and what to do next; your text is kept as `<field>.rejected`. bash's own `echo`\n"
	"  hides the error, and so does `: > FIELD`, which only empties: in scripts, ask whether `.error`\n"
	"  is there. All are in `.storyfs/errors`.\n"
	"- `mkdir` makes a story, epic, label or saved search; the name finds it until the unmount, and\n"
	"  `.storyfs/last` has its id. `rmdir` deletes. `rm` and `rm -r` delete nothing on the server.\n"
	"- `mv` of a link in by-state/, by-type/, by-owner/ or by-label/ sets that field; in panels/,\n"
	"  `mv NAME 3-x` makes it the third, and another panel sets the state (`../backlog/1-x`: both).\n"
	"  Ranks change, and how many digits they have: `*-<id>-*` is that story's link.\n"
	"- `getfattr -d FILE` shows id, url, version of the project, error and dirty (not saved yet).\n"
	"- Names that are no field are scratch files: kept in memory, never sent.\n\n"
	"Fields that can be written (all others are read-only):\n```\n";

static const char failing[] = "```\n\n## Errors\n```\n";

/* The story, twice. */
static const char recipes[] =
	"```\n\n## Recipes\n```sh\n"
	"# Make a story with an estimate, tasks and a comment.\n"
	"mkdir \"$P/stories/Write it down\" && cd \"$P/stories/Write it down\"\n"
	"echo 2 > estimate; printf '%%s\\n' Draft Review > tasks/new; echo 'On it.' > comments/new\n"
	"cd - >/dev/null; cat \"$P/../../.storyfs/last\"\n\n"
	"# Deliver what was deployed, by the ids in commit messages.\n"
	"git log --format=%%B deployed..HEAD | grep -oE '#[0-9]+' | tr -d '#' | sort -u |\n"
	"while read -r id; do\n"
	"  if grep -qsx finished \"$P/stories/$id/current_state\"; then\n"
	"    echo delivered > \"$P/stories/$id/current_state\"; fi; done\n\n"
	"# Start the story of a branch (%s-what-it-is), and see whether it may be started.\n"
	"id=$(git branch --show-current | grep -oE '[0-9]+' | head -n 1)\n"
	"echo started > \"$P/stories/$id/current_state\"\n"
	"if [ -e \"$P/stories/$id/.error\" ]; then cat \"$P/stories/$id/.error\"; fi\n\n"
	"# Release notes.\n"
	"awk -F'\\t' '$2 == \"accepted\" { print \"- \" $7 \" (#\" $1 \")\" }' \"$P/stories.tsv\"\n\n"
	"# Tick a task.\n"
	"grep -l Draft \"$P\"/stories/%s/tasks/*/description |\n"
	"while read -r f; do echo true > \"${f%%/*}/complete\"; done\n\n"
	"# Grep and bulk edit.\n"
	"grep -rlw colour \"$P/stories\" --include=description | xargs -r sed -i 's/colour/color/g'\n"
	"```\n";

/* A project and a story to speak of; 0 while none is known. */
static void find_examples(struct tree *t, int64_t *ret_project, int64_t *ret_story)
{
	scoped(records_fini) struct records all = { 0 };
	struct place place = { .kind = KIND_project };

	store_peek_list(t->store, &place, &all);
	each_record(project, &all) {
		scoped(records_fini) struct records stories = { 0 };

		place = (struct place){
			.kind = KIND_story, .parent = KIND_project, .parent_id = record_id(project)
		};
		store_peek_list(t->store, &place, &stories);
		if (*ret_project && !stories.n)
			continue;
		*ret_project = record_id(project);
		*ret_story = stories.n ? record_id(stories.items[0]) : 0;
		if (*ret_story)
			break;
	}
}

static char *name_example(int64_t id, const char *otherwise)
{
	return id ? xasprintf("%" PRId64, id) : xstrdup(otherwise);
}

/* True when it is for good. */
static bool render(struct tree *t, struct buf *b)
{
	int64_t project_id = 0, story_id = 0;

	find_examples(t, &project_id, &story_id);
	scoped(free_ptr) char *project = name_example(project_id, "PROJECT");
	scoped(free_ptr) char *story = name_example(story_id, "STORY");

	buf_add_fmt(b, beginning, project);
	add_places(b);
	buf_add_str(b, saving);
	add_all_fields(b);
	buf_add_str(b, failing);
	add_errors(b);
	buf_add_fmt(b, recipes, story, story);
	return story_id;
}

/* ---- the file ---- */

void guide_read(struct tree *t, struct buf *ret)
{
	scoped(buf_fini) struct buf now = BUF_INIT;
	bool settled = guide_is_settled(t) || render(t, &now);

	lock_scope(&t->lock);
	struct guide *g = &t->guide;

	if (!g->settled && strcmp(buf_str(&now), buf_str(&g->text)) != 0) {
		if (g->text.len)
			g->changed_ns = clock_now_ms() * 1000000;
		buf_fini(&g->text);
		g->text = now;
		now = BUF_INIT;
	}
	g->settled = settled;
	buf_add(ret, buf_str(&g->text), g->text.len);
}

bool guide_is_settled(struct tree *t)
{
	lock_scope(&t->lock);
	return t->guide.settled;
}

int64_t guide_time(struct tree *t)
{
	int64_t started = store_mtime(t->store, KIND_none, 0, -1);

	lock_scope(&t->lock);
	return t->guide.changed_ns > started ? t->guide.changed_ns : started;
}
