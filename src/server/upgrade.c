/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The number of steps taken is a fact of the archive. */
#include "upgrade.h"

#include "accounts.h"
#include "import_adopt.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/parse.h"

static const char steps_meta[] = "upgrade_steps";

/* Append only. */
static int (*const steps[])(struct tx *tx, int64_t now_ms) = {
	accounts_complete,
	import_history_complete,
};
static const int64_t n_steps = sizeof(steps) / sizeof(*steps);

static int count_taken(struct tx *tx, int64_t *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int r = tx_get_meta(tx, steps_meta, &text);

	*ret = 0;
	if (r == 0 && !parse_int(buf_str(&text), 0, INT64_MAX, ret))
		*ret = 0;
	return r < 0 ? r : 0;
}

static int is_due(struct archive *a, bool *ret)
{
	scoped(tx_abort) struct tx *tx = NULL;
	int64_t taken = 0;
	bool unknown = false;
	int r = tx_begin(a, TX_READ, &tx);

	if (r == 0)
		r = count_taken(tx, &taken);
	if (r == 0)
		r = import_adopt_is_due(tx, &unknown);
	*ret = unknown || taken < n_steps;
	return r;
}

static int take_steps(struct tx *tx)
{
	scoped(free_ptr) char *text = xasprintf("%lld", (long long)n_steps);
	int64_t now = clock_now_ms(), taken = 0;
	bool unknown = false;
	int r = import_adopt_is_due(tx, &unknown);

	if (r == 0 && unknown)
		r = import_adopt(tx);
	if (r == 0)
		r = count_taken(tx, &taken);
	for (int64_t i = taken; r == 0 && i < n_steps; i++)
		r = steps[i](tx, now - now % 1000);
	return r < 0 ? r : tx_put_meta(tx, steps_meta, text);
}

int upgrade_archive(struct archive *a)
{
	scoped(tx_abort) struct tx *tx = NULL;
	bool due;
	int r = is_due(a, &due);

	if (r == 0 && due)
		r = tx_begin(a, TX_WRITE, &tx);
	if (r < 0 || !due)
		return r;
	r = take_steps(tx);
	return r < 0 ? r : tx_commit(take_ptr(tx));
}
