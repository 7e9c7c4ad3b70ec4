/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: lines there and back, the file, and what is left of it after a crash. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/journal.h"

struct place {
	char dir[32];
	char *path;
};

static void place_begin(struct place *p)
{
	strcpy(p->dir, "/tmp/journal-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->path = xasprintf("%s/made/journal", p->dir);
}

static void place_end(struct place *p)
{
	scoped(free_ptr) char *made = xasprintf("%s/made", p->dir);

	unlink(p->path);
	rmdir(made);
	assert_int_equal(rmdir(p->dir), 0);
	free(p->path);
}

SCOPED_VALUE(struct place, place_end);

static void set(struct buf *b, const char *data, size_t len)
{
	buf_reset(b);
	buf_add(b, data, len);
}

static void add(struct journal *j, const char *after, int error)
{
	scoped(journal_entry_fini) struct journal_entry e = { .at_ms = 1714557600000,
		.error = error };

	buf_add_str(&e.path, "projects/99/stories/501/name");
	buf_add_str(&e.before, "Old\n");
	buf_add_str(&e.after, after);
	journal_add(j, &e);
}

static char *read_all(struct journal *j)
{
	struct buf text = BUF_INIT;

	journal_read(j, &text);
	return buf_take(&text);
}

static void append_bytes(const char *path, const char *data, size_t len)
{
	scoped(close_fd) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
}

static struct journal *open_at(const char *path)
{
	struct journal *j = NULL;

	assert_int_equal(journal_open(path, &j), 0);
	return j;
}

static void a_line_is_read_as_it_was_written(void **state)
{
	(void)state;
	static const struct {
		const char *data;
		size_t len;
	} texts[] = { { "", 0 }, { "One\n", 4 }, { "a\tb\\n\r\n\n", 8 }, { "a\0b\\0", 5 },
		{ "\xff\xc3", 2 }, { "\\", 1 }, { "\x1b[31m\x7f\x01", 7 },
		{ "\xc2\x9b"
		  "1m\xc2\xa0\xc2",
			7 },
		{ "\\x1b", 4 } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scoped(journal_entry_fini) struct journal_entry e = {
			.at_ms = 1714557600000, .act = JOURNAL_MOVE, .error = -EBUSY
		};
		scoped(journal_entry_fini) struct journal_entry back = { 0 };
		scoped(buf_fini) struct buf line = BUF_INIT;

		set(&e.path, "a/b", 3);
		set(&e.before, texts[i].data, texts[i].len);
		set(&e.after, texts[i].data, texts[i].len);
		journal_write_line(&e, &line);
		assert_null(memchr(line.data, '\n', line.len - 1));
		/* Nor does a terminal take any of it for a command. */
		for (size_t k = 0; k + 1 < line.len; k++)
			assert_true((unsigned char)line.data[k] >= 0x20 || line.data[k] == '\t');
		assert_null(strchr(line.data, 0x7f));
		assert_null(strstr(line.data, "\xc2\x9b"));
		assert_true(journal_read_line(line.data, line.len - 1, &back));
		assert_int_equal(back.at_ms, e.at_ms);
		assert_int_equal(back.act, JOURNAL_MOVE);
		assert_int_equal(back.error, -EBUSY);
		assert_string_equal(buf_str(&back.path), "a/b");
		assert_int_equal(back.before.len, texts[i].len);
		assert_int_equal(back.after.len, texts[i].len);
		assert_memory_equal(buf_str(&back.after), texts[i].data, texts[i].len);
	}
}

static void what_is_no_line_is_not_read(void **state)
{
	(void)state;
	static const char line[] = "2024-05-01T10:00:00Z\tsave\tok\ta/b\tOld\\n\tNew\\n";
	static const char *const others[] = {
		"",
		"2024-05-01T10:00:00Z\tsave\tok\ta/b\tOld",
		"2024-05-01T10:00:00Z\tsave\tok\ta/b\tOld\tNew\tmore",
		"2024-05-01T10:00:00Z\tsing\tok\ta/b\tOld\tNew",
		"today\tsave\tok\ta/b\tOld\tNew",
		"2024-05-01T10:00:00Z\tsave\tok\ta/b\tOld\\\tNew",
		"2024-05-01T10:00:00Z\tsave\tok\ta/b\tOld\\x\tNew",
	};
	scoped(journal_entry_fini) struct journal_entry e = { 0 };

	assert_true(journal_read_line(line, strlen(line), &e));
	assert_string_equal(buf_str(&e.after), "New\n");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct journal_entry none = { 0 };

		assert_false(journal_read_line(others[i], strlen(others[i]), &none));
	}
}

