/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake tree. */
#include "fake_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/parse.h"
#include "storyfs/schema.h"
#include "storyfs/text.h"

enum {
	FIRST_STORY = 555,
	PROJECT = 99,
};

struct fake_field {
	char *text; /* without the final newline */
	char *error;
	int64_t mtime_ns;
	int n_saving;
};

struct fake_story {
	struct fake_field fields[N_story_FIELDS];
	char *error; /* of the last refusal */
};

struct tree {
	pthread_mutex_t lock;
	struct fake_story *stories;
	int n_stories;
	char *control, *log;
	int n_saves, most_at_once;
	int64_t last_ns;
	void (*changed)(void *data, const struct change *change);
	void *data;
};

struct script {
	int refuse;
	char *words;
	int64_t delay_ms;
};

static const struct row {
	enum layout_row parent;
	const char *name;
	enum row_type type;
	enum kind kind;
} rows[] = {
#define LAYOUT(row, parent, name, type, kind) { ROW_##parent, name, ROW_##type, KIND_##kind },
#include "storyfs/layout.def"
};

static struct fake_story *find_story(struct tree *t, int64_t id)
{
	return id >= FIRST_STORY && id < FIRST_STORY + t->n_stories ? &t->stories[id - FIRST_STORY]
								    : NULL;
}

static bool is_shown(int f)
{
	return schema_field(KIND_story, f)->flags & (FIELD_DEF | FIELD_FILE);
}

static bool is_writable(int f)
{
	return schema_field(KIND_story, f)->write & WRITE_UPDATE;
}

static bool is_field_node(const struct node *node)
{
	return node->row == ROW_story && node->field >= 0;
}

static int64_t next_ns(struct tree *t)
{
	int64_t now = clock_now_ms() / 1000 * INT64_C(1000000000);

	t->last_ns = now > t->last_ns ? now : t->last_ns + 1;
	return t->last_ns;
}

static void put_text(struct tree *t, struct fake_story *story, int f, const char *text, size_t len)
{
	free(story->fields[f].text);
	story->fields[f].text = xstrndup(text, len);
	story->fields[f].mtime_ns = next_ns(t);
}

struct tree *fake_tree_new(const struct fake_config *config)
{
	static const struct {
		int field;
		const char *text;
	} initial[] = {
		{ F_story_name, "A story" },
		{ F_story_description, "one\ntwo\nthree" },
		{ F_story_estimate, "2" },
		{ F_story_story_type, "feature" },
		{ F_story_updated_at, "2024-01-01T00:00:00Z" },
	};
	struct tree *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->n_stories = config->n_stories;
	t->stories = xcalloc((size_t)t->n_stories, sizeof(*t->stories));
	t->control = config->control ? xstrdup(config->control) : NULL;
	t->log = config->log ? xstrdup(config->log) : NULL;
	for (int i = 0; i < t->n_stories; i++) {
		for (int f = 0; f < N_story_FIELDS; f++)
			put_text(t, &t->stories[i], f, "", 0);
		for (size_t k = 0; k < sizeof(initial) / sizeof(*initial); k++)
			put_text(t, &t->stories[i], initial[k].field, initial[k].text,
				strlen(initial[k].text));
	}
	return t;
}

