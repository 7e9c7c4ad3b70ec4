/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts of fields handed to the kernel's page cache ahead of who reads them, so that it sends no
 * READ for them. It is done for processes that read file after file (readers.h): when one has
 * listed a directory, the texts of its files; where the kernel knows the files already, a thread
 * stores those of the directories that come next. Only what is in memory, and nothing that somebody
 * writes or that has just changed. Of files the kernel does not know it says so (ENOENT): nothing
 * is lost.
 *
 * A store writes into pages that are there, and makes a file longer that is shorter (the kernel
 * then asks for its attributes anew). So it must never come after a newer text. Whose text was read
 * before it changed has its pages dropped once they are stored, and the notice of the change waits
 * for the store; so does an open for writing, or a truncation, before it is answered.
 *
 * A store waits for a page that a READ has locked: no lock is held over it, nobody waits for one
 * longer than SETTLE_MS, and who serves and stores is not the only one who can serve (loop.h).
 */
#ifndef STORYFS_FS_AHEAD_H
#define STORYFS_FS_AHEAD_H

#include <stdint.h>
#include <sys/types.h>

struct ahead;
struct fs;
struct node;

/* Starts no thread. The fs's tree, lock, files and session are used once it runs. */
struct ahead *ahead_new(struct fs *fs);
void ahead_free(struct ahead *a);

/* -errno */
int ahead_start(struct ahead *a);
/* Wait for the store that is under way and end the thread. */
void ahead_stop(struct ahead *a);

/* A thread of that id read a field from its start. */
void ahead_note_read(struct ahead *a, pid_t pid, const struct node *field);
/* And it has listed a directory to its end, so that the kernel knows its files: their texts are
 * stored when this returns, if that is of use. Before the kernel is answered. */
void ahead_note_listed(struct ahead *a, pid_t pid, uint64_t dir);
/* The text of a field moved. The fs's lock is held. */
void ahead_note_changed(struct ahead *a, uint64_t number);
/* Wait until no store of this file is under way that was begun before. Holding no lock. */
void ahead_settle(struct ahead *a, uint64_t number);

#endif
