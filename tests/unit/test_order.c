/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of stories: what is put somewhere stands there, and costs little, wherever it is. */
#include "order.h"
#include "served.h"

enum { N_OTHERS = 2000, N_PUT = 10000, FIRST_OTHER = 100000 };

/* A new story's own, and the count of the project's. */
enum { ROWS_OF_ONE = 2 };

struct ordering {
	struct served *served;
	struct moment moment;
	struct call call;
};

static int set_up(void **state)
{
	struct ordering *o = xcalloc(1, sizeof(*o));

	assert_int_equal(served_set_up((void **)&o->served), 0);
	o->call.moment = &o->moment;
	assert_int_equal(tx_begin(o->served->archive, TX_WRITE, &o->call.tx), 0);
	*state = o;
	return 0;
}

static int tear_down(void **state)
{
	struct ordering *o = *state;
	void *served = o->served;

	tx_abort(o->call.tx);
	free(o);
	return served_tear_down(&served);
}

static struct record *make_ranked(int64_t id, int64_t rank)
{
	struct record *r = record_new(KIND_story);

	record_set_int(r, F_story_id, id);
	record_set_int(r, F_story_project_id, 1);
	record_set_int(r, F_story_rank, rank);
	return r;
}

static void put_ranked(struct ordering *o, int64_t id, int64_t rank)
{
	scoped(record_unref) struct record *r = make_ranked(id, rank);

	assert_int_equal(tx_put(o->call.tx, r), 0);
}

/* Others are there, with the usual room. */
static void put_others(struct ordering *o)
{
	for (int i = 0; i < N_OTHERS; i++)
		put_ranked(o, FIRST_OTHER + i, (int64_t)(i + 1) << 16);
}

/* Put a new one below another; how many rows that wrote. */
static int64_t put_after(struct ordering *o, int64_t id, int64_t after_id)
{
	scoped(record_unref) struct record *r = make_ranked(id, 0);
	int64_t before = tx_n_writes(o->call.tx), rank;

	assert_int_equal(order_rank_after(&o->call, r, after_id, &rank), 0);
	record_set_int(r, F_story_rank, rank);
	assert_int_equal(tx_put(o->call.tx, r), 0);
	return tx_n_writes(o->call.tx) - before;
}

static void list_order(struct ordering *o, struct ids *ret)
{
	struct query q = { .kind = KIND_story, .limit = -1, .order = F_story_rank };

	assert_int_equal(
		tx_list_ids(o->call.tx, query_where(&q, F_story_project_id, OP_EQ, 1), ret), 0);
}

static void many_puts_at_one_place_move_few(void **state)
{
	struct ordering *o = *state;
	scoped(ids_fini) struct ids ids = { 0 };
	int64_t place = FIRST_OTHER + N_OTHERS / 2, written = 0;

	put_others(o);
	for (int i = 1; i <= N_PUT; i++)
		written += put_after(o, i, place);
	list_order(o, &ids);
	assert_int_equal(ids.n, N_OTHERS + N_PUT);
	for (int i = 0; i < N_PUT; i++)
		assert_int_equal(ids.v[N_OTHERS / 2 + 1 + i], N_PUT - i);
	for (int i = 0; i < N_OTHERS; i++)
		assert_int_equal(ids.v[i <= N_OTHERS / 2 ? i : i + N_PUT], FIRST_OTHER + i);
	print_message("# %.1f rows written for each of %d puts among %d\n", (double)written / N_PUT,
		N_PUT, N_OTHERS);
	/* Numbering all anew, each time that a gap of 65,536 is used up, would be hundreds. */
	assert_in_range(written, N_PUT, N_PUT * 64);
}

static void puts_at_the_ends_move_nothing(void **state)
{
	struct ordering *o = *state;
	scoped(ids_fini) struct ids ids = { 0 };
	int64_t last = 0;

	for (int i = 1; i <= 500; i++) {
		assert_int_equal(put_after(o, i, last), ROWS_OF_ONE);
		last = i;
	}
	for (int i = 501; i <= 1000; i++)
		assert_int_equal(put_after(o, i, 0), ROWS_OF_ONE);
	list_order(o, &ids);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ids.v[i], i < 500 ? 1000 - i : i - 499);
}

static void equal_ranks_are_one_order_by_id(void **state)
{
	struct ordering *o = *state;
	scoped(ids_fini) struct ids ids = { 0 };
	struct neighbours n;

	for (int i = 1; i <= 100; i++)
		put_ranked(o, i, 7);
	scoped(record_unref) struct record *middle = make_ranked(50, 7);

	assert_int_equal(order_neighbours(&o->call, middle, &n), 0);
	assert_int_equal(n.after_id, 49);
	assert_int_equal(n.before_id, 51);
	put_after(o, 1000, 50);
	assert_int_equal(order_neighbours(&o->call, middle, &n), 0);
	assert_int_equal(n.before_id, 1000);
	list_order(o, &ids);
	for (int i = 0; i < 101; i++)
		assert_int_equal(ids.v[i], i < 50 ? i + 1 : i == 50 ? 1000 : i);
}

#define order_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		order_test(many_puts_at_one_place_move_few),
		order_test(puts_at_the_ends_move_nothing),
		order_test(equal_ranks_are_one_order_by_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
