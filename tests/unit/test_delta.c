/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store that follows a project by its activity knows what one knows that was loaded just now,
 * whatever happened, and asks for no list again to know it. The host is the V5 server itself; the
 * store forgets nothing of a project in between.
 */
#include <errno.h>

#include "served.h"
#include "storyfs/json.h"
#include "storyfs/store.h"

enum { N_ROUNDS = 20, N_SPOILED_ROUNDS = 4, MAX_STEPS = 6 };

/* ---- a transport that counts ---- */

struct counting {
	struct transport base, *inner;
	int n_requests, n_lists; /* of them, those of all stories */
	const struct spoiling *spoiling;
};

/* What becomes of answers about what happened. */
struct spoiling {
	int status;	       /* instead of one, or 0 */
	const char *text, *by; /* all of this becomes that, of the same length */
};

static void spoil(const struct spoiling *how, struct http_response *ret)
{
	if (how->status) {
		ret->status = how->status;
		buf_reset(&ret->body);
		buf_add_str(&ret->body, "{\"kind\":\"error\",\"code\":\"route_not_found\"}");
		return;
	}
	for (char *at = ret->body.data; (at = strstr(at, how->text));)
		memcpy(at, how->by, strlen(how->by));
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct counting *c = (struct counting *)t;

	c->n_requests++;
	/* The past of a story that comes from another project is found in the list alone. */
	c->n_lists += strstr(req->target, "/stories?") && !strstr(req->target, "transitions");
	int e = transport_perform(c->inner, req, limit, ret);

	if (c->spoiling && strstr(req->target, "fields=guid%2Cproject_version%2Ckind%2Cchanges"))
		spoil(c->spoiling, ret);
	return e;
}

static void free_counting(struct transport *t)
{
	transport_free(((struct counting *)t)->inner);
}

static struct store *open_store(struct served *s, struct counting *c)
{
	*c = (struct counting){ .base = { .perform = perform, .free = free_counting },
		.inner = server_transport_new(s->server, ADA) };
	struct api *api = api_new(
		&c->base, &(struct api_config){ .base_path = "/services/v5", .page_limit = 20 });

	return store_new(api, &(struct store_config){ .cache_dir = s->dir });
}

/* ---- all that a store knows ---- */

static const struct {
	enum kind kind, parent;
} lists[] = {
	{ KIND_project_membership, KIND_project },
	{ KIND_label, KIND_project },
	{ KIND_story, KIND_project },
	{ KIND_epic, KIND_project },
	{ KIND_iteration, KIND_project },
	{ KIND_release, KIND_project },
	{ KIND_review_type, KIND_project },
	{ KIND_activity, KIND_project },
	{ KIND_story_transition, KIND_project },
	{ KIND_comment, KIND_story },
	{ KIND_task, KIND_story },
	{ KIND_blocker, KIND_story },
	{ KIND_review, KIND_story },
	{ KIND_file_attachment, KIND_story },
	{ KIND_comment, KIND_epic },
};

static void list(struct store *store, const struct place *place, struct records *ret)
{
	scoped(call_fini) struct call call = { 0 };
	int e = store_list(store, place, &call, ret);

	if (e < 0)
		fail_msg("%s of %s %lld: %s, %s", schema_resource(place->kind)->plural,
			schema_resource(place->parent)->name, (long long)place->parent_id,
			strerrordesc_np(-e), call.error.error ? call.error.error : "");
}

static void add_lines(struct buf *b, const struct place *place, const struct records *all)
{
	buf_add_fmt(b, "%s of %s %lld:\n", schema_resource(place->kind)->plural,
		schema_resource(place->parent)->name, (long long)place->parent_id);
	each_record(r, all) {
		json_add_record(r, NULL, 0, b);
		buf_add_char(b, '\n');
	}
}

/* As text, in its order. */
static void tell(struct store *store, int64_t project_id, struct buf *b)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		scoped(records_fini) struct records parents = { 0 };
		struct place place = { lists[i].kind, 0, lists[i].parent, project_id, project_id };
		struct place above = { lists[i].parent, 0, KIND_project, project_id, project_id };

		if (lists[i].parent != KIND_project)
			list(store, &above, &parents);
		for (size_t k = 0; k < (parents.n ? parents.n : 1); k++) {
			scoped(records_fini) struct records all = { 0 };

			if (lists[i].parent != KIND_project && !parents.n)
				continue;
			if (parents.n)
				place.parent_id = record_id(parents.items[k]);
			list(store, &place, &all);
			add_lines(b, &place, &all);
		}
	}
}

