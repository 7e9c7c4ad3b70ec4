/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachments. The files themselves lie by id in one directory of the project; where they belong,
 * at a story or an epic, there are links to them by name. So what follows no links (`grep -r`,
 * `find`) fetches nothing below the stories.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

static const struct {
	enum kind parent;
	enum layout_row links;
} places[] = {
	{ KIND_story, ROW_story_attachments },
	{ KIND_epic, ROW_epic_attachments },
};

enum { N_PLACES = sizeof(places) / sizeof(*places) };

/* ---- what there is ---- */

/* Those of one parent. */
static int add_ids(struct tree *t, const struct place *place, struct call *call, struct ids *ret)
{
	scoped(records_fini) struct records files = { 0 };
	int e = store_list(t->store, place, call, &files);

	each_record(file, &files)
		ids_add(ret, record_id(file));
	return e < 0 ? e : 0;
}

static int list_of_kind(
	struct tree *t, int64_t project_id, enum kind parent, struct call *call, struct ids *ret)
{
	scoped(records_fini) struct records parents = { 0 };
	struct place all = { .kind = parent, .parent = KIND_project, .parent_id = project_id };
	int e = store_list(t->store, &all, call, &parents);

	for (size_t i = 0; e == 0 && i < parents.n; i++) {
		struct place place = { .kind = KIND_file_attachment,
			.parent = parent,
			.parent_id = record_id(parents.items[i]) };

		e = add_ids(t, &place, call, ret);
	}
	return e;
}

static bool is_of(struct tree *t, int64_t project_id, int64_t id)
{
	scoped(record_unref) struct record *r = NULL;

	return store_peek(t->store, KIND_file_attachment, id, &r) == 0 &&
	       store_project_of(t->store, r) == project_id;
}

int attachments_list(struct tree *t, const struct node *dir, const char *wanted, struct call *call,
	struct ids *ret)
{
	int64_t id = 0;
	int e = 0;

	if (wanted && !parse_int(wanted, 1, INT64_MAX, &id))
		return 0;
	if (id && is_of(t, dir->id, id)) {
		ids_add(ret, id);
		return 0;
	}
	for (size_t i = 0; e == 0 && i < N_PLACES; i++)
		e = list_of_kind(t, dir->id, places[i].parent, call, ret);
	return e;
}

bool attachments_are_in(enum layout_row dir)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		if (places[i].links == dir)
			return true;
	}
	return false;
}

/* The directory of links that an attachment is in. */
static bool find_links(struct tree *t, const struct record *file, struct node *ret)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		scoped(records_fini) struct records all = { 0 };
		struct place place = { .kind = KIND_file_attachment,
			.parent = places[i].parent,
			.parent_id = store_parent_of(t->store, file) };

		store_peek_list(t->store, &place, &all);
		each_record(other, &all) {
			if (record_id(other) != record_id(file))
				continue;
			*ret = (struct node){ places[i].links, place.parent_id, -1 };
			return true;
		}
	}
	return false;
}

int attachment_add_name(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(record_unref) struct record *file = NULL;

	if (store_peek(t->store, KIND_file_attachment, node->id, &file))
		return -ESTALE;
	scoped(free_ptr) char *name = link_plain_name(file);

	buf_add_str(ret, name);
	return 0;
}

void attachment_add_target(const struct record *file, struct buf *ret)
{
	scoped(free_ptr) char *name = link_plain_name(file);

	buf_add_fmt(ret, "../../../attachments/%" PRId64 "/%s", record_id(file), name);
}

int attachment_add_comment(struct tree *t, const struct record *file, struct buf *ret)
{
	int64_t comment_id = record_int(file, F_file_attachment_comment_id, 0);
	struct node links;

	if (!comment_id || !find_links(t, file, &links))
		return 1;
	enum kind parent = layout_parent_kind(links.row);

	buf_add_fmt(ret, "../../%s/%" PRId64 "/%s/%" PRId64, schema_resource(parent)->plural,
		links.id, schema_resource(KIND_comment)->plural, comment_id);
	return 0;
}

/* ---- reading ---- */

int tree_error_dir(struct tree *t, const struct node *node, struct node *ret)
{
	scoped(record_unref) struct record *file = NULL;

	if (layout_of(node->row)->type != ROW_BYTES && layout_of(node->row)->type != ROW_FOLDER)
		return tree_parent(t, node, ret);
	if (store_peek(t->store, KIND_file_attachment, node->id, &file) ||
		!find_links(t, file, ret))
		return -ESTALE;
	return 0;
}

static void refuse_read(struct tree *t, const struct node *node, const struct record *file, int e,
	const struct v5_error *v5)
{
	struct node dir;
	const struct buf none = BUF_INIT;

	if (!find_links(t, file, &dir))
		return;
	refusal_put(t, &dir, node,
		explain_refusal(&(struct refused_save){
			.name = record_text(file, F_file_attachment_filename),
			.what = "read",
			.error = e,
			.reason = &none,
			.v5 = v5,
			.next = "read it again",
			.next_unknown = "read it again" }));
}

