/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump: for each project a folder of lists, each resource as V5 sends it by default and with what
 * else is kept of it, and the bytes of attached files; and `people`, with what belongs to no
 * project. What is in lists that V5 nests (comments) has lists of its own here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "children.h"
#include "export_dump.h"
#include "export_rows.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"

enum { BATCH = 500, PIECE = 1 << 20 };

struct dump {
	struct export_run *run;
	char *folder;		 /* of the project at hand */
	struct ids ids[N_KINDS]; /* of its resources */
	struct ids people;	 /* whom all projects name */
	struct dump_unknowns unknowns;
};

static void forget_project(struct dump *d)
{
	for (int kind = 0; kind < N_KINDS; kind++)
		ids_fini(&d->ids[kind]);
	free(d->folder);
	d->folder = NULL;
}

static void dump_fini(struct dump *d)
{
	forget_project(d);
	ids_fini(&d->people);
	dump_unknowns_fini(&d->unknowns);
}

SCOPED_VALUE(struct dump, dump_fini);

static bool is_kept(enum kind kind)
{
	return schema_field(kind, 0)->flags & FIELD_KEEP;
}

/* ---- who is named ---- */

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void sort_ids(struct ids *ids)
{
	size_t n = 0;

	if (ids->n)
		qsort(ids->v, ids->n, sizeof(*ids->v), by_number);
	for (size_t i = 0; i < ids->n; i++) {
		if (!n || ids->v[n - 1] != ids->v[i])
			ids->v[n++] = ids->v[i];
	}
	ids->n = n;
}

static void note_people(struct dump *d, const struct records *list)
{
	each_record(r, list) {
		each_field(f, record_kind(r)) {
			const struct field *field = schema_field(record_kind(r), f);
			const struct value *v = record_get(r, f);

			if (field->of != KIND_person || v->state != VALUE_SET)
				continue;
			if (field->type == TYPE_INT)
				ids_add(&d->people, v->i);
			else if (field->type == TYPE_IDS)
				ids_add_value(&d->people, v);
		}
	}
	/* Each time it has doubled, more or less. */
	sort_ids(&d->people);
}

/* ---- lists ---- */

static void note_ids(struct ids *ids, const struct records *list)
{
	each_record(r, list)
		ids_add(ids, record_id(r));
}

/* Takes the records, which are changed. */
static int write_records(struct dump *d, struct dump_list *list, struct records *records)
{
	enum kind kind = dump_list_kind(list);

	note_people(d, records);
	note_ids(&d->ids[kind], records);
	d->run->report.written[kind] += (int64_t)records->n;
	return dump_list_add(list, records);
}

static int write_ids(struct dump *d, struct dump_list *list, const struct ids *ids)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ids->n; i += BATCH) {
		const struct ids batch = { ids->n - i < BATCH ? ids->n - i : BATCH, ids->v + i };
		scoped(records_fini) struct records records = { 0 };

		r = export_list(export_tx(d->run), dump_list_kind(list), &batch, &records);
		if (r == 0)
			r = write_records(d, list, &records);
	}
	return r;
}

/* What hangs on what the project has of another kind. */
static int write_children(struct dump *d, struct dump_list *list, enum kind parent)
{
	enum kind kind = dump_list_kind(list);
	const struct ids *all = &d->ids[parent];
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i += BATCH) {
		const struct ids batch = { all->n - i < BATCH ? all->n - i : BATCH, all->v + i };
		struct query q = { .kind = kind, .limit = -1 };
		scoped(records_fini) struct records records = { 0 };

		query_where(&q, children_key(kind, parent), OP_IN, 0)->where[0].ids = &batch;
		r = tx_list(export_tx(d->run), &q, &records);
		if (r == 0)
			r = write_records(d, list, &records);
	}
	return r;
}

/* What the person who alone may see it does not tell in a dump would be somebody else's. */
static bool is_private(enum kind kind)
{
	int whose = schema_resource(kind)->whose;

	return whose && schema_field(kind, whose)->flags & FIELD_HIDDEN;
}

