/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters read as what they are, strictly, with V5's words where they are not. */
#ifndef STORYFS_SERVER_INPUT_H
#define STORYFS_SERVER_INPUT_H

#include "call.h"
#include "params.h"

/* Refuse a parameter that the route does not take. Keys that the resource has but nobody may write
 * are let through and left alone, as V5 does. */
int input_check_keys(struct call *c);
/* Read what shapes the answer, be it an error: fields, envelope, json_flags. */
int input_read_shape(struct call *c);
/* Whether the error of a request that has no route goes into an envelope. */
void input_read_envelope(struct call *c);
/* Read the route's own parameters into c->given, and page. */
int input_read_given(struct call *c);
/* The resource's fields that the route takes, as a patch of the route's kind; also refuses when
 * none of those is there of which V5 needs at least one. Limits are not looked at. */
int input_read_patch(struct call *c, struct record **ret);
/* Refuse a patch that lacks what a new resource must have. */
int input_check_required(struct call *c, const struct record *patch);
/* input_read_patch with all that can be said of the values by themselves: what is required of a new
 * resource, blanks, lengths. */
int input_read_checked(struct call *c, struct record **ret);
/* How many of the parameters that the route takes are there, beside those every route has. */
size_t input_count(const struct call *c);

#endif
