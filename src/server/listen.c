/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening: getaddrinfo knows the addresses, the first one that can be bound is taken. */
#include "storyfs/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { BACKLOG = 511 };

static bool parse_port(const char *text, uint16_t *ret)
{
	int64_t port;

	if (!parse_int(text, 0, UINT16_MAX, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

bool listen_parse(const char *text, struct listen_address *ret)
{
	struct listen_address a = { .v6 = text[0] == '[' };
	const char *colon = strrchr(text, ':');
	const char *host = text + a.v6;

	if (!colon || (a.v6 && (colon == text || colon[-1] != ']')))
		return false;
	size_t len = (size_t)(colon - host) - a.v6;

	if (len >= sizeof(a.host) || (a.v6 && !len) || memchr(host, a.v6 ? ']' : ':', len))
		return false;
	memcpy(a.host, host, len);
	if (!parse_port(colon + 1, &a.port))
		return false;
	*ret = a;
	return true;
}

static int bind_one(const struct addrinfo *ai, int *ret_fd)
{
	int type = ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(ai->ai_family, type, ai->ai_protocol);
	int on = 1;
	int off = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		int e = -errno;

		close(fd);
		return e;
	}
	*ret_fd = fd;
	return 0;
}

/* IPv6 first: its wildcard takes IPv4 callers, too. */
static int bind_any(const struct addrinfo *list, int *ret_fd)
{
	static const int families[] = { AF_INET6, AF_INET };
	int e = -EADDRNOTAVAIL;

	for (size_t i = 0; i < 2; i++) {
		for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
			if (ai->ai_family != families[i])
				continue;
			e = bind_one(ai, ret_fd);
			if (e == 0)
				return 0;
		}
	}
	return e;
}

int listen_open(const char *text, int *ret_fd, struct buf *ret_reason)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list = NULL;
	struct listen_address a;
	char port[8];

	if (!listen_parse(text, &a)) {
		buf_add_fmt(ret_reason,
			"'%s' is no address to listen at: expected ADDR:PORT, [ADDR6]:PORT or "
			":PORT, with a port from 0 to 65535",
			text);
		return -EINVAL;
	}
	snprintf(port, sizeof(port), "%u", a.port);
	int e = getaddrinfo(a.host[0] ? a.host : NULL, port, &hints, &list);

	if (e) {
		buf_add_fmt(ret_reason, "cannot listen at %s: %s", text, gai_strerror(e));
		return -EADDRNOTAVAIL;
	}
	e = bind_any(list, ret_fd);
	freeaddrinfo(list);
	if (e < 0)
		buf_add_fmt(ret_reason, "cannot listen at %s: %s", text, text_errno(e));
	return e;
}

static void get_name(int fd, struct sockaddr_storage *ret)
{
	socklen_t len = sizeof(*ret);

	*ret = (struct sockaddr_storage){ 0 };
	getsockname(fd, (struct sockaddr *)ret, &len);
}

unsigned listen_port(int fd)
{
	struct sockaddr_storage name;

	get_name(fd, &name);
	if (name.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&name)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&name)->sin_port);
}

void listen_add_address(int fd, struct buf *b)
{
	struct sockaddr_storage name;
	char text[INET6_ADDRSTRLEN] = "";

	get_name(fd, &name);
	if (name.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&name;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		buf_add_fmt(b, "[%s]:%u", text, listen_port(fd));
	} else {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&name;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		buf_add_fmt(b, "%s:%u", text, listen_port(fd));
	}
}

bool listen_is_local(int fd)
{
	struct sockaddr_storage name;

	get_name(fd, &name);
	if (name.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&name)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)&name)->sin_addr.s_addr) >> 24 == 127;
}

/* A caller over IPv4 at a socket of IPv6 (`::ffff:192.0.2.1`) is that caller. */
static char *describe6(const struct in6_addr *address)
{
	enum { V4_AT = 12 };
	char text[INET6_ADDRSTRLEN];
	bool mapped = IN6_IS_ADDR_V4MAPPED(address);
	const void *bytes = address->s6_addr + (mapped ? V4_AT : 0);

	return inet_ntop(mapped ? AF_INET : AF_INET6, bytes, text, sizeof(text)) ? xstrdup(text)
										 : NULL;
}

char *listen_describe_peer(const struct sockaddr *address)
{
	char text[INET_ADDRSTRLEN];

	if (address && address->sa_family == AF_INET6)
		return describe6(&((const struct sockaddr_in6 *)address)->sin6_addr);
	if (!address || address->sa_family != AF_INET)
		return NULL;
	return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text,
		       sizeof(text))
		       ? xstrdup(text)
		       : NULL;
}
