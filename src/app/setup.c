/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands share that work on a source. */
#include "setup.h"

#include <stdio.h>
#include <string.h>

#include "storyfs/parse.h"

int64_t setup_number(const struct arguments *args, enum option_id option, int64_t otherwise)
{
	const char *text = args->values[option];
	const struct option_row *row = &option_rows[option];
	int64_t value = otherwise;

	if (text)
		parse_int(text, row->argument.least, row->argument.most, &value);
	return value;
}

struct source_config setup_source(const struct arguments *args)
{
	return (struct source_config){
		.where = args->operands[0],
		.person = args->values[OPTION_person],
		.token_command = args->values[OPTION_token_command],
		.token_file = args->values[OPTION_token_file],
		.token = args->values[OPTION_token],
		.ca_file = args->values[OPTION_ca_file],
		.dialect = args->values[OPTION_dialect],
		.fault = args->values[OPTION_fault],
		.timeout_s = (int)setup_number(args, OPTION_timeout, 0),
		.refresh_s = (int)setup_number(args, OPTION_refresh, 0),
		.page_limit = (int)setup_number(args, OPTION_page_limit, 0),
	};
}

enum exit_code setup_fail(const struct arguments *args, const char *reason)
{
	size_t len = strlen(reason);

	while (len && reason[len - 1] == '\n')
		len--;
	fprintf(stderr, "storyfs: %s: %.*s\n", args->command->name, (int)len, reason);
	return EXIT_FAILED;
}
