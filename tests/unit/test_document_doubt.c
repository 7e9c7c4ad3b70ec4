/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents whose answers get lost: what was made is found before it is made again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "documents.h"
#include "storyfs/fault.h"
#include "storyfs/http.h"

#define STORY "/projects/99/stories/501"
#define NEW_ONES                                                                            \
	(const char *[])                                                                    \
	{                                                                                   \
		"estimate: 2", "estimate: 3", "storyfs: 702 -->\n",                         \
			"storyfs: 702 -->\n- [ ] Sand\n- [x] Dust\n", "storyfs: 751 -->\n", \
			"storyfs: 751 -->\n- [ ] No brush\n", "END", "Hm", NULL             \
	}

/* Between the store and the host, with faults when it is open. */
struct valve {
	struct transport base;
	struct transport *plain, *faulty;
	bool is_open;
};

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct valve *v = (struct valve *)t;

	return transport_perform(v->is_open ? v->faulty : v->plain, req, limit, ret);
}

static void end(struct transport *t)
{
	transport_free(((struct valve *)t)->faulty);
}

/* A tree behind the valve, in which the document was read. */
struct line {
	struct forest forest;
	struct valve valve;
};

static void line_end(struct line *l)
{
	forest_end(&l->forest);
}

SCOPED_VALUE(struct line, line_end);

static void set_lists(struct host *h)
{
	static const char *const keys[] = { "tasks", "blockers", "comments" };

	h->numbers = true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		host_nest(h, STORY, keys[i]);
}

static char *line_begin(struct line *l, const char *faults)
{
	const struct api_config config = { .base_path = HOST_BASE };
	struct forest *f = &l->forest;
	struct fault_spec spec = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;

	*l = (struct line){ 0 };
	sample_init(&f->world.host);
	set_lists(&f->world.host);
	assert_int_equal(fault_parse(faults, &spec, &reason), 0);
	l->valve = (struct valve){ .base = { perform, end },
		.plain = &f->world.host.base,
		.faulty = fault_transport_new(&spec, &f->world.host.base) };
	f->world.store = store_new(
		api_new(&l->valve.base, &config), &(struct store_config){ .refresh_s = 0 });
	f->tree = tree_new(f->world.store);
	assert_reads(f->tree, "me/username", "ann\n");
	char *text = read_at(f->tree, PATH);

	host_forget(&f->world.host);
	return text;
}

/* How often the host holds such a member below the story. */
static size_t count(struct line *l, const char *list, const char *member)
{
	scoped(http_request_fini) struct http_request req = {
		.target = xasprintf(HOST_BASE STORY "/%s", list)
	};
	scoped(http_response_fini) struct http_response resp = { 0 };
	const struct call_limit none = { 0 };
	size_t n = 0;

	assert_int_equal(transport_perform(l->valve.plain, &req, &none, &resp), 0);
	for (const char *p = buf_str(&resp.body); (p = strstr(p, member)); p++)
		n++;
	return n;
}

static void assert_made_once(struct line *l)
{
	assert_int_equal(count(l, "tasks", "\"description\":\"Sand\""), 1);
	assert_int_equal(count(l, "tasks", "\"description\":\"Dust\""), 1);
	assert_int_equal(count(l, "blockers", "\"description\":\"No brush\""), 1);
	assert_int_equal(count(l, "comments", "\"text\":\"Hm\""), 1);
}

/* Nine in ten answers are lost at worst, those of looks among them. */
static void whatever_gets_lost_is_made_once(void **state)
{
	(void)state;
	static const char *const faults[] = { "cut=0.3", "cut=0.9", "cut=0.5,error=0.5:ETIMEDOUT",
		"status=0.4:500,cut=0.4" };
	enum { N_SEEDS = 12, N_TRIES = 400 };

	for (int i = 0; i < N_SEEDS * 4; i++) {
		scoped(free_ptr) char *spec = xasprintf("%s,seed=%d", faults[i % 4], i);
		scoped(line_end) struct line l;
		scoped(free_ptr) char *text = line_begin(&l, spec);
		scoped(free_ptr) char *mine = edited(text, NEW_ONES);
		int e = -1;

		l.valve.is_open = true;
		for (int n = 0; e < 0 && n < N_TRIES; n++)
			e = save_at(l.forest.tree, PATH, mine);
		l.valve.is_open = false;
		if (e < 0)
			fail_msg("%s: %d", spec, e);
		assert_made_once(&l);
		host_forget(&l.forest.world.host);
		assert_int_equal(save_at(l.forest.tree, PATH, mine), 0);
		assert_writes(&l.forest, "");
	}
}

