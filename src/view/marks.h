/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The marks of a document, as both who writes and who reads it know them. */
#ifndef STORYFS_VIEW_MARKS_H
#define STORYFS_VIEW_MARKS_H

/* All but these lines is text. A mark in a text has a backslash before `storyfs`. */
#define MARK_OPEN "<!-- "
#define MARK_WORD "storyfs:"
#define MARK MARK_OPEN MARK_WORD
#define MARK_END " -->"
#define MARK_NEWLINE MARK " newline" MARK_END
#define MARK_ITEM " " MARK " "
#define MARK_COMMENT " " MARK " comment "
#define MARK_VERSION MARK " version "
#define MARK_VERSION_END "; text below this line becomes a comment" MARK_END

#define FENCE "---"
#define HEADING "# "
#define COMMENT_HEADING "### "
#define ITEM_OPEN "- [ ]"
#define ITEM_DONE "- [x]"
#define ITEM_INDENT "  "

/* The headings of its parts, in their order. */
#define TASKS_HEADING "## Tasks " MARK " tasks" MARK_END
#define BLOCKERS_HEADING "## Blockers " MARK " blockers" MARK_END
#define COMMENTS_HEADING "## Comments " MARK " comments" MARK_END

#endif
