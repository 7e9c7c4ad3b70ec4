/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: lines, the file they are appended to, and the last of them in memory. */
#include "storyfs/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/log.h"
#include "storyfs/text.h"

enum {
	KEPT_BYTES = 1 << 20, /* in memory; half of it goes when it is full */
	N_COLUMNS = 6,
};

struct journal {
	pthread_mutex_t lock; /* guards what follows */
	int fd;		      /* -1: there is none */
	bool is_torn;	      /* the file ends within a line */
	struct buf kept;
};

void journal_entry_fini(struct journal_entry *e)
{
	buf_fini(&e->path);
	buf_fini(&e->before);
	buf_fini(&e->after);
}

/* ---- lines ---- */

static const char *const acts[] = {
	[JOURNAL_SAVE] = "save",
	[JOURNAL_MAKE] = "make",
	[JOURNAL_DELETE] = "delete",
	[JOURNAL_MOVE] = "move",
};

enum { N_ACTS = sizeof(acts) / sizeof(*acts) };

/* What stands for a character within a cell, behind a backslash. */
static const struct {
	char character, letter;
} escapes[] = { { '\\', '\\' }, { '\n', 'n' }, { '\t', 't' }, { '\r', 'r' }, { '\0', '0' } };

enum { N_ESCAPES = sizeof(escapes) / sizeof(*escapes) };

/* The place in the table, or N_ESCAPES. */
static size_t find_escape(char character)
{
	size_t k = 0;

	while (k < N_ESCAPES && escapes[k].character != character)
		k++;
	return k;
}

/* How many bytes from here on are a control character, to a terminal that shows the journal: of
 * ASCII, or the two of U+0080 to U+009F. */
static size_t control_length(const char *p, size_t left)
{
	unsigned char c = (unsigned char)*p;

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && left > 1 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xa0
		       ? 2
		       : 0;
}

static void add_cell(struct buf *b, const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		size_t k = find_escape(text->data[i]);
		size_t n = k < N_ESCAPES ? 0 : control_length(text->data + i, text->len - i);

		if (k < N_ESCAPES)
			buf_add_fmt(b, "\\%c", escapes[k].letter);
		else if (!n)
			buf_add_char(b, text->data[i]);
		for (size_t end = i + n; i < end; i++)
			buf_add_fmt(b, "\\x%02x", (unsigned char)text->data[i]);
		i -= n > 0;
	}
}

void journal_write_line(const struct journal_entry *e, struct buf *b)
{
	char when[CLOCK_ISO_SIZE];
	const char *name = e->error ? strerrorname_np(-e->error) : "ok";

	clock_format_iso(e->at_ms, when);
	buf_add_fmt(b, "%s\t%s\t%s\t", when, acts[e->act], name ? name : "EIO");
	add_cell(b, &e->path);
	buf_add_char(b, '\t');
	add_cell(b, &e->before);
	buf_add_char(b, '\t');
	add_cell(b, &e->after);
	buf_add_char(b, '\n');
}

struct cell {
	const char *text;
	size_t len;
};

static bool is_cell(const struct cell *cell, const char *text)
{
	return cell->len == strlen(text) && memcmp(cell->text, text, cell->len) == 0;
}

static bool split(const char *line, size_t len, struct cell ret[N_COLUMNS])
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && line[i] != '\t')
			continue;
		if (n == N_COLUMNS)
			return false;
		ret[n++] = (struct cell){ line + start, i - start };
		start = i + 1;
	}
	return n == N_COLUMNS;
}

/* `xNN` at this place of a cell. */
static bool read_byte(const struct cell *cell, size_t at, char *ret)
{
	char digits[3] = "", *end;

	if (at + 3 > cell->len || cell->text[at] != 'x' ||
		!isxdigit((unsigned char)cell->text[at + 1]))
		return false;
	memcpy(digits, cell->text + at + 1, 2);
	*ret = (char)strtoul(digits, &end, 16);
	return *end == '\0';
}

static bool read_cell(const struct cell *cell, struct buf *ret)
{
	for (size_t i = 0; i < cell->len; i++) {
		size_t k = 0;
		char byte;

		if (cell->text[i] != '\\') {
			buf_add_char(ret, cell->text[i]);
			continue;
		}
		i++;
		while (k < N_ESCAPES && (i == cell->len || escapes[k].letter != cell->text[i]))
			k++;
		if (k < N_ESCAPES) {
			buf_add_char(ret, escapes[k].character);
		} else if (read_byte(cell, i, &byte)) {
			buf_add_char(ret, byte);
			i += 2;
		} else {
			return false;
		}
	}
	return true;
}

static bool read_act(const struct cell *cell, enum journal_act *ret)
{
	for (int i = 0; i < N_ACTS; i++) {
		if (!is_cell(cell, acts[i]))
			continue;
		*ret = (enum journal_act)i;
		return true;
	}
	return false;
}

