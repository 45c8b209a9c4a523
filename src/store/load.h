#pragma once
/*
 * Tickets, threads and texts in bulk, for archives: COPY into tables of the session, then one INSERT into each
 * of the real ones. COPY straight into those is refused under row-level security (PostgreSQL manual, "COPY",
 * notes).
 */
#include "store/texts.h"
#include "store/tickets.h"

struct load_item {
    struct ticket_item item;
    struct item_texts texts;
};
/* A place in an archive: everything before it is stored. */
struct load_cursor {
    int64_t chunk, item_count, tidy_count;
};
/* Where this archive's load stands; all 0 when it never began. `archive` is a UUID. */
int load_where(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *archive,
               struct load_cursor *ret_cursor) _must_check_;
/* Writes what is newer than the stored, and the cursor, in one transaction; no items: the cursor only. Whoever
 * gives the same again changes nothing. Stored words that are newer stay, so do deletions; without a thread
 * (has_talks) a stored ticket of the same time stays as it is. Of a ticket given twice the newer counts.
 * Vectors of what is written are due (tickets.h). At most 500 items; *ret_written counts. */
int load_batch(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *archive,
               struct str salt, const struct load_item *items, size_t count,
               const struct load_cursor *cursor, int64_t *ret_written) _must_check_;
/* Rows of tickets, deleted ones too. */
int load_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t *ret_count)
    _must_check_;
