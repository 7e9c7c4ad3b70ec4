/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records from rows: by id and by condition. */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "archive_db.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"

enum { SHORT_LIST = 8 };

/* ---- a value in a column ---- */

/* `[1,2]`, as bind_ids wrote it. */
static void read_ids(struct record *r, int f, const char *text)
{
	struct ids ids = { 0 };

	while (*text == '[' || *text == ',') {
		char *end;
		int64_t id = strtoll(text + 1, &end, 10);

		if (end == text + 1)
			break;
		ids_add(&ids, id);
		text = end;
	}
	record_set(r, f, value_of_ids(ids));
}

static void read_word(struct record *r, int f, const char *text)
{
	int word = choices_find(schema_field(record_kind(r), f)->choices, text, false);

	if (word >= 0)
		record_set_int(r, f, word);
}

static void read_object(struct record *r, int f, const char *text)
{
	enum kind of = schema_field(record_kind(r), f)->of;
	scoped(record_unref) struct record *nested = record_new(of);

	record_set_text(nested, schema_resource(of)->label, text);
	record_set_object(r, f, nested);
}

static void read_value(struct record *r, int f, sqlite3_stmt *stmt, int at)
{
	const char *text = NULL;

	if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
		return;
	switch (schema_field(record_kind(r), f)->type) {
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
		record_set_int(r, f, sqlite3_column_int64(stmt, at));
		return;
	case TYPE_FLOAT:
		record_set_float(r, f, sqlite3_column_double(stmt, at));
		return;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		record_set_text(r, f, (const char *)sqlite3_column_text(stmt, at));
		return;
	case TYPE_ENUM:
		text = (const char *)sqlite3_column_text(stmt, at);
		read_word(r, f, text);
		return;
	case TYPE_IDS:
		text = (const char *)sqlite3_column_text(stmt, at);
		read_ids(r, f, text);
		return;
	case TYPE_OBJECT:
		text = (const char *)sqlite3_column_text(stmt, at);
		read_object(r, f, text);
		return;
	case TYPE_OBJECTS:
		return;
	}
}

/* The columns of archive.columns, in that order. */
static struct record *read_row(const struct tx *tx, enum kind kind, sqlite3_stmt *stmt)
{
	const struct columns *columns = &tx->archive->columns[kind];
	struct record *r = record_new(kind);

	for (int i = 0; i < columns->n; i++)
		read_value(r, columns->fields[i], stmt, i);
	if (sqlite3_column_type(stmt, columns->n) != SQLITE_NULL)
		record_set_extra(r, xstrdup((const char *)sqlite3_column_text(stmt, columns->n)));
	return r;
}

/* ---- conditions ---- */

struct query *query_where(struct query *q, int field, enum query_op op, int64_t i)
{
	assert(q->n_where < QUERY_CONDITIONS);
	q->where[q->n_where++] = (struct condition){ .field = field, .op = op, .i = i };
	return q;
}

static const char *const operators[] = {
	[OP_EQ] = " = ?",
	[OP_NE] = " <> ?",
	[OP_LT] = " < ?",
	[OP_LE] = " <= ?",
	[OP_GT] = " > ?",
	[OP_GE] = " >= ?",
	[OP_NULL] = " IS NULL",
	[OP_NOT_NULL] = " IS NOT NULL",
	[OP_IN] = " IN (SELECT value FROM json_each(?))",
};

/* Texts are made anew for each query, so not by buf_add_fmt, which takes longer than the rest. */
static void add_name(const char *name, struct buf *sql)
{
	buf_add_char(sql, '"');
	buf_add_str(sql, name);
	buf_add_char(sql, '"');
}

/* Few ids, each a parameter of its own, spare SQLite the parsing. */
static bool is_short(const struct condition *c)
{
	return c->op == OP_IN && c->ids && c->ids->n && c->ids->n <= SHORT_LIST;
}

static void add_short_list(size_t n, struct buf *sql)
{
	buf_add_str(sql, " IN (?");
	for (size_t i = 1; i < n; i++)
		buf_add_str(sql, ",?");
	buf_add_char(sql, ')');
}

static void add_has(const struct resource *res, const char *key, struct buf *sql)
{
	add_name(res->fields[0].key, sql);
	buf_add_str(sql, " IN (SELECT id FROM refs WHERE kind = '");
	buf_add_str(sql, res->name);
	buf_add_str(sql, "' AND field = '");
	buf_add_str(sql, key);
	buf_add_str(sql, "' AND target = ?)");
}

