/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request as libcurl's easy handle: how it is prepared, what is sent and taken, what its end
 * means. */
#ifndef STORYFS_NET_CURL_CALL_H
#define STORYFS_NET_CURL_CALL_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "storyfs/curl.h"
#include "storyfs/job.h"

/* A request on its way, from prepare_call() to fini_call(). */
struct curl_call {
	struct job job; /* first: the queue hands out jobs */
	const struct http_request *req;
	CURL *easy;
	struct curl_slist *headers;
	size_t max_body;
	size_t header_bytes;
	unsigned int n_sent;
	bool too_big;
	bool is_refused; /* an address was */
	int sink_error;	 /* -errno of the request's sink */
	int64_t n_read;	 /* bytes of its source that were sent */
	char words[CURL_ERROR_SIZE];
	struct http_response resp;
};

struct curl_transport {
	struct transport base;
	char *origin;
	bool is_https;
	char *user_agent;
	char *ca_file;
	char *ca_dir;
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	size_t max_body;
	bool public_only;
	int (*get_token)(void *data, struct buf *ret_token);
	void *token_data;

	atomic_int last_error; /* 0: the host answers */
	struct job_queue queue;
	CURLM *multi;
	pthread_t thread;
	struct job *running; /* the network thread's alone */
};

/* Nothing is sent yet. -errno; the call is finished by curl_call_fini in any case. */
int curl_call_prepare(struct curl_transport *c, struct curl_call *call);
void curl_call_fini(struct curl_call *call);
/* What came of it, in the words of transport.h: 0, with the status noted, or -errno. */
int curl_call_outcome(struct curl_call *call, CURLcode code);

SCOPED_VALUE(struct curl_call, curl_call_fini);

#endif
