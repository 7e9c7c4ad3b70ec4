/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file, line by line. */
#include "config_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "source.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/http.h"
#include "storyfs/nearest.h"
#include "storyfs/text.h"

enum { FILE_BYTES = 256 << 10, LINE_BYTES = 4096, NAME_BYTES = 64, SHOWN_BYTES = 60 };

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define SOURCE "source"
/* A line that is being read. */
struct reading {
	struct config_file *file;
	int section, number;
	struct buf *reason;
};

static int begin_mistake(const struct reading *r)
{
	buf_add_fmt(r->reason, "%s:%d: ", r->file->path, r->number);
	return 1;
}

static int mistake(const struct reading *r, const char *words)
{
	begin_mistake(r);
	buf_add_str(r->reason, words);
	return 1;
}

static void add_quoted(struct buf *b, const char *text)
{
	buf_add_char(b, '\'');
	text_add_excerpt(b, text, strlen(text), SHOWN_BYTES);
	buf_add_char(b, '\'');
}

static char *trim(char *text)
{
	text += strspn(text, " \t\r");
	size_t len = strlen(text);

	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* ---- names ---- */

static bool may_stand(enum option_id option, int section)
{
	return option_rows[option].flags & OPTION_CONFIG &&
	       (section < 0 || option_is_for(option, FOR_SOURCES));
}

/* What may stand here and is most like it; NULL when nothing is. */
static const char *find_nearest(const struct reading *r, const char *word)
{
	struct nearest near = { .word = word };

	for (int i = 0; i < N_OPTIONS; i++) {
		if (may_stand((enum option_id)i, r->section))
			nearest_offer(&near, option_rows[i].name);
	}
	if (r->section >= 0)
		nearest_offer(&near, SOURCE);
	return nearest_name(&near);
}

/* A word without a value may be a part of one, even of a token: it is not repeated. */
static int refuse_name(const struct reading *r, const char *word, bool has_value)
{
	const char *near = find_nearest(r, word);

	begin_mistake(r);
	if (has_value) {
		buf_add_str(r->reason, "there is no option ");
		add_quoted(r->reason, word);
	} else {
		buf_add_str(r->reason, "this is no `name = VALUE`");
	}
	if (near)
		buf_add_fmt(r->reason, "; did you mean '%s'?", near);
	else
		buf_add_str(r->reason, "; see `storyfs config`");
	return 1;
}

static int refuse_place(const struct reading *r, enum option_id option)
{
	const char *name = option_rows[option].name;

	begin_mistake(r);
	if (option_rows[option].flags & OPTION_CONFIG)
		buf_add_fmt(r->reason,
			"'%s' is nothing of a source; it stands above the first section", name);
	else
		buf_add_fmt(r->reason, "'%s' is for the command line alone", name);
	return 1;
}

/* ---- values ---- */

/* A path with the home directory for ~; the caller frees it, NULL when it hangs on where one is. */
static char *absolute_path(const char *text)
{
	const char *home = getenv("HOME");

	if (text_has_prefix(text, "~/") && home && home[0] == '/')
		return xasprintf("%s%s", home, text + 1);
	return text[0] == '/' ? xstrdup(text) : NULL;
}

static int take_source(const struct reading *r, const char *text)
{
	struct config_section *section = &r->file->sections[r->section];
	scoped(free_ptr) char *origin = NULL;
	scoped(free_ptr) char *target = NULL;
	bool is_url = source_is_url(text);

	if (section->source)
		return mistake(r, "the section has a source already");
	if (is_url && !http_split_url(text, &origin, &target))
		return mistake(r, "the source is not a URL of a V5 host");
	section->source = is_url ? xstrdup(text) : absolute_path(text);
	section->source_number = r->number;
	return section->source ? 0
			       : mistake(r, "a source is a URL (https://HOST/services/v5), or the "
					    "path of an archive, which begins with / or ~/");
}

/* Not with the value: a token may stand in a wrong place. */
static int refuse_value(const struct reading *r, enum option_id option, const char *why)
{
	begin_mistake(r);
	buf_add_fmt(r->reason, "%s %s", option_rows[option].name, why);
	return 1;
}

static int take_value(const struct reading *r, enum option_id option, const char *text)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	const struct option_row *row = &option_rows[option];
	const struct config_line *before = config_file_find_line(r->file, option, r->section);
	bool is_path = row->argument.type == OPTION_PATH && strcmp(text, "-") != 0;
	const char *value;

	if (before) {
		buf_add_fmt(&why, "stands in line %d already", before->number);
		return refuse_value(r, option, buf_str(&why));
	}
	if (row->argument.name && !*text) {
		buf_add_fmt(&why, "needs its %s", row->argument.name);
		return refuse_value(r, option, buf_str(&why));
	}
	if (!option_take_value(option, text, &value, &why))
		return refuse_value(r, option, buf_str(&why));
	char *kept = is_path ? absolute_path(text) : xstrdup(text);

	if (!kept)
		return refuse_value(r, option, "takes a path that begins with / or ~/");
	struct config_file *f = r->file;

	f->lines = xrealloc(f->lines, f->n_lines + 1, sizeof(*f->lines));
	f->lines[f->n_lines++] = (struct config_line){ option, r->section, r->number, kept };
	return 0;
}

