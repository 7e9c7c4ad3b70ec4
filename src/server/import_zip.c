/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ZIP of an export, packed or not: CSVs, and files in folders that are called by the id of
 * their story or epic. Which comment held them is lost; one without a text, made for them, holds
 * them here.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "attachments.h"
#include "image.h"
#include "import_export.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum {
	MAX_ENTRIES = 200000,
	MAX_CSVS = 1000,
	MAX_FILES = 5000, /* of a story */
	MAX_RATIO = 100,
	MAX_HEAD = 1 << 16,
	SHOWN_BYTES = 200,
	SHOWN_NOTES = 100,
};
static const int64_t allowance = INT64_C(256) << 20; /* unpacked, however small the ZIP is */
static const int64_t max_csv = INT64_C(1) << 30;
static const int64_t max_file = INT64_C(1) << 30;

/* A ZIP at work. */
struct package {
	struct import_run *run;
	struct export_source *source;
	const char *path;
	int64_t n_notes;
};

static void note(struct package *p, const char *name, const char *what)
{
	scoped(buf_fini) struct buf shown = BUF_INIT;

	text_add_excerpt(&shown, name, strlen(name), SHOWN_BYTES);
	buf_add_fmt(
		&p->run->report.notes, "%s: %s: %s; left out\n", p->path, buf_str(&shown), what);
}

/* ---- names ---- */

static const char *base_of(const char *name)
{
	return strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
}

/* What is wrong with a path; NULL: nothing. */
static const char *find_fault(const char *name)
{
	if (!text_is_valid(name, strlen(name)))
		return "its name is no UTF-8";
	if (*name == '/' || strchr(name, '\\') || (isalpha((unsigned char)*name) && name[1] == ':'))
		return "its name is no path within the ZIP";
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, "/");

		if ((len == 1 && *p == '.') || (len == 2 && strncmp(p, "..", 2) == 0))
			return "its name leads out of the ZIP";
		p += len + (p[len] == '/');
	}
	return NULL;
}

static bool is_csv(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcasecmp(name + len - 4, ".csv") == 0;
}

/* The story or epic whose folder the file is in; 0: none. */
static int64_t find_owner(const char *name)
{
	const char *end = strrchr(name, '/'), *from = end;
	int64_t id = 0;

	if (!end || !end[1])
		return 0;
	while (from > name && from[-1] != '/')
		from--;
	scoped(free_ptr) char *folder = xstrndup(from, (size_t)(end - from));

	return parse_int(folder, 1, MAX_STORY_ID, &id) ? id : 0;
}

/* What some systems add to every ZIP. */
static bool is_noise(const char *name)
{
	return strncmp(name, "__MACOSX/", 9) == 0 || strcmp(base_of(name), ".DS_Store") == 0;
}

/* ---- CSVs ---- */

static int read_csv(struct package *p, int64_t index, const char *name)
{
	scoped(free_ptr) char *path = xasprintf("%s: %s", p->path, name);
	struct export_csv csv;
	int r = import_csv_begin(p->run, path, name, &csv);

	if (r < 0)
		return r;
	r = p->source->read(p->source, index, import_csv_feed, &csv, p->run->reason);
	return import_csv_end(&csv, r);
}

/* Is the entry to be read at all? Says why not. */
static bool is_readable(struct package *p, const struct unzip_entry *entry, int64_t max)
{
	const char *why = entry->odd ? entry->odd : find_fault(entry->name);

	if (!why && entry->size > max)
		why = "it is larger than anything in an export";
	if (why)
		note(p, entry->name, why);
	return !why;
}

