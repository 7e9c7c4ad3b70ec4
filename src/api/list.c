/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists: pages put together. The first page tells how many there are, unless that was known; the
 * others are fetched by a crew, several at once, and put together in their order. When the project
 * moves meanwhile the list is read again; the last try reads page after page, and ends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "exchange.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"
#include "storyfs/thread.h"

enum {
	LIST_TRIES = 3,
	MAX_CREW = 16,
	MAX_PAGES = 1 << 14, /* to keep track of at once */
	SOME_AT_ONCE = 250,  /* ids that a request line holds; V5 takes 500 */
};

/* What a reading ends as, beside 0 and -errno. */
enum {
	LIST_MOVED = 1, /* the project has another version than it began with */
	LIST_UNEVEN,	/* pages are not as large as the first one was */
};

/* A list on its way: what is asked for and what came of it. */
struct reading {
	struct api *api;
	enum kind kind;
	const char *target; /* without the page's bounds */
	bool is_paged;
	int64_t max;		       /* records; 0: all there are */
	int64_t n_expected;	       /* 0: who knows */
	struct api_progress *progress; /* or NULL */
	struct call *call;
	struct api_listing *into;
};

struct page {
	int64_t offset;
	int64_t total; /* -1: the list is not paged */
	int64_t version;
	bool is_read;
	size_t n; /* items that came, also what is no record */
	struct records records;
	struct buf problems;
};

void api_listing_fini(struct api_listing *listing)
{
	records_fini(&listing->records);
	buf_fini(&listing->problems);
	*listing = (struct api_listing){ 0 };
}

/* ---- one page ---- */

static void page_fini(struct page *page)
{
	records_fini(&page->records);
	buf_fini(&page->problems);
}

SCOPED_VALUE(struct page, page_fini);

/* How many to ask for at once. */
static int64_t page_limit(struct api *api, enum kind kind)
{
	int64_t told = atomic_load(&api->told_limits[kind]);

	return told ? told : api->page_limit;
}

static char *page_target(const struct reading *r, int64_t offset)
{
	if (!r->is_paged)
		return xstrdup(r->target);
	return xasprintf("%s%climit=%" PRId64 "&offset=%" PRId64, r->target,
		strchr(r->target, '?') ? '&' : '?', page_limit(r->api, r->kind), offset);
}

/* A host may have a limit of its own, which it tells: no more is asked for from then on. */
static void note_limit(struct api *api, enum kind kind, const struct http_response *resp)
{
	int64_t told = api_header_number(resp, "X-Tracker-Pagination-Limit", 0);

	if (told > 0 && told < page_limit(api, kind))
		atomic_store(&api->told_limits[kind], told);
}

/* The page at ret->offset. */
static int get_page(const struct reading *r, struct call *call, struct page *ret)
{
	scoped(http_request_fini) struct http_request req = { .method = HTTP_GET };
	scoped(http_response_fini) struct http_response resp = { 0 };

	req.target = page_target(r, ret->offset);
	http_headers_add(&req.headers, "Accept", "application/json");
	int e = api_exchange(r->api, &req, call, &resp);

	if (e < 0)
		return e;
	e = json_read_records(
		r->kind, buf_str(&resp.body), resp.body.len, &ret->problems, &ret->records);
	/* A list that begins with nothing but what is no resource is none. */
	if (e < 0 || (e > 0 && !ret->records.n && !ret->offset))
		return api_refuse_body(&resp, buf_str(&ret->problems), call);
	ret->n = ret->records.n + (size_t)e;
	ret->total = -1;
	if (schema_resource(r->kind)->paged)
		ret->total = api_header_number(&resp, "X-Tracker-Pagination-Total", -1);
	if (r->is_paged)
		note_limit(r->api, r->kind, &resp);
	ret->version = api_header_number(&resp, "X-Tracker-Project-Version", 0);
	ret->is_read = true;
	if (r->progress) {
		atomic_store(&r->progress->total, ret->total);
		atomic_fetch_add(&r->progress->got, ret->n);
	}
	return 0;
}

/* Where it ends. */
static int64_t page_end(const struct page *page)
{
	return page->offset + (int64_t)page->n;
}

/* How many there are to read. */
static int64_t wanted(const struct reading *r, const struct page *page)
{
	int64_t most = r->max ? r->max : r->api->max_listed + 1;

	return page->total > most ? most : page->total;
}

static int refuse_endless(const struct reading *r)
{
	v5_error_fini(&r->call->error);
	r->call->error.code = V5_OTHER;
	r->call->error.code_text = xstrdup("endless_list");
	r->call->error.error =
		xasprintf("The server's list of %s has no end: %" PRId64 " were read.",
			schema_resource(r->kind)->plural, r->api->max_listed);
	return -EPROTO;
}

