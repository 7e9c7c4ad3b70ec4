/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a server listens: the written address, and the socket made from it. */
#ifndef STORYFS_LISTEN_H
#define STORYFS_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"

/* An address and its port as they are written; host is "" for every address of the machine. */
struct listen_address {
	char host[256];
	uint16_t port;
	bool v6; /* was written in brackets */
};

/* `ADDR:PORT`, `[ADDR6]:PORT`, `NAME:PORT` or `:PORT`. False when the text is none of them. */
bool listen_parse(const char *text, struct listen_address *ret);

/* A listening, non-blocking socket; close it. -errno with the reason, a line that names the
 * address, appended to ret_reason. May ask the resolver for a NAME. */
int listen_open(const char *text, int *ret_fd, struct buf *ret_reason);
/* Append the address that the socket has got, `127.0.0.1:5080` or `[::1]:5080`. */
void listen_add_address(int fd, struct buf *b);
unsigned listen_port(int fd);
/* Can only this machine reach it? */
bool listen_is_local(int fd);

struct sockaddr;
/* A client's address as text, without its port, for the caller to free; NULL when it has none. */
char *listen_describe_peer(const struct sockaddr *address);

#endif
