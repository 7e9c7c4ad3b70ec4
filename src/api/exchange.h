/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the conversation share: one request, one answer. */
#ifndef STORYFS_API_EXCHANGE_H
#define STORYFS_API_EXCHANGE_H

#include "storyfs/api.h"

struct api {
	struct transport *transport;
	char *base_path;
	char *origin; /* NULL: a host without a name */
	int64_t page_limit;
	_Atomic(int64_t) told_limits[N_KINDS]; /* the host's own, below it; 0: it told none */
	int64_t max_listed;
	int64_t timeout_ms;
	int pages_at_once;
	bool (*renew_token)(void *data);
	int (*open_elsewhere)(void *data, const char *origin, struct transport **ret);
	void *data;
};

/* 0 for an answer 2xx; else -errno, and the words in the call. */
int api_exchange(struct api *api, const struct http_request *req, struct call *call,
	struct http_response *resp);
/* The resource that an answer holds. */
int api_read_one(const struct http_response *resp, const struct place *place, struct call *call,
	struct record **ret);

/* Path and query of a place; the caller frees it. */
char *api_make_target(
	const struct api *api, const struct place *place, const struct api_query *query);
/* A 2xx answer that is not what it should be: -EPROTO, and the words in the call. */
int api_refuse_body(const struct http_response *resp, const char *problems, struct call *call);
int64_t api_header_number(const struct http_response *resp, const char *name, int64_t otherwise);

#endif
