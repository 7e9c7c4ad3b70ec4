/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image headers, one reader a format; each sees no byte beyond the end. */
#include "image.h"

#include <string.h>

struct bytes {
	const unsigned char *p;
	size_t len;
};

/* Bytes that are not there read as 0, which is no size. */
static int64_t byte_at(const struct bytes *b, size_t at)
{
	return at < b->len ? b->p[at] : 0;
}

static int64_t big(const struct bytes *b, size_t at, int n)
{
	int64_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | byte_at(b, at + (size_t)i);
	return value;
}

static int64_t little(const struct bytes *b, size_t at, int n)
{
	int64_t value = 0;

	for (int i = n - 1; i >= 0; i--)
		value = value << 8 | byte_at(b, at + (size_t)i);
	return value;
}

static bool has(const struct bytes *b, size_t at, const char *magic, size_t n)
{
	return at + n <= b->len && memcmp(b->p + at, magic, n) == 0;
}

static bool read_png(const struct bytes *b, struct image *ret)
{
	if (!has(b, 12, "IHDR", 4))
		return false;
	ret->width = big(b, 16, 4);
	ret->height = big(b, 20, 4);
	return true;
}

static bool read_gif(const struct bytes *b, struct image *ret)
{
	ret->width = little(b, 6, 2);
	ret->height = little(b, 8, 2);
	return true;
}

/* Negative heights are for pictures that begin at the top. */
static bool read_bmp(const struct bytes *b, struct image *ret)
{
	if (little(b, 14, 4) < 40)
		return false;
	int64_t height = (int32_t)little(b, 22, 4);

	ret->width = (int32_t)little(b, 18, 4);
	ret->height = height < 0 ? -height : height;
	return true;
}

/* SOF0 to SOF15, but for the three codes among them that mean something else. */
static bool is_frame(int64_t marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
	       marker != 0xcc;
}

/* Segments, each with its length, up to the one that describes the frame. */
static bool read_jpeg(const struct bytes *b, struct image *ret)
{
	size_t at = 2;

	while (at + 4 <= b->len && byte_at(b, at) == 0xff) {
		int64_t marker = byte_at(b, at + 1);
		int64_t len = big(b, at + 2, 2);

		if (marker == 0xff) { /* a fill byte */
			at++;
			continue;
		}
		if (is_frame(marker)) {
			ret->height = big(b, at + 5, 2);
			ret->width = big(b, at + 7, 2);
			return true;
		}
		if (len < 2 || marker == 0xda)
			return false;
		at += 2 + (size_t)len;
	}
	return false;
}

static bool read_webp(const struct bytes *b, struct image *ret)
{
	if (!has(b, 8, "WEBP", 4))
		return false;
	if (has(b, 12, "VP8X", 4)) {
		ret->width = little(b, 24, 3) + 1;
		ret->height = little(b, 27, 3) + 1;
		return b->len >= 30;
	}
	if (has(b, 12, "VP8L", 4)) {
		ret->width = (little(b, 21, 4) & 0x3fff) + 1;
		ret->height = (little(b, 21, 4) >> 14 & 0x3fff) + 1;
		return b->len >= 25 && byte_at(b, 20) == 0x2f;
	}
	if (!has(b, 12, "VP8 ", 4) || !has(b, 23, "\x9d\x01\x2a", 3))
		return false;
	ret->width = little(b, 26, 2) & 0x3fff;
	ret->height = little(b, 28, 2) & 0x3fff;
	return true;
}

static const struct {
	const char *magic;
	size_t len;
	const char *content_type;
	bool (*read)(const struct bytes *b, struct image *ret);
} formats[] = {
	{ "\x89PNG\r\n\x1a\n", 8, "image/png", read_png },
	{ "GIF87a", 6, "image/gif", read_gif },
	{ "GIF89a", 6, "image/gif", read_gif },
	{ "\xff\xd8\xff", 3, "image/jpeg", read_jpeg },
	{ "RIFF", 4, "image/webp", read_webp },
	{ "BM", 2, "image/bmp", read_bmp },
};

bool image_read(const void *data, size_t len, struct image *ret)
{
	const struct bytes b = { data, len };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct image image = { .content_type = formats[i].content_type };

		if (!has(&b, 0, formats[i].magic, formats[i].len))
			continue;
		if (!formats[i].read(&b, &image) || image.width < 1 || image.height < 1)
			return false;
		*ret = image;
		return true;
	}
	return false;
}
