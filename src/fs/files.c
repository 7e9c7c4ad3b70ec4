/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mount keeps beside the tree: three hash tables, and the rules of who may go. */
#include "files.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "storyfs/clock.h"

/* A file that was cut to less than one part in so many keeps no more memory than it needs. */
enum { SPARE = 4 };

/* NOLINTBEGIN(readability-function-size, clang-analyzer-*): uthash's macros nest deep, and what
 * they free they no longer hold. */

static void free_file(struct files *files, struct file *f)
{
	if (f->is_field)
		HASH_DELETE(hh_node, files->by_node, f);
	HASH_DEL(files->by_number, f);
	files->total -= f->bytes.len;
	buf_fini(&f->bytes);
	if (f->is_spooled)
		close(f->spool);
	buf_fini(&f->base);
	free(f);
}

static void attach(struct files *files, struct entry *e, struct file *f)
{
	e->file = f;
	e->next = f->entry;
	f->entry = e;
	f->n_names++;
	files->n_names++;
}

/* The file that was bound to the entry; NULL: there was none. */
static struct file *detach(struct files *files, struct entry *e)
{
	struct file *f = e->file;

	if (!f)
		return NULL;
	for (struct entry **p = &f->entry; *p; p = &(*p)->next) {
		if (*p == e) {
			*p = e->next;
			break;
		}
	}
	e->file = NULL;
	f->n_names--;
	files->n_names--;
	return f;
}

static void free_entry(struct entry *e)
{
	HASH_DEL(e->dir->entries, e);
	free(e);
}

void files_fini(struct files *files)
{
	struct file *f, *next_file;
	struct dir *d, *next_dir;
	struct entry *e, *next_entry;
	struct pin *p, *next_pin;

	HASH_ITER(hh, files->by_number, f, next_file)
		free_file(files, f);
	HASH_ITER(hh, files->dirs, d, next_dir) {
		HASH_ITER(hh, d->entries, e, next_entry)
			free_entry(e);
		HASH_DEL(files->dirs, d);
		free(d);
	}
	seen_fini(&files->seen);
	HASH_ITER(hh, files->pins, p, next_pin) {
		HASH_DEL(files->pins, p);
		free(p);
	}
}

struct file *files_find(struct files *files, uint64_t number)
{
	struct file *f;

	HASH_FIND(hh, files->by_number, &number, sizeof(number), f);
	return f;
}

struct file *files_of_node(struct files *files, const struct node *node)
{
	uint64_t number = tree_number(node);
	struct file *f;

	HASH_FIND(hh_node, files->by_node, &number, sizeof(number), f);
	return f;
}

struct file *files_add(struct files *files, uint64_t number)
{
	struct file *f = xcalloc(1, sizeof(*f));

	f->number = number ? number : NUMBER_OWN | ++files->last_number;
	HASH_ADD(hh, files->by_number, number, sizeof(f->number), f);
	return f;
}

size_t files_names_left(const struct files *files)
{
	return files->n_names < N_FILES_MAX ? N_FILES_MAX - files->n_names : 0;
}

/* Does the file hold what the tree would not answer in its place? */
static bool is_needed(const struct file *f)
{
	if (f->n_handles || f->n_refs || f->n_lookups)
		return true;
	return f->is_field ? f->loaded || f->stale : f->entry != NULL;
}

void files_drop_idle(struct files *files, struct file *f)
{
	if (is_needed(f))
		return;
	for (struct entry *e; (e = f->entry);) {
		detach(files, e);
		free_entry(e);
	}
	free_file(files, f);
}

void file_become_field(struct files *files, struct file *f, const struct node *node)
{
	assert(!f->is_field && !files_of_node(files, node));
	f->is_field = true;
	f->node = *node;
	f->node_number = tree_number(node);
	HASH_ADD(hh_node, files->by_node, node_number, sizeof(f->node_number), f);
}

void file_become_scratch(struct files *files, struct file *f)
{
	assert(f->loaded);
	if (f->is_field)
		HASH_DELETE(hh_node, files->by_node, f);
	f->is_field = false;
	f->used_ms = clock_monotonic_ms();
}

void file_load(struct files *files, struct file *f, struct buf *bytes)
{
	file_unload(files, f);
	files->total += bytes->len;
	f->bytes = *bytes;
	*bytes = BUF_INIT;
	f->loaded = true;
	f->bare = false;
}

void file_unload(struct files *files, struct file *f)
{
	files->total -= f->bytes.len;
	buf_fini(&f->bytes);
	f->loaded = false;
	f->refused = false;
	f->seen = false;
}

uint64_t file_size(const struct file *f)
{
	return f->is_spooled ? f->spool_len : f->bytes.len;
}

uint64_t file_max(const struct file *f)
{
	return f->is_spooled ? SPOOL_MAX : FILE_MAX;
}

uint64_t file_room(const struct files *files, const struct file *f)
{
	uint64_t left = files->total < FILES_MAX ? FILES_MAX - files->total : 0;

	return f->bytes.len + left < FILE_MAX ? f->bytes.len + left : FILE_MAX;
}

bool file_is_plain(const struct file *f)
{
	return !f->is_field && !f->is_seed && !f->is_spooled;
}

static int resize_spool(struct file *f, uint64_t size)
{
	if (f->is_frozen)
		return -ETXTBSY;
	if (ftruncate(f->spool, (off_t)size) < 0)
		return -errno;
	f->spool_len = size;
	return 0;
}

