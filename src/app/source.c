/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A source opened: transports stacked, bottom up, and what stands on them. */
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "credential.h"
#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/breaker.h"
#include "storyfs/curl.h"
#include "storyfs/dialect.h"
#include "storyfs/fault.h"
#include "storyfs/identity.h"
#include "storyfs/journal.h"
#include "storyfs/log.h"
#include "storyfs/parse.h"
#include "storyfs/rate.h"
#include "storyfs/retry.h"
#include "storyfs/server.h"
#include "storyfs/text.h"
#include "storyfs/token.h"

#define DEFAULT_PATH "/services/v5"

enum { TIMEOUT_S = 30, BREAKER_CAP_MS = 10 * 1000 };
/* Who reads all of a host leaves room for others. */
static const struct rate_config all_of_it = { .per_second = 10, .burst = 30, .max_in_flight = 2 };

struct source {
	char *where;
	char *cache_dir;	/* or NULL */
	char *cache_name;	/* of the host and who we are there, or NULL */
	char *origin, *ca_file; /* of a host, or NULL */
	int64_t timeout_ms;
	struct credential *token;
	struct transport *dialect; /* of a host, in the api's hands; NULL: it is V5's */
	struct archive *archive;
	struct server *server;
	struct api *api; /* when it is only connected */
	struct store *store;
	struct tree *tree;
	struct journal *journal;
};

bool source_is_url(const char *where)
{
	return text_has_prefix(where, "http://") || text_has_prefix(where, "https://");
}

void source_explain_missing(const char *where, int error, struct buf *ret_reason)
{
	buf_add_fmt(ret_reason,
		"%s: %s (an archive is a file made by `storyfs import`, a host begins with "
		"https://)",
		where, text_errno(error));
}

static int64_t timeout_ms(const struct source_config *config)
{
	return 1000 * (int64_t)(config->timeout_s ? config->timeout_s : TIMEOUT_S);
}

/* ---- a host ---- */

/* The URL's path without a slash at its end; V5's usual one when it has none. */
static int url_path(const char *url, char **ret, struct buf *ret_reason)
{
	const char *path = strchr(strstr(url, "://") + 3, '/');
	size_t len = path ? strlen(path) : 0;

	if (strpbrk(url, "?#")) {
		buf_add_fmt(ret_reason, "%s: a base URL has no query; did you mean https://HOST%s?",
			url, DEFAULT_PATH);
		return -EINVAL;
	}
	while (len && path[len - 1] == '/')
		len--;
	*ret = len ? xstrndup(path, len) : xstrdup(DEFAULT_PATH);
	return 0;
}

static bool renew_token(void *data)
{
	return credential_renew(((struct source *)data)->token);
}

/* Where the host keeps its files: without the token, and with as much care for who listens. */
static int open_elsewhere(void *data, const char *origin, struct transport **ret)
{
	struct source *s = data;
	struct curl_config curl = {
		.base_url = origin, .timeout_ms = s->timeout_ms, .ca_file = s->ca_file
	};

	if (text_has_prefix(s->where, "https:") && !text_has_prefix(origin, "https:"))
		return -EPROTO;
	return curl_transport_new(&curl, ret);
}

/* Below what tries again: whether that is safe is a question of the dialect. */
static int add_dialect(
	struct source *s, const char *text, struct transport **t, struct buf *ret_reason)
{
	struct dialect dialect;
	int e = dialect_parse(text ? text : "auto", &dialect, ret_reason);

	if (e == 0 && (dialect.spoken || dialect.open))
		*t = s->dialect = dialect_transport_new(&dialect, *t);
	return e;
}

static void describe_host(void *data, struct buf *ret)
{
	const struct source *s = data;

	buf_add_str(ret, "dialect: ");
	dialect_describe(s->dialect, ret);
	buf_add_char(ret, '\n');
}

static int open_host(struct source *s, const struct source_config *config, struct transport **ret,
	struct buf *ret_reason)
{
	struct curl_config curl = {
		.base_url = config->where,
		.timeout_ms = timeout_ms(config),
		.ca_file = config->ca_file,
		.get_token = credential_get,
	};
	struct retry_config retry = { .timeout_ms = timeout_ms(config) };
	scoped(transport_free) struct transport *t = NULL;

	s->token = credential_new(config->token_command, config->token_file, config->token);
	curl.token_data = s->token;
	scoped(free_ptr) char *target = NULL;
	int e = http_split_url(config->where, &s->origin, &target) ? curl_transport_new(&curl, &t)
								   : -EINVAL;

