#pragma once
/*
 * The walk over the ticket list in the order of updated_at. For sync/ only.
 *
 * Keyset: page 1 from the last row's second minus one, again and again; pages 2, 3 ... only while a full
 * page ends in the second it began with. Rows come twice at the seams; `seen` drops them by (id, updated_at).
 */
#include "sync/run.h"

struct seen {
    int64_t id, updated_at;
};
struct keyset {
    int64_t anchor; /* updated_since, unix ms */
    int page;
    struct seen *seen; /* rows at or after the anchor; heap */
    size_t seen_count, seen_cap;
};
void keyset_init(struct keyset *k, int64_t start);
void keyset_done(struct keyset *k);
bool keyset_has(const struct keyset *k, const struct ticket *t);
/* The rows of one answer have been taken; moves on. E_LIMIT: more rows in one second than the vendor lists;
 * the walk can go on, but those beyond are lost. */
int keyset_advance(struct keyset *k, const struct ticket *rows, size_t count);

#define PAGES_MAX 3 /* under way at once */

struct walk;

enum slot_state { SLOT_WAITING, SLOT_READY, SLOT_FRESH, SLOT_GONE, SLOT_FAILED };
struct slot {
    int64_t id;
    const struct ticket *ticket; /* NULL: to be fetched */
    struct conversation *talks;
    size_t talk_count;
    enum slot_state state;
    int code;
    struct str reason;
};
struct page {
    struct walk *walk;
    uint64_t number;
    struct slot *slots;
    size_t count;
    int64_t position; /* the walk's, after this page */
    bool in_use, is_last;
    bool is_retry; /* items of the retry queue, not of the list */
    size_t next;   /* slot for the next free worker */
    size_t left;   /* slots that are still waiting */
    int status;    /* of a worker that ended the page */
    struct cond arrived;
    bool over; /* workers may go, and their memory with them */
    struct cond ended;
};
struct walk {
    struct run *run;
    struct keyset keyset;
    int64_t start, position; /* updated_at of the last row taken */
    int64_t left;            /* rows that may still be taken; < 0: no limit */
    bool resumed;            /* rows that are up to date do not count against `left` */
    bool ended;              /* the list is at its end, or the limit is reached */
    bool reached_end;        /* the former */
    bool listing;            /* a page is on its way to its rows */
    struct cond listed;
    uint64_t spawned, stored; /* pages */
    struct cond turn;
    struct page pages[PAGES_MAX];
};

/* Store, texts, vectors of a page whose slots are ready, and its counts; the cursor stays. */
int page_store(struct flow *f, struct page *page) _must_check_;
/* Threads, store, vectors, progress; in the page's own flow. */
int page_handle(struct flow *f, struct page *page) _must_check_;
