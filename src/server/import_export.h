/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracker's own exports as a source of an import: CSV files, alone or in a ZIP. They are read into
 * the run's table while its transaction is open, for what they do not hold is looked up: whose name
 * it is, whether the archive has the project. Ids that they do not hold are made of what they do
 * hold, so that the same again has the same ids:
 *
 *   what is in a story's list  story id * IDS_A_STORY + its place in the list, from 1
 *   an epic's                  the same, with places from EPIC_PLACES + 1
 *   gone from the list since   with places from OLDER_PLACES + 1 on
 *   who has a name alone       a digest of kind, project and name, from NAMED_FROM
 *
 * What is made here later gets ids behind all of these. Private to import*.c.
 */
#ifndef STORYFS_SERVER_IMPORT_EXPORT_H
#define STORYFS_SERVER_IMPORT_EXPORT_H

#include "columns.h"
#include "import_run.h"
#include "storyfs/csv.h"
#include "storyfs/unzip.h"

#define MAX_STORY_ID INT64_C(4999999999)
#define IDS_A_STORY INT64_C(100000)
#define EPIC_PLACES INT64_C(50000)
#define OLDER_PLACES INT64_C(30000)
#define NAMED_FROM INT64_C(300000000)
#define NAMED_TO INT64_C(1000000000)

struct zone;

/* A project that the exports are of. */
struct export_project {
	int64_t id;
	struct record *old; /* as the archive has it, or NULL */
	bool is_ours;	    /* not changed in the archive since it was imported from an export */
	struct zone *zone;
	struct record *record; /* what the exports tell */
	double *estimates;     /* each once, ascending */
	size_t n_estimates;
	int64_t first_iteration; /* the lowest number that a row has */
	int64_t n_rows;		 /* so far, of all files */
	int64_t n_epics;
	struct export_project *next;
};

/* Where the files of an export are: a ZIP, or the folder that it was unpacked into. The functions
 * are as unzip.h's. */
struct export_source {
	int64_t (*count)(struct export_source *source);
	struct unzip_entry (*entry)(struct export_source *source, int64_t index);
	int (*read)(struct export_source *source, int64_t index,
		int (*take)(void *data, const char *bytes, size_t len), void *data,
		struct buf *ret_reason);
	void (*close)(struct export_source *source);
	struct export_source *next;
};

/* A file of an export, whose bytes are stored when its record is. */
struct export_file {
	int64_t id, project_id;
	const struct entry *owner; /* the story or epic */
	struct export_source *source;
	int64_t entry, size;
	char *path;
};

struct exports {
	struct export_project *projects;
	struct table names;
	struct table spellings;	       /* of names, as they are written */
	struct buf spelling;	       /* the one that is looked for */
	bool knows_people;	       /* names holds those of the archive */
	struct export_source *sources; /* open until the end: bytes are read late */
	struct export_file *files;
	size_t n_files;
	int64_t n_records;
	struct records older; /* of lists, what would be overwritten, with other ids */
};

/* ---- import_csv.c: one CSV ---- */

/* How a header's cell is read. */
struct export_title {
	char *text;    /* for a person */
	char *name;    /* as a cell, by which what is kept is found */
	size_t before; /* how many have this name before it */
	int column;    /* of the table; -1: unknown */
	int64_t n_kept;
};

/* A CSV that is being read. */
struct export_csv {
	struct import_run *run;
	struct export_project *project;
	const char *path; /* for a person */
	size_t file;	  /* in the run's list */
	struct export_title *titles;
	size_t n_titles;
	struct json_t *counts;	   /* see import_csv_count */
	size_t *places[N_COLUMNS]; /* the cells of each column, in their order */
	size_t n_places[N_COLUMNS];
	bool is_history;
	bool is_first_of[N_KINDS]; /* no other file of the run has any of the kind */
	size_t n_values[N_KINDS];  /* of the last of the kind: the next will have about as many */
	int64_t n_rows, n_notes;
	struct csv_reader *reader;
};

