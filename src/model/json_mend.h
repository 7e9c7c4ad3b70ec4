/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hosts send for JSON, made JSON: so that one bad byte of a text costs that text, and not the
 * thousand resources beside it. */
#ifndef STORYFS_MODEL_JSON_MEND_H
#define STORYFS_MODEL_JSON_MEND_H

#include <stddef.h>

#include "storyfs/buf.h"

/* What stands where there was no text: U+FFFD. */
#define JSON_MENDED "\xef\xbf\xbd"

/*
 * Append the text with what jansson takes for no JSON replaced. In strings: bytes that are no
 * UTF-8, halves of surrogate pairs and NUL become JSON_MENDED, control characters are escaped, a
 * backslash before anything but an escape is one of the text. Outside of them: numbers that nothing
 * holds, NaN and Infinity become strings; a byte order mark goes. The rest stays as it is, right or
 * wrong.
 */
void json_mend(const char *text, size_t len, struct buf *ret);

#endif
