/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asks, and what the path names that this person may see. */
#ifndef STORYFS_SERVER_AUTH_H
#define STORYFS_SERVER_AUTH_H

#include "call.h"
#include "route.h"

/* Find out who asks by the token, unless the adapter vouched for somebody (c->who.trusted). */
int auth_identify(struct call *c);
/* Load what the path names, outermost first, into c->at, and refuse what the route's access does
 * not allow. Persons are not loaded: their ids may be unknown here. */
int auth_load_path(struct call *c, const struct route_match *match);
/* The project with what the person is in it: 0, or refuses. */
int auth_enter_project(struct call *c, int64_t project_id);
/* Remember that there was a project: V5 answers 403 for one that was deleted, 404 for one that
 * never was. */
int auth_bury_project(struct call *c, int64_t project_id);
/* Refuse a name and password. */
int auth_refuse_password(struct call *c);
/* Refuse with unauthorized_operation. */
int auth_refuse(struct call *c);

#endif
