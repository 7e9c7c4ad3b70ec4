/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archive: V5's resources in one place, behind an interface that knows no query language. What
 * schema.def keeps (KEEP) is stored; what is in a list of ids can be found from its other end.
 *
 * This is a contract: SQLite's is the one implementation, and a second one is right when
 * tests/unit/test_archive_{contract,writers}.c pass over it. It guarantees:
 *
 *  Whole       Everything happens in a transaction. What a TX_WRITE did is there after tx_commit
 *              answered 0, all of it and for everybody at once; else nothing of it is, whether it
 *              was aborted, failed, or its process was killed at any point.
 *  Snapshots   A TX_READ sees the archive as it was when tx_begin returned, whatever is committed
 *              meanwhile by whichever process. A TX_WRITE sees the last commit and what it did
 *              itself. Readers wait for nobody, and nobody waits for readers.
 *  One writer  From tx_begin to its end a TX_WRITE is the only one of all processes: what it reads
 *              stays true until it commits. So a number made of the largest one so far (a project's
 *              version, tx_next_id) has no gap and no twin. Writers who wait for their turn may
 *              share what makes their commits durable, but nothing else: one's end is not
 * another's. Durable     What tx_commit answered with 0 outlives the process, the system and the
 * power. An answer that is not 0 means that it is not there, nor will be. Order       tx_list,
 * tx_list_ids, tx_first and `after` go by the ordering field, then by id, both upwards, or both
 * downwards when descending. Numbers go by value, texts by their UTF-8 bytes; what has no value
 * comes before all that has (after it, descending), and is not among what comes `after` anything.
 * One orders by numbers, times and texts; by others it is the same order each time, and no more.
 *  Conditions  No value fits no comparison, OP_NE included; OP_NULL alone finds it.
 *  Values      Come back as they were put: 64-bit numbers and doubles to the bit, texts of any
 *              length and of any characters but NUL, lists in their order.
 *  Blocking    tx_begin(TX_WRITE) blocks for its turn, tx_commit of a TX_WRITE for the disk, at
 * most half a minute for another process; the rest for no longer than reading takes. Threads     An
 * archive is every thread's. A transaction is one thread's at a time, and may be handed on. Who has
 * a TX_WRITE open begins no other: it would wait for itself. Any number of TX_READ may be open
 * beside it. Nothing of an archive goes through fork(2). Failures    A negative answer is -errno,
 * logged once: -ENOSPC (there is no room), -ETIMEDOUT (another process held it too long), -EACCES
 * or -EROFS (it may not be written), -EBADMSG (it is damaged), -EIO and what the system says. What
 * is left to a TX_WRITE then is tx_abort: a commit fails, and so may anything else. The archive
 * goes on: once the cause is gone, so are the failures, without its being opened again.
 */
#ifndef STORYFS_ARCHIVE_H
#define STORYFS_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/record.h"

struct archive;
struct tx;

enum archive_mode {
	ARCHIVE_EXISTING, /* must exist and be one of ours */
	ARCHIVE_CREATE,	  /* is made when it is missing */
	ARCHIVE_FILL,	  /* the same, to be filled by one thread at once */
};

/* path says where: for SQLite's, a file. -ENOENT, -EISDIR, -EBADMSG (damaged, no archive, or of a
 * newer storyfs), else as in Failures; the reason, a line for a person with the way out, is
 * appended to ret_reason. What is refused stays as it was, byte for byte. An archive of an older
 * storyfs is brought up to this one. What ARCHIVE_FILL makes is not logged: until it is closed it
 * has no Snapshots, and who opens it meanwhile waits as a writer does. */
int archive_open(
	const char *path, enum archive_mode mode, struct archive **ret, struct buf *ret_reason);
/* No transaction may be open. */
void archive_close(struct archive *a);
/* What a failure (-errno or errno) of these functions means and what is to be done, as a clause for
 * a person, without a full stop. Static. */
const char *archive_explain(int error);