static int read_csvs(struct package *p)
{
	int n = 0, r = 0;

	for (int64_t i = 0; r >= 0 && i < p->source->count(p->source); i++) {
		const struct unzip_entry entry = p->source->entry(p->source, i);

		if (!is_csv(entry.name) || is_noise(entry.name) || find_owner(entry.name) ||
			!is_readable(p, &entry, max_csv))
			continue;
		if (n++ == MAX_CSVS) {
			buf_add_fmt(p->run->reason, "%s: more than %d CSVs in one ZIP", p->path,
				MAX_CSVS);
			return -EFBIG;
		}
		p->run->bytes_total += 2 * entry.size;
		r = read_csv(p, i, entry.name);
	}
	if (r >= 0 && !n) {
		buf_add_fmt(p->run->reason, "%s: there is no CSV in this ZIP", p->path);
		r = -ENOENT;
	}
	return r;
}

/* ---- files ---- */

static int64_t holder_id(const struct entry *owner)
{
	return owner->key.id * IDS_A_STORY + (owner->key.kind == KIND_story ? 0 : EPIC_PLACES);
}

/* The comment that holds a story's files, those of an older export, too. */
static int hold(struct package *p, const struct entry *owner, size_t file, struct record **ret)
{
	bool is_story = owner->key.kind == KIND_story;
	int64_t id = holder_id(owner);
	struct entry *e = import_table_find(&p->run->table, KIND_comment, id);
	scoped(record_unref) struct record *old = NULL;
	int r = e ? 0 : tx_get(p->run->tx, KIND_comment, id, &old);

	if (r < 0)
		return r;
	*ret = e ? e->record : old ? record_copy(old) : record_new(KIND_comment);
	if (e)
		return 0;
	record_set_int(*ret, F_comment_id, id);
	record_set_int(*ret, is_story ? F_comment_story_id : F_comment_epic_id, owner->key.id);
	import_table_add_own(&p->run->table, *ret, file);
	return 0;
}

static size_t count_files(const struct package *p, const struct entry *owner)
{
	const struct entry *e = import_table_find(&p->run->table, KIND_comment, holder_id(owner));
	const struct value *v = e ? record_get(e->record, F_comment_file_attachment_ids) : NULL;

	return v ? v->n : 0;
}

/* By its name: the order in a ZIP is nobody's. */
static int64_t make_id(const struct package *p, const struct entry *owner, const char *name)
{
	int64_t from =
		owner->key.id * IDS_A_STORY + (owner->key.kind == KIND_story ? 0 : EPIC_PLACES) + 1;
	int64_t place =
		import_id_of_text(KIND_file_attachment, owner->key.id, name) % (EPIC_PLACES - 1);

	while (import_table_find(&p->run->table, KIND_file_attachment, from + place))
		place = (place + 1) % (EPIC_PLACES - 1);
	return from + place;
}

static int take_head(void *data, const char *bytes, size_t len)
{
	struct buf *head = data;

	buf_add(head, bytes, len);
	return head->len < MAX_HEAD ? 0 : -ECANCELED;
}

static void set_type(struct package *p, int64_t index, struct record *file)
{
	scoped(buf_fini) struct buf head = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct image image;

	p->source->read(p->source, index, take_head, &head, &reason);
	bool is_image = image_read(buf_str(&head), head.len, &image);

	record_set_text(file, F_file_attachment_content_type,
		is_image ? image.content_type : "application/octet-stream");
	record_set_int(file, F_file_attachment_thumbnailable, is_image);
	if (is_image) {
		record_set_int(file, F_file_attachment_width, image.width);
		record_set_int(file, F_file_attachment_height, image.height);
	}
}

static void remember(struct package *p, int64_t id, const struct entry *owner, int64_t index)
{
	struct exports *x = p->run->exports;
	const struct unzip_entry entry = p->source->entry(p->source, index);

	x->files = xrealloc(x->files, x->n_files + 1, sizeof(*x->files));
	x->files[x->n_files++] = (struct export_file){ .id = id,
		.project_id = import_project_of(p->run, owner->record),
		.owner = owner,
		.source = p->source,
		.entry = index,
		.size = entry.size,
		.path = xasprintf("%s: %s", p->path, entry.name) };
}

