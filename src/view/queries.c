/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `search/<query>`: a name with a colon in it is a query in V5's language. It becomes a node when
 * it is looked up, and has a number for as long as the tree lives. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"

struct query {
	struct table_item item;
	char *key; /* `<project>/<query>` */
	const char *text;
	int64_t project_id;
	int64_t id;
};

static struct query *find_id(struct tree *t, int64_t id)
{
	struct query *q = NULL;

	while ((q = table_next(&t->queries, q))) {
		if (q->id == id)
			return q;
	}
	return NULL;
}

static struct query *make(struct tree *t, int64_t project_id, const char *text)
{
	struct query *q = xcalloc(1, sizeof(*q));

	q->key = xasprintf("%" PRId64 "/%s", project_id, text);
	q->text = strchr(q->key, '/') + 1;
	q->project_id = project_id;
	q->id = ++t->last_query;
	table_add(&t->queries, &q->item, q->key, strlen(q->key));
	return q;
}

bool query_of_name(struct tree *t, const struct node *dir, const char *name, struct node *ret)
{
	scoped(free_ptr) char *key = xasprintf("%" PRId64 "/%s", dir->id, name);

	if (name[0] == '.' || !strchr(name, ':'))
		return false;
	lock_scope(&t->lock);
	const struct query *q = table_find(&t->queries, key, strlen(key));

	if (!q)
		q = make(t, dir->id, name);
	*ret = (struct node){ ROW_search_query, q->id, -1 };
	return true;
}

int query_get(struct tree *t, const struct node *node, int64_t *ret_project_id, const char **ret)
{
	lock_scope(&t->lock);
	const struct query *q = find_id(t, node->id);

	if (!q)
		return -ESTALE;
	*ret_project_id = q->project_id;
	*ret = q->text;
	return 0;
}

int query_add_name(struct tree *t, const struct node *node, struct buf *ret)
{
	int64_t project_id;
	const char *text;
	int e = query_get(t, node, &project_id, &text);

	if (e == 0)
		buf_add_str(ret, text);
	return e;
}

void query_list(struct tree *t, int64_t project_id, struct ids *ret)
{
	const struct query *q = NULL;

	lock_scope(&t->lock);
	while ((q = table_next(&t->queries, q))) {
		if (q->project_id == project_id)
			ids_add(ret, q->id);
	}
}

void queries_fini(struct tree *t)
{
	struct query *q;

	while ((q = table_pop(&t->queries))) {
		free(q->key);
		free(q);
	}
}