	if (e < 0) {
		buf_add_fmt(ret_reason, "%s: not a URL of a V5 host", config->where);
		return e;
	}
	/* Back within a refresh: what hangs on it is asked by then. */
	int64_t cap_ms = config->refresh_s ? config->refresh_s * INT64_C(1000) / 2 : 0;
	struct breaker_config breaker = { .cap_ms = cap_ms < BREAKER_CAP_MS ? cap_ms : 0 };

	if (config->all_of_it)
		t = rate_transport_new(&all_of_it, t);
	e = add_dialect(s, config->dialect, &t, ret_reason);
	if (e == 0)
		*ret = breaker_transport_new(&breaker, retry_transport_new(&retry, take_ptr(t)));
	return e;
}

/* ---- an archive ---- */

/* Who works in it: whom the option names, or whose archive it is. */
static int find_person(struct archive *a, const char *wanted, int64_t *ret, struct buf *ret_reason)
{
	scoped(tx_abort) struct tx *tx = NULL;
	int e = tx_begin(a, TX_READ, &tx);

	if (e < 0)
		return e;
	if (wanted)
		return identity_find(tx, wanted, ret, ret_reason);
	e = identity_get_owner(tx, ret);
	if (e > 0) {
		buf_add_str(ret_reason,
			"nobody is known to own this archive; say who you are with --person");
		e = -ENOENT;
	}
	return e;
}

static int open_archive(struct source *s, const struct source_config *config,
	struct transport **ret, struct buf *ret_reason)
{
	int64_t person;

	if (access(config->where, F_OK) < 0) {
		int e = -errno;

		source_explain_missing(config->where, errno, ret_reason);
		return e;
	}
	int e = archive_open(config->where, ARCHIVE_EXISTING, &s->archive, ret_reason);

	if (e == 0)
		e = find_person(s->archive, config->person, &person, ret_reason);
	if (e == 0)
		e = server_new(
			s->archive, &(struct server_config){ .cache_bytes = -1 }, &s->server);
	if (e < 0 && !ret_reason->len)
		buf_add_fmt(ret_reason, "%s: %s", config->where, archive_explain(e));
	if (e == 0)
		*ret = server_transport_new(s->server, person);
	return e;
}

/* Ours and those of other programs. */
static int count_archive_writes(void *data, int64_t *ret)
{
	return archive_version(data, ret);
}

/* ---- both ---- */

static int add_faults(const char *spec, struct transport **t, struct buf *ret_reason)
{
	struct fault_spec fault;

	if (!spec || !*spec)
		return 0;
	int e = fault_parse(spec, &fault, ret_reason);

	if (e == 0)
		*t = fault_transport_new(&fault, *t);
	return e;
}

static int open_transport(struct source *s, const struct source_config *config,
	struct transport **ret, struct api_config *ret_api, struct buf *ret_reason)
{
	bool is_url = source_is_url(config->where);
	char *path = NULL;
	int e = is_url ? url_path(config->where, &path, ret_reason) : 0;

	if (e < 0)
		return e;
	ret_api->base_path = is_url ? path : xstrdup(DEFAULT_PATH);
	e = (is_url ? open_host : open_archive)(s, config, ret, ret_reason);
	if (e == 0 && is_url) {
		ret_api->renew_token = renew_token;
		ret_api->origin = s->origin;
		ret_api->open_elsewhere = open_elsewhere;
		ret_api->data = s;
	}
	return e < 0 ? e : add_faults(config->fault, ret, ret_reason);
}

/* $XDG_CACHE_HOME/storyfs, as the XDG Base Directory Specification has it; NULL when there is no
 * home. The caller frees it. */
static char *find_cache_dir(void)
{
	const char *base = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (base && base[0] == '/')
		return xasprintf("%s/storyfs", base);
	return home && home[0] == '/' ? xasprintf("%s/.cache/storyfs", home) : NULL;
}

/* By the host and the token, of which nobody can find them again: whoever has another token sees
 * nothing of what this one was shown. NULL when there is no token to be had. */
static char *name_cache(struct source *s)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	char digest[TOKEN_DIGEST_SIZE];
	size_t len = strlen(s->where);

	while (len && s->where[len - 1] == '/')
		len--;
	buf_add(&text, s->where, len);
	buf_add_char(&text, '\n');
	int e = credential_get(s->token, &text);

	token_digest(buf_str(&text), digest);
	explicit_bzero(text.data, text.cap);
	return e < 0 ? NULL : xstrdup(digest);
}

