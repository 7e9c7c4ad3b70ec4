/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integrations: what a project's owners said of other systems, for shape. */
#ifndef STORYFS_SERVER_INTEGRATIONS_H
#define STORYFS_SERVER_INTEGRATIONS_H

#include "call.h"

/* Take a field that is a setting away from the integrations of projects that the caller does not
 * own. */
int integrations_hide(struct call *c, struct records *list, int f);

#endif