/* Of the project's own: in their order. */
static int write_own(struct dump *d, struct dump_list *list)
{
	enum kind kind = dump_list_kind(list);
	const struct resource *res = schema_resource(kind);
	struct query q = { .kind = kind, .limit = -1, .order = shape_order(kind) };
	scoped(ids_fini) struct ids ids = { 0 };

	query_where(&q, res->parent_key, OP_EQ, d->ids[KIND_project].v[0]);
	if (is_private(kind))
		query_where(&q, res->whose, OP_EQ, d->run->desk.call.who.person_id);
	int r = tx_list_ids(export_tx(d->run), &q, &ids);

	return r < 0 ? r : write_ids(d, list, &ids);
}

static int note_files(struct dump *d)
{
	const struct ids *comments = &d->ids[KIND_comment];
	static const int only[] = { F_comment_file_attachment_ids };
	int r = 0;

	for (size_t i = 0; r == 0 && i < comments->n; i += BATCH) {
		const struct ids batch = { comments->n - i < BATCH ? comments->n - i : BATCH,
			comments->v + i };
		struct query q = { .kind = KIND_comment, .limit = -1, .only = only, .n_only = 1 };
		scoped(records_fini) struct records records = { 0 };

		query_where(&q, 0, OP_IN, 0)->where[0].ids = &batch;
		r = tx_list(export_tx(d->run), &q, &records);
		each_record(comment, &records)
			ids_add_value(&d->ids[KIND_file_attachment],
				record_get(comment, F_comment_file_attachment_ids));
	}
	sort_ids(&d->ids[KIND_file_attachment]);
	return r;
}

static int write_file_records(struct dump *d, struct dump_list *list)
{
	int r = note_files(d);
	const struct ids files = d->ids[KIND_file_attachment];

	d->ids[KIND_file_attachment] = (struct ids){ 0 };
	if (r == 0)
		r = write_ids(d, list, &files);
	free(files.v);
	return r;
}

static int write_kind(struct dump *d, enum kind kind)
{
	scoped(dump_list_free) struct dump_list *list = dump_list_new(d->run, d->folder, kind);
	const struct resource *res = schema_resource(kind);
	int r = 0;

	if (kind == KIND_file_attachment)
		r = write_file_records(d, list);
	else if (res->parent == KIND_project)
		r = write_own(d, list);
	else if (res->parent)
		r = write_children(d, list, res->parent);
	if (r == 0 && res->parent2)
		r = write_children(d, list, res->parent2);
	return r < 0 ? r : dump_list_finish(list);
}

/* ---- bytes ---- */

static int copy_bytes(struct dump *d, int64_t id, int64_t size, int fd)
{
	int r = 0;

	for (int64_t at = 0; r == 0 && at < size; at += PIECE) {
		scoped(buf_fini) struct buf piece = BUF_INIT;

		r = tx_get_bytes(export_tx(d->run), id, at, PIECE, &piece);
		if (r == 0)
			r = file_write(fd, buf_str(&piece), piece.len);
	}
	return r;
}

