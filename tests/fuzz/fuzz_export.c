/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export, CSV or ZIP: it is imported, or refused in one line; imported again, it changes
 * nothing. What is exported then is imported again. Each input finds an empty archive.
 */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/export.h"
#include "storyfs/file.h"
#include "storyfs/import.h"
#include "storyfs/text.h"

#include "fuzz.h"

static char dir[64];
static struct buf empty; /* an archive */

static void clean_up(void)
{
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", dir);

	buf_fini(&empty);
	if (system(rm) != 0)
		abort();
}

static struct archive *open_archive(const char *path)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct archive *a;
	int e = archive_open(path, ARCHIVE_CREATE, &a, &reason);

	assert(e == 0);
	return a;
}

static void put(const char *path, const void *data, size_t len)
{
	int e = file_write_atomic(path, data, len, 0600);

	assert(e == 0);
}

/* Copied for each input: to make the tables takes longer than most of them. */
static void set_up(void)
{
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(dir, sizeof(dir), "%s/storyfs-fuzz-XXXXXX", memory);
	assert(mkdtemp(dir));
	scoped(free_ptr) char *path = xasprintf("%s/empty.db", dir);

	archive_close(open_archive(path));
	int e = file_read(path, SIZE_MAX, &empty);

	assert(e == 0);
	atexit(clean_up);
}

/* Was it imported? */
static bool check(struct archive *a, const struct import_config *config)
{
	scoped(import_report_fini) struct import_report first = { 0 };
	scoped(import_report_fini) struct import_report second = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	int e = import_all(a, config, &first, &reason);

	if (e < 0) {
		assert(reason.len && strchr(reason.data, '\n') == reason.data + reason.len - 1);
		return false;
	}
	assert(first.read[KIND_project] >= 1);
	assert(text_is_valid(first.notes.data, first.notes.len));
	e = import_all(a, config, &second, &reason);
	assert(e == 0);
	for (int kind = 0; kind < N_KINDS; kind++)
		assert(!second.changed[kind]);
	return true;
}

/* Whatever was read is written so that it can be read. */
static void check_export(struct archive *a)
{
	scoped(export_report_fini) struct export_report report = { 0 };
	scoped(import_report_fini) struct import_report again = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(free_ptr) char *work = xasprintf("%s/work", dir);
	scoped(free_ptr) char *path = xasprintf("%s/out.zip", work);
	scoped(free_ptr) char *db = xasprintf("%s/b.db", dir);
	const char *const paths[] = { path };
	const struct export_config config = { .format = EXPORT_ZIP, .path = path, .scratch = work };
	const struct import_config import = { .paths = paths, .n_paths = 1 };
	int e = file_make_dirs(work);

	assert(e == 0);
	e = export_all(a, &config, &report, &reason);

	assert(e == 0);
	put(db, empty.data, empty.len);
	struct archive *b = open_archive(db);

	e = import_all(b, &import, &again, &reason);
	assert(e == 0);
	archive_close(b);
	unlink(db);
	file_remove_tree(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!empty.len)
		set_up();
	scoped(free_ptr) char *db = xasprintf("%s/a.db", dir);
	scoped(free_ptr) char *path = xasprintf("%s/shop_20250401_1200.csv", dir);
	const char *const paths[] = { path };

	put(db, empty.data, empty.len);
	put(path, data, size);
	struct archive *a = open_archive(db);

	if (check(a, &(struct import_config){ .paths = paths, .n_paths = 1 }))
		check_export(a);
	archive_close(a);
	unlink(db);
	return 0;
}
