/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listing directories. The kernel is told that opendir means nothing here, which saves a request a
 * directory and lets it keep listings, so there is no handle to hang a listing on. A listing is
 * made whole when one is read from its start, and the next parts are cut from it, whatever changes
 * meanwhile: an offset is its serial number and the index of the next entry. The last few are kept.
 * When one is asked for that is gone, a new one goes on at the same index.
 */
#include "listing.h"

#include <errno.h>
#include <string.h>

#include "ahead.h"
#include "attr.h"
#include "node.h"
#include "request.h"

enum {
	MAX_LISTINGS = 16,
	INDEX_BITS = 32,
};

struct item {
	size_t name; /* offset into names */
	uint64_t number;
	enum { ITEM_DOT, ITEM_NODE, ITEM_FILE } from; /* `.` and `..`, the tree, our entries */
};

struct listing {
	uint64_t serial, dir;
	size_t n, cap;
	struct item *items;
	struct buf names;
	int n_refs;
	struct listing *next;
};

static void unref(struct listing *l)
{
	if (--l->n_refs)
		return;
	free(l->items);
	buf_fini(&l->names);
	free(l);
}

static void add_item(struct listing *l, const char *name, uint64_t number, int from)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->items = xrealloc(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n++] = (struct item){ l->names.len, number, from };
	buf_add(&l->names, name, strlen(name) + 1);
}

static bool add_node(void *data, const char *name, const struct node *node)
{
	add_item(data, name, tree_number(node), ITEM_NODE);
	return true;
}

/* Put our entries over the tree's: other numbers, vacated names, scratch files. The lock is held.
 */
static void apply_entries(struct fs *fs, struct listing *l)
{
	struct dir *d = files_dir(&fs->files, l->dir);
	struct entry *e, *next_entry;
	size_t n = 2;

	if (!d || !d->entries)
		return;
	for (size_t i = n; i < l->n; i++) {
		e = files_entry(&fs->files, l->dir, l->names.data + l->items[i].name);
		if (e)
			continue;
		l->items[n++] = l->items[i];
	}
	l->n = n;
	HASH_ITER(hh, d->entries, e, next_entry) {
		if (e->file)
			add_item(l, e->name, e->file->number, ITEM_FILE);
	}
}

static int fill(fuse_req_t req, struct listing *l, const struct node *dir)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct node parent;
	int r = tree_parent(fs->tree, dir, &parent);

	if (r)
		return r;
	add_item(l, ".", l->dir, ITEM_DOT);
	add_item(l, "..", tree_number(&parent), ITEM_DOT);
	r = tree_list(fs->tree, dir, &limit, add_node, l);
	if (r)
		return r;
	lock_scope(&fs->lock);
	apply_entries(fs, l);
	return 0;
}

static void keep(struct fs *fs, struct listing *l)
{
	struct listing **p = &fs->listings;

	l->serial = ++fs->n_listings & INT32_MAX;
	l->n_refs++;
	l->next = fs->listings;
	fs->listings = l;
	for (int i = 0; *p && i < MAX_LISTINGS; i++)
		p = &(*p)->next;
	if (*p) {
		unref(*p); /* one more than there may be: the last */
		*p = NULL;
	}
}

static int make(fuse_req_t req, uint64_t dir, struct listing **ret)
{
	struct fs *fs = request_fs(req);
	struct node node;

	if (!tree_node(dir, &node))
		return -ESTALE;
	struct listing *l = xcalloc(1, sizeof(*l));

	l->dir = dir;
	l->n_refs = 1;
	int r = fill(req, l, &node);

	lock_scope(&fs->lock);
	if (r) {
		unref(l);
		return r;
	}
	keep(fs, l);
	*ret = l;
	return 0;
}

/* The listing an offset is of, with a reference; NULL when it is gone. */
static struct listing *find(struct fs *fs, uint64_t dir, off_t off)
{
	uint64_t serial = (uint64_t)off >> INDEX_BITS;

	lock_scope(&fs->lock);
	for (struct listing *l = fs->listings; l; l = l->next) {
		if (l->serial == serial && l->dir == dir) {
			l->n_refs++;
			return l;
		}
	}
	return NULL;
}

static void put(struct fs *fs, struct listing *l)
{
	lock_scope(&fs->lock);
	unref(l);
}

