/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `storyfs complete`: what may stand where a command line ends, for the completions of shells
 * (packaging/completions). One a line, with a tab and a summary behind it; a line of `:files` or
 * `:directories` stands for those that the shell finds. All of it comes from the tables, the
 * configuration file and the list of mounts; nothing is asked of a host.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "mountpoint.h"
#include "storyfs/describe.h"
#include "storyfs/dialect.h"

/* A command line that ends in a word which may be unfinished. */
struct line {
	const struct command *command; /* NULL: none yet */
	const char *group;	       /* then, the first word of some */
	const char *last;
	size_t prefix_len;  /* how much of it stands before what is to be completed */
	int n_operands;	    /* before it */
	int waiting;	    /* an option whose value it is; -1: none */
	bool in_list;	    /* it is what stands behind -o */
	bool only_operands; /* -- was said */
};

static void offer(const struct line *l, const char *word, const char *summary)
{
	const char *begun = l->last + l->prefix_len;

	if (strncmp(word, begun, strlen(begun)) == 0)
		printf("%.*s%s\t%s\n", (int)l->prefix_len, l->last, word, summary);
}

/* ---- commands ---- */

static void offer_commands(const struct line *l)
{
	scoped(buf_fini) struct buf before = BUF_INIT;

	for (int i = 0; i < N_COMMANDS; i++) {
		const char *name = commands[i].name;
		size_t len = strcspn(name, " ");

		if (l->group && command_is_of_group(&commands[i], l->group))
			offer(l, name + len + 1, commands[i].summary);
		if (l->group || strncmp(buf_str(&before), name, len + 1) == 0)
			continue;
		buf_reset(&before);
		buf_add(&before, name, len);
		offer(l, buf_str(&before), name[len] ? "" : commands[i].summary);
		buf_add_char(&before, ' ');
	}
}

/* ---- options ---- */

static bool is_offered(const struct line *l, int option)
{
	const struct option_row *row = &option_rows[option];
	unsigned bits = l->command ? 1U << (l->command - commands) : 0;

	if (row->flags & (OPTION_HIDDEN | OPTION_ONLY_CONFIG))
		return false;
	return l->command ? option_is_for((enum option_id)option, bits) : !~row->commands;
}

static void offer_options(const struct line *l)
{
	for (int i = 0; i < N_OPTIONS; i++) {
		scoped(buf_fini) struct buf word = BUF_INIT;

		if (!is_offered(l, i))
			continue;
		buf_add_fmt(&word, "--%s", option_rows[i].name);
		offer(l, buf_str(&word), option_rows[i].help);
	}
	if (l->command)
		offer(l, "-o", "options as a list, as mount(8) passes them");
}

/* As mount(8) and fstab(5) write them: with _, and = where a value follows. */
static void offer_list(const struct line *l)
{
	for (int i = 0; i < N_OPTIONS; i++) {
		scoped(buf_fini) struct buf word = BUF_INIT;

		if (!is_offered(l, i))
			continue;
		for (const char *p = option_rows[i].name; *p; p++)
			buf_add_char(&word, (char)(*p == '-' ? '_' : *p));
		if (option_rows[i].argument.name)
			buf_add_char(&word, '=');
		offer(l, buf_str(&word), option_rows[i].help);
	}
}

/* An option whose words are those of a field of V5's. */
static void offer_choices(const struct line *l, enum kind kind, const char *key)
{
	const struct field *f = schema_field(kind, schema_find_field(kind, key));

	for (const char *const *word = f->choices->words; *word; word++)
		offer(l, *word, "");
}

static void offer_dialects(const struct line *l)
{
	const char *word, *meaning;

	for (size_t i = 0; (word = dialect_word(i, &meaning)); i++)
		offer(l, word, meaning);
}

static void offer_values(const struct line *l)
{
	const struct option_row *row = &option_rows[l->waiting];

	if (l->waiting == OPTION_dialect)
		offer_dialects(l);
	else if (l->waiting == OPTION_role)
		offer_choices(l, KIND_project_membership, "role");
	else if (row->argument.type == OPTION_PATH)
		puts(":files");
	else if (row->argument.type == OPTION_SWITCH) {
		offer(l, "true", "");
		offer(l, "false", "");
	} else if (row->fallback)
		offer(l, row->fallback, "if not given");
}

/* ---- operands ---- */

static void offer_sources(const struct line *l)
{
	scoped(config_file_fini) struct config_file file = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (config_file_read(&file, &reason) == 0) {
		for (size_t i = 0; i < file.n_sections; i++)
			offer(l, file.sections[i].name, file.sections[i].source);
	}
	puts(":files");
}

