/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a call of the program says, read against the tables. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "settings.h"
#include "storyfs/alloc.h"
#include "storyfs/nearest.h"

enum { SEE_HELP = 1 }; /* wrong usage, already explained */

/* ---- names ---- */

static bool is_for(int option, const struct command *command)
{
	return !command || option_is_for((enum option_id)option, 1U << (command - commands));
}

static int refuse_option(const char *word, size_t len, const struct command *command)
{
	scoped(free_ptr) char *name = xstrndup(word, len);
	struct nearest near = { .word = name };

	for (int i = 0; i < N_OPTIONS; i++) {
		if (is_for(i, command))
			nearest_offer(&near, option_rows[i].name);
	}
	fprintf(stderr, "storyfs: %s%sno option --%s", command ? command->name : "",
		command ? " has " : "there is ", name);
	if (nearest_name(&near))
		fprintf(stderr, "; did you mean --%s?\n", nearest_name(&near));
	else
		fprintf(stderr, "; see `storyfs%s%s --help`\n", command ? " " : "",
			command ? command->name : "");
	return SEE_HELP;
}

static int refuse_command(const char *word)
{
	struct nearest near = { .word = word };
	bool listed = false;

	for (int i = 0; i < N_COMMANDS; i++) {
		const char *name = commands[i].name;

		if (command_is_of_group(&commands[i], word)) {
			if (!listed)
				fprintf(stderr, "storyfs: '%s' is the start of", word);
			fprintf(stderr, "%s '%s'", listed ? "," : "", name);
			listed = true;
		}
		nearest_offer(&near, name);
	}
	if (listed)
		fputc('\n', stderr);
	else if (nearest_name(&near))
		fprintf(stderr, "storyfs: there is no command '%s'; did you mean '%s'?\n", word,
			nearest_name(&near));
	else
		fprintf(stderr, "storyfs: there is no command '%s'; see `storyfs --help`\n", word);
	return SEE_HELP;
}

/* ---- one option ---- */

/* `name`, `name=value`; next is what follows in argv, or NULL. 2 when it was taken for the value.
 */
static int take_option(
	struct arguments *args, enum origin origin, const char *word, const char *next)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : NULL;
	int option = option_find(word, len);
	bool took_next = false;

	if (option < 0 || !is_for(option, args->command))
		return refuse_option(word, len, args->command);
	const struct option_row *row = &option_rows[option];

	if (row->flags & OPTION_ONLY_CONFIG) {
		fprintf(stderr,
			"storyfs: a %s is never taken from the command line, where others can see it; "
			"see `storyfs %s --help`\n",
			row->name, args->command ? args->command->name : "mount");
		return SEE_HELP;
	}
	if (row->argument.name && !value) {
		value = next;
		took_next = true;
	}
	if (row->argument.name && !value) {
		fprintf(stderr, "storyfs: --%s needs its %s\n", row->name, row->argument.name);
		return SEE_HELP;
	}
	if (!row->argument.name && value && !(row->flags & OPTION_CONFIG)) {
		fprintf(stderr, "storyfs: --%s takes no value\n", row->name);
		return SEE_HELP;
	}
	args->values[option] = value ? value : "";
	args->origins[option] = origin;
	return took_next ? 2 : 0;
}

static char *keep(struct arguments *args, char *text)
{
	args->kept = xrealloc(args->kept, args->n_kept + 1, sizeof(*args->kept));
	return args->kept[args->n_kept++] = text;
}

/* What fstab(5) and mount(8) put into a list for themselves, and flags that say what is so, or
 * would be no good: each write to a mount with `sync` would be a save. */
static const char *const mount_words[] = { "_netdev", "async", "atime", "auto", "comment",
	"defaults", "dev", "dirsync", "exec", "fsname", "group", "noauto", "nodev", "nodiratime",
	"nofail", "norelatime", "nosuid", "nouser", "owner", "relatime", "rw", "strictatime",
	"subtype", "suid", "sync", "user", "users" };

static bool is_for_mount(const struct arguments *args, const char *item)
{
	size_t len = strcspn(item, "=");

	if (!args->command || args->command != &commands[COMMAND_mount])
		return false;
	for (size_t i = 0; i < sizeof(mount_words) / sizeof(mount_words[0]); i++) {
		if (strlen(mount_words[i]) == len && strncmp(item, mount_words[i], len) == 0)
			return true;
	}
	return strncmp(item, "x-", 2) == 0 || strncmp(item, "X-", 2) == 0;
}

