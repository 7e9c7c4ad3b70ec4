/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories as the tests of the archive's contract put and find them. */
#ifndef STORYFS_TESTS_ARCHIVE_STORIES_H
#define STORYFS_TESTS_ARCHIVE_STORIES_H

#include "archived.h"

static inline struct record *make_story(int64_t id, int64_t rank, const char *name)
{
	struct record *r = record_new(KIND_story);

	record_set_int(r, F_story_id, id);
	record_set_int(r, F_story_project_id, 99);
	if (rank)
		record_set_int(r, F_story_rank, rank);
	if (name)
		record_set_text(r, F_story_name, name);
	return r;
}

static inline void put_story(struct tx *tx, int64_t id, int64_t rank, const char *name)
{
	scoped(record_unref) struct record *r = make_story(id, rank, name);

	assert_int_equal(tx_put(tx, r), 0);
}

static inline void commit_story(struct fixture *fx, int64_t id, int64_t rank, const char *name)
{
	struct tx *tx = begin(fx, TX_WRITE);

	put_story(tx, id, rank, name);
	assert_int_equal(tx_commit(tx), 0);
}

static inline bool has_story(struct tx *tx, int64_t id)
{
	scoped(record_unref) struct record *r = NULL;
	int e = tx_get(tx, KIND_story, id, &r);

	assert_in_range(e, 0, 1);
	return e == 0;
}

static inline bool is_there(struct fixture *fx, int64_t id)
{
	struct tx *tx = begin(fx, TX_READ);
	bool there = has_story(tx, id);

	tx_abort(tx);
	return there;
}

static inline void expect_list(struct tx *tx, const struct query *q, const char *expected)
{
	scoped(ids_fini) struct ids ids = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_int_equal(tx_list_ids(tx, q, &ids), 0);
	for (size_t i = 0; i < ids.n; i++)
		buf_add_fmt(&text, "%lld ", (long long)ids.v[i]);
	assert_string_equal(buf_str(&text), expected);
}

static const struct query all_stories = { .kind = KIND_story, .limit = -1 };

#endif
