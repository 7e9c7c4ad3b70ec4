/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network addresses: which of them are out in the world. */
#ifndef STORYFS_ADDRESS_H
#define STORYFS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Is it a unicast address of the public internet? Not so are loopback, private and shared networks,
 * link-local ones (where clouds keep their metadata), multicast, broadcast, documentation and what
 * else IANA's special-purpose registries (RFC 6890) list as not globally reachable; nor IPv6
 * addresses that carry such an IPv4 one (mapped, translated by NAT64, 6to4). Families other than IP
 * are none.
 */
bool address_is_public(const struct sockaddr *address);

#endif
