/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include <stdio.h>

void report_print(const struct arguments *args, const struct import_report *report)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (arguments_have(args, OPTION_json))
		import_report_write_json(report, &text);
	else
		import_report_write_text(report, &text);
	fwrite(text.data, 1, text.len, stdout);
}
