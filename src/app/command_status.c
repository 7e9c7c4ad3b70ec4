/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs status`: each mount, asked by a process of its own, for it may never answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "command.h"
#include "mountpoint.h"
#include "probe.h"
#include "setup.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/json.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { DEADLINE_MS = 3000, STATUS_BYTES = 1 << 16, NAMES_BYTES = 1 << 16 };

enum state { ALIVE, DEAD, WEDGED, FOREIGN, FAILING };

static const char *const states[] = {
	[ALIVE] = "alive",
	[DEAD] = "dead",
	[WEDGED] = "wedged",
	[FOREIGN] = "foreign",
	[FAILING] = "failing",
};

struct report {
	const struct mounted *mount;
	struct probe probe;
	enum state state;
	int error;
	struct buf status; /* `key: value` a line */
	struct buf next;   /* what to do, a line each; nothing: all is well */
};

struct reports {
	struct report *items;
	size_t n;
};

static void reports_fini(struct reports *r)
{
	for (size_t i = 0; i < r->n; i++) {
		buf_fini(&r->items[i].status);
		buf_fini(&r->items[i].next);
	}
	free(r->items);
}

SCOPED_VALUE(struct reports, reports_fini);

/* ---- asking ---- */

static size_t count_lines(const char *text, size_t len)
{
	size_t n = len > 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* In a process of its own. */
static int ask_mount(void *data, struct buf *ret)
{
	const struct mounted *mount = data;
	scoped(free_ptr) char *path = xasprintf("%s/.storyfs/status", mount->path);
	scoped(free_ptr) char *names = xcalloc(1, NAMES_BYTES);
	int e = file_read(path, STATUS_BYTES, ret);
	ssize_t len = e < 0 ? 0 : getxattr(mount->path, "user.storyfs.dirty", names, NAMES_BYTES);

	buf_add_fmt(ret, "unsaved: %zu\n", count_lines(names, len > 0 ? (size_t)len : 0));
	return e;
}

static enum state state_of(int error)
{
	switch (-error) {
	case 0:
		return ALIVE;
	case ENOTCONN:
	case ECONNABORTED:
		return DEAD;
	case ETIMEDOUT:
		return WEDGED;
	case EACCES:
	case EPERM:
		return FOREIGN;
	default:
		return FAILING;
	}
}

/* ---- what it said ---- */

static bool next_line(const char **at, struct buf *line)
{
	size_t len = strcspn(*at, "\n");
	bool is_there = **at;

	buf_reset(line);
	buf_add(line, *at, len);
	*at += len + ((*at)[len] == '\n');
	return is_there;
}

/* The next line's key and value; false at the end. */
static bool next_fact(const char **at, struct buf *key, struct buf *value)
{
	scoped(buf_fini) struct buf line = BUF_INIT;

	if (!next_line(at, &line))
		return false;
	size_t colon = strcspn(buf_str(&line), ":");
	const char *rest = buf_str(&line) + colon;

	buf_reset(key);
	buf_reset(value);
	buf_add(key, buf_str(&line), colon);
	buf_add_str(value, rest + strspn(rest, ": "));
	return true;
}

static bool find_fact(const struct report *r, const char *wanted, struct buf *ret)
{
	scoped(buf_fini) struct buf key = BUF_INIT;
	const char *at = buf_str(&r->status);

	while (next_fact(&at, &key, ret)) {
		if (strcmp(buf_str(&key), wanted) == 0)
			return true;
	}
	return false;
}

/* ---- what to do ---- */

static void advise_living(struct report *r)
{
	static const struct {
		const char *key, *well, *words; /* a value that is wrong unless it begins so */
	} wrongs[] = {
		{ "failing_since", NULL,
			"the host is asked again by itself; what is known is shown meanwhile, saves "
			"fail" },
		{ "cache", "/",
			"nothing more is kept for the next mount; mount again when the cause is gone" },
		{ "refused", "0", ".storyfs/errors there says what was refused, and why" },
		{ "conflicts", "0",
			".storyfs/conflicts there has both texts; write mine or theirs into resolve" },
	};

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		scoped(buf_fini) struct buf value = BUF_INIT;
		const char *well = wrongs[i].well;

		if (find_fact(r, wrongs[i].key, &value) &&
			!(well && text_has_prefix(buf_str(&value), well)))
			buf_add_fmt(&r->next, "%s\n", wrongs[i].words);
	}
}

static void advise(struct report *r)
{
	const char *path = r->mount->path;

	switch (r->state) {
	case ALIVE:
		advise_living(r);
		break;
	case DEAD:
		buf_add_fmt(&r->next,
			"its process is gone: run the same `storyfs mount` again, which takes the "
			"dead mount away, or: storyfs umount '%s'\n",
			path);
		break;
	case WEDGED:
		buf_add_fmt(&r->next,
			"its process is stopped or stuck; when that lasts, take the mount away: "
			"fusermount3 -uz '%s'\n",
			path);
		break;
	case FOREIGN:
		break;
	case FAILING:
		buf_add_fmt(&r->next, "%s/.storyfs/status: %s\n", path, text_errno(r->error));
		break;
	}
}

/* ---- telling ---- */

static void print_words(const char *before, const char *words)
{
	scoped(buf_fini) struct buf b = BUF_INIT;

	text_add_words(&b, words);
	printf("%s%s", before, buf_str(&b));
}

static void print_lines(const char *before, const char *lines)
{
	scoped(buf_fini) struct buf line = BUF_INIT;

	while (next_line(&lines, &line)) {
		print_words(before, buf_str(&line));
		putchar('\n');
	}
}

static void print_report(const struct report *r)
{
	print_words("", r->mount->path);
	printf(": %s\n", states[r->state]);
	print_lines("  source: ", r->mount->source);
	print_lines("  ", buf_str(&r->status));
	print_lines("  next: ", buf_str(&r->next));
}

/* Of several lines that begin alike the first: there are such while lists are loaded. */
static void add_facts(const struct report *r, struct buf *b)
{
	scoped(buf_fini) struct buf key = BUF_INIT, value = BUF_INIT, last = BUF_INIT;
	const char *at = buf_str(&r->status);
	int64_t number;

	for (size_t i = 0; next_fact(&at, &key, &value);) {
		if (last.len && strcmp(buf_str(&key), buf_str(&last)) == 0)
			continue;
		buf_add_str(b, i++ ? "," : "");
		json_add_text(buf_str(&key), b);
		buf_add_char(b, ':');
		if (parse_int(buf_str(&value), 0, INT64_MAX, &number))
			buf_add_str(b, buf_str(&value));
		else
			json_add_text(buf_str(&value), b);
		buf_reset(&last);
		buf_add_str(&last, buf_str(&key));
	}
}

static void add_report(const struct report *r, struct buf *b)
{
	scoped(buf_fini) struct buf line = BUF_INIT;
	const char *next = buf_str(&r->next);

	buf_add_str(b, b->len > 1 ? ",{\"mountpoint\":" : "{\"mountpoint\":");
	json_add_text(r->mount->path, b);
	buf_add_str(b, ",\"source\":");
	json_add_text(r->mount->source, b);
	buf_add_fmt(b, ",\"state\":\"%s\",\"well\":%s,\"next\":[", states[r->state],
		r->next.len ? "false" : "true");
	for (size_t i = 0; next_line(&next, &line); i++) {
		buf_add_str(b, i ? "," : "");
		json_add_text(buf_str(&line), b);
	}
	buf_add_str(b, "],\"status\":{");
	add_facts(r, b);
	buf_add_str(b, "}}");
}

static void tell(const struct arguments *args, const struct reports *reports)
{
	scoped(buf_fini) struct buf json = BUF_INIT;

	buf_add_char(&json, '[');
	for (size_t i = 0; i < reports->n; i++) {
		if (arguments_have(args, OPTION_json))
			add_report(&reports->items[i], &json);
		else
			print_report(&reports->items[i]);
	}
	if (arguments_have(args, OPTION_json))
		printf("%s]\n", buf_str(&json));
	else if (!reports->n)
		puts("no storyfs is mounted");
}

/* ---- which ---- */

/* In a process of its own: the path may lead through a mount. */
static int resolve(void *data, struct buf *ret)
{
	scoped(free_ptr) char *real = realpath(data, NULL);

	if (!real)
		return -errno;
	buf_add_str(ret, real);
	return 0;
}

static bool is_below(const char *path, const char *mountpoint)
{
	size_t len = strlen(mountpoint);

	return strncmp(path, mountpoint, len) == 0 && (!path[len] || path[len] == '/');
}

/* As it was typed, and only then as the file system has it: a dead mount resolves nothing. */
static const struct mounted *find_typed(const struct mounted_list *list, const char *path)
{
	scoped(free_ptr) char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	scoped(free_ptr) char *full = here ? xasprintf("%s/%s", here, path) : xstrdup(path);
	size_t len = strlen(full);

	while (len > 1 && full[len - 1] == '/')
		full[--len] = '\0';
	for (size_t i = list->n; i-- > 0;) {
		if (strcmp(list->items[i].path, full) == 0)
			return &list->items[i];
	}
	return NULL;
}

static const struct mounted *find_mount(
	const struct mounted_list *list, const char *path, struct buf *ret_reason)
{
	const struct mounted *found = find_typed(list, path);
	scoped(buf_fini) struct buf real = BUF_INIT;
	struct probe probe;
	int e = found ? 0 : probe_start(resolve, (void *)(uintptr_t)path, &probe);

	if (!found && e == 0)
		e = probe_finish(&probe, clock_deadline(DEADLINE_MS), &real);
	for (size_t i = 0; real.len && i < list->n; i++) {
		const struct mounted *m = &list->items[i];

		if (is_below(buf_str(&real), m->path) &&
			(!found || strlen(m->path) > strlen(found->path)))
			found = m;
	}
	if (e < 0)
		buf_add_fmt(ret_reason, "%s: %s", path, text_errno(e));
	else if (!found)
		buf_add_fmt(ret_reason,
			"%s: no storyfs is mounted there; see: findmnt -t fuse.storyfs", path);
	return found;
}

/* ---- the command ---- */

/* All at once, so that the wait is one. */
static int ask_all(struct reports *reports)
{
	for (size_t i = 0; i < reports->n; i++) {
		struct report *r = &reports->items[i];
		int e = probe_start(ask_mount, (void *)(uintptr_t)r->mount, &r->probe);

		if (e < 0)
			return e;
	}
	int64_t deadline_ms = clock_deadline(DEADLINE_MS);
	int failed = 0;

	for (size_t i = 0; i < reports->n; i++) {
		struct report *r = &reports->items[i];

		r->error = probe_finish(&r->probe, deadline_ms, &r->status);
		r->state = state_of(r->error);
		if (r->state != ALIVE)
			buf_reset(&r->status);
		advise(r);
		failed |= r->next.len > 0;
	}
	return failed;
}

enum exit_code run_status(const struct arguments *args)
{
	scoped(mounted_list_fini) struct mounted_list list = { 0 };
	scoped(reports_fini) struct reports reports = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	const struct mounted *only = NULL;

	mountpoint_list(&list);
	if (args->n_operands) {
		only = find_mount(&list, args->operands[0], &reason);
		if (!only)
			return setup_fail(args, buf_str(&reason));
	}
	reports.items = xcalloc(list.n + 1, sizeof(*reports.items));
	reports.n = only ? 1 : list.n;
	for (size_t i = 0; i < reports.n; i++)
		reports.items[i].mount = only ? only : &list.items[i];
	int failed = ask_all(&reports);

	if (failed < 0)
		return setup_fail(args, text_errno(failed));
	tell(args, &reports);
	return failed ? EXIT_FAILED : EXIT_DONE;
}