static int read_bytes(struct tree *t, const struct node *node, const struct file_part *part,
	const struct call_limit *limit, struct buf *ret)
{
	scoped(record_unref) struct record *file = NULL;
	scoped(call_fini) struct call call = { 0 };
	struct node dir;

	if (store_peek(t->store, KIND_file_attachment, node->id, &file))
		return -ESTALE;
	if (limit)
		call.limit = *limit;
	int e = store_read_file(t->store, file, part, &call, ret);

	if (e < 0 && e != -EINTR)
		refuse_read(t, node, file, e, &call.error);
	else if (e == 0 && find_links(t, file, &dir))
		refusal_drop(t, &dir, node);
	return e;
}

int tree_read_part(struct tree *t, const struct node *node, const struct file_part *part,
	const struct call_limit *limit, struct buf *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (node->field < 0 && layout_of(node->row)->type == ROW_BYTES)
		return read_bytes(t, node, part, limit, ret);
	int e = tree_read(t, node, &text);

	if (e < 0 || part->at < 0 || (size_t)part->at >= text.len)
		return e;
	size_t left = text.len - (size_t)part->at;

	buf_add(ret, text.data + part->at, left < part->max ? left : part->max);
	return 0;
}

/* ---- deleting ---- */

void attachment_refuse_unlink(struct tree *t, const struct node *node)
{
	scoped(record_unref) struct record *file = NULL;
	scoped(free_ptr) char *next = NULL;
	const struct v5_error none = { 0 };
	const struct buf reason = BUF_INIT;
	struct node dir;

	if (node->field >= 0 || layout_of(node->row)->kind != KIND_file_attachment ||
		store_peek(t->store, KIND_file_attachment, node->id, &file) ||
		!find_links(t, file, &dir))
		return;
	next = xasprintf("rmdir projects/%" PRId64 "/attachments/%" PRId64
			 " (from the top of the mount) deletes it",
		store_project_of(t->store, file), node->id);
	refusal_put(t, &dir, &dir,
		explain_refusal(&(struct refused_save){
			.name = record_text(file, F_file_attachment_filename),
			.what = "deleted",
			.error = -EPERM,
			.reason = &reason,
			.v5 = &none,
			.sent = SENT_NOTHING,
			.next = next,
			.next_unknown = next }));
}

/* ---- sending ---- */

static int check_name(const char *name, struct buf *ret_reason)
{
	size_t max = schema_field(KIND_file_attachment, F_file_attachment_filename)->max;
	bool is_clean = text_is_valid(name, strlen(name));

	for (const char *p = name; *p; p++)
		is_clean = is_clean && (unsigned char)*p >= 0x20 && *p != 0x7f;
	if (!is_clean) {
		buf_add_str(ret_reason, "its name has to be UTF-8 without control characters\n");
		return -EINVAL;
	}
	if (text_length(name) > max) {
		buf_add_fmt(ret_reason, "its name has more than %zu characters\n", max);
		return -ENAMETOOLONG;
	}
	return 0;
}

/* One file on its way. */
struct sending {
	struct tree *tree;
	const struct node *dir;
	const struct api_file *file;
	struct buf reason;
	struct call call;
};

static void sending_fini(struct sending *s)
{
	buf_fini(&s->reason);
	call_fini(&s->call);
}

SCOPED_VALUE(struct sending, sending_fini);

static void refuse_file(const struct sending *s, int e)
{
	scoped(free_ptr) char *next = xasprintf("it lies here as '%s' until the unmount; mv it to "
						"another name, or write it again, to send it again",
		s->file->name);

	refusal_put(s->tree, s->dir, s->dir,
		explain_refusal(&(struct refused_save){ .name = s->file->name,
			.what = "attached",
			.error = e,
			.reason = &s->reason,
			.v5 = &s->call.error,
			.sent = s->reason.len ? SENT_NOTHING : SENT_REQUEST,
			.next = next,
			.next_unknown = next }));
}

int tree_attach(struct tree *t, const struct node *dir, const struct api_file *file,
	const struct call_limit *limit)
{
	scoped(sending_fini) struct sending s = { .tree = t, .dir = dir, .file = file };
	scoped(record_unref) struct record *now = NULL;
	struct place place = layout_place(dir);

	if (!attachments_are_in(dir->row))
		return -EPERM;
	if (limit)
		s.call.limit = *limit;
	int e = check_name(file->name, &s.reason);

	if (e == 0)
		e = store_attach(t->store, &place, file, &s.call, &now);
	if (e < 0) {
		refuse_file(&s, e);
		return e;
	}
	refusal_drop(t, dir, dir);
	control_note_made(
		t, &(struct node){ ROW_attachment_bytes, record_id(now), -1 }, now, false);
	return 0;
}