/* One loss after the other, told. */
static void what_is_not_known_is_told_and_not_made_again(void **state)
{
	(void)state;
	scoped(line_end) struct line l;
	scoped(free_ptr) char *text = line_begin(&l, "cut=1");
	scoped(free_ptr) char *mine = edited(text, (const char *[]){ "END", "Hm", NULL });
	struct forest *f = &l.forest;

	l.valve.is_open = true;
	assert_int_equal(save_at(f->tree, PATH, mine), -ECONNRESET);
	assert_int_equal(host_count(&f->world.host, "POST"), 1);
	assert_error(f, "failed: make comment 'Hm'");
	assert_int_equal(save_at(f->tree, PATH, mine), -ECONNRESET);
	assert_error(f, "whether the last save of this text made something is not known yet");
	assert_int_equal(host_count(&f->world.host, "POST"), 1);
	l.valve.is_open = false;
	assert_int_equal(save_at(f->tree, PATH, mine), 0);
	assert_int_equal(host_count(&f->world.host, "POST"), 1);
	assert_int_equal(count(&l, "comments", "\"text\":\"Hm\""), 1);
	scoped(free_ptr) char *last = read_at(f->tree, ".storyfs/last");

	assert_non_null(strstr(last, "name: Hm\n"));
}

/* It never got there: then it is made, once. */
static void what_was_not_made_is_made(void **state)
{
	(void)state;
	scoped(line_end) struct line l;
	scoped(free_ptr) char *text = line_begin(&l, "error=1:ETIMEDOUT");
	scoped(free_ptr) char *mine = edited(text, NEW_ONES);

	l.valve.is_open = true;
	assert_int_equal(save_at(l.forest.tree, PATH, mine), -ETIMEDOUT);
	l.valve.is_open = false;
	assert_int_equal(save_at(l.forest.tree, PATH, mine), 0);
	assert_made_once(&l);
}

/* The editor went on writing meanwhile: what was made is changed. */
static void one_that_was_written_on_is_changed(void **state)
{
	(void)state;
	scoped(line_end) struct line l;
	scoped(free_ptr) char *text = line_begin(&l, "cut=1");
	scoped(free_ptr) char *mine = edited(text, (const char *[]){ "END", "Hm", NULL });
	scoped(free_ptr) char *more = edited(text, (const char *[]){ "END", "Hm, well", NULL });
	struct forest *f = &l.forest;

	l.valve.is_open = true;
	assert_int_equal(save_at(f->tree, PATH, mine), -ECONNRESET);
	l.valve.is_open = false;
	host_forget(&f->world.host);
	assert_int_equal(save_at(f->tree, PATH, more), 0);
	assert_writes(f, "PUT " STORY "/comments/8001 {\"text\":\"Hm, well\"}\n");
}

/* ---- new ones ---- */

static int make(struct line *l, const char *name, const char *text, struct node *ret)
{
	struct node dir = node_at(l->forest.tree, "projects/99/markdown");

	return tree_make_text(l->forest.tree, &dir,
		&(struct tree_text){ .name = name, .data = text, .len = strlen(text) }, NULL, ret);
}

static const struct {
	const char *first, *name, *second;
	const char *writes; /* of the second save */
} news[] = {
	{ "# New\n\nText\n", "a.md", "# New\n\nText\n", "" },
	{ "# New\n\nText\n", "a.md", "# New\n\nMore\n",
		"PUT /projects/99/stories/8001 {\"description\":\"More\"}\n" },
	/* Of another title, or by another name, it is another story. */
	{ "# New\n", "a.md", "# Other\n", "POST /projects/99/stories {\"name\":\"Other\"}\n" },
	{ "# New\n", "b.md", "# New\n", "POST /projects/99/stories {\"name\":\"New\"}\n" },
};

static void a_new_story_is_looked_for_before_it_is_made_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(news) / sizeof(*news); i++) {
		scoped(line_end) struct line l;
		struct forest *f = &l.forest;
		struct node made;

		free(line_begin(&l, "cut=1"));
		l.valve.is_open = true;
		assert_int_equal(make(&l, "a.md", news[i].first, &made), -ECONNRESET);
		assert_int_equal(make(&l, "a.md", news[i].first, &made), -ECONNRESET);
		assert_int_equal(host_count(&f->world.host, "POST"), 1);
		l.valve.is_open = false;
		host_forget(&f->world.host);
		assert_int_equal(make(&l, news[i].name, news[i].second, &made), 0);
		assert_writes(f, news[i].writes);
		assert_int_equal(
			made.id, *news[i].writes == 'P' && news[i].writes[1] == 'O' ? 8002 : 8001);
		scoped(free_ptr) char *path = xasprintf("projects/99/markdown/%s", news[i].name);
		struct node found = node_at(f->tree, path);

		assert_int_equal(found.id, made.id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_gets_lost_is_made_once),
		cmocka_unit_test(what_is_not_known_is_told_and_not_made_again),
		cmocka_unit_test(what_was_not_made_is_made),
		cmocka_unit_test(one_that_was_written_on_is_changed),
		cmocka_unit_test(a_new_story_is_looked_for_before_it_is_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
