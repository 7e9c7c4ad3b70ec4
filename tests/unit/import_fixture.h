/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder with dumps and an archive, and what the tests of import ask of them. */
#ifndef STORYFS_TEST_IMPORT_FIXTURE_H
#define STORYFS_TEST_IMPORT_FIXTURE_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/file.h"
#include "storyfs/import.h"
#include "storyfs/json.h"

struct fixture {
	char dir[64];
	struct archive *archive;
	struct import_report report;
	struct buf reason;
	struct import_config config;
};

static inline void *set_up(struct fixture *x)
{
	scoped(free_ptr) char *path = NULL;

	*x = (struct fixture){ .dir = "/tmp/storyfs-test-XXXXXX" };
	assert_non_null(mkdtemp(x->dir));
	path = xasprintf("%s/a.db", x->dir);
	assert_int_equal(archive_open(path, ARCHIVE_CREATE, &x->archive, &x->reason), 0);
	return x;
}

static inline void tear_down(struct fixture *x)
{
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", x->dir);

	archive_close(x->archive);
	import_report_fini(&x->report);
	buf_fini(&x->reason);
	assert_int_equal(system(rm), 0);
}

SCOPED_VALUE(struct fixture, tear_down);

#define FIXTURE(x)                                     \
	scoped(tear_down) struct fixture x##_ = { 0 }; \
	struct fixture *x = set_up(&x##_)

static inline void put_file(const struct fixture *x, const char *name, const char *text)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", x->dir, name);
	scoped(free_ptr) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(file_make_dirs(folder), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
}

/* Import the folder of this name; what the last import said is forgotten. */
static inline int import_folder(struct fixture *x, const char *name)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", x->dir, name);
	const char *folders[] = { path };

	import_report_fini(&x->report);
	buf_reset(&x->reason);
	x->config.paths = folders;
	x->config.n_paths = 1;
	return import_all(x->archive, &x->config, &x->report, &x->reason);
}

static inline void import_well(struct fixture *x, const char *name)
{
	if (import_folder(x, name) < 0)
		fail_msg("%s", buf_str(&x->reason));
}

static inline struct tx *begin(const struct fixture *x, enum tx_mode mode)
{
	struct tx *tx;

	assert_int_equal(tx_begin(x->archive, mode, &tx), 0);
	return tx;
}

static inline struct record *get(const struct fixture *x, enum kind kind, int64_t id)
{
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	struct record *r = NULL;

	assert_true(tx_get(tx, kind, id, &r) >= 0);
	return r;
}

/* Everything in the archive, as text. */
static inline char *write_all(const struct fixture *x)
{
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	struct buf all = BUF_INIT;

	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		const struct query q = { .kind = (enum kind)kind, .limit = -1 };
		scoped(records_fini) struct records list = { 0 };

		if (!(schema_field((enum kind)kind, 0)->flags & FIELD_KEEP))
			continue;
		assert_int_equal(tx_list(tx, &q, &list), 0);
		each_record(r, &list) {
			json_write_record(r, NULL, JSON_AS_PATCH, &all);
			buf_add_fmt(&all, " %s\n", record_extra(r) ? record_extra(r) : "");
		}
	}
	buf_add_char(&all, '\n');
	return buf_take(&all);
}

static inline void assert_field(
	const struct fixture *x, enum kind kind, int64_t id, int f, const char *expected)
{
	scoped(record_unref) struct record *r = get(x, kind, id);
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_non_null(r);
	json_t *json = json_from_value(schema_field(kind, f), record_get(r, f), NULL, 0);

	json_write(json, &text);
	json_decref(json);
	assert_string_equal(buf_str(&text), expected);
}

static const char project[] =
	"[{\"kind\":\"project\",\"id\":99,\"name\":\"Star\",\"version\":42,\"surprise\":[1],"
	"\"created_at\":\"2020-01-01T00:00:00Z\",\"account\":{\"kind\":\"account_summary\","
	"\"id\":5,\"name\":\"Empire\"},\"labels\":[{\"id\":1,\"name\":\"a\"},{\"id\":3,"
	"\"name\":\"c\",\"project_id\":99}]}]";
static const char people[] =
	"[{\"kind\":\"person\",\"id\":7,\"name\":\"Darth\",\"username\":\"vader\"},"
	"{\"kind\":\"person\",\"id\":8,\"name\":\"Luke\",\"email\":\"l@example.com\"}]";
static const char stories[] =
	"[{\"id\":20,\"project_id\":99,\"name\":\"second\",\"story_type\":\"bug\",\"estimate\":0.5,"
	"\"labels\":[{\"id\":2,\"name\":\"b\",\"project_id\":99},{\"id\":1,\"name\":\"a\","
	"\"created_at\":\"2020-02-02T00:00:00Z\"},\"by name\"],\"requested_by\":{\"id\":7,"
	"\"name\":\"Darth\"},\"owner_ids\":[8,1000],\"owned_by_id\":8,"
	"\"tasks\":[{\"id\":31,\"description\":\"t\"}],\"comments\":[{\"id\":41,\"text\":\"hm\","
	"\"person\":{\"id\":9,\"name\":\"Leia\"},\"file_attachments\":[{\"id\":51,"
	"\"filename\":\"f\"}]}]},"
	"{\"id\":10,\"project_id\":99,\"name\":\"first\",\"odd\":1,\"owned_by\":{\"id\":7,"
	"\"name\":\"Darth\"}},"
	"{\"id\":11,\"project_id\":99,\"name\":\"third\",\"odd\":2,\"estimate\":\"x\"}]";

static inline void put_star(const struct fixture *x)
{
	put_file(x, "star/project.json", project);
	put_file(x, "star/person.json", people);
	put_file(x, "star/story.json", stories);
	put_file(x, "star/label.json",
		"[{\"id\":1,\"name\":\"a\",\"project_id\":99,\"updated_at\":\"2020-03-03T00:00:00Z\"}]");
	put_file(x, "star/task.json",
		"[{\"id\":31,\"story_id\":20,\"description\":\"newer\",\"complete\":true}]");
	put_file(x, "star/epic.json",
		"[{\"id\":60,\"project_id\":99,\"name\":\"e\",\"label\":{\"id\":2,\"name\":\"b\"}}]");
	put_file(x, "star/activity.json",
		"[{\"kind\":\"story_update_activity\",\"guid\":\"99_42\",\"project_version\":42,"
		"\"message\":\"m\",\"changes\":[{\"kind\":\"story\",\"id\":20}],\"project\":{\"id\":99},"
		"\"performed_by\":{\"id\":7,\"name\":\"Darth\"}}]");
	put_file(x, "star/membership_summary.json",
		"[{\"id\":70,\"project_id\":99,\"role\":\"owner\",\"favorite\":true}]");
	put_file(x, "star/star_map.json", "[{\"id\":1,\"story_id\":20},{\"story_id\":20}]");
}

#endif
