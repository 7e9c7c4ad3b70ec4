/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uploads, downloads, and attachments on comments. */
#include "served.h"

#include "storyfs/transport.h"

static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x20\x08\6\0\0\0";

/* Send a file. type may be NULL. */
static void send_file(
	struct served *s, const char *name, const char *type, const char *data, size_t len)
{
	struct http_request req = { .method = HTTP_POST };
	char token[TOKEN_SIZE];

	served_forget(s);
	served_token(s->who, token);
	req.target = xstrdup("/services/v5/projects/1/uploads");
	http_headers_add(&req.headers, "X-TrackerToken", token);
	http_headers_add(&req.headers, "Content-Type", "multipart/form-data; boundary=B");
	buf_add_fmt(&req.body,
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n", name);
	if (type)
		buf_add_fmt(&req.body, "Content-Type: %s\r\n", type);
	buf_add_str(&req.body, "\r\n");
	buf_add(&req.body, data, len);
	buf_add_str(&req.body, "\r\n--B--\r\n");
	server_handle(s->server, &req, &s->response);
	s->json = json_loadb(s->response.body.data, s->response.body.len, 0, NULL);
	http_request_fini(&req);
}

static int64_t upload(struct served *s, const char *name, const char *type, const char *text)
{
	send_file(s, name, type, text, strlen(text));
	assert_int_equal(s->response.status, 200);
	return number_at(s, "id");
}

/* GET it; the whole body is in s->response. */
static void download(
	struct served *s, int64_t id, const char *query, const char *header, int status)
{
	scoped(free_ptr) char *request =
		xasprintf("GET /file_attachments/%lld/download%s", (long long)id, query);

