/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `fields` parameter: which fields an answer holds.
 *
 *	fields := item *( "," item )
 *	item   := ":default" | name [ "(" fields ")" ]
 *
 * Pure syntax here; fields_wants() joins it with the table. A NULL struct fields everywhere stands
 * for the default response.
 */
#ifndef STORYFS_FIELDS_H
#define STORYFS_FIELDS_H

#include <stdbool.h>

#include "storyfs/schema.h"
#include "storyfs/scope.h"

struct fields;

/* NULL when the text is not of the grammar (an empty item, a parenthesis too many, one missing, an
 * odd character, nested deeper than 16); *ret_at is then the offset of the first wrong byte. */
struct fields *fields_parse(const char *text, size_t *ret_at);
void fields_free(struct fields *f);

/* Is `:default` among the items? */
bool fields_has_default(const struct fields *f);
/* Is the name among the items? */
bool fields_has(const struct fields *f, const char *name);
/* What stands in the parentheses behind a name, borrowed; NULL when there are none. */
const struct fields *fields_nested(const struct fields *f, const char *name);

/* Does an answer hold this field of a resource of this kind? By V5's rule: identifying ones always,
 * default ones for `:default`, others by name; a single object takes its id's place where the table
 * says INSTEAD. HIDDEN ones never. */
bool fields_wants(const struct fields *f, enum kind kind, int field);
/* Does it say what `kind` it is? Only with the default set. */
bool fields_wants_kind(const struct fields *f);

SCOPED_PTR(struct fields, fields_free);

#endif
