/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults on purpose: what the spec says is what happens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scripted.h"
#include "storyfs/clock.h"
#include "storyfs/fault.h"

enum { N_CALLS = 1000 };

static const struct step good = { 200, NULL, NULL };

static struct fault_spec parse(const char *text)
{
	scoped(buf_fini) struct buf error = BUF_INIT;
	struct fault_spec spec;

	if (fault_parse(text, &spec, &error) < 0)
		fail_msg("'%s' was refused: %s", text, buf_str(&error));
	assert_int_equal(error.len, 0);
	return spec;
}

/* The outcomes of N_CALLS calls, and how many of them arrived. */
static size_t play(const char *text, int ret_outcomes[N_CALLS])
{
	scoped(scripted_fini) struct scripted inner;
	struct fault_spec spec = parse(text);

	scripted_init(&inner, &good, 1);
	scoped(transport_free) struct transport *t = fault_transport_new(&spec, &inner.base);

	for (int i = 0; i < N_CALLS; i++) {
		scoped(http_response_fini) struct http_response resp = { 0 };
		int r = transport_perform(
			t, &(struct http_request){ 0 }, &(struct call_limit){ 0 }, &resp);

		ret_outcomes[i] = r < 0 ? r : resp.status;
		if (r < 0)
			assert_int_equal(resp.body.len, 0);
	}
	return inner.n_calls;
}

static size_t count(const int outcomes[N_CALLS], int outcome)
{
	size_t n = 0;

	for (int i = 0; i < N_CALLS; i++)
		n += outcomes[i] == outcome;
	return n;
}

static void a_spec_is_read_whole(void **state)
{
	(void)state;
	struct fault_spec s =
		parse("latency=20,error=0.1:ECONNRESET,status=0.05:503,html=1,cut=0,seed=7");

	assert_int_equal(s.latency_ms, 20);
	assert_int_equal(s.seed, 7);
	assert_int_equal(s.n_rules, 4);
	assert_int_equal(s.rules[0].kind, FAULT_ERROR);
	assert_int_equal(s.rules[0].value, -ECONNRESET);
	assert_true(s.rules[0].probability > 0.09 && s.rules[0].probability < 0.11);
	assert_int_equal(s.rules[1].kind, FAULT_STATUS);
	assert_int_equal(s.rules[1].value, 503);
	assert_int_equal(s.rules[2].kind, FAULT_HTML);
	assert_int_equal(s.rules[3].kind, FAULT_CUT);
	assert_int_equal(parse("").n_rules, 0);
	assert_int_equal(parse("error=1:EIO,error=1:EPROTO").n_rules, 2);
}

static void a_wrong_spec_is_refused_with_words(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "latency", "'latency' has to be a key, `=` and a value" },
		{ "latency=1,", "'' has to be a key, `=` and a value" },
		{ "latency=-1", "'latency=-1' has to be milliseconds, at most an hour" },
		{ "seed=x", "'seed=x' has to be a number from 0" },
		{ "html=2", "'html=2' has to be a probability, 0 to 1" },
		{ "html=0.1:200", "'html=0.1:200' has to be a probability, 0 to 1" },
		{ "cut=", "'cut=' has to be a probability, 0 to 1" },
		{ "status=0.5", "'status=0.5' has to be a probability, a colon and a status, "
				"100 to 599" },
		{ "status=0.5:700", "'status=0.5:700' has to be a probability, a colon and a "
				    "status, 100 to 599" },
		{ "error=0.1:ENOENT",
			"'error=0.1:ENOENT' has to be a probability, a colon and one of "
			"EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ETIMEDOUT, EINTR, EPROTO, "
			"EKEYREJECTED, EIO" },
		{ "seed=1,speed=2", "'speed=2' has to be one of the keys latency, error, status, "
				    "html, cut and seed" },
		{ "cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,cut=0,"
		  "cut=0,cut=0,cut=0,cut=1",
			"'cut=1' has to be left out: there are too many rules" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(buf_fini) struct buf error = BUF_INIT;
		struct fault_spec spec = { .seed = 99 };

		assert_int_equal(fault_parse(rows[i].text, &spec, &error), -EINVAL);
		assert_string_equal(buf_str(&error), rows[i].words);
		assert_int_equal(spec.seed, 99);
	}
}

