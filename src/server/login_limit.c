/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is counted is known by a digest with a key of this process, so that nobody outside can choose
 * two that meet. */
#include "login_limit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "storyfs/alloc.h"
#include "storyfs/buf.h"

enum { SLOTS = 1024, KEY_BYTES = 16, V6_NETWORK_BYTES = 8 };

enum counted { NAME, PEER, PAIR };

/* Attempts at once, and after how long one more. */
static const struct {
	const char *prefix;
	double burst;
	double refill_ms;
} rules[] = {
	[NAME] = { "name", 10, 60000 },
	[PEER] = { "peer", 30, 10000 },
	[PAIR] = { "pair", 10, 60000 },
};

struct slot {
	uint64_t key; /* 0: free */
	enum counted what;
	double level;
	int64_t at_ms;
};

struct login_limit {
	pthread_mutex_t lock; /* guards the slots */
	char secret[2 * KEY_BYTES + 1];
	struct slot slots[SLOTS];
};

struct login_limit *login_limit_new(void)
{
	struct login_limit *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	/* Without randomness an empty key does, too: the limit holds, if less evenly. */
	if (digest_random(KEY_BYTES, l->secret) < 0)
		l->secret[0] = '\0';
	return l;
}

void login_limit_free(struct login_limit *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* ---- who is counted ---- */

/* A network of IPv6 counts as one address: whoever has one has all of it. */
static void add_peer(const char *peer, struct buf *b)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET6, peer, bytes) != 1) {
		buf_add_str(b, peer);
		return;
	}
	for (int i = 0; i < V6_NETWORK_BYTES; i++)
		buf_add_fmt(b, "%02x", bytes[i]);
}

static uint64_t make_key(
	const struct login_limit *l, enum counted what, const char *name, const char *peer)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	char digest[DIGEST_SHA256_SIZE];

	buf_add_fmt(&text, "%s\n%s\n", l->secret, rules[what].prefix);
	if (what != PEER)
		buf_add_fmt(&text, "%s\n", name);
	if (what != NAME)
		add_peer(peer, &text);
	digest_sha256(text.data, text.len, digest);
	digest[16] = '\0';
	uint64_t key = strtoull(digest, NULL, 16);

	return key ? key : 1;
}

/* ---- slots; the lock is held ---- */

static struct slot *find(struct login_limit *l, uint64_t key)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (l->slots[i].key == key)
			return &l->slots[i];
	}
	return NULL;
}

static double level_at(const struct slot *slot, int64_t now_ms)
{
	int64_t passed = now_ms > slot->at_ms ? now_ms - slot->at_ms : 0;
	double level = slot->level - (double)passed / rules[slot->what].refill_ms;

	return level > 0 ? level : 0;
}

/* Is a less worth keeping than b? Pairs are kept longest, then what has failed most. */
static bool is_cheaper(const struct slot *a, const struct slot *b, int64_t now_ms)
{
	if (!a->key || !b->key)
		return !a->key && b->key;
	if ((a->what == PAIR) != (b->what == PAIR))
		return b->what == PAIR;
	return a->what == PAIR ? a->at_ms < b->at_ms : level_at(a, now_ms) < level_at(b, now_ms);
}

static struct slot *find_or_make(
	struct login_limit *l, enum counted what, uint64_t key, int64_t now_ms)
{
	struct slot *slot = find(l, key);

	if (slot)
		return slot;
	slot = &l->slots[0];
	for (size_t i = 1; i < SLOTS; i++) {
		if (is_cheaper(&l->slots[i], slot, now_ms))
			slot = &l->slots[i];
	}
	*slot = (struct slot){ .key = key, .what = what, .at_ms = now_ms };
	return slot;
}

/* In how many ms there is room for one more. */
static double wait_of(const struct slot *slot, int64_t now_ms)
{
	double over = level_at(slot, now_ms) + 1 - rules[slot->what].burst;

	return over > 0 ? over * rules[slot->what].refill_ms : 0;
}

static void add(struct slot *slot, double n, int64_t now_ms)
{
	slot->level = level_at(slot, now_ms) + n;
	slot->at_ms = now_ms;
}

/* ---- attempts ---- */

/* What the attempt is measured by; the pair alone, when it has succeeded before. */
static size_t find_measures(struct login_limit *l, const char *name, const char *peer,
	int64_t now_ms, struct slot *ret[2])
{
	struct slot *pair = find(l, make_key(l, PAIR, name, peer));

	if (pair) {
		ret[0] = pair;
		return 1;
	}
	ret[0] = find_or_make(l, NAME, make_key(l, NAME, name, peer), now_ms);
	/* So that the second does not take the first one's place. */
	add(ret[0], 1, now_ms);
	ret[1] = find_or_make(l, PEER, make_key(l, PEER, name, peer), now_ms);
	add(ret[0], -1, now_ms);
	return 2;
}

int64_t login_limit_try(struct login_limit *l, const char *name, const char *peer, int64_t now_ms)
{
	lock_scope(&l->lock);
	struct slot *measures[2];
	size_t n = find_measures(l, name, peer, now_ms, measures);
	double wait = 0;

	for (size_t i = 0; i < n; i++) {
		double one = wait_of(measures[i], now_ms);

		wait = one > wait ? one : wait;
	}
	for (size_t i = 0; wait <= 0 && i < n; i++)
		add(measures[i], 1, now_ms);
	return wait > 0 ? (int64_t)(wait / 1000) + 1 : 0;
}

void login_limit_succeeded(
	struct login_limit *l, const char *name, const char *peer, int64_t now_ms)
{
	lock_scope(&l->lock);
	struct slot *measures[2];
	size_t n = find_measures(l, name, peer, now_ms, measures);

	for (size_t i = 0; i < n; i++)
		add(measures[i], level_at(measures[i], now_ms) >= 1 ? -1 : 0, now_ms);
	struct slot *pair = find_or_make(l, PAIR, make_key(l, PAIR, name, peer), now_ms);

	pair->level = 0;
	pair->at_ms = now_ms;
}
