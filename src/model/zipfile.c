/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libzip keeps a list of what is to be packed, and does it at the end. */
#include "storyfs/zipfile.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zip.h>

#include "storyfs/alloc.h"

struct zipfile {
	zip_t *zip;
	void (*progress)(void *data, double part);
	void *data;
};

static int fail(zip_error_t *error, struct buf *ret_reason)
{
	int number = zip_error_code_system(error);
	bool is_system = zip_error_system_type(error) == ZIP_ET_SYS && number > 0;

	buf_add_str(ret_reason, zip_error_strerror(error));
	return is_system ? -number : -EIO;
}

int zipfile_create(const char *path, struct zipfile **ret, struct buf *ret_reason)
{
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);

	if (!zip) {
		zip_error_t error;

		zip_error_init_with_code(&error, code);
		int r = fail(&error, ret_reason);

		zip_error_fini(&error);
		return r;
	}
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->zip = zip;
	return 0;
}

void zipfile_free(struct zipfile *z)
{
	if (!z)
		return;
	if (z->zip)
		zip_discard(z->zip);
	free(z);
}

/* ---- entries ---- */

static zip_int64_t read_some(struct zipfile_source *s, void *to, zip_uint64_t max)
{
	int64_t n = s->read(s, s->at, to, max);

	if (n < 0) {
		s->error = (int)-n;
		return -1;
	}
	s->at += n;
	return n;
}

static zip_int64_t tell_error(const struct zipfile_source *s, void *data, zip_uint64_t len)
{
	zip_error_t error;

	zip_error_init(&error);
	zip_error_set(&error, ZIP_ER_READ, s->error);
	zip_int64_t n = zip_error_to_data(&error, data, len);

	zip_error_fini(&error);
	return n;
}

static zip_int64_t tell_size(const struct zipfile_source *s, void *data)
{
	zip_stat_t *st = data;

	zip_stat_init(st);
	st->size = (zip_uint64_t)s->size;
	st->valid = ZIP_STAT_SIZE;
	return sizeof(*st);
}

static zip_int64_t answer(void *state, void *data, zip_uint64_t len, zip_source_cmd_t command)
{
	struct zipfile_source *s = state;
	int number = (int)command;

	if (number == ZIP_SOURCE_READ)
		return read_some(s, data, len);
	if (number == ZIP_SOURCE_STAT)
		return tell_size(s, data);
	if (number == ZIP_SOURCE_ERROR)
		return tell_error(s, data, len);
	if (number == ZIP_SOURCE_SUPPORTS)
		return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ,
			ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
	if (number == ZIP_SOURCE_FREE)
		s->free(s);
	else if (number == ZIP_SOURCE_OPEN)
		s->at = 0;
	else if (number != ZIP_SOURCE_CLOSE)
		return -1;
	return 0;
}

/* The number of the entry. */
static int64_t add(struct zipfile *z, const char *name, zip_source_t *source, bool packs,
	struct buf *ret_reason)
{
	zip_int64_t i = source ? zip_file_add(z->zip, name, source, ZIP_FL_ENC_UTF_8) : -1;

	if (i < 0)
		zip_source_free(source);
	if (i < 0 || zip_set_file_compression(
			     z->zip, (zip_uint64_t)i, packs ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) < 0)
		return fail(zip_get_error(z->zip), ret_reason);
	return i;
}

static int set_time(struct zipfile *z, int64_t entry, int64_t at_s)
{
	if (entry < 0)
		return (int)entry;
	zip_file_set_mtime(z->zip, (zip_uint64_t)entry, (time_t)at_s, 0);
	return 0;
}

int zipfile_add_file(
	struct zipfile *z, const char *name, const char *path, int64_t at_s, struct buf *ret_reason)
{
	zip_source_t *source = zip_source_file(z->zip, path, 0, -1);

	return set_time(z, add(z, name, source, true, ret_reason), at_s);
}

int zipfile_add_source(struct zipfile *z, const char *name, struct zipfile_source *source,
	int64_t at_s, struct buf *ret_reason)
{
	zip_source_t *made = zip_source_function(z->zip, answer, source);

	if (!made)
		source->free(source);
	return set_time(z, add(z, name, made, false, ret_reason), at_s);
}

/* ---- the end ---- */

static void tell(zip_t *zip, double part, void *data)
{
	struct zipfile *z = data;

	(void)zip;
	z->progress(z->data, part);
}

int zipfile_finish(struct zipfile *z, void (*progress)(void *data, double part), void *data,
	struct buf *ret_reason)
{
	scoped(zipfile_free) struct zipfile *done = z;

	z->progress = progress;
	z->data = data;
	if (progress)
		zip_register_progress_callback_with_state(z->zip, 0.01, tell, NULL, z);
	if (zip_close(z->zip) < 0)
		return fail(zip_get_error(z->zip), ret_reason);
	done->zip = NULL;
	if (progress)
		progress(data, 1);
	return 0;
}