static void assert_same_text(const char *a, const char *b)
{
	size_t from = 0, i = 0;

	for (; a[i] && a[i] == b[i]; i++)
		from = a[i] == '\n' ? i + 1 : from;
	if (a[i] != b[i])
		fail_msg("the store that followed has\n%.*s\nand a new one\n%.*s",
			(int)strcspn(a + from, "\n"), a + from, (int)strcspn(b + from, "\n"),
			b + from);
}

static void refresh(struct store *store)
{
	scoped(call_fini) struct call call = { 0 };

	if (store_refresh(store, &call) < 0)
		fail_msg("refresh: %s", call.error.error ? call.error.error : "");
}

/* What the store knows is what a new one learns. */
static void assert_fresh(struct served *s, struct store *store)
{
	struct counting counting;
	scoped(store_free) struct store *other = open_store(s, &counting);
	struct place projects = { .kind = KIND_project };

	for (int64_t project_id = 1; project_id <= 2; project_id++) {
		scoped(records_fini) struct records all = { 0 };
		scoped(buf_fini) struct buf ours = BUF_INIT;
		scoped(buf_fini) struct buf theirs = BUF_INIT;

		list(other, &projects, &all);
		tell(store, project_id, &ours);
		tell(other, project_id, &theirs);
		assert_same_text(buf_str(&ours), buf_str(&theirs));
	}
}

/* ---- what happens ---- */

static unsigned seed;

static int roll(int n)
{
	seed = seed * 1103515245 + 12345;
	return (int)((seed >> 16) % (unsigned)n);
}

/* One of a list, 0 when it is empty. */
static long long pick(struct served *s, const char *path)
{
	scoped(free_ptr) char *line = xasprintf("GET %s", path);

	expect(s, line, NULL, 200);
	size_t n = json_array_size(s->json);

	return n ? json_integer_value(
			   json_object_get(json_array_get(s->json, (size_t)roll((int)n)), "id"))
		 : 0;
}

/* Some are refused: an estimate of a bug, a place before itself. */
__attribute__((format(printf, 3, 4))) static void ask(
	struct served *s, const char *body, const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	assert_true(vasprintf(&line, fmt, ap) > 0);
	va_end(ap);
	served_send(s, line, body, NULL);
	assert_true(s->response.status < 500);
	free(line);
}

static const char *const states[] = { "unscheduled", "unstarted", "started", "finished",
	"delivered", "rejected", "accepted" };

static void change_story(struct served *s, long long story)
{
	static const char *const bodies[] = {
		"{\"name\":\"other words\"}",
		"{\"estimate\":3}",
		"{\"estimate\":null}",
		"{\"labels\":[\"a\",\"b\"]}",
		"{\"labels\":[{\"name\":\"c\"}]}",
		"{\"labels\":[]}",
		"{\"owner_ids\":[1,2]}",
		"{\"owner_ids\":[]}",
		"{\"follower_ids\":[2]}",
		"{\"story_type\":\"bug\"}",
		"{\"story_type\":\"feature\"}",
		"{\"story_type\":\"release\",\"deadline\":\"2024-06-01T00:00:00Z\"}",
		"{\"description\":\"more\"}",
		"{\"comment\":{\"text\":\"by the way\"}}",
	};
	scoped(free_ptr) char *state =
		xasprintf("{\"current_state\":\"%s\",\"estimate\":1}", states[roll(7)]);

	ask(s, roll(3) ? bodies[roll(sizeof(bodies) / sizeof(*bodies))] : state,
		"PUT /stories/%lld", story);
}

static void move_story(struct served *s, long long story)
{
	long long other = pick(s, "/projects/1/stories");
	scoped(free_ptr) char *body =
		xasprintf("{\"%s\":%lld}", roll(2) ? "before_id" : "after_id", other);

	ask(s, body, "PUT /projects/1/stories/%lld", story);
}

static void make_or_delete_story(struct served *s, long long story)
{
	scoped(free_ptr) char *body = xasprintf(
		"{\"name\":\"s%d\",\"current_state\":\"%s\",\"estimate\":2,\"labels\":[\"%c\"],"
		"\"tasks\":[{\"description\":\"t\"}],\"comments\":[{\"text\":\"c\"}]}",
		roll(1000), states[roll(7)], 'a' + roll(4));

	switch (roll(5)) {
	case 0:
		ask(s, NULL, "DELETE /projects/1/stories/%lld", story);
		break;
	case 1:
		ask(s, "{\"project_id\":2}", "PUT /projects/1/stories/%lld", story);
		break;
	case 2:
		story = pick(s, "/projects/2/stories");
		ask(s, "{\"project_id\":1}", "PUT /projects/2/stories/%lld", story);
		break;
	default:
		ask(s, body, "POST /projects/1/stories");
	}
}