/* ---- lines ---- */

static bool is_section_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_BYTES || strchr("-.", name[0]))
		return false;
	for (; *name; name++) {
		if ((unsigned char)*name < 0x80 && !isalnum((unsigned char)*name) &&
			!strchr("-_.", *name))
			return false;
	}
	return true;
}

/* `[NAME]` */
static int begin_section(struct reading *r, char *line)
{
	struct config_file *f = r->file;
	size_t len = strlen(line);

	if (line[len - 1] != ']')
		return mistake(r, "the name of a source stands between [ and ]");
	line[len - 1] = '\0';
	const char *name = trim(line + 1);

	if (!is_section_name(name))
		return mistake(r, "the name of a source has letters, digits, - _ and . alone, and "
				  "begins with a letter or digit");
	const struct config_section *before = config_file_find_section(f, name);

	if (before) {
		begin_mistake(r);
		buf_add_fmt(r->reason, "[%s] stands in line %d already", name, before->number);
		return 1;
	}
	f->sections = xrealloc(f->sections, f->n_sections + 1, sizeof(*f->sections));
	f->sections[f->n_sections] =
		(struct config_section){ .name = xstrdup(name), .number = r->number };
	r->section = (int)f->n_sections++;
	return 0;
}

static int take_line(struct reading *r, char *line)
{
	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	if (*line == '[')
		return begin_section(r, line);
	char *equals = strchr(line, '=');
	const char *value = equals ? trim(equals + 1) : "";

	if (equals)
		*equals = '\0';
	line = trim(line);
	if (strcmp(line, SOURCE) == 0 && equals && r->section >= 0)
		return take_source(r, value);
	if (strcmp(line, SOURCE) == 0 && equals)
		return mistake(r, "a source stands in a section with its name, such as [work]");
	int option = option_find(line, strlen(line));

	if (option < 0)
		return refuse_name(r, line, equals);
	if (!may_stand((enum option_id)option, r->section))
		return refuse_place(r, (enum option_id)option);
	return take_value(r, (enum option_id)option, value);
}

static int check_line(const struct reading *r, const char *line, size_t len)
{
	if (len > LINE_BYTES)
		return mistake(r, "a line has 4096 bytes at most");
	if (memchr(line, '\0', len))
		return mistake(r, "there is a NUL byte in this line");
	return text_is_valid(line, len) ? 0 : mistake(r, "this line is not UTF-8");
}

