/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server on the loopback may do to a client. The target says which: /ok, /chunked, /gzip,
 * /slowly, /no-content, /busy, /hints, /odd-headers are HTTP; /half, /nothing, /ssh, /too-much,
 * /endless-headers are not, or too much of it; /elsewhere redirects to another port; /hang never
 * answers. Any other target is /ok.
 */
#ifndef STORYFS_TESTS_BEHAVIOUR_H
#define STORYFS_TESTS_BEHAVIOUR_H

#include "loopback.h"

/* /too-much is one byte more than this. */
enum { BEHAVIOUR_MAX_BODY = 100 * 1000 };

/* Where /elsewhere points. */
extern int behaviour_elsewhere_port;

loopback_answer behave;

#endif
