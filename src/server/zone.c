/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads TZif files (RFC 8536): the 64-bit transitions of version 2 and later. After the last
 * transition its offset goes on; Debian's files have them up to 2037.
 */
#include "zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"

enum { MAX_FILE = 1 << 20, HEADER_SIZE = 44, TYPE_SIZE = 6 };

static const char zone_dir[] = "/usr/share/zoneinfo";

/* What a header says about the data block behind it. */
struct block {
	uint32_t n_isut, n_isstd, n_leap, n_times, n_types, n_chars;
};

struct zone {
	struct buf file;
	struct block block;
	size_t at; /* of the block's data */
};

static uint32_t read_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t read_i64(const char *p)
{
	return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

/* Nothing but a name below the directory: no `..`, no absolute path. */
static bool is_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
			return false;
	}
	return isalpha((unsigned char)name[0]);
}

static bool read_header(const struct buf *file, size_t at, struct block *ret)
{
	if (at + HEADER_SIZE > file->len || memcmp(file->data + at, "TZif", 4) != 0)
		return false;
	const char *p = file->data + at + 20;

	*ret = (struct block){ read_u32(p), read_u32(p + 4), read_u32(p + 8), read_u32(p + 12),
		read_u32(p + 16), read_u32(p + 20) };
	return ret->n_types > 0 && ret->n_times < MAX_FILE && ret->n_types < MAX_FILE &&
	       ret->n_chars < MAX_FILE && ret->n_leap < MAX_FILE && ret->n_isstd < MAX_FILE &&
	       ret->n_isut < MAX_FILE;
}

static size_t block_size(const struct block *b, size_t time_size)
{
	return b->n_times * (time_size + 1) + (size_t)b->n_types * TYPE_SIZE + b->n_chars +
	       b->n_leap * (time_size + 4) + b->n_isstd + b->n_isut;
}

/* The type in force at an instant: that of the last transition before it, or the first one. */
static bool find_type(const char *data, const struct block *b, int64_t at, uint32_t *ret)
{
	uint32_t from = 0, to = b->n_times;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (read_i64(data + (size_t)middle * 8) <= at)
			from = middle + 1;
		else
			to = middle;
	}
	*ret = from ? (unsigned char)data[(size_t)b->n_times * 8 + from - 1] : 0;
	return *ret < b->n_types;
}

/* Finds the second block, of 64-bit transitions. */
static bool find_block(const struct buf *file, struct block *ret, size_t *ret_at)
{
	struct block first;

	if (!read_header(file, 0, &first))
		return false;
	size_t at = HEADER_SIZE + block_size(&first, 4);

	*ret_at = at + HEADER_SIZE;
	return read_header(file, at, ret) && *ret_at + block_size(ret, 8) <= file->len;
}

struct zone *zone_load(const char *olson_name)
{
	scoped(buf_fini) struct buf path = BUF_INIT;
	scoped(zone_free) struct zone *z = xcalloc(1, sizeof(*z));

	if (!is_name(olson_name))
		return NULL;
	buf_add_fmt(&path, "%s/%s", zone_dir, olson_name);
	if (file_read(path.data, MAX_FILE, &z->file) < 0 ||
		!find_block(&z->file, &z->block, &z->at))
		return NULL;
	return take_ptr(z);
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	buf_fini(&z->file);
	free(z);
}

int32_t zone_seconds(const struct zone *z, int64_t at_ms)
{
	uint32_t type;
	int64_t seconds = at_ms / 1000 - (at_ms % 1000 < 0);

	if (!z || !find_type(z->file.data + z->at, &z->block, seconds, &type))
		return 0;
	return (int32_t)read_u32(
		z->file.data + z->at + (size_t)z->block.n_times * 9 + (size_t)type * TYPE_SIZE);
}

bool zone_offset(const char *olson_name, int64_t at_ms, int32_t *ret_seconds)
{
	scoped(zone_free) struct zone *z = zone_load(olson_name);

	if (z)
		*ret_seconds = zone_seconds(z, at_ms);
	return z != NULL;
}

