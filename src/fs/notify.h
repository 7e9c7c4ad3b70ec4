/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling the kernel what it must no longer believe. Notices are queued, each once, and carried
 * out by one thread that holds no lock and serves no request: the kernel may make it wait for a
 * directory or a page that a request of ours has locked. The same thread looks after what expires.
 */
#ifndef STORYFS_FS_NOTIFY_H
#define STORYFS_FS_NOTIFY_H

#include <stdint.h>

struct notifier;
struct fs;

/* sweep(fs) is called when the thread wakes up; it returns in how many ms it wants to be called
 * again at the latest. What the fs stores ahead is started and stopped with the notifier. Starts no
 * thread. */
struct notifier *notifier_new(struct fs *fs, int64_t (*sweep)(void *fs));
void notifier_free(struct notifier *n);

/* -errno */
int notifier_start(struct notifier *n);
/* Wait for the notice that is under way, drop the others, and end the thread. */
void notifier_stop(struct notifier *n);
/* End the thread, and then the loop, while requests are still served. For signal handlers. */
void notifier_quit(struct notifier *n);
/* Wait until what was queued before is carried out, or for so many ms. For requests during which
 * the kernel holds no directory and no page: a close may wait, a rename may not. */
void notifier_settle(struct notifier *n, int64_t ms);
/* Let the thread call sweep. */
void notifier_wake(struct notifier *n);

/* Size, times and modes; pages go when the next look finds another size or mtime. */
void notify_attr(struct notifier *n, uint64_t number);
/* The same, and the pages soon, for those who look into a mapping (drops.h). */
void notify_text(struct notifier *n, uint64_t number);
/* These and the pages, or the kernel's copy of a directory's listing. */
void notify_data(struct notifier *n, uint64_t number);
/* The name, and the listing of the directory. */
void notify_entry(struct notifier *n, uint64_t dir, const char *name);

#endif
