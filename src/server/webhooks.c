/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Webhooks as resources: a project's owners say where its activity is sent. */
#include "change.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"
#include "webhook.h"

/* Any http or https URL without user and password. */
static int check_url(struct call *c, const struct record *patch)
{
	const char *url = record_text(patch, F_webhook_webhook_url);
	scoped(free_ptr) char *origin = NULL;
	scoped(free_ptr) char *target = NULL;

	if (record_get(patch, F_webhook_webhook_url)->state == VALUE_ABSENT ||
		http_split_url(url, &origin, &target))
		return 0;
	int r = v5_error_requirement(&c->error, "%sWebhook must be a valid URL.",
		text_is_blank(url) ? "Webhook url can't be blank, " : "");

	c->error.general_problem = xstrdup("One or more consistency checks failed on the supplied "
					   "WebhookActivityChannel.");
	return r;
}

/* V5 had words of its own for a blank URL, so it is looked at first. */
static int read_checked(struct call *c, struct record **ret)
{
	scoped(record_unref) struct record *patch = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0 && c->route->write == WRITE_CREATE)
		r = input_check_required(c, patch);
	if (r == 0)
		r = check_url(c, patch);
	if (r == 0)
		r = check_patch(patch, &c->error);
	if (r == 0)
		*ret = take_ptr(patch);
	return r;
}

/* ---- what is owed ---- */

void webhook_forget_failures(struct record *webhook)
{
	record_clear(webhook, F_webhook_attempts);
	record_clear(webhook, F_webhook_failing_since);
	record_clear(webhook, F_webhook_next_attempt_at);
}

void webhook_skip(struct record *webhook, int64_t project_version)
{
	record_set_int(webhook, F_webhook_sent_version, project_version);
	webhook_forget_failures(webhook);
}

int webhooks_skip_import(struct tx *tx, const struct record *project)
{
	struct query q = { .kind = KIND_webhook, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };
	scoped(record_unref) struct record *old = NULL;
	int r = tx_get(tx, KIND_project, record_id(project), &old);

	if (r)
		return r < 0 ? r : 0;
	query_where(&q, F_webhook_project_id, OP_EQ, record_id(project));
	query_where(&q, F_webhook_sent_version, OP_EQ, record_int(old, F_project_version, 0));
	r = tx_list(tx, &q, &list);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		webhook_skip(list.items[i], record_int(project, F_project_version, 0));
		r = tx_put(tx, list.items[i]);
	}
	return r;
}

/* ---- endpoints ---- */

int webhooks_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *webhook = NULL;
	int r = read_checked(c, &patch);

	if (r == 0)
		r = initial_make(c, patch, &webhook);
	if (r < 0)
		return r;
	record_set_int(webhook, F_webhook_project_id, call_project_id(c));
	webhook_skip(webhook, record_int(call_project(c), F_project_version, 0));
	r = tx_put(c->tx, webhook);
	return r < 0 ? r : answer_record(c, webhook);
}

/* Turned on or off, or sent elsewhere. */
static void follow_change(struct call *c, const struct record *old, struct record *now)
{
	bool was = record_int(old, F_webhook_enabled, 0),
	     is = record_int(now, F_webhook_enabled, 0);
	bool parked = !was && record_has(old, F_webhook_failing_since);

	if (is && !was && !parked)
		webhook_skip(now, record_int(call_project(c), F_project_version, 0));
	webhook_forget_failures(now);
}

int webhooks_update(struct call *c)
{
	const struct record *old = c->at[KIND_webhook];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	follow_change(c, old, now);
	if (change_differs(old, now, F_webhook_updated_at, -1)) {
		initial_touch(now, call_now_ms(c));
		r = tx_put(c->tx, now);
	}
	return r < 0 ? r : answer_record(c, now);
}

int webhooks_delete(struct call *c)
{
	int r = tx_delete(c->tx, KIND_webhook, record_id(c->at[KIND_webhook]));

	return r < 0 ? r : answer_nothing(c);
}
