/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose certificate is accepted. The server is openssl(1)'s; without it there is nothing to test.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/curl.h"
#include "storyfs/log.h"

static char dir[] = "/tmp/storyfs-test-XXXXXX";
static char *cert; /* of localhost, signed by itself */
static pid_t server;
static int port;

static int run(const char *command)
{
	scoped(free_ptr) char *line = xasprintf("cd %s && %s >out 2>&1", dir, command);

	return system(line);
}

/* Leaves the server running on a port of its own choice, which its first lines tell. */
static int start_server(void **state)
{
	(void)state;
	int out[2];

	assert_int_equal(run("openssl req -x509 -newkey ec -pkeyopt "
			     "ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem "
			     "-days 2 -subj /CN=localhost -addext "
			     "subjectAltName=DNS:localhost"),
		0);
	assert_int_equal(pipe(out), 0);
	server = fork();
	assert_true(server >= 0);
	if (server == 0) {
		dup2(out[1], STDOUT_FILENO);
		if (chdir(dir) == 0)
			execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
				"cert.pem", "-key", "key.pem", "-www", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	FILE *lines = fdopen(out[0], "r");
	char line[256];

	while (!port && fgets(line, sizeof(line), lines))
		sscanf(line, "ACCEPT 127.0.0.1:%d", &port);
	fclose(lines);
	assert_true(port > 0);
	cert = xasprintf("%s/cert.pem", dir);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	scoped(free_ptr) char *rm = xasprintf("rm -r %s", dir);

	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	free(cert);
	return system(rm);
}

/* How a GET over TLS ends: -errno or the status. */
static int get(const char *host, const char *ca_file)
{
	scoped(free_ptr) char *url = xasprintf("https://%s:%d", host, port);
	scoped(http_request_fini) struct http_request req = { .target = xstrdup("/") };
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(transport_free) struct transport *t = NULL;
	const struct curl_config config = { .base_url = url, .ca_file = ca_file };

	assert_int_equal(curl_transport_new(&config, &t), 0);
	int r = transport_perform(t, &req, &(struct call_limit){ 0 }, &resp);

	return r < 0 ? r : resp.status;
}

static void forget_authorities(void)
{
	unsetenv("CURL_CA_BUNDLE");
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

static void an_unknown_certificate_is_rejected(void **state)
{
	(void)state;
	forget_authorities();
	assert_int_equal(get("localhost", NULL), -EKEYREJECTED);
}

static void a_configured_authority_is_accepted(void **state)
{
	(void)state;
	forget_authorities();
	assert_int_equal(get("localhost", cert), 200);
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	assert_int_equal(get("localhost", cert), 200);
}

static void another_hosts_certificate_is_rejected(void **state)
{
	(void)state;
	assert_int_equal(get("127.0.0.1", cert), -EKEYREJECTED);
}

static void the_environments_authorities_are_accepted(void **state)
{
	(void)state;
	forget_authorities();
	setenv("SSL_CERT_FILE", cert, 1);
	assert_int_equal(get("localhost", NULL), 200);
	forget_authorities();
	setenv("CURL_CA_BUNDLE", cert, 1);
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	assert_int_equal(get("localhost", NULL), 200);
	forget_authorities();
	assert_int_equal(run("openssl rehash . || c_rehash ."), 0);
	setenv("SSL_CERT_DIR", dir, 1);
	assert_int_equal(get("localhost", NULL), 200);
}

static void a_missing_bundle_is_told_apart_from_the_network(void **state)
{
	(void)state;
	forget_authorities();
	assert_int_equal(get("localhost", "/nonexistent"), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_certificate_is_rejected),
		cmocka_unit_test(a_configured_authority_is_accepted),
		cmocka_unit_test(another_hosts_certificate_is_rejected),
		cmocka_unit_test(the_environments_authorities_are_accepted),
		cmocka_unit_test(a_missing_bundle_is_told_apart_from_the_network),
	};

	if (system("openssl version >/dev/null 2>&1") != 0) {
		puts("1..0 # SKIP openssl is not installed");
		return 0;
	}
	setenv("no_proxy", "*", 1);
	log_set_level(LOG_LEVEL_ERROR);
	alarm(50);
	return mkdtemp(dir) ? cmocka_run_group_tests(tests, start_server, stop_server) : 1;
}
