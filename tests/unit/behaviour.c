/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server's good and bad behaviour, one function each, chosen by the request's target. */
#include "behaviour.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storyfs/alloc.h"

int behaviour_elsewhere_port;

static bool say_ok(int fd)
{
	loopback_send_body(fd, "200 OK", NULL, "{\"id\":1}");
	return true;
}

static bool say_chunked(int fd)
{
	loopback_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"id\r\n");
	loopback_send(fd, "4;x=y\r\n\":1}\r\n0\r\nX-Trailer: t\r\n\r\n");
	return true;
}

static bool say_gzip(int fd)
{
	static const unsigned char body[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
		0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0x48, 0xaf, 0xca, 0x2c, 0xe0, 0x02, 0x00,
		0x39, 0x7c, 0x63, 0x56, 0x0b, 0x00, 0x00, 0x00 };

	loopback_send(
		fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 31\r\n\r\n");
	send(fd, body, sizeof(body), MSG_NOSIGNAL);
	return true;
}

static bool say_slowly(int fd)
{
	loopback_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
	for (int i = 0; i < 10; i++) {
		usleep(10 * 1000);
		loopback_send(fd, "x");
	}
	return true;
}

static bool say_half(int fd)
{
	loopback_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	return false;
}

static bool say_nothing(int fd)
{
	(void)fd;
	return false;
}

static bool say_no_content(int fd)
{
	loopback_send(fd, "HTTP/1.1 204 No Content\r\nX-Tracker-Project-Version: 8\r\n\r\n");
	return true;
}

static bool say_busy(int fd)
{
	loopback_send(fd, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n"
			  "Retry-After: 120\r\nContent-Length: 15\r\n\r\n<h1>Sorry.</h1>");
	return true;
}

static bool say_go_elsewhere(int fd)
{
	scoped(free_ptr) char *answer =
		xasprintf("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/ok\r\n"
			  "Content-Length: 0\r\n\r\n",
			behaviour_elsewhere_port);

	loopback_send(fd, answer);
	return true;
}

static bool say_continue_first(int fd)
{
	loopback_send(fd, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
	return say_ok(fd);
}

static bool say_what_is_not_http(int fd)
{
	loopback_send(fd, "SSH-2.0-OpenSSH_9.2\r\n");
	return false;
}

static bool say_odd_headers(int fd)
{
	loopback_send(fd, "HTTP/1.1 200 OK\r\nX-Spaced:  \t a b \t\r\nx-twice: 1\r\nX-Twice: 2\r\n"
			  "X-Empty:\r\nX-Colon: a:b\r\nContent-Length: 0\r\n\r\n");
	return true;
}

static bool say_too_much(int fd)
{
	scoped(free_ptr) char *body = xmalloc(BEHAVIOUR_MAX_BODY + 2);

	memset(body, 'x', BEHAVIOUR_MAX_BODY + 1);
	body[BEHAVIOUR_MAX_BODY + 1] = '\0';
	loopback_send_body(fd, "200 OK", NULL, body);
	return true;
}

static bool say_endless_headers(int fd)
{
	scoped(free_ptr) char *line = xmalloc(10 * 1000);

	memset(line, 'x', 9998);
	memcpy(line, "X-Long: ", 8);
	memcpy(line + 9997, "\r\n", 3);
	loopback_send(fd, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 40; i++)
		loopback_send(fd, line);
	return false;
}

static bool hang(int fd)
{
	loopback_wait_gone(fd);
	return false;
}

static const struct {
	const char *target;
	bool (*say)(int fd);
} behaviours[] = {
	{ "/ok", say_ok },
	{ "/chunked", say_chunked },
	{ "/gzip", say_gzip },
	{ "/slowly", say_slowly },
	{ "/half", say_half },
	{ "/nothing", say_nothing },
	{ "/no-content", say_no_content },
	{ "/busy", say_busy },
	{ "/elsewhere", say_go_elsewhere },
	{ "/hints", say_continue_first },
	{ "/ssh", say_what_is_not_http },
	{ "/odd-headers", say_odd_headers },
	{ "/too-much", say_too_much },
	{ "/endless-headers", say_endless_headers },
	{ "/hang", hang },
};

bool behave(int fd, int connection, const struct http_request *req)
{
	(void)connection;
	for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++) {
		if (strcmp(behaviours[i].target, req->target) == 0)
			return behaviours[i].say(fd);
	}
	return say_ok(fd);
}
