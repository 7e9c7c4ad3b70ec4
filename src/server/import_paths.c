/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump of several projects is a folder of dumps. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "import_run.h"
#include "storyfs/alloc.h"

static void add(struct import_run *run, char *path)
{
	run->paths = xrealloc(run->paths, run->n_paths + 1, sizeof(*run->paths));
	run->paths[run->n_paths++] = path;
}

static int select_shown(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* All of the folder, if it has nothing but folders of dumps. */
static bool add_dumps(struct import_run *run, const char *path)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, select_shown, alphasort);
	size_t before = run->n_paths;

	for (int i = 0; i < n; i++) {
		char *inner = xasprintf("%s/%s", path, names[i]->d_name);

		if (import_measure_folder(inner) > 0)
			add(run, inner);
		else
			free(inner);
		free(names[i]);
	}
	free(names);
	if (n > 0 && run->n_paths - before == (size_t)n)
		return true;
	while (run->n_paths > before)
		free(run->paths[--run->n_paths]);
	return false;
}

void import_expand_paths(struct import_run *run)
{
	for (size_t i = 0; i < run->config->n_paths; i++) {
		const char *path = run->config->paths[i];
		size_t len = strlen(path);

		while (len > 1 && path[len - 1] == '/')
			len--;
		scoped(free_ptr) char *folder = xstrndup(path, len);

		if (!add_dumps(run, folder))
			add(run, xstrdup(path));
	}
}
