/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounts: who pays for projects in V5; here, who owns them together. Each project is in one. Who
 * is in a project is in its account, too, and each account has one owner.
 */
#ifndef STORYFS_SERVER_ACCOUNTS_H
#define STORYFS_SERVER_ACCOUNTS_H

#include "call.h"

/* What a person is in an account; 1: nothing. The caller owns it. */
int accounts_find_membership(
	struct tx *tx, int64_t account_id, int64_t person_id, struct record **ret);
/* May the membership's person administer the account; make projects in it? */
bool accounts_is_admin(const struct record *membership);
bool accounts_is_creator(const struct record *membership);

/* The ids of the accounts the call's person is in. */
int accounts_list_mine(struct call *c, struct ids *ret);

/* The account of a new project: the one it names, if the person may make projects there; a new one
 * for new_account_name; or else one of the person's. */
int accounts_choose_new(struct call *c, struct record *project);
/* May the person move the project to the account it is to be in? */
int accounts_check_move(struct call *c, const struct record *old, const struct record *project);
/* Only enterprise accounts have projects of the type "shared"; old is NULL for a new project. */
int accounts_check_shared(struct call *c, const struct record *old, const struct record *project);
/* A new account with its owner. */
int accounts_make(
	struct tx *tx, const char *name, int64_t owner_id, int64_t now_ms, int64_t *ret_id);
/* The two steps of it: the row, the owner. */
int accounts_put(struct tx *tx, int64_t id, const char *name, int64_t now_ms);
int accounts_own(struct tx *tx, int64_t id, int64_t person_id, int64_t now_ms);
/* Who joined a project of the account is in the account from now on. An account_id of 0 is none. */
int accounts_join(struct tx *tx, int64_t account_id, int64_t person_id, int64_t now_ms);

/* Make what older archives and dumps lack: projects without an account get the archive owner's,
 * accounts that are only named get a row and an owner, members of projects are in their accounts.
 * Changes nothing when all is there, or when the archive has no owner. */
int accounts_complete(struct tx *tx, int64_t now_ms);

/* Fill derived fields, as shape.c's fillers. */
int accounts_fill_projects(struct call *c, struct records *list, int f);
int accounts_fill_summary(struct call *c, struct records *list, int f);

#endif
