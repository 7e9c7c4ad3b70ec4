/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of an import, in three steps: read the folders into a table (import_read), take nested
 * resources out of those that hold them (import_nested), store the table and find out whose archive
 * it is (import.c, import_people). Only the last touches the archive. Private to import*.c.
 */
#ifndef STORYFS_SERVER_IMPORT_RUN_H
#define STORYFS_SERVER_IMPORT_RUN_H

#include "import_mentions.h"
#include "import_table.h"
#include "storyfs/import.h"

/* A key of a file's resources that needs a word to the person who imports. */
struct odd_key {
	size_t file;
	char *key;
	bool known; /* in the schema, with a value of another type */
	int64_t n;
	struct odd_key *next;
};

/* A resource of a kind that the schema does not have. */
struct unknown {
	char *kind, *key, *json;
	int64_t project_id; /* 0: it does not say */
	size_t file;
};

struct import_run {
	const struct import_config *config;
	struct import_report report;
	struct buf *reason;

	char **paths; /* of dumps and exports, each one */
	size_t n_paths;
	char **files; /* what is read of them */
	size_t n_files;
	int64_t bytes_done, bytes_total;

	struct import_table table;
	int64_t n_unkeyed;	  /* nested resources without ids so far */
	struct records summaries; /* memberships of whoever made the dump */
	int64_t me_id;		  /* who that is, when the dump says so; or 0 */
	struct unknown *unknowns;
	size_t n_unknowns;
	struct odd_key *odd_keys;

	struct tx *tx;		  /* open while storing */
	bool is_empty[N_KINDS];	  /* the archive had none of these */
	struct mentions mentions; /* by what was stored so far, or left as it was */
	struct ids newer;	  /* projects that the archive has in a newer version */
	struct ids unversioned;	  /* those it has, and of which the dump does not say the version */
	int64_t owner_id;	  /* whose archive it is, when known */

	struct exports *exports; /* what Tracker's own exports need; NULL without any */
	struct ids touched;	 /* projects of which something was stored */
};

void import_run_fini(struct import_run *run);

/* The run's paths: for a folder that has nothing but folders of dumps, these. */
void import_expand_paths(struct import_run *run);
/* Reading. -errno with run->reason. */
int import_read_folder(struct import_run *run, const char *path);
/* The size of what import_read_folder would read; 0 for no folder. */
int64_t import_measure_folder(const char *path);
/* Is it an export, or else a dump? */
bool import_is_export(const char *path);
/* A CSV, a ZIP of them, or the folder with what was in it; the transaction is open. */
int import_read_export(struct import_run *run, const char *path);
void import_free_exports(struct import_run *run);
void import_progress(struct import_run *run, const char *what);

struct json_t;
/* What a dump's iteration says beyond the usual, as an override yet to be trimmed. */
void import_take_iteration(
	struct import_run *run, const struct json_t *item, size_t file, int64_t key);
/* Take off an override what is the project's usual; 1 when nothing is left. */
int import_trim_override(struct import_run *run, struct record *override);

/* Take nested resources out of the entries, up to this one, and report what is odd in them. Those
 * behind it are of exports, which nest nothing; they are there already, for what is nested only
 * gives them what they lack. */
void import_flatten(struct import_run *run, const struct entry *last);
/* The project that a resource belongs to; 0 when it belongs to none, or to an unknown one. */
int64_t import_project_of(const struct import_run *run, const struct record *r);

/* The id of the resource of this name that the archive has in the same project; 1: none. */
int import_stored_id(struct import_run *run, const struct record *r, int64_t *ret_id);
/* Note that something of the project was stored. */
void import_touch(struct import_run *run, int64_t project_id);
/* Storing. Put a record when the archive has another or none; its derived fields are dropped. */
int import_put(struct import_run *run, const struct record *r);
/* Give a resource of a kind without ids in V5 the one under which the archive has it, or a new one.
 */
int import_number(struct import_run *run, struct record *r);
/* The schema's initial values for what is absent. */
struct record *import_with_initials(const struct record *r);
/* Store all that the table holds. */
int import_store_table(struct import_run *run);
/* The transitions that the table's activity tells of, or that one item of it does. */
int import_transitions(struct import_run *run);
int import_transitions_of(struct import_run *run, const struct record *activity);
/* Find and remember the archive's owner; the persons are stored already. */
int import_find_owner(struct import_run *run);
/* Who may see the imported projects. */
int import_memberships(struct import_run *run);
/* A mirror: which projects are left as they are; what the dumps lack goes; what is remembered. */
int import_mirror_begin(struct import_run *run);
int import_mirror_end(struct import_run *run);
/* The bytes that lie beside the dumps, in files/<id>. */
int import_dumped_files(struct import_run *run);
/* The accounts that the dump does not tell of. */
int import_accounts(struct import_run *run);
/* A project that names no account stays in the one the archive gave it. */
int import_keep_account(struct import_run *run, struct record *project);

SCOPED_VALUE(struct import_run, import_run_fini);

#endif
