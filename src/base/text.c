/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 text. */
#include "storyfs/text.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "storyfs/alloc.h"

enum { FILE_NAME_BYTES = 200 };

bool text_is_valid(const char *data, size_t len)
{
	return !memchr(data, '\0', len) && !u8_check((const uint8_t *)data, len);
}

size_t text_length(const char *s)
{
	return u8_mbsnlen((const uint8_t *)s, strlen(s));
}

bool text_is_blank(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	ucs4_t c;

	while ((p = u8_next(&c, p))) {
		if (!uc_is_property_white_space(c))
			return false;
	}
	return true;
}

/* Of most names: without Unicode's tables. */
static char *lower_ascii(const char *s)
{
	char *text = xstrdup(s);

	for (char *p = text; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return text;
}

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

char *text_lower(const char *s)
{
	size_t len = 0;

	if (is_ascii(s))
		return lower_ascii(s);
	uint8_t *low = u8_tolower((const uint8_t *)s, strlen(s), NULL, NULL, NULL, &len);

	if (!low)
		return xstrdup(s);
	char *text = xstrndup((const char *)low, len);

	free(low);
	return text;
}

const char *text_errno(int error)
{
	/* Unlike strerror(3) it needs no buffer, and no locale to be the same in every thread. */
	const char *words = strerrordesc_np(abs(error));

	return words ? words : "unknown error";
}

bool text_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_shown(ucs4_t c)
{
	return c != 0xfffd && !uc_is_general_category_withtable(
				      c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
						 UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp);
}

void text_add_excerpt(struct buf *b, const char *data, size_t len, size_t max)
{
	const uint8_t *p = (const uint8_t *)data;
	size_t end = b->len + max;

	while (len && b->len < end) {
		ucs4_t c;
		int n = u8_mbtouc(&c, p, len);

		if (uc_is_property_white_space(c)) {
			if (b->len && b->data[b->len - 1] != ' ')
				buf_add_char(b, ' ');
		} else if (!is_shown(c)) {
			buf_add_char(b, '?');
		} else if (b->len + (size_t)n <= end) {
			buf_add(b, p, (size_t)n);
		} else {
			break;
		}
		p += n;
		len -= (size_t)n;
	}
}

void text_add_words(struct buf *b, const char *words)
{
	const uint8_t *p = (const uint8_t *)words;
	size_t len = strlen(words);

	while (len) {
		ucs4_t c;
		int n = u8_mbtouc(&c, p, len);

		if (uc_is_property_white_space(c))
			buf_add_char(b, ' ');
		else if (!is_shown(c))
			buf_add_char(b, '?');
		else
			buf_add(b, p, (size_t)n);
		p += n;
		len -= (size_t)n;
	}
}

/* `git~1`: what DOS would call `.git`. */
static char *short_name_tilde(const char *name)
{
	enum { SHORT_BYTES = 6 };
	char *tilde = strchr(name, '~');

	return tilde && tilde - name <= SHORT_BYTES && tilde[1] >= '0' && tilde[1] <= '9' ? tilde
											  : NULL;
}

void text_add_file_name(struct buf *ret_name, const char *title)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	const uint8_t *p = (const uint8_t *)title;
	size_t left = strlen(title);

	while (left && name.len < FILE_NAME_BYTES) {
		ucs4_t c;
		int n = u8_mbtouc(&c, p, left);
		bool safe = c != '/' && is_shown(c);

		if (safe && name.len + (size_t)n > FILE_NAME_BYTES)
			break;
		if (name.len || c != ' ')
			buf_add(&name, safe ? (const char *)p : "_", safe ? (size_t)n : 1);
		p += n;
		left -= (size_t)n;
	}
	while (name.len && name.data[name.len - 1] == ' ')
		name.data[--name.len] = '\0';
	if (!name.len)
		buf_add_char(&name, '_');
	if (name.data[0] == '.')
		name.data[0] = '_';
	for (char *tilde; (tilde = short_name_tilde(name.data));)
		*tilde = '_';
	buf_add(ret_name, name.data, name.len);
}