void tree_free(struct tree *t)
{
	for (int i = 0; i < t->n_stories; i++) {
		for (int f = 0; f < N_story_FIELDS; f++) {
			free(t->stories[i].fields[f].text);
			free(t->stories[i].fields[f].error);
		}
		free(t->stories[i].error);
	}
	free(t->stories);
	free(t->control);
	free(t->log);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void fake_tree_set_listener(
	struct tree *t, void (*changed)(void *data, const struct change *change), void *data)
{
	t->changed = changed;
	t->data = data;
}

static void tell(struct tree *t, int64_t id)
{
	struct change change = { .type = CHANGE_RECORD, .kind = KIND_story, .id = id };

	if (t->changed)
		t->changed(t->data, &change);
}

void fake_tree_set(struct tree *t, int64_t id, const char *field, const char *text)
{
	struct fake_story *story = find_story(t, id);
	int f = schema_find_field(KIND_story, field);

	if (!story || f < 0)
		return;
	pthread_mutex_lock(&t->lock);
	put_text(t, story, f, text, strlen(text));
	pthread_mutex_unlock(&t->lock);
	tell(t, id);
}

int fake_tree_saves(struct tree *t)
{
	lock_scope(&t->lock);
	return t->n_saves;
}

int fake_tree_most_at_once(struct tree *t)
{
	lock_scope(&t->lock);
	return t->most_at_once;
}

static void read_control(struct tree *t, struct script *script, bool apply)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	char *save = NULL, field[64];
	int64_t id;
	int n;

	*script = (struct script){ 0 };
	if (!t->control || file_read(t->control, 1 << 20, &text) < 0 || !text.len)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		n = 0;
		if (sscanf(line, "refuse %d %n", &script->refuse, &n) == 1 && n)
			script->words = xstrdup(line + n);
		sscanf(line, "delay %" SCNd64, &script->delay_ms);
		if (apply && sscanf(line, "set %" SCNd64 " %63s %n", &id, field, &n) == 2 && n)
			fake_tree_set(t, id, field, line + n);
	}
}

void fake_tree_apply(struct tree *t)
{
	struct script script;

	read_control(t, &script, true);
	free(script.words);
}

uint64_t tree_number(const struct node *node)
{
	if (node->row == ROW_root)
		return 1;
	return (uint64_t)node->id << 16 | (uint64_t)node->row << 8 | (uint64_t)(node->field + 2);
}

bool tree_node(uint64_t number, struct node *ret)
{
	*ret = NODE_ROOT;
	if (number == 1)
		return true;
	*ret = (struct node){ (enum layout_row)(number >> 8 & 255), (int64_t)(number >> 16),
		(int)(number & 255) - 2 };
	if (number >> 63 || ret->row >= N_ROWS || ret->field < -1)
		return false;
	return ret->field < 0 ||
	       (ret->row == ROW_story && ret->field < N_story_FIELDS && is_shown(ret->field));
}

static bool is_dir(const struct node *node)
{
	return node->field < 0 && rows[node->row].type <= ROW_RESOURCE;
}

struct listing_data {
	bool (*entry)(void *data, const char *name, const struct node *node);
	void *data;
};

static bool list_story(struct tree *t, int64_t id, const struct listing_data *to)
{
	struct node error = { ROW_story_error, id, -1 };

	each_field(f, KIND_story) {
		struct node node = { ROW_story, id, f };

		if (is_shown(f) && !to->entry(to->data, schema_field(KIND_story, f)->key, &node))
			return false;
	}
	pthread_mutex_lock(&t->lock);
	bool has_error = find_story(t, id)->error != NULL;

	pthread_mutex_unlock(&t->lock);
	return !has_error || to->entry(to->data, rows[ROW_story_error].name, &error);
}

int tree_list(struct tree *t, const struct node *dir, const struct call_limit *limit,
	bool (*entry)(void *data, const char *name, const struct node *node), void *data)
{
	const struct listing_data to = { entry, data };
	struct node project = { ROW_project, PROJECT, -1 };
	struct node projects = { ROW_projects, 0, -1 }, stories = { ROW_stories, PROJECT, -1 };
	char name[32];

	(void)limit;
	if (!is_dir(dir))
		return -ENOTDIR;
	if (dir->row == ROW_root)
		entry(data, "projects", &projects);
	if (dir->row == ROW_projects)
		entry(data, "99", &project);
	if (dir->row == ROW_project)
		entry(data, "stories", &stories);
	for (int i = 0; dir->row == ROW_stories && i < t->n_stories; i++) {
		struct node story = { ROW_story, FIRST_STORY + i, -1 };

		snprintf(name, sizeof(name), "%d", FIRST_STORY + i);
		if (!entry(data, name, &story))
			break;
	}
	if (dir->row == ROW_story)
		list_story(t, dir->id, &to);
	return 0;
}

struct looking {
	const char *name;
	struct node node;
	bool found;
};

static bool look(void *data, const char *name, const struct node *node)
{
	struct looking *l = data;

	l->found = strcmp(l->name, name) == 0;
	l->node = *node;
	return !l->found;
}

