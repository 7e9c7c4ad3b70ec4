/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network transport. A call is prepared by its caller, carried as a job by the network thread,
 * and read by its caller again; libcurl's multi handle and all that is in it are the network
 * thread's, which sleeps in curl_multi_poll() until a socket, a timer or the queue wakes it.
 */
#include "storyfs/curl.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <utlist.h>

#include "curl_call.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"

#define DEFAULT_USER_AGENT "storyfs/" STORYFS_VERSION

enum {
	DEFAULT_CONNECT_TIMEOUT_MS = 10 * 1000,
	DEFAULT_TIMEOUT_MS = 60 * 1000,
	DEFAULT_MAX_BODY = 64 * 1024 * 1024,
	MAX_IDLE_CONNECTIONS = 16,
	LONGEST_POLL_MS = 60 * 1000, /* orders wake the thread earlier */
};

static void start_call(struct curl_transport *c, struct curl_call *call)
{
	if (curl_multi_add_handle(c->multi, call->easy) == CURLM_OK)
		DL_APPEND(c->running, &call->job);
	else
		job_end(&c->queue, &call->job, -EIO);
}

static void end_call(struct curl_transport *c, struct curl_call *call, int result)
{
	struct job *job = &call->job;

	curl_multi_remove_handle(c->multi, call->easy);
	DL_DELETE(c->running, job);
	job_end(&c->queue, job, result);
}

static void end_given_up(struct curl_transport *c)
{
	for (struct job *job = c->running, *next; job; job = next) {
		next = job->next;
		if (job_is_given_up(&c->queue, job))
			end_call(c, (struct curl_call *)job, -EINTR);
	}
}

static void end_finished(struct curl_transport *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		struct curl_call *call = NULL;
		CURLcode code = msg->data.result; /* msg does not outlive the handle */

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
		end_call(c, call, curl_call_outcome(call, code));
	}
}

static void *run_network(void *arg)
{
	struct curl_transport *c = arg;
	struct job *job;
	int n_running;

	while (!job_queue_is_stopping(&c->queue)) {
		while ((job = job_queue_take(&c->queue)))
			start_call(c, (struct curl_call *)job);
		if (job_queue_has_given_up(&c->queue))
			end_given_up(c);
		curl_multi_perform(c->multi, &n_running);
		end_finished(c);
		curl_multi_poll(c->multi, NULL, 0, LONGEST_POLL_MS, NULL);
	}
	return NULL;
}

static void wake_network(void *data)
{
	struct curl_transport *c = data;

	curl_multi_wakeup(c->multi);
}

/* Told once, until it changes: an unreachable server would fill the log otherwise. */
static void log_outcome(struct curl_transport *c, const struct curl_call *call, int r)
{
	const char *target = call->req->target;
	int path_len = (int)strcspn(target, "?");
	int before = r == -EINTR ? r : atomic_exchange(&c->last_error, r);

	if (r == before)
		return;
	if (r == 0) {
		log_info("%s answers again", c->origin);
		return;
	}
	log_warning("%s %s%.*s: %s", http_method_name(call->req->method), c->origin, path_len,
		target,
		call->is_refused  ? "its address is none that may be asked"
		: call->too_big	  ? "the answer is too big"
		: r == -ETIMEDOUT ? "no answer in time"
		: call->words[0]  ? call->words
				  : text_errno(r));
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct curl_transport *c = (struct curl_transport *)t;
	struct call_limit bounded = *limit;

	if (!http_request_is_valid(req)) {
		log_error("a request that HTTP cannot carry was not sent");
		return -EINVAL;
	}
	if (!bounded.deadline_ms)
		bounded.deadline_ms = clock_deadline(c->timeout_ms);
	scoped(curl_call_fini) struct curl_call call = { .req = req, .max_body = c->max_body };

	job_init(&call.job);
	int r = curl_call_prepare(c, &call);

	if (r < 0)
		return r;
	r = job_run(&c->queue, &call.job, &bounded);
	log_outcome(c, &call, r);
	if (r < 0)
		return r;
	*ret = call.resp;
	call.resp = (struct http_response){ 0 };
	return 0;
}