static void add_page(const struct reading *r, const struct page *page)
{
	each_record(one, &page->records)
		records_add(&r->into->records, record_ref(one));
	buf_add(&r->into->problems, buf_str(&page->problems), page->problems.len);
	r->into->n_requests++;
}

/* ---- one after the other ---- */

/* From the end of this page on. */
static int read_on(const struct reading *r, const struct page *first, bool must_end)
{
	int64_t offset = page_end(first), n = (int64_t)first->n;
	int64_t all = wanted(r, first);
	bool moved = false;

	while (n && offset < all) {
		scoped(page_fini) struct page page = { .offset = offset };
		int e = get_page(r, r->call, &page);

		if (e < 0)
			return e;
		add_page(r, &page);
		moved = moved || page.version != first->version;
		if (moved && !must_end)
			return LIST_MOVED;
		all = wanted(r, &page);
		n = (int64_t)page.n;
		offset += n;
		if (offset > r->api->max_listed)
			return refuse_endless(r);
	}
	return moved ? LIST_MOVED : 0;
}

/* ---- several at once ---- */

/* Who fetches the pages, all or those behind the first one. */
struct crew {
	const struct reading *reading;
	int64_t version; /* of the first page; 0: not known yet */
	size_t n_pages;
	struct page *pages;
	atomic_size_t next;   /* page to be taken */
	atomic_bool is_over;  /* there is no use in going on */
	pthread_mutex_t lock; /* guards what the reading's call says of the first failure */
	int failure;
};

static void note_failure(struct crew *c, int e, struct call *call)
{
	lock_scope(&c->lock);
	atomic_store(&c->is_over, true);
	if (c->failure)
		return;
	c->failure = e;
	v5_error_fini(&c->reading->call->error);
	c->reading->call->error = call->error;
	call->error = (struct v5_error){ 0 };
}

static void *fetch_pages(void *data)
{
	struct crew *c = data;

	while (!atomic_load(&c->is_over)) {
		scoped(call_fini) struct call call = { .limit = c->reading->call->limit };
		size_t i = atomic_fetch_add(&c->next, 1);

		if (i >= c->n_pages)
			break;
		int e = get_page(c->reading, &call, &c->pages[i]);

		if (e < 0)
			note_failure(c, e, &call);
		else if ((c->version && c->pages[i].version != c->version) || !c->pages[i].n)
			atomic_store(&c->is_over, true);
	}
	return NULL;
}

/* The one who asks is one of them; whom there is no thread for is not needed. */
static void run_crew(struct crew *c)
{
	pthread_t threads[MAX_CREW];
	int n = 0, most = c->reading->api->pages_at_once - 1;

	if (most > MAX_CREW)
		most = MAX_CREW;
	if (most > (int)c->n_pages - 1)
		most = (int)c->n_pages - 1;
	while (n < most && thread_start(fetch_pages, c, &threads[n]) == 0)
		n++;
	fetch_pages(c);
	while (n)
		pthread_join(threads[--n], NULL);
}

/* Each as large as the first, up to the end. Totals may be larger than what there is; then pages
 * are empty, and behind the first of those none is asked for. */
static bool is_even(const struct crew *c, const struct page *first)
{
	bool ended = false;

	for (size_t i = 0; i < c->n_pages; i++) {
		const struct page *page = &c->pages[i];

		if (page->is_read && (page->n > first->n || page->total != first->total))
			return false;
		if (ended && page->n)
			return false;
		ended = page->n < first->n;
	}
	return true;
}

static int gather(const struct crew *c, const struct page *first)
{
	struct api_listing *into = c->reading->into;
	bool moved = false;

	if (c->failure)
		return c->failure;
	for (size_t i = 0; i < c->n_pages; i++)
		moved = moved || (c->pages[i].is_read && c->pages[i].version != c->version);
	if (!moved && is_even(c, first)) {
		for (size_t i = 0; i < c->n_pages && c->pages[i].is_read; i++)
			add_page(c->reading, &c->pages[i]);
		return 0;
	}
	for (size_t i = 0; i < c->n_pages; i++)
		into->n_requests += c->pages[i].is_read;
	return moved ? LIST_MOVED : LIST_UNEVEN;
}

static void crew_fini(struct crew *c)
{
	pthread_mutex_destroy(&c->lock);
	for (size_t i = 0; i < c->n_pages; i++)
		page_fini(&c->pages[i]);
	free(c->pages);
}

SCOPED_VALUE(struct crew, crew_fini);

/* Pages of n from an offset on, up to the end. False when these are too many. */
static bool fetch_all(struct crew *c, int64_t offset, int64_t n, int64_t end)
{
	pthread_mutex_init(&c->lock, NULL);
	int64_t n_pages = (end - offset + n - 1) / n;

	if (n_pages > MAX_PAGES)
		return false;
	c->pages = xcalloc((size_t)n_pages, sizeof(*c->pages));
	for (; c->n_pages < (size_t)n_pages; c->n_pages++)
		c->pages[c->n_pages].offset = offset + n * (int64_t)c->n_pages;
	run_crew(c);
	return true;
}

