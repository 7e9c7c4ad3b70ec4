/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storing ahead. The thread walks the tree as a reader does, depth first, until the reader's window
 * is used up or the kernel does not know what comes. What was listed is stored by who serves.
 */
#include "ahead.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mount.h"
#include "readers.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum {
	MAX_TEXT = 128 << 10,
	MAX_FIELDS = 253, /* that have numbers */
	MAX_DEPTH = 6,
	MAX_DIRS = 8 * WINDOW_MOST, /* to be looked into for one window */
	MAX_UNKNOWN = 8,	    /* directories in a row that the kernel does not know */
	MAX_JUMP = 4,		    /* directories, as a power of two */
	N_MARKS = 4096,
	STORED_MS = 5000,
	CHANGED_MS = 2000,
	SETTLE_MS = 250,
};

/* Numbers that something happened to lately; those that share a place forget each other. */
struct mark {
	uint64_t number;
	int64_t at_ms;
};

/* A file whose text is on its way to the kernel. */
struct storing {
	uint64_t number;
	bool is_spoiled; /* its text moved since it was read */
	struct storing *next;
};

struct ahead {
	struct fs *fs;
	pthread_t thread;
	bool started;
	atomic_bool stopping;
	int fields_end[N_ROWS]; /* of a row's nodes no field is this or more; 0: they have none */

	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t wake, done;
	struct readers readers;
	struct storing *storing;
	struct mark stored[N_MARKS]; /* directories */
	struct mark changed[N_MARKS];
};

static int find_fields_end(enum layout_row row)
{
	int end = 0;

	for (int field = 0; field < MAX_FIELDS; field++) {
		struct node file = { row, 1, field }, same;

		if (tree_node(tree_number(&file), &same))
			end = field + 1;
	}
	return end;
}

static bool has_fields(const struct ahead *a, const struct node *dir)
{
	return dir->field < 0 && a->fields_end[dir->row];
}

struct ahead *ahead_new(struct fs *fs)
{
	struct ahead *a = xcalloc(1, sizeof(*a));

	a->fs = fs;
	for (int row = 0; row < N_ROWS; row++)
		a->fields_end[row] = find_fields_end((enum layout_row)row);
	pthread_mutex_init(&a->lock, NULL);
	thread_init_cond(&a->wake);
	thread_init_cond(&a->done);
	return a;
}

