/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log. A message is formatted whole and written with one write(2), so lines never mix. */
#include "storyfs/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int max_level = LOG_LEVEL_WARNING;

/* syslog(3) priorities, as sd-daemon(3) reads them from a line's start. */
static const int priorities[] = {
	[LOG_LEVEL_ERROR] = 3,
	[LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6,
	[LOG_LEVEL_DEBUG] = 7,
};

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, here) == 0;
}

/* What others sent may be in a message; what steers a terminal is not. */
static void clean(char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];
		bool is_c1 = c == 0xc2 && i + 1 < len && (unsigned char)line[i + 1] < 0xa0;

		if (is_c1)
			line[i + 1] = '?';
		if (is_c1 || (c < 0x20 && c != '\n') || c == 0x7f)
			line[i] = '?';
	}
}

void log_write(enum log_level level, const char *fmt, ...)
{
	if ((int)level > atomic_load(&max_level))
		return;

	char line[2048];
	size_t size = sizeof(line) - 1;
	int n = log_is_journal() ? snprintf(line, size, "<%d>", priorities[level])
				 : snprintf(line, size, "storyfs: ");
	va_list ap;

	va_start(ap, fmt);
	int m = vsnprintf(line + n, size - (size_t)n, fmt, ap);

	va_end(ap);
	size_t len = (size_t)n + (size_t)(m > 0 ? m : 0);

	if (len > size - 1)
		len = size - 1;
	clean(line, len);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
