/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The API console: a page at `/` where a person picks an endpoint, fills in its parameters, sends
 * it and reads the answer. It is a few files in the program and the server's tables (describe.h);
 * it needs no token to be read, holds nothing of the archive, and fetches nothing from elsewhere.
 */
#ifndef STORYFS_SERVER_CONSOLE_H
#define STORYFS_SERVER_CONSOLE_H

#include "storyfs/http.h"

/* Answers a GET of one of the console's files into *ret (zeroed), false for any other request. base
 * is where V5 begins. */
bool console_answer(const char *base, const struct http_request *req, struct http_response *ret);

#endif