void listings_fini(struct fs *fs)
{
	while (fs->listings) {
		struct listing *l = fs->listings;

		fs->listings = l->next;
		unref(l);
	}
}

static mode_t type_of(const struct item *item)
{
	static const mode_t types[] = {
		[NODE_DIR] = S_IFDIR, [NODE_FILE] = S_IFREG, [NODE_LINK] = S_IFLNK
	};
	struct node node;

	return tree_node(item->number, &node) ? types[tree_type(&node)] : 0;
}

/* What the kernel is told of an item; without attributes when there are none to be had: only files
 * have to be loaded to be measured, and a listing may be there before what it lists. */
static void describe(
	struct fs *fs, const struct item *item, bool plus, struct fuse_entry_param *ret)
{
	double valid_s;

	*ret = (struct fuse_entry_param){ .attr.st_ino = item->number };
	if (item->from == ITEM_DOT) {
		ret->attr.st_mode = S_IFDIR;
		return;
	}
	lock_scope(&fs->lock);
	const struct file *f = files_find(&fs->files, item->number);

	/* A scratch file has the field's number: a lookup will give the field another. */
	if (item->from == ITEM_NODE && f && !f->is_field)
		return;
	if (!plus && !f) {
		ret->attr.st_mode = type_of(item);
		return;
	}
	int r = plus ? attr_get_entry(fs, item->number, ret)
		     : attr_get(fs, item->number, &ret->attr, &valid_s);

	if (r < 0)
		*ret = (struct fuse_entry_param){ .attr = { .st_ino = item->number,
							  .st_mode = type_of(item) } };
}

struct page {
	struct buf bytes;
	size_t size;
	bool plus;
};

/* Add one entry; false when it does not fit. */
static bool add_entry(
	fuse_req_t req, struct page *page, const char *name, const struct item *item, off_t next)
{
	struct fs *fs = request_fs(req);
	struct fuse_entry_param e;
	size_t left = page->size - page->bytes.len;
	size_t need = page->plus ? fuse_add_direntry_plus(req, NULL, 0, name, NULL, 0)
				 : fuse_add_direntry(req, NULL, 0, name, NULL, 0);

	if (need > left)
		return false;
	describe(fs, item, page->plus, &e);
	char *end = buf_reserve(&page->bytes, need);

	if (page->plus)
		fuse_add_direntry_plus(req, end, need, name, &e, next);
	else
		fuse_add_direntry(req, end, need, name, &e.attr, next);
	page->bytes.len += need;
	return true;
}

/* Entries were counted as looked up; the reply never arrived. */
static void forget_from(struct fs *fs, const struct listing *l, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (l->items[i].from != ITEM_DOT)
			node_forget(fs, l->items[i].number, 1);
	}
}

static void list(fuse_req_t req, uint64_t dir, off_t off, struct page *page)
{
	struct fs *fs = request_fs(req);
	struct listing *l = off ? find(fs, dir, off) : NULL;
	size_t from = (size_t)((uint64_t)off & UINT32_MAX), i = from;
	int r = l ? 0 : make(req, dir, &l);

	if (r) {
		request_end(req, r);
		return;
	}
	if (from >= l->n)
		ahead_note_listed(fs->ahead, fuse_req_ctx(req)->pid, dir);
	for (; i < l->n; i++) {
		off_t next = (off_t)(l->serial << INDEX_BITS | (i + 1));

		if (!add_entry(req, page, l->names.data + l->items[i].name, &l->items[i], next))
			break;
	}
	if (fuse_reply_buf(req, page->bytes.data, page->bytes.len) == -ENOENT && page->plus)
		forget_from(fs, l, from, i);
	put(fs, l);
}

void fs_op_opendir(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	(void)number;
	(void)fi;
	/* Not by request_end: here the kernel is to hear it, and never ask again. */
	fuse_reply_err(req, ENOSYS);
}

void fs_op_readdir(
	fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct page page = { .size = size };

	(void)fi;
	list(req, number, off, &page);
	buf_fini(&page.bytes);
}

void fs_op_readdirplus(
	fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct page page = { .size = size, .plus = true };

	(void)fi;
	list(req, number, off, &page);
	buf_fini(&page.bytes);
}
