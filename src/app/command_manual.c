/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `storyfs manual`: the manual pages, in roff. What has rows comes from the tables, in the words of
 * --help; the frame around it stands here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "storyfs/tree.h"

/* ---- roff ---- */

/* What roff would take for something else, in ASCII. */
static const char *escaped(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '-':
		return "\\-";
	case '`':
		return "\\(ga";
	case '\'':
		return "\\(aq";
	case '"':
		return "\\(dq";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	default:
		return NULL;
	}
}

static void add_text(struct buf *b, const char *text, size_t len)
{
	if (len && *text == '.')
		buf_add_str(b, "\\&");
	for (size_t i = 0; i < len; i++) {
		const char *as = escaped(text[i]);

		if (as)
			buf_add_str(b, as);
		else
			buf_add_char(b, text[i]);
	}
}

static void add_word(struct buf *b, const char *word)
{
	add_text(b, word, strlen(word));
}

/* Lines as help prints them: an empty one parts paragraphs, indented ones stay as they are. */
static void add_paragraphs(struct buf *b, const char *text)
{
	bool as_is = false, is_gap = false;

	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (!len) {
			is_gap = true;
			continue;
		}
		if (as_is != (*text == ' ')) {
			as_is = !as_is;
			buf_add_str(b, as_is ? ".PP\n.nf\n" : ".fi\n.PP\n");
		} else if (is_gap) {
			buf_add_str(b, as_is ? "\\&\n" : ".PP\n");
		}
		is_gap = false;
		add_text(b, text, len);
		buf_add_char(b, '\n');
	}
	if (as_is)
		buf_add_str(b, ".fi\n");
}

static void begin_page(struct buf *b, int section, const char *summary)
{
	buf_add_fmt(b, ".TH STORYFS %d \"\" \"storyfs %s\"\n.SH NAME\nstoryfs \\- %s\n", section,
		STORYFS_VERSION, summary);
}

static void begin_section(struct buf *b, const char *title)
{
	buf_add_fmt(b, ".SH %s\n", title);
}

/* ---- options ---- */

static void add_commands_of(struct buf *b, const struct option_row *row)
{
	bool more = false;

	if (!~row->commands)
		return;
	for (int i = 0; i < N_COMMANDS; i++) {
		if (!(row->commands & 1U << i))
			continue;
		buf_add_str(b, more ? ", " : "For ");
		add_word(b, commands[i].name);
		more = true;
	}
	buf_add_str(b, ".\n");
}

static void add_what_it_takes(struct buf *b, const struct option_row *row)
{
	switch (row->argument.type) {
	case OPTION_NUMBER:
		buf_add_fmt(b, "A number from %" PRId64 " to %" PRId64 ".\n", row->argument.least,
			row->argument.most);
		break;
	case OPTION_MODE:
		buf_add_str(b, "Octal.\n");
		break;
	case OPTION_SWITCH:
	case OPTION_TEXT:
	case OPTION_PATH:
		break;
	}
}

static void add_option_words(struct buf *b, const struct option_row *row)
{
	add_word(b, row->help);
	if (row->fallback) {
		buf_add_str(b, "; ");
		add_word(b, row->fallback);
		buf_add_str(b, " if not given");
	}
	buf_add_str(b, ".\n");
	add_what_it_takes(b, row);
	add_commands_of(b, row);
}

static void add_flag(struct buf *b, const struct option_row *row)
{
	buf_add_str(b, ".TP\n\\fB");
	if (row->letter)
		buf_add_fmt(b, "\\-%c\\fR, \\fB", row->letter);
	buf_add_str(b, "\\-\\-");
	add_word(b, row->name);
	buf_add_str(b, "\\fR");
	if (row->argument.name)
		buf_add_fmt(b, " \\fI%s\\fR", row->argument.name);
	buf_add_char(b, '\n');
	add_option_words(b, row);
	if (row->environment)
		buf_add_fmt(b, "Environment: $%s.\n", row->environment);
}

static void add_key(struct buf *b, const struct option_row *row)
{
	buf_add_str(b, ".TP\n\\fB");
	add_word(b, row->name);
	buf_add_fmt(
		b, "\\fR = \\fI%s\\fR\n", row->argument.name ? row->argument.name : "true|false");
	add_option_words(b, row);
	if (row->flags & OPTION_ONLY_CONFIG)
		buf_add_str(b, "Nowhere but in this file.\n");
}

/* ---- the pages ---- */

static void add_command(struct buf *b, const struct command *c)
{
	buf_add_str(b, ".SS storyfs ");
	add_word(b, c->name);
	buf_add_char(b, ' ');
	add_word(b, c->operands);
	buf_add_fmt(b, "\n%c", c->summary[0] - 'a' + 'A');
	add_word(b, c->summary + 1);
	buf_add_str(b, ".\n.PP\n");
	/* The configuration has a page of its own. */
	if (c == &commands[COMMAND_config])
		buf_add_str(b, "See \\fBstoryfs\\fR(5).\n");
	else
		add_paragraphs(b, c->details);
}

