/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archive's tables, made from schema.def: one a kind that has KEEP fields, one column a field.
 * Numbers, booleans and times are INTEGER, words are TEXT (so that a row says what it means), lists
 * of ids and kept JSON are JSON text, a nested object is the text it is named by. A field that
 * schema.def gained since the file was made is added as a column.
 */
#include "archive_db.h"

#include <string.h>

#include "storyfs/alloc.h"

static const char common_tables[] =
	"CREATE TABLE IF NOT EXISTS refs(kind TEXT NOT NULL, field TEXT NOT NULL,"
	" target INTEGER NOT NULL, id INTEGER NOT NULL,"
	" PRIMARY KEY(kind, field, target, id)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS refs_by_id ON refs(kind, id);"
	"CREATE TABLE IF NOT EXISTS sequence(kind TEXT PRIMARY KEY, last INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS token(sha256 TEXT PRIMARY KEY, person_id INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS password(person_id INTEGER PRIMARY KEY, hash TEXT NOT NULL,"
	" token_setting TEXT NOT NULL, token_sha256 TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS unknown(project_id INTEGER NOT NULL, kind TEXT NOT NULL,"
	" key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY(project_id, kind, key))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS file_bytes(id INTEGER NOT NULL, at INTEGER NOT NULL,"
	" data BLOB NOT NULL, PRIMARY KEY(id, at));";

/* What these tables gained since. */
static const struct {
	const char *table, *column, *type;
} gained[] = {
	{ "token", "created_ms", "INTEGER" },
	{ "token", "label", "TEXT" },
};

/* Tables of kinds that are stored with another now: what they held goes there. */
static const struct {
	const char *table, *columns;
	enum kind into;
} moved[] = {
	{ "account_summary", "id, name, status, plan, _extra", KIND_account },
};

/* What is looked for beside ids and parents' keys; last is 0 for an index on two fields. */
static const struct {
	enum kind kind;
	int field, then, last;
} indexes[] = {
	{ KIND_story, F_story_project_id, F_story_rank },
	{ KIND_story, F_story_project_id, F_story_accepted_at },
	{ KIND_story, F_story_project_id, F_story_created_at },
	{ KIND_story, F_story_project_id, F_story_current_state, F_story_rank },
	{ KIND_epic, F_epic_project_id, F_epic_rank },
	{ KIND_epic, F_epic_label_id, F_epic_id },
	{ KIND_label, F_label_project_id, F_label_name },
	{ KIND_task, F_task_story_id, F_task_position },
	{ KIND_activity, F_activity_project_id, F_activity_project_version },
	{ KIND_activity, F_activity_performed_by_id, F_activity_occurred_at },
	{ KIND_story_transition, F_story_transition_story_id, F_story_transition_occurred_at },
	{ KIND_story_transition, F_story_transition_project_id, F_story_transition_occurred_at },
	{ KIND_project_membership, F_project_membership_person_id, F_project_membership_id },
	{ KIND_notification, F_notification_person_id, F_notification_updated_at },
	{ KIND_notification, F_notification_created_at, F_notification_id },
	{ KIND_project, F_project_account_id, F_project_id },
	{ KIND_account_membership, F_account_membership_person_id, F_account_membership_id },
	{ KIND_workspace, F_workspace_person_id, F_workspace_id },
	{ KIND_file_attachment, F_file_attachment_project_id, F_file_attachment_id },
};

static const char *const column_types[] = {
	[TYPE_INT] = "INTEGER",
	[TYPE_FLOAT] = "REAL",
	[TYPE_BOOL] = "INTEGER",
	[TYPE_STRING] = "TEXT",
	[TYPE_XSTRING] = "TEXT",
	[TYPE_DATETIME] = "INTEGER",
	[TYPE_DATE] = "INTEGER",
	[TYPE_ENUM] = "TEXT",
	[TYPE_IDS] = "TEXT",
	[TYPE_OBJECT] = "TEXT",
	[TYPE_JSON] = "TEXT",
};

bool archive_is_column(const struct field *field)
{
	return (field->flags & FIELD_KEEP) && field->type != TYPE_OBJECTS;
}

bool archive_is_kept(enum kind kind)
{
	const struct resource *res = schema_resource(kind);

	return res->n_fields && archive_is_column(&res->fields[0]);
}