/* A number that is another one after each commit, whichever process makes it; what was read when it
 * was the same is still so. */
int archive_version(struct archive *a, int64_t *ret);

enum tx_mode {
	TX_READ,
	TX_WRITE,
};

/* See Blocking and Failures above. */
int tx_begin(struct archive *a, enum tx_mode mode, struct tx **ret);
/* Ends it, whatever it answers. */
int tx_commit(struct tx *tx);
/* Undoes what was done and ends it; cannot fail. */
void tx_abort(struct tx *tx);
/* How many things it has written so far, of whatever sort: what work a request makes. */
int64_t tx_n_writes(const struct tx *tx);

enum query_op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_NULL,
	OP_NOT_NULL,
	OP_HAS, /* an IDS field holds the id */
	OP_IN,	/* an INT field is one of ids */
};

/* A condition on one field; i for numbers, times, booleans and words' indexes, s for texts. */
struct condition {
	int field;
	enum query_op op;
	int64_t i;
	const char *s;
	const struct ids *ids;
};

enum { QUERY_CONDITIONS = 16 };

/* A place in an order. */
struct query_place {
	bool given;
	int64_t value, id;
};

/* Which records, in which order. Zeroed but for kind and limit -1: all of a kind by id. */
struct query {
	enum kind kind;
	struct condition where[QUERY_CONDITIONS]; /* all must hold */
	int n_where;
	int order; /* by this field, then by id; the first field is the id */
	bool descending;
	struct query_place after;  /* only what comes after this value of the ordering field, and
				      this id */
	struct query_place before; /* only what comes before them */
	int64_t limit;		   /* -1: no limit */
	int64_t offset;
	const int *only; /* tx_list reads these n_only fields beside the first; NULL: all */
	int n_only;
};

/* Add a condition; returns the query for the next. */
struct query *query_where(struct query *q, int field, enum query_op op, int64_t i);

/* 0, or 1 when there is none. */
int tx_get(struct tx *tx, enum kind kind, int64_t id, struct record **ret);
/* Appends to ret. */
int tx_list(struct tx *tx, const struct query *q, struct records *ret);
/* The ids alone. */
int tx_list_ids(struct tx *tx, const struct query *q, struct ids *ret);
/* How many match, limit and offset aside. Of a project's stories, all or of one state, it is known
 * without counting. */
int tx_count(struct tx *tx, const struct query *q, int64_t *ret);
/* The largest (or smallest) value of an INT or DATETIME field among the matches; 1 when none has.
 */
int tx_extreme(struct tx *tx, const struct query *q, int field, bool largest, int64_t *ret);
/* The sum of a number field over the matches; 0 over none. */
int tx_sum(struct tx *tx, const struct query *q, int field, double *ret);

/* The first match's id and its ordering field (an INT or DATETIME; 0 for no value); 1 when there is
 * none. */
int tx_first(struct tx *tx, const struct query *q, int64_t *ret_id, int64_t *ret_value);
/* How many of the stories with a label have which state and estimate: a record for each pair of
 * them, which holds just these, and its number at the same place of ret_n. An estimate that is
 * missing counts as 0. Costs the same however many stories there are. */
int tx_tally_label(struct tx *tx, int64_t label_id, struct records *ret, struct ids *ret_n);

/* An id that no resource of this kind has or ever had, nor was given in this transaction. Needs
 * TX_WRITE, as all below but the tx_get and tx_find functions. */
int tx_next_id(struct tx *tx, enum kind kind, int64_t *ret);
/* No resource of this kind gets this id, nor one before it, from tx_next_id: it is another kind's.
 */
int tx_take_id(struct tx *tx, enum kind kind, int64_t id);
/* Insert or replace, by id. Fields that are ABSENT or NULL are stored as no value; fields without
 * KEEP are not stored. */
int tx_put(struct tx *tx, const struct record *r);
/* The same for one whose id nothing of its kind has: that tx_put looks is not due. -EIO when
 * something has it. */
