/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount: libfuse's session, from mounting to unmounting, and the table of operations. */
#include "storyfs/fs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ahead.h"
#include "handle.h"
#include "listing.h"
#include "loop.h"
#include "mount.h"
#include "node.h"
#include "notify.h"
#include "request.h"
#include "save.h"
#include "scratch.h"
#include "storyfs/log.h"
#include "storyfs/thread.h"

enum {
	TIMEOUT_MS = 30 * 1000,
	VACATED_MS = 5 * 1000,
	MAX_THREADS = 32,
};

static void fs_op_init(void *data, struct fuse_conn_info *conn)
{
	struct fs *fs = data;
	const unsigned want = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC |
			      FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_READDIRPLUS |
			      FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_PARALLEL_DIROPS |
			      FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_NO_OPENDIR_SUPPORT;

	/* What is only read needs no state between open and close, and both cost a request each. */
	fs->is_openless = fs->config.read_only && (conn->capable & FUSE_CAP_NO_OPEN_SUPPORT);
	conn->want = (want | (fs->is_openless ? FUSE_CAP_NO_OPEN_SUPPORT : 0)) & conn->capable;
	if (fs->config.ready)
		fs->config.ready(fs->config.data);
}

static void fs_op_fsyncdir(
	fuse_req_t req, fuse_ino_t number, int datasync, struct fuse_file_info *fi)
{
	(void)number;
	(void)datasync;
	(void)fi;
	request_end(req, 0);
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libfuse's */
static void fs_op_setxattr(fuse_req_t req, fuse_ino_t number, const char *name, const char *value,
	size_t size, int flags)
{
	(void)number;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	request_end(req, -EOPNOTSUPP);
}

static void fs_op_removexattr(fuse_req_t req, fuse_ino_t number, const char *name)
{
	(void)number;
	(void)name;
	request_end(req, -EOPNOTSUPP);
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libfuse's */
static void fs_op_ioctl(fuse_req_t req, fuse_ino_t number, unsigned cmd, void *arg,
	struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size, size_t out_size)
{
	(void)number;
	(void)cmd;
	(void)arg;
	(void)fi;
	(void)flags;
	(void)in;
	(void)in_size;
	(void)out_size;
	request_end(req, -ENOTTY);
}

/* What is not here the kernel does by itself or without: locks, lseek, copy_file_range. */
static const struct fuse_lowlevel_ops ops = {
	.init = fs_op_init,
	.lookup = fs_op_lookup,
	.forget = fs_op_forget,
	.forget_multi = fs_op_forget_multi,
	.getattr = fs_op_getattr,
	.setattr = fs_op_setattr,
	.readlink = fs_op_readlink,
	.access = fs_op_access,
	.statfs = fs_op_statfs,
	.getxattr = fs_op_getxattr,
	.listxattr = fs_op_listxattr,
	.setxattr = fs_op_setxattr,
	.removexattr = fs_op_removexattr,
	.opendir = fs_op_opendir,
	.readdir = fs_op_readdir,
	.readdirplus = fs_op_readdirplus,
	.fsyncdir = fs_op_fsyncdir,
	.create = fs_op_create,
	.mknod = fs_op_mknod,
	.symlink = fs_op_symlink,
	.mkdir = fs_op_mkdir,
	.rmdir = fs_op_rmdir,
	.link = fs_op_link,
	.open = fs_op_open,
	.read = fs_op_read,
	.write = fs_op_write,
	.flush = fs_op_flush,
	.fsync = fs_op_fsync,
	.release = fs_op_release,
	.fallocate = fs_op_fallocate,
	.unlink = fs_op_unlink,
	.rename = fs_op_rename,
	.ioctl = fs_op_ioctl,
};

/* What libfuse says goes to the log; the last of it is why a mount failed. */
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static char said[256];

__attribute__((format(printf, 2, 0))) static void say(
	enum fuse_log_level level, const char *fmt, va_list ap)
{
	char text[sizeof(said)];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	if (level >= FUSE_LOG_DEBUG)
		log_debug("%s", text);
	else
		log_info("%s", text);
	lock_scope(&said_lock);
	memcpy(said, text, sizeof(said));
}

static struct fs *fs_new(struct tree *t, const struct fs_config *config)
{
	struct fs *fs = xcalloc(1, sizeof(*fs));

	fs->tree = t;
	fs->config = *config;
	fs->config.mountpoint = xstrdup(config->mountpoint);
	fs->config.cache_dir = config->cache_dir ? xstrdup(config->cache_dir) : NULL;
	fs->config.source = xstrdup(config->source ? config->source : "storyfs");
	/* They may do what the modes say, not all that the one may who mounts. */
	fs->config.default_permissions |= config->allow_other;
	if (!config->timeout_ms)
		fs->config.timeout_ms = TIMEOUT_MS;
	if (!config->vacated_ms)
		fs->config.vacated_ms = VACATED_MS;
	if (!config->max_threads)
		fs->config.max_threads = MAX_THREADS;
	pthread_mutex_init(&fs->lock, NULL);
	thread_init_cond(&fs->saved);
	return fs;
}

/* ---- signals ---- */

/* Whom a signal is for. */
static struct notifier *_Atomic signalled;

static void on_signal(int number)
{
	struct notifier *n = signalled;

	(void)number;
	if (n)
		notifier_quit(n);
}

static const int taken_signals[N_SIGNALS] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };

/* From before anybody sees the mount: what ends it then is heeded once it is in its loop. */
static void take_signals(struct fs *fs)
{
	struct sigaction quit = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	signalled = fs->notifier;
	for (int i = 0; i < N_SIGNALS; i++)
		sigaction(taken_signals[i], taken_signals[i] == SIGPIPE ? &ignore : &quit,
			&fs->signals_before[i]);
	fs->has_signals = true;
}

static void give_signals_back(struct fs *fs)
{
	if (!fs->has_signals)
		return;
	for (int i = 0; i < N_SIGNALS; i++)
		sigaction(taken_signals[i], &fs->signals_before[i], NULL);
	signalled = NULL;
	fs->has_signals = false;
}

/* ---- mounting ---- */

/* libfuse's `-o` text; the caller frees it. */
static char *mount_options(const struct fs_config *config)
{
	static const char *const subtype = "subtype=storyfs";
	scoped(free_ptr) char *name = xasprintf("fsname=%s", config->source);
	const struct {
		bool is_set;
		const char *text;
	} rows[] = {
		{ config->read_only, "ro" },
		{ config->allow_other, "allow_other" },
		{ config->default_permissions, "default_permissions" },
		{ config->no_exec, "noexec" },
		{ config->no_atime, "noatime" },
		{ config->debug, "debug" },
	};
	char *options = NULL;

	if (fuse_opt_add_opt(&options, subtype) || fuse_opt_add_opt_escaped(&options, name))
		abort();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].is_set && fuse_opt_add_opt(&options, rows[i].text))
			abort();
	}
	return options;
}