static int write_bytes(struct dump *d, int64_t id)
{
	scoped(free_ptr) char *path = xasprintf("%s/files/%" PRId64, d->folder, id);
	int64_t size = 0;
	int r = tx_count_bytes(export_tx(d->run), id, &size);

	if (r)
		return r < 0 ? r : 0;
	scoped(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	r = fd < 0 ? -errno : copy_bytes(d, id, size, fd);
	return r < 0 ? export_fail(d->run, path, r) : 0;
}

static int write_files(struct dump *d)
{
	const struct ids *ids = &d->ids[KIND_file_attachment];
	scoped(free_ptr) char *folder = xasprintf("%s/files", d->folder);
	int r = ids->n ? dump_make_folder(d->run, folder) : 0;

	for (size_t i = 0; r == 0 && i < ids->n; i++)
		r = write_bytes(d, ids->v[i]);
	return r;
}

/* ---- a project ---- */

static int write_one(struct dump *d, int64_t project_id)
{
	scoped(dump_list_free) struct dump_list *list =
		dump_list_new(d->run, d->folder, KIND_project);
	const struct ids one = { 1, &project_id };
	int r = write_ids(d, list, &one);

	return r < 0 ? r : dump_list_finish(list);
}

/* What hangs on others comes after them in the schema. */
static int write_kinds(struct dump *d)
{
	int r = 0;

	for (int kind = KIND_project + 1; r == 0 && kind < N_KINDS; kind++) {
		enum kind parent = schema_resource((enum kind)kind)->parent;
		bool is_ours = parent && parent != KIND_account;

		if (is_kept((enum kind)kind) && (is_ours || kind == KIND_file_attachment))
			r = write_kind(d, (enum kind)kind);
	}
	return r;
}

static int write_project(struct dump *d, const struct record *project)
{
	int64_t id = record_id(project), n = 0;
	int r = export_count(d->run, project, &n);

	d->folder = xasprintf("%s/%" PRId64, d->run->config->path, id);
	d->run->what = record_text(project, F_project_name);
	if (r == 0)
		r = dump_make_folder(d->run, d->folder);
	if (r == 0)
		r = write_one(d, id);
	if (r == 0)
		r = write_kinds(d);
	if (r == 0)
		r = write_files(d);
	if (r == 0)
		r = dump_unknowns_write(d->run, &d->unknowns, d->folder, id);
	export_progress(d->run, n);
	forget_project(d);
	return r;
}

/* ---- what belongs to none ---- */

static int write_everybodys(struct dump *d, enum kind kind)
{
	scoped(dump_list_free) struct dump_list *list = dump_list_new(d->run, d->folder, kind);
	struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };

	if (is_private(kind))
		query_where(
			&q, schema_resource(kind)->whose, OP_EQ, d->run->desk.call.who.person_id);
	int r = tx_list_ids(export_tx(d->run), &q, &ids);

	if (r == 0)
		r = write_ids(d, list, &ids);
	return r < 0 ? r : dump_list_finish(list);
}

static int write_named(struct dump *d)
{
	scoped(dump_list_free) struct dump_list *list =
		dump_list_new(d->run, d->folder, KIND_person);
	const struct ids people = d->people;

	d->people = (struct ids){ 0 };
	int r = write_ids(d, list, &people);

	free(people.v);
	return r < 0 ? r : dump_list_finish(list);
}

/* Whose archive it is, as V5 tells of oneself. */
static int write_me(struct dump *d)
{
	scoped(record_unref) struct record *person = NULL;
	scoped(record_unref) struct record *zone = record_new(KIND_time_zone);
	scoped(dump_list_free) struct dump_list *list = dump_list_new(d->run, d->folder, KIND_me);
	struct records one = { 0 };
	int64_t id = d->run->desk.call.who.person_id;
	int r = id ? tx_get(export_tx(d->run), KIND_person, id, &person) : 1;

	if (r)
		return r < 0 ? r : 0;
	records_add(&one, record_as(person, KIND_me));
	if (record_has(person, F_person_olson_name)) {
		record_set_text(
			zone, F_time_zone_olson_name, record_text(person, F_person_olson_name));
		record_set_object(one.items[0], F_me_time_zone, zone);
	}
	r = dump_list_put(list, &one);
	records_fini(&one);
	return r < 0 ? r : dump_list_finish(list);
}

static int write_people(struct dump *d)
{
	static const enum kind kinds[] = { KIND_person, KIND_account, KIND_account_membership,
		KIND_workspace, KIND_notification };
	int r;

	d->folder = xasprintf("%s/people", d->run->config->path);
	r = dump_make_folder(d->run, d->folder);
	if (r == 0)
		r = write_me(d);
	if (r == 0 && !d->run->is_whole)
		return write_named(d);
	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(*kinds); i++)
		r = write_everybodys(d, kinds[i]);
	return r < 0 ? r : dump_unknowns_write(d->run, &d->unknowns, d->folder, 0);
}

static const char losses[] =
	"a dump does not hold: tokens, passwords, the secrets of integrations, what people chose for "
	"themselves, saved searches and notifications of others than the archive's owner, uploads "
	"that no comment has, which export the archive's projects came from\n";

int export_dump(struct export_run *run)
{
	scoped(dump_fini) struct dump d = { .run = run };
	int r = dump_make_folder(run, run->config->path);

	if (r == 0)
		r = dump_unknowns_load(run, &d.unknowns);
	for (size_t i = 0; r == 0 && i < run->projects.n; i++)
		r = write_project(&d, run->projects.items[i]);
	if (r == 0)
		r = write_people(&d);
	buf_add_str(&run->report.notes, losses);
	return r;
}
