/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records into rows. A row that is there is updated, its indexed columns by a statement of their
 * own that does nothing when they are as before: an index stands still unless its fields move. Of
 * the refs, too, only what changed is written.
 */
#include <errno.h>
#include <string.h>

#include "archive_db.h"
#include "storyfs/alloc.h"

/* ---- the statements ---- */

/* Is the field a column that ROW_UPDATE (or ROW_UPDATE_KEYS) sets? */
static bool is_set_by(enum kind kind, int f, enum row_sql what)
{
	return f > 0 && archive_is_column(schema_field(kind, f)) &&
	       archive_is_indexed(kind, f) == (what == ROW_UPDATE_KEYS);
}

static void add_insert(struct archive *a, enum kind kind, struct buf *sql)
{
	buf_add_fmt(sql, "INSERT INTO \"%s\"(%s) VALUES(", schema_resource(kind)->name,
		a->columns[kind].names);
	for (int i = 0; i < a->columns[kind].n; i++)
		buf_add_str(sql, "?,");
	buf_add_str(sql, "?)");
}

/* ?1 is the id, ?2 the extra, the fields follow. */
static void add_update(enum kind kind, enum row_sql what, struct buf *sql)
{
	const struct resource *res = schema_resource(kind);
	scoped(buf_fini) struct buf differs = BUF_INIT;
	int at = 2;

	buf_add_fmt(sql, "UPDATE \"%s\" SET ", res->name);
	if (what == ROW_UPDATE)
		buf_add_str(sql, "\"_extra\" = ?2");
	each_field(f, kind) {
		if (!is_set_by(kind, f, what))
			continue;
		bool first = what == ROW_UPDATE_KEYS && at == 2;
		const char *key = res->fields[f].key;

		buf_add_fmt(sql, "%s\"%s\" = ?%d", first ? "" : ", ", key, ++at);
		buf_add_fmt(&differs, "%s\"%s\" IS NOT ?%d", first ? "" : " OR ", key, at);
	}
	buf_add_fmt(sql, " WHERE \"%s\" = ?1", res->fields[0].key);
	if (what == ROW_UPDATE_KEYS)
		buf_add_fmt(sql, " AND (%s)", buf_str(&differs));
	if (what == ROW_UPDATE_KEYS && at == 2)
		buf_reset(sql); /* it has none */
}

static void add_row_sql(struct archive *a, enum kind kind, enum row_sql what, struct buf *sql)
{
	const struct resource *res = schema_resource(kind);

	switch (what) {
	case ROW_GET:
		buf_add_fmt(sql, "SELECT %s FROM \"%s\" WHERE \"%s\" = ?", a->columns[kind].names,
			res->name, res->fields[0].key);
		return;
	case ROW_INSERT:
		add_insert(a, kind, sql);
		return;
	case ROW_UPDATE:
	case ROW_UPDATE_KEYS:
		add_update(kind, what, sql);
		return;
	case ROW_DELETE:
		buf_add_fmt(
			sql, "DELETE FROM \"%s\" WHERE \"%s\" = ?", res->name, res->fields[0].key);
		return;
	case N_ROW_SQL:
		return;
	}
}

void archive_make_rows(struct archive *a)
{
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		for (int i = 0; archive_is_kept((enum kind)kind) && i < N_ROW_SQL; i++) {
			struct buf sql = BUF_INIT;

			add_row_sql(a, (enum kind)kind, (enum row_sql)i, &sql);
			a->row_sql[kind][i] = buf_take(&sql);
		}
	}
}

void archive_free_rows(struct archive *a)
{
	for (int kind = 0; kind < N_KINDS; kind++) {
		for (int i = 0; i < N_ROW_SQL; i++)
			free(a->row_sql[kind][i]);
	}
}

/* ---- a value in a column ---- */

static void bind_id_list(sqlite3_stmt *stmt, int at, const struct value *v)
{
	struct buf text = BUF_INIT;

	buf_add_char(&text, '[');
	for (size_t i = 0; i < v->n; i++)
		buf_add_fmt(&text, "%s%lld", i ? "," : "", (long long)v->ids[i]);
	buf_add_char(&text, ']');
	sqlite3_bind_text(stmt, at, text.data, (int)text.len, free);
}