int tx_add(struct tx *tx, const struct record *r);
/* Between the two much is put: what finds and counts records by anything but their ids is made
 * once, at the end, so that to look or count in between takes a walk over all, and tx_tally_label
 * and tx_count fail. */
int tx_begin_bulk(struct tx *tx);
int tx_end_bulk(struct tx *tx);
/* Of a record that is there, one INT, BOOL or DATETIME field alone: what tx_put costs is not due.
 */
int tx_put_int(struct tx *tx, const struct record *r, int field);
/* 0, or 1 when there was none. */
int tx_delete(struct tx *tx, enum kind kind, int64_t id);

/* Facts about the archive itself, by name; 1 when there is none. */
int tx_get_meta(struct tx *tx, const char *name, struct buf *ret);
int tx_put_meta(struct tx *tx, const char *name, const char *value);

/* A token: only its SHA-256 in hex is ever stored. */
struct token {
	const char *sha256;
	int64_t person_id;
	int64_t created_ms; /* 0: unknown */
	const char *label;  /* what it was made for, or NULL */
};

int tx_put_token(struct tx *tx, const struct token *token);
/* 1 when there is no such token. */
int tx_find_token(struct tx *tx, const char *sha256, int64_t *ret_person_id);
/* A person's tokens, oldest first; what each is given is borrowed for the call. */
int tx_each_token(struct tx *tx, int64_t person_id,
	void (*each)(void *data, const struct token *token), void *data);
/* One of a person's tokens, or with NULL all of them. */
int tx_delete_token(struct tx *tx, int64_t person_id, const char *sha256);

/* A person's password: libcrypt's hash of it, and libcrypt's setting for the token that comes with
 * logging in by it; that token's SHA-256 once it was made, else "". Zeroed is none. */
struct password {
	struct buf hash, token_setting, token_sha256;
};

void password_fini(struct password *password);
/* Replaces the one before. */
int tx_put_password(struct tx *tx, int64_t person_id, const struct password *password);
/* 1 when the person has none. */
int tx_get_password(struct tx *tx, int64_t person_id, struct password *ret);
int tx_delete_password(struct tx *tx, int64_t person_id);

/*
 * The bytes of a file, by the id of its file_attachment. They are kept in pieces, so that neither
 * side needs them in one. tx_put_bytes appends: a file may come in several calls.
 */
int tx_put_bytes(struct tx *tx, int64_t id, const void *data, size_t len);
/* How many there are; 1 when none were ever put (a file of no bytes has been put). */
int tx_count_bytes(struct tx *tx, int64_t id, int64_t *ret);
/* Append len of them from this one on, or as many as there are. */
int tx_get_bytes(struct tx *tx, int64_t id, int64_t from, size_t len, struct buf *ret);
/* 0, also when there were none. */
int tx_delete_bytes(struct tx *tx, int64_t id);

/* Resources of kinds that the schema does not have, kept as their JSON under project, kind and a
 * key (id, number, guid or a digest). Putting the same again changes nothing. */
int tx_put_unknown(
	struct tx *tx, int64_t project_id, const char *kind, const char *key, const char *json);

/* One of those. */
struct unknown_resource {
	int64_t project_id;
	char *key, *json;
};

struct unknown_resources {
	size_t n;
	struct unknown_resource *items;
};

void unknown_resources_fini(struct unknown_resources *list);
/* All of a kind; appends to ret. */
int tx_list_unknown(struct tx *tx, const char *kind, struct unknown_resources *ret);
/* The kinds of which there are some, by name; what each is given is borrowed for the call. */
int tx_each_unknown_kind(struct tx *tx, void (*each)(void *data, const char *kind), void *data);
/* Forget one. */
int tx_delete_unknown(struct tx *tx, int64_t project_id, const char *kind, const char *key);

SCOPED_VALUE(struct password, password_fini);
SCOPED_VALUE(struct unknown_resources, unknown_resources_fini);
SCOPED_PTR(struct archive, archive_close);
SCOPED_PTR(struct tx, tx_abort);

#endif