/* name is the file's own, which tells the project. */
int import_csv_begin(
	struct import_run *run, const char *path, const char *name, struct export_csv *ret);
int import_csv_feed(void *csv, const char *bytes, size_t len);
/* 0 or what went wrong, as run->reason. */
int import_csv_end(struct export_csv *csv, int error);
/* How often the file was asked about this text before. */
size_t import_csv_count(struct export_csv *csv, const char *text);
/* A note about one cell: which, what it holds, what is wrong with it. */
void import_csv_note(struct export_csv *csv, int64_t line, const char *title, const char *text,
	const char *problem);

/* ---- import_cell.c: a cell becomes a value ---- */

struct json_t;

/* A row at work. */
struct export_row {
	struct export_csv *csv;
	const struct csv_row *row;
	struct record *record; /* the story or epic */
	int64_t touched_at;    /* the latest instant that it tells */
	int64_t iteration, first_day, last_day;
	size_t nth;	     /* the cell at hand is of its column, or its list, from 0 */
	struct json_t *kept; /* see kept_cells.h */
};

/* The cell as text: UTF-8, \n, without the guard. The caller frees it. */
char *import_cell_text(struct export_row *w, const struct csv_cell *cell, const char *title);
/* Without the blanks at its ends, which it spoils. */
char *import_cell_trim(char *text);
/* It says something that cannot be taken, and is kept. */
void import_cell_refuse(
	struct export_row *w, const struct column *column, const char *text, const char *why);
/* Put a cell's text into a field of the record; text is taken over. -errno */
int import_cell_set(
	struct export_row *w, struct record *r, const struct column *column, int f, char *text);

/* ---- import_row.c: a row becomes resources ---- */

int import_row(struct export_csv *csv, const struct csv_row *row);
int import_history_row(struct export_csv *csv, const struct csv_row *row);

/* ---- import_names.c ---- */

/* The id of the one of this name: a person, or a project's label or review type; made when there is
 * none. An empty name is 0. -errno */
int import_named(struct export_csv *csv, enum kind kind, const char *name, int64_t *ret_id);
/* The names that the archive has, for a project that is about to be read. */
int import_load_names(struct import_run *run, const struct export_project *p);
/* A number of the range for names, for this text. */
int64_t import_id_of_text(enum kind kind, int64_t project_id, const char *text);
/* How many rows of this title without an id there are, this one included. */
int64_t import_count_title(struct export_csv *csv, enum kind kind, const char *title);
void import_names_fini(struct exports *x);

/* ---- import_project.c ---- */

int import_find_project(struct import_run *run, const char *file_name, struct export_project **ret);
void import_note_iteration(
	struct export_project *p, int64_t number, int64_t first_day, int64_t last_day);
void import_note_estimate(struct export_project *p, double points);
/* Put what the exports tell of the projects into the table, mark what is not to be stored. */
int import_finish_exports(struct import_run *run);
/* After all is stored: versions, what only the archive has. */
int import_close_exports(struct import_run *run);

/* ---- import_older.c ---- */

/* Before anything is stored: copy what is gone from its list, and in the way of others. */
int import_save_older(struct import_run *run);
/* After all is stored: put these, take away what moved, note what the archive alone has. */
int import_find_older_items(struct import_run *run);
int import_find_older(struct import_run *run, const struct export_project *p);

/* ---- import_zip.c ---- */

int import_read_zip(struct import_run *run, const char *path);
int import_read_unpacked(struct import_run *run, const char *path);
int import_store_files(struct import_run *run);

/* ---- import_unpacked.c: a folder as a source ---- */

/* The path does not end with a slash. */
struct export_source *import_open_unpacked(const char *path);
/* Has it CSVs, and nothing of a dump? */
bool import_is_unpacked(const char *path);

#endif
