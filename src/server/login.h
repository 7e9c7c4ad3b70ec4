/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in by name and password (HTTP Basic), which V5 took on /me to tell the API token. */
#ifndef STORYFS_SERVER_LOGIN_H
#define STORYFS_SERVER_LOGIN_H

#include "call.h"

struct login;

struct login *login_new(void);
void login_free(struct login *l);

/*
 * Where the request has a name and password, and no token, find out who it is: c->who is that
 * person, with the token that goes with the password. 0 also when there is nothing to do.
 *
 * No transaction may be open: the password is checked outside of any, one at a time and with one
 * request waiting, so that this work never takes more than a part of the server. Refuses a wrong
 * password, and with a Retry-After whoever has failed too often or finds others waiting.
 */
int login_by_password(struct call *c, struct login *l, struct archive *a);

SCOPED_PTR(struct login, login_free);

#endif