int tree_lookup(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret)
{
	struct looking l = { .name = name };
	int r = tree_list(t, dir, limit, look, &l);

	if (r < 0)
		return r;
	if (!l.found)
		return 1;
	*ret = l.node;
	return 0;
}

struct below {
	void (*emit)(void *data, const struct node *dir);
	void *data;
};

static bool emit_below(void *data, const char *name, const struct node *node)
{
	const struct below *to = data;

	(void)name;
	if (tree_type(node) == NODE_DIR)
		to->emit(to->data, node);
	return true;
}

int tree_below(struct tree *t, const struct node *dir,
	void (*emit)(void *data, const struct node *dir), void *data)
{
	struct below to = { emit, data };

	return tree_list(t, dir, NULL, emit_below, &to) < 0;
}

int tree_parent(struct tree *t, const struct node *node, struct node *ret)
{
	(void)t;
	*ret = (struct node){ node->row, node->id, -1 };
	if (node->field >= 0)
		return 0;
	ret->row = rows[node->row].parent;
	if (ret->row == ROW_stories || ret->row == ROW_project)
		ret->id = PROJECT;
	if (ret->row == ROW_projects || ret->row == ROW_root)
		ret->id = 0;
	return 0;
}

int tree_name(struct tree *t, const struct node *node, struct buf *ret)
{
	(void)t;
	if (is_field_node(node))
		buf_add_str(ret, schema_field(KIND_story, node->field)->key);
	else if (rows[node->row].name)
		buf_add_str(ret, rows[node->row].name);
	else
		buf_add_fmt(ret, "%" PRId64, node->id);
	return 0;
}

/* The lock is held. */
static int read_node(struct tree *t, const struct node *node, struct buf *ret)
{
	const struct fake_story *story = find_story(t, node->id);

	if (is_dir(node))
		return -EISDIR;
	if (!story)
		return -ESTALE;
	if (node->row == ROW_story_error) {
		buf_add_str(ret, story->error ? story->error : "");
		return story->error ? 0 : -ESTALE;
	}
	buf_add_str(ret, story->fields[node->field].text);
	if (ret->len)
		buf_add_char(ret, '\n');
	return 0;
}

int tree_read(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	lock_scope(&t->lock);
	int r = read_node(t, node, &text);

	if (r == 0)
		buf_add(ret, buf_str(&text), text.len);
	return r;
}

enum node_type tree_type(const struct node *node)
{
	return is_dir(node) ? NODE_DIR : NODE_FILE;
}

int tree_stat(struct tree *t, const struct node *node, struct node_attr *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	const int64_t start = INT64_C(1700000000) * 1000000000;

	*ret = (struct node_attr){ .type = NODE_DIR, .mtime_ns = start };
	if (is_dir(node)) {
		ret->writable = rows[node->row].type == ROW_RESOURCE;
		return 0;
	}
	lock_scope(&t->lock);
	int r = read_node(t, node, &text);

	if (r < 0)
		return r;
	ret->type = NODE_FILE;
	ret->size = text.len;
	ret->writable = is_field_node(node) && is_writable(node->field);
	if (is_field_node(node))
		ret->mtime_ns = find_story(t, node->id)->fields[node->field].mtime_ns;
	else
		ret->mtime_ns = t->last_ns;
	return 0;
}

/* The file's final newline is not the value's. */
static size_t value_len(const char *data, size_t len)
{
	return len && data[len - 1] == '\n' ? len - 1 : len;
}

bool tree_is_saved(struct tree *t, const struct node *node, const char *data, size_t len)
{
	lock_scope(&t->lock);
	const char *text = find_story(t, node->id)->fields[node->field].text;

	len = value_len(data, len);
	return strlen(text) == len && memcmp(text, data, len) == 0;
}

static bool may_be_empty(const struct node *node)
{
	return !(schema_field(KIND_story, node->field)->flags & FIELD_REQ);
}

int tree_error(struct tree *t, const struct node *node, struct buf *ret)
{
	lock_scope(&t->lock);
	const struct fake_story *story = find_story(t, node->id);

	if (!story || !is_field_node(node) || !story->fields[node->field].error)
		return 1;
	buf_add_str(ret, story->fields[node->field].error);
	return 0;
}

