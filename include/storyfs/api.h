/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The V5 conversation: what to ask for and what the answer means. Paths come from the schema,
 * pages are put together, error answers become an errno and the server's words. No state but the
 * counters; any thread may call, every call blocks on the transport within its limit.
 *
 * Every function returns -errno on failure and then fills *ret_error (zeroed by the caller, who
 * frees it) so that a person can be told: by the server's error object, or in our words when there
 * was no answer. ret_error is never NULL.
 */
#ifndef STORYFS_API_H
#define STORYFS_API_H

#include "storyfs/error.h"
#include "storyfs/record.h"
#include "storyfs/transport.h"

struct api;

struct api_config {
	const char *base_path; /* what stands before V5's own paths: "/services/v5" */
	int64_t page_limit;    /* resources asked for at once; 0: 500 */
	int64_t timeout_ms;    /* of one request, when the call's limit has no deadline; 0: 30 s */
	/* Append the token, or nothing when there is none (in-process); -errno when its source
	 * fails. Asked once, and again after the server refused it. NULL: there is none. */
	int (*get_token)(void *data, struct buf *ret_token);
	void *data;
};

/* Takes the transport over. */
struct api *api_new(struct transport *t, const struct api_config *config);
void api_free(struct api *api);

/* Where a resource is: a path is made of these. Ids that do not apply are 0. */
struct api_place {
	enum kind kind;
	int64_t id; /* 0: the collection */
	int64_t project_id;
	enum kind parent; /* KIND_story or KIND_epic, for what hangs below them */
	int64_t parent_id;
};

/* `/projects/99/stories/555/comments/7`. */
void api_add_path(const struct api_place *place, struct buf *b);

/* One resource. fields is the parameter's text, or NULL for the default response. */
int api_get(struct api *api, const struct api_place *place, const char *fields,
	const struct call_limit *limit, struct record **ret, struct v5_error *ret_error);

/* What a list cost and when it was true. */
struct api_listing {
	struct records records;
	int64_t version; /* X-Tracker-Project-Version of the first page, 0 when not sent */
	int n_requests;
	struct buf problems; /* what was not as the table says, a line each */
};

void api_listing_fini(struct api_listing *listing);

/* A whole collection in order, page by page: the server echoes the limit it applied, and the next
 * page begins after what was returned. query holds more parameters ("a=b&c=d", encoded) or NULL. A
 * list that shrinks or moves under the reader is read again from the start, three times at most. */
int api_list(struct api *api, const struct api_place *place, const char *fields, const char *query,
	const struct call_limit *limit, struct api_listing *ret, struct v5_error *ret_error);

/* POST, PUT: the patch's fields alone are sent; *ret is the resource as it is now. */
int api_create(struct api *api, const struct api_place *place, const struct record *patch,
	const struct call_limit *limit, struct record **ret, struct v5_error *ret_error);
int api_update(struct api *api, const struct api_place *place, const struct record *patch,
	const struct call_limit *limit, struct record **ret, struct v5_error *ret_error);
int api_delete(struct api *api, const struct api_place *place, const struct call_limit *limit,
	struct v5_error *ret_error);

/* After this errno of a write nobody knows whether it was carried out. */
bool api_is_outcome_unknown(int error);

SCOPED_PTR(struct api, api_free);
SCOPED_VALUE(struct api_listing, api_listing_fini);

#endif