static int read_at_once(const struct reading *r, const struct page *first)
{
	scoped(crew_fini) struct crew c = { .reading = r, .version = first->version };
	int64_t n = (int64_t)first->n;

	return fetch_all(&c, n, n, wanted(r, first)) ? gather(&c, first) : LIST_UNEVEN;
}

/* With the first page, when there are as many as expected on pages as large as was asked for. */
static int read_expected(const struct reading *r)
{
	scoped(crew_fini) struct crew c = { .reading = r };
	int64_t n = page_limit(r->api, r->kind);

	if (!fetch_all(&c, 0, n, r->n_expected))
		return LIST_UNEVEN;
	const struct page *first = &c.pages[0];
	bool is_right = first->is_read && (int64_t)first->n == n && first->total > 0 &&
			wanted(r, first) <= n * (int64_t)c.n_pages;

	c.version = r->into->version = first->version;
	int e = gather(&c, first);

	return e || is_right ? e : LIST_UNEVEN;
}

/* ---- lists ---- */

/* All pages once; LIST_MOVED when the project moved on the way, and then no further unless it must
 * be. */
static int list_once(const struct reading *r, bool must_end)
{
	scoped(page_fini) struct page first = { 0 };

	if (r->progress) {
		atomic_store(&r->progress->got, 0);
		atomic_store(&r->progress->total, -1);
	}
	if (r->n_expected > page_limit(r->api, r->kind))
		return read_expected(r);
	int e = get_page(r, r->call, &first);

	if (e < 0)
		return e;
	add_page(r, &first);
	r->into->version = first.version;
	if (!first.n || page_end(&first) >= wanted(r, &first))
		return 0;
	e = must_end || r->api->pages_at_once == 1 ? LIST_UNEVEN : read_at_once(r, &first);
	return e == LIST_UNEVEN ? read_on(r, &first, must_end) : e;
}

int api_list(struct api *api, const struct place *place, const struct api_query *query,
	struct call *call, struct api_listing *ret)
{
	scoped(free_ptr) char *target = api_make_target(api, place, query);
	int n_requests = 0;

	for (int i = 1;; i++) {
		scoped(api_listing_fini) struct api_listing listing = { 0 };
		struct reading reading = { .api = api,
			.kind = place->kind,
			.target = target,
			.is_paged = schema_resource(place->kind)->paged,
			.max = query ? (int64_t)query->max : 0,
			.n_expected = query && i == 1 ? (int64_t)query->n_expected : 0,
			.progress = query ? query->progress : NULL,
			.call = call,
			.into = &listing };
		int e = list_once(&reading, i == LIST_TRIES);

		if (e >= 0 && (int64_t)listing.records.n > api->max_listed)
			e = refuse_endless(&reading);
		if (e < 0)
			return e;
		n_requests += listing.n_requests;
		if (e > 0 && i < LIST_TRIES)
			continue;
		*ret = listing;
		ret->n_requests = n_requests;
		listing = (struct api_listing){ 0 };
		return 0;
	}
}

/* ---- some of them ---- */

/* V5 has no pages here; a host with a limit for pages may have it here, too. */
static size_t some_at_once(struct api *api, enum kind kind)
{
	int64_t told = atomic_load(&api->told_limits[kind]);

	return told && told < SOME_AT_ONCE ? (size_t)told : SOME_AT_ONCE;
}

static char *some_target(const struct api *api, const struct place *place,
	const struct api_some *some, size_t first, size_t end)
{
	const struct ids *ids = some->ids;
	struct buf target = BUF_INIT;

	buf_add_str(&target, api->base_path);
	api_add_path(place, &target);
	buf_add_str(&target, "/bulk?ids=");
	for (size_t i = first; i < ids->n && i < end; i++)
		buf_add_fmt(&target, "%s%" PRId64, i > first ? "," : "", ids->v[i]);
	buf_add_str(&target, "&fields=");
	http_add_encoded(&target, some->fields);
	return buf_take(&target);
}

int api_list_some(struct api *api, const struct place *place, const struct api_some *some,
	struct call *call, struct api_listing *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	size_t at_once = some_at_once(api, place->kind);

	for (size_t from = 0; from < some->ids->n; from += at_once) {
		scoped(free_ptr) char *target = some_target(api, place, some, from, from + at_once);
		scoped(page_fini) struct page page = { 0 };
		struct reading reading = { .api = api,
			.kind = place->kind,
			.target = target,
			.call = call,
			.into = &listing };
		int e = get_page(&reading, call, &page);

		if (e < 0)
			return e;
		add_page(&reading, &page);
		if (from == 0 || page.version < listing.version)
			listing.version = page.version;
	}
	*ret = listing;
	listing = (struct api_listing){ 0 };
	return 0;
}
