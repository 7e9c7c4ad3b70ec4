/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sample host, and stores over it, one after the other, that keep what they loaded in a file.
 */
#ifndef STORYFS_TESTS_KEPT_H
#define STORYFS_TESTS_KEPT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "world.h"

#define KEPT_NAME "shed"

struct kept {
	struct world world; /* its store is the one that is there now */
	char *dir, *path;   /* of the cache */
};

static inline struct store *kept_open(struct kept *k, const char *name)
{
	struct api_config config = { .base_path = HOST_BASE, .page_limit = 2 };

	return store_new(api_new(&k->world.host.base, &config),
		&(struct store_config){ .cache_dir = k->dir, .cache_name = name });
}

static inline void kept_begin(struct kept *k)
{
	*k = (struct kept){ 0 };
	sample_init(&k->world.host);
	k->dir = xstrdup("/tmp/storyfs-kept-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	k->path = xasprintf("%s/" KEPT_NAME ".db", k->dir);
	k->world.store = kept_open(k, KEPT_NAME);
}

/* All of it is in the file when this returns. */
static inline void kept_close(struct kept *k)
{
	store_free(take_ptr(k->world.store));
	call_fini(&k->world.call);
	k->world.call = (struct call){ 0 };
}

/* The next mount. */
static inline void kept_again(struct kept *k)
{
	if (k->world.store)
		kept_close(k);
	world_forget(&k->world);
	k->world.store = kept_open(k, KEPT_NAME);
}

static inline void kept_end(struct kept *k)
{
	scoped(free_ptr) char *command = xasprintf("rm -rf %s", k->dir);

	kept_close(k);
	world_forget(&k->world);
	host_fini(&k->world.host);
	assert_int_equal(system(command), 0);
	free(k->dir);
	free(k->path);
}

/* Nobody answers any more, or again. */
static inline void kept_part(struct kept *k)
{
	static const enum http_method methods[] = { HTTP_GET, HTTP_PUT, HTTP_POST, HTTP_DELETE };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		host_fail(&k->world.host,
			&(struct host_fault){ .method = methods[i], .error = -EHOSTUNREACH });
}

static inline bool kept_says(struct kept *k, const char *words)
{
	scoped(buf_fini) struct buf status = BUF_INIT;

	store_add_status(k->world.store, &status);
	return strstr(buf_str(&status), words) != NULL;
}

/* Until the status says so, or ten seconds. */
static inline void kept_wait(struct kept *k, const char *words)
{
	for (int i = 0; i < 1000 && !kept_says(k, words); i++)
		usleep(10 * 1000);
	if (kept_says(k, words))
		return;
	scoped(buf_fini) struct buf status = BUF_INIT;

	store_add_status(k->world.store, &status);
	fail_msg("no '%s' in: %s", words, buf_str(&status));
}

SCOPED_VALUE(struct kept, kept_end);

#endif
