/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for what another thread is at, within one's own limit. */
#include <string.h>

#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum { WAIT_MS = 50 }; /* how often a waiter looks whether it was cancelled */

static void wait_a_little(struct store *s)
{
	struct timespec until = clock_timespec(clock_deadline(WAIT_MS));

	thread_will_wait();
	pthread_cond_timedwait(&s->wake, &s->lock, &until);
}

static int give_up(int error, struct call *call)
{
	v5_error_fini(&call->error);
	call->error.code = V5_OTHER;
	call->error.code_text = xstrdup("no_answer");
	call->error.error = xasprintf(
		"Waiting for another request to the server: %s.", strerrordesc_np(-error));
	return error;
}

int known_wait(struct store *s, const bool *busy, struct call *call)
{
	while (*busy) {
		pthread_mutex_unlock(&s->lock);
		int e = call_limit_check(&call->limit);

		pthread_mutex_lock(&s->lock);
		if (e < 0)
			return give_up(e, call);
		if (*busy)
			wait_a_little(s);
	}
	return 0;
}
