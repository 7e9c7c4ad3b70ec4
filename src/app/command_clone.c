/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs clone`: a host into an archive. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clone.h"
#include "new_archive.h"
#include "progress.h"
#include "report.h"
#include "setup.h"
#include "storyfs/import.h"

static int import_stage(const struct clone_config *config, struct clone *clone,
	struct import_report *ret, struct buf *reason)
{
	const struct import_config import = {
		.paths = (const char *const *)clone->folders,
		.n_paths = clone->n_folders,
		.mirror = true,
		.progress = config->progress,
		.data = config->data,
	};
	scoped(new_archive_close) struct new_archive made = { 0 };

	if (clone->archive)
		return import_all(clone->archive, &import, ret, reason);
	int e = new_archive_open(config->archive, &made, reason);

	if (e == 0)
		e = import_all(made.archive, &import, ret, reason);
	return e < 0 ? e : new_archive_put(&made, reason);
}

/* Said once. */
static const char left_out[] =
	"not cloned: webhooks, integrations, workspaces, notifications, accounts, tokens, passwords\n";

static int clone_all(const struct clone_config *config, struct clone *clone,
	struct import_report *ret, struct buf *reason)
{
	int e = clone_stage(config, clone, reason);
	bool is_new = !clone->archive;

	if (e == 0)
		e = import_stage(config, clone, ret, reason);
	if (e == 0) {
		buf_add(&ret->notes, buf_str(&clone->notes), clone->notes.len);
		if (is_new)
			buf_add_str(&ret->notes, left_out);
		clone_remove_stage(clone);
	}
	return e;
}

/* What is in the staging folder by now is not asked for again. */
static enum exit_code fail(const struct arguments *args, const struct clone *clone, const char *why)
{
	setup_fail(args, why);
	if (clone->n_folders)
		fprintf(stderr, "storyfs: clone: call it again and it goes on from %s\n",
			clone->folder);
	return EXIT_FAILED;
}

enum exit_code run_clone(const struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(source_close) struct source *source = NULL;
	scoped(clone_fini) struct clone clone = { .lock = -1 };
	scoped(import_report_fini) struct import_report report = { 0 };
	scoped(progress_fini) struct progress progress = { .command = "clone" };
	struct source_config host = setup_source(args);

	host.all_of_it = true;
	if (!source_is_url(host.where)) {
		buf_add_fmt(&reason, "%s: not a URL; it begins with https://", host.where);
		return setup_fail(args, buf_str(&reason));
	}
	if (source_connect(&host, &source, &reason) < 0)
		return setup_fail(args, buf_str(&reason));
	const struct clone_config config = {
		.source = source,
		.archive = args->operands[1],
		.projects = args->values[OPTION_project],
		.page_limit = host.page_limit,
		.progress = progress_show,
		.data = &progress,
	};

	if (clone_all(&config, &clone, &report, &reason) < 0)
		return fail(args, &clone, buf_str(&reason));
	report_print(args, &report);
	return EXIT_DONE;
}
