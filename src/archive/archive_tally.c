/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many stories a project has in each state, and a label in each state and with each estimate:
 * two tables that triggers keep, within the transaction of whatever writes a story or its labels,
 * be it an earlier storyfs. So a count costs the same however many there are. What they hold is
 * what counting all stories anew would give; a count of 0 has no row. An estimate that is missing
 * counts as 0, as it does for V5.
 */
#include "archive_db.h"

static const char tables[] =
	"CREATE TABLE story_tally(project_id INTEGER NOT NULL, current_state TEXT NOT NULL,"
	" n INTEGER NOT NULL, PRIMARY KEY(project_id, current_state)) WITHOUT ROWID;"
	"CREATE TABLE label_tally(label_id INTEGER NOT NULL, current_state TEXT NOT NULL,"
	" estimate REAL NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY(label_id, current_state, estimate)) WITHOUT ROWID;";

/* Of a file that had none. */
static const char first_count[] =
	"INSERT INTO story_tally SELECT ifnull(project_id, 0), ifnull(current_state, ''), count(*)"
	" FROM story GROUP BY 1, 2;"
	"INSERT INTO label_tally SELECT target, ifnull(current_state, ''), ifnull(estimate, 0),"
	" count(*) FROM refs JOIN story ON story.id = refs.id"
	" WHERE kind = 'story' AND field = 'label_ids' GROUP BY 1, 2, 3;";

#define PROJECT(row) " project_id = ifnull(" row ".project_id, 0)"
#define STATE(row) " current_state = ifnull(" row ".current_state, '')"
#define ESTIMATE(row) " estimate = ifnull(" row ".estimate, 0)"
#define LABELS(row)                                                    \
	" (SELECT target FROM refs WHERE kind = 'story' AND id = " row \
	".id AND field = 'label_ids')"

#define COUNT_IN_STORY                                                                             \
	"INSERT INTO story_tally VALUES(ifnull(new.project_id, 0), ifnull(new.current_state, '')," \
	" 1) ON CONFLICT(project_id, current_state) DO UPDATE SET n = n + 1;"
#define COUNT_OUT_STORY                                                             \
	"UPDATE story_tally SET n = n - 1 WHERE" PROJECT("old") " AND" STATE(       \
		"old") ";"                                                          \
		       "DELETE FROM story_tally WHERE" PROJECT("old") " AND" STATE( \
			       "old") " AND n = 0;"

#define COUNT_IN_LABELS                                                               \
	"INSERT INTO label_tally SELECT value.target, ifnull(new.current_state, '')," \
	" ifnull(new.estimate, 0), 1 FROM" LABELS(                                    \
		"new") " AS value WHERE true"                                         \
		       " ON CONFLICT(label_id, current_state, estimate) DO UPDATE SET n = n + 1;"
#define COUNT_OUT_LABELS                                                                          \
	"UPDATE label_tally SET n = n - 1 WHERE label_id IN" LABELS("old") " AND" STATE(          \
		"old") " AND" ESTIMATE("old") ";"                                                 \
					      "DELETE FROM label_tally WHERE label_id IN" LABELS( \
						      "old") " AND" STATE("old") " AND" ESTIMATE("old") " AND n = 0;"

/* A new story has no labels yet, and one that is deleted still has them: tx_put and tx_delete write
 * the story first and its refs then. A ref whose story is gone counts nothing. */
static const char triggers[] =
	"CREATE TRIGGER story_is_made AFTER INSERT ON story BEGIN " COUNT_IN_STORY " END;"
	"CREATE TRIGGER story_is_moved AFTER UPDATE OF project_id, current_state ON story"
	" WHEN old.project_id IS NOT new.project_id OR old.current_state IS NOT new.current_state"
	" BEGIN " COUNT_OUT_STORY COUNT_IN_STORY " END;"
	"CREATE TRIGGER story_counts_otherwise AFTER UPDATE OF current_state, estimate ON story"
	" WHEN old.current_state IS NOT new.current_state OR old.estimate IS NOT new.estimate"
	" BEGIN " COUNT_OUT_LABELS COUNT_IN_LABELS " END;"
	"CREATE TRIGGER story_is_deleted AFTER DELETE ON story"
	" BEGIN " COUNT_OUT_STORY COUNT_OUT_LABELS " END;"
	"CREATE TRIGGER label_is_put AFTER INSERT ON refs"
	" WHEN new.kind = 'story' AND new.field = 'label_ids' BEGIN"
	" INSERT INTO label_tally SELECT new.target, ifnull(current_state, ''),"
	" ifnull(estimate, 0), 1 FROM story WHERE id = new.id"
	" ON CONFLICT(label_id, current_state, estimate) DO UPDATE SET n = n + 1; END;"
	"CREATE TRIGGER label_is_taken AFTER DELETE ON refs"
	" WHEN old.kind = 'story' AND old.field = 'label_ids' BEGIN"
	" UPDATE label_tally SET n = n - 1 WHERE (label_id, current_state, estimate) ="
	" (SELECT old.target, ifnull(story.current_state, ''), ifnull(story.estimate, 0)"
	"  FROM story WHERE id = old.id);"
	" DELETE FROM label_tally WHERE n = 0 AND (label_id, current_state, estimate) ="
	" (SELECT old.target, ifnull(story.current_state, ''), ifnull(story.estimate, 0)"
	"  FROM story WHERE id = old.id); END;";

int archive_make_tallies(struct connection *c)
{
	int64_t n = 0;
	int r = db_number(c,
		"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'label_tally'",
		&n);

	if (r || n)
		return r;
	r = db_run(c, tables);
	if (r == 0)
		r = db_run(c, first_count);
	return r < 0 ? r : db_run(c, triggers);
}

int archive_drop_tallies(struct connection *c)
{
	return db_run(c, "DROP TABLE story_tally; DROP TABLE label_tally");
}

/* ---- reading ---- */

bool archive_is_tallied(const struct query *q)
{
	int n_project = 0, n_state = 0;

	if (q->kind != KIND_story || q->after.given || q->before.given)
		return false;
	for (int i = 0; i < q->n_where; i++) {
		const struct condition *c = &q->where[i];

		if (c->op != OP_EQ)
			return false;
		n_project += c->field == F_story_project_id;
		n_state += c->field == F_story_current_state;
	}
	return n_project == 1 && n_project + n_state == q->n_where;
}

int tx_tally_label(struct tx *tx, int64_t label_id, struct records *ret, struct ids *ret_n)
{
	const struct choices *states = schema_field(KIND_story, F_story_current_state)->choices;
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"SELECT current_state, estimate, n FROM label_tally WHERE label_id = ?", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, label_id);
	while ((r = db_step(tx->conn, stmt)) > 0) {
		struct record *group = record_new(KIND_story);
		int state = choices_find(states, (const char *)sqlite3_column_text(stmt, 0), false);

		if (state >= 0)
			record_set_int(group, F_story_current_state, state);
		record_set_float(group, F_story_estimate, sqlite3_column_double(stmt, 1));
		records_add(ret, group);
		ids_add(ret_n, sqlite3_column_int64(stmt, 2));
	}
	return r;
}
