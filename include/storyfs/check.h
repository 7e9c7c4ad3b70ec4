/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules a value must keep whoever writes it: needed, not blank, not too long. Both halves use
 * them: the server to answer as V5 did, the filesystem to refuse before anything is sent. */
#ifndef STORYFS_CHECK_H
#define STORYFS_CHECK_H

#include "storyfs/error.h"
#include "storyfs/record.h"

/* 0, or -errno of the V5 error put into ret_error. What is nested is checked, too. */
int check_value(const struct field *field, const struct value *v, struct v5_error *ret_error);
/* All values of a patch that are not ABSENT. */
int check_patch(const struct record *patch, struct v5_error *ret_error);

#endif
