/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sample host and a store over it. */
#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"

const struct place projects = { .kind = KIND_project };
const struct place stories = { .kind = KIND_story, .parent = KIND_project, .parent_id = 99 };
const struct place labels = { .kind = KIND_label, .parent = KIND_project, .parent_id = 99 };
const struct place comments_501 = { .kind = KIND_comment, .parent = KIND_story, .parent_id = 501 };
const struct place comments_503 = { .kind = KIND_comment, .parent = KIND_story, .parent_id = 503 };
const struct place comments_401 = { .kind = KIND_comment, .parent = KIND_epic, .parent_id = 401 };

static void note(void *data, const struct change *c)
{
	static const char *const words[] = { "moved", "added", "removed", "reordered" };
	struct world *w = data;

	assert_true(w->n_told < N_TOLD);
	w->told[w->n_told++] = xasprintf("%s %s %d%s%s", words[c->type],
		schema_resource(c->kind)->name, (int)c->id, c->parent ? " of " : "",
		c->parent ? schema_resource(c->parent)->name : "");
}

void world_forget(struct world *w)
{
	while (w->n_told)
		free(w->told[--w->n_told]);
	host_forget(&w->host);
}

void world_begin(struct world *w)
{
	*w = (struct world){ 0 };
	sample_init(&w->host);
	w->store = sample_store(&w->host, 0);
	store_set_listener(w->store, note, w);
}

void world_end(struct world *w)
{
	store_free(w->store);
	call_fini(&w->call);
	world_forget(w);
	assert_int_equal(w->host.n_freed, 1);
	host_fini(&w->host);
}

static size_t count_told(const struct world *w, const char *line)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_told; i++)
		n += strcmp(w->told[i], line) == 0;
	return n;
}

void assert_told(const struct world *w, const char *line)
{
	if (count_told(w, line) == 1)
		return;
	for (size_t i = 0; i < w->n_told; i++)
		print_message("# told: %s\n", w->told[i]);
	fail_msg("'%s' was told %zu times", line, count_told(w, line));
}

int list(struct world *w, const struct place *place)
{
	scoped(records_fini) struct records found = { 0 };
	int e = store_list(w->store, place, &w->call, &found);

	return e < 0 ? e : e > 0 ? -ESTALE : (int)found.n;
}

void list_all(struct world *w)
{
	const struct place other = { .kind = KIND_story, .parent = KIND_project, .parent_id = 100 };
	struct place epics = { .kind = KIND_epic, .parent = KIND_project, .parent_id = 99 };

	assert_int_equal(list(w, &projects), 2);
	assert_int_equal(list(w, &stories), 5);
	assert_int_equal(list(w, &other), 0);
	assert_int_equal(list(w, &labels), 2);
	assert_int_equal(list(w, &epics), 2);
	assert_int_equal(list(w, &comments_501), 2);
	assert_int_equal(list(w, &comments_401), 1);
	world_forget(w);
}

void refresh(struct world *w)
{
	assert_int_equal(store_refresh(w->store, &w->call), 0);
}

struct record *peek(struct world *w, enum kind kind, int64_t id)
{
	struct record *r = NULL;

	assert_int_equal(store_peek(w->store, kind, id, &r), 0);
	return r;
}

struct record *name_patch(const char *name)
{
	struct record *patch = record_new(KIND_story);

	record_set_text(patch, F_story_name, name);
	return patch;
}

int save_name(struct world *w, const char *name)
{
	scoped(record_unref) struct record *old = peek(w, KIND_story, 501);
	scoped(record_unref) struct record *patch = name_patch(name);
	scoped(record_unref) struct record *now = NULL;
	int e = store_update(w->store, old, patch, &w->call, &now);

	if (e == 0)
		assert_string_equal(record_text(now, F_story_name), name);
	return e;
}

void assert_name(struct world *w, const char *name)
{
	scoped(record_unref) struct record *r = peek(w, KIND_story, 501);

	assert_string_equal(record_text(r, F_story_name), name);
}

int64_t mtime(struct world *w, int f)
{
	return store_mtime(w->store, KIND_story, 501, f);
}
