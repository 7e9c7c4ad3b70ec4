/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each file is one of the real VFS behind a method table of ours; a method that cannot fail here
 * only passes on. Shared memory and locks are no disk's, and pass, too. */
#include "faulty_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"

enum { LARGEST = 64 << 20 };

static sqlite3_vfs vfs;
static sqlite3_vfs *real;
static _Atomic int64_t room = INT64_MAX;
static atomic_bool syncs_fail, reads_fail, keeps_synced;

struct file {
	sqlite3_file base;
	const char *path; /* SQLite's, which outlives the file; NULL for a nameless one */
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

/* ---- what may fail ---- */

static int read_file(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	if (reads_fail)
		return SQLITE_IOERR_READ;
	return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int write_file(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	if (atomic_fetch_sub(&room, n) < n) {
		atomic_store(&room, 0);
		return SQLITE_FULL;
	}
	return real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int copy_file(const char *path)
{
	scoped(free_ptr) char *to = xasprintf("%s.synced", path);
	scoped(buf_fini) struct buf bytes = BUF_INIT;
	int r = file_read(path, LARGEST, &bytes);

	return r < 0 ? r : file_write_atomic(to, buf_str(&bytes), bytes.len, 0600);
}

static int sync_file(sqlite3_file *f, int flags)
{
	const char *path = ((struct file *)f)->path;

	if (syncs_fail)
		return SQLITE_IOERR_FSYNC;
	int code = real_of(f)->pMethods->xSync(real_of(f), flags);

	if (code == SQLITE_OK && keeps_synced && path && copy_file(path) < 0)
		return SQLITE_IOERR_FSYNC;
	return code;
}

/* What is deleted comes back with the power, unless its folder is synced. */
static int delete_file(sqlite3_vfs *v, const char *path, int sync_folder)
{
	int code = real->xDelete(real, path, sync_folder);
	scoped(free_ptr) char *synced = xasprintf("%s.synced", path);

	(void)v;
	if (code == SQLITE_OK && keeps_synced && sync_folder)
		unlink(synced);
	return code;
}

/* ---- what passes ---- */

static int close_file(sqlite3_file *f)
{
	int code = real_of(f)->pMethods->xClose(real_of(f));

	free(real_of(f));
	return code;
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int size_of_file(sqlite3_file *f, sqlite3_int64 *ret)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int lock_file(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xLock(real_of(f), lock);
}

static int unlock_file(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), lock);
}

static int check_lock(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int control_file(sqlite3_file *f, int op, void *data)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, data);
}

static int sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int map_shared(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret);
}

static int lock_shared(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void order_shared(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int unmap_shared(sqlite3_file *f, int delete)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = size_of_file,
	.xLock = lock_file,
	.xUnlock = unlock_file,
	.xCheckReservedLock = check_lock,
	.xFileControl = control_file,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
	.xShmMap = map_shared,
	.xShmLock = lock_shared,
	.xShmBarrier = order_shared,
	.xShmUnmap = unmap_shared,
};

static int open_file(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *ret_flags)
{
	struct file *file = (struct file *)f;

	(void)v;
	*file = (struct file){ .path = path, .real = xcalloc(1, (size_t)real->szOsFile) };
	int code = real->xOpen(real, path, file->real, flags, ret_flags);

	if (file->real->pMethods)
		file->base.pMethods = &methods;
	else
		free(file->real);
	return code;
}

void faulty_vfs_install(void)
{
	real = sqlite3_vfs_find(NULL);
	vfs = *real;
	vfs.zName = "faulty";
	vfs.szOsFile = sizeof(struct file);
	vfs.pNext = NULL;
	vfs.xOpen = open_file;
	vfs.xDelete = delete_file;
	sqlite3_vfs_register(&vfs, 1);
}

void faulty_vfs_heal(void)
{
	room = INT64_MAX;
	syncs_fail = false;
	reads_fail = false;
	keeps_synced = false;
}

void faulty_vfs_leave_room(int64_t bytes)
{
	room = bytes;
}

void faulty_vfs_fail_syncs(bool fail)
{
	syncs_fail = fail;
}

void faulty_vfs_fail_reads(bool fail)
{
	reads_fail = fail;
}

void faulty_vfs_keep_synced(bool keep)
{
	keeps_synced = keep;
}
