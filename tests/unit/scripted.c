/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A transport that plays a script. */
#include "scripted.h"

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct scripted *s = (struct scripted *)t;

	(void)req;
	lock_scope(&s->lock);
	const struct step *step = &s->steps[s->n_calls < s->n_steps ? s->n_calls : s->n_steps - 1];

	s->n_calls++;
	s->last_deadline_ms = limit->deadline_ms;
	s->n_inside++;
	if (s->most_inside < s->n_inside)
		s->most_inside = s->n_inside;
	pthread_cond_broadcast(&s->entered);
	while (s->most_inside < s->hold_until)
		pthread_cond_wait(&s->entered, &s->lock);
	s->n_inside--;
	if (step->outcome < 0)
		return step->outcome;
	ret->status = step->outcome;
	if (step->retry_after)
		http_headers_add(&ret->headers, "Retry-After", step->retry_after);
	if (step->date)
		http_headers_add(&ret->headers, "Date", step->date);
	buf_add_fmt(&ret->body, "answer %zu", s->n_calls);
	return 0;
}

static void count_free(struct transport *t)
{
	((struct scripted *)t)->n_freed++;
}

void scripted_init(struct scripted *s, const struct step *steps, size_t n_steps)
{
	*s = (struct scripted){
		.base = { perform, count_free }, .steps = steps, .n_steps = n_steps
	};
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->entered, NULL);
}

void scripted_fini(struct scripted *s)
{
	pthread_cond_destroy(&s->entered);
	pthread_mutex_destroy(&s->lock);
}
