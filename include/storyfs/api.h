/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The V5 conversation: what to ask for and what the answer means. Paths come from the schema,
 * pages are put together, error answers become an errno and the server's words. It knows of the
 * host what largest pages it gives, and nothing else; any thread may call, every call blocks on the
 * transport within its limit.
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
	int pages_at_once;     /* of a list are asked for, after its first; 0: 8 */
	int64_t max_listed;    /* a list that goes on behind so many has no end; 0: 1 << 22 */
	int64_t timeout_ms;    /* of one request, when the call's limit has no deadline; 0: 30 s */
	/* The server refused the token: is there another to try? Asked once a call; may block while
	 * its source is asked. The token itself is the transport's business. NULL: there is none.
	 */
	bool (*renew_token)(void *data);
	/* Files may lie at another host, at an address that is secret enough: a transport to it,
	 * which sends no token. -errno. NULL: they do not. */
	const char *origin; /* of the host itself: "https://host:port", or NULL */
	int (*open_elsewhere)(void *data, const char *origin, struct transport **ret);
	void *data;
};

/*
 * One call, from the one who asked down to the transport: what bounds it, and, when a function that
 * was given it returned -errno, why, so that a person can be told: the server's error object, or
 * our words when there was no answer. Zeroed is a call without bounds of its own.
 */
struct call {
	struct call_limit limit;
	struct v5_error error;
	int64_t version; /* X-Tracker-Project-Version of the last answer; 0: it had none */
};

void call_fini(struct call *call);

/* Takes the transport over. */
struct api *api_new(struct transport *t, const struct api_config *config);
void api_free(struct api *api);

/* Where a resource is, or a collection (id 0): what it hangs below, and the project around that.
 * The parent is KIND_none for projects and me; where it is the project, project_id says the same or
 * 0. */
struct place {
	enum kind kind;
	int64_t id;
	enum kind parent;
	int64_t parent_id;
	int64_t project_id;
};

/* `/projects/99/stories/555/comments/7`. */
void api_add_path(const struct place *place, struct buf *b);

/* One resource, by its default response; call->version is of the same moment. */
int api_get(struct api *api, const struct place *place, struct call *call, struct record **ret);

/* How far a list is read; any thread may look while it goes on. */
struct api_progress {
	_Atomic(size_t) got;
	_Atomic(int64_t) total; /* 0: nothing was asked for yet; -1: not told, or not yet */
};

/* What else to ask a list for. Zeroed is the default response of all. */
struct api_query {
	const char *fields;	       /* the parameter's text, or NULL */
	const char *filters;	       /* "a=b&c=d", encoded, or NULL */
	size_t max;		       /* no further pages than that many take; 0: all */
	size_t n_expected;	       /* resources; then no page waits for the first; 0 */
	struct api_progress *progress; /* kept up to date, or NULL */
};

/* A list, what it cost and when it was true. */
struct api_listing {
	struct records records;
	int64_t version; /* X-Tracker-Project-Version of the first page, 0 when not sent */
	int n_requests;
	struct buf problems; /* what was not as the table says, a line each */
};

void api_listing_fini(struct api_listing *listing);

/* A whole collection in order. Its first page tells how many resources a page has, which may be
 * less than was asked for, and how many there are, unless that is expected; the other pages are
 * asked for several at once, by threads of the call, which ask its limit, too. Where that does not
 * fit together the list is read page after page, the next one beginning after what was returned. A
 * list whose project moves meanwhile is read again from the start, three times at most; then an id
 * may come twice, and version is the oldest page's. What hangs below stories can be listed for a
 * whole project (its transitions), and what hangs below projects for none of them: then it is that
 * of whoever asks
 * (`/my/activity`). */
int api_list(struct api *api, const struct place *place, const struct api_query *query,
	struct call *call, struct api_listing *ret);

/* Some of a list, and what to ask of each. */
struct api_some {
	const struct ids *ids;
	const char *fields;
};

/* Those of a project's stories (place, without an id) that have these ids, in no order; who is not
 * there (any more) is left out. version is the oldest answer's. */
int api_list_some(struct api *api, const struct place *place, const struct api_some *some,
	struct call *call, struct api_listing *ret);

/* What the host answers at a path (that begins with a slash, with its query), as it came: 2xx. */
int api_get_text(struct api *api, const char *path, struct call *call, struct http_response *ret);

/* POST, PUT: the patch's fields alone are sent; *ret is the resource as it is now. */
int api_create(struct api *api, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret);
int api_update(struct api *api, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret);
int api_delete(struct api *api, const struct place *place, struct call *call);

/* A file on its way to the host: how it is called there, and its bytes, which are borrowed. */
struct api_file {
	const char *name;
	struct http_source *bytes;
};

/* POST it to the project's uploads; *ret is its file_attachment, which nothing holds yet. */
int api_upload(struct api *api, int64_t project_id, const struct api_file *file, struct call *call,
	struct record **ret);
/* Take a file_attachment off the comment that holds it, which deletes it. */
int api_detach(struct api *api, const struct place *comment, int64_t file_id, struct call *call);
/* The bytes behind a file_attachment's download_url: a path of the host, or a URL of it. Redirects
 * are followed, to other hosts without the token. */
int api_download(struct api *api, const char *url, struct http_sink *sink, struct call *call);

/* After this errno of a write nobody knows whether it was carried out. It is -EIO, with the host's
 * words, where an answer is_doubtful (http.h). */
bool api_is_outcome_unknown(int error);

SCOPED_PTR(struct api, api_free);
SCOPED_VALUE(struct call, call_fini);
SCOPED_VALUE(struct api_listing, api_listing_fini);

#endif
