/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree as a mounted filesystem (FUSE). Reads are the tree's; what is saved into a field file goes
 * to tree_save as soon as its text is complete, so that the program that saved sees the error:
 *
 *   at close, when this descriptor wrote something and its process opened the file and holds no
 *   other descriptor to write it; at fsync; at the rename of another file onto the field; at
 *   truncate(2) by path when nobody has it open; at the last close as a backstop. One text is sent
 *   once: not again after it was refused, and not at all when the server has it already. An emptied
 *   file (`: > f`) clears the field at the last close, if it can be null.
 *
 * Any other name made in a directory of a resource is a scratch file: swap and backup files of
 * editors, temporary names. It lives in memory (4 MB each, 64 MB and 16,384 names in all), is never
 * sent, and is gone at unmount or after a day without use; in all else it is a file as POSIX has
 * them, with links of both sorts (tests/e2e/posix). Renaming one onto a field is a save of the
 * field, unless it has other names (EXDEV). A field renamed away or unlinked stays what it is
 * upstream: its name is free for some seconds, for the save that follows, then the field is back.
 * mkdir and rmdir of a resource create and delete it (tree_make, tree_remove); device files and the
 * like, and links of what is no scratch file, are refused (EPERM). A file whose text makes
 * something new (`comments/new`) is sent at close alone, and is empty again after it; so is a new
 * file by a name that makes something (tree_makes_named), which is what was made from then on, or a
 * scratch file while it is refused.
 *
 * In a directory that takes files (`attachments`) a file is what is sent, by upload.h's rules:
 * whole, once, at close or by a rename. Its bytes wait on disk.
 *
 * A refused text is not lost: it lies beside the field as `<field>.rejected`, until the next good
 * save of the field, while the field shows the server's text again. The directory's `.error` and
 * the attribute user.storyfs.error of the field say why it was refused.
 *
 * A save is made from what its process was shown of the field, by whatever it read it with; else
 * from what its parent was shown, else from what there was when it was opened to write. When the
 * server has something else by now it fails (EBUSY, see tree_save).
 *
 * Modes, owners and times of what the tree shows are the tree's: setting those of a writable file
 * is accepted and changes nothing, so that cp -p, tar and rsync go on.
 */
#ifndef STORYFS_FS_H
#define STORYFS_FS_H

#include <stdbool.h>
#include <sys/types.h>

#include "storyfs/buf.h"
#include "storyfs/store.h"
#include "storyfs/tree.h"

struct fs;

/* Zero is a default everywhere. Texts are copied. */
struct fs_config {
	const char *mountpoint;
	const char *source;    /* what df(1) and mount(8) show as the device */
	const char *cache_dir; /* where files lie that will be sent; NULL: the system's for
				  temporary ones */
	bool read_only;
	bool allow_other;	  /* and with them */
	bool default_permissions; /* the kernel goes by the modes */
	bool no_exec;		  /* no file is run as a program */
	bool no_atime;		  /* shown in the list of mounts; atimes never move */
	bool debug;		  /* libfuse prints each request to standard error */
	uid_t uid;		  /* whom everything belongs to */
	gid_t gid;
	mode_t umask;	      /* taken from every mode */
	int timeout_ms;	      /* for an operation that reaches the network; 30 s */
	int vacated_ms;	      /* how long the name of a field that was moved away is free; 5 s */
	unsigned max_threads; /* 32; at most 4 stay when there is nothing to do */
	/* Called once, from fs_loop, when the mount answers: a program that went into the
	 * background lets its parent return. */
	void (*ready)(void *data);
	void *data;
};

/*
 * Mount. Starts no thread and serves nothing yet: fork before it, or between it and fs_loop, but
 * not after. SIGTERM, SIGINT and SIGHUP are the fs's from here to the end of fs_loop, or else to
 * fs_free: whoever sees the mount may end it. -errno with the reason as a sentence in ret_reason.
 * The tree is borrowed.
 */
int fs_mount(
	struct tree *t, const struct fs_config *config, struct fs **ret, struct buf *ret_reason);

/* Serve until somebody unmounts, or SIGTERM, SIGINT or SIGHUP comes; then send what complete text
 * is left over. One fs at a time can be mounted by a process (signals have one handler). -errno. */
int fs_loop(struct fs *fs);

/* Unmount, if that has not happened, and free. */
void fs_free(struct fs *fs);

/* A store's listener (store_set_listener), with the fs as data: the kernel forgets what it knew.
 * Returns at once, from any thread, from fs_mount to fs_free. */
void fs_changed(void *fs, const struct change *change);

/* Take a mount of ours away whose process died without unmounting ("Transport endpoint is not
 * connected"). 1 when it did, 0 when there was nothing to do: not dead, or not ours. -errno. */
int fs_heal(const char *mountpoint);

SCOPED_PTR(struct fs, fs_free);

#endif