static void add_where(const struct query *q, struct buf *sql)
{
	const struct resource *res = schema_resource(q->kind);

	for (int i = 0; i < q->n_where; i++) {
		const struct condition *c = &q->where[i];
		const char *key = res->fields[c->field].key;

		buf_add_str(sql, i ? " AND " : " WHERE ");
		if (c->op == OP_HAS) {
			add_has(res, key, sql);
			continue;
		}
		add_name(key, sql);
		if (is_short(c))
			add_short_list(c->ids->n, sql);
		else
			buf_add_str(sql, operators[c->op]);
	}
}

/* Of the order's fields, so that an index on the first finds where to begin. */
static void add_place(const struct query *q, bool is_first, bool upwards, struct buf *sql)
{
	const struct resource *res = schema_resource(q->kind);

	buf_add_str(sql, is_first ? " WHERE (" : " AND (");
	add_name(res->fields[q->order].key, sql);
	buf_add_char(sql, ',');
	add_name(res->fields[0].key, sql);
	buf_add_str(sql, upwards ? ") > (?, ?)" : ") < (?, ?)");
}

static void add_places(const struct query *q, struct buf *sql)
{
	if (q->after.given)
		add_place(q, !q->n_where, !q->descending, sql);
	if (q->before.given)
		add_place(q, !q->n_where && !q->after.given, q->descending, sql);
}

static void bind_ids(sqlite3_stmt *stmt, int at, const struct ids *ids)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_char(&text, '[');
	for (size_t i = 0; ids && i < ids->n; i++)
		buf_add_fmt(&text, "%s%lld", i ? "," : "", (long long)ids->v[i]);
	buf_add_char(&text, ']');
	db_bind_text(stmt, at, text.data);
}

/* Returns the next free place. */
static int bind_condition(sqlite3_stmt *stmt, int at, enum kind kind, const struct condition *c)
{
	const struct field *field = schema_field(kind, c->field);

	if (c->op == OP_NULL || c->op == OP_NOT_NULL)
		return at;
	if (is_short(c)) {
		for (size_t i = 0; i < c->ids->n; i++)
			sqlite3_bind_int64(stmt, at++, c->ids->v[i]);
		return at;
	}
	if (c->op == OP_IN)
		bind_ids(stmt, at, c->ids);
	else if (c->s)
		db_bind_text(stmt, at, c->s);
	else if (field->type == TYPE_ENUM)
		sqlite3_bind_text(stmt, at, field->choices->words[c->i], -1, SQLITE_STATIC);
	else
		sqlite3_bind_int64(stmt, at, c->i);
	return at + 1;
}

static int bind_place(sqlite3_stmt *stmt, int at, const struct query_place *place)
{
	if (!place->given)
		return at;
	sqlite3_bind_int64(stmt, at, place->value);
	sqlite3_bind_int64(stmt, at + 1, place->id);
	return at + 2;
}

/* Binds what add_where and add_places left open; returns the next free place. */
static int bind_where(sqlite3_stmt *stmt, const struct query *q)
{
	int at = 1;

	for (int i = 0; i < q->n_where; i++)
		at = bind_condition(stmt, at, q->kind, &q->where[i]);
	at = bind_place(stmt, at, &q->after);
	return bind_place(stmt, at, &q->before);
}

/* In a bulk they wait to be written until its end, or until somebody asks. */
static int flush_what_is_asked(struct tx *tx, const struct query *q)
{
	for (int i = 0; i < q->n_where; i++) {
		if (q->where[i].op == OP_HAS)
			return archive_flush_refs(tx);
	}
	return 0;
}

static void add_order(const struct query *q, struct buf *sql)
{
	const struct resource *res = schema_resource(q->kind);

	buf_add_str(sql, " ORDER BY ");
	add_name(res->fields[q->order].key, sql);
	buf_add_str(sql, q->descending ? " DESC, " : ", ");
	add_name(res->fields[0].key, sql);
	buf_add_str(sql, q->descending ? " DESC LIMIT ? OFFSET ?" : " LIMIT ? OFFSET ?");
}

/* `SELECT what FROM kind WHERE ...`, bound but for what follows. */
static int prepare_select(
	struct tx *tx, const struct query *q, const char *what, bool sorted, sqlite3_stmt **ret)
{
	const struct resource *res = schema_resource(q->kind);
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_str(&sql, "SELECT ");
	buf_add_str(&sql, what);
	buf_add_str(&sql, " FROM ");
	add_name(res->name, &sql);
	add_where(q, &sql);
	add_places(q, &sql);
	if (sorted)
		add_order(q, &sql);
	int r = flush_what_is_asked(tx, q);

