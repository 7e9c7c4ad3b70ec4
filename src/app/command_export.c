/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs export`: an archive as what `storyfs import` reads. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "progress.h"
#include "setup.h"
#include "source.h"
#include "stage.h"
#include "storyfs/alloc.h"
#include "storyfs/export.h"
#include "storyfs/text.h"

static const struct {
	const char *word;
	enum export_format format;
} formats[] = {
	{ "csv", EXPORT_CSV },
	{ "zip", EXPORT_ZIP },
	{ "dump", EXPORT_DUMP },
};

/* What is to be done, and where. */
struct work {
	const struct arguments *args;
	char *target;	  /* NULL: standard output */
	bool is_straight; /* the target is no file that could be made elsewhere first */
	struct export_config config;
	struct stage stage;
	struct export_report report;
	struct buf reason;
};

static void work_fini(struct work *w)
{
	stage_close(&w->stage);
	export_report_fini(&w->report);
	buf_fini(&w->reason);
	free(w->target);
}

SCOPED_VALUE(struct work, work_fini);

static enum exit_code refuse(const char *reason)
{
	fprintf(stderr, "storyfs: export: %s\n", reason);
	return EXIT_USAGE;
}

/* ---- which format ---- */

static bool find_format(const char *word, enum export_format *ret)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (strcasecmp(formats[i].word, word) == 0) {
			*ret = formats[i].format;
			return true;
		}
	}
	return false;
}

/* By the target's ending; a name without one is a folder's. */
static bool guess_format(const char *target, enum export_format *ret)
{
	const char *base = target && strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	const char *dot = base ? strrchr(base, '.') : NULL;

	*ret = target ? EXPORT_DUMP : EXPORT_CSV;
	return !dot || dot == base || find_format(dot + 1, ret);
}

static enum exit_code choose_format(struct work *w)
{
	const char *word = w->args->values[OPTION_format];

	if (word && !find_format(word, &w->config.format))
		return refuse("--format is csv, zip or dump");
	if (!word && !guess_format(w->target, &w->config.format))
		return refuse("TARGET ends neither with .csv nor .zip: say --format csv, zip or "
			      "dump");
	if (!w->target && w->config.format != EXPORT_CSV)
		return refuse("only a CSV can go to standard output: name a TARGET");
	if (!w->target && arguments_have(w->args, OPTION_json))
		return refuse("--json needs standard output for itself: name a TARGET");
	return EXIT_DONE;
}

/* ---- what is there ---- */

static bool is_number(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

/* What the folder of a project, or of people, always has in a dump; NULL when it is neither. */
static const char *mark_of(const char *folder)
{
	if (strcmp(folder, "people") == 0)
		return "person.json";
	return is_number(folder) ? "project.json" : NULL;
}

static bool is_dumped(const char *path, const char *folder)
{
	const char *mark = mark_of(folder);
	scoped(free_ptr) char *file = xasprintf("%s/%s/%s", path, folder, mark ? mark : "");
	struct stat st;

	return mark && lstat(file, &st) == 0 && S_ISREG(st.st_mode);
}

/* Is there nothing in it but what a dump has? */
static bool is_dump(const char *path)
{
	DIR *dir = opendir(path);
	bool ok = dir != NULL;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		const char *name = entry->d_name;
		bool is_self = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

		ok &= is_self || is_dumped(path, name);
	}
	if (dir)
		closedir(dir);
	return ok;
}

/* May it be put there? */
static int check_target(struct work *w)
{
	struct stat st;
	bool is_folder = w->config.format == EXPORT_DUMP;
	const char *why = NULL;

	if (lstat(w->target, &st) < 0)
		return 0;
	w->is_straight = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode) &&
			 w->config.format == EXPORT_CSV;
	if (w->is_straight)
		return 0;
	if (!arguments_have(w->args, OPTION_force))
		why = "is there already; --force replaces it";
	else if (S_ISDIR(st.st_mode) && !is_folder)
		why = "is a folder";
	else if (S_ISDIR(st.st_mode) && !is_dump(w->target))
		why = "is a folder with more than a dump in it; it is not replaced";
	else if (!S_ISDIR(st.st_mode) && (is_folder || !S_ISREG(st.st_mode)))
		why = "is no such file or folder as would be put there; it is not replaced";
	if (!why)
		return 0;
	buf_add_fmt(&w->reason, "%s: %s\n", w->target, why);
	return -EEXIST;
}

/* ---- doing it ---- */

static int write_export(struct work *w)
{
	scoped(progress_fini) struct progress progress = { .command = "export" };
	scoped(archive_close) struct archive *archive = NULL;
	struct export_config config = w->config;
	int e = archive_open(w->args->operands[0], ARCHIVE_EXISTING, &archive, &w->reason);

	config.projects = w->args->values[OPTION_project];
	config.progress = progress_show;
	config.data = &progress;
	if (e == 0)
		e = export_all(archive, &config, &w->report, &w->reason);
	if (e < 0 && !w->reason.len)
		buf_add_fmt(&w->reason, "%s: %s", w->args->operands[0], archive_explain(e));
	return e;
}

/* A CSV, to where it can be read at once. */
static int write_csv(struct work *w, const char *path, int flags)
{
	scoped(close_fd) int fd = path ? open(path, flags | O_CLOEXEC, 0666) : -1;
	int e = path && fd < 0 ? -errno : 0;

	if (e < 0)
		buf_add_fmt(&w->reason, "%s: %s", path, text_errno(e));
	w->config.fd = path ? fd : STDOUT_FILENO;
	w->config.name = w->target ? w->target : "standard output";
	return e < 0 ? e : write_export(w);
}

static int write_staged(struct work *w)
{
	int e = stage_open(w->target, &w->stage, &w->reason);

	w->config.path = w->stage.path;
	w->config.scratch = w->stage.work;
	if (e == 0 && w->config.format == EXPORT_CSV)
		e = write_csv(w, w->stage.path, O_WRONLY | O_CREAT | O_EXCL);
	else if (e == 0)
		e = write_export(w);
	if (e == 0)
		e = stage_put(&w->stage, arguments_have(w->args, OPTION_force), &w->reason);
	return e;
}

static int do_work(struct work *w)
{
	int e = w->target ? check_target(w) : 0;

	if (e < 0)
		return e;
	if (!w->target || w->is_straight)
		return write_csv(w, w->target, O_WRONLY);
	return write_staged(w);
}

static void print_report(const struct work *w)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (arguments_have(w->args, OPTION_json))
		export_report_write_json(&w->report, &text);
	else
		export_report_write_text(&w->report, &text);
	if (w->target)
		fwrite(text.data, 1, text.len, stdout);
	else
		fputs(buf_str(&w->report.notes), stderr);
}

enum exit_code run_export(const struct arguments *args)
{
	scoped(work_fini) struct work w = { .args = args };
	const char *target = args->n_operands > 1 ? args->operands[1] : "-";
	size_t len = strlen(target);

	while (len > 1 && target[len - 1] == '/')
		len--;
	if (strcmp(target, "-") != 0)
		w.target = xstrndup(target, len);
	if (source_is_url(args->operands[0]))
		return refuse("this is a URL: `storyfs clone` copies it into an archive first");
	enum exit_code code = choose_format(&w);

	if (code != EXIT_DONE)
		return code;
	if (do_work(&w) < 0)
		return setup_fail(args, buf_str(&w.reason));
	print_report(&w);
	return EXIT_DONE;
}
