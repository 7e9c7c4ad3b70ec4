/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses are out in the world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "behaviour.h"
#include "loopback.h"
#include "storyfs/address.h"
#include "storyfs/alloc.h"
#include "storyfs/curl.h"

static bool is_public(const char *text)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&in4);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return address_is_public((const struct sockaddr *)&in6);
}

static void the_internet_is_public(void **state)
{
	static const char *const texts[] = { "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111",
		"2a00:1450:4001::1", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
		"2002:808:808::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!is_public(texts[i]))
			fail_msg("%s is public", texts[i]);
	}
}

static void what_is_inside_is_not(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255", "169.254.169.254",
		"168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
		"192.168.0.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
		"239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
		"fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
		"2001::1", "2001:100::1", "3fff::1", "100::1", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
		"64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::", "2002:c0a8:101::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (is_public(texts[i]))
			fail_msg("%s is not public", texts[i]);
	}
}

static void other_families_are_not(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)state;
	assert_false(address_is_public((const struct sockaddr *)&un));
}

static void a_transport_of_the_public_goes_nowhere_else(void **state)
{
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(free_ptr) char *url = loopback_url(s, "/");
	struct curl_config config = { .base_url = url, .public_only = true };
	scoped(transport_free) struct transport *t = NULL;
	scoped(http_request_fini) struct http_request req = { .target = xstrdup("/ok") };
	scoped(http_response_fini) struct http_response resp = { 0 };

	(void)state;
	assert_int_equal(curl_transport_new(&config, &t), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			transport_perform(t, &req, &(struct call_limit){ 0 }, &resp), -EACCES);
	assert_int_equal(loopback_n_connections(s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_internet_is_public),
		cmocka_unit_test(what_is_inside_is_not),
		cmocka_unit_test(other_families_are_not),
		cmocka_unit_test(a_transport_of_the_public_goes_nowhere_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