static void the_seed_decides_and_nothing_else(void **state)
{
	(void)state;
	static const char spec[] = "error=0.1:ECONNRESET,status=0.1:503,cut=0.1,seed=7";
	static const char other[] = "error=0.1:ECONNRESET,status=0.1:503,cut=0.1,seed=8";
	int first[N_CALLS], again[N_CALLS], differently[N_CALLS];

	play(spec, first);
	play(spec, again);
	play(other, differently);
	assert_memory_equal(first, again, sizeof(first));
	assert_memory_not_equal(first, differently, sizeof(first));
}

static void faults_come_about_as_often_as_asked(void **state)
{
	(void)state;
	int outcomes[N_CALLS];
	size_t n_sent = play("error=0.2:ECONNREFUSED,status=0.5:429,seed=1", outcomes);
	size_t n_errors = count(outcomes, -ECONNREFUSED);
	size_t n_busy = count(outcomes, 429);

	/* 200 and 400 expected; the seed makes it the same at every run. */
	assert_true(n_errors > 150 && n_errors < 250);
	assert_true(n_busy > 340 && n_busy < 460);
	assert_int_equal(n_sent, count(outcomes, 200));
	assert_int_equal(n_sent, N_CALLS - n_errors - n_busy);
}

static void a_cut_answer_was_asked_for_and_an_error_was_not(void **state)
{
	(void)state;
	int outcomes[N_CALLS];

	assert_int_equal(play("cut=1", outcomes), N_CALLS);
	assert_int_equal(count(outcomes, -ECONNRESET), N_CALLS);
	assert_int_equal(play("error=1:ECONNRESET", outcomes), 0);
	assert_int_equal(count(outcomes, -ECONNRESET), N_CALLS);
	assert_int_equal(play("status=1:502,cut=1", outcomes), 0);
	assert_int_equal(count(outcomes, 502), N_CALLS);
	assert_int_equal(play("cut=0,error=0:EIO", outcomes), N_CALLS);
	assert_int_equal(count(outcomes, 200), N_CALLS);
}

static void html_looks_like_a_page_in_the_way(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;
	struct fault_spec spec = parse("html=1");

	scripted_init(&inner, &good, 1);
	struct transport *t = fault_transport_new(&spec, &inner.base);
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(
		transport_perform(t, &(struct http_request){ 0 }, &(struct call_limit){ 0 }, &resp),
		0);
	assert_int_equal(resp.status, 200);
	assert_string_equal(http_headers_get(&resp.headers, "Content-Type"), "text/html");
	assert_memory_equal(resp.body.data, "<html>", 6);
	transport_free(t);
	assert_int_equal(inner.n_freed, 1);
	assert_int_equal(inner.n_calls, 0);
}

static bool yes(void *data)
{
	(void)data;
	return true;
}

static void latency_lasts_and_ends_with_the_call(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;
	struct fault_spec spec = parse("latency=100");

	scripted_init(&inner, &good, 1);
	scoped(transport_free) struct transport *t = fault_transport_new(&spec, &inner.base);
	scoped(http_response_fini) struct http_response resp = { 0 };
	const struct http_request req = { 0 };
	int64_t start = clock_monotonic_ms();

	assert_int_equal(transport_perform(t, &req, &(struct call_limit){ 0 }, &resp), 0);
	assert_true(clock_monotonic_ms() - start >= 100);
	assert_int_equal(
		transport_perform(t, &req, &(struct call_limit){ .cancelled = yes }, &resp),
		-EINTR);
	assert_int_equal(transport_perform(t, &req,
				 &(struct call_limit){ .deadline_ms = clock_deadline(1) }, &resp),
		-ETIMEDOUT);
	assert_int_equal(inner.n_calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spec_is_read_whole),
		cmocka_unit_test(a_wrong_spec_is_refused_with_words),
		cmocka_unit_test(the_seed_decides_and_nothing_else),
		cmocka_unit_test(faults_come_about_as_often_as_asked),
		cmocka_unit_test(a_cut_answer_was_asked_for_and_an_error_was_not),
		cmocka_unit_test(html_looks_like_a_page_in_the_way),
		cmocka_unit_test(latency_lasts_and_ends_with_the_call),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
