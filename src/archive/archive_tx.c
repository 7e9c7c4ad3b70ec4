/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions. The writer's turn is handed on within this process, and is SQLite's lock between
 * processes.
 *
 * Writers who wait for their turn share one commit, for it is the disk that takes the time: who is
 * done while others wait leaves the transaction of SQLite open to the next, whose own work is a
 * savepoint in it, and sleeps until the last of them has committed for all. So whoever has the turn
 * and an open batch either hands both to somebody who waits, or commits; tx_commit returns when the
 * writes are on disk, and to all of a batch alike.
 */
#include <assert.h>
#include <errno.h>

#include "archive_db.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum { WRITER_WAIT_MS = 30000, MAX_BATCH = 32 };

struct batch {
	struct connection *conn;
	int n_sleeping; /* done, and waiting for the commit */
	int n_holding;	/* who still looks at this, sleepers and the one that has the turn */
	bool ended;
	int result; /* of the commit */
	pthread_cond_t end;
};

void archive_init_turn(struct archive *a)
{
	pthread_mutex_init(&a->turn_lock, NULL);
	thread_init_cond(&a->turn_free);
}

void archive_fini_turn(struct archive *a)
{
	pthread_mutex_destroy(&a->turn_lock);
	pthread_cond_destroy(&a->turn_free);
}

/* ---- the turn ---- */

static int take_turn(struct archive *a)
{
	struct timespec until = clock_timespec(clock_deadline(WRITER_WAIT_MS));
	int r = 0;

	lock_scope(&a->turn_lock);
	a->n_waiting++;
	while (a->writing && r == 0)
		r = pthread_cond_timedwait(&a->turn_free, &a->turn_lock, &until);
	a->n_waiting--;
	if (a->writing)
		return -ETIMEDOUT;
	a->writing = true;
	return 0;
}

/* With turn_lock held. */
static void hand_on(struct archive *a)
{
	a->writing = false;
	pthread_cond_signal(&a->turn_free);
}

/* With turn_lock held. */
static void drop_batch(struct batch *b)
{
	if (--b->n_holding)
		return;
	pthread_cond_destroy(&b->end);
	free(b);
}

/* ---- writing ---- */

static int open_batch(struct archive *a)
{
	struct connection *c;
	int r = archive_take_connection(a, &c);

	if (r < 0)
		return r;
	r = db_do(c, "BEGIN IMMEDIATE");
	if (r < 0) {
		archive_give_connection(a, c);
		return r;
	}
	c->is_writing = true;
	a->batch = xcalloc(1, sizeof(*a->batch));
	a->batch->conn = c;
	a->batch->n_holding = 1;
	pthread_cond_init(&a->batch->end, NULL);
	return 0;
}

/* Nothing of it is written from here on: tell all who sleep, and hand the turn on. */
static void end_batch(struct archive *a, int result)
{
	struct batch *b = a->batch;

	b->conn->is_writing = false;
	archive_give_connection(a, b->conn);
	lock_scope(&a->turn_lock);
	b->ended = true;
	b->result = result;
	pthread_cond_broadcast(&b->end);
	a->batch = NULL;
	drop_batch(b);
	hand_on(a);
}

static int commit_batch(struct archive *a)
{
	struct batch *b = a->batch;
	int r = db_is_lost(b->conn) ? b->conn->failure : db_do(b->conn, "COMMIT");

	if (r < 0 && !db_is_lost(b->conn))
		db_do(b->conn, "ROLLBACK");
	end_batch(a, r);
	return r;
}

/* Leave the batch to somebody who waits for the turn, and sleep until it is on disk; 1 when nobody
 * waits, or it is full. */
static int sleep_in_batch(struct archive *a)
{
	struct batch *b = a->batch;

	lock_scope(&a->turn_lock);
	if (!a->n_waiting || b->n_sleeping >= MAX_BATCH)
		return 1;
	b->n_sleeping++;
	b->n_holding++;
	hand_on(a);
	while (!b->ended)
		pthread_cond_wait(&b->end, &a->turn_lock);
	int r = b->result;

	drop_batch(b);
	return r;
}

/* The turn's end of one that wrote nothing: the others' writes are somebody's to commit. */
static void leave_batch(struct archive *a)
{
	struct batch *b = a->batch;
	bool handed = false;

	if (!b->n_sleeping) {
		if (!db_is_lost(b->conn))
			db_do(b->conn, "ROLLBACK");
		end_batch(a, 0);
		return;
	}
	if (!db_is_lost(b->conn)) {
		lock_scope(&a->turn_lock);
		handed = a->n_waiting > 0;
		if (handed)
			hand_on(a);
	}
	if (!handed)
		commit_batch(a);
}

/* ---- transactions ---- */

static int begin_writing(struct archive *a, struct tx *tx)
{
	int r = take_turn(a);

	if (r < 0)
		return r;
	if (!a->batch) {
		r = open_batch(a);
		if (r < 0) {
			lock_scope(&a->turn_lock);
			hand_on(a);
			return r;
		}
	}
	tx->conn = a->batch->conn;
	r = db_do(tx->conn, "SAVEPOINT mine");
	if (r < 0)
		leave_batch(a);
	return r;
}

static void end_reading(struct tx *tx)
{
	if (!sqlite3_get_autocommit(tx->conn->db))
		db_do(tx->conn, "COMMIT");
	archive_give_connection(tx->archive, tx->conn);
}

/* A snapshot begins with the first read, so there must be one. */
static int begin_reading(struct archive *a, struct tx *tx)
{
	int64_t n;
	int r = archive_take_connection(a, &tx->conn);

	if (r < 0)
		return r;
	r = db_do(tx->conn, "BEGIN");
	if (r == 0)
		r = db_number(tx->conn, "SELECT count(*) FROM meta WHERE name = ''", &n);
	if (r < 0)
		end_reading(tx);
	return r;
}

int tx_begin(struct archive *a, enum tx_mode mode, struct tx **ret)
{
	struct tx tx = { .archive = a, .mode = mode };
	int r = mode == TX_WRITE ? begin_writing(a, &tx) : begin_reading(a, &tx);

	if (r < 0)
		return r;
	tx.n_before = sqlite3_total_changes64(tx.conn->db);
	*ret = xcalloc(1, sizeof(tx));
	**ret = tx;
	return 0;
}

static void undo(struct tx *tx)
{
	if (!db_is_lost(tx->conn)) {
		db_do(tx->conn, "ROLLBACK TO mine");
		db_do(tx->conn, "RELEASE mine");
	}
	leave_batch(tx->archive);
}

static int commit_writing(struct tx *tx)
{
	struct archive *a = tx->archive;
	int r = db_do(tx->conn, "RELEASE mine");

	if (r < 0) {
		undo(tx);
		return r;
	}
	r = sleep_in_batch(a);
	return r > 0 ? commit_batch(a) : r;
}

int tx_commit(struct tx *tx)
{
	int r = 0;

	archive_leave_bulk(tx);
	if (tx->mode == TX_WRITE)
		r = commit_writing(tx);
	else
		end_reading(tx);
	free(tx);
	return r;
}

void tx_abort(struct tx *tx)
{
	archive_leave_bulk(tx);
	if (tx->mode == TX_WRITE)
		undo(tx);
	else
		end_reading(tx);
	free(tx);
}

int64_t tx_n_writes(const struct tx *tx)
{
	return sqlite3_total_changes64(tx->conn->db) - tx->n_before;
}
