/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives a fuzz target the files of corpus folders, one by one, where there is no libFuzzer. */
#include <glob.h>
#include <stdio.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"

#include "fuzz.h"

enum { MAX_INPUT = 1024 * 1024 };

static int replay(const char *path)
{
	scoped(buf_fini) struct buf input = BUF_INIT;

	if (file_read(path, MAX_INPUT, &input) < 0) {
		fprintf(stderr, "%s cannot be read\n", path);
		return 1;
	}
	fprintf(stderr, "%s\n", path);
	/* Memory of just this size, so that a byte too many is seen. */
	scoped(free_ptr) uint8_t *data = xmalloc(input.len);

	memcpy(data, buf_str(&input), input.len);
	LLVMFuzzerTestOneInput(data, input.len);
	return 0;
}

static int replay_folder(const char *folder)
{
	scoped(free_ptr) char *pattern = xasprintf("%s/*", folder);
	glob_t files;
	int failed = 0;

	if (glob(pattern, 0, NULL, &files) != 0) {
		fprintf(stderr, "%s: no corpus\n", folder);
		return 1;
	}
	for (size_t i = 0; i < files.gl_pathc; i++)
		failed |= replay(files.gl_pathv[i]);
	globfree(&files);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s CORPUS...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		failed |= replay_folder(argv[i]);
	return failed;
}