/* An errno by its name; EIO for one of another system. */
static int read_error(const struct cell *cell)
{
	enum { LAST_ERRNO = 255 };

	if (is_cell(cell, "ok"))
		return 0;
	for (int error = 1; error <= LAST_ERRNO; error++) {
		const char *name = strerrorname_np(error);

		if (name && is_cell(cell, name))
			return -error;
	}
	return -EIO;
}

bool journal_read_line(const char *line, size_t len, struct journal_entry *ret)
{
	struct journal_entry e = { 0 };
	struct cell cells[N_COLUMNS];

	if (!split(line, len, cells))
		return false;
	scoped(free_ptr) char *when = xstrndup(cells[0].text, cells[0].len);

	e.error = read_error(&cells[2]);
	if (clock_parse_iso(when, &e.at_ms) && read_act(&cells[1], &e.act) &&
		read_cell(&cells[3], &e.path) && read_cell(&cells[4], &e.before) &&
		read_cell(&cells[5], &e.after)) {
		*ret = e;
		return true;
	}
	journal_entry_fini(&e);
	return false;
}

/* ---- the file ---- */

static int make_parent(const char *path)
{
	scoped(free_ptr) char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');

	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return file_make_dirs(dir);
}

/* The end of the file, from the start of a line on. */
static int read_tail(struct journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return -errno;
	off_t start = st.st_size > KEPT_BYTES / 2 ? st.st_size - KEPT_BYTES / 2 : 0;
	size_t size = (size_t)(st.st_size - start);
	char *to = buf_reserve(&j->kept, size + 1);

	while (j->kept.len < size) {
		ssize_t n = pread(
			j->fd, to + j->kept.len, size - j->kept.len, start + (off_t)j->kept.len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		j->kept.len += n > 0 ? (size_t)n : 0;
	}
	to[j->kept.len] = '\0';
	j->is_torn = j->kept.len && to[j->kept.len - 1] != '\n';
	return start > 0;
}

/* Take lines away in front, up to the first that begins at or after this byte. */
static void drop_until(struct buf *b, size_t at)
{
	const char *end = at < b->len ? memchr(b->data + at, '\n', b->len - at) : NULL;
	size_t n = end ? (size_t)(end - b->data) + 1 : b->len;

	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

static int open_file(struct journal *j, const char *path)
{
	int e = make_parent(path);

	if (e < 0)
		return e;
	j->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0)
		return -errno;
	e = read_tail(j);
	if (e > 0)
		drop_until(&j->kept, 0);
	if (j->is_torn) {
		const char *last = memrchr(buf_str(&j->kept), '\n', j->kept.len);

		j->kept.len = last ? (size_t)(last - j->kept.data) + 1 : 0;
	}
	return e < 0 ? e : 0;
}

int journal_open(const char *path, struct journal **ret)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	int e = 0;

	j->fd = -1;
	pthread_mutex_init(&j->lock, NULL);
	if (path)
		e = open_file(j, path);
	if (e < 0)
		journal_free(j);
	else
		*ret = j;
	return e;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	buf_fini(&j->kept);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* The lock is held. What was cut off before is ended first, so that it spoils no line of ours. */
static void append(struct journal *j, const struct buf *line)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	ssize_t n;

	if (j->fd < 0)
		return;
	if (j->is_torn)
		buf_add_char(&text, '\n');
	buf_add(&text, line->data, line->len);
	do
		n = write(j->fd, text.data, text.len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)text.len) {
		j->is_torn = false;
		return;
	}
	log_error("the journal cannot be written any more: %s",
		n < 0 ? text_errno(errno) : "the disk is full");
	close(j->fd);
	j->fd = -1;
}

void journal_add(struct journal *j, const struct journal_entry *e)
{
	scoped(buf_fini) struct buf line = BUF_INIT;

	journal_write_line(e, &line);
	lock_scope(&j->lock);
	append(j, &line);
	/* This line stays, however long it is. */
	size_t all = j->kept.len + line.len, too_many = all - KEPT_BYTES / 2;

	if (all >= KEPT_BYTES && j->kept.len)
		drop_until(&j->kept, too_many < j->kept.len ? too_many : j->kept.len - 1);
	buf_add(&j->kept, line.data, line.len);
}

void journal_read(struct journal *j, struct buf *ret)
{
	lock_scope(&j->lock);
	buf_add(ret, buf_str(&j->kept), j->kept.len);
}

/* ---- its place ---- */

/* FNV-1a: a name for a source, which nobody forges. */
static uint64_t hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

char *journal_path(const char *source)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): nobody changes the environment */
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	/* NOLINTEND(concurrency-mt-unsafe) */
	bool has_state = state && *state == '/';

	if (!has_state && (!home || *home != '/'))
		return NULL;
	return xasprintf("%s%s/storyfs/%016" PRIx64 "/journal", has_state ? state : home,
		has_state ? "" : "/.local/state", hash(source));
}
