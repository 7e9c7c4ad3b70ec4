/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ZIPs that are written, read again. */
#include "storyfs/zipfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/unzip.h"

enum { SIZE = 200000 };

/* Bytes by their places; cannot be read from one on. */
struct counted {
	struct zipfile_source source;
	int64_t fails_at; /* 0: never */
	int *n_freed;
};

static int64_t read_counted(struct zipfile_source *s, int64_t at, void *to, size_t max)
{
	const struct counted *c = (const struct counted *)s;
	size_t n = (size_t)(s->size - at) < max ? (size_t)(s->size - at) : max;

	if (c->fails_at && at + (int64_t)n > c->fails_at)
		return -ENODATA;
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = (char)((at + (int64_t)i) * 7 >> 3);
	return (int64_t)n;
}

static void free_counted(struct zipfile_source *s)
{
	++*((struct counted *)s)->n_freed;
	free(s);
}

static struct zipfile_source *make_counted(int64_t fails_at, int *n_freed)
{
	struct counted *c = xcalloc(1, sizeof(*c));

	*c = (struct counted){ { .read = read_counted, .free = free_counted, .size = SIZE },
		fails_at, n_freed };
	return &c->source;
}

static char *make_folder(void)
{
	char *dir = xstrdup("/tmp/storyfs-test-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static int take(void *data, const char *bytes, size_t len)
{
	buf_add(data, bytes, len);
	return 0;
}

static void note_part(void *data, double part)
{
	double *last = data;

	assert_true(part >= *last && part <= 1);
	*last = part;
}

static void what_is_packed_is_unpacked(void **state)
{
	scoped(free_ptr) char *dir = make_folder();
	scoped(free_ptr) char *path = xasprintf("%s/a.zip", dir);
	scoped(free_ptr) char *part = xasprintf("%s/part", dir);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(buf_fini) struct buf bytes = BUF_INIT;
	scoped(unzip_close) struct unzip *in = NULL;
	struct zipfile *z;
	double last = 0;
	int n_freed = 0;

	(void)state;
	assert_int_equal(file_write_atomic(part, "a,b\n", 4, 0600), 0);
	assert_int_equal(zipfile_create(path, &z, &reason), 0);
	assert_int_equal(zipfile_add_file(z, "Zoë.csv", part, 1700000000, &reason), 0);
	assert_int_equal(
		zipfile_add_source(z, "5/x", make_counted(0, &n_freed), 1700000000, &reason), 0);
	/* A name that is there. */
	assert_true(zipfile_add_source(z, "5/x", make_counted(0, &n_freed), 0, &reason) < 0);
	assert_true(reason.len > 0);
	assert_int_equal(n_freed, 1);
	assert_int_equal(zipfile_finish(z, note_part, &last, &reason), 0);
	assert_int_equal(n_freed, 2);
	assert_true(last >= 1);
	assert_int_equal(unzip_open(path, &in, &reason), 0);
	assert_int_equal(unzip_count(in), 2);
	assert_string_equal(unzip_entry(in, 0).name, "Zoë.csv");
	assert_int_equal(unzip_read(in, 1, take, &bytes, &reason), 0);
	assert_int_equal(bytes.len, SIZE);
	for (size_t i = 0; i < SIZE; i++)
		assert_true(bytes.data[i] == (char)(i * 7 >> 3));
	file_remove_tree(dir);
	assert_int_equal(access(dir, F_OK), -1);
}

static void what_cannot_be_read_makes_no_zip(void **state)
{
	scoped(free_ptr) char *dir = make_folder();
	scoped(free_ptr) char *path = xasprintf("%s/a.zip", dir);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct zipfile *z;
	int n_freed = 0;

	(void)state;
	assert_int_equal(zipfile_create(path, &z, &reason), 0);
	assert_int_equal(zipfile_add_source(z, "5/x", make_counted(1000, &n_freed), 0, &reason), 0);
	assert_int_equal(zipfile_finish(z, NULL, NULL, &reason), -ENODATA);
	assert_non_null(strstr(reason.data, strerror(ENODATA)));
	assert_int_equal(n_freed, 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(dir), 0);
}

static void what_is_there_is_not_overwritten(void **state)
{
	scoped(free_ptr) char *dir = make_folder();
	scoped(free_ptr) char *path = xasprintf("%s/a.zip", dir);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct zipfile *z;

	(void)state;
	assert_int_equal(file_write_atomic(path, "x", 1, 0600), 0);
	assert_true(zipfile_create(path, &z, &reason) < 0);
	assert_true(reason.len > 0);
	file_remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(what_cannot_be_read_makes_no_zip),
		cmocka_unit_test(what_is_there_is_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