static void bind_value(sqlite3_stmt *stmt, int at, const struct field *field, const struct value *v)
{
	if (v->state != VALUE_SET)
		return;
	switch (field->type) {
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
		sqlite3_bind_int64(stmt, at, v->i);
		return;
	case TYPE_FLOAT:
		sqlite3_bind_double(stmt, at, v->f);
		return;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		db_bind_borrowed(stmt, at, v->s);
		return;
	case TYPE_ENUM:
		db_bind_borrowed(stmt, at, field->choices->words[v->i]);
		return;
	case TYPE_IDS:
		bind_id_list(stmt, at, v);
		return;
	case TYPE_OBJECT:
		db_bind_borrowed(
			stmt, at, record_text(v->record, schema_resource(field->of)->label));
		return;
	case TYPE_OBJECTS:
		return;
	}
}

/* ---- ids ---- */

/* What is there tells its id itself, so the sequence is written for what is not, or no more. */
int tx_take_id(struct tx *tx, enum kind kind, int64_t id)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"INSERT INTO sequence(kind, last) VALUES(?1, ?2)"
		" ON CONFLICT(kind) DO UPDATE SET last = max(last, ?2)",
		&stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, schema_resource(kind)->name);
	sqlite3_bind_int64(stmt, 2, id);
	return db_finish(tx->conn, stmt);
}

static int last_id(struct tx *tx, enum kind kind, int64_t *ret)
{
	const char *name = schema_resource(kind)->name;
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_fmt(&sql,
		"SELECT max(ifnull((SELECT last FROM sequence WHERE kind = '%s'), 0),"
		" ifnull((SELECT max(id) FROM \"%s\"), 0))",
		name, name);
	int r = db_number(tx->conn, sql.data, ret);

	return r > 0 ? -EIO : r;
}

int tx_next_id(struct tx *tx, enum kind kind, int64_t *ret)
{
	int64_t *given = &tx->given[kind], last = 0;
	int r = last_id(tx, kind, &last);

	if (r < 0)
		return r;
	*given = (*given > last ? *given : last) + 1;
	*ret = *given;
	return 0;
}

/* ---- refs ---- */

/* What is written in the refs of a record: at one place in both, a field and an id. */
struct refs {
	struct ids fields, targets;
};

static void refs_fini(struct refs *refs)
{
	ids_fini(&refs->fields);
	ids_fini(&refs->targets);
}

SCOPED_VALUE(struct refs, refs_fini);

static bool has_refs(enum kind kind, int f)
{
	const struct field *field = schema_field(kind, f);

	return field->type == TYPE_IDS && archive_is_column(field);
}

static int list_refs(struct tx *tx, enum kind kind, int64_t id, struct refs *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(
		tx->conn, "SELECT field, target FROM refs WHERE kind = ? AND id = ?", &stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, schema_resource(kind)->name);
	sqlite3_bind_int64(stmt, 2, id);
	while ((r = db_step(tx->conn, stmt)) > 0) {
		ids_add(&ret->fields,
			schema_find_field(kind, (const char *)sqlite3_column_text(stmt, 0)));
		ids_add(&ret->targets, sqlite3_column_int64(stmt, 1));
	}
	return r;
}

static int drop_ref(struct tx *tx, const struct record *r, int f, int64_t target)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int e = db_prepare(tx->conn,
		"DELETE FROM refs WHERE kind = ? AND field = ? AND target = ? AND id = ?", &stmt);

	if (e < 0)
		return e;
	db_bind_borrowed(stmt, 1, schema_resource(record_kind(r))->name);
	db_bind_borrowed(stmt, 2, schema_field(record_kind(r), f)->key);
	sqlite3_bind_int64(stmt, 3, target);
	sqlite3_bind_int64(stmt, 4, record_id(r));
	return db_finish(tx->conn, stmt);
}

static bool holds(const struct refs *refs, int f, int64_t target)
{
	for (size_t i = 0; i < refs->fields.n; i++) {
		if (refs->fields.v[i] == f && refs->targets.v[i] == target)
			return true;
	}
	return false;
}

/* Fields that the table no longer has are left alone. */
static int drop_refs(struct tx *tx, const struct record *r, const struct refs *present)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < present->fields.n; i++) {
		int f = (int)present->fields.v[i];

		if (f < 0)
			continue;
		if (!value_has_id(record_get(r, f), present->targets.v[i]))
			e = drop_ref(tx, r, f, present->targets.v[i]);
	}
	return e;
}

/* Of a new one in a bulk they wait. */
static int add_refs(
	struct tx *tx, const struct record *r, int f, bool is_new, const struct refs *present)
{
	const struct value *v = record_get(r, f);
	int e = 0;

	for (size_t i = 0; e == 0 && i < v->n; i++) {
		const struct ref ref = { (uint16_t)record_kind(r), (uint16_t)f, v->ids[i],
			record_id(r) };

		if (tx->bulk && is_new)
			archive_add_ref(tx->bulk, ref);
		else if (!holds(present, f, ref.target))
			e = archive_write_refs(tx, &ref, 1);
	}
	return e;
}

