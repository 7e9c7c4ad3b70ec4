/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who serves the kernel. One thread leads: it takes a request, answers it, and takes the next, so
 * that what is answered from memory costs no change of threads, which costs more than most
 * answers. Before it waits for anything (thread_will_wait) it gives way to another one, and is no
 * longer in anybody's way. Who does not say so, and takes long, loses the lead a moment later.
 */
#ifndef STORYFS_FS_LOOP_H
#define STORYFS_FS_LOOP_H

struct loop;
struct fuse_session;

/* The session is borrowed. At most so many threads (1 or more); few of them stay when there is
 * nothing to do. Starts none. */
struct loop *loop_new(struct fuse_session *session, unsigned max_threads);
void loop_free(struct loop *l);

/* Serve until somebody unmounts or loop_end, and what was begun is answered. -errno. */
int loop_run(struct loop *l);
/* End it: returns when no further request is taken. From another thread, while loop_run runs or
 * before it, or when it is over. */
void loop_end(struct loop *l);

#endif