static int check_mountpoint(const char *path, struct buf *ret_reason)
{
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	if (r == 0 && !S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	if (r < 0)
		buf_add_fmt(ret_reason, "cannot mount on %s: %s", path, strerrordesc_np(-r));
	return r;
}

static int make_session(struct fs *fs)
{
	scoped(free_ptr) char *options = mount_options(&fs->config);
	char *argv[] = { (char *)"storyfs", (char *)"-o", options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	fuse_set_log_func(say);
	fs->session = fuse_session_new(&args, &ops, sizeof(ops), fs);
	fuse_opt_free_args(&args);
	return fs->session ? 0 : -EINVAL;
}

static int start_session(struct fs *fs)
{
	int r = make_session(fs);

	if (r < 0)
		return r;
	fs->ahead = ahead_new(fs);
	fs->loop = loop_new(fs->session, fs->config.max_threads);
	fs->notifier = notifier_new(fs, scratch_sweep);
	take_signals(fs);
	fs->mounted = fuse_session_mount(fs->session, fs->config.mountpoint) == 0;
	return fs->mounted ? 0 : -EPERM;
}

int fs_mount(
	struct tree *t, const struct fs_config *config, struct fs **ret, struct buf *ret_reason)
{
	int r = check_mountpoint(config->mountpoint, ret_reason);

	if (r < 0)
		return r;
	scoped(fs_free) struct fs *fs = fs_new(t, config);

	r = start_session(fs);
	if (r < 0) {
		lock_scope(&said_lock);
		buf_add_fmt(ret_reason, "cannot mount on %s: %s", fs->config.mountpoint,
			*said ? said : "fusermount3 refused it, and said why above");
		return r;
	}
	*ret = take_ptr(fs);
	return 0;
}

int fs_loop(struct fs *fs)
{
	int r = notifier_start(fs->notifier);

	if (r == 0) {
		r = loop_run(fs->loop);
		notifier_stop(fs->notifier);
		give_signals_back(fs);
		save_all(fs);
	}
	return r;
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	give_signals_back(fs);
	if (fs->mounted)
		fuse_session_unmount(fs->session);
	if (fs->session)
		fuse_session_destroy(fs->session);
	if (fs->notifier)
		notifier_free(fs->notifier);
	if (fs->ahead)
		ahead_free(fs->ahead);
	loop_free(fs->loop);
	listings_fini(fs);
	handles_fini(fs);
	files_fini(&fs->files);
	pthread_mutex_destroy(&fs->lock);
	pthread_cond_destroy(&fs->saved);
	free((char *)(uintptr_t)fs->config.mountpoint);
	free((char *)(uintptr_t)fs->config.cache_dir);
	free((char *)(uintptr_t)fs->config.source);
	free(fs);
}

/* A READ of a field is answered from memory, so its pages can be taken at once: then hardly anybody
 * is shown the new text at the length of the old one. Of another file a READ may wait for the host.
 */
static void notify_moved(struct fs *fs, const struct node *node, uint64_t number)
{
	if (node->field >= 0)
		notify_data(fs->notifier, number);
	else
		notify_text(fs->notifier, number);
}

/* A text moved: what was saved before is no longer what a reader should see. */
static void content_changed(struct fs *fs, const struct node *node)
{
	lock_scope(&fs->lock);
	struct file *f = files_of_node(&fs->files, node);

	ahead_note_changed(fs->ahead, tree_number(node));
	notify_moved(fs, node, tree_number(node));
	if (!f)
		return;
	if (f->n_writers)
		notify_attr(fs->notifier, f->number);
	else
		notify_moved(fs, node, f->number);
	if (f->loaded && f->gen == f->settled && !f->n_writers) {
		file_unload(&fs->files, f);
		f->stale = true;
	}
}

static void forward_change(void *data, const struct tree_change *change)
{
	struct fs *fs = data;

	switch (change->type) {
	case TREE_CONTENT:
		content_changed(fs, &change->node);
		break;
	case TREE_ENTRY:
		notify_entry(fs->notifier, tree_number(&change->parent), change->name);
		break;
	}
}

void fs_changed(void *data, const struct change *change)
{
	struct fs *fs = data;

	tree_changes(fs->tree, change, forward_change, fs);
}
