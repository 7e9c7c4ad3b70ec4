/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of commands and options, expanded, and help, printed from them. */
#include "command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COMMAND(id, name, least, most, operands, summary, details) \
	[COMMAND_##id] = { name, least, most, operands, summary, details, run_##id },
const struct command commands[N_COMMANDS] = {
#include "commands.def"
};

enum { HELP_COLUMN = 34 };

static void print_option(const struct option_row *row)
{
	char left[80];

	if (row->flags & OPTION_ONLY_CONFIG) {
		printf("      %-*s%s (configuration file only)\n", HELP_COLUMN - 6, row->name,
			row->help);
		return;
	}
	int n = snprintf(left, sizeof(left), "  %s%c%s--%s%s%s", row->letter ? "-" : " ",
		row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
		row->argument.name ? " " : "", row->argument.name ? row->argument.name : "");

	assert(n > 0 && n < HELP_COLUMN);
	printf("%-*s%s", HELP_COLUMN, left, row->help);
	if (row->fallback)
		printf("; %s if not given", row->fallback);
	if (row->environment)
		printf(" ($%s)", row->environment);
	putchar('\n');
}

bool command_has_file(const struct command *command)
{
	unsigned bits = 1U << (command - commands);

	for (int i = 0; i < N_OPTIONS; i++) {
		if (option_rows[i].flags & OPTION_CONFIG && ~option_rows[i].commands &&
			option_is_for((enum option_id)i, bits))
			return true;
	}
	return false;
}

static void print_options(const struct command *command)
{
	unsigned commands_bits = 1U << (command - commands);

	puts("\nOptions:");
	for (int i = 0; i < N_OPTIONS; i++) {
		if (option_rows[i].commands & commands_bits &&
			!(option_rows[i].flags & OPTION_HIDDEN))
			print_option(&option_rows[i]);
	}
	printf("%-*s%s\n", HELP_COLUMN, "  -o NAME[=VALUE],...",
		"options as a list, as mount(8) passes them");
	if (command_has_file(command))
		puts("\nMost options can stand in ~/.config/storyfs/config, too, as lines of `name = VALUE`. The\n"
		     "command line counts first, then the environment, then that file: `storyfs config --help`.");
}

static void print_command(const struct command *command)
{
	printf("storyfs %s %s\n\n%c%s.\n\n%s", command->name, command->operands,
		command->summary[0] - 'a' + 'A', command->summary + 1, command->details);
	print_options(command);
}

int command_find(char **words, int n, const struct command **ret)
{
	for (int i = 0; i < N_COMMANDS; i++) {
		const char *name = commands[i].name;
		size_t len = strcspn(name, " ");

		if (strlen(words[0]) != len || strncmp(words[0], name, len) != 0)
			continue;
		if (!name[len] || (n > 1 && strcmp(words[1], name + len + 1) == 0)) {
			*ret = &commands[i];
			return name[len] ? 2 : 1;
		}
	}
	return 0;
}

bool command_is_of_group(const struct command *command, const char *word)
{
	size_t len = strlen(word);

	return strncmp(command->name, word, len) == 0 && command->name[len] == ' ';
}

void help_print(const struct arguments *args)
{
	if (args->command) {
		print_command(args->command);
		return;
	}
	if (!args->group)
		puts("storyfs: your tracker as a directory\n\nCommands:");
	for (int i = 0; i < N_COMMANDS; i++) {
		char left[80];

		if (args->group && !command_is_of_group(&commands[i], args->group))
			continue;
		int n = snprintf(
			left, sizeof(left), "  %s %s", commands[i].name, commands[i].operands);

		assert(n > 0 && n < HELP_COLUMN);
		printf("%-*s%s\n", HELP_COLUMN, left, commands[i].summary);
	}
	puts("\n`storyfs COMMAND --help` says more about one of them.");
}
