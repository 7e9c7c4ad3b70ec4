/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uploads and downloads, and whose a file is. */
#include "attachments.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "content.h"
#include "image.h"
#include "initial.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum {
	PIECE = 256 << 10,  /* of a file on its way in */
	MAX_HEAD = 1 << 20, /* of a file, within which an image says what it is */
};

static const char unknown_type[] = "application/octet-stream";

/* ---- whose it is ---- */

/* The project of a comment, by what it stands on; 0 when that is gone. */
static int project_of(struct call *c, const struct record *comment, int64_t *ret)
{
	bool on_story = record_has(comment, F_comment_story_id);
	int f = on_story ? F_comment_story_id : F_comment_epic_id;
	scoped(record_unref) struct record *parent = NULL;
	int r = tx_get(
		c->tx, on_story ? KIND_story : KIND_epic, record_int(comment, f, 0), &parent);

	if (r < 0)
		return r;
	*ret = parent ? record_int(parent, on_story ? F_story_project_id : F_epic_project_id, 0)
		      : 0;
	return 0;
}

int attachments_projects(struct call *c, const struct record *file, struct ids *ret)
{
	struct query q = { .kind = KIND_comment, .limit = -1 };
	scoped(records_fini) struct records on = { 0 };
	int64_t id = record_int(file, F_file_attachment_project_id, 0);

	if (id) {
		ids_add(ret, id);
		return 0;
	}
	query_where(&q, F_comment_file_attachment_ids, OP_HAS, record_id(file));
	int r = tx_list(c->tx, &q, &on);

	for (size_t i = 0; r == 0 && i < on.n; i++) {
		r = project_of(c, on.items[i], &id);
		if (r == 0 && id && !ids_has(ret, id))
			ids_add(ret, id);
	}
	return r;
}

int attachments_add(struct call *c, struct ids *ids, int64_t id)
{
	scoped(record_unref) struct record *file = NULL;
	scoped(ids_fini) struct ids projects = { 0 };

	if (ids_has(ids, id))
		return 0;
	int r = tx_get(c->tx, KIND_file_attachment, id, &file);

	if (r == 0)
		r = attachments_projects(c, file, &projects);
	if (r < 0)
		return r;
	if (r > 0 || (projects.n && !ids_has(&projects, call_project_id(c))))
		return v5_error_problem(&c->error,
			"The file attachment with id %lld does not exist.", (long long)id);
	ids_add(ids, id);
	return 0;
}

/* ---- going ---- */

static int is_held(struct call *c, int64_t id)
{
	struct query q = { .kind = KIND_comment, .limit = 1 };
	int64_t n = 0;
	int r = tx_count(c->tx, query_where(&q, F_comment_file_attachment_ids, OP_HAS, id), &n);

	return r < 0 ? r : n > 0;
}

int attachments_release(struct call *c, const struct ids *files)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < files->n; i++) {
		r = is_held(c, files->v[i]);
		if (r == 0)
			r = tx_delete_bytes(c->tx, files->v[i]);
		if (r == 0)
			r = tx_delete(c->tx, KIND_file_attachment, files->v[i]);
	}
	return r < 0 ? r : 0;
}

void attachments_note(const struct record *comment, struct ids *ret)
{
	ids_add_value(ret, record_get(comment, F_comment_file_attachment_ids));
}

/* ---- uploading ---- */

static bool is_media_type(const char *type)
{
	size_t max = schema_field(KIND_file_attachment, F_file_attachment_content_type)->max;
	const char *slash = type ? strchr(type, '/') : NULL;

	return slash && slash > type && slash[1] && strlen(type) <= max &&
	       strcspn(type, " \t;,\"") > (size_t)(slash - type);
}

/* As the client says; what says nothing better is looked at. */
static int set_type(struct call *c, struct record *file, const struct part *part)
{
	scoped(buf_fini) struct buf head = BUF_INIT;
	size_t n = part->len < MAX_HEAD ? (size_t)part->len : MAX_HEAD;
	int r = params_read_file(c->params, part, 0, buf_reserve(&head, n), n);
	struct image image;

	if (r < 0)
		return r;
	bool is_image = image_read(head.data, n, &image);
	bool is_told = is_media_type(part->content_type) &&
		       strcasecmp(part->content_type, unknown_type) != 0;
	const char *type = is_told ? part->content_type : unknown_type;

	record_set_text(file, F_file_attachment_content_type,
		!is_told && is_image ? image.content_type : type);
	record_set_int(file, F_file_attachment_thumbnailable, is_image);
	if (is_image) {
		record_set_int(file, F_file_attachment_width, image.width);
		record_set_int(file, F_file_attachment_height, image.height);
	}
	return 0;
}

