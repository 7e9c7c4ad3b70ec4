/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs import`: dumps into an archive, with a progress bar for who watches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "new_archive.h"
#include "progress.h"
#include "report.h"
#include "storyfs/import.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum exit_code fail(const char *reason)
{
	fprintf(stderr, "storyfs: import: %s", reason);
	return EXIT_FAILED;
}

static int import_into(const struct arguments *args, struct archive *archive,
	struct import_report *ret, struct buf *reason)
{
	scoped(progress_fini) struct progress progress = { .command = "import" };
	const struct import_config config = {
		.paths = (const char *const *)args->operands,
		.n_paths = (size_t)args->n_operands - 1,
		.progress = progress_show,
		.data = &progress,
		.owner = args->values[OPTION_owner],
		.project = args->values[OPTION_project],
		.dry_run = arguments_have(args, OPTION_dry_run),
	};

	return import_all(archive, &config, ret, reason);
}

static int import_into_new(const struct arguments *args, const char *path,
	struct import_report *ret, struct buf *reason)
{
	scoped(new_archive_close) struct new_archive made = { 0 };
	int e = new_archive_open(path, &made, reason);

	if (e == 0)
		e = import_into(args, made.archive, ret, reason);
	if (e == 0 && !arguments_have(args, OPTION_dry_run))
		e = new_archive_put(&made, reason);
	return e;
}

static int import_into_existing(const struct arguments *args, const char *path,
	struct import_report *ret, struct buf *reason)
{
	scoped(archive_close) struct archive *archive = NULL;
	int e = archive_open(path, ARCHIVE_FILL, &archive, reason);

	return e < 0 ? e : import_into(args, archive, ret, reason);
}

enum exit_code run_import(const struct arguments *args)
{
	const char *path = args->operands[args->n_operands - 1];
	scoped(import_report_fini) struct import_report report = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	bool is_new = access(path, F_OK) < 0 && errno == ENOENT;

	if (is_folder(path)) {
		buf_add_fmt(&reason, "the archive comes last, and '%s' is a folder\n", path);
		return fail(reason.data);
	}
	int e = is_new ? import_into_new(args, path, &report, &reason)
		       : import_into_existing(args, path, &report, &reason);

	if (e < 0)
		return fail(buf_str(&reason));
	report_print(args, &report);
	if (arguments_have(args, OPTION_dry_run))
		fputs("storyfs: import: a dry run: nothing was written\n", stderr);
	return EXIT_DONE;
}
