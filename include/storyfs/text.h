/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 text: is it, how long, in lower case, as a file name. Unicode is libunistring's. */
#ifndef STORYFS_TEXT_H
#define STORYFS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "storyfs/buf.h"

/* Well-formed UTF-8 without NUL bytes. */
bool text_is_valid(const char *data, size_t len);
/* In Unicode characters, as V5 counts its limits. The text is valid UTF-8. */
size_t text_length(const char *s);
/* Only white space, or nothing. */
bool text_is_blank(const char *s);
/* The caller frees it. */
char *text_lower(const char *s);
bool text_has_prefix(const char *s, const char *prefix);

/* Append what of some bytes can be shown within a line: runs of white space as one blank (none
 * where b is empty or ends with one), control characters and bytes that are not UTF-8 as `?`, at
 * most max bytes, cut between characters. */
void text_add_excerpt(struct buf *b, const char *data, size_t len, size_t max);

/* Append somebody else's words within a line: each white space is a blank, what cannot be shown is
 * `?` as above. */
void text_add_words(struct buf *b, const char *words);

/* What an errno (or -errno) means, in the system's words; for the life of the program. */
const char *text_errno(int error);

/* A title as one path component: `/`, control and format characters and invalid bytes become `_`,
 * blanks at the ends go, at most 200 bytes cut between characters, `.`, `..`, a leading dot and
 * nothing at all become something harmless; so does the tilde of what could be a short name of DOS
 * (`git~1`, which git does not take in). The name of such a name is the same. Appended to ret_name.
 */
void text_add_file_name(struct buf *ret_name, const char *title);

#endif
