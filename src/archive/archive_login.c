/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one logs in with. Neither a token nor a password can be had from what is stored. */
#include "archive_db.h"

/* ---- tokens ---- */

int tx_put_token(struct tx *tx, const struct token *token)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"INSERT OR REPLACE INTO token(sha256, person_id, created_ms, label)"
		" VALUES(?, ?, ?, ?)",
		&stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, token->sha256);
	sqlite3_bind_int64(stmt, 2, token->person_id);
	sqlite3_bind_int64(stmt, 3, token->created_ms);
	if (token->label)
		db_bind_text(stmt, 4, token->label);
	return db_finish(tx->conn, stmt);
}

int tx_find_token(struct tx *tx, const char *sha256, int64_t *ret_person_id)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "SELECT person_id FROM token WHERE sha256 = ?", &stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, sha256);
	r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	*ret_person_id = sqlite3_column_int64(stmt, 0);
	return 0;
}

int tx_each_token(struct tx *tx, int64_t person_id,
	void (*each)(void *data, const struct token *token), void *data)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"SELECT sha256, ifnull(created_ms, 0), label FROM token WHERE person_id = ?"
		" ORDER BY created_ms, sha256",
		&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, person_id);
	while ((r = db_step(tx->conn, stmt)) > 0)
		each(data, &(struct token){
				   .sha256 = (const char *)sqlite3_column_text(stmt, 0),
				   .person_id = person_id,
				   .created_ms = sqlite3_column_int64(stmt, 1),
				   .label = (const char *)sqlite3_column_text(stmt, 2),
			   });
	return r;
}

int tx_delete_token(struct tx *tx, int64_t person_id, const char *sha256)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"DELETE FROM token WHERE person_id = ? AND sha256 = ifnull(?, sha256)", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, person_id);
	if (sha256)
		db_bind_text(stmt, 2, sha256);
	return db_finish(tx->conn, stmt);
}

/* ---- passwords ---- */

int tx_put_password(struct tx *tx, int64_t person_id, const struct password *password)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"INSERT OR REPLACE INTO password(person_id, hash, token_setting, token_sha256)"
		" VALUES(?, ?, ?, ?)",
		&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, person_id);
	db_bind_text(stmt, 2, buf_str(&password->hash));
	db_bind_text(stmt, 3, buf_str(&password->token_setting));
	db_bind_text(stmt, 4, buf_str(&password->token_sha256));
	return db_finish(tx->conn, stmt);
}

int tx_get_password(struct tx *tx, int64_t person_id, struct password *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"SELECT hash, token_setting, token_sha256 FROM password WHERE person_id = ?",
		&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, person_id);
	r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	buf_add_str(&ret->hash, (const char *)sqlite3_column_text(stmt, 0));
	buf_add_str(&ret->token_setting, (const char *)sqlite3_column_text(stmt, 1));
	buf_add_str(&ret->token_sha256, (const char *)sqlite3_column_text(stmt, 2));
	return 0;
}

int tx_delete_password(struct tx *tx, int64_t person_id)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "DELETE FROM password WHERE person_id = ?", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, person_id);
	return db_finish(tx->conn, stmt);
}

void password_fini(struct password *password)
{
	buf_fini(&password->hash);
	buf_fini(&password->token_setting);
	buf_fini(&password->token_sha256);
}
