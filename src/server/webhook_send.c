/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling a webhook: read what it is owed, POST it, note the outcome. */
#include "webhook_send.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "millis.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/json.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "webhook.h"

enum {
	FIRST_WAIT_MS = 1000,
	LONGEST_WAIT_MS = 60 * 60 * 1000,
	GIVE_UP_MS = 24 * 60 * 60 * 1000,
	ANSWER_WITHIN_MS = 15 * 1000,
	SHOWN_BYTES = 1000, /* of a failed answer's body */
	STATUS_GONE = 410,
};

/* last_error_code where there was no answer. */
static const struct {
	int error;
	const char *code;
} error_codes[] = {
	{ -EACCES, "address_not_allowed" },
	{ -EHOSTUNREACH, "host_unreachable" },
	{ -ECONNREFUSED, "connection_refused" },
	{ -ECONNRESET, "connection_reset" },
	{ -ETIMEDOUT, "timed_out" },
	{ -EKEYREJECTED, "certificate_not_accepted" },
	{ -EPROTO, "not_http" },
	{ -EINVAL, "invalid_url" },
};

void webhook_line_fini(struct webhook_line *line)
{
	transport_free(line->transport);
	free(line->origin);
	*line = (struct webhook_line){ 0 };
}

/* ---- what is owed ---- */

/* 1: no item is behind what it was told. */
static int find_owed(struct tx *tx, const struct record *webhook, struct record **ret)
{
	struct query q = { .kind = KIND_activity, .limit = 1, .order = F_activity_project_version };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_activity_project_id, OP_EQ, record_int(webhook, F_webhook_project_id, 0));
	query_where(&q, F_activity_project_version, OP_GT,
		record_int(webhook, F_webhook_sent_version, 0));
	int r = tx_list(tx, &q, &found);

	if (r < 0)
		return r;
	if (!found.n)
		return 1;
	*ret = record_ref(found.items[0]);
	return 0;
}

static int project_version(struct tx *tx, const struct record *webhook, int64_t *ret)
{
	scoped(record_unref) struct record *project = NULL;
	int r = tx_get(tx, KIND_project, record_int(webhook, F_webhook_project_id, 0), &project);

	*ret = r == 0 ? record_int(project, F_project_version, 0) : 0;
	return r < 0 ? r : 0;
}

/* One that was imported has not begun: it is owed what happens from now on. */
static bool is_behind(const struct record *webhook, int64_t version)
{
	return record_int(webhook, F_webhook_sent_version, -1) < version;
}

static bool is_active(const struct record *webhook)
{
	return record_int(webhook, F_webhook_enabled, 0) &&
	       record_int(webhook, F_webhook_webhook_version, WEBHOOK_V5) == WEBHOOK_V5;
}

void webhook_due_fini(struct webhook_due *due)
{
	ids_fini(&due->ids);
	ids_fini(&due->project_ids);
}

static void add_due(struct webhook_due *due, const struct record *webhook)
{
	ids_add(&due->ids, record_id(webhook));
	ids_add(&due->project_ids, record_int(webhook, F_webhook_project_id, 0));
}

int webhook_list_due(struct tx *tx, int64_t now_ms, struct webhook_due *ret_due,
	struct webhook_due *ret_failing, int64_t *ret_next_ms)
{
	struct query q = { .kind = KIND_webhook, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };
	int r = tx_list(tx, query_where(&q, F_webhook_enabled, OP_EQ, 1), &list);

	*ret_next_ms = 0;
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		const struct record *w = list.items[i];
		int64_t at = record_int(w, F_webhook_next_attempt_at, 0), version = 0;

		r = project_version(tx, w, &version);
		if (r < 0 || !is_active(w) || !is_behind(w, version))
			continue;
		if (at > now_ms && (!*ret_next_ms || at < *ret_next_ms))
			*ret_next_ms = at;
		if (at <= now_ms)
			add_due(record_has(w, F_webhook_failing_since) ? ret_failing : ret_due, w);
	}
	return r;
}