/* ---- days ---- */

int64_t zone_day(const struct zone *z, int64_t at_ms)
{
	int64_t local = at_ms + (int64_t)zone_seconds(z, at_ms) * 1000;

	return local / ZONE_DAY_MS - (local % ZONE_DAY_MS < 0);
}

/* By the offset in force before, or by that after, where the clocks are changed nearby. Of both,
 * the first one that the day has reached: clocks put forward at midnight leave the day without it,
 * put back they show it twice. */
int64_t zone_midnight(const struct zone *z, int64_t day)
{
	int64_t utc = day * ZONE_DAY_MS;
	int64_t before = utc - (int64_t)zone_seconds(z, utc - ZONE_DAY_MS) * 1000;
	int64_t after = utc - (int64_t)zone_seconds(z, utc + ZONE_DAY_MS) * 1000;
	int64_t first = before < after ? before : after;
	int64_t second = before < after ? after : before;

	return zone_day(z, first) >= day ? first : second;
}

int zone_weekday(int64_t day)
{
	/* 1970-01-01 was a Thursday. */
	return (int)(((day + 4) % 7 + 7) % 7);
}

void zone_format_offset(const char *olson_name, int64_t at_ms, char ret_text[ZONE_OFFSET_SIZE])
{
	int32_t seconds = 0;

	zone_offset(olson_name, at_ms, &seconds);
	unsigned minutes = (unsigned)abs(seconds) / 60 % (100 * 60);

	snprintf(ret_text, ZONE_OFFSET_SIZE, "%c%02u:%02u", seconds < 0 ? '-' : '+', minutes / 60,
		minutes % 60);
}

/* POSIX's signs: those of Etc count from the zone to Greenwich. */
static const struct {
	const char *offset, *name;
} fixed_zones[] = {
	{ "-12:00", "Etc/GMT+12" },
	{ "-11:00", "Etc/GMT+11" },
	{ "-10:00", "Etc/GMT+10" },
	{ "-09:30", "Pacific/Marquesas" },
	{ "-09:00", "Etc/GMT+9" },
	{ "-08:00", "Etc/GMT+8" },
	{ "-07:00", "Etc/GMT+7" },
	{ "-06:00", "Etc/GMT+6" },
	{ "-05:00", "Etc/GMT+5" },
	{ "-04:00", "Etc/GMT+4" },
	{ "-03:00", "Etc/GMT+3" },
	{ "-02:00", "Etc/GMT+2" },
	{ "-01:00", "Etc/GMT+1" },
	{ "-00:00", "UTC" },
	{ "+00:00", "UTC" },
	{ "+01:00", "Etc/GMT-1" },
	{ "+02:00", "Etc/GMT-2" },
	{ "+03:00", "Etc/GMT-3" },
	{ "+03:30", "Asia/Tehran" },
	{ "+04:00", "Etc/GMT-4" },
	{ "+04:30", "Asia/Kabul" },
	{ "+05:00", "Etc/GMT-5" },
	{ "+05:30", "Asia/Kolkata" },
	{ "+05:45", "Asia/Kathmandu" },
	{ "+06:00", "Etc/GMT-6" },
	{ "+06:30", "Asia/Yangon" },
	{ "+07:00", "Etc/GMT-7" },
	{ "+08:00", "Etc/GMT-8" },
	{ "+08:45", "Australia/Eucla" },
	{ "+09:00", "Etc/GMT-9" },
	{ "+09:30", "Australia/Darwin" },
	{ "+10:00", "Etc/GMT-10" },
	{ "+11:00", "Etc/GMT-11" },
	{ "+12:00", "Etc/GMT-12" },
	{ "+13:00", "Etc/GMT-13" },
	{ "+14:00", "Etc/GMT-14" },
};

const char *zone_of_offset(const char *text)
{
	for (size_t i = 0; i < sizeof(fixed_zones) / sizeof(*fixed_zones); i++) {
		if (strcmp(fixed_zones[i].offset, text) == 0)
			return fixed_zones[i].name;
	}
	return NULL;
}
