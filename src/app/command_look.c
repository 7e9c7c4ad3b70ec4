/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `storyfs ls` and `storyfs cat`: the tree without a mount. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "path.h"
#include "setup.h"
#include "storyfs/text.h"

enum { PIECE = 1 << 20 };

struct look {
	const struct arguments *args;
	struct tree *tree;
	struct node dir; /* that is listed */
	bool failed;
};

static void complain(struct look *l, const char *path, int e)
{
	fprintf(stderr, "storyfs: %s: %s: %s\n", l->args->command->name, path, text_errno(e));
	l->failed = true;
}

/* ---- ls ---- */

static void print_long(struct look *l, const struct node *node)
{
	struct node_attr attr;
	char when[32] = "";

	if (tree_stat(l->tree, node, &attr) < 0)
		return;
	time_t at = (time_t)(attr.mtime_ns / 1000000000);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	printf("%c%s %8" PRIu64 " %s ",
		attr.type == NODE_DIR	 ? 'd'
		: attr.type == NODE_LINK ? 'l'
					 : '-',
		attr.writable ? "rw" : "r-", attr.size, when);
}

static bool print_entry(void *data, const char *name, const struct node *node)
{
	struct look *l = data;
	struct node_attr attr;
	scoped(buf_fini) struct buf target = BUF_INIT;

	if (!arguments_have(l->args, OPTION_long)) {
		puts(name);
		return true;
	}
	/* Some are known only once they were asked for by name. */
	if (tree_stat(l->tree, node, &attr) == -ENODATA) {
		struct node same;

		tree_lookup(l->tree, &l->dir, name, NULL, &same);
	}
	print_long(l, node);
	if (tree_stat(l->tree, node, &attr) == 0 && attr.type == NODE_LINK &&
		tree_read(l->tree, node, &target) == 0)
		printf("%s -> %s\n", name, buf_str(&target));
	else
		puts(name);
	return true;
}

static void list_path(struct look *l, const char *path)
{
	struct node node = NODE_ROOT;
	int e = path_find(l->tree, path, &node);

	l->dir = node;
	if (e == 0)
		e = tree_list(l->tree, &node, NULL, print_entry, l);
	if (e == -ENOTDIR && path_find(l->tree, path, &node) == 0)
		print_entry(l, path, &node);
	else if (e < 0)
		complain(l, path, e);
}

/* ---- cat ---- */

/* Piece by piece: some are large. */
static int print_bytes(struct look *l, const struct node *node)
{
	struct file_part part = { .max = PIECE };
	struct node_attr attr;
	int e = tree_stat(l->tree, node, &attr);

	if (e == 0 && attr.type == NODE_DIR)
		return -EISDIR;
	while (e == 0 && (uint64_t)part.at < attr.size) {
		scoped(buf_fini) struct buf text = BUF_INIT;

		e = tree_read_part(l->tree, node, &part, NULL, &text);
		fwrite(buf_str(&text), 1, text.len, stdout);
		part.at += PIECE;
	}
	return e;
}

static void print_file(struct look *l, const char *path)
{
	struct node node;
	int e = path_find(l->tree, path, &node);

	if (e == 0)
		e = print_bytes(l, &node);
	if (e < 0)
		complain(l, path, e);
}

/* ---- both ---- */

static enum exit_code look(
	const struct arguments *args, void (*show)(struct look *l, const char *path))
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(source_close) struct source *source = NULL;
	struct source_config config = setup_source(args);
	struct look l = { .args = args };

	config.refresh_s = 0;
	if (source_open(&config, &source, &reason) < 0 || source_check(source, &reason) < 0)
		return setup_fail(args, buf_str(&reason));
	l.tree = source_tree(source);
	for (int i = 1; i < args->n_operands; i++)
		show(&l, args->operands[i]);
	if (args->n_operands == 1)
		show(&l, "");
	if (fflush(stdout) != 0 || ferror(stdout))
		l.failed = true;
	return l.failed ? EXIT_FAILED : EXIT_DONE;
}

enum exit_code run_ls(const struct arguments *args)
{
	return look(args, list_path);
}

enum exit_code run_cat(const struct arguments *args)
{
	return look(args, print_file);
}