	served_send(s, request, NULL, header);
	assert_int_equal(http_response_gather(&s->response), 0);
	if (s->response.status != status)
		fail_msg("%s answered %d: %s", request, s->response.status,
			buf_str(&s->response.body));
}

static void an_upload_is_answered_as_recorded(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);
	int64_t id = upload(s, "Gemfile", NULL, "source 'https://rubygems.org'\n");
	static const char *const keys[] = { "kind", "id", "filename", "created_at", "uploader_id",
		"thumbnailable", "size", "download_url", "content_type", "uploaded", "big_url",
		"thumbnail_url" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_true(has_at(s, keys[i]));
	assert_int_equal(json_object_size(s->json), sizeof(keys) / sizeof(*keys));
	assert_true(json_is_false(find_at(s->json, "uploaded")));
	assert_true(json_is_false(find_at(s->json, "thumbnailable")));
	assert_string_equal(text_at(s, "big_url"), "#");
	assert_string_equal(text_at(s, "content_type"), "application/octet-stream");
	assert_int_equal(number_at(s, "size"), 30);
	assert_non_null(header_of(s, "X-Tracker-Project-Version"));
	scoped(free_ptr) char *url = xasprintf("/file_attachments/%lld/download", (long long)id);

	assert_string_equal(text_at(s, "download_url"), url);
	assert_int_equal(version_of(s), version);
}

static void an_image_has_a_size(void **state)
{
	struct served *s = *state;

	send_file(s, "a.png", "image/png", png, sizeof(png) - 1);
	assert_int_equal(number_at(s, "width"), 16);
	assert_int_equal(number_at(s, "height"), 32);
	assert_true(json_is_true(find_at(s->json, "thumbnailable")));
	send_file(s, "b", NULL, png, sizeof(png) - 1);
	assert_string_equal(text_at(s, "content_type"), "image/png");
	send_file(s, "c", "text/plain; charset=utf-8", "x", 1);
	assert_string_equal(text_at(s, "content_type"), "text/plain; charset=utf-8");
	send_file(s, "d", "no type", "x", 1);
	assert_string_equal(text_at(s, "content_type"), "application/octet-stream");
}

static void an_upload_needs_a_file_and_a_member(void **state)
{
	struct served *s = *state;

	expect_problem(
		s, "POST /projects/1/uploads", "{}", "this endpoint requires the parameter: file");
	expect_problem(s, "POST /projects/1/uploads", "file=x",
		"this endpoint requires the parameter: file");
	send_file(s, "", "text/plain", "x", 1);
	assert_int_equal(s->response.status, 400);
	scoped(buf_fini) struct buf name = BUF_INIT;

	for (int i = 0; i < 256; i++)
		buf_add_str(&name, "\303\251");
	send_file(s, name.data, NULL, "x", 1);
	assert_string_equal(
		text_at(s, "requirement"), "'filename' parameter must be 255 characters or less.");
	s->who = CLEO;
	send_file(s, "a", NULL, "x", 1);
	assert_int_equal(s->response.status, 403);
	s->who = DAN;
	send_file(s, "a", NULL, "x", 1);
	assert_int_equal(s->response.status, 403);
}

static void one_upload_is_one_file(void **state)
{
	struct served *s = *state;
	static const char two[] =
		"x\r\n--B\r\nContent-Disposition: form-data; name=file; filename=b\r\n\r\ny";

	send_file(s, "a", NULL, two, strlen(two));
	assert_int_equal(s->response.status, 400);
	assert_string_equal(
		text_at(s, "general_problem"), "this endpoint takes one file at a time");
	send_file(s, "..", NULL, "x", 1);
	assert_string_equal(text_at(s, "general_problem"), "the file has no name");
}

static void what_was_sent_comes_back(void **state)
{
	struct served *s = *state;
	int64_t id = upload(s, "n\303\266te.txt", "text/plain", "0123456789");
	struct http_request req = { .method = HTTP_GET };
	char token[TOKEN_SIZE];

	download(s, id, "", NULL, 200);
	assert_string_equal(buf_str(&s->response.body), "0123456789");
	assert_string_equal(header_of(s, "Content-Type"), "text/plain");
	assert_string_equal(header_of(s, "Content-Disposition"),
		"attachment; filename=\"n__te.txt\"; filename*=UTF-8''n%C3%B6te.txt");
	assert_string_equal(header_of(s, "X-Content-Type-Options"), "nosniff");
	assert_string_equal(header_of(s, "Accept-Ranges"), "bytes");
	download(s, id, "?inline=true", NULL, 200);
	assert_non_null(strstr(header_of(s, "Content-Disposition"), "inline; "));
	/* V5's links are paths of the host. */
	served_token(ADA, token);
	served_forget(s);
	req.target = xasprintf("/file_attachments/%lld/download?token=%s", (long long)id, token);
	server_handle(s->server, &req, &s->response);
	assert_int_equal(s->response.status, 200);
	assert_int_equal(http_response_gather(&s->response), 0);
	assert_string_equal(buf_str(&s->response.body), "0123456789");
	http_request_fini(&req);
}

static void parts_and_known_bytes_are_not_sent_in_full(void **state)
{
	struct served *s = *state;
	int64_t id = upload(s, "a", "text/plain", "0123456789");

	download(s, id, "", "Range: bytes=2-4", 206);
	assert_string_equal(buf_str(&s->response.body), "234");
	assert_string_equal(header_of(s, "Content-Range"), "bytes 2-4/10");
	download(s, id, "", "Range: bytes=-2", 206);
	assert_string_equal(buf_str(&s->response.body), "89");
	download(s, id, "", "Range: bytes=10-", 416);
	assert_string_equal(header_of(s, "Content-Range"), "bytes */10");
	/* Of GET alone. */
	scoped(free_ptr) char *head =
		xasprintf("HEAD /file_attachments/%lld/download", (long long)id);

	served_send(s, head, NULL, "Range: bytes=2-4");
	assert_int_equal(s->response.status, 200);
	scoped(free_ptr) char *known = xasprintf("If-None-Match: %s", header_of(s, "ETag"));

	download(s, id, "", known, 304);
	assert_int_equal(s->response.body.len, 0);
	download(s, id, "", "If-None-Match: \"another\"", 200);
	id = upload(s, "b", "text/plain", "");
	download(s, id, "", NULL, 200);
	assert_int_equal(s->response.body.len, 0);
}

static void large_files_come_in_pieces(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf bytes = BUF_INIT;

	for (int i = 0; i < 200000; i++)
		buf_add_fmt(&bytes, "%05d", i);
	send_file(s, "a", NULL, bytes.data, bytes.len);
	int64_t id = number_at(s, "id");

	download(s, id, "", NULL, 200);
	assert_int_equal(s->response.body.len, bytes.len);
	assert_memory_equal(s->response.body.data, bytes.data, bytes.len);
	/* Over the edge of two pieces. */
	download(s, id, "", "Range: bytes=262140-262149", 206);
	assert_memory_equal(s->response.body.data, bytes.data + 262140, 10);
}

static void scripts_are_never_shown_in_place(void **state)
{
	struct served *s = *state;
	static const char *const types[] = { "text/html", "image/svg+xml", "application/xhtml+xml",
		"text/xml", "application/javascript", "text/plainhtml" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		int64_t id = upload(s, "a", types[i], "<script>alert(1)</script>");

		download(s, id, "?inline=true", NULL, 200);
		assert_non_null(strstr(header_of(s, "Content-Disposition"), "attachment; "));
		assert_string_equal(
			header_of(s, "Content-Security-Policy"), "default-src 'none'; sandbox");
	}
}

static void files_are_for_those_who_see_their_project(void **state)
{
	struct served *s = *state;
	int64_t id = upload(s, "a", NULL, "x");

	s->who = CLEO;
	download(s, id, "", NULL, 200);
	s->who = DAN;
	download(s, id, "", NULL, 403);
	s->who = NOBODY;
	download(s, id, "", NULL, 403);
	s->who = ADA;
	expect(s, "PUT /projects/1", "{\"public\":true}", 200);
	s->who = NOBODY;
	download(s, id, "", NULL, 200);
	download(s, 999, "", NULL, 404);
}

static void bytes_that_were_never_here_are_not_found(void **state)
{
	struct served *s = *state;
	scoped(record_unref) struct record *r = record_new(KIND_file_attachment);
	struct tx *tx;

	record_set_int(r, F_file_attachment_id, 70);
	record_set_text(r, F_file_attachment_filename, "old");
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_put(tx, r), 0);
	assert_int_equal(tx_commit(tx), 0);
	make_story(s, "{\"name\":\"a\"}");
	download(s, 70, "", NULL, 403);
	expect(s, "POST /projects/1/stories/1/comments", "{\"file_attachment_ids\":[70]}", 200);
	download(s, 70, "", NULL, 404);
	assert_string_equal(text_at(s, "general_problem"),
		"the archive knows this file, but not its bytes: it was imported without");
}

