#pragma once
/*
 * The collector: a whole Freshdesk account into a folder of files, complete and provably so.
 *
 *   struct collect_report report;
 *   r = collect_run(f, &deps, &spec, &report);     // walks, writes, ends the run; resumes by itself
 *   r = collect_export(f, spec.dir, &export);      // all_tickets.json, tickets_export.csv, summary_report.json
 *   r = collect_verify(f, &deps, spec.dir, ...);   // held against expected
 *
 * Everything that was done is in the folder's ledger (collect/archive.h); a run that was stopped or killed
 * goes on where it was.
 */
#include <stdbool.h>
#include <stdint.h>

#include "loop/flow.h"
#include "upstream/freshdesk.h"

struct item_texts;
struct pg_pool;

/* What the guards look at; for tests. Called by pool threads. */
struct collect_sensors {
    int (*disk)(const struct collect_sensors *s, const char *dir, uint64_t *ret_free_bytes,
                uint32_t *ret_used_percent);
    uint32_t (*memory_percent)(const struct collect_sensors *s);
};
struct collect_deps {
    const struct collect_sensors *sensors; /* NULL: the machine's */
    struct freshdesk *freshdesk;
    struct web *web; /* for attachments */
    struct freshdesk_as as;
    /* with to_postgres: where to, and how sync makes a ticket's texts and marks its contents (sync/sync.h) */
    struct pg_pool *pool;
    int64_t tenant_id;
    struct str salt;
    void (*make_texts)(struct arena *a, const struct ticket *t, const struct conversation *talks,
                       size_t talk_count, struct item_texts *ret_texts);
};
/* Told now and then, and at the end; for progress bars. Must not wait. */
struct collect_progress;
struct collect_watcher {
    void (*told)(struct collect_watcher *w, const struct collect_progress *p);
    uint32_t every_ms;
};
struct collect_spec {
    const char *dir;
    const char *mode;          /* "full", "test", "small", "resume": for the ledger and the log */
    uint64_t ticket_count_max; /* 0: all */
    int64_t from_s, to_s;      /* by updated_at, unix seconds, to exclusive; 0: all */
    bool talks, attachments, archived, to_postgres;
    uint32_t chunk_size, save_interval, delay_ms;
    uint32_t slice_count, thread_count;
    uint32_t disk_pause_percent, memory_warn_percent;
    const char *export_file; /* a JSON file of the account export instead of the walk; NULL: none */
    struct collect_watcher *watcher; /* may be NULL */
};
struct collect_progress {
    uint64_t held_count, new_count, talk_count, skip_count, gone_count, page_count;
    uint64_t loaded_count;   /* rows written into PostgreSQL */
    uint64_t file_count;     /* attachments fetched */
    uint64_t expected_count; /* by what is known so far; 0: not known */
    uint32_t window_count, window_done_count, chunk_count;
    uint32_t thread_count; /* that may be under way at once, now */
    uint64_t elapsed_ms;
    double budget_used; /* credits taken from the budget */
    double budget_per_minute;
    bool is_paused, is_over;
};
struct collect_report {
    struct collect_progress last;
    uint64_t skipped_now; /* items that this run had to leave out; each is named in the ledger */
    bool is_complete;
};
/* Suspends for as long as it takes. E_BUSY: another process works in the folder; E_UPSTREAM_AUTH: the key is
 * refused, everything stopped; E_DB_AWAY, E_DB: the files are complete, what is missing in
 * PostgreSQL is loaded by the next run; -ENOSPC: the disk is full, run again when there is room; -ECANCELED: stopped.
 * In each case all that was fetched is kept. */
int collect_run(struct flow *f, const struct collect_deps *deps, const struct collect_spec *spec,
                struct collect_report *ret_report) _must_check_;

struct collect_export {
    uint64_t ticket_count, talk_count;
    double talk_average;
    bool gzip; /* in: all_tickets.json.gz beside the other */
};
/* Streams the held tickets into the three result files. */
int collect_export(struct flow *f, const char *dir, struct collect_export *export) _must_check_;

struct collect_verdict {
    uint64_t expected, held, unexplained;
    uint64_t missing, changed_since, gone, bad_windows;
};
/* Checks the files against the ledger; with `recount` counts the account a second way too and explains each
 * difference. Lines for people go to stdout through `say`. */
struct collect_verify {
    const struct collect_deps *deps; /* NULL: files against ledger only */
    const char *dir;
    bool recount;
    void (*say)(struct collect_verify *v, const char *line);
};
int collect_verify(struct flow *f, struct collect_verify *v, struct collect_verdict *ret_verdict)
    _must_check_;
