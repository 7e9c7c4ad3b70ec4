/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that fails on demand, for tests: SQLite's default VFS from faulty_vfs_install() on, which
 * hands all to the one before. Any thread may change what fails.
 */
#ifndef STORYFS_TESTS_FAULTY_VFS_H
#define STORYFS_TESTS_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* Once a process, before SQLite opens anything. */
void faulty_vfs_install(void);
/* Nothing fails any more. */
void faulty_vfs_heal(void);
/* So many bytes can be written yet; then the disk is full. */
void faulty_vfs_leave_room(int64_t bytes);
/* Nothing can be brought to the disk, or read from it. */
void faulty_vfs_fail_syncs(bool fail);
void faulty_vfs_fail_reads(bool fail);
/* From here on each file is copied to `<path>.synced` whenever it is synced, and that is deleted
 * with it when its folder is: what a power cut leaves. */
void faulty_vfs_keep_synced(bool keep);

#endif