static int take_text(struct config_file *f, struct buf *text, struct buf *ret_reason)
{
	struct reading r = { .file = f, .section = -1, .reason = ret_reason };
	size_t at = text_has_prefix(buf_str(text), BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0;

	while (at < text->len) {
		char *line = text->data + at;
		char *newline = memchr(line, '\n', text->len - at);
		size_t len = newline ? (size_t)(newline - line) : text->len - at;

		r.number++;
		if (check_line(&r, line, len))
			return 1;
		line[len] = '\0';
		if (take_line(&r, line))
			return 1;
		at += len + 1;
	}
	return 0;
}

/* ---- the whole ---- */

static char *find_path(void)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (base && base[0] == '/')
		return xasprintf("%s/storyfs/config", base);
	return home && home[0] == '/' ? xasprintf("%s/.config/storyfs/config", home) : NULL;
}

/* Each section is of a source; a token is nobody else's. */
static int check_whole(const struct config_file *f, const struct stat *st, struct buf *ret_reason)
{
	for (size_t i = 0; i < f->n_sections; i++) {
		if (f->sections[i].source)
			continue;
		buf_add_fmt(ret_reason, "%s:%d: [%s] needs a line `source = URL`", f->path,
			f->sections[i].number, f->sections[i].name);
		return 1;
	}
	for (size_t i = 0; st->st_mode & (S_IRWXG | S_IRWXO) && i < f->n_lines; i++) {
		const struct option_row *row = &option_rows[f->lines[i].option];

		if (!(row->flags & OPTION_ONLY_CONFIG))
			continue;
		buf_add_fmt(ret_reason,
			"%s:%d: others may read the %s that stands here; run: chmod 600 %s",
			f->path, f->lines[i].number, row->name, f->path);
		return 1;
	}
	return 0;
}

static int read_file(struct config_file *f, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct stat st;
	int e = stat(f->path, &st) < 0 ? -errno : 0;

	if (e == -ENOENT || e == -ENOTDIR)
		return 0;
	if (e == 0 && S_ISDIR(st.st_mode))
		e = -EISDIR;
	else if (e == 0 && !S_ISREG(st.st_mode))
		e = -EINVAL; /* reading a pipe would wait */
	if (e == 0)
		e = file_read(f->path, FILE_BYTES, &text);
	if (e < 0)
		buf_add_fmt(ret_reason, "%s: %s", f->path,
			e == -EINVAL ? "this is no regular file" : text_errno(e));
	int r = e < 0 || take_text(f, &text, ret_reason) || check_whole(f, &st, ret_reason);

	if (text.data)
		explicit_bzero(text.data, text.cap);
	return r;
}

int config_file_read(struct config_file *ret, struct buf *ret_reason)
{
	scoped(config_file_fini) struct config_file f = { .path = find_path() };

	if (f.path && read_file(&f, ret_reason))
		return 1;
	*ret = f;
	f = (struct config_file){ 0 };
	return 0;
}

void config_file_fini(struct config_file *f)
{
	for (size_t i = 0; i < f->n_lines; i++) {
		explicit_bzero(f->lines[i].text, strlen(f->lines[i].text));
		free(f->lines[i].text);
	}
	for (size_t i = 0; i < f->n_sections; i++) {
		free(f->sections[i].name);
		free(f->sections[i].source);
	}
	free(f->lines);
	free(f->sections);
	free(f->path);
	*f = (struct config_file){ 0 };
}

const struct config_section *config_file_find_section(const struct config_file *f, const char *name)
{
	for (size_t i = 0; i < f->n_sections; i++) {
		if (strcmp(f->sections[i].name, name) == 0)
			return &f->sections[i];
	}
	return NULL;
}

const struct config_line *config_file_find_line(
	const struct config_file *f, enum option_id option, int section)
{
	for (size_t i = 0; i < f->n_lines; i++) {
		if (f->lines[i].option == option && f->lines[i].section == section)
			return &f->lines[i];
	}
	return NULL;
}