static void it_outlives_who_wrote_it(void **state)
{
	(void)state;
	scoped(place_end) struct place p;
	scoped(buf_fini) struct buf file = BUF_INIT;
	scoped(free_ptr) char *said = NULL;
	struct stat st;

	place_begin(&p);
	{
		scoped(journal_free) struct journal *j = open_at(p.path);

		add(j, "One\n", 0);
		add(j, "Two\n", -EINVAL);
	}
	assert_int_equal(stat(p.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	scoped(journal_free) struct journal *j = open_at(p.path);

	said = read_all(j);
	assert_int_equal(file_read(p.path, 1 << 20, &file), 0);
	assert_string_equal(said, buf_str(&file));
	assert_string_equal(said,
		"2024-05-01T10:00:00Z\tsave\tok\tprojects/99/stories/501/name\tOld\\n\tOne\\n\n"
		"2024-05-01T10:00:00Z\tsave\tEINVAL\tprojects/99/stories/501/name\tOld\\n\tTwo\\n\n");
}

static void a_torn_line_spoils_no_other(void **state)
{
	(void)state;
	static const char torn[] = "2024-05-01T10:00:00Z\tsave\tok\tproj";
	scoped(place_end) struct place p;
	scoped(buf_fini) struct buf file = BUF_INIT;

	place_begin(&p);
	{
		scoped(journal_free) struct journal *j = open_at(p.path);

		add(j, "One\n", 0);
	}
	append_bytes(p.path, torn, strlen(torn));
	{
		scoped(journal_free) struct journal *j = open_at(p.path);
		scoped(free_ptr) char *said = read_all(j);

		assert_null(strstr(said, "proj\n"));
		assert_non_null(strstr(said, "One\\n\n"));
		add(j, "Two\n", 0);
	}
	assert_int_equal(file_read(p.path, 1 << 20, &file), 0);
	assert_non_null(strstr(buf_str(&file), "\tproj\n2024-05-01T10:00:00Z\tsave\tok\tprojects"));
}

static void memory_holds_the_last_of_many(void **state)
{
	(void)state;
	enum { N = 60 };
	scoped(place_end) struct place p;
	scoped(free_ptr) char *large = xcalloc(1, 50001);
	struct stat st;

	place_begin(&p);
	memset(large, 'x', 50000);
	scoped(journal_free) struct journal *j = open_at(p.path);

	for (int i = 0; i < N; i++) {
		scoped(free_ptr) char *text = xasprintf("%s %d\n", large, i);

		add(j, text, 0);
	}
	scoped(free_ptr) char *said = read_all(j);

	assert_true(strlen(said) <= 1 << 20);
	assert_true(strlen(said) >= 1 << 18);
	assert_int_equal(strncmp(said, "2024-", 5), 0);
	assert_string_equal(said + strlen(said) - strlen(" 59\\n\n"), " 59\\n\n");
	assert_int_equal(stat(p.path, &st), 0);
	assert_true(st.st_size > (off_t)N * 50000);
	scoped(journal_free) struct journal *again = open_at(p.path);
	scoped(free_ptr) char *tail = read_all(again);

	assert_true(strlen(tail) <= 1 << 20);
	assert_int_equal(strncmp(tail, "2024-", 5), 0);
	assert_string_equal(tail + strlen(tail) - strlen(" 59\\n\n"), " 59\\n\n");
}

static void without_a_file_there_is_memory(void **state)
{
	(void)state;
	scoped(journal_free) struct journal *j = open_at(NULL);

	add(j, "One\n", 0);
	scoped(free_ptr) char *said = read_all(j);

	assert_non_null(strstr(said, "One\\n\n"));
	struct journal *none = NULL;

	assert_true(journal_open("/proc/none/journal", &none) < 0);
	assert_null(none);
}

static void each_source_has_a_place_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(setenv("XDG_STATE_HOME", "/s", 1), 0);
	scoped(free_ptr) char *a = journal_path("https://a/services/v5");
	scoped(free_ptr) char *b = journal_path("https://b/services/v5");

	assert_int_equal(strncmp(a, "/s/storyfs/", 11), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
	assert_int_equal(setenv("HOME", "/h", 1), 0);
	scoped(free_ptr) char *c = journal_path("a");

	assert_int_equal(strncmp(c, "/h/.local/state/storyfs/", 24), 0);
	assert_int_equal(unsetenv("HOME"), 0);
	assert_null(journal_path("a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_line_is_not_read),
		cmocka_unit_test(it_outlives_who_wrote_it),
		cmocka_unit_test(a_torn_line_spoils_no_other),
		cmocka_unit_test(memory_holds_the_last_of_many),
		cmocka_unit_test(without_a_file_there_is_memory),
		cmocka_unit_test(each_source_has_a_place_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