void attachments_set_urls(struct record *file)
{
	scoped(free_ptr) char *download =
		xasprintf("/file_attachments/%lld/download", (long long)record_id(file));
	scoped(free_ptr) char *shown = xasprintf("%s?inline=true", download);

	record_set_text(file, F_file_attachment_download_url, download);
	record_set_text(file, F_file_attachment_big_url, shown);
	record_set_text(file, F_file_attachment_thumbnail_url, shown);
	record_set_int(file, F_file_attachment_uploaded, true);
}

static int put_bytes(struct call *c, int64_t id, const struct part *part)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	int64_t at = 0;
	int r;

	do { /* once even when there are none */
		size_t n = part->len - at < PIECE ? (size_t)(part->len - at) : PIECE;

		r = params_read_file(c->params, part, at, piece, n);
		if (r == 0)
			r = tx_put_bytes(c->tx, id, piece, n);
		at += (int64_t)n;
	} while (r == 0 && at < part->len);
	return r;
}

static int store(struct call *c, const struct part *part, struct record **ret)
{
	scoped(record_unref) struct record *nothing = record_new(KIND_file_attachment);
	scoped(record_unref) struct record *file = NULL;
	int r = initial_make(c, nothing, &file);

	if (r < 0)
		return r;
	record_set_text(file, F_file_attachment_filename, part->filename);
	record_set_int(file, F_file_attachment_project_id, call_project_id(c));
	record_set_int(file, F_file_attachment_size, part->len);
	if (c->who.person_id)
		record_set_int(file, F_file_attachment_uploader_id, c->who.person_id);
	attachments_set_urls(file);
	r = set_type(c, file, part);
	if (r == 0)
		r = tx_put(c->tx, file);
	if (r == 0)
		r = put_bytes(c, record_id(file), part);
	if (r == 0)
		*ret = take_ptr(file);
	return r;
}

static int check_name(struct call *c, const char *filename)
{
	size_t max = schema_field(KIND_file_attachment, F_file_attachment_filename)->max;

	if (!*filename)
		return v5_error_problem(&c->error, "the file has no name");
	if (text_length(filename) > max)
		return v5_error_requirement(
			&c->error, "'filename' parameter must be %zu characters or less.", max);
	return 0;
}

/* V5 answers before it has looked at the file: what the answer says of it is not yet so. */
int attachments_upload(struct call *c)
{
	const struct part *part = params_file(c->params, "file");
	scoped(record_unref) struct record *file = NULL;

	if (!part)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: file");
	if (params_n_files(c->params) > 1)
		return v5_error_problem(&c->error, "this endpoint takes one file at a time");
	int r = check_name(c, part->filename);

	if (r == 0)
		r = store(c, part, &file);
	if (r < 0)
		return r;
	scoped(record_unref) struct record *told = record_copy(file);

	record_set_int(told, F_file_attachment_uploaded, false);
	record_set_text(told, F_file_attachment_big_url, "#");
	record_set_text(told, F_file_attachment_thumbnail_url, "#");
	return answer_record(c, told);
}

/* ---- bytes on their way out ---- */

struct file_source {
	struct http_source source;
	struct archive *archive;
	int64_t id, from;
};

/* Each piece is a transaction of its own, so that a slow client holds none open. A file that is
 * deleted meanwhile ends early. */
static int64_t read_source(struct http_source *source, int64_t at, char *to, size_t max)
{
	struct file_source *s = (struct file_source *)source;
	scoped(buf_fini) struct buf piece = BUF_INIT;
	scoped(tx_abort) struct tx *tx = NULL;
	int64_t left = source->len - at;
	size_t n = left < (int64_t)max ? (size_t)left : max;
	int r = tx_begin(s->archive, TX_READ, &tx);

	if (r == 0)
		r = tx_get_bytes(tx, s->id, s->from + at, n, &piece);
	if (r == 0 && piece.len < n)
		r = -EIO;
	if (r < 0)
		return r;
	memcpy(to, buf_str(&piece), piece.len);
	return (int64_t)piece.len;
}

static void free_source(struct http_source *source)
{
	free(source);
}

