/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console's files as embed.py writes them into the program. */
#ifndef STORYFS_SERVER_CONSOLE_PAGES_H
#define STORYFS_SERVER_CONSOLE_PAGES_H

#include <stddef.h>

extern const unsigned char page_console_html[], page_console_css[], page_console_js[];
extern const size_t page_console_html_len, page_console_css_len, page_console_js_len;

#endif
