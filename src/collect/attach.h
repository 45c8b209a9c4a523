#pragma once
/* Attachments of a ticket and its thread, on disk: attachments/<ticket>/<attachment>_<name> in the archive's folder. */
#include "collect/walk.h"

/* Fetches what is not there yet in its told size, before the ticket is written: what the ledger tells has its files.
 * Sets record->files and has_files. Files that cannot be had are named in the ledger; < 0 ends the run. */
int attach_fetch(struct flow *f, struct collector *c, struct record *record) _must_check_;
/* A file's name as it may stand in a folder: no separators, controls or leading dots, whole UTF-8, at most 150
 * bytes, its ending kept. Appended to `out`; never nothing. */
void attach_name(struct str name, struct buf *out);