static int add_file(struct package *p, const struct entry *owner, int64_t index)
{
	const struct unzip_entry entry = p->source->entry(p->source, index);
	size_t file = p->run->n_files - 1;
	int64_t id = make_id(p, owner, base_of(entry.name));
	struct record *holder;
	int e = hold(p, owner, file, &holder);

	if (e < 0)
		return e;
	struct record *r = record_new(KIND_file_attachment);

	record_set_int(r, F_file_attachment_id, id);
	record_set_text(r, F_file_attachment_filename, base_of(entry.name));
	record_set_int(r, F_file_attachment_size, entry.size);
	set_type(p, index, r);
	attachments_set_urls(r);
	import_table_add_own(&p->run->table, r, file);
	record_add_id(holder, F_comment_file_attachment_ids, id);
	remember(p, id, owner, index);
	return 0;
}

static int read_file(struct package *p, int64_t index)
{
	const struct unzip_entry entry = p->source->entry(p->source, index);
	int64_t id = find_owner(entry.name);
	const struct entry *owner = import_table_find(&p->run->table, KIND_story, id);

	if (!owner)
		owner = import_table_find(&p->run->table, KIND_epic, id);
	if (!id)
		note(p, entry.name, "is no CSV, nor in the folder of a story");
	else if (!owner)
		note(p, entry.name, "there is no such story in the export");
	else if (count_files(p, owner) >= MAX_FILES)
		note(p, entry.name, "the story has more files than any in an export");
	else
		return add_file(p, owner, index);
	return 0;
}

static int read_files(struct package *p)
{
	int r = 0;

	for (int64_t i = 0; r == 0 && i < p->source->count(p->source); i++) {
		const struct unzip_entry entry = p->source->entry(p->source, i);
		size_t len = strlen(entry.name);
		bool is_folder = len && entry.name[len - 1] == '/';
		bool was_read = is_csv(entry.name) && !find_owner(entry.name);

		if (!is_folder && !was_read && !is_noise(entry.name) &&
			is_readable(p, &entry, max_file))
			r = read_file(p, i);
	}
	return r;
}

/* ---- the whole ---- */

/* A small ZIP that unpacks to more than its like ever do is made to harm. */
static int check_sizes(struct package *p)
{
	struct stat st;
	int64_t unpacked = 0, n = p->source->count(p->source);
	int64_t size = stat(p->path, &st) == 0 ? (int64_t)st.st_size : 0;

	/* Progress goes by what is unpacked. */
	p->run->bytes_total -= 2 * size;
	if (n > MAX_ENTRIES) {
		buf_add_fmt(p->run->reason, "%s: %" PRId64 " files in one ZIP are more than %d",
			p->path, n, MAX_ENTRIES);
		return -EFBIG;
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t more = p->source->entry(p->source, i).size;

		unpacked = more > INT64_MAX - unpacked ? INT64_MAX : unpacked + more;
	}
	if ((unpacked - allowance) / MAX_RATIO <= size)
		return 0;
	buf_add_fmt(p->run->reason,
		"%s: unpacks to %" PRId64 " bytes, over %d times its own size; refused", p->path,
		unpacked, MAX_RATIO);
	return -EFBIG;
}

static int read_package(struct package *p)
{
	int r = read_csvs(p);

	if (r >= 0)
		r = read_files(p);
	if (r >= 0 && p->n_notes > SHOWN_NOTES)
		buf_add_fmt(&p->run->report.notes, "%s: %" PRId64 " more of these\n", p->path,
			p->n_notes - SHOWN_NOTES);
	return r < 0 ? r : 0;
}

static void add_source(struct import_run *run, struct export_source *source)
{
	struct exports *x = run->exports;

	if (!x)
		x = run->exports = xcalloc(1, sizeof(*x));
	source->next = x->sources;
	x->sources = source;
}

/* ---- a ZIP as a source ---- */

struct zip_source {
	struct export_source source;
	struct unzip *zip;
};

static struct unzip *zip_of(struct export_source *source)
{
	return ((struct zip_source *)source)->zip;
}

