/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs serve`: an archive over HTTP until a signal ends it. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "storyfs/archive.h"
#include "storyfs/curl.h"
#include "storyfs/http_server.h"
#include "storyfs/log.h"
#include "storyfs/server.h"
#include "storyfs/webhook_sender.h"

static const char default_listen[] = "127.0.0.1:5080";

/* The signals that end the server, blocked, so that only sigwait sees them. */
static void block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
}

static void announce(const struct arguments *args, const struct http_server *http)
{
	scoped(buf_fini) struct buf address = BUF_INIT;

	http_server_add_address(http, &address);
	printf("storyfs: serving %s at http://%s" SERVER_PREFIX "\n", args->operands[0],
		buf_str(&address));
	/* For a person; a script reads one line, and the log behind it. */
	if (isatty(STDOUT_FILENO))
		printf("storyfs: to try it in a browser: http://%s/\n", buf_str(&address));
	fflush(stdout);
	if (!http_server_is_local(http))
		log_warning("whoever can watch the network to %s can read tokens and stories; put "
			    "a proxy with TLS in front",
			buf_str(&address));
}

static enum exit_code serve(
	const struct arguments *args, struct server *server, const sigset_t *ends)
{
	const char *listen = args->values[OPTION_listen];
	struct http_server_config config = {
		.listen = listen ? listen : default_listen,
		.request_log = args->values[OPTION_request_log],
	};
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(http_server_stop) struct http_server *http = NULL;
	int number;

	if (http_server_start(server, &config, &http, &reason) < 0) {
		fprintf(stderr, "storyfs: %s\n", buf_str(&reason));
		return EXIT_FAILED;
	}
	announce(args, http);
	sigwait(ends, &number);
	/* A second one need not wait for anybody. */
	pthread_sigmask(SIG_UNBLOCK, ends, NULL);
	return EXIT_DONE;
}

/* ---- webhooks ---- */

/* A receiver answers "thank you"; more than this is none. */
enum { MOST_RECEIPT = 64 << 10 };

static int connect_receiver(void *data, const char *origin, struct transport **ret)
{
	const struct arguments *args = data;
	struct curl_config config = {
		.base_url = origin,
		.max_body = MOST_RECEIPT,
		.public_only = !args->values[OPTION_webhook_private],
	};

	return curl_transport_new(&config, ret);
}

static int start_sender(
	const struct arguments *args, struct archive *archive, struct webhook_sender **ret)
{
	struct webhook_sender_config config = {
		.archive = archive,
		.connect = connect_receiver,
		.data = (void *)args,
	};

	return webhook_sender_start(&config, ret);
}

enum exit_code run_serve(const struct arguments *args)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(archive_close) struct archive *archive = NULL;
	scoped(webhook_sender_stop) struct webhook_sender *sender = NULL;
	scoped(server_free) struct server *server = NULL;
	struct server_config config = { .written = webhook_sender_wake };
	sigset_t ends;
	int e = archive_open(args->operands[0], ARCHIVE_EXISTING, &archive, &reason);

	if (e == 0) {
		block_signals(&ends);
		e = start_sender(args, archive, &sender);
		config.data = sender;
		if (e == 0)
			e = server_new(archive, &config, &server);
		if (e < 0)
			buf_add_str(&reason, "the server cannot start\n");
	}
	if (e < 0) {
		fprintf(stderr, "storyfs: %s", buf_str(&reason));
		return EXIT_FAILED;
	}
	return serve(args, server, &ends);
}