	if (r == 0)
		r = db_prepare(tx->conn, sql.data, ret);
	if (r < 0)
		return r;
	int at = bind_where(*ret, q);

	if (sorted) {
		sqlite3_bind_int64(*ret, at, q->limit);
		sqlite3_bind_int64(*ret, at + 1, q->offset);
	}
	return 0;
}

/* ---- reading ---- */

int tx_get(struct tx *tx, enum kind kind, int64_t id, struct record **ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare_row(tx, kind, ROW_GET, &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, id);
	r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	*ret = read_row(tx, kind, stmt);
	return 0;
}

/* A few columns alone. */
static int list_only(struct tx *tx, const struct query *q, struct records *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	scoped(buf_fini) struct buf what = BUF_INIT;

	buf_add_fmt(&what, "\"%s\"", schema_field(q->kind, 0)->key);
	for (int i = 0; i < q->n_only; i++)
		buf_add_fmt(&what, ",\"%s\"", schema_field(q->kind, q->only[i])->key);
	int r = prepare_select(tx, q, what.data, true, &stmt);

	if (r < 0)
		return r;
	while ((r = db_step(tx->conn, stmt)) > 0) {
		struct record *record = record_new(q->kind);

		read_value(record, 0, stmt, 0);
		for (int i = 0; i < q->n_only; i++)
			read_value(record, q->only[i], stmt, i + 1);
		records_add(ret, record);
	}
	return r;
}

int tx_list(struct tx *tx, const struct query *q, struct records *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;

	if (q->only)
		return list_only(tx, q, ret);
	int r = prepare_select(tx, q, tx->archive->columns[q->kind].names, true, &stmt);

	if (r < 0)
		return r;
	while ((r = db_step(tx->conn, stmt)) > 0)
		records_add(ret, read_row(tx, q->kind, stmt));
	return r;
}

int tx_list_ids(struct tx *tx, const struct query *q, struct ids *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = prepare_select(tx, q, "\"id\"", true, &stmt);

	if (r < 0)
		return r;
	while ((r = db_step(tx->conn, stmt)) > 0)
		ids_add(ret, sqlite3_column_int64(stmt, 0));
	return r;
}

/* One number over all matches; 1 when it is null. */
static int select_number(struct tx *tx, const struct query *q, const char *what, int64_t *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = prepare_select(tx, q, what, false, &stmt);

	if (r == 0)
		r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	if (sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		return 1;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

static int count_tallied(struct tx *tx, const struct query *q, int64_t *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_str(&sql, "SELECT ifnull(sum(n), 0) FROM story_tally");
	add_where(q, &sql);
	int r = db_prepare(tx->conn, sql.data, &stmt);

	if (r < 0)
		return r;
	bind_where(stmt, q);
	r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

int tx_count(struct tx *tx, const struct query *q, int64_t *ret)
{
	return archive_is_tallied(q) ? count_tallied(tx, q, ret)
				     : select_number(tx, q, "count(*)", ret);
}

int tx_extreme(struct tx *tx, const struct query *q, int field, bool largest, int64_t *ret)
{
	scoped(buf_fini) struct buf what = BUF_INIT;

	buf_add_str(&what, largest ? "max(" : "min(");
	add_name(schema_field(q->kind, field)->key, &what);
	buf_add_char(&what, ')');
	return select_number(tx, q, what.data, ret);
}

int tx_sum(struct tx *tx, const struct query *q, int field, double *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	scoped(buf_fini) struct buf what = BUF_INIT;

	buf_add_fmt(&what, "total(\"%s\")", schema_field(q->kind, field)->key);
	int r = prepare_select(tx, q, what.data, false, &stmt);

	if (r == 0)
		r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret = sqlite3_column_double(stmt, 0);
	return 0;
}

int tx_first(struct tx *tx, const struct query *q, int64_t *ret_id, int64_t *ret_value)
{
	const struct resource *res = schema_resource(q->kind);
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	scoped(buf_fini) struct buf what = BUF_INIT;
	struct query first = *q;

	first.limit = 1;
	add_name(res->fields[0].key, &what);
	buf_add_char(&what, ',');
	add_name(res->fields[q->order].key, &what);
	int r = prepare_select(tx, &first, what.data, true, &stmt);

	if (r == 0)
		r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	*ret_id = sqlite3_column_int64(stmt, 0);
	*ret_value = sqlite3_column_int64(stmt, 1);
	return 0;
}