static int64_t count(struct export_source *source)
{
	return unzip_count(zip_of(source));
}

static struct unzip_entry get_entry(struct export_source *source, int64_t index)
{
	return unzip_entry(zip_of(source), index);
}

static int read_entry(struct export_source *source, int64_t index,
	int (*take)(void *data, const char *bytes, size_t len), void *data, struct buf *ret_reason)
{
	return unzip_read(zip_of(source), index, take, data, ret_reason);
}

static void close_zip(struct export_source *source)
{
	unzip_close(zip_of(source));
	free(source);
}

int import_read_zip(struct import_run *run, const char *path)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	struct zip_source *zip = xcalloc(1, sizeof(*zip));
	struct package p = { .run = run, .path = path, .source = &zip->source };
	int r = unzip_open(path, &zip->zip, &why);

	zip->source = (struct export_source){ count, get_entry, read_entry, close_zip, NULL };
	add_source(run, &zip->source);
	if (r < 0) {
		buf_add_fmt(run->reason, "%s: %s", path, buf_str(&why));
		return r;
	}
	r = check_sizes(&p);
	return r < 0 ? r : read_package(&p);
}

int import_read_unpacked(struct import_run *run, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	scoped(free_ptr) char *folder = xstrndup(path, len);
	struct package p = { .run = run, .path = folder, .source = import_open_unpacked(folder) };

	add_source(run, p.source);
	return read_package(&p);
}

/* ---- bytes ---- */

/* Bytes on their way into the archive, or held against what it has. */
struct transfer {
	struct tx *tx;
	int64_t id, at;
};

/* -ECANCELED: they differ. */
static int compare(void *data, const char *bytes, size_t len)
{
	struct transfer *t = data;
	scoped(buf_fini) struct buf old = BUF_INIT;
	int r = tx_get_bytes(t->tx, t->id, t->at, len, &old);

	t->at += (int64_t)len;
	if (r < 0)
		return r;
	return old.len == len && memcmp(old.data, bytes, len) == 0 ? 0 : -ECANCELED;
}

static int put(void *data, const char *bytes, size_t len)
{
	struct transfer *t = data;

	return tx_put_bytes(t->tx, t->id, bytes, len);
}

static int is_stored(struct import_run *run, const struct export_file *f, bool *ret)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct transfer t = { .tx = run->tx, .id = f->id };
	int64_t n = 0;
	int r = tx_count_bytes(run->tx, f->id, &n);

	*ret = false;
	if (r || n != f->size)
		return r < 0 ? r : 0;
	r = f->source->read(f->source, f->entry, compare, &t, &reason);
	*ret = r == 0;
	return r == -ECANCELED || r == -EBADMSG ? 0 : r;
}

static int store_file(struct import_run *run, const struct export_file *f)
{
	const struct entry *e = import_table_find(&run->table, KIND_file_attachment, f->id);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct transfer t = { .tx = run->tx, .id = f->id };
	bool stored;

	if (!e || e->skip)
		return 0;
	int r = is_stored(run, f, &stored);

	if (r < 0 || stored)
		return r;
	r = tx_delete_bytes(run->tx, f->id);
	if (r >= 0 && !f->size)
		r = tx_put_bytes(run->tx, f->id, "", 0);
	if (r >= 0)
		r = f->source->read(f->source, f->entry, put, &t, &reason);
	if (r == -EBADMSG && reason.len) {
		buf_add_fmt(&run->report.notes, "%s: %s; its bytes are left out\n", f->path,
			reason.data);
		return tx_delete_bytes(run->tx, f->id);
	}
	import_touch(run, f->project_id);
	return r < 0 ? r : 0;
}

int import_store_files(struct import_run *run)
{
	int r = 0;

	for (size_t i = 0; run->exports && r >= 0 && i < run->exports->n_files; i++)
		r = store_file(run, &run->exports->files[i]);
	return r < 0 ? r : 0;
}