/* Some of what hangs below: made, changed, taken away. */
static void change_nested(struct served *s, const char *parent, long long parent_id)
{
	static const struct {
		const char *plural, *create, *update;
	} rows[] = {
		{ "comments", "{\"text\":\"hm\"}", "{\"text\":\"aha\"}" },
		{ "tasks", "{\"description\":\"do\"}", "{\"complete\":true}" },
		{ "tasks", "{\"description\":\"do\",\"position\":1}", "{\"position\":1}" },
		{ "blockers", "{\"description\":\"no\"}", "{\"resolved\":true}" },
		{ "reviews", "{\"review_type_id\":1}", "{\"status\":\"pass\"}" },
	};
	int row = strcmp(parent, "stories") == 0 ? roll(5) : 0;
	scoped(free_ptr) char *path =
		xasprintf("/projects/1/%s/%lld/%s", parent, parent_id, rows[row].plural);
	int what = roll(4);
	long long id = what < 2 ? 0 : pick(s, path);

	if (id && what == 2)
		ask(s, rows[row].update, "PUT %s/%lld", path, id);
	else if (id)
		ask(s, NULL, "DELETE %s/%lld", path, id);
	else
		ask(s, rows[row].create, "POST %s", path);
}

static void change_label(struct served *s, long long label)
{
	scoped(free_ptr) char *body = xasprintf("{\"name\":\"l%d\"}", roll(50));

	switch (roll(3)) {
	case 0:
		ask(s, body, "POST /projects/1/labels");
		break;
	case 1:
		ask(s, body, "PUT /projects/1/labels/%lld", label);
		break;
	default:
		ask(s, NULL, "DELETE /projects/1/labels/%lld", label);
	}
}

static void change_epic(struct served *s, long long epic)
{
	scoped(free_ptr) char *body = xasprintf("{\"name\":\"e%d\"}", roll(50));

	switch (epic ? roll(5) : 0) {
	case 0:
		ask(s, body, "POST /projects/1/epics");
		break;
	case 1:
		ask(s, body, "PUT /projects/1/epics/%lld", epic);
		break;
	case 2:
		ask(s, NULL, "DELETE /projects/1/epics/%lld", epic);
		break;
	default:
		change_nested(s, "epics", epic);
	}
}

static void change_project(struct served *s)
{
	switch (roll(4)) {
	case 0:
		ask(s, "{\"name\":\"Moon again\"}", "PUT /projects/1");
		break;
	case 1:
		ask(s, "{\"person_id\":4,\"role\":\"member\"}", "POST /projects/1/memberships");
		break;
	case 2:
		ask(s, NULL, "DELETE /projects/1/memberships/%lld",
			pick(s, "/projects/1/memberships"));
		s->who = ADA;
		break;
	default:
		ask(s, "{\"length\":2}", "PUT /projects/1/iteration_overrides/1");
	}
}

static void step(struct served *s)
{
	long long story = pick(s, "/projects/1/stories");

	switch (roll(10)) {
	case 0:
	case 1:
		change_story(s, story);
		break;
	case 2:
	case 3:
		move_story(s, story);
		break;
	case 4:
	case 5:
		make_or_delete_story(s, story);
		break;
	case 6:
		change_nested(s, "stories", story);
		break;
	case 7:
		change_label(s, pick(s, "/projects/1/labels"));
		break;
	case 8:
		change_epic(s, pick(s, "/projects/1/epics"));
		break;
	default:
		change_project(s);
	}
}

/* ---- tests ---- */

static int set_up(void **state)
{
	served_set_up(state);
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	for (int i = 0; i < 30; i++)
		make_story(s,
			"{\"name\":\"x\",\"labels\":[\"a\"],\"tasks\":[{\"description\":\"t\"}]}");
	expect(s, "POST /projects/2/stories", "{\"name\":\"x\"}", 200);
	expect(s, "POST /projects/1/epics", "{\"name\":\"E\"}", 200);
	return 0;
}

static void learn_all(struct store *store)
{
	scoped(records_fini) struct records all = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	list(store, &(struct place){ .kind = KIND_project }, &all);
	tell(store, 1, &text);
	tell(store, 2, &text);
}

static int n_rounds(void)
{
	const char *many = getenv("STORYFS_MANY");

	return many ? atoi(many) : N_ROUNDS;
}