/* 1: nothing to send. */
static int read_owed(
	struct archive *a, int64_t id, struct record **ret_webhook, struct record **ret_item)
{
	scoped(record_unref) struct record *webhook = NULL;
	scoped(record_unref) struct record *item = NULL;
	struct tx *tx;
	int r = tx_begin(a, TX_READ, &tx);

	if (r < 0)
		return r;
	r = tx_get(tx, KIND_webhook, id, &webhook);
	if (r == 0)
		r = is_active(webhook) ? find_owed(tx, webhook, &item) : 1;
	if (r == 0 && !record_has(webhook, F_webhook_sent_version))
		r = 1;
	tx_abort(tx);
	if (r == 0) {
		*ret_webhook = take_ptr(webhook);
		*ret_item = take_ptr(item);
	}
	return r;
}

/* ---- noting the outcome ---- */

/* What becomes of a webhook that is still there. */
struct outcome {
	int64_t told_version; /* 0: it was not told */
	const char *error_code;
	const char *body;
	bool is_gone; /* the receiver says: never again */
};

/* Half of the doubled wait, and a random part of the other half. */
static int64_t wait_ms(int64_t attempts)
{
	int64_t most = FIRST_WAIT_MS;
	uint32_t random = 0;

	for (int64_t i = 1; i < attempts && most < LONGEST_WAIT_MS; i++)
		most *= 2;
	if (most > LONGEST_WAIT_MS)
		most = LONGEST_WAIT_MS;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		log_debug("no random number; the wait is the shortest");
	return most / 2 + (int64_t)random % (most / 2 + 1);
}

static void note_failure(struct record *webhook, const struct outcome *o)
{
	int64_t now = clock_now_ms(), attempts = record_int(webhook, F_webhook_attempts, 0) + 1;

	record_set_int(webhook, F_webhook_attempts, attempts);
	if (!record_has(webhook, F_webhook_failing_since))
		record_set_int(webhook, F_webhook_failing_since, now);
	record_set_int(webhook, F_webhook_next_attempt_at, now + wait_ms(attempts));
	record_set_text(webhook, F_webhook_last_error_code, o->error_code);
	if (o->body)
		record_set_text(webhook, F_webhook_last_response_body, o->body);
	else
		record_clear(webhook, F_webhook_last_response_body);
	if (!o->is_gone && now - record_int(webhook, F_webhook_failing_since, now) < GIVE_UP_MS)
		return;
	record_set_int(webhook, F_webhook_enabled, 0);
	log_warning("webhook %lld of project %lld is parked: %s", (long long)record_id(webhook),
		(long long)record_int(webhook, F_webhook_project_id, 0), o->error_code);
}

static void note(struct record *webhook, const struct outcome *o)
{
	if (!o->told_version) {
		note_failure(webhook, o);
		return;
	}
	if (o->told_version > record_int(webhook, F_webhook_sent_version, 0))
		record_set_int(webhook, F_webhook_sent_version, o->told_version);
	webhook_forget_failures(webhook);
}

/* It may have been deleted, turned off or sent elsewhere meanwhile. */
static int keep_outcome(struct archive *a, const struct record *sent, const struct outcome *o)
{
	scoped(record_unref) struct record *webhook = NULL;
	struct tx *tx;
	int r = tx_begin(a, TX_WRITE, &tx);

	if (r < 0)
		return r;
	r = tx_get(tx, KIND_webhook, record_id(sent), &webhook);
	if (r == 0 && is_active(webhook) &&
		value_equal(schema_field(KIND_webhook, F_webhook_webhook_url),
			record_get(webhook, F_webhook_webhook_url),
			record_get(sent, F_webhook_webhook_url))) {
		note(webhook, o);
		r = tx_put(tx, webhook);
	}
	if (r < 0) {
		tx_abort(tx);
		return r;
	}
	return tx_commit(tx);
}

/* Nothing to be told of, though the project's version moved, or the webhook has not begun: it is up
 * to date. 1: it is not its turn after all. */