bool archive_is_indexed(enum kind kind, int f)
{
	const struct resource *res = schema_resource(kind);

	if ((res->parent && f == res->parent_key) || (res->parent2 && f == res->parent2_key))
		return true;
	for (size_t i = 0; i < sizeof(indexes) / sizeof(*indexes); i++) {
		if (indexes[i].kind == kind &&
			(f == indexes[i].field || f == indexes[i].then || f == indexes[i].last))
			return true;
	}
	return false;
}

void archive_make_columns(struct archive *a)
{
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		struct columns *c = &a->columns[kind];
		scoped(buf_fini) struct buf names = BUF_INIT;

		if (!archive_is_kept((enum kind)kind))
			continue;
		each_field(f, (enum kind)kind) {
			const struct field *field = schema_field((enum kind)kind, f);

			if (!archive_is_column(field))
				continue;
			buf_add_fmt(&names, "\"%s\",", field->key);
			c->fields[c->n++] = (uint8_t)f;
			c->has_refs = c->has_refs || field->type == TYPE_IDS;
		}
		buf_add_str(&names, "\"_extra\"");
		c->names = buf_take(&names);
	}
}

/* The names of a table's columns as text, one a line; none for a table that is not there. */
static int list_columns(struct connection *c, const char *table, struct buf *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(c, "SELECT name FROM pragma_table_info(?)", &stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, table);
	buf_add_char(ret, '\n');
	while ((r = db_step(c, stmt)) > 0)
		buf_add_fmt(ret, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
	return r;
}

static bool is_listed(const struct buf *columns, const char *name)
{
	scoped(free_ptr) char *line = xasprintf("\n%s\n", name);

	return strstr(columns->data, line) != NULL;
}

static int add_column(struct connection *c, const char *table, const char *column, const char *type)
{
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_fmt(&sql, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s", table, column, type);
	return db_run(c, sql.data);
}

static int add_gained(struct connection *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(gained) / sizeof(*gained); i++) {
		scoped(buf_fini) struct buf columns = BUF_INIT;

		r = list_columns(c, gained[i].table, &columns);
		if (r == 0 && !is_listed(&columns, gained[i].column))
			r = add_column(c, gained[i].table, gained[i].column, gained[i].type);
	}
	return r;
}

/* last may be 0. */
static int add_index(struct connection *c, enum kind kind, int field, int then, int last)
{
	scoped(buf_fini) struct buf columns = BUF_INIT;
	scoped(buf_fini) struct buf sql = BUF_INIT;
	const int fields[] = { field, then, last };

	buf_add_fmt(&sql, "CREATE INDEX IF NOT EXISTS \"%s_by", schema_resource(kind)->name);
	for (int i = 0; i < (last ? 3 : 2); i++) {
		const char *key = schema_field(kind, fields[i])->key;

		buf_add_fmt(&sql, "_%s", key);
		buf_add_fmt(&columns, "%s\"%s\"", i ? ", " : "", key);
	}
	buf_add_fmt(&sql, "\" ON \"%s\"(%s)", schema_resource(kind)->name, columns.data);
	return db_run(c, sql.data);
}

/* Activity is never asked for by its ids' order, and every command writes one: it had such an index
 * once, and does without. */
static bool has_parent_index(enum kind kind)
{
	return kind != KIND_activity;
}

static int create_table(struct connection *c, enum kind kind)
{
	const struct resource *res = schema_resource(kind);
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_fmt(&sql, "CREATE TABLE \"%s\"(\"%s\" INTEGER PRIMARY KEY, \"_extra\" TEXT",
		res->name, res->fields[0].key);
	for (int f = 1; f < res->n_fields; f++) {
		if (archive_is_column(&res->fields[f]))
			buf_add_fmt(&sql, ", \"%s\" %s", res->fields[f].key,
				column_types[res->fields[f].type]);
	}
	buf_add_char(&sql, ')');
	return db_run(c, sql.data);
}

static int add_columns(struct connection *c, enum kind kind, const struct buf *columns)
{
	int r = 0;

	for (int f = 0; r == 0 && f < schema_resource(kind)->n_fields; f++) {
		const struct field *field = schema_field(kind, f);

		if (archive_is_column(field) && !is_listed(columns, field->key))
			r = add_column(c, schema_resource(kind)->name, field->key,
				column_types[field->type]);
	}
	return r;
}

static int make_table(struct connection *c, enum kind kind)
{
	const struct resource *res = schema_resource(kind);
	scoped(buf_fini) struct buf columns = BUF_INIT;
	int r = list_columns(c, res->name, &columns);

	if (r == 0)
		r = columns.len > 1 ? add_columns(c, kind, &columns) : create_table(c, kind);
	if (r == 0 && res->parent && has_parent_index(kind))
		r = add_index(c, kind, res->parent_key, 0, 0);
	if (r == 0 && res->parent2)
		r = add_index(c, kind, res->parent2_key, 0, 0);
	return r;
}

static int move_table(struct connection *c, const char *table, const char *columns, enum kind into)
{
	scoped(buf_fini) struct buf there = BUF_INIT;
	scoped(buf_fini) struct buf sql = BUF_INIT;
	int64_t n = 0;

	buf_add_fmt(&there,
		"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '%s'", table);
	int r = db_number(c, there.data, &n);

	if (r || !n)
		return r < 0 ? r : 0;
	buf_add_fmt(&sql,
		"INSERT OR IGNORE INTO \"%s\"(%s) SELECT %s FROM \"%s\"; DROP TABLE \"%s\"",
		schema_resource(into)->name, columns, columns, table, table);
	return db_run(c, sql.data);
}

/* Google documents were JSON within their comment before they had a table. */
static int move_google_attachments(struct connection *c)
{
	static const char *const steps[] = {
		"INSERT OR IGNORE INTO google_attachment(id, comment_id, person_id, google_kind,"
		" title, google_id, alternate_link, resource_id) SELECT value ->> 'id',"
		" comment.id, value ->> 'person_id', value ->> 'google_kind', value ->> 'title',"
		" value ->> 'google_id', value ->> 'alternate_link', value ->> 'resource_id'"
		" FROM comment, json_each(google_attachments) WHERE value ->> 'id' > 0",
		"UPDATE comment SET google_attachments = NULL, google_attachment_ids ="
		" (SELECT json_group_array(google_attachment.id) FROM google_attachment"
		"  WHERE comment_id = comment.id) WHERE google_attachments IS NOT NULL",
		("INSERT OR IGNORE INTO refs(kind, field, target, id) SELECT 'comment',"
		 " 'google_attachment_ids', id, comment_id FROM google_attachment"),
	};
	int64_t n = 0;
	int r = db_number(c,
		"SELECT count(*) FROM pragma_table_info('comment') WHERE name ="
		" 'google_attachments'",
		&n);

	for (size_t i = 0; r == 0 && n && i < sizeof(steps) / sizeof(*steps); i++)
		r = db_run(c, steps[i]);
	return r;
}

/* Pull requests were once kept as they came, in a column of their story. */
static int unpack_pull_requests(struct connection *c)
{
	int64_t n = 0;
	int r = db_number(c,
		"SELECT count(*) FROM pragma_table_info('story') WHERE name = 'pull_requests'", &n);

	if (r || !n)
		return r < 0 ? r : 0;
	r = db_run(c, "INSERT OR REPLACE INTO unknown(project_id, kind, key, json)"
		      " SELECT ifnull(story.project_id, 0), 'pull_request',"
		      " json_extract(item.value, '$.id'),"
		      " json_set(item.value, '$.story_id', story.id)"
		      " FROM story, json_each(story.pull_requests) AS item"
		      " WHERE json_extract(item.value, '$.id') IS NOT NULL");
	return r < 0 ? r : db_run(c, "ALTER TABLE story DROP COLUMN pull_requests");
}

int archive_make_tables(struct connection *c)
{
	int r = db_run(c, common_tables);

	if (r == 0)
		r = add_gained(c);
	for (int kind = KIND_none + 1; r == 0 && kind < N_KINDS; kind++) {
		if (archive_is_kept((enum kind)kind))
			r = make_table(c, (enum kind)kind);
	}
	for (size_t i = 0; r == 0 && i < sizeof(moved) / sizeof(*moved); i++)
		r = move_table(c, moved[i].table, moved[i].columns, moved[i].into);
	if (r == 0)
		r = unpack_pull_requests(c);
	if (r == 0)
		r = db_run(c, "DROP INDEX IF EXISTS activity_by_project_id_id");
	for (size_t i = 0; r == 0 && i < sizeof(indexes) / sizeof(*indexes); i++)
		r = add_index(
			c, indexes[i].kind, indexes[i].field, indexes[i].then, indexes[i].last);
	if (r == 0)
		r = move_google_attachments(c);
	return r < 0 ? r : archive_make_tallies(c);
}
