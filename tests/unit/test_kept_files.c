/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of what was kept, in trouble: whatever it is, nothing fails, and the next run has one.
 */
#include <fcntl.h>
#include <sqlite3.h>

#include "faulty_vfs.h"
#include "kept.h"

static void load_some(struct kept *k)
{
	assert_int_equal(list(&k->world, &projects), 2);
	assert_int_equal(list(&k->world, &stories), 5);
	assert_int_equal(list(&k->world, &comments_501), 2);
}

static void run_sql(const char *path, const char *sql)
{
	char *words = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s: %s", sql, words);
	sqlite3_close(db);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static bool is_there(const struct kept *k, const char *suffix)
{
	scoped(free_ptr) char *path = xasprintf("%s%s", k->path, suffix);
	struct stat st;

	return lstat(path, &st) == 0;
}

static bool is_in_file(const struct kept *k, const char *word)
{
	scoped(buf_fini) struct buf bytes = BUF_INIT;

	assert_int_equal(file_read(k->path, 16 << 20, &bytes), 0);
	return memmem(bytes.data, bytes.len, word, strlen(word)) != NULL;
}

/* ---- whose it is ---- */

static void it_is_ours_alone(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	struct record *me;

	kept_begin(&k);
	assert_int_equal(store_get_me(k.world.store, &k.world.call, &me), 0);
	record_unref(me);
	load_some(&k);
	kept_close(&k);
	assert_int_equal(mode_of(k.path), S_IFREG | 0600);
	assert_int_equal(mode_of(k.dir), S_IFDIR | 0700);
	assert_true(is_in_file(&k, "Paint it"));
	assert_false(is_in_file(&k, "hidden")); /* the token that /me tells */
	/* Others were let in meanwhile. */
	assert_int_equal(chmod(k.path, 0644), 0);
	assert_int_equal(chmod(k.dir, 0755), 0);
	kept_again(&k);
	load_some(&k);
	kept_close(&k);
	assert_int_equal(mode_of(k.path), S_IFREG | 0600);
	assert_int_equal(mode_of(k.dir), S_IFDIR | 0700);
}

static void a_directory_that_others_write_is_not_used(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	kept_close(&k);
	assert_int_equal(chmod(k.dir, 0777), 0);
	kept_again(&k);
	load_some(&k);
	kept_close(&k);
	assert_false(is_there(&k, ""));
}

static void a_store_that_loads_nothing_leaves_nothing(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	kept_part(&k);
	assert_int_equal(list(&k.world, &projects), -EHOSTUNREACH);
	kept_close(&k);
	assert_int_equal(rmdir(k.dir), 0);
	assert_int_equal(mkdir(k.dir, 0700), 0);
}

/* ---- damage ---- */

static void write_at(const char *path, int64_t at, const void *data, size_t len)
{
	scoped(close_fd) int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write_at(fd, data, len, at), 0);
}

static void make_garbage(const char *path)
{
	static char bytes[40000];

	memset(bytes, 'x', sizeof(bytes));
	write_at(path, 0, bytes, sizeof(bytes));
}

static void cut(const char *path)
{
	assert_int_equal(truncate(path, 20000), 0);
}

static void blank_pages(const char *path)
{
	static const char bytes[16384];

	for (int page = 1; page < 12; page++)
		write_at(path, page * (int64_t)sizeof(bytes), bytes, sizeof(bytes));
}

static void change_a_byte(const char *path)
{
	scoped(buf_fini) struct buf bytes = BUF_INIT;

	assert_int_equal(file_read(path, 16 << 20, &bytes), 0);
	const char *at = memmem(bytes.data, bytes.len, "Paint it", 8);

	assert_non_null(at);
	write_at(path, at - bytes.data, "Faint it", 8);
}

static void change_a_list(const char *path)
{
	run_sql(path, "UPDATE list SET ids = substr(ids, 2)");
}

static void change_a_version(const char *path)
{
	run_sql(path, "UPDATE load SET version = version + 1");
}

static void swap_rows(const char *path)
{
	run_sql(path, "UPDATE record SET body = (SELECT body FROM record WHERE id = 502)"
		      " WHERE id = 501");
}

static void be_of_another_program(const char *path)
{
	run_sql(path, "PRAGMA application_id = 1");
}

static void be_of_another_schema(const char *path)
{
	run_sql(path, "UPDATE number SET value = value + 1 WHERE name = 'schema'");
}

static void lose_a_table(const char *path)
{
	run_sql(path, "DROP TABLE record");
}

