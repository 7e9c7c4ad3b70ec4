/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs import`: dumps into an archive, with a progress bar for who watches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/clock.h"
#include "storyfs/import.h"

enum {
	BAR_WIDTH = 30,
	REDRAW_MS = 50,
};

struct progress {
	bool on_terminal;
	int64_t drawn_ms;
	char *folder; /* the last one that was named */
};

static void draw_bar(struct progress *p, const char *what, int64_t done, int64_t total)
{
	static const char full[] = "##############################";
	int percent = total > 0 ? (int)(done * 100 / total) : 100;
	int width = percent * BAR_WIDTH / 100;
	const char *name = strrchr(what, '/') ? strrchr(what, '/') + 1 : what;

	if (clock_monotonic_ms() - p->drawn_ms < REDRAW_MS && done < total)
		return;
	p->drawn_ms = clock_monotonic_ms();
	fprintf(stderr, "\r[%-*.*s] %3d%% %-30.30s", BAR_WIDTH, width, full, percent, name);
	if (done >= total)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 40, "");
}

/* A line a folder, for logs; what is no path (`storing`, `done`) goes unsaid. */
static void name_folder(struct progress *p, const char *what)
{
	const char *slash = strrchr(what, '/');
	size_t len = slash ? (size_t)(slash - what) : 0;

	if (!slash || (p->folder && strlen(p->folder) == len && memcmp(p->folder, what, len) == 0))
		return;
	free(p->folder);
	p->folder = xstrndup(what, len);
	fprintf(stderr, "storyfs: import: %s\n", p->folder);
}

static void show_progress(void *data, const char *what, int64_t done, int64_t total)
{
	struct progress *p = data;

	if (p->on_terminal)
		draw_bar(p, what, done, total);
	else
		name_folder(p, what);
}

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

static void print_report(const struct arguments *args, const struct import_report *report)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (arguments_have(args, OPTION_json))
		import_report_write_json(report, &text);
	else
		import_report_write_text(report, &text);
	fwrite(text.data, 1, text.len, stdout);
}

static int import_into(const struct arguments *args, const char *path, struct import_report *ret,
	struct buf *reason)
{
	struct progress progress = { .on_terminal = isatty(STDERR_FILENO) };
	const struct import_config config = {
		.paths = (const char *const *)args->operands,
		.n_paths = (size_t)args->n_operands - 1,
		.progress = show_progress,
		.data = &progress,
		.owner = args->values[OPTION_owner],
		.project = args->values[OPTION_project],
		.dry_run = arguments_have(args, OPTION_dry_run),
	};
	scoped(archive_close) struct archive *archive = NULL;
	int e = archive_open(path, ARCHIVE_CREATE, &archive, reason);

	if (e == 0)
		e = import_all(archive, &config, ret, reason);
	if (e < 0 && progress.on_terminal && progress.drawn_ms)
		fputc('\n', stderr);
	free(progress.folder);
	return e;
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
	int e = import_into(args, path, &report, &reason);

	/* An archive made for what failed would be taken for one that holds something. */
	if (is_new && (e < 0 || arguments_have(args, OPTION_dry_run)))
		unlink(path);
	if (e < 0)
		return fail(buf_str(&reason));
	print_report(args, &report);
	return EXIT_DONE;
}
