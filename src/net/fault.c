/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults on purpose. */
#include "storyfs/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/scope.h"

enum { MAX_LATENCY_MS = 3600 * 1000 };

struct fault_transport {
	struct transport base;
	struct transport *inner;
	struct fault_spec spec;
	pthread_mutex_t lock; /* guards random */
	struct drand48_data random;
};

/* The errors of transport.h. */
static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "EHOSTUNREACH", -EHOSTUNREACH },
	{ "ECONNREFUSED", -ECONNREFUSED },
	{ "ECONNRESET", -ECONNRESET },
	{ "ETIMEDOUT", -ETIMEDOUT },
	{ "EINTR", -EINTR },
	{ "EPROTO", -EPROTO },
	{ "EKEYREJECTED", -EKEYREJECTED },
	{ "EIO", -EIO },
};

static bool parse_error_name(const char *text, int *ret_value)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(errors[i].name, text) == 0) {
			*ret_value = errors[i].error;
			return true;
		}
	}
	return false;
}

static bool parse_status(const char *text, int *ret_value)
{
	int64_t status;

	if (!parse_int(text, 100, 599, &status))
		return false;
	*ret_value = (int)status;
	return true;
}

/* The keys that make a rule, and what stands behind the colon. */
static const struct rule_key {
	const char *name;
	enum fault_kind kind;
	bool (*parse_value)(const char *text, int *ret_value);
	const char *wants;
} rule_keys[] = {
	{ "error", FAULT_ERROR, parse_error_name,
		"a probability, a colon and one of EHOSTUNREACH, "
		"ECONNREFUSED, ECONNRESET, ETIMEDOUT, EINTR, "
		"EPROTO, EKEYREJECTED, EIO" },
	{ "status", FAULT_STATUS, parse_status, "a probability, a colon and a status, 100 to 599" },
	{ "html", FAULT_HTML, NULL, "a probability, 0 to 1" },
	{ "cut", FAULT_CUT, NULL, "a probability, 0 to 1" },
};

/* `P` or `P:value`, as the key has it. Cuts text at the colon. */
static bool parse_rule(const struct rule_key *key, char *text, struct fault_rule *ret)
{
	char *colon = strchr(text, ':');

	ret->kind = key->kind;
	if (!colon != !key->parse_value)
		return false;
	if (colon) {
		*colon = '\0';
		if (!key->parse_value(colon + 1, &ret->value))
			return false;
	}
	return parse_float(text, &ret->probability) && ret->probability >= 0 &&
	       ret->probability <= 1;
}

/* What the value has to be, when it is not; NULL when all is well. */
static const char *parse_value(const char *key, char *value, struct fault_spec *spec)
{
	if (strcmp(key, "latency") == 0)
		return parse_int(value, 0, MAX_LATENCY_MS, &spec->latency_ms)
			       ? NULL
			       : "milliseconds, at most an hour";
	if (strcmp(key, "seed") == 0)
		return parse_int(value, 0, INT32_MAX, &spec->seed) ? NULL : "a number from 0";
	for (size_t i = 0; i < sizeof(rule_keys) / sizeof(*rule_keys); i++) {
		if (strcmp(rule_keys[i].name, key) != 0)
			continue;
		if (spec->n_rules == MAX_FAULT_RULES)
			return "left out: there are too many rules";
		if (!parse_rule(&rule_keys[i], value, &spec->rules[spec->n_rules]))
			return rule_keys[i].wants;
		spec->n_rules++;
		return NULL;
	}
	return "one of the keys latency, error, status, html, cut and seed";
}

int fault_parse(const char *text, struct fault_spec *ret, struct buf *ret_error)
{
	scoped(free_ptr) char *copy = xstrdup(text);
	struct fault_spec spec = { 0 };
	char *rest = text[0] ? copy : NULL;
	char *item;

	while ((item = strsep(&rest, ","))) {
		scoped(free_ptr) char *words = xstrdup(item);
		char *value = strchr(item, '=');

		if (value)
			*value++ = '\0';
		const char *wants =
			value ? parse_value(item, value, &spec) : "a key, `=` and a value";

		if (wants) {
			buf_add_fmt(ret_error, "'%s' has to be %s", words, wants);
			return -EINVAL;
		}
	}
	*ret = spec;
	return 0;
}

/* The first rule that strikes, or NULL. Every rule draws its number, so that what comes later does
 * not depend on it. */
static const struct fault_rule *draw(struct fault_transport *t)
{
	const struct fault_rule *struck = NULL;

	lock_scope(&t->lock);
	for (size_t i = 0; i < t->spec.n_rules; i++) {
		const struct fault_rule *rule = &t->spec.rules[i];
		double x;

		drand48_r(&t->random, &x);
		if (!struck && x < rule->probability)
			struck = rule;
	}
	return struck;
}

static int answer(struct http_response *ret, int status, const char *type, const char *body)
{
	ret->status = status;
	http_headers_add(&ret->headers, "Content-Type", type);
	buf_add_str(&ret->body, body);
	return 0;
}

static int perform(struct transport *base, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct fault_transport *t = (struct fault_transport *)base;
	const struct fault_rule *rule = draw(t);
	int r = call_limit_sleep(limit, t->spec.latency_ms);

	if (r < 0)
		return r;
	if (!rule)
		return transport_perform(t->inner, req, limit, ret);
	switch (rule->kind) {
	case FAULT_ERROR:
		return rule->value;
	case FAULT_STATUS:
		return answer(ret, rule->value, "text/plain", "a fault on purpose\n");
	case FAULT_HTML:
		return answer(ret, 200, "text/html", "<html><body>Please log in</body></html>\n");
	case FAULT_CUT:
	default:
		r = transport_perform(t->inner, req, limit, ret);
		http_response_fini(ret);
		return r < 0 ? r : -ECONNRESET;
	}
}

static void free_fault(struct transport *base)
{
	struct fault_transport *t = (struct fault_transport *)base;

	transport_free(t->inner);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct transport *fault_transport_new(const struct fault_spec *spec, struct transport *inner)
{
	struct fault_transport *t = xcalloc(1, sizeof(*t));

	t->base = (struct transport){ .perform = perform, .free = free_fault };
	t->inner = inner;
	t->spec = *spec;
	pthread_mutex_init(&t->lock, NULL);
	srand48_r((long)spec->seed, &t->random);
	return &t->base;
}
