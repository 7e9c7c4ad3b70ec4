/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs schema`: the tables, printed. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "storyfs/describe.h"
#include "storyfs/nearest.h"
#include "storyfs/server.h"

static void add_all(struct buf *text)
{
	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		if (!describe_is_shown((enum kind)kind))
			continue;
		if (text->len)
			buf_add_char(text, '\n');
		describe_resource((enum kind)kind, text);
	}
}

static bool add_one(const char *name, struct buf *text)
{
	struct nearest nearest = { .word = name };
	enum kind kind = schema_find_kind(name);

	if (kind && describe_is_shown(kind)) {
		if (text->len)
			buf_add_char(text, '\n');
		describe_resource(kind, text);
		return true;
	}
	for (int k = KIND_none + 1; k < N_KINDS; k++) {
		if (describe_is_shown((enum kind)k))
			nearest_offer(&nearest, schema_resource((enum kind)k)->name);
	}
	const char *like = nearest_name(&nearest);

	fprintf(stderr, "storyfs: there is no resource '%s'%s%s%s\n", name,
		like ? "; did you mean '" : "; `storyfs schema` prints all", like ? like : "",
		like ? "'?" : "");
	return false;
}

enum exit_code run_schema(const struct arguments *args)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	int n_whole = arguments_have(args, OPTION_json) + arguments_have(args, OPTION_routes) +
		      arguments_have(args, OPTION_search) + arguments_have(args, OPTION_columns);

	if (n_whole + (args->n_operands > 0) > 1) {
		fprintf(stderr, "storyfs: --json, --routes, --search and --columns each print a "
				"whole of their own: give one of them, and name no resource\n");
		return EXIT_USAGE;
	}
	for (int i = 0; i < args->n_operands; i++) {
		if (!add_one(args->operands[i], &text))
			return EXIT_USAGE;
	}
	if (arguments_have(args, OPTION_json)) {
		describe_json(SERVER_PREFIX, &text);
		buf_add_char(&text, '\n');
	} else if (arguments_have(args, OPTION_routes)) {
		describe_routes(&text);
	} else if (arguments_have(args, OPTION_search)) {
		describe_search(&text);
	} else if (arguments_have(args, OPTION_columns)) {
		describe_columns(&text);
	} else if (!args->n_operands) {
		add_all(&text);
	}
	if (fwrite(buf_str(&text), 1, text.len, stdout) != text.len || fflush(stdout) != 0)
		return EXIT_FAILED;
	return EXIT_DONE;
}