static int skip_unowed(struct tx *tx, int64_t id)
{
	scoped(record_unref) struct record *webhook = NULL;
	scoped(record_unref) struct record *item = NULL;
	int64_t version;
	int r = tx_get(tx, KIND_webhook, id, &webhook);

	if (r)
		return r;
	if (!is_active(webhook))
		return 1;
	r = record_has(webhook, F_webhook_sent_version) ? find_owed(tx, webhook, &item) : 1;
	if (r <= 0)
		return r < 0 ? r : 1;
	r = project_version(tx, webhook, &version);
	if (r < 0 || !is_behind(webhook, version))
		return r < 0 ? r : 1;
	webhook_skip(webhook, version);
	return tx_put(tx, webhook);
}

static int catch_up(struct archive *a, int64_t id)
{
	struct tx *tx;
	int r = tx_begin(a, TX_WRITE, &tx);

	if (r < 0)
		return r;
	r = skip_unowed(tx, id);
	if (r == 0)
		return tx_commit(tx);
	tx_abort(tx);
	return r < 0 ? r : 0;
}

/* ---- sending ---- */

static int connect_line(
	const struct webhook_sender_config *config, const char *origin, struct webhook_line *line)
{
	if (line->origin && strcmp(line->origin, origin) == 0)
		return 0;
	webhook_line_fini(line);
	int r = config->connect(config->data, origin, &line->transport);

	if (r == 0)
		line->origin = xstrdup(origin);
	return r;
}

/* An item, ready to go. */
struct letter {
	char *origin;
	struct http_request req;
};

static void letter_fini(struct letter *letter)
{
	free(letter->origin);
	http_request_fini(&letter->req);
}

SCOPED_VALUE(struct letter, letter_fini);

static int write_letter(const struct record *webhook, struct record *item, struct letter *ret)
{
	struct http_request *req = &ret->req;

	req->method = HTTP_POST;
	if (!http_split_url(
		    record_text(webhook, F_webhook_webhook_url), &ret->origin, &req->target))
		return -EINVAL;
	millis_convert_changes(item);
	json_write_record(item, NULL, JSON_AS_MILLIS, &req->body);
	http_headers_add(&req->headers, "Content-Type", "application/json");
	return 0;
}

static int post(const struct webhook_sender_config *config, const struct letter *letter,
	struct webhook_line *line, const struct call_limit *limit, struct http_response *ret)
{
	struct call_limit bounded = *limit;
	int r = connect_line(config, letter->origin, line);

	bounded.deadline_ms = clock_deadline(ANSWER_WITHIN_MS);
	return r < 0 ? r : transport_perform(line->transport, &letter->req, &bounded, ret);
}

static const char *error_code(int error)
{
	for (size_t i = 0; i < sizeof(error_codes) / sizeof(*error_codes); i++) {
		if (error_codes[i].error == error)
			return error_codes[i].code;
	}
	return "failed";
}

int webhook_send_next(const struct webhook_sender_config *config, int64_t webhook_id,
	struct webhook_line *line, const struct call_limit *limit, enum webhook_outcome *ret)
{
	scoped(record_unref) struct record *webhook = NULL;
	scoped(record_unref) struct record *item = NULL;
	scoped(letter_fini) struct letter letter = { 0 };
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(buf_fini) struct buf body = BUF_INIT;
	scoped(buf_fini) struct buf status = BUF_INIT;
	int r = read_owed(config->archive, webhook_id, &webhook, &item);

	*ret = WEBHOOK_NOTHING;
	if (r)
		return r < 0 ? r : catch_up(config->archive, webhook_id);
	r = write_letter(webhook, item, &letter);
	if (r == 0)
		r = post(config, &letter, line, limit, &resp);
	if (r == -EINTR)
		return r;
	bool told = r == 0 && resp.status >= 200 && resp.status < 300;

	text_add_excerpt(&body, buf_str(&resp.body), resp.body.len, SHOWN_BYTES);
	buf_add_fmt(&status, "%d", resp.status);
	struct outcome o = {
		.told_version = told ? record_int(item, F_activity_project_version, 0) : 0,
		.error_code = r == 0 ? buf_str(&status) : error_code(r),
		.body = r == 0 ? buf_str(&body) : NULL,
		.is_gone = resp.status == STATUS_GONE,
	};

	*ret = told ? WEBHOOK_TOLD : WEBHOOK_FAILED;
	return keep_outcome(config->archive, webhook, &o);
}