static struct source *make_source(const struct source_config *config)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->where = xstrdup(config->where);
	s->ca_file = config->ca_file ? xstrdup(config->ca_file) : NULL;
	s->timeout_ms = timeout_ms(config);
	return s;
}

/* Up to the conversation; the caller of it frees what comes. */
static int open_api(struct source *s, const struct source_config *config, struct api **ret,
	struct buf *ret_reason)
{
	scoped(transport_free) struct transport *t = NULL;
	struct api_config api = { .page_limit = config->page_limit, .timeout_ms = s->timeout_ms };
	int e = open_transport(s, config, &t, &api, ret_reason);

	if (e == 0)
		*ret = api_new(take_ptr(t), &api);
	free((char *)api.base_path);
	if (e < 0 && !ret_reason->len)
		buf_add_fmt(ret_reason, "%s: %s", config->where, text_errno(e));
	return e;
}

int source_open(const struct source_config *config, struct source **ret, struct buf *ret_reason)
{
	scoped(source_close) struct source *s = make_source(config);
	struct store_config store = { .refresh_s = config->refresh_s,
		.stall_ms = timeout_ms(config) };
	struct api *api = NULL;

	store.cache_dir = s->cache_dir = find_cache_dir();
	int e = open_api(s, config, &api, ret_reason);

	if (e < 0)
		return e;
	if (s->archive) {
		store.count_writes = count_archive_writes;
		store.data = s->archive;
	}
	if (s->dialect) {
		store.describe_host = describe_host;
		store.data = s;
	}
	if (s->token && config->keep)
		store.cache_name = s->cache_name = name_cache(s);
	s->store = store_new(api, &store);
	s->tree = tree_new(s->store);
	*ret = take_ptr(s);
	return 0;
}

int source_connect(const struct source_config *config, struct source **ret, struct buf *ret_reason)
{
	scoped(source_close) struct source *s = make_source(config);
	int e = open_api(s, config, &s->api, ret_reason);

	if (e == 0)
		*ret = take_ptr(s);
	return e;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	tree_free(s->tree);
	journal_free(s->journal);
	store_free(s->store);
	api_free(s->api);
	server_free(s->server);
	archive_close(s->archive);
	credential_free(s->token);
	free(s->where);
	free(s->cache_dir);
	free(s->cache_name);
	free(s->origin);
	free(s->ca_file);
	free(s);
}

static bool has_token(struct source *s)
{
	scoped(buf_fini) struct buf token = BUF_INIT;

	if (s->token)
		credential_get(s->token, &token);
	if (token.data)
		explicit_bzero(token.data, token.cap);
	return token.len;
}

void source_explain(
	struct source *s, int error, const struct v5_error *words, struct buf *ret_reason)
{
	buf_add_fmt(ret_reason, "%s: ", s->where);
	v5_error_add_text(words, ret_reason);
	if (s->token && error == -EKEYREJECTED && words->status && !has_token(s))
		buf_add_str(ret_reason,
			"no token was given; see --token-file and --token-command in "
			"`storyfs mount --help`\n");
	if (s->token && error == -EOPNOTSUPP && !strstr(s->where, DEFAULT_PATH))
		buf_add_str(ret_reason,
			"V5 usually begins at " DEFAULT_PATH "; did you mean that URL with it?\n");
}

int source_check(struct source *s, struct buf *ret_reason)
{
	scoped(call_fini) struct call call = { 0 };
	scoped(record_unref) struct record *me = NULL;
	scoped(buf_fini) struct buf token = BUF_INIT;
	int e = s->token ? credential_get(s->token, &token) : 0;

	if (token.data)
		explicit_bzero(token.data, token.cap);
	if (e < 0) {
		buf_add_fmt(ret_reason, "%s: there is no token to send", s->where);
		return e;
	}
	e = store_get_me(s->store, &call, &me);
	if (e < 0)
		source_explain(s, e, &call.error, ret_reason);
	return e;
}

struct api *source_api(struct source *s)
{
	return s->api;
}

const char *source_cache_dir(const struct source *s)
{
	return s->cache_dir;
}

void source_keep_journal(struct source *s)
{
	scoped(free_ptr) char *path = journal_path(s->where);
	int e = journal_open(path, &s->journal);

	if (e < 0) {
		log_warning("%s: %s; the journal of this mount ends with it", path, text_errno(e));
		journal_open(NULL, &s->journal);
	}
	tree_set_journal(s->tree, s->journal);
}

struct store *source_store(struct source *s)
{
	return s->store;
}

struct tree *source_tree(struct source *s)
{
	return s->tree;
}
