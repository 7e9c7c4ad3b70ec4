/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libzip, whose sizes and names are other people's words. */
#include "storyfs/unzip.h"

#include <errno.h>
#include <sys/stat.h>
#include <zip.h>

#include "storyfs/alloc.h"

enum { PIECE = 1 << 16 };

struct unzip {
	zip_t *zip;
};

int unzip_open(const char *path, struct unzip **ret, struct buf *ret_reason)
{
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_RDONLY, &code);

	if (!zip) {
		int e = errno;
		zip_error_t error;

		zip_error_init_with_code(&error, code);
		if (zip_error_system_type(&error) != ZIP_ET_SYS || e <= 0)
			e = EBADMSG;
		buf_add_fmt(ret_reason,
			"the ZIP cannot be read: %s; if it was cut off, fetch it again",
			zip_error_strerror(&error));
		zip_error_fini(&error);
		return -e;
	}
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->zip = zip;
	return 0;
}

void unzip_close(struct unzip *z)
{
	if (!z)
		return;
	zip_discard(z->zip);
	free(z);
}

int64_t unzip_count(const struct unzip *z)
{
	return zip_get_num_entries(z->zip, 0);
}

static bool is_link(zip_t *zip, zip_uint64_t index)
{
	zip_uint8_t system = 0;
	zip_uint32_t attributes = 0;

	return zip_file_get_external_attributes(zip, index, 0, &system, &attributes) == 0 &&
	       system == ZIP_OPSYS_UNIX && S_ISLNK(attributes >> 16);
}

struct unzip_entry unzip_entry(struct unzip *z, int64_t index)
{
	struct unzip_entry entry = { .name = "", .odd = "it has no size in the ZIP" };
	zip_stat_t st;

	zip_stat_init(&st);
	if (zip_stat_index(z->zip, (zip_uint64_t)index, ZIP_FL_ENC_RAW, &st) < 0)
		return entry;
	if (st.valid & ZIP_STAT_NAME)
		entry.name = st.name;
	if (!(st.valid & ZIP_STAT_SIZE) || st.size > INT64_MAX)
		return entry;
	entry.size = (int64_t)st.size;
	entry.odd = NULL;
	if (st.valid & ZIP_STAT_ENCRYPTION_METHOD && st.encryption_method != ZIP_EM_NONE)
		entry.odd = "it is encrypted";
	else if (is_link(z->zip, (zip_uint64_t)index))
		entry.odd = "it is a link";
	return entry;
}

static int give(zip_file_t *file, int64_t size,
	int (*take)(void *data, const char *bytes, size_t len), void *data, struct buf *ret_reason)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	zip_int64_t n;
	int64_t left = size;
	int r = 0;

	while (r >= 0 && (n = zip_fread(file, piece, PIECE)) > 0) {
		left -= n;
		if (left < 0)
			break;
		r = take(data, piece, (size_t)n);
	}
	if (r < 0)
		return r;
	if (n == 0 && left == 0)
		return 0;
	buf_add_str(
		ret_reason, n < 0 ? zip_file_strerror(file) : "it is not as long as the ZIP says");
	return -EBADMSG;
}

int unzip_read(struct unzip *z, int64_t index,
	int (*take)(void *data, const char *bytes, size_t len), void *data, struct buf *ret_reason)
{
	zip_file_t *file = zip_fopen_index(z->zip, (zip_uint64_t)index, 0);

	if (!file) {
		buf_add_str(ret_reason, zip_strerror(z->zip));
		return -EBADMSG;
	}
	int r = give(file, unzip_entry(z, index).size, take, data, ret_reason);

	zip_fclose(file);
	return r;
}
