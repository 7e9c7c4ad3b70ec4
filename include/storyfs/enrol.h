/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The people of an archive, as whoever can open its file handles them (`storyfs user`): they are
 * put in, given tokens and passwords, and taken out again. What changes a project is done in the
 * name of the archive's owner and leaves activity, as through V5.
 *
 * Each function is one transaction. who is a person as identity_find takes it; NULL is the
 * archive's owner. -errno, with a reason for a person in ret_reason where errno says too little.
 */
#ifndef STORYFS_ENROL_H
#define STORYFS_ENROL_H

#include "storyfs/archive.h"
#include "storyfs/buf.h"
#include "storyfs/token.h"

struct enrolment {
	const char *name;
	const char *email, *username, *initials; /* or NULL */
	const char *projects; /* ids with commas between, or `all`; NULL for none */
	const char *role;     /* in these; NULL: member */
};

/* How what is told is written. */
enum enrol_form {
	ENROL_TEXT, /* a line each, tabs between */
	ENROL_JSON,
};

/* A new person; told as people are listed. */
int enrol_add(struct archive *a, const struct enrolment *e, enum enrol_form form, struct buf *ret,
	struct buf *ret_reason);
/* The person leaves projects, accounts and workspaces, and can log in no more; what it did keeps
 * its name. Refused for the archive's owner, and for a project's only owner. */
int enrol_remove(struct archive *a, const char *who, struct buf *ret_reason);
/* id, username, e-mail, name, and `owner` for whom the archive is; JSON has more. */
int enrol_list(struct archive *a, enum enrol_form form, struct buf *ret, struct buf *ret_reason);

/* NULL takes the password away. The token that went with the one before is no longer good. */
int enrol_set_password(
	struct archive *a, const char *who, const char *text, struct buf *ret_reason);

/* A fresh token; label says what for, or is NULL. */
int enrol_make_token(struct archive *a, const char *who, const char *label,
	char ret_token[TOKEN_SIZE], struct buf *ret_reason);
/* The tokens by the first digits of their digests: id, when each was made, its label. */
int enrol_list_tokens(struct archive *a, const char *who, enum enrol_form form, struct buf *ret,
	struct buf *ret_reason);
/* One token by its id as listed, or `all`. */
int enrol_revoke_token(struct archive *a, const char *who, const char *id, struct buf *ret_reason);

#endif
