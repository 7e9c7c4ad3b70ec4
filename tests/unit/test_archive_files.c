/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of files in the archive, and attachments of archives from before. */
#include "archived_sql.h"

static void google_documents_of_old_archives_get_their_table(void **state)
{
	struct fixture *fx = *state;
	struct query q = { .kind = KIND_comment, .limit = -1 };
	scoped(record_unref) struct record *google = NULL;
	scoped(record_unref) struct record *comment = NULL;
	scoped(ids_fini) struct ids holders = { 0 };

	archive_close(fx->archive);
	run_sql(fx->path,
		"DELETE FROM google_attachment; ALTER TABLE comment ADD COLUMN google_attachments TEXT;"
		"INSERT INTO comment(id, text, google_attachments) VALUES(4, 'none', '[]'),"
		" (5, 'one', '[{\"id\":8,\"title\":\"Plan\",\"person_id\":3}]')");
	open_archive(fx, ARCHIVE_EXISTING);
	struct tx *tx = begin(fx, TX_READ);

	assert_int_equal(tx_get(tx, KIND_google_attachment, 8, &google), 0);
	assert_string_equal(record_text(google, F_google_attachment_title), "Plan");
	assert_int_equal(record_int(google, F_google_attachment_comment_id, 0), 5);
	assert_int_equal(tx_get(tx, KIND_comment, 5, &comment), 0);
	assert_int_equal(record_get(comment, F_comment_google_attachment_ids)->ids[0], 8);
	query_where(&q, F_comment_google_attachment_ids, OP_HAS, 8);
	assert_int_equal(tx_list_ids(tx, &q, &holders), 0);
	assert_int_equal(holders.n, 1);
	tx_abort(tx);
}

static void bytes_come_back_from_anywhere(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	scoped(buf_fini) struct buf bytes = BUF_INIT;
	int64_t n = -1;

	for (int i = 0; i < 100000; i++)
		buf_add_fmt(&bytes, "%06d", i);
	assert_int_equal(tx_count_bytes(tx, 7, &n), 1);
	assert_int_equal(tx_put_bytes(tx, 7, "", 0), 0);
	assert_int_equal(tx_count_bytes(tx, 7, &n), 0);
	assert_int_equal(n, 0);
	/* A file may come in several calls. */
	assert_int_equal(tx_delete_bytes(tx, 7), 0);
	assert_int_equal(tx_put_bytes(tx, 7, bytes.data, 10), 0);
	assert_int_equal(tx_put_bytes(tx, 7, bytes.data + 10, bytes.len - 10), 0);
	assert_int_equal(tx_put_bytes(tx, 8, "other", 5), 0);
	assert_int_equal(tx_count_bytes(tx, 7, &n), 0);
	assert_int_equal(n, bytes.len);
	for (size_t from = 0; from < bytes.len; from += 65521) {
		scoped(buf_fini) struct buf got = BUF_INIT;
		size_t len = from % 7 ? 300000 : 3;
		size_t left = bytes.len - from;

		assert_int_equal(tx_get_bytes(tx, 7, (int64_t)from, len, &got), 0);
		assert_int_equal(got.len, len < left ? len : left);
		assert_memory_equal(got.data, bytes.data + from, got.len);
	}
	assert_int_equal(tx_delete_bytes(tx, 7), 0);
	assert_int_equal(tx_count_bytes(tx, 7, &n), 1);
	assert_int_equal(tx_count_bytes(tx, 8, &n), 0);
	tx_abort(tx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			google_documents_of_old_archives_get_their_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_come_back_from_anywhere, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
