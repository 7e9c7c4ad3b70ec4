/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a server over HTTP was configured to bear, with every default in its place. */
#ifndef STORYFS_SERVER_HTTP_LIMITS_H
#define STORYFS_SERVER_HTTP_LIMITS_H

#include "storyfs/http_server.h"

struct http_limits {
	size_t body, header;
	size_t upload; /* of a file; its body is a little larger */
	unsigned connections, per_address, threads;
	unsigned idle_s, request_s;
};

struct http_limits http_limits_of(const struct http_server_config *config);

#endif
