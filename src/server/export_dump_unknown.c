/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "export_dump.h"
#include "storyfs/alloc.h"

static void add_kind(void *data, const char *kind)
{
	struct dump_unknowns *u = data;

	u->items = xrealloc(u->items, u->n + 1, sizeof(*u->items));
	u->items[u->n++] = (struct dump_unknown){ .kind = xstrdup(kind) };
}

int dump_unknowns_load(struct export_run *run, struct dump_unknowns *ret)
{
	int r = tx_each_unknown_kind(export_tx(run), add_kind, ret);

	for (size_t i = 0; r == 0 && i < ret->n; i++)
		r = tx_list_unknown(export_tx(run), ret->items[i].kind, &ret->items[i].list);
	return r;
}

void dump_unknowns_fini(struct dump_unknowns *unknowns)
{
	for (size_t i = 0; i < unknowns->n; i++) {
		free(unknowns->items[i].kind);
		unknown_resources_fini(&unknowns->items[i].list);
	}
	free(unknowns->items);
}

static void write_one(const char *kind, const struct unknown_resource *one, FILE *file)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (!kept_is_kind(kind)) {
		fputs(one->json, file);
		return;
	}
	json_t *wrapped = kept_wrap(one);

	json_write(wrapped, &text);
	json_decref(wrapped);
	fputs(text.data, file);
}

static int write_list(struct export_run *run, const char *kind,
	const struct unknown_resources *list, const char *path)
{
	FILE *file = fopen(path, "wxe");

	if (!file)
		return export_fail(run, path, -errno);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ",\n" : "[\n", file);
		write_one(kind, &list->items[i], file);
	}
	fputs("\n]\n", file);
	bool failed = ferror(file);

	failed |= fclose(file) != 0;
	run->report.n_unknown += (int64_t)list->n;
	return failed ? export_fail(run, path, -errno) : 0;
}

int dump_unknowns_write(struct export_run *run, const struct dump_unknowns *unknowns,
	const char *folder, int64_t project_id)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < unknowns->n; i++) {
		const char *kind = unknowns->items[i].kind;
		scoped(free_ptr) char *path = xasprintf("%s/%s.json", folder, kind);
		const struct unknown_resources list =
			export_select_kept(&unknowns->items[i].list, project_id);

		if (list.n)
			r = write_list(run, kind, &list, path);
	}
	return r;
}
