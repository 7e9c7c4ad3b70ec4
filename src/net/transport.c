/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bounds a call. Who waits does so in slices, so that the caller is asked between them. */
#include "storyfs/transport.h"

#include <errno.h>
#include <time.h>

#include "storyfs/clock.h"

enum { SLICE_MS = 50 };

int call_limit_check(const struct call_limit *limit)
{
	if (limit->cancelled && limit->cancelled(limit->data))
		return -EINTR;
	if (limit->deadline_ms && clock_monotonic_ms() >= limit->deadline_ms)
		return -ETIMEDOUT;
	return 0;
}

int64_t call_limit_slice(const struct call_limit *limit, int64_t max_ms)
{
	int64_t slice = max_ms;

	if (limit->cancelled && slice > SLICE_MS)
		slice = SLICE_MS;
	if (limit->deadline_ms) {
		int64_t left = limit->deadline_ms - clock_monotonic_ms();

		if (slice > left)
			slice = left;
	}
	return slice > 0 ? slice : 0;
}

int call_limit_sleep(const struct call_limit *limit, int64_t ms)
{
	int64_t end = clock_deadline(ms);

	for (;;) {
		int64_t left = end - clock_monotonic_ms();
		int r = call_limit_check(limit);

		if (r < 0 || left <= 0)
			return r;
		int64_t slice = call_limit_slice(limit, left);
		struct timespec ts = { slice / 1000, slice % 1000 * 1000000 };

		clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	}
}
