/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any request to the V5 server. The input is a request as HTTP/1.1 writes one,
 * `METHOD target`, header lines, an empty line, a body of any bytes; lines end with a newline. It
 * runs as the person who owns the archive, so that writes happen. Whatever comes, there is an
 * answer with a status; its body says what it is, is JSON if it says so, and as long as it says if
 * it is fetched while it is sent.
 *
 * A row `fuzz_handle: [server, jansson]` of meson.build builds it; its corpus is
 * corpus/fuzz_handle.
 */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/clock.h"
#include "storyfs/server.h"

/* What was written stays for the inputs that follow, up to a point. */
enum { RUNS_AN_ARCHIVE = 1000 };

static char path[64];
static struct archive *archive;
static struct server *server;
static int runs;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const char *method, const char *target, const char *type, const char *body)
{
	struct http_request req = { .method = http_method_parse(method),
		.target = xstrdup(target) };
	struct http_response resp = { 0 };

	if (type)
		http_headers_add(&req.headers, "Content-Type", type);
	buf_add_str(&req.body, body);
	server_handle_as(server, 1, &req, &resp);
	assert(resp.status == 200);
	http_request_fini(&req);
	http_response_fini(&resp);
}

static void post(const char *path_of, const char *json)
{
	scoped(free_ptr) char *target = xasprintf("/services/v5/%s", path_of);

	ask("POST", target, NULL, json);
}

static void remove_archive(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		scoped(free_ptr) char *file = xasprintf("%s%s", path, ends[i]);

		unlink(file);
	}
}

static void open_archive(void)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(record_unref) struct record *person = record_new(KIND_person);
	struct tx *tx;

	snprintf(path, sizeof(path), "%s/storyfs-fuzz-%d.db",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	remove_archive();
	assert(archive_open(path, ARCHIVE_CREATE, &archive, &reason) == 0);
	record_set_int(person, F_person_id, 1);
	record_set_text(person, F_person_name, "Ada");
	record_set_text(person, F_person_username, "ada");
	assert(tx_begin(archive, TX_WRITE, &tx) == 0);
	assert(tx_put(tx, person) == 0);
	assert(tx_commit(tx) == 0);
	assert(server_new(archive, NULL, &server) == 0);
	post("projects", "{\"name\":\"Moon\"}");
	post("projects/1/stories",
		"{\"name\":\"a\",\"labels\":[\"l\"],\"tasks\":[{\"description\":\"t\"}],"
		"\"comments\":[{\"text\":\"c\"}],\"blockers\":[{\"description\":\"b\"}]}");
	post("projects/1/stories", "{\"name\":\"b\",\"blockers\":[{\"description\":\"#1\"}]}");
	post("projects/1/stories/1/comments/1/reactions", "{\"emoji\":\"x\"}");
	post("projects/1/story_templates", "{\"name\":\"t\"}");
	post("projects/1/epics", "{\"name\":\"e\"}");
	ask("POST", "/services/v5/projects/1/uploads", "multipart/form-data; boundary=B",
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
		"0123456789\r\n--B--\r\n");
	post("projects/1/stories/1/comments", "{\"file_attachment_ids\":[1]}");
}

static void close_archive(void)
{
	server_free(server);
	archive_close(archive);
	remove_archive();
	server = NULL;
}

/* Cut the next line off; NULL at the end. The text is cut in place. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end = '\0';
	*rest = end ? end + 1 : NULL;
	return line;
}

static void read_head(char *text, struct http_request *req)
{
	char *line = next_line(&text), *blank = strchr(line, ' ');

	if (blank)
		*blank = '\0';
	req->method = http_method_parse(line);
	req->target = xstrdup(blank ? blank + 1 : "");
	while ((line = next_line(&text))) {
		char *colon = strstr(line, ": ");

		if (colon) {
			*colon = '\0';
			http_headers_add(&req->headers, line, colon + 2);
		}
	}
}

static void read_request(const char *data, size_t size, struct http_request *req)
{
	const char *end = size ? memmem(data, size, "\n\n", 2) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	scoped(free_ptr) char *head = xstrndup(data, len);

	read_head(head, req);
	if (end)
		buf_add(&req->body, end + 2, size - len - 2);
}

static void check_body(struct http_response *resp)
{
	const char *type = http_headers_get(&resp->headers, "Content-Type");
	size_t len = resp->source ? (size_t)resp->source->len : resp->body.len;

	assert(http_response_gather(resp) == 0);
	assert(resp->body.len == len);
	assert(!len || type);
	if (len && strncmp(type, "application/json", 16) == 0) {
		json_t *json = json_loadb(resp->body.data, len, JSON_DECODE_ANY, NULL);

		assert(json);
		json_decref(json);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request req = { 0 };
	struct http_response resp = { 0 };

	if (server && ++runs % RUNS_AN_ARCHIVE == 0)
		close_archive();
	if (!server) {
		clock_set_fixed(INT64_C(1714979289000));
		open_archive();
	}
	read_request((const char *)data, size, &req);
	server_handle_as(server, 1, &req, &resp);
	assert(resp.status >= 200 && resp.status <= 599);
	check_body(&resp);
	http_request_fini(&req);
	http_response_fini(&resp);
	return 0;
}