static int put_refs(struct tx *tx, const struct record *r, bool is_new)
{
	enum kind kind = record_kind(r);
	scoped(refs_fini) struct refs present = { 0 };
	int e = 0;

	if (!tx->archive->columns[kind].has_refs)
		return 0;
	if (!is_new)
		e = archive_flush_refs(tx);
	if (e == 0 && !is_new)
		e = list_refs(tx, kind, record_id(r), &present);
	if (e == 0)
		e = drop_refs(tx, r, &present);
	for (int f = 0; e == 0 && f < schema_resource(kind)->n_fields; f++) {
		if (has_refs(kind, f))
			e = add_refs(tx, r, f, is_new, &present);
	}
	return e;
}

static int delete_refs(struct tx *tx, enum kind kind, int64_t id)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "DELETE FROM refs WHERE kind = ? AND id = ?", &stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, schema_resource(kind)->name);
	sqlite3_bind_int64(stmt, 2, id);
	return db_finish(tx->conn, stmt);
}

/* ---- rows ---- */

static int insert_row(struct tx *tx, const struct record *r)
{
	const struct resource *res = schema_resource(record_kind(r));
	const struct columns *columns = &tx->archive->columns[record_kind(r)];
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int e = db_prepare_row(tx, record_kind(r), ROW_INSERT, &stmt);

	if (e < 0)
		return e;
	for (int i = 0; i < columns->n; i++) {
		int f = columns->fields[i];

		bind_value(stmt, i + 1, &res->fields[f], record_get(r, f));
	}
	if (record_extra(r))
		db_bind_borrowed(stmt, columns->n + 1, record_extra(r));
	return db_finish(tx->conn, stmt);
}

/* 1 when there is no such row (of ROW_UPDATE_KEYS: or nothing differs). */
static int update_row(struct tx *tx, const struct record *r, enum row_sql what)
{
	enum kind kind = record_kind(r);
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int e = db_prepare_row(tx, kind, what, &stmt), at = 2;

	if (e < 0)
		return e;
	bind_value(stmt, 1, schema_field(kind, 0), record_get(r, 0));
	if (what == ROW_UPDATE && record_extra(r))
		db_bind_borrowed(stmt, 2, record_extra(r));
	each_field(f, kind) {
		if (is_set_by(kind, f, what))
			bind_value(stmt, ++at, schema_field(kind, f), record_get(r, f));
	}
	e = db_finish(tx->conn, stmt);
	return e < 0 ? e : sqlite3_changes(tx->conn->db) == 0;
}

int tx_put(struct tx *tx, const struct record *r)
{
	bool has_keys = tx->archive->row_sql[record_kind(r)][ROW_UPDATE_KEYS][0] != '\0';
	int e = update_row(tx, r, ROW_UPDATE);
	bool is_new = e > 0;

	if (is_new)
		e = insert_row(tx, r);
	else if (e == 0 && has_keys)
		e = update_row(tx, r, ROW_UPDATE_KEYS);
	return e < 0 ? e : put_refs(tx, r, is_new);
}

int tx_add(struct tx *tx, const struct record *r)
{
	int e = insert_row(tx, r);

	return e < 0 ? e : put_refs(tx, r, true);
}

int tx_put_int(struct tx *tx, const struct record *r, int field)
{
	const struct resource *res = schema_resource(record_kind(r));
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_fmt(&sql, "UPDATE \"%s\" SET \"%s\" = ? WHERE \"%s\" = ?", res->name,
		res->fields[field].key, res->fields[0].key);
	int e = db_prepare(tx->conn, sql.data, &stmt);

	if (e < 0)
		return e;
	bind_value(stmt, 1, &res->fields[field], record_get(r, field));
	sqlite3_bind_int64(stmt, 2, record_id(r));
	return db_finish(tx->conn, stmt);
}

static int delete_row(struct tx *tx, enum kind kind, int64_t id)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare_row(tx, kind, ROW_DELETE, &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, id);
	r = db_finish(tx->conn, stmt);
	return r < 0 ? r : sqlite3_changes(tx->conn->db) == 0;
}

int tx_delete(struct tx *tx, enum kind kind, int64_t id)
{
	int r = delete_row(tx, kind, id);

	if (r == 0)
		r = archive_flush_refs(tx);
	if (r == 0)
		r = delete_refs(tx, kind, id);
	if (r == 0)
		r = tx_take_id(tx, kind, id);
	return r;
}
