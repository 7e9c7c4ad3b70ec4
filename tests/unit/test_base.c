/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The base layer: buffers, time, numbers, text, files. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/buf.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/log.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"

static void buffer_keeps_what_was_added(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf b = BUF_INIT;

	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_add_fmt(&b, "%d,", i);
	assert_memory_equal(b.data, "0,1,2,", 6);
	assert_string_equal(b.data + b.len - 4, "999,");
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.data[b.len - 2], '\0');
	assert_int_equal(b.data[b.len], '\0');
	scoped(free_ptr) char *taken = buf_take(&b);

	assert_memory_equal(taken, "0,1,", 4);
	assert_int_equal(b.len, 0);
}

static void iso_times_are_read_and_written(void **state)
{
	(void)state;
	char text[CLOCK_ISO_SIZE];
	int64_t ms;

	assert_true(clock_parse_iso("2013-04-30T04:25:15Z", &ms));
	assert_int_equal(ms, INT64_C(1367295915000));
	clock_format_iso(ms, text);
	assert_string_equal(text, "2013-04-30T04:25:15Z");
	assert_true(clock_parse_iso("2013-04-30T06:25:15.250+02:00", &ms));
	assert_int_equal(ms, INT64_C(1367295915250));
	clock_format_iso(ms, text);
	assert_string_equal(text, "2013-04-30T04:25:15.250Z");
	assert_true(clock_parse_iso("2016-02-29", &ms));
	assert_true(clock_parse_iso("1969-12-31T23:59:59Z", &ms));
	assert_int_equal(ms, -1000);
	clock_format_iso(ms, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void wrong_times_are_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "x", "2015-02-29", "2015-13-01", "2015-1-1",
		"2015-01-01T25:00:00Z", "2015-01-01T10:00:00Zx", "2015-01-01T10:00:00.Z",
		"2015-01-01 10", "2015-01-01T10:00:00+99:00", "15-01-01" };
	int64_t ms;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (clock_parse_iso(wrong[i], &ms))
			fail_msg("'%s' was taken for a time", wrong[i]);
	}
	assert_false(clock_parse_date("2015-01-01T10:00:00Z", &ms));
}

static void every_time_read_is_written_so_that_it_is_read_again(void **state)
{
	(void)state;
	static const char *const texts[] = { "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
		"0999-12-31T23:59:59.001Z", "9999-12-31T23:59:59.999Z" };
	static const char *const outside[] = { "0000-01-01T00:00:00+01:00",
		"9999-12-31T23:59:59-01:00" };
	char text[CLOCK_ISO_SIZE];
	int64_t ms, days;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_true(clock_parse_iso(texts[i], &ms));
		clock_format_iso(ms, text);
		assert_string_equal(text, texts[i]);
	}
	assert_int_equal(ms, CLOCK_MAX_MS);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		assert_false(clock_parse_iso(outside[i], &ms));
	assert_true(clock_parse_date("0001-02-03", &days));
	clock_format_date(days, text);
	assert_string_equal(text, "0001-02-03");
	clock_format_iso(INT64_MIN, text);
	clock_format_iso(INT64_MAX, text);
}

static void dates_are_days(void **state)
{
	(void)state;
	char text[CLOCK_ISO_SIZE];
	int64_t days;

	assert_true(clock_parse_date("1970-01-02", &days));
	assert_int_equal(days, 1);
	assert_true(clock_parse_date("1969-12-31", &days));
	assert_int_equal(days, -1);
	clock_format_date(days, text);
	assert_string_equal(text, "1969-12-31");
}

static void numbers_have_one_spelling_and_bounds(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "-", "+1", "01", "-0", " 1", "1 ", "1x", "0x1",
		"11", "99999999999999999999" };
	int64_t i;
	double f;
	bool yes;

	assert_true(parse_int("10", 0, 10, &i));
	assert_int_equal(i, 10);
	assert_true(parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &i));
	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		if (parse_int(wrong[k], 0, 10, &i))
			fail_msg("'%s' was taken for a number", wrong[k]);
	}
	assert_true(parse_float("1.5e1", &f));
	assert_true(f > 14.9 && f < 15.1);
	assert_false(parse_float("nan", &f));
	assert_false(parse_float("1e999", &f));
	assert_false(parse_float("", &f));
	assert_true(parse_bool("false", &yes) && !yes);
	assert_false(parse_bool("False", &yes));
}