void ahead_free(struct ahead *a)
{
	assert(!a->started);
	pthread_cond_destroy(&a->wake);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static struct mark *mark_of(struct mark *marks, uint64_t number)
{
	return &marks[(number * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
}

static void set_mark(struct mark *marks, uint64_t number)
{
	*mark_of(marks, number) = (struct mark){ number, clock_monotonic_ms() };
}

static bool has_mark(struct mark *marks, uint64_t number, int64_t ms)
{
	const struct mark *m = mark_of(marks, number);

	return m->number == number && clock_monotonic_ms() - m->at_ms < ms;
}

/* ---- one file ---- */

static struct storing *find_storing(struct ahead *a, uint64_t number)
{
	struct storing *s = a->storing;

	while (s && s->number != number)
		s = s->next;
	return s;
}

static bool claim(struct ahead *a, struct storing *s)
{
	lock_scope(&a->lock);
	if (has_mark(a->changed, s->number, CHANGED_MS) || find_storing(a, s->number))
		return false;
	s->next = a->storing;
	a->storing = s;
	return true;
}

/* Its text, if it may be stored: 0, and from then on it is being stored. */
static int begin_store(struct ahead *a, const struct node *node, struct storing *s, struct buf *ret)
{
	lock_scope(&a->fs->lock);
	if (files_find(&a->fs->files, s->number) || files_of_node(&a->fs->files, node) ||
		tree_read(a->fs->tree, node, ret) || !ret->len || ret->len > MAX_TEXT)
		return 1;
	return claim(a, s) ? 0 : 1;
}

/* True when what was stored is what there is; then it is no longer being stored. */
static bool is_stored(struct ahead *a, struct storing *s)
{
	lock_scope(&a->lock);
	struct storing **at = &a->storing;

	if (s->is_spoiled) {
		s->is_spoiled = false;
		return false;
	}
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	pthread_cond_broadcast(&a->done);
	return true;
}

/* 1 when there is nothing to store; -ENOENT when the kernel does not know the file. */
static int store_file(struct ahead *a, const struct node *node)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct storing s = { .number = tree_number(node) };

	if (begin_store(a, node, &s, &text))
		return 1;
	struct fuse_bufvec bufs = FUSE_BUFVEC_INIT(text.len);

	bufs.buf[0].mem = text.data;
	int r = fuse_lowlevel_notify_store(a->fs->session, s.number, 0, &bufs, FUSE_BUF_NO_SPLICE);

	while (!is_stored(a, &s))
		fuse_lowlevel_notify_inval_inode(a->fs->session, s.number, 0, 0);
	return r;
}

/* ---- one directory ---- */

static bool was_stored(struct ahead *a, uint64_t dir)
{
	lock_scope(&a->lock);
	return has_mark(a->stored, dir, STORED_MS);
}

static void note_stored(struct ahead *a, uint64_t dir)
{
	lock_scope(&a->lock);
	set_mark(a->stored, dir);
}

/* How many files were stored; -ENOENT when the kernel knows none of those that it would. */
static int store_dir(struct ahead *a, const struct node *dir)
{
	uint64_t number = tree_number(dir);
	struct node file = *dir, same;
	int n = 0, n_unknown = 0;

	int end = dir->field < 0 ? a->fields_end[dir->row] : 0;

	if (!end || was_stored(a, number))
		return 0;
	for (file.field = 0; file.field < end && !atomic_load(&a->stopping); file.field++) {
		if (!tree_node(tree_number(&file), &same))
			continue;
		int r = store_file(a, &file);

		n += r == 0;
		n_unknown += r == -ENOENT;
		if (n_unknown > 1 && !n)
			return -ENOENT;
	}
	if (n)
		note_stored(a, number);
	return n || !n_unknown ? n : -ENOENT;
}

static void use_up(struct ahead *a, pid_t pid, int n)
{
	lock_scope(&a->lock);
	struct reader *r = readers_find(&a->readers, pid);

	if (r && n > 0)
		r->left -= (unsigned)n < r->left ? (unsigned)n : r->left;
}

/* ---- the walk ---- */

struct walk {
	struct ahead *a;
	struct reader reader; /* as it was when the walk began, and what comes of it */
	unsigned dirs_left, n_unknown;
	bool is_behind;	  /* the reader is further: go on from where it is, */
	unsigned skip;	  /* passing over so many directories, */
	unsigned n_jumps; /* more each time */
};

struct dirs {
	uint64_t *v; /* their numbers */
	size_t n, cap;
};

static void dirs_fini(struct dirs *dirs)
{
	free(dirs->v);
}

SCOPED_VALUE(struct dirs, dirs_fini);

static void add_dir(void *data, const struct node *dir)
{
	struct dirs *dirs = data;

	if (dirs->n == dirs->cap) {
		dirs->cap = dirs->cap ? dirs->cap * 2 : 16;
		dirs->v = xrealloc(dirs->v, dirs->cap, sizeof(*dirs->v));
	}
	dirs->v[dirs->n++] = tree_number(dir);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_over(const struct walk *w)
{
	return !w->reader.left || !w->dirs_left || w->is_behind || w->n_unknown > MAX_UNKNOWN ||
	       atomic_load(&w->a->stopping);
}

static void expect(struct walk *w, const struct dirs *dirs, size_t from)
{
	struct reader *r = &w->reader;

	for (size_t i = from; i < from + 3 && i < dirs->n && r->n_expected < N_EXPECTED; i++)
		r->expected[r->n_expected++] = dirs->v[i];
}

/* A READ where nothing was stored yet: the reader is quicker. */
static void look_where_it_is(struct walk *w)
{
	lock_scope(&w->a->lock);
	const struct reader *r = readers_find(&w->a->readers, w->reader.pid);

	if (!r || r->from == w->reader.from)
		return;
	w->reader.from = r->from;
	w->is_behind = !has_mark(w->a->stored, r->from, STORED_MS);
}

/* How many files of it were stored; -ENOENT when the kernel does not know it. */
static int visit(struct walk *w, const struct node *dir)
{
	if (!w->skip || !has_fields(w->a, dir))
		return store_dir(w->a, dir);
	w->skip--;
	return 0;
}

static void walk_below(struct walk *w, const struct node *dir, int depth);

static void walk_dirs(struct walk *w, const struct dirs *dirs, size_t i, int depth)
{
	struct node dir;

	for (; i < dirs->n && !is_over(w); i++) {
		if (tree_node(dirs->v[i], &dir))
			walk_below(w, &dir, depth);
	}
	if (is_over(w) && !w->is_behind)
		expect(w, dirs, i ? i - 1 : 0);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the layout */
static void walk_below(struct walk *w, const struct node *dir, int depth)
{
	scoped(dirs_fini) struct dirs dirs = { 0 };

	look_where_it_is(w);
	if (is_over(w))
		return;
	w->dirs_left--;
	int n = visit(w, dir);

	if (n < 0) {
		w->n_unknown++;
		return;
	}
	if (n)
		w->n_unknown = 0;
	w->reader.left -= (unsigned)n < w->reader.left ? (unsigned)n : w->reader.left;
	if (depth < MAX_DEPTH && tree_below(w->a->fs->tree, dir, add_dir, &dirs) == 0)
		walk_dirs(w, &dirs, 0, depth + 1);
}

/* Behind a directory, in the one that it is in. */
static void walk_after(struct walk *w, uint64_t parent, uint64_t dir)
{
	scoped(dirs_fini) struct dirs dirs = { 0 };
	struct node node;
	size_t i = 0;

	if (!tree_node(parent, &node) || tree_below(w->a->fs->tree, &node, add_dir, &dirs))
		return;
	if (w->reader.by_number && dirs.n)
		qsort(dirs.v, dirs.n, sizeof(*dirs.v), compare_numbers);
	while (i < dirs.n && dirs.v[i] != dir)
		i++;
	walk_dirs(w, &dirs, i + 1, 1);
}

/* The directory and those around it, from the inside. */
static unsigned find_path(struct ahead *a, uint64_t from, uint64_t ret[MAX_DEPTH])
{
	struct node dir, parent;
	unsigned n = 0;

	if (!tree_node(from, &dir))
		return 0;
	while (n < MAX_DEPTH) {
		ret[n++] = tree_number(&dir);
		if (tree_parent(a->fs->tree, &dir, &parent) || tree_number(&parent) == ret[n - 1])
			break;
		dir = parent;
	}
	return n;
}

static void walk_path(struct walk *w, const uint64_t *path, unsigned n)
{
	struct node dir;

	if (n && tree_node(path[0], &dir))
		walk_below(w, &dir, 0);
	for (unsigned i = 1; i < n && !is_over(w); i++)
		walk_after(w, path[i], path[i - 1]);
}

/* Take the reader whose turn it is; false when there is none. */
static bool begin_walk(struct ahead *a, struct reader *ret)
{
	lock_scope(&a->lock);
	struct reader *r = readers_waiting(&a->readers);

	if (!r)
		return false;
	r->is_waiting = false;
	r->is_walking = true;
	*ret = *r;
	return true;
}

/* What the walk found out; directories that were listed meanwhile used up some, too. */
static void end_walk(struct walk *w, unsigned began_with)
{
	struct ahead *a = w->a;
	unsigned n = began_with - w->reader.left;
	lock_scope(&a->lock);
	struct reader *r = readers_find(&a->readers, w->reader.pid);

	if (!r)
		return;
	r->is_walking = false;
	r->left -= n < r->left ? n : r->left;
	r->n_expected = w->reader.n_expected;
	memcpy(r->expected, w->reader.expected, sizeof(r->expected));
}

static void renew(struct walk *w, const uint64_t *path, unsigned n)
{
	reader_renew(&w->reader, path, n);
	lock_scope(&w->a->lock);
	struct reader *r = readers_find(&w->a->readers, w->reader.pid);

	if (!r)
		return;
	r->left = w->reader.left;
	r->window = w->reader.window;
	r->by_number = w->reader.by_number;
}

static void walk(struct ahead *a, const struct reader *reader)
{
	struct walk w = { .a = a, .reader = *reader, .dirs_left = MAX_DIRS };
	uint64_t path[MAX_DEPTH];
	unsigned n = find_path(a, reader->from, path);

	renew(&w, path, n);
	unsigned began_with = w.reader.left;

	w.reader.n_expected = 0;
	walk_path(&w, path, n);
	while (w.is_behind && !atomic_load(&a->stopping)) {
		w.is_behind = false;
		w.skip = 1U << w.n_jumps;
		w.n_jumps += w.n_jumps < MAX_JUMP;
		n = find_path(a, w.reader.from, path);
		walk_path(&w, path, n);
	}
	end_walk(&w, began_with);
}

/* ---- the thread ---- */

static void wait_for_work(struct ahead *a)
{
	lock_scope(&a->lock);
	while (!atomic_load(&a->stopping) && !readers_waiting(&a->readers))
		pthread_cond_wait(&a->wake, &a->lock);
}

static void *run(void *data)
{
	struct ahead *a = data;
	struct reader reader;

	while (!atomic_load(&a->stopping)) {
		wait_for_work(a);
		if (begin_walk(a, &reader))
			walk(a, &reader);
	}
	return NULL;
}

int ahead_start(struct ahead *a)
{
	int r = thread_start(run, a, &a->thread);

	a->started = r == 0;
	return r;
}

void ahead_stop(struct ahead *a)
{
	if (!a->started)
		return;
	pthread_mutex_lock(&a->lock);
	atomic_store(&a->stopping, true);
	pthread_cond_broadcast(&a->wake);
	pthread_cond_broadcast(&a->done);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	a->started = false;
}

/* ---- what is told ---- */

void ahead_note_read(struct ahead *a, pid_t pid, const struct node *field)
{
	struct node dir = { field->row, field->id, -1 };
	lock_scope(&a->lock);

	if (readers_note(&a->readers, pid, tree_number(field), tree_number(&dir)))
		pthread_cond_signal(&a->wake);
}

void ahead_note_listed(struct ahead *a, pid_t pid, uint64_t dir)
{
	struct node node;

	if (!tree_node(dir, &node) || !has_fields(a, &node))
		return;
	{
		lock_scope(&a->lock);
		struct reader *r = readers_find(&a->readers, pid);

		if (!r)
			return;
		r->listed = dir;
		if (!r->left)
			return;
	}
	use_up(a, pid, store_dir(a, &node));
}

void ahead_note_changed(struct ahead *a, uint64_t number)
{
	lock_scope(&a->lock);
	set_mark(a->changed, number);
	struct storing *s = find_storing(a, number);

	if (s)
		s->is_spoiled = true;
}

void ahead_settle(struct ahead *a, uint64_t number)
{
	struct timespec until = clock_timespec(clock_deadline(SETTLE_MS));
	lock_scope(&a->lock);

	if (find_storing(a, number))
		thread_will_wait();
	while (find_storing(a, number) && !atomic_load(&a->stopping) &&
		pthread_cond_timedwait(&a->done, &a->lock, &until) == 0)
		;
}
