/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, held to IANA's special-purpose registries as a table of prefixes. */
#include "storyfs/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not globally reachable. */
static const struct {
	uint32_t net;
	int bits;
} closed4[] = {
	{ 0x00000000, 8 },  /* this network */
	{ 0x0a000000, 8 },  /* private */
	{ 0x64400000, 10 }, /* shared by carriers; Alibaba's metadata */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa9fe0000, 16 }, /* link-local; metadata of clouds */
	{ 0xac100000, 12 }, /* private */
	{ 0xc0000000, 24 }, /* protocol assignments; Oracle's metadata */
	{ 0xc0000200, 24 }, /* documentation */
	{ 0xc0586300, 24 }, /* 6to4 relays */
	{ 0xc0a80000, 16 }, /* private */
	{ 0xc6120000, 15 }, /* benchmarks */
	{ 0xc6336400, 24 }, /* documentation */
	{ 0xcb007100, 24 }, /* documentation */
	{ 0xa83f8110, 32 }, /* Azure's wire server, 168.63.129.16 */
	{ 0xe0000000, 4 },  /* multicast */
	{ 0xf0000000, 4 },  /* reserved, broadcast */
};

static bool is_public4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(closed4) / sizeof(*closed4); i++) {
		if ((address ^ closed4[i].net) >> (32 - closed4[i].bits) == 0)
			return false;
	}
	return true;
}

/* IPv6: of what is global unicast, not these. `v4` is where an IPv4 address lies within. */
static const struct {
	uint8_t net[12];
	int bytes;
	int v4;
} special6[] = {
	{ { 0x00, 0x64, 0xff, 0x9b }, 12, 12 },			  /* 64:ff9b::/96 NAT64 */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 12 }, /* ::ffff:0:0/96 mapped */
	{ { 0x20, 0x02 }, 2, 2 },				  /* 2002::/16 6to4 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 4, -1 },			  /* documentation */
	{ { 0x20, 0x01, 0x00 }, 3, -1 },			  /* 2001::/23, Teredo */
	{ { 0x20, 0x01, 0x01 }, 3, -1 },			  /* the same's other half */
	{ { 0x3f, 0xff }, 2, -1 },				  /* documentation */
};

static bool is_public6(const uint8_t a[16])
{
	for (size_t i = 0; i < sizeof(special6) / sizeof(*special6); i++) {
		int v4 = special6[i].v4;

		if (memcmp(a, special6[i].net, (size_t)special6[i].bytes) != 0)
			continue;
		return v4 >= 0 && is_public4((uint32_t)a[v4] << 24 | (uint32_t)a[v4 + 1] << 16 |
					     (uint32_t)a[v4 + 2] << 8 | a[v4 + 3]);
	}
	return (a[0] & 0xe0) == 0x20; /* 2000::/3 is all that is global unicast */
}

bool address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in4, address, sizeof(in4));
		return is_public4(ntohl(in4.sin_addr.s_addr));
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(&in6, address, sizeof(in6));
	return is_public6(in6.sin6_addr.s6_addr);
}
