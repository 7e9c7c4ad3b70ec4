/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who reads file after file, and how far ahead of each it pays to store (ahead.h). A reader's first
 * READ tells nothing, from the second on it is known. What is stored for it is no READ any more, so
 * it has a window, a number of files; once they are used up the next READ tells that it goes on
 * where it was expected, and the window is twice as large, or that it went elsewhere, and it is
 * small again. Who stops reading costs one window. Plain values; the owner guards them.
 */
#ifndef STORYFS_FS_READERS_H
#define STORYFS_FS_READERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	N_READERS = 16,
	N_EXPECTED = 16,
	WINDOW_LEAST = 64,
	WINDOW_MOST = 4096,
};

struct reader {
	pid_t pid;
	uint64_t used;	 /* by readers.serial; 0: none */
	uint64_t number; /* the file that it read last */
	uint64_t from;	 /* its directory, where a walk is to begin or go on, */
	bool is_waiting; /* when it is */
	bool is_walking; /* one is under way */
	uint64_t listed; /* the directory that it listed to the end last */
	unsigned window, left;
	bool by_number; /* it goes through directories by their numbers, not as they are listed */
	uint64_t expected[N_EXPECTED]; /* directories in or below which it may come next */
	unsigned n_expected;
};

struct readers {
	struct reader v[N_READERS];
	uint64_t serial;
};

/* NULL when it is not known. */
struct reader *readers_find(struct readers *readers, pid_t pid);
/* It read a file in the directory; true when a walk from there is wanted now. */
bool readers_note(struct readers *readers, pid_t pid, uint64_t number, uint64_t dir);
/* One that waits for its walk; NULL. */
struct reader *readers_waiting(struct readers *readers);
/* Its window is used up, and it goes on: is one of these, a directory and those around it, where it
 * was expected? Sets how much may be stored. */
void reader_renew(struct reader *r, const uint64_t *dirs, unsigned n);

#endif
