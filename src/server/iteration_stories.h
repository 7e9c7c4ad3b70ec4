/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stories of the iteration that a path names, and of a page of iterations. */
#ifndef STORYFS_SERVER_ITERATION_STORIES_H
#define STORYFS_SERVER_ITERATION_STORIES_H

#include "iterations.h"

/* Its stories in the project's order are appended to ret_ids; refuses a number that is beyond the
 * Backlog. */
int iteration_stories_load(struct call *c, struct iterations **ret, struct ids *ret_ids);

/* Those of the project's stories, and of what q asks for already, of which an instant lies in
 * these iterations, the earliest first, which follow each other. Appended by id, with the instant
 * and the other fields of `only`. */
int iteration_stories_list_in(struct call *c, const struct records *iterations, int instant,
	struct query *q, struct records *ret);
/* In which of them a story's instant lies, as a place in the list. */
size_t iteration_stories_place(
	const struct records *iterations, const struct record *story, int instant);

#endif
