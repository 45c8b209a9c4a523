#pragma once
/*
 * The archive's folder: chunk files, and the ledger that tells what is in them.
 *
 *   tickets_chunk_0000.json        a JSON array, one ticket a line; whole, synced, renamed into place
 *   tickets_chunk_0001.json.part   the chunk being written; what lies past the ledger's word is cut off
 *   ledger.jsonl                   one JSON object a line, only ever appended to: the one truth
 *
 * Ledger lines (first member tells the kind; times are unix seconds):
 *   {"run":1,"mode":"full","domain":..,"talks":true,"files":true,"from":s,"to":s,"newest":s,"at":"2026-.."}   a run began
 *   {"window":3,"run":1,"kind":"tickets","from":s,"to":s}         a part of time to walk; to is exclusive
 *   {"held":3,"chunk":7,"end":bytes,"n":count,"talks":1,"files":1,"ids":[..],"at":[..]}   written by window 3
 *   {"seen":3,"since":s}       window 3 has nothing unwritten before s
 *   {"done":3,"count":n,"hash":"hex"}
 *   {"file":7,"path":..,"count":n,"old":true}                     a whole chunk; old: not written by us
 *   {"skip":id,"what":"conversations","why":..}  {"gone":id,"kind":"deleted","at":s}
 *   {"tidy":7,"count":n}       superseded versions were taken out of chunk 7
 *   {"archive":uuid}                              names the archive, once
 *   {"crowded":second}         more tickets share it than are listed
 *   {"planned":1} {"end":1,"newest":s}                           run 1: windows are all known; is complete
 *
 * All functions block and are called from pool threads, one at a time (collect/writer.h sees to it).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "collect/index.h"
#include "collect/items.h"

enum window_kind { WINDOW_TICKETS, WINDOW_DELETED, WINDOW_SPAM, WINDOW_IDS, WINDOW_IMPORT };
const char *window_kind_name(enum window_kind k);

struct window {
    uint32_t number, run;
    enum window_kind kind;
    int64_t from_s, to_s; /* [from, to); to 0: no end */
    int64_t since_s;      /* everything before is written */
    uint64_t count, hash; /* of what was written for it; the hash does not depend on order */
    bool is_done;
    int64_t done_at_ms; /* 0: before this process */
};
struct chunk {
    char *path; /* in the archive's folder */
    uint64_t end;
    uint32_t count;      /* tickets in it */
    uint32_t stale;      /* of them superseded by a later version elsewhere */
    uint32_t tidy_count; /* how often it was rewritten */
    bool is_sealed, is_old;
};
struct run {
    uint32_t number;
    int64_t from_s, to_s, newest_s;
    bool talks, files, is_planned, is_complete;
    bool is_crowded; /* tickets may hide behind the vendor's wall of 300 pages */
    char mode[16];
};

struct archive_spec {
    const char *dir;
    uint32_t chunk_size;
    bool read_only; /* for verify, monitor, export: no lock, nothing is repaired */
};
struct archive {
    char *dir;
    char id[37]; /* a UUID, "" in an old read-only one */
    uint32_t chunk_size;
    uint64_t ticket_count_max; /* 0: all */
    int lock_fd, ledger_fd, part_fd;
    struct index index;
    struct chunk *chunks;
    size_t chunk_count;
    struct window **windows; /* by number */
    size_t window_count;
    struct run run; /* the last one; number 0: none */
    uint64_t held_count, talk_count, skip_count, gone_count, stale_count;
    int64_t open_chunk; /* -1: none */
    bool is_full,
        was_damaged; /* damaged: after a power cut something told by the ledger was not on disk */
    struct buf part, lines;
    struct {
        uint32_t window;
        int64_t chunk;
        bool talks, files;
        size_t count;
        struct buf ids, times;
    } group;
};
#define ARCHIVE_INIT                                                                               \
    {                                                                                              \
        .lock_fd = -1, .ledger_fd = -1, .part_fd = -1, .open_chunk = -1, .index = {.fd = -1 }      \
    }

/* E_BUSY when another process collects into it. E_NOT_FOUND (read_only) when there is no archive. */
int archive_open(struct archive *a, const struct archive_spec *spec, struct err *err) _must_check_;
void archive_close(struct archive *a); /* _cleanup_ */

enum record_kind { RECORD_TICKET, RECORD_LINE };
struct record {
    struct list node;
    enum record_kind kind;
    struct item item;
    struct str talks; /* a JSON array; only with has_talks */
    bool has_talks;
    struct str files; /* a JSON array; only with has_files: all of them are on disk */
    bool has_files;
    uint32_t window;
    struct str line; /* RECORD_LINE: the ledger's line, without its end */
    bool is_written; /* out: false when the same version was held already */
};
/* Writes records in order; when it returns >= 0 all of them survive the end of this process. */
int archive_write(struct archive *a, struct list *records, struct err *err) _must_check_;
/* All that was written is on disk. */
int archive_sync(struct archive *a, struct err *err) _must_check_;
/* Ends the open chunk, short as it may be. */
int archive_seal(struct archive *a, struct err *err) _must_check_;
/* Takes superseded versions out of our own chunk files, each replaced whole. */
int archive_tidy(struct archive *a, struct err *err) _must_check_;
/* Path of a file in the folder; the caller's to free. */
char *archive_path(const struct archive *a, const char *name);

/* For ledger.c and archive.c. */
struct chunk *archive_chunk(struct archive *a, size_t number); /* made when missing */
struct window *archive_window(struct archive *a, uint32_t number);
void archive_count(struct archive *a, struct window *w, int64_t id, int64_t updated_s);
int archive_hold(struct archive *a, int64_t id, const struct index_entry *entry, struct err *err)
    _must_check_;
uint64_t archive_hash(int64_t id, int64_t updated_s);
int ledger_replay(struct archive *a, bool repair, struct err *err) _must_check_;
/* Reads chunks of an archive without a ledger (the old collector's) into a new one. */
int archive_import(struct archive *a, struct err *err) _must_check_;

/* Writes what is in a->lines; nothing in a read-only archive. */
int archive_tell(struct archive *a, struct err *err) _must_check_;

/* Calls each for every ticket that is held, once, in the order of the chunks. */
struct archive_visitor {
    int (*each)(struct archive_visitor *v, const struct item *item, struct err *err);
};
int archive_each(struct archive *a, struct archive_visitor *v, struct err *err) _must_check_;
/* The same for one chunk. */
int archive_each_of(struct archive *a, size_t chunk, struct archive_visitor *v, struct err *err)
    _must_check_;
