/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs undo`: what the journal of a mount tells, taken back through the mount, newest first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "mountpoint.h"
#include "setup.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/journal.h"
#include "storyfs/json.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { JOURNAL_BYTES = 64 << 20, TEXT_BYTES = 64 << 20, SHOWN_BYTES = 60 };

struct undo {
	const struct arguments *args;
	const char *mountpoint;
	struct journal_entry *entries; /* oldest first */
	bool *is_undone; /* of each: it was taken back already, or took another back */
	size_t n;
	size_t n_tried;
	bool failed;
};

static void undo_fini(struct undo *u)
{
	for (size_t i = 0; i < u->n; i++)
		journal_entry_fini(&u->entries[i]);
	free(u->entries);
	free(u->is_undone);
}

SCOPED_VALUE(struct undo, undo_fini);

/* ---- the journal ---- */

static void read_entries(struct undo *u, const struct buf *text)
{
	const char *end = buf_str(text) + text->len;

	for (const char *line = buf_str(text); line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		struct journal_entry e = { 0 };

		if (!newline)
			break;
		if (journal_read_line(line, (size_t)(newline - line), &e)) {
			u->entries = xrealloc(u->entries, u->n + 1, sizeof(*u->entries));
			u->entries[u->n++] = e;
		}
		line = newline + 1;
	}
	u->is_undone = xcalloc(u->n + 1, sizeof(*u->is_undone));
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

/* Does the later one take the earlier one back? */
static bool takes_back(const struct journal_entry *later, const struct journal_entry *e)
{
	if (!is_same(&later->path, &e->path))
		return false;
	if (later->act == JOURNAL_DELETE)
		return e->act == JOURNAL_MAKE;
	return later->act == JOURNAL_SAVE && e->act == JOURNAL_SAVE &&
	       is_same(&later->before, &e->after) && is_same(&later->after, &e->before);
}

/* What was undone is not undone again: then the one before it is the last. */
static void find_undone(struct undo *u)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct journal_entry *e = &u->entries[i];

		for (size_t j = i; !e->error && j-- > 0;) {
			const struct journal_entry *earlier = &u->entries[j];

			if (earlier->error || u->is_undone[j] || !is_same(&earlier->path, &e->path))
				continue;
			if (takes_back(e, earlier))
				u->is_undone[i] = u->is_undone[j] = true;
			break;
		}
	}
}

/* ---- telling ---- */

static void add_shown(struct buf *b, const struct buf *text)
{
	size_t len = text->len && text->data[text->len - 1] == '\n' ? text->len - 1 : text->len;

	if (!len)
		buf_add_str(b, "(nothing)");
	else
		text_add_excerpt(b, text->data, len, SHOWN_BYTES);
}

static const char *const acts[] = { "save", "make", "delete", "move" };

static void print_json(const struct journal_entry *e, const char *why, bool done)
{
	scoped(buf_fini) struct buf b = BUF_INIT;

	buf_add_fmt(&b, "{\"act\":\"%s\",\"path\":", acts[e->act]);
	json_add_text(buf_str(&e->path), &b);
	buf_add_str(&b, ",\"from\":");
	json_add_text(buf_str(&e->after), &b);
	buf_add_str(&b, ",\"to\":");
	json_add_text(buf_str(&e->before), &b);
	buf_add_fmt(&b, ",\"undone\":%s,\"why\":", done ? "true" : "false");
	if (why)
		json_add_text(why, &b);
	else
		buf_add_str(&b, "null");
	printf("%s}\n", buf_str(&b));
}

/* One entry; why is NULL when it was undone, or would be. */
static void tell(struct undo *u, const struct journal_entry *e, const char *why)
{
	bool dry = arguments_have(u->args, OPTION_dry_run);
	scoped(buf_fini) struct buf b = BUF_INIT;

	u->failed |= why != NULL;
	if (arguments_have(u->args, OPTION_json)) {
		print_json(e, why, !why && !dry);
		return;
	}
	buf_add_fmt(&b, "%s: %s: ",
		why   ? "not undone"
		: dry ? "would undo"
		      : "undone",
		buf_str(&e->path));
	if (why) {
		buf_add_str(&b, why);
	} else if (e->act == JOURNAL_MAKE) {
		buf_add_str(&b, "deleted");
	} else {
		add_shown(&b, &e->after);
		buf_add_str(&b, " -> ");
		add_shown(&b, &e->before);
	}
	puts(buf_str(&b));
}

/* ---- undoing ---- */

static int write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Emptying by path is sent at once, so that its failure is known. */
static int write_text(const char *path, const struct buf *text)
{
	if (!text->len)
		return truncate(path, 0) < 0 ? -errno : 0;
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int e = write_all(fd, text);

	if (close(fd) < 0 && e == 0)
		e = -errno;
	return e;
}

static const char *explain(int e)
{
	return e == -EBUSY    ? "somebody changed it in this moment"
	       : e == -ENOENT ? "it is no longer there"
			      : text_errno(e);
}

static const char *undo_save(struct undo *u, const struct journal_entry *e)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", u->mountpoint, buf_str(&e->path));
	scoped(buf_fini) struct buf now = BUF_INIT;
	int r = file_read(path, TEXT_BYTES, &now);

	if (r < 0)
		return explain(r);
	if (!is_same(&now, &e->after))
		return "it was changed since";
	if (!arguments_have(u->args, OPTION_dry_run))
		r = write_text(path, &e->before);
	return r < 0 ? explain(r) : NULL;
}

static const char *undo_make(struct undo *u, const struct journal_entry *e)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", u->mountpoint, buf_str(&e->path));
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	if (r == 0 && !arguments_have(u->args, OPTION_dry_run) && rmdir(path) < 0)
		r = -errno;
	if (r == -EBUSY)
		return "too many were deleted; .storyfs/deletes says how to go on";
	return r < 0 ? explain(r) : NULL;
}

static const char *undo_entry(struct undo *u, const struct journal_entry *e)
{
	switch (e->act) {
	case JOURNAL_SAVE:
		return undo_save(u, e);
	case JOURNAL_MAKE:
		return undo_make(u, e);
	case JOURNAL_DELETE:
		return "it was deleted, and V5 brings nothing back";
	case JOURNAL_MOVE:
		break;
	}
	return "it was moved among others, and where it was before is not known";
}

static void undo_last(struct undo *u, size_t n)
{
	for (size_t i = u->n; i-- > 0 && u->n_tried < n;) {
		const struct journal_entry *e = &u->entries[i];

		if (e->error || u->is_undone[i])
			continue;
		u->n_tried++;
		tell(u, e, undo_entry(u, e));
	}
}

/* ---- the command ---- */

/* The operands: a number, or a mountpoint, or both. 1 when they are neither. */
static int read_operands(const struct arguments *args, int64_t *ret_n, const char **ret_path)
{
	bool has_n = args->n_operands && parse_int(args->operands[0], 1, INT32_MAX, ret_n);
	int n_left = args->n_operands - has_n;

	if (!has_n)
		*ret_n = 1;
	*ret_path = n_left ? args->operands[has_n] : ".";
	return n_left > 1;
}

enum exit_code run_undo(const struct arguments *args)
{
	scoped(undo_fini) struct undo u = { .args = args };
	scoped(free_ptr) char *mountpoint = NULL;
	scoped(free_ptr) char *path = NULL;
	scoped(buf_fini) struct buf text = BUF_INIT, reason = BUF_INIT;
	const char *where;
	int64_t n;

	if (read_operands(args, &n, &where)) {
		fprintf(stderr, "storyfs: undo: '%s' is no number of writes\n", args->operands[0]);
		return EXIT_USAGE;
	}
	if (mountpoint_find(where, &mountpoint, &reason) < 0)
		return setup_fail(args, buf_str(&reason));
	path = xasprintf("%s/.storyfs/journal", mountpoint);
	int e = file_read(path, JOURNAL_BYTES, &text);

	if (e < 0) {
		buf_add_fmt(&reason, "%s: %s", path, text_errno(e));
		return setup_fail(args, buf_str(&reason));
	}
	u.mountpoint = mountpoint;
	read_entries(&u, &text);
	find_undone(&u);
	undo_last(&u, (size_t)n);
	if (u.n_tried == 0)
		return setup_fail(args, "there is nothing to undo");
	return u.failed ? EXIT_FAILED : EXIT_DONE;
}
