/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands share that work on a source. */
#include "setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "storyfs/parse.h"

int setup_number(const struct arguments *args, enum option_id option, int64_t min, int64_t max,
	int64_t *value)
{
	const char *text = args->values[option];

	if (!text || parse_int(text, min, max, value))
		return 0;
	fprintf(stderr,
		"storyfs: --%s takes a whole number from %" PRId64 " to %" PRId64 ", not '%s'\n",
		option_rows[option].name, min, max, text);
	return 1;
}

int setup_source(const struct arguments *args, struct source_config *ret)
{
	int64_t timeout = 30, refresh = 30, page_limit = 500;

	if (setup_number(args, OPTION_timeout, 1, 3600, &timeout) ||
		setup_number(args, OPTION_refresh, 0, 86400, &refresh) ||
		setup_number(args, OPTION_page_limit, 1, 100000, &page_limit))
		return 1;
	*ret = (struct source_config){
		.where = args->operands[0],
		.person = args->values[OPTION_person],
		.token_command = args->values[OPTION_token_command],
		.token_file = args->values[OPTION_token_file],
		.token = args->values[OPTION_token],
		.ca_file = args->values[OPTION_ca_file],
		.fault = args->values[OPTION_fault],
		.timeout_s = (int)timeout,
		.refresh_s = (int)refresh,
		.page_limit = (int)page_limit,
	};
	return 0;
}

enum exit_code setup_fail(const struct arguments *args, const char *reason)
{
	size_t len = strlen(reason);

	while (len && reason[len - 1] == '\n')
		len--;
	fprintf(stderr, "storyfs: %s: %.*s\n", args->command->name, (int)len, reason);
	return EXIT_FAILED;
}
