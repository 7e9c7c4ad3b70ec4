/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A V5 host of nothing but JSON, as a transport. It holds lists and single resources by path and
 * answers GET from them: pages by limit and offset, `fields` by name, one of a list by its id, the
 * project's version in a header. PUT changes what it holds, POST adds to a list, DELETE takes away.
 * Everything else is V5's 404. Faults come on top, and each request is remembered. Any thread may
 * call; a delayed one holds nothing.
 */
#ifndef STORYFS_TESTS_HOST_H
#define STORYFS_TESTS_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/transport.h"

#define HOST_BASE "/services/v5"

struct json_t;

struct host_asked {
	enum http_method method;
	char *target; /* without HOST_BASE */
	char *body;
};

/* What goes wrong with a request. Zeroed members do nothing. */
struct host_fault {
	enum http_method method;
	const char *path; /* some part of the target, or NULL: any */
	int times;	  /* as often as that; 0: always */
	int64_t delay_ms; /* before anything else, unless the call's limit ends it */
	bool done;	  /* the request is carried out all the same */
	int error;	  /* -errno instead of an answer */
	int status;	  /* another answer */
	const char *body; /* and its body */
	size_t cut;	  /* so many bytes of the answer are missing at its end */
};

enum { HOST_MAX_FAULTS = 8 };

struct host {
	struct transport base;
	int64_t max_limit;	/* pages hold no more than that; 0: what was asked for */
	int64_t total;		/* what is said to be there; 0: what is */
	bool without_version;	/* no X-Tracker-Project-Version */
	bool without_nesting;	/* what is nested (comments, tasks...) never is, in its parents */
	bool without_empty;	/* empty nested lists are left out */
	bool numbers;		/* what is made has a `position`, as what has one does */
	const char *updated_at; /* of what a PUT changes, or NULL: as it was */
	/* Called after each answer, holding the lock; may use host_set and host_move. */
	void (*answered)(struct host *h, const struct host_asked *asked);

	pthread_mutex_t lock; /* guards what follows */
	struct json_t *held;
	struct host_fault faults[HOST_MAX_FAULTS];
	size_t n_faults;
	struct host_asked *asked;
	size_t n_asked;
	int64_t last_label_id, last_made_id;
	int n_freed;
};

/* The API frees the transport, which only counts it; the value is the test's. */
void host_init(struct host *h);
void host_fini(struct host *h);

/* Hold this JSON, a list or an object, at a path ("/projects/99/stories"). `'` stands for `"`. */
void host_set(struct host *h, const char *path, const char *json);
/* The same; the value is taken over. */
void host_set_json(struct host *h, const char *path, struct json_t *json);
/* One member of one resource of a list, NULL to take the member away. */
void host_change(struct host *h, const char *path, const char *key, const char *json);
/* What is nested in a resource under the key is the list at `<path>/<key>` from now on. */
void host_nest(struct host *h, const char *path, const char *key);
/* Take a resource out of its list ("/projects/99/stories/5"), or put one at its end. */
void host_remove(struct host *h, const char *path);
void host_add(struct host *h, const char *list, const char *json);
/* Another version of the project. */
void host_move(struct host *h, int64_t project_id, int64_t version);

void host_fail(struct host *h, const struct host_fault *fault);
void host_heal(struct host *h);

/* Requests so far, all of them or those with this text in "METHOD target". */
size_t host_count(struct host *h, const char *text);
void host_forget(struct host *h);

SCOPED_VALUE(struct host, host_fini);

#endif