int file_resize(struct files *files, struct file *f, uint64_t size)
{
	size_t len = f->bytes.len;

	if (size > file_max(f))
		return -EFBIG;
	if (f->is_spooled)
		return resize_spool(f, size);
	if (size > len && files->total + (size - len) > FILES_MAX)
		return -ENOSPC;
	if (size > len)
		memset(buf_reserve(&f->bytes, size - len), 0, size - len);
	files->total = files->total - len + size;
	f->bytes.len = size;
	if (f->bytes.data)
		f->bytes.data[size] = '\0';
	if (size < f->bytes.cap / SPARE)
		buf_trim(&f->bytes);
	return 0;
}

/* Who began it counts: what was added since then adds to that text. */
void file_begin_change(struct file *f, struct process writer, const struct buf *base)
{
	f->writer = writer;
	if (f->has_base && f->gen != f->settled)
		return;
	buf_reset(&f->base);
	f->has_base = base;
	if (base)
		buf_add(&f->base, buf_str(base), base->len);
}

int64_t files_now_ns(struct files *files)
{
	int64_t now = clock_now_ms() * 1000000;

	files->last_ns = now > files->last_ns ? now : files->last_ns + 1;
	return files->last_ns;
}

void file_changed(struct files *files, struct file *f)
{
	f->gen++;
	f->seen = false;
	f->mtime_ns = f->ctime_ns = files_now_ns(files);
	f->used_ms = clock_monotonic_ms();
}

struct dir *files_dir(struct files *files, uint64_t number)
{
	struct dir *d;

	HASH_FIND(hh, files->dirs, &number, sizeof(number), d);
	return d;
}

static struct dir *make_dir(struct files *files, uint64_t number)
{
	struct dir *d = files_dir(files, number);

	if (d)
		return d;
	d = xcalloc(1, sizeof(*d));
	d->number = number;
	HASH_ADD(hh, files->dirs, number, sizeof(d->number), d);
	return d;
}

/* Vacated or bound, expired or not. */
static struct entry *find_entry(struct files *files, uint64_t dir, const char *name)
{
	struct dir *d = files_dir(files, dir);
	struct entry *e = NULL;

	if (d)
		HASH_FIND_STR(d->entries, name, e);
	return e;
}

struct entry *files_entry(struct files *files, uint64_t dir, const char *name)
{
	struct entry *e = find_entry(files, dir, name);

	if (e && !e->file && e->until_ms <= clock_monotonic_ms())
		return NULL;
	return e;
}

/* An entry of this name with nothing in it, new or as it was. */
static struct entry *make_entry(struct files *files, uint64_t dir, const char *name)
{
	struct entry *e = find_entry(files, dir, name);
	struct dir *d = make_dir(files, dir);

	d->mtime_ns = files_now_ns(files);
	if (e)
		return e;
	size_t size = strlen(name) + 1;

	e = xcalloc(1, sizeof(*e) + size);
	e->dir = d;
	memcpy(e->name, name, size);
	HASH_ADD_STR(d->entries, name, e);
	return e;
}

void files_bind(struct files *files, struct file *f, uint64_t dir, const char *name)
{
	struct entry *e = make_entry(files, dir, name);

	assert(!e->file && (!f->entry || file_is_plain(f)));
	attach(files, e, f);
}

void files_vacate(struct files *files, uint64_t dir, const char *name, const struct node *node,
	int64_t until_ms)
{
	struct entry *e = make_entry(files, dir, name);
	struct file *f = detach(files, e);

	e->node = *node;
	e->until_ms = until_ms;
	if (f)
		files_drop_idle(files, f);
}

void files_unbind(struct files *files, struct entry *e)
{
	struct file *f = detach(files, e);

	e->dir->mtime_ns = files_now_ns(files);
	free_entry(e);
	if (f)
		files_drop_idle(files, f);
}

void files_unbind_all(struct files *files, struct file *f)
{
	assert(f->n_refs);
	while (f->entry)
		files_unbind(files, f->entry);
}

void files_exchange(struct files *files, struct entry *a, struct entry *b)
{
	struct file *fa = detach(files, a), *fb = detach(files, b);

	attach(files, a, fb);
	attach(files, b, fa);
	a->dir->mtime_ns = b->dir->mtime_ns = files_now_ns(files);
}

bool files_begin_saving(struct files *files, uint64_t number)
{
	struct saving *s;

	HASH_FIND(hh, files->saving, &number, sizeof(number), s);
	if (s)
		return false;
	s = xcalloc(1, sizeof(*s));
	s->number = number;
	HASH_ADD(hh, files->saving, number, sizeof(s->number), s);
	return true;
}

void files_end_saving(struct files *files, uint64_t number)
{
	struct saving *s;

	HASH_FIND(hh, files->saving, &number, sizeof(number), s);
	assert(s);
	HASH_DEL(files->saving, s);
	free(s);
}

static struct pin *find_pin(struct files *files, uint64_t number)
{
	struct pin *p;

	HASH_FIND(hh, files->pins, &number, sizeof(number), p);
	return p;
}

void files_pin(struct files *files, uint64_t number, int64_t tree_ns, int64_t shown_ns)
{
	struct pin *p = find_pin(files, number);

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->number = number;
		HASH_ADD(hh, files->pins, number, sizeof(p->number), p);
	}
	p->tree_ns = tree_ns;
	p->shown_ns = shown_ns;
}

int64_t files_pinned(struct files *files, uint64_t number, int64_t tree_ns)
{
	struct pin *p = find_pin(files, number);

	return p && p->tree_ns == tree_ns ? p->shown_ns : tree_ns;
}

/* NOLINTEND(readability-function-size, clang-analyzer-*) */