/* ---- on comments ---- */

static void attach(struct served *s, int64_t id)
{
	scoped(free_ptr) char *body =
		xasprintf("{\"text\":\"t\",\"file_attachment_ids\":[%lld]}", (long long)id);

	expect(s, "POST /projects/1/stories/1/comments?fields=:default,file_attachments", body,
		200);
}

static void an_attached_file_is_told_as_uploaded(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	attach(s, upload(s, "a", NULL, "x"));
	assert_true(json_is_true(find_at(s->json, "file_attachments.0.uploaded")));
	assert_string_equal(text_at(s, "file_attachments.0.big_url"),
		"/file_attachments/1/download?inline=true");
}

static void files_go_with_the_last_comment_that_holds_them(void **state)
{
	struct served *s = *state;
	int64_t id = upload(s, "a", NULL, "x");

	make_story(s, "{\"name\":\"a\"}");
	attach(s, id);
	attach(s, id);
	expect(s, "DELETE /projects/1/stories/1/comments/1", NULL, 204);
	download(s, id, "", NULL, 200);
	expect(s, "DELETE /projects/1/stories/1/comments/2", NULL, 204);
	download(s, id, "", NULL, 404);
	id = upload(s, "b", NULL, "x");
	attach(s, id);
	expect(s, "DELETE /stories/1", NULL, 204);
	download(s, id, "", NULL, 404);
	id = upload(s, "c", NULL, "x");
	expect(s, "DELETE /projects/1", NULL, 204);
	download(s, id, "", NULL, 404);
	assert_null(find_at(s->json, "general_problem"));
}

static void a_file_is_taken_off_a_comment(void **state)
{
	struct served *s = *state;
	int64_t id = upload(s, "a", NULL, "x");

	make_story(s, "{\"name\":\"a\"}");
	attach(s, id);
	s->who = BEN;
	expect_code(s, "DELETE /projects/1/stories/1/comments/1/file_attachments/1", NULL,
		"unauthorized_operation");
	s->who = ADA;
	expect_code(s, "DELETE /projects/1/stories/1/comments/1/file_attachments/9", NULL,
		"unfound_resource");
	int64_t version = version_of(s);

	expect(s, "DELETE /projects/1/stories/1/comments/1/file_attachments/1", NULL, 204);
	assert_int_equal(version_of(s), version + 1);
	expect(s, "GET /projects/1/stories/1/comments/1?fields=file_attachment_ids", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "file_attachment_ids")), 0);
	download(s, id, "", NULL, 404);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "comment_update_activity");
	assert_int_equal(number_at(s, "0.changes.0.original_values.file_attachment_ids.0"), id);
}