static void numbers_are_written_shortly_in_any_locale(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ -0.0, "0" },
		{ 3, "3" },
		{ 0.1, "0.1" },
		{ -2.5, "-2.5" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e300, "1e+300" },
		{ -1.7976931348623157e308, "-1.7976931348623157e+308" },
	};

	setlocale(LC_ALL, "de_DE.UTF-8");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[FLOAT_TEXT_SIZE];
		double again;

		format_float(rows[i].value, text);
		assert_string_equal(text, rows[i].text);
		assert_true(parse_float(text, &again));
		assert_true(again >= rows[i].value && again <= rows[i].value);
	}
	setlocale(LC_ALL, "C");
}

static void text_knows_unicode(void **state)
{
	(void)state;
	assert_true(text_is_valid("g\xc3\xbcn", 4));
	assert_false(text_is_valid("g\xc3", 2));
	assert_false(text_is_valid("a\0b", 3));
	assert_int_equal(text_length("g\xc3\xbcn"), 3);
	assert_true(text_is_blank(" \t\xc2\xa0\n"));
	assert_true(text_is_blank(""));
	assert_false(text_is_blank(" x"));
	scoped(free_ptr) char *low = text_lower("\xc3\x9c"
						"BER");

	assert_string_equal(low, "\xc3\xbc"
				 "ber");
}

static void excerpts_fit_on_a_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
		size_t max;
	} rows[] = {
		{ " a \r\n\t b ", "a b ", 10 },
		{ "a\x01\xff\xe2\x80\xae", "a???", 10 },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc", 5 },
		{ "abc", "", 0 },
		{ "", "", 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(buf_fini) struct buf b = BUF_INIT;

		text_add_excerpt(&b, rows[i].text, strlen(rows[i].text), rows[i].max);
		assert_string_equal(buf_str(&b), rows[i].shown);
	}
}

