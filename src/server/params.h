/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameters of a request: out of the query (with bracket notation, `labels[][name]=x`), a
 * urlencoded or multipart body or a JSON body, and which parameters beside a resource's fields
 * there are (params.def). A parameter of the body comes before one of the query.
 */
#ifndef STORYFS_SERVER_PARAMS_H
#define STORYFS_SERVER_PARAMS_H

#include "multipart.h"
#include "storyfs/error.h"
#include "storyfs/http.h"
#include "storyfs/schema.h"

#define CHOICES(set, ...)
#define PARAMS(set)      \
	enum param_##set \
	{
#define PARAM(set, key, ...) P_##set##_##key,
#define PARAMS_END(set) \
	N_P_##set       \
	}               \
	;
#include "params.def"

/* A set of params.def; params_none is the empty one. */
struct param_set {
	const struct field *params;
	int n;
};

extern const struct param_set params_none;
#define CHOICES(set, ...)
#define PARAMS(set) extern const struct param_set params_##set;
#define PARAM(set, key, ...)
#define PARAMS_END(set)
#include "params.def"

/* The words of a parameter that is one of a set of words. */
const struct choices *param_choices(const struct field *param);

struct json_t;
struct params;

/* A value as it came. Text from a query or form is loose: it has to be read as what the parameter
 * is; JSON has types of its own. */
struct param_value {
	const struct json_t *json; /* borrowed; NULL: not given */
	bool loose;
};

/* query may be NULL; the body is read by its Content-Type, and must outlive the parameters. Refuses
 * what is no JSON object or array, no UTF-8, or nested or long beyond reason; -errno without an
 * error when its source cannot be read. */
int params_read(const struct http_request *req, const char *query, struct params **ret,
	struct v5_error *ret_error);
void params_free(struct params *p);
struct param_value params_get(const struct params *p, const char *key);
size_t params_n_files(const struct params *p);
/* The file that came under this name, NULL when there is none. */
const struct part *params_file(const struct params *p, const char *name);
/* Put n of its bytes from this one on; there are as many. -errno when the body cannot be read. */
int params_read_file(
	const struct params *p, const struct part *file, int64_t at, char *to, size_t n);
/* The body, when it is a JSON array; NULL else. Borrowed. */
const struct json_t *params_list(const struct params *p);
/* Refuse the body as none that the endpoint can read. */
int params_refuse_body(struct v5_error *ret_error);
/* The i-th key, files' names among them; NULL after the last. */
const char *params_key(const struct params *p, size_t i);

SCOPED_PTR(struct params, params_free);

#endif
