/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs serve`: an archive over HTTP until a signal ends it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "setup.h"
#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/curl.h"
#include "storyfs/http_server.h"
#include "storyfs/log.h"
#include "storyfs/server.h"
#include "storyfs/webhook_sender.h"
#include "supervisor.h"

enum { GIVE_BACK_EVERY_S = 30 };

/* The signals that the server heeds, blocked, so that only the wait for them sees them. */
static void block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
}

static void announce(const struct arguments *args, const struct http_server *http)
{
	scoped(buf_fini) struct buf address = BUF_INIT;
	const char *scheme = args->values[OPTION_tls_cert] ? "https" : "http";

	http_server_add_address(http, &address);
	printf("storyfs: serving %s at %s://%s" SERVER_PREFIX "\n", args->operands[0], scheme,
		buf_str(&address));
	/* For a person; a script reads one line, and the log behind it. */
	if (isatty(STDOUT_FILENO))
		printf("storyfs: to try it in a browser: %s://%s/\n", scheme, buf_str(&address));
	fflush(stdout);
	if (!http_server_is_local(http) && !args->values[OPTION_tls_cert])
		log_warning("whoever can watch the network to %s can read tokens and stories; give "
			    "--tls-cert and --tls-key, or put a proxy with TLS in front",
			buf_str(&address));
}

/* 1: an option is wrong, which is said. */
static int read_options(const struct arguments *args, struct http_server_config *ret)
{
	if (!args->values[OPTION_tls_cert] != !args->values[OPTION_tls_key]) {
		fprintf(stderr, "storyfs: --tls-cert and --tls-key go together\n");
		return 1;
	}
	*ret = (struct http_server_config){
		.listen = args->values[OPTION_listen],
		.request_log = args->values[OPTION_request_log],
		.cert_file = args->values[OPTION_tls_cert],
		.key_file = args->values[OPTION_tls_key],
		.spool_dir = getenv("TMPDIR"),
		.max_body = (size_t)setup_number(args, OPTION_max_body, 0),
		.max_upload = (size_t)setup_number(args, OPTION_max_upload, 0),
		.max_header = (size_t)setup_number(args, OPTION_max_header, 0),
		.max_connections = (unsigned)setup_number(args, OPTION_max_connections, 0),
		.max_per_address = (unsigned)setup_number(args, OPTION_max_per_address, 0),
		.timeout_s = (unsigned)setup_number(args, OPTION_idle_timeout, 0),
		.request_timeout_s = (unsigned)setup_number(args, OPTION_request_timeout, 0),
	};
	return 0;
}

static void reload(const struct http_server_config *config)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (http_server_reload(config, &reason) < 0)
		log_error("the certificate stays as it was: %s", buf_str(&reason));
}

/* Until a signal ends it; SIGHUP has the certificate read again. What large answers took lies in
 * pieces between small things: without this it would become more each hour. */
static void wait_for_end(const struct http_server_config *config, const sigset_t *signals)
{
	for (;;) {
		int number = sigtimedwait(
			signals, NULL, &(struct timespec){ .tv_sec = GIVE_BACK_EVERY_S });

		if (number == SIGHUP)
			reload(config);
		else if (number < 0 && errno == EAGAIN)
			alloc_give_back();
		else if (number >= 0 || errno != EINTR)
			return;
	}
}

static enum exit_code serve(const struct http_server_config *config, const struct arguments *args,
	struct server *server)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(http_server_stop) struct http_server *http = NULL;
	sigset_t signals;

	block_signals(&signals);
	if (http_server_start(server, config, &http, &reason) < 0) {
		fprintf(stderr, "storyfs: %s\n", buf_str(&reason));
		return EXIT_FAILED;
	}
	announce(args, http);
	supervisor_tell("READY=1");
	wait_for_end(config, &signals);
	supervisor_tell("STOPPING=1");
	/* A second one need not wait for anybody. */
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
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
	struct http_server_config http;

	if (read_options(args, &http))
		return EXIT_USAGE;
	alloc_limit_arenas(get_nprocs());
	int e = archive_open(args->operands[0], ARCHIVE_EXISTING, &archive, &reason);

	if (e == 0) {
		e = start_sender(args, archive, &sender);
		config.data = sender;
		if (e == 0)
			e = server_new(archive, &config, &server);
		if (e < 0)
			buf_add_fmt(&reason, "%s: the server cannot start: %s\n", args->operands[0],
				archive_explain(e));
	}
	if (e < 0) {
		fprintf(stderr, "storyfs: %s", buf_str(&reason));
		return EXIT_FAILED;
	}
	return serve(&http, args, server);
}
