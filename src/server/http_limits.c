/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The defaults; those that depend on other limits follow them. */
#include "http_limits.h"

#include <sys/sysinfo.h>

enum {
	BODY = 16 << 20,
	UPLOAD = 100 << 20,
	HEADER = 64 << 10,
	CONNECTIONS = 512,
	IDLE_S = 60,
	REQUEST_S = 300,
	LEAST_THREADS = 4,
};

static unsigned count_threads(unsigned wanted, unsigned most)
{
	unsigned n_cpus = (unsigned)get_nprocs();
	unsigned n = wanted ? wanted : n_cpus > LEAST_THREADS ? n_cpus : LEAST_THREADS;

	return n > most ? most : n;
}

struct http_limits http_limits_of(const struct http_server_config *config)
{
	unsigned connections = config->max_connections ? config->max_connections : CONNECTIONS;
	unsigned half = connections > 1 ? connections / 2 : 1;

	return (struct http_limits){
		.body = config->max_body ? config->max_body : BODY,
		.upload = config->max_upload ? config->max_upload : UPLOAD,
		.header = config->max_header ? config->max_header : HEADER,
		.connections = connections,
		.per_address = config->max_per_address ? config->max_per_address : half,
		.threads = count_threads(config->n_threads, connections),
		.idle_s = config->timeout_s ? config->timeout_s : IDLE_S,
		.request_s = config->request_timeout_s ? config->request_timeout_s : REQUEST_S,
	};
}
