/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export, CSV or ZIP: it is imported, or refused in one line. Nothing of it stays, so that each
 * input finds an empty archive.
 */
#include <assert.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/import.h"
#include "storyfs/text.h"

#include "fuzz.h"

static char dir[] = "/tmp/storyfs-fuzz-XXXXXX";
static struct archive *archive;

static void clean_up(void)
{
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", dir);

	archive_close(archive);
	if (system(rm) != 0)
		abort();
}

static void set_up(void)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	assert(mkdtemp(dir));
	scoped(free_ptr) char *path = xasprintf("%s/a.db", dir);
	int e = archive_open(path, ARCHIVE_CREATE, &archive, &reason);

	assert(e == 0);
	atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(import_report_fini) struct import_report report = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (!archive)
		set_up();
	scoped(free_ptr) char *path = xasprintf("%s/shop_20250401_1200.csv", dir);
	const char *const paths[] = { path };
	const struct import_config config = { .paths = paths, .n_paths = 1, .dry_run = true };
	int e = file_write_atomic(path, data, size, 0600);

	assert(e == 0);
	e = import_all(archive, &config, &report, &reason);
	if (e < 0) {
		assert(reason.len && strchr(reason.data, '\n') == reason.data + reason.len - 1);
	} else {
		assert(report.read[KIND_project] >= 1);
		assert(text_is_valid(report.notes.data, report.notes.len));
	}
	return 0;
}