static void add_program(struct buf *b)
{
	begin_page(b, 1, "your tracker as a directory");
	begin_section(b, "SYNOPSIS");
	buf_add_str(
		b, "\\fBstoryfs\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIOPERAND\\fR...]\n");
	begin_section(b, "DESCRIPTION");
	buf_add_str(b,
		"A Tracker project as a directory: of a host that speaks Tracker\\(aqs API V5, or "
		"of an archive, which is one file and can be served as such a host.\n"
		"What there is in a mount: \\fBstoryfs\\fR(7).\n");
	begin_section(b, "COMMANDS");
	for (int i = 0; i < N_COMMANDS; i++)
		add_command(b, &commands[i]);
	begin_section(b, "OPTIONS");
	buf_add_str(b,
		"Each can be given as \\fB\\-\\-name\\fR \\fIVALUE\\fR, as "
		"\\fB\\-\\-name=\\fIVALUE\\fR, or in a list as mount(8) passes it, \\fB\\-o\\fR "
		"\\fIname=VALUE,name\\fR. In names, \\- and _ are the same.\n");
	for (int i = 0; i < N_OPTIONS; i++) {
		if (!(option_rows[i].flags & (OPTION_HIDDEN | OPTION_ONLY_CONFIG)))
			add_flag(b, &option_rows[i]);
	}
	begin_section(b, "SEE ALSO");
	buf_add_str(b,
		"\\fBstoryfs\\fR(5), \\fBstoryfs\\fR(7), \\fBmount\\fR(8), \\fBfusermount3\\fR(1)\n");
}

static void add_configuration(struct buf *b)
{
	begin_page(b, 5, "the configuration file of storyfs");
	const struct command *config = &commands[COMMAND_config];

	begin_section(b, "DESCRIPTION");
	buf_add_fmt(
		b, "\\fBstoryfs %s\\fR %s: %s.\n", config->name, config->operands, config->summary);
	add_paragraphs(b, config->details);
	begin_section(b, "KEYS");
	buf_add_str(b,
		"The command line counts first, then the environment, then the section of the "
		"source, then what stands above all sections. In names, \\- and _ are the same.\n"
		".TP\n\\fBsource\\fR = \\fIURL|PATH\\fR\nIn a section: which source it is.\n");
	for (int i = 0; i < N_OPTIONS; i++) {
		if (option_rows[i].flags & OPTION_CONFIG)
			add_key(b, &option_rows[i]);
	}
	begin_section(b, "SEE ALSO");
	buf_add_str(b, "\\fBstoryfs\\fR(1), \\fBstoryfs\\fR(7)\n");
}

static void add_place(struct buf *b, enum layout_row row)
{
	scoped(buf_fini) struct buf path = BUF_INIT;
	enum kind kind = tree_place(row, &path);

	buf_add_str(b, ".TP\n");
	add_word(b, buf_str(&path));
	buf_add_char(b, '\n');
	add_word(b, tree_place_words(row));
	if (kind)
		buf_add_fmt(b, " (%s)", schema_resource(kind)->name);
	buf_add_char(b, '\n');
}

static void add_tree(struct buf *b)
{
	begin_page(b, 7, "what there is in a mount of storyfs");
	begin_section(b, "DESCRIPTION");
	buf_add_str(b,
		"README.md in a mount tells how to use it. These are all places there are; in the "
		"directory of a resource there is a file for each of its fields besides, which "
		"\\fBstoryfs schema\\fR prints. In brackets: the resource that it is about.\n");
	begin_section(b, "PLACES");
	for (int row = ROW_root + 1; row < N_ROWS; row++)
		add_place(b, (enum layout_row)row);
	begin_section(b, "SEE ALSO");
	buf_add_str(b, "\\fBstoryfs\\fR(1), \\fBstoryfs\\fR(5)\n");
}

enum exit_code run_manual(const struct arguments *args)
{
	static const struct {
		const char *section;
		void (*add)(struct buf *b);
	} pages[] = { { "1", add_program }, { "5", add_configuration }, { "7", add_tree } };
	scoped(buf_fini) struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (strcmp(args->operands[0], pages[i].section) == 0)
			pages[i].add(&b);
	}
	if (!b.len) {
		fprintf(stderr, "storyfs: there is no storyfs(%s): the sections are 1, 5 and 7\n",
			args->operands[0]);
		return EXIT_USAGE;
	}
	if (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0)
		return EXIT_FAILED;
	return EXIT_DONE;
}