static void any_title_makes_a_safe_name(void **state)
{
	(void)state;
	static const struct {
		const char *title, *name;
	} rows[] = {
		{ "AV: LocalSupport", "AV: LocalSupport" },
		{ " a/b\n ", "a_b_" },
		{ "..", "_." },
		{ ".hidden", "_hidden" },
		{ "", "_" },
		{ "   ", "_" },
		{ "bad\xff"
		  "byte",
			"bad_byte" },
		{ "\xe2\x80\xae"
		  "rtl",
			"_rtl" },
		/* Zero width, bidi isolates, a C1 control, a line separator; emoji stay. */
		{ "\xe2\x80\x8b\xe2\x81\xa6\xe2\x81\xa9\xc2\x9b\xe2\x80\xa8"
		  "x",
			"_____x" },
		{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 \xe2\x9d\xa4\xef\xb8\x8f",
			"\xf0\x9f\x91\xa9_\xf0\x9f\x91\xa7 \xe2\x9d\xa4\xef\xb8\x8f" },
		{ "\x1b[31mred\x07\x7f", "_[31mred__" },
		/* What git takes for `.git` and its kin. */
		{ "git~1", "git_1" },
		{ "GI7EBA~1.TXT", "GI7EBA_1.TXT" },
		{ "a~1~2", "a_1_2" },
		{ "version~1", "version~1" },
		{ "back~", "back~" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(buf_fini) struct buf name = BUF_INIT;

		text_add_file_name(&name, rows[i].title);
		assert_string_equal(buf_str(&name), rows[i].name);
	}
	scoped(buf_fini) struct buf title = BUF_INIT;
	scoped(buf_fini) struct buf name = BUF_INIT;

	for (int i = 0; i < 5000; i++)
		buf_add_str(&title, "\xe2\x82\xac");
	text_add_file_name(&name, title.data);
	assert_true(name.len <= 200 && name.len >= 198);
	assert_true(text_is_valid(name.data, name.len));
}

/* What is logged may come from anywhere, and be read in a terminal. */
static void the_log_steers_no_terminal(void **state)
{
	(void)state;
	char line[80] = "";
	int ends[2], saved = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_warning("%s", "a\x1b]0;x\x07\r\tb\nc\x7f\xc2\x9bgr\xc3\xbc\xc3\x9f");
	dup2(saved, STDERR_FILENO);
	assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
	if (!strstr(line, "a?]0;x???b\nc???gr\xc3\xbc\xc3\x9f\n"))
		fail_msg("%s", line);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

/* What a service starts inherits the variable, and may have another standard error. */
static void the_journal_is_told_the_priority(void **state)
{
	(void)state;
	char line[80] = "";
	int ends[2], saved = dup(STDERR_FILENO);
	struct stat st;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[1], &st), 0);
	for (int i = 0; i < 2; i++) {
		scoped(free_ptr) char *stream = xasprintf(
			"%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + (unsigned)i);

		setenv("JOURNAL_STREAM", stream, 1);
		dup2(ends[1], STDERR_FILENO);
		log_warning("so");
		dup2(saved, STDERR_FILENO);
		ssize_t n = read(ends[0], line, sizeof(line) - 1);

		assert_true(n > 0);
		line[n] = '\0';
		assert_string_equal(line, i ? "storyfs: so\n" : "<4>so\n");
	}
	unsetenv("JOURNAL_STREAM");
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

static void files_are_written_whole(void **state)
{
	(void)state;
	char dir[] = "/tmp/storyfs-test-XXXXXX";

	assert_non_null(mkdtemp(dir));
	scoped(free_ptr) char *deep = xasprintf("%s/a/b", dir);
	scoped(free_ptr) char *path = xasprintf("%s/f", deep);
	scoped(buf_fini) struct buf data = BUF_INIT;
	struct stat st;

	assert_int_equal(file_make_dirs(deep), 0);
	assert_int_equal(file_make_dirs(deep), 0);
	assert_int_equal(file_write_atomic(path, "old", 3, 0600), 0);
	assert_int_equal(file_write_atomic(path, "a\0new", 5, 0640), 0);
	assert_int_equal(file_read(path, 5, &data), 0);
	assert_int_equal(data.len, 5);
	assert_memory_equal(data.data, "a\0new", 5);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read(path, 4, &data), -EFBIG);
	assert_int_equal(file_read(deep, 4, &data), -EISDIR);
	assert_int_equal(file_write_atomic("/nonexistent/x", "", 0, 0600), -ENOENT);
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", dir);

	assert_int_equal(system(rm), 0);
}

static void a_pipe_is_read_to_its_end_or_the_deadline(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf data = BUF_INIT;
	int64_t now = clock_monotonic_ms();
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a\0b", 3), 3);
	assert_int_equal(file_read_pipe(ends[0], now, 10, &data), -ETIMEDOUT);
	assert_int_equal(data.len, 3);
	assert_memory_equal(data.data, "a\0b", 3);
	assert_int_equal(write(ends[1], "cd", 2), 2);
	assert_int_equal(file_read_pipe(ends[0], now, 1, &data), -EFBIG);
	/* What is there already is read, however late it is. */
	assert_int_equal(write(ends[1], "e", 1), 1);
	close(ends[1]);
	assert_int_equal(file_read_pipe(ends[0], now - 1000, 10, &data), 0);
	assert_int_equal(data.len, 4);
	close(ends[0]);
}

/* ---- threads ---- */

static void *block_mask(void *data)
{
	pthread_sigmask(SIG_SETMASK, NULL, data);
	return NULL;
}

static void threads_take_no_signals(void **state)
{
	sigset_t theirs, mine;
	pthread_t thread;

	(void)state;
	assert_int_equal(thread_start(block_mask, &theirs, &thread), 0);
	pthread_join(thread, NULL);
	assert_true(sigismember(&theirs, SIGTERM) && sigismember(&theirs, SIGPIPE));
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	assert_false(sigismember(&mine, SIGTERM) || sigismember(&mine, SIGPIPE));
}

static void waits_are_of_the_monotonic_clock(void **state)
{
	struct timespec until = clock_timespec(clock_deadline(20));
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never;
	int64_t began = clock_monotonic_ms();

	(void)state;
	thread_init_cond(&never);
	pthread_mutex_lock(&lock);
	assert_int_equal(pthread_cond_timedwait(&never, &lock, &until), ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	assert_true(clock_monotonic_ms() - began >= 19);
	pthread_cond_destroy(&never);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_keeps_what_was_added),
		cmocka_unit_test(iso_times_are_read_and_written),
		cmocka_unit_test(wrong_times_are_refused),
		cmocka_unit_test(every_time_read_is_written_so_that_it_is_read_again),
		cmocka_unit_test(dates_are_days),
		cmocka_unit_test(numbers_have_one_spelling_and_bounds),
		cmocka_unit_test(numbers_are_written_shortly_in_any_locale),
		cmocka_unit_test(text_knows_unicode),
		cmocka_unit_test(excerpts_fit_on_a_line),
		cmocka_unit_test(any_title_makes_a_safe_name),
		cmocka_unit_test(the_log_steers_no_terminal),
		cmocka_unit_test(the_journal_is_told_the_priority),
		cmocka_unit_test(files_are_written_whole),
		cmocka_unit_test(a_pipe_is_read_to_its_end_or_the_deadline),
		cmocka_unit_test(threads_take_no_signals),
		cmocka_unit_test(waits_are_of_the_monotonic_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