static void whatever_happens_a_follower_knows_it(void **state)
{
	struct served *s = *state;
	struct counting counting;
	scoped(store_free) struct store *store = open_store(s, &counting);

	seed = 4;
	learn_all(store);
	counting.n_lists = 0;
	for (int i = 0; i < n_rounds(); i++) {
		for (int k = 1 + roll(MAX_STEPS); k; k--)
			step(s);
		refresh(store);
		assert_fresh(s, store);
	}
	assert_int_equal(counting.n_lists, 0);
}

static void a_change_costs_what_it_is_about(void **state)
{
	struct served *s = *state;
	struct counting counting;
	scoped(store_free) struct store *store = open_store(s, &counting);
	scoped(records_fini) struct records all = { 0 };
	struct place stories = { KIND_story, 0, KIND_project, 1, 1 };
	struct place tasks = { KIND_task, 0, KIND_story, 1, 1 };

	list(store, &(struct place){ .kind = KIND_project }, &all);
	list(store, &stories, &all);
	list(store, &tasks, &all);
	counting.n_requests = 0;
	expect(s, "PUT /stories/1", "{\"name\":\"new\"}", 200);
	refresh(store);
	/* The versions, the projects, what happened, the story. */
	assert_int_equal(counting.n_requests, 4);
	expect(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"t\"}", 200);
	refresh(store);
	/* And its tasks. */
	assert_int_equal(counting.n_requests, 9);
	refresh(store);
	assert_int_equal(counting.n_requests, 10);
	assert_int_equal(counting.n_lists, 4); /* two pages of stories, two of their tasks */
}

static void a_host_that_tells_nothing_is_listed_again(void **state)
{
	struct served *s = *state;
	struct counting counting;
	scoped(store_free) struct store *store = open_store(s, &counting);
	scoped(records_fini) struct records before = { 0 };
	scoped(records_fini) struct records after = { 0 };
	struct place stories = { KIND_story, 0, KIND_project, 1, 1 };

	list(store, &(struct place){ .kind = KIND_project }, &before);
	list(store, &stories, &before);
	counting.spoiling = &(struct spoiling){ .status = 404 };
	expect(s, "DELETE /stories/1", NULL, 204);
	refresh(store);
	list(store, &stories, &after);
	assert_int_equal(after.n, 29);
	assert_int_equal(counting.n_lists, 4);
}

static void what_is_not_told_is_found_out(void **state)
{
	static const struct spoiling rows[] = {
		{ .status = 404 },
		{ .status = 403 },
		{ .text = "before_id", .by = "no_places" },
		{ .text = "after_id", .by = "no_place" },
		{ .text = "\"kind\":\"task\"", .by = "\"kind\":\"mask\"" },
		{ .text = "\"project_version\"", .by = "\"project_verzion\"" },
		{ .text = "\"changes\":", .by = "\"chances\":" },
		{ .text = "\"change_type\":\"create\"", .by = "\"change_type\":\"craete\"" },
	};
	struct served *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct counting counting;
		scoped(store_free) struct store *store = open_store(s, &counting);

		seed = (unsigned)i;
		learn_all(store);
		counting.spoiling = &rows[i];
		for (int k = 0; k < N_SPOILED_ROUNDS; k++) {
			for (int n = 1 + roll(MAX_STEPS); n; n--)
				step(s);
			refresh(store);
		}
		assert_fresh(s, store);
	}
}

static void a_host_that_cannot_tell_just_now_is_asked_later(void **state)
{
	struct served *s = *state;
	struct counting counting;
	scoped(store_free) struct store *store = open_store(s, &counting);
	scoped(call_fini) struct call call = { 0 };

	learn_all(store);
	counting.n_lists = 0;
	counting.spoiling = &(struct spoiling){ .status = 503 };
	expect(s, "PUT /stories/1", "{\"name\":\"new\"}", 200);
	assert_int_equal(store_refresh(store, &call), -EHOSTDOWN);
	counting.spoiling = NULL;
	refresh(store);
	assert_fresh(s, store);
	assert_int_equal(counting.n_lists, 0);
}

#define delta_test(f) cmocka_unit_test_setup_teardown(f, set_up, served_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		delta_test(whatever_happens_a_follower_knows_it),
		delta_test(a_change_costs_what_it_is_about),
		delta_test(a_host_that_tells_nothing_is_listed_again),
		delta_test(what_is_not_told_is_found_out),
		delta_test(a_host_that_cannot_tell_just_now_is_asked_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
