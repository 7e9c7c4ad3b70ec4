/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields whose value no row says: neither stored as they are shown, nor found by the ids beside
 * them, nor a resource's children.
 */
#ifndef STORYFS_SERVER_DERIVED_H
#define STORYFS_SERVER_DERIVED_H

#include "call.h"

/* Puts the field into all records of a list, or takes it out where it is not for who asks. */
typedef int derived_fill(struct call *c, struct records *list, int f);

/* NULL when how to fill a field follows from its row. */
derived_fill *derived_find(enum kind kind, int field);

#endif
