/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON read piece by piece, as whoever asks for a value wants it; no tree is made of it. It takes
 * what jansson takes, with its limits, and refuses what that refuses, and a NUL anywhere:
 * test_json_scan and fuzz_json hold the two side by side.
 *
 *	if (json_scan_peek(s) == '[')
 *		for (bool more = json_scan_open(s, '['); more; more = json_scan_more(s, '['))
 *			json_scan_skip(s);
 *
 * Once the text is found to be no JSON, is_broken is true and stays so, and every function answers
 * 0, false or NULL.
 */
#ifndef STORYFS_MODEL_JSON_SCAN_H
#define STORYFS_MODEL_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"

struct json_scan {
	const char *p, *end;
	int depth; /* lists and objects that are open */
	bool is_broken;
	struct buf text; /* the last string; also room for a number */
};

struct json_number {
	bool is_real;
	int64_t i;
	double d;
};

/* The text is borrowed, and stays as it is. */
void json_scan_init(struct json_scan *s, const char *text, size_t len);
void json_scan_fini(struct json_scan *s);

/* What the next value begins with: one of {["tfn, or 0 for a number. */
char json_scan_peek(struct json_scan *s);

/* These take the next value, which json_scan_peek said is theirs. */
bool json_scan_number(struct json_scan *s, struct json_number *ret);
/* true, false or null: its first letter. */
char json_scan_word(struct json_scan *s);
/* Borrowed until the next string. It holds no NUL. */
const char *json_scan_string(struct json_scan *s);

/* Enter a list ('[') or an object ('{'), and go on behind one of its values: true when there is
 * another one. In an object its key comes before it. */
bool json_scan_open(struct json_scan *s, char open);
bool json_scan_more(struct json_scan *s, char open);
const char *json_scan_key(struct json_scan *s);

/* Pass over the next value, whatever it is. */
void json_scan_skip(struct json_scan *s);
/* There is nothing behind the last value. */
void json_scan_end(struct json_scan *s);

/* A place to come back to. */
struct json_mark {
	const char *p;
	int depth;
};

/* Before the next value. */
struct json_mark json_scan_mark(struct json_scan *s);
/* No way back from what is broken. */
void json_scan_back(struct json_scan *s, const struct json_mark *mark);

SCOPED_VALUE(struct json_scan, json_scan_fini);

#endif