static void free_parts(struct curl_transport *c)
{
	if (c->multi)
		curl_multi_cleanup(c->multi);
	job_queue_fini(&c->queue);
	free(c->origin);
	free(c->user_agent);
	free(c->ca_file);
	free(c->ca_dir);
	free(c);
	curl_global_cleanup();
}

static void stop_and_free(struct transport *t)
{
	struct curl_transport *c = (struct curl_transport *)t;

	job_queue_stop(&c->queue);
	pthread_join(c->thread, NULL);
	assert(!c->running);
	free_parts(c);
}

SCOPED_PTR(CURLU, curl_url_cleanup);
SCOPED_PTR(char, curl_free);

/* The URL without path, query and fragment: `https://host:port`. */
static int parse_origin(const char *base_url, char **ret_origin)
{
	scoped(curl_url_cleanup) CURLU *url = curl_url();
	scoped(curl_free) char *scheme = NULL;
	scoped(curl_free) char *user = NULL;
	scoped(curl_free) char *origin = NULL;

	if (curl_url_set(url, CURLUPART_URL, base_url, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return -EINVAL;
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return -EINVAL;
	if (curl_url_get(url, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
		return -EINVAL;
	curl_url_set(url, CURLUPART_PATH, NULL, 0);
	curl_url_set(url, CURLUPART_QUERY, NULL, 0);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(url, CURLUPART_URL, &origin, 0) != CURLUE_OK)
		return -EINVAL;
	char *host = strstr(origin, "//") + 2;

	host[strcspn(host, "/")] = '\0';
	*ret_origin = xstrdup(origin);
	return 0;
}

static char *copy_or_env(const char *value, const char *variable)
{
	const char *s = value ? value : getenv(variable);

	return s && s[0] ? xstrdup(s) : NULL;
}

static struct curl_transport *new_parts(const struct curl_config *config, char *origin)
{
	struct curl_transport *c = xcalloc(1, sizeof(*c));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->base = (struct transport){ .perform = perform, .free = stop_and_free };
	c->origin = origin;
	c->is_https = strncmp(origin, "https:", 6) == 0;
	c->user_agent = xstrdup(config->user_agent ? config->user_agent : DEFAULT_USER_AGENT);
	c->ca_file = copy_or_env(config->ca_file, "CURL_CA_BUNDLE");
	if (!c->ca_file)
		c->ca_file = copy_or_env(NULL, "SSL_CERT_FILE");
	if (!config->ca_file)
		c->ca_dir = copy_or_env(NULL, "SSL_CERT_DIR");
	c->connect_timeout_ms = config->connect_timeout_ms ? config->connect_timeout_ms
							   : DEFAULT_CONNECT_TIMEOUT_MS;
	c->timeout_ms = config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
	c->max_body = config->max_body ? config->max_body : DEFAULT_MAX_BODY;
	c->public_only = config->public_only;
	c->get_token = config->get_token;
	c->token_data = config->token_data;
	job_queue_init(&c->queue, wake_network, c);
	return c;
}

/* A connection that the other side closed must not end the program with SIGPIPE: no signal comes to
 * a thread of ours. */
static int start_network(struct curl_transport *c)
{
	c->multi = curl_multi_init();
	if (!c->multi || curl_multi_wakeup(c->multi) != CURLM_OK)
		return -EMFILE; /* there is no pipe to wake the thread by */
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
	return thread_start(run_network, c, &c->thread);
}

int curl_transport_new(const struct curl_config *config, struct transport **ret)
{
	char *origin;
	int r = parse_origin(config->base_url, &origin);

	if (r < 0) {
		/* Not with its words: they may hold a password. */
		log_error("the server's URL is not http:// or https://, a host, and no user or "
			  "password");
		return r;
	}
	struct curl_transport *c = new_parts(config, origin);

	r = start_network(c);
	if (r < 0) {
		log_error("the network thread did not start: %s", text_errno(r));
		free_parts(c);
		return r;
	}
	*ret = &c->base;
	return 0;
}