static void offer_mountpoints(const struct line *l)
{
	scoped(mounted_list_fini) struct mounted_list list = { 0 };

	if (l->command == &commands[COMMAND_mount]) {
		puts(":directories");
		return;
	}
	mountpoint_list(&list);
	for (size_t i = 0; i < list.n; i++)
		offer(l, list.items[i].path, list.items[i].source);
	if (l->command->least == 0 || *l->last)
		puts(":directories");
}

static void offer_resources(const struct line *l)
{
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (describe_is_shown((enum kind)kind))
			offer(l, schema_resource((enum kind)kind)->name, "");
	}
}

static void offer_files(const struct line *l)
{
	(void)l;
	puts(":files");
}

/* What a word of a command's operands stands for. [N] may have been left out. */
static const struct {
	const char *word;
	void (*offer)(const struct line *l);
} operand_kinds[] = {
	{ "SOURCE", offer_sources },
	{ "MOUNTPOINT", offer_mountpoints },
	{ "N", offer_mountpoints },
	{ "ARCHIVE", offer_files },
	{ "WHAT", offer_files },
	{ "RESOURCE", offer_resources },
};

/* The n-th, of `WORD`, `[WORD]` and `WORD...`, which stands for all that follow; NULL: none. */
static const char *operand_word(const struct command *c, int n, size_t *ret_len)
{
	for (const char *p = c->operands + strspn(c->operands, "[ "); *p; p += strspn(p, "[ ")) {
		size_t len = strcspn(p, " ");
		const char *dots = strstr(p, "...");

		if (n-- == 0 || (dots && dots < p + len)) {
			*ret_len = strcspn(p, "]. ");
			return p;
		}
		p += len;
	}
	return NULL;
}

static void offer_operands(const struct line *l)
{
	size_t len;
	const char *word = operand_word(l->command, l->n_operands, &len);

	for (size_t i = 0; word && i < sizeof(operand_kinds) / sizeof(*operand_kinds); i++) {
		if (strlen(operand_kinds[i].word) == len &&
			strncmp(operand_kinds[i].word, word, len) == 0)
			operand_kinds[i].offer(l);
	}
}

/* ---- the line ---- */

/* A word before the last one. */
static void read_word(struct line *l, const char *word)
{
	if (l->waiting >= 0 || l->in_list) {
		l->waiting = -1;
		l->in_list = false;
	} else if (l->only_operands || word[0] != '-' || !word[1])
		l->n_operands++;
	else if (strcmp(word, "--") == 0)
		l->only_operands = true;
	else if (strcmp(word, "-o") == 0)
		l->in_list = true;
	else if (word[1] == '-' && !strchr(word, '=')) {
		l->waiting = option_find(word + 2, strlen(word + 2));
		if (l->waiting >= 0 && !option_rows[l->waiting].argument.name)
			l->waiting = -1;
	}
}

static void read_words(struct line *l, char **words, int n)
{
	int used = n > 1 ? command_find(words, n - 1, &l->command) : 0;

	if (!used && n > 1 && words[0][0] != '-') {
		l->group = words[0];
		used = 1;
	}
	for (int i = used; i < n - 1; i++)
		read_word(l, words[i]);
	l->last = words[n - 1];
}

/* `--name=VALUE` and `-o name=VALUE`, with what stands before the value. */
static bool find_value(struct line *l, const char *name)
{
	size_t len = strcspn(name, "=");

	if (name[len] != '=' || (l->waiting = option_find(name, len)) < 0)
		return false;
	l->prefix_len = (size_t)(name + len + 1 - l->last);
	return true;
}

static void offer_all(struct line *l)
{
	const char *comma = strrchr(l->last, ',');

	if (l->waiting >= 0) {
		offer_values(l);
	} else if (l->in_list) {
		const char *item = comma ? comma + 1 : l->last;

		l->prefix_len = (size_t)(item - l->last);
		if (find_value(l, item))
			offer_values(l);
		else
			offer_list(l);
	} else if (!l->only_operands && l->last[0] == '-') {
		if (strncmp(l->last, "--", 2) == 0 && find_value(l, l->last + 2))
			offer_values(l);
		else
			offer_options(l);
	} else if (l->command) {
		offer_operands(l);
	} else {
		offer_commands(l);
	}
}

enum exit_code run_complete(const struct arguments *args)
{
	struct line line = { .waiting = -1 };

	read_words(&line, args->operands, args->n_operands);
	offer_all(&line);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
