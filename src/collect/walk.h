#pragma once
/* Inside collect/ only: one run's shared state, and the parts of the walk. */
#include "collect/collect.h"
#include "collect/writer.h"

#define PAGE_ROWS 100
#define PAGE_NUMBER_MAX 300 /* the vendor's wall */

struct collector {
    const struct collect_deps *deps;
    const struct collect_spec *spec;
    struct archive *archive;
    struct writer writer;
    bool is_inclusive; /* updated_since gives rows of its own second; false until proven */
    bool files_denied; /* viewing tickets is */
    bool talks_denied; /* conversations are forbidden to this key */
    bool is_paused;    /* by a guard */
    struct cond resumed;
    uint32_t slice_count, thread_count; /* allowed now; guards lower them */
    uint32_t talk_count_now;            /* thread lists under way */
    struct cond talk_room;
    struct cond planned; /* a window was added, or planning is over */
    uint32_t next_window;
    bool plan_over;
    uint64_t start_ns;
    uint64_t page_count, new_count, skipped_now, saved_count;
    uint64_t saved_ns;
    uint64_t file_count, file_bytes; /* attachments that are there; fetched */
    struct {                         /* of load.c; only with to_postgres */
        uint64_t asked, answered;    /* times somebody waits for all to be loaded */
        bool is_last, is_over;
        int status;
        struct err err;
        uint64_t written_count, refused_count;
        struct cond changed;
    } load;
};

/* One list page: asked for, cut, deduplicated, written with its threads. */
struct page {
    struct collector *c;
    struct window *window;
    int64_t since_s; /* asked for */
    int number;
    const char *order_by; /* NULL: updated_at */
    bool descending;
    bool is_settled; /* listed, or failed */
    bool is_stored;
    struct cond *settled;
    /* out */
    int status; /* of the listing */
    size_t row_count;
    int64_t first_s, last_s; /* of all rows, dropped ones included */
    bool more;
    int64_t
        seen_s; /* what the ledger may tell once this and all earlier pages are stored; 0: nothing */
    struct page *next;
};
int page_run(struct flow *f, void *page);
/* Stores one ticket whose JSON is at hand, with its thread as the run wants it. */
int page_store_items(struct flow *f, struct collector *c, struct window *w, struct item *items,
                     size_t count) _must_check_;

/* Walks one window to its end. */
int walk_window(struct flow *f, struct collector *c, struct window *w) _must_check_;
/* Finds windows for [from, to) and adds them; a child flow. */
int plan_run(struct flow *f, void *collector);
int plan_add(struct flow *f, struct collector *c, enum window_kind kind, int64_t from_s,
             int64_t to_s, struct window **ret_window) _must_check_;
/* Newest updated_at, 0 when there is no ticket. */
int plan_newest(struct flow *f, struct collector *c, int64_t *ret_newest_s) _must_check_;

/* Follows deleted and spam: marks, no tickets. */
int gone_run(struct flow *f, struct collector *c) _must_check_;
/* Probes the ids that no list shows. */
int gaps_run(struct flow *f, struct collector *c) _must_check_;
int export_file_run(struct flow *f, struct collector *c, const char *path) _must_check_;

/* Loads what is written into PostgreSQL; a child flow. */
int load_run(struct flow *f, void *collector);
/* Waits until all that is written is loaded, or the loader has failed (load.status); is_last ends it. */
int load_drain(struct flow *f, struct collector *c, bool is_last) _must_check_;
/* After a failed call to the database: waits a little and says whether to try again. *attempt begins at 0. */
bool load_again(struct flow *f, struct collector *c, unsigned *attempt, int *r);

/* Names what could not be had. */
int collect_skip(struct flow *f, struct collector *c, int64_t id, const char *what) _must_check_;
/* Waits while a guard has paused the run. */
int collect_gate(struct flow *f, struct collector *c) _must_check_;
int guard_run(struct flow *f, void *collector);
int guard_preflight(struct flow *f, struct collector *c) _must_check_;
/* progress.json, collection_stats.json, diagnostic_info.json. */
int progress_save(struct flow *f, struct collector *c, bool is_over) _must_check_;
void progress_of(const struct collector *c, struct collect_progress *ret);