static struct http_source *file_source_new(
	struct archive *archive, int64_t id, int64_t from, int64_t len)
{
	struct file_source *s = xcalloc(1, sizeof(*s));

	*s = (struct file_source){ { len, read_source, free_source }, archive, id, from };
	return &s->source;
}

/* ---- downloading ---- */

/* Enter one of the file's projects; who may see one of them may see the file. */
static int check_access(struct call *c, const struct record *file)
{
	scoped(ids_fini) struct ids projects = { 0 };
	int64_t uploader_id = record_int(file, F_file_attachment_uploader_id, 0);
	int r = attachments_projects(c, file, &projects);

	if (r < 0 || c->who.trusted)
		return r;
	if (!projects.n)
		return uploader_id && uploader_id == c->who.person_id ? 0 : auth_refuse(c);
	for (size_t i = 0; i < projects.n; i++) {
		v5_error_fini(&c->error);
		c->error = (struct v5_error){ 0 };
		r = auth_enter_project(c, projects.v[i]);
		if (r == 0 || !c->error.code)
			return r;
	}
	return r;
}

/* May a browser show it in place? Not what runs scripts: HTML, SVG and XML are always saved. */
static bool is_harmless(const char *type)
{
	static const char *const types[] = { "image/png", "image/jpeg", "image/gif", "image/webp",
		"image/bmp", "text/plain", "application/pdf", "audio/", "video/" };
	size_t len = strcspn(type, "; \t");

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		size_t n = strlen(types[i]);
		bool is_class = types[i][n - 1] == '/';

		if ((is_class ? len > n : len == n) && strncasecmp(type, types[i], n) == 0)
			return true;
	}
	return false;
}

static void add_headers(struct call *c, const struct record *file, struct content *content)
{
	const struct value *wanted = &c->given[P_download_inline];
	const char *type = record_text(file, F_file_attachment_content_type);
	bool shown = wanted->state == VALUE_SET && wanted->i && is_harmless(type);
	scoped(buf_fini) struct buf disposition = BUF_INIT;

	content_add_disposition(&disposition, shown ? "inline" : "attachment",
		record_text(file, F_file_attachment_filename));
	http_headers_add(&content->headers, "Content-Disposition", disposition.data);
	http_headers_add(
		&content->headers, "Content-Security-Policy", "default-src 'none'; sandbox");
	http_headers_add(&content->headers, "Accept-Ranges", "bytes");
}

/* A range is only for who knows the same bytes, and for GET (RFC 9110, 14.2). */
static const char *wanted_range(const struct call *c, const char *etag)
{
	const char *only_if = http_headers_get(&c->req->headers, "If-Range");

	if (c->req->method != HTTP_GET || (only_if && strcmp(only_if, etag) != 0))
		return NULL;
	return http_headers_get(&c->req->headers, "Range");
}

static int send_file(struct call *c, const struct record *file, int64_t size)
{
	const char *type = record_text(file, F_file_attachment_content_type);
	scoped(free_ptr) char *etag = xasprintf("\"%lld-%lld-%lld\"", (long long)record_id(file),
		(long long)record_int(file, F_file_attachment_created_at, 0), (long long)size);
	int64_t from, len;
	enum range range = content_range(wanted_range(c, etag), size, &from, &len);
	int status = range == RANGE_PART ? 206 : range == RANGE_OUTSIDE ? 416 : 200;
	struct content *content = answer_content(c, status, *type ? type : unknown_type);

	content->etag = take_ptr(etag);
	add_headers(c, file, content);
	if (range == RANGE_OUTSIDE) {
		http_headers_add_fmt(
			&content->headers, "Content-Range", "bytes */%lld", (long long)size);
		return 0;
	}
	if (range == RANGE_PART)
		http_headers_add_fmt(&content->headers, "Content-Range", "bytes %lld-%lld/%lld",
			(long long)from, (long long)(from + len - 1), (long long)size);
	content->source = file_source_new(c->archive, record_id(file), from, len);
	return 0;
}

int attachments_download(struct call *c)
{
	const struct record *file = c->at[KIND_file_attachment];
	int64_t size = 0;
	int r = check_access(c, file);

	if (r == 0)
		r = tx_count_bytes(c->tx, record_id(file), &size);
	if (r <= 0)
		return r < 0 ? r : send_file(c, file, size);
	r = v5_error_set(&c->error, V5_unfound_resource);
	c->error.general_problem =
		xstrdup("the archive knows this file, but not its bytes: it was imported without");
	return r;
}
