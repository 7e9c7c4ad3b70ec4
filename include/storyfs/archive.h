/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archive: V5's resources in one file, behind an interface that knows no SQL. A table a kind,
 * made from schema.def (the KEEP fields); what is in a list of ids can be found from its other end.
 *
 * Everything happens in a transaction. Readers see the archive as it was when they began and never
 * wait for a writer; writers take turns. What tx_commit answered with 0 is on disk.
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
};

/* -ENOENT, -EACCES, -EISDIR, -EBADMSG (not an archive, or of a newer storyfs), -EIO; the reason, a
 * line for a person, is appended to ret_reason. What is refused stays as it was, byte for byte. */
int archive_open(
	const char *path, enum archive_mode mode, struct archive **ret, struct buf *ret_reason);
/* No transaction may be open. Folds the write-ahead log in. */
void archive_close(struct archive *a);

/* A number that is another one after each commit, whichever process makes it; what was read when it
 * was the same is still so. */
int archive_version(struct archive *a, int64_t *ret);

enum tx_mode {
	TX_READ,
	TX_WRITE,
};

/* Blocks while another writer works (TX_WRITE); -ETIMEDOUT after 30 s, -EIO. */
int tx_begin(struct archive *a, enum tx_mode mode, struct tx **ret);
/* Ends it either way. */
int tx_commit(struct tx *tx);
/* Undoes what was done and ends it. */
void tx_abort(struct tx *tx);
/* How many rows it has written so far, of whatever sort: what work a request makes. */
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

/* Which records, in which order. Zeroed but for kind and limit -1: all of a kind by id. */
struct query {
	enum kind kind;
	struct condition where[QUERY_CONDITIONS]; /* all must hold */
	int n_where;
	int order; /* by this field, then by id; the first field is the id */
	bool descending;
	struct {
		bool given;
		int64_t value, id;
	} after;       /* only what comes after this value of the ordering field, and this id */
	int64_t limit; /* -1: no limit */
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
/* How many match, limit and offset aside. */
int tx_count(struct tx *tx, const struct query *q, int64_t *ret);
/* The largest (or smallest) value of an INT or DATETIME field among the matches; 1 when none has.
 */
int tx_extreme(struct tx *tx, const struct query *q, int field, bool largest, int64_t *ret);
/* The sum of a number field over the matches; 0 over none. */
int tx_sum(struct tx *tx, const struct query *q, int field, double *ret);

/* The first match's id and its ordering field (an INT or DATETIME; 0 for no value); 1 when there is
 * none. */
int tx_first(struct tx *tx, const struct query *q, int64_t *ret_id, int64_t *ret_value);
/* How many of the matches have which values of two fields: a record for each pair of values, which
 * holds just them, and its number at the same place of ret_n. Order, limit and offset aside. */
int tx_tally(struct tx *tx, const struct query *q, const int by[2], struct records *ret,
	struct ids *ret_n);

/* An id that no resource of this kind has or ever had. Needs TX_WRITE, as all below but the tx_get
 * and tx_find functions. */
int tx_next_id(struct tx *tx, enum kind kind, int64_t *ret);
/* Insert or replace, by id. Fields that are ABSENT or NULL are stored as no value; fields without
 * KEEP are not stored. */
int tx_put(struct tx *tx, const struct record *r);
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
/* Forget one. */
int tx_delete_unknown(struct tx *tx, int64_t project_id, const char *kind, const char *key);

SCOPED_VALUE(struct password, password_fini);
SCOPED_VALUE(struct unknown_resources, unknown_resources_fini);
SCOPED_PTR(struct archive, archive_close);
SCOPED_PTR(struct tx, tx_abort);

#endif
