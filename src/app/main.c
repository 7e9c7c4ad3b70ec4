/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storyfs: parse, set up, run. */
#include <signal.h>
#include <stdio.h>

#include "command.h"
#include "storyfs/log.h"

int main(int argc, char **argv)
{
	scoped(arguments_fini) struct arguments args = { 0 };

	signal(SIGPIPE, SIG_IGN);
	/* A file at the limit of its size is an error to be told, no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	if (arguments_parse(argc, argv, &args) > 0)
		return EXIT_USAGE;
	if (arguments_have(&args, OPTION_verbose))
		log_set_level(LOG_LEVEL_DEBUG);
	if (arguments_have(&args, OPTION_version)) {
		puts("storyfs " STORYFS_VERSION);
		return EXIT_DONE;
	}
	if (arguments_have(&args, OPTION_help)) {
		help_print(&args);
		return EXIT_DONE;
	}
	return (int)args.command->run(&args);
}
