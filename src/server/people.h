/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persons as other resources name them, by id. */
#ifndef STORYFS_SERVER_PEOPLE_H
#define STORYFS_SERVER_PEOPLE_H

#include "call.h"

/* Each id once, in the order in which they came. */
void people_add_once(const struct ids *ids, struct ids *ret);
/* Set a list of persons. One who is not known here is refused, unless named there before: a
 * partial dump names people that it does not hold. */
int people_set(struct call *c, struct record *r, int f, const struct ids *wanted);
int people_set_one(struct call *c, struct record *r, int f, int64_t id);
/* Who made a new resource: whom the patch names, else whoever asks. */
int people_set_author(struct call *c, struct record *r, int f, const struct record *patch);
/* Refuse who is no member of the call's project, in whatever role. */
int people_check_member(struct call *c, int64_t person_id);
/* The projects that whoever asks is a member of. */
int people_list_projects(struct call *c, struct ids *ret);

/* Somebody who becomes a member: by id (in the field f of r), or by e-mail, with a name and
 * initials if the archive does not know the address yet. Values that are not SET are not given. */
struct newcomer {
	const struct value *email, *name, *initials;
	bool or_unfound; /* an id that nobody has is unfound_resource, as V5 had it in accounts */
};

/* Set the person's id in f; a new person is made for an address that nobody has. */
int people_set_newcomer(struct call *c, struct record *r, int f, const struct newcomer *who);

/* Those of the name: "Darth Vader" has "DV". */
void people_set_initials(struct record *person);

/* Refuse an e-mail address or username that is none, or that somebody else has: both are what one
 * logs in with. */
int people_check_login(struct call *c, const struct record *person);

/* Are these the same ids, whatever their order? A value that is not SET is an empty list. */
bool people_same_set(const struct ids *ids, const struct value *v);

#endif