static void google_documents_are_made_with_their_comment(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	upload(s, "a", NULL, "x");
	expect(s,
		"POST /projects/1/stories/1/comments?fields=:default,google_attachments,"
		"google_attachment_ids,attachment_ids",
		"{\"google_attachments\":[{\"google_kind\":\"document\",\"title\":\"Plan\","
		"\"google_id\":\"g1\",\"alternate_link\":\"https://docs.example.com/g1\","
		"\"resource_id\":\"document:g1\"}],\"attachment_ids\":[1]}",
		200);
	assert_string_equal(text_at(s, "google_attachments.0.kind"), "google_attachment");
	assert_string_equal(text_at(s, "google_attachments.0.title"), "Plan");
	assert_int_equal(number_at(s, "google_attachments.0.comment_id"), 1);
	assert_int_equal(number_at(s, "google_attachments.0.person_id"), ADA);
	assert_int_equal(number_at(s, "google_attachment_ids.0"), 2);
	assert_int_equal(json_array_size(find_at(s->json, "attachment_ids")), 2);
	last_activity(s);
	assert_string_equal(
		text_at(s, "0.changes.0.new_values.google_attachments.0.title"), "Plan");
	assert_int_equal(number_at(s, "0.changes.0.new_values.google_attachment_ids.0"), 2);
	expect(s, "PUT /projects/1/stories/1/comments/1?fields=google_attachments",
		"{\"attachments_to_add\":[{\"title\":\"Sheet\"}],"
		"\"google_attachment_ids_to_remove\":[2]}",
		200);
	assert_int_equal(json_array_size(find_at(s->json, "google_attachments")), 1);
	assert_string_equal(text_at(s, "google_attachments.0.title"), "Sheet");
	expect_code(s, "DELETE /projects/1/stories/1/comments/1/google_attachments/2", NULL,
		"unfound_resource");
	expect(s, "DELETE /projects/1/stories/1/comments/1/google_attachments/3", NULL, 204);
	expect(s, "GET /projects/1/stories/1/comments/1?fields=attachment_ids", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "attachment_ids")), 1);
}

/* ---- in-process ---- */

static void the_transport_brings_the_bytes(void **state)
{
	struct served *s = *state;
	scoped(transport_free) struct transport *t = server_transport_new(s->server, ADA);
	struct http_request req = { .method = HTTP_GET };
	struct http_response resp = { 0 };

	upload(s, "a", NULL, "hello");
	req.target = xstrdup("/file_attachments/1/download");
	assert_int_equal(transport_perform(t, &req, &(struct call_limit){ 0 }, &resp), 0);
	assert_int_equal(resp.status, 200);
	assert_string_equal(buf_str(&resp.body), "hello");
	assert_null(resp.source);
	http_request_fini(&req);
	http_response_fini(&resp);
}

/* ---- multipart elsewhere ---- */

static void parts_are_parameters_as_a_forms(void **state)
{
	struct served *s = *state;
	struct http_request req = { .method = HTTP_POST };
	char token[TOKEN_SIZE];

	served_token(ADA, token);
	req.target = xstrdup("/services/v5/projects/1/stories");
	http_headers_add(&req.headers, "X-TrackerToken", token);
	http_headers_add(&req.headers, "Content-Type", "multipart/form-data; boundary=B");
	buf_add_str(&req.body,
		"--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nFrom a form\r\n"
		"--B\r\nContent-Disposition: form-data; name=\"labels[][name]\"\r\n\r\nx\r\n"
		"--B\r\nContent-Disposition: form-data; name=\"estimate\"\r\n\r\n2\r\n--B--\r\n");
	served_forget(s);
	server_handle(s->server, &req, &s->response);
	s->json = json_loadb(s->response.body.data, s->response.body.len, 0, NULL);
	assert_int_equal(s->response.status, 200);
	assert_string_equal(text_at(s, "name"), "From a form");
	assert_string_equal(text_at(s, "labels.0.name"), "x");
	assert_int_equal(number_at(s, "estimate"), 2);
	buf_reset(&req.body);
	buf_add_str(&req.body, "--B\r\nContent-Disposition: form-data; name=\"name\"; "
			       "filename=\"f\"\r\n\r\nx\r\n--B--\r\n");
	served_forget(s);
	server_handle(s->server, &req, &s->response);
	assert_int_equal(s->response.status, 400);
	buf_reset(&req.body);
	buf_add_str(&req.body, "--B\r\nhello");
	served_forget(s);
	server_handle(s->server, &req, &s->response);
	s->json = json_loadb(s->response.body.data, s->response.body.len, 0, NULL);
	assert_int_equal(s->response.status, 400);
	assert_string_equal(text_at(s, "general_problem"),
		"the body is not well-formed as multipart/form-data (RFC 7578)");
	http_request_fini(&req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(an_upload_is_answered_as_recorded),
		served_test(an_image_has_a_size),
		served_test(an_upload_needs_a_file_and_a_member),
		served_test(one_upload_is_one_file),
		served_test(what_was_sent_comes_back),
		served_test(parts_and_known_bytes_are_not_sent_in_full),
		served_test(large_files_come_in_pieces),
		served_test(scripts_are_never_shown_in_place),
		served_test(files_are_for_those_who_see_their_project),
		served_test(bytes_that_were_never_here_are_not_found),
		served_test(an_attached_file_is_told_as_uploaded),
		served_test(files_go_with_the_last_comment_that_holds_them),
		served_test(a_file_is_taken_off_a_comment),
		served_test(google_documents_are_made_with_their_comment),
		served_test(the_transport_brings_the_bytes),
		served_test(parts_are_parameters_as_a_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
