/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bounds a call. */
#include "storyfs/transport.h"

#include <errno.h>

#include "storyfs/clock.h"

int call_limit_check(const struct call_limit *limit)
{
	if (limit->cancelled && limit->cancelled(limit->data))
		return -EINTR;
	if (limit->deadline_ms && clock_monotonic_ms() >= limit->deadline_ms)
		return -ETIMEDOUT;
	return 0;
}
