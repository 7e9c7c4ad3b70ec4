/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link is one of a few marks with digits behind it. */
#include "story_links.h"

#include <ctype.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"

/* More are not meant. */
enum { MAX_LINKS = 50 };

/* What stands before an id: by hand, and in the two forms that V5's URLs had. */
static const char *const marks[] = { "#", "/story/show/", "/stories/" };

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The id that follows; 0 when there is none, or it is the beginning of a word. */
static int64_t read_id(const char *digits)
{
	size_t len = strspn(digits, "0123456789");
	scoped(free_ptr) char *number = xstrndup(digits, len);
	int64_t id;

	return !is_word(digits[len]) && parse_int(number, 1, INT64_MAX, &id) ? id : 0;
}

void story_links_find(const char *text, struct ids *ret)
{
	for (const char *p = text; *p && ret->n < MAX_LINKS; p++) {
		for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
			size_t len = strlen(marks[i]);
			bool inside = *marks[i] == '#' && p > text && is_word(p[-1]);
			int64_t id =
				!inside && strncmp(p, marks[i], len) == 0 ? read_id(p + len) : 0;

			if (id && !ids_has(ret, id))
				ids_add(ret, id);
		}
	}
}