int tree_attribute(
	struct tree *t, const struct node *node, enum tree_attribute which, struct buf *ret)
{
	return which == TREE_ERROR ? tree_error(t, node, ret) : 1;
}

static int sleep_within(int64_t ms, const struct call_limit *limit)
{
	const struct timespec tick = { .tv_nsec = 20 * 1000000 };

	for (int64_t end = clock_deadline(ms); clock_monotonic_ms() < end;) {
		int r = call_limit_check(limit);

		if (r < 0)
			return r;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
	}
	return 0;
}

static void write_log(struct tree *t, const struct node *node, int r, const struct buf *data)
{
	if (!t->log)
		return;
	FILE *log = fopen(t->log, "ae");

	fprintf(log, "%" PRId64 " %s %d ", node->id, schema_field(KIND_story, node->field)->key,
		-r);
	for (size_t i = 0; i < data->len; i++)
		fprintf(log, "%02x", (unsigned char)data->data[i]);
	fputc('\n', log);
	fclose(log);
}

static int judge(const struct node *node, const char *data, size_t len, const char **ret_words)
{
	const struct field *field = schema_field(KIND_story, node->field);

	*ret_words = "is not text";
	if (!text_is_valid(data, len))
		return -EINVAL;
	*ret_words = "may not be empty";
	if (len == 0 && !may_be_empty(node))
		return -EINVAL;
	*ret_words = "is too long";
	return field->max && len > field->max ? -EMSGSIZE : 0;
}

static int ask_server(struct tree *t, const struct node *node, const struct buf *data,
	const struct call_limit *limit, struct buf *ret_words)
{
	struct script script;
	scoped(free_ptr) char *words = NULL;
	struct fake_field *field = &find_story(t, node->id)->fields[node->field];

	read_control(t, &script, false);
	words = script.words;
	pthread_mutex_lock(&t->lock);
	t->n_saves++;
	if (++field->n_saving > t->most_at_once)
		t->most_at_once = field->n_saving;
	pthread_mutex_unlock(&t->lock);
	int r = sleep_within(script.delay_ms, limit);

	if (r == 0 && script.refuse) {
		r = -script.refuse;
		buf_add_str(ret_words, words ? words : "refused");
	} else if (r < 0) {
		buf_add_str(ret_words, strerror(-r));
	}
	lock_scope(&t->lock);
	field->n_saving--;
	write_log(t, node, r, data);
	return r;
}

static void settle(
	struct tree *t, const struct node *node, const struct buf *data, int r, const char *words)
{
	struct fake_story *story = find_story(t, node->id);
	struct fake_field *field = &story->fields[node->field];

	lock_scope(&t->lock);
	free(story->error);
	free(field->error);
	story->error = field->error = NULL;
	if (r < 0) {
		field->error =
			xasprintf("%s: %s\n", schema_field(KIND_story, node->field)->key, words);
		story->error = xstrdup(field->error);
		next_ns(t);
		return;
	}
	put_text(t, story, node->field, buf_str(data), value_len(buf_str(data), data->len));
	story->fields[F_story_updated_at].mtime_ns = t->last_ns;
}

int tree_save(struct tree *t, const struct node *node, const struct tree_text *saved,
	const struct call_limit *limit)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf words = BUF_INIT;
	const char *why;

	if (!is_field_node(node) || !is_writable(node->field))
		return -EROFS;
	buf_add(&text, saved->data, saved->len);
	int r = judge(node, saved->data, value_len(saved->data, saved->len), &why);

	if (r < 0)
		buf_add_str(&words, why);
	else
		r = ask_server(t, node, &text, limit, &words);
	settle(t, node, &text, r, buf_str(&words));
	if (r == 0)
		tell(t, node->id);
	return r;
}

void tree_changes(struct tree *t, const struct change *change,
	void (*emit)(void *data, const struct tree_change *change), void *data)
{
	(void)t;
	each_field(f, KIND_story) {
		struct tree_change c = { .type = TREE_CONTENT,
			.node = { ROW_story, change->id, f } };

		emit(data, &c);
	}
}
