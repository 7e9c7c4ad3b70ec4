/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of links: the title made safe, with the id behind it where the title alone would not
 * tell: when two have the same, or when it ends as a name with an id does.
 */
#include <inttypes.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

/* How many are called so. */
struct count {
	struct table_item item;
	const char *name; /* borrowed */
	size_t n;
};

char *link_plain_name(const struct record *r)
{
	struct buf name = BUF_INIT;

	text_add_file_name(&name, record_text(r, schema_resource(record_kind(r))->label));
	return buf_take(&name);
}

char *link_long_name(const char *plain, int64_t id)
{
	return xasprintf("%s (%" PRId64 ")", plain, id);
}

static bool ends_with_id(const char *name)
{
	const char *open = strrchr(name, '(');
	size_t digits = open ? strspn(open + 1, "0123456789") : 0;

	return open && open > name && open[-1] == ' ' && digits &&
	       strcmp(open + 1 + digits, ")") == 0;
}

static struct count *find_count(const struct table *counts, const char *name)
{
	return table_find(counts, name, strlen(name));
}

static void count_name(struct table *counts, const char *name)
{
	struct count *c = find_count(counts, name);

	if (!c) {
		c = xcalloc(1, sizeof(*c));
		c->name = name;
		table_add(counts, &c->item, c->name, strlen(c->name));
	}
	c->n++;
}

static void free_counts(struct table *counts)
{
	struct count *c;

	while ((c = table_pop(counts)))
		free(c);
}

void link_names_take(const struct records *all, char **plain, struct link_names *ret)
{
	struct table counts = { 0 };

	*ret = (struct link_names){ all->n, xcalloc(all->n, sizeof(*ret->v)) };
	for (size_t i = 0; i < all->n; i++)
		count_name(&counts, plain[i]);
	for (size_t i = 0; i < all->n; i++)
		ret->v[i] = find_count(&counts, plain[i])->n > 1 || ends_with_id(plain[i])
				    ? link_long_name(plain[i], record_id(all->items[i]))
				    : xstrdup(plain[i]);
	free_counts(&counts);
	for (size_t i = 0; i < all->n; i++)
		free(plain[i]);
	free(plain);
}

void link_names_make(const struct records *all, struct link_names *ret)
{
	char **plain = xcalloc(all->n, sizeof(*plain));

	for (size_t i = 0; i < all->n; i++)
		plain[i] = link_plain_name(all->items[i]);
	link_names_take(all, plain, ret);
}

void link_names_fini(struct link_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct link_names){ 0 };
}
