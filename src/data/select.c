/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server selects of a project's stories: ids only; the stories are known anyway. Those
 * that were not asked for longest go first. */
#include <inttypes.h>
#include <string.h>

#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/http.h"

enum { MOST_BYTES = 4 << 20 };

struct selection {
	struct table_item item;
	char *key;
	struct ids ids;
	int64_t version; /* of the project, when it was asked for */
	uint64_t writes; /* and the store's n_writes */
};

static char *make_key_text(const struct selector *what)
{
	return xasprintf("%" PRId64 "/%d/%s", what->project_id, (int)what->by, what->text);
}

static int64_t version_of(struct store *s, int64_t project_id)
{
	struct entry *project = known_entry(s, KIND_project, project_id);

	return project ? record_int(project->record, F_project_version, 0) : 0;
}

static void copy_ids(const struct ids *from, struct ids *ret)
{
	for (size_t i = 0; i < from->n; i++)
		ids_add(ret, from->v[i]);
}

static size_t bytes_of(const struct selection *one)
{
	return sizeof(*one) + strlen(one->key) + one->ids.n * sizeof(*one->ids.v);
}

/* The last one from now on. The lock is held, in what follows, too. */
static void add(struct store *s, struct selection *one)
{
	table_add(&s->selections, &one->item, one->key, strlen(one->key));
	s->selected_bytes += bytes_of(one);
}

static void take(struct store *s, struct selection *one)
{
	table_remove(&s->selections, &one->item);
	s->selected_bytes -= bytes_of(one);
}

static void selection_free(struct selection *one)
{
	ids_fini(&one->ids);
	free(one->key);
	free(one);
}

static void drop_oldest(struct store *s, const struct selection *but)
{
	struct selection *one;

	while (s->selected_bytes > MOST_BYTES && (one = table_next(&s->selections, NULL)) != but) {
		take(s, one);
		selection_free(one);
	}
}

/* False when it must be asked for; *ret_now says what the answer will be of. */
static bool find_fresh(struct store *s, int64_t project_id, const char *key,
	struct selection *ret_now, struct ids *ret)
{
	lock_scope(&s->lock);
	struct selection *kept = table_find(&s->selections, key, strlen(key));

	ret_now->version = version_of(s, project_id);
	ret_now->writes = s->n_writes;
	if (!kept || kept->version != ret_now->version || kept->writes != ret_now->writes)
		return false;
	take(s, kept);
	add(s, kept);
	copy_ids(&kept->ids, ret);
	return true;
}

static void keep(struct store *s, const char *key, struct selection *now)
{
	lock_scope(&s->lock);
	struct selection *kept = table_find(&s->selections, key, strlen(key));

	if (kept) {
		take(s, kept);
		ids_fini(&kept->ids);
	} else {
		kept = xcalloc(1, sizeof(*kept));
		kept->key = xstrdup(key);
	}
	kept->ids = now->ids;
	kept->version = now->version;
	kept->writes = now->writes;
	now->ids = (struct ids){ 0 };
	add(s, kept);
	drop_oldest(s, kept);
}

static void add_story_ids(const struct records *iterations, struct ids *ret)
{
	each_record(r, iterations)
		ids_add_value(ret, record_get(r, F_iteration_story_ids));
}

static int ask(struct store *s, const struct selector *what, struct call *call, struct ids *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(buf_fini) struct buf filters = BUF_INIT;
	bool by_query = what->by == SELECT_QUERY;
	struct place place = { .kind = by_query ? KIND_story : KIND_iteration,
		.parent = KIND_project,
		.parent_id = what->project_id,
		.project_id = what->project_id };
	struct api_query query = { .fields = by_query ? "id" : "number,story_ids" };

	buf_add_str(&filters, by_query ? "filter=" : "scope=");
	http_add_encoded(&filters, what->text);
	query.filters = buf_str(&filters);
	int e = api_list(s->api, &place, &query, call, &listing);

	if (e < 0)
		return e;
	if (!by_query) {
		add_story_ids(&listing.records, ret);
		return 0;
	}
	each_record(r, &listing.records)
		ids_add(ret, record_id(r));
	return 0;
}

int store_select(struct store *s, const struct selector *what, struct call *call, struct ids *ret)
{
	scoped(free_ptr) char *key = make_key_text(what);
	struct selection now = { 0 };

	if (find_fresh(s, what->project_id, key, &now, ret))
		return 0;
	int e = ask(s, what, call, &now.ids);

	if (e == 0) {
		copy_ids(&now.ids, ret);
		keep(s, key, &now);
	}
	ids_fini(&now.ids);
	return e;
}

void selections_fini(struct store *s)
{
	struct selection *one;

	while ((one = table_pop(&s->selections)))
		selection_free(one);
}