/* A list behind -o; a backslash before a comma makes it part of a value. */
static int take_list(struct arguments *args, const char *list)
{
	if (!list) {
		fputs("storyfs: -o needs its list of options\n", stderr);
		return SEE_HELP;
	}
	for (const char *p = list; *p;) {
		scoped(buf_fini) struct buf item = BUF_INIT;

		for (; *p && *p != ','; p++) {
			p += *p == '\\' && p[1] == ',';
			buf_add_char(&item, *p);
		}
		p += *p == ',';
		if (!item.len || is_for_mount(args, item.data))
			continue;
		int r = take_option(args, ORIGIN_LIST, keep(args, buf_take(&item)), NULL);

		if (r)
			return r;
	}
	return 0;
}

static int take_letters(struct arguments *args, const char *letters)
{
	for (; *letters; letters++) {
		int i = 0;

		while (i < N_OPTIONS &&
			(option_rows[i].letter != *letters || !is_for(i, args->command)))
			i++;
		if (i == N_OPTIONS) {
			fprintf(stderr,
				"storyfs: there is no option -%c; see `storyfs%s%s --help`\n",
				*letters, args->command ? " " : "",
				args->command ? args->command->name : "");
			return SEE_HELP;
		}
		args->values[i] = "";
		args->origins[i] = ORIGIN_FLAG;
	}
	return 0;
}

/* ---- argv ---- */

/* fstab's form, without a command: a source and a mountpoint, or a call as mount.storyfs. What is
 * no path by its look is a source when there is such a file. */
static bool is_mount(const char *program, char **words, int n)
{
	const char *slash = strrchr(program, '/');

	if (strcmp(slash ? slash + 1 : program, "mount.storyfs") == 0)
		return true;
	return n > 1 && words[1][0] != '-' &&
	       (strchr(words[0], '/') || access(words[0], F_OK) == 0);
}

/* The first word of commands that have two, when all that is asked for is help. */
static bool is_group_help(const struct arguments *args, char **words, int n)
{
	bool asked = arguments_have(args, OPTION_help) ||
		     (n == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0));

	for (int i = 0; asked && i < N_COMMANDS; i++) {
		if (command_is_of_group(&commands[i], words[0]))
			return true;
	}
	return false;
}

static int take_words(struct arguments *args, char **words, int n)
{
	bool only_operands = false;

	for (int i = 0; i < n; i++) {
		const char *word = words[i];
		const char *next = i + 1 < n ? words[i + 1] : NULL;
		int r = 0;

		if (only_operands || word[0] != '-' || !word[1])
			args->operands[args->n_operands++] = words[i];
		else if (strcmp(word, "--") == 0)
			only_operands = true;
		else if (word[1] == '-')
			r = take_option(args, ORIGIN_FLAG, word + 2, next);
		else if (word[1] == 'o') {
			r = take_list(args, word[2] ? word + 2 : next);
			i += !word[2];
		} else
			r = take_letters(args, word + 1);
		if (r == SEE_HELP)
			return r;
		i += r == 2;
	}
	return 0;
}

static int check_operands(const struct arguments *args)
{
	const struct command *c = args->command;

	if (arguments_have(args, OPTION_help) || arguments_have(args, OPTION_version))
		return 0;
	if (!c) {
		fputs("storyfs: a command is needed; see `storyfs --help`\n", stderr);
		return SEE_HELP;
	}
	if (args->n_operands >= c->least && (c->most < 0 || args->n_operands <= c->most))
		return 0;
	fprintf(stderr, "storyfs: usage: storyfs %s %s\n", c->name, c->operands);
	return SEE_HELP;
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	scoped(arguments_fini) struct arguments args = { .section = -1 };
	char **words = argv + 1;
	int n = argc > 0 ? argc - 1 : 0;

	args.operands = xcalloc((size_t)n + 1, sizeof(*args.operands));
	if (n && strcmp(words[0], "help") == 0) {
		args.values[OPTION_help] = "";
		words++;
		n--;
	}
	if (n && words[0][0] != '-') {
		int used = command_find(words, n, &args.command);

		if (!used && is_mount(argv[0], words, n))
			args.command = &commands[COMMAND_mount];
		else if (!used && is_group_help(&args, words, n)) {
			args.group = words[0];
			used = 1;
		} else if (!used)
			return refuse_command(words[0]);
		words += used;
		n -= used;
	}
	int r = take_words(&args, words, n);

	if (r == 0)
		r = check_operands(&args);
	if (r == 0 && args.command && !arguments_have(&args, OPTION_help) &&
		!arguments_have(&args, OPTION_version))
		r = settings_complete(&args);
	if (r)
		return r;
	*ret = args;
	args = (struct arguments){ 0 };
	return 0;
}

void arguments_fini(struct arguments *args)
{
	for (size_t i = 0; i < args->n_kept; i++)
		free(args->kept[i]);
	free(args->kept);
	free(args->operands);
	config_file_fini(&args->file);
	*args = (struct arguments){ 0 };
}