static void be_a_directory(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void be_a_link(const char *path)
{
	scoped(free_ptr) char *to = xasprintf("%s.elsewhere", path);

	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
}

static void be_two(const char *path)
{
	scoped(free_ptr) char *to = xasprintf("%s.elsewhere", path);

	assert_int_equal(link(path, to), 0);
}

static const struct {
	const char *name;
	void (*damage)(const char *path);
} damages[] = {
	{ "garbage", make_garbage },
	{ "cut", cut },
	{ "blank pages", blank_pages },
	{ "a byte", change_a_byte },
	{ "a list", change_a_list },
	{ "a version", change_a_version },
	{ "swapped rows", swap_rows },
	{ "another program", be_of_another_program },
	{ "another schema", be_of_another_schema },
	{ "no table", lose_a_table },
	{ "a directory", be_a_directory },
	{ "a link", be_a_link },
	{ "two names", be_two },
};

/* Twice, so that what was put aside before is no obstacle. */
static void check_damage(void (*damage)(const char *path))
{
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_some(&k);
	for (int i = 0; i < 2; i++) {
		scoped(free_ptr) char *elsewhere = xasprintf("%s.elsewhere", k.path);

		kept_close(&k);
		unlink(elsewhere);
		damage(k.path);
		kept_again(&k);
		load_some(&k);
		assert_name(&k.world, "Paint it");
		kept_close(&k);
		assert_true(is_there(&k, ".damaged"));
		kept_part(&k);
		kept_again(&k);
		load_some(&k);
		assert_name(&k.world, "Paint it");
		host_heal(&k.world.host);
	}
	assert_int_equal(mode_of(k.path), S_IFREG | 0600);
}

static void what_is_damaged_is_put_aside_and_made_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		print_message("# %s\n", damages[i].name);
		check_damage(damages[i].damage);
	}
}

static void an_empty_file_is_none(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_some(&k);
	kept_close(&k);
	assert_int_equal(truncate(k.path, 0), 0);
	kept_again(&k);
	load_some(&k);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	load_some(&k);
}

/* ---- while it is in use ---- */

static void one_that_is_taken_away_is_made_again(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	scoped(free_ptr) char *command = NULL;

	kept_begin(&k);
	command = xasprintf("rm -rf %s", k.dir);
	load_some(&k);
	kept_again(&k);
	load_some(&k);
	assert_int_equal(system(command), 0);
	assert_int_equal(save_name(&k.world, "Another"), 0);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	load_some(&k);
	assert_name(&k.world, "Another");
}

static void a_full_disk_is_told_and_done_without(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_some(&k);
	kept_again(&k);
	load_some(&k);
	faulty_vfs_leave_room(1000);
	assert_int_equal(save_name(&k.world, "Another"), 0);
	kept_wait(&k, "cache: given up: No space left on device\n");
	assert_name(&k.world, "Another");
	assert_int_equal(save_name(&k.world, "One more"), 0);
	kept_close(&k);
	faulty_vfs_heal();
	/* What was there is as it was. */
	kept_part(&k);
	kept_again(&k);
	load_some(&k);
	assert_name(&k.world, "Paint it");
}

static void at_any_point_a_full_disk_leaves_what_was_there(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	int n_given_up = 0;

	kept_begin(&k);
	load_some(&k);
	for (int room = 0; room < 160000; room += 8191) {
		scoped(free_ptr) char *name = xasprintf("%d", room);

		kept_again(&k);
		load_some(&k);
		faulty_vfs_leave_room(room);
		assert_int_equal(save_name(&k.world, name), 0);
		kept_close(&k);
		faulty_vfs_heal();
		kept_part(&k);
		kept_again(&k);
		load_some(&k);
		scoped(record_unref) struct record *r = peek(&k.world, KIND_story, 501);

		n_given_up += strcmp(record_text(r, F_story_name), name) != 0;
		assert_false(is_there(&k, ".damaged"));
		host_heal(&k.world.host);
	}
	assert_in_range(n_given_up, 1, 18);
}

static void a_disk_that_cannot_be_read_is_done_without(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_some(&k);
	kept_close(&k);
	faulty_vfs_fail_reads(true);
	kept_again(&k);
	load_some(&k);
	kept_close(&k);
	faulty_vfs_heal();
	assert_false(is_there(&k, ".damaged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ours_alone),
		cmocka_unit_test(a_directory_that_others_write_is_not_used),
		cmocka_unit_test(a_store_that_loads_nothing_leaves_nothing),
		cmocka_unit_test(what_is_damaged_is_put_aside_and_made_anew),
		cmocka_unit_test(an_empty_file_is_none),
		cmocka_unit_test(one_that_is_taken_away_is_made_again),
		cmocka_unit_test(a_full_disk_is_told_and_done_without),
		cmocka_unit_test(at_any_point_a_full_disk_leaves_what_was_there),
		cmocka_unit_test(a_disk_that_cannot_be_read_is_done_without),
	};

	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
