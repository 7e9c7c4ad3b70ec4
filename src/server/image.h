/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the first bytes of a file say: is it an image that browsers show, and how large? Two numbers
 * are all that is wanted of files that anybody may send, so nothing is decoded: the libraries that
 * know images (gdk-pixbuf, libgd, libvips) would bring their decoders along to be attacked.
 */
#ifndef STORYFS_SERVER_IMAGE_H
#define STORYFS_SERVER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	const char *content_type;
	int64_t width, height; /* 1 or more */
};

/* PNG, GIF, JPEG, WebP, BMP. False when it is none of these, or broken before its size. */
bool image_read(const void *data, size_t len, struct image *ret);

#endif
