#pragma once
/*
 * What the files of sync/ share: a run and what it has done so far. For sync/ only.
 *
 *   sync.c  begins and ends a run     cursor.c  where it starts and what it leaves behind
 *   ticket_walk.c, keyset.c  pages in order     ticket_page.c  one page: threads, store
 *   kb.c    articles                  items.c   texts -> embeddings -> vectors -> log, for both kinds
 *   split.c, sentence.c, cues.c, extract.c  texts of a ticket     gone.c  deleted tickets and spam
 *   events.c  what the reader sees    watch.c   other people's runs
 *   job.c  one run by its id
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/flow.h"
#include "store/item.h"
#include "store/sync_runs.h"
#include "store/texts.h"
#include "store/vectors.h"
#include "sync/cursor.h"
#include "sync/sync.h"
#include "upstream/freshdesk.h"

struct ticket_item;

struct sync {
    struct loop *loop;
    struct sync_deps deps;
    char owner[64];   /* names this process in sync_runs */
    struct list runs; /* struct run.node: alive in this process */
};

struct run {
    struct sync *sync;
    struct flow *flow; /* that it was begun by; error texts live in its arena */
    const struct caller *who;
    struct sync_wish wish;
    enum vector_collection collection;
    struct sink *out; /* may be NULL */
    struct list node;
    char id[37];
    struct str salt; /* how vectors are made */
    struct freshdesk_as as;
    struct vector_tenant tenant;
    int64_t began_at; /* unix ms */
    uint64_t began_ns;
    struct sync_cursor cursor;
    int64_t total_count, fetched_count, done_count, written_count, skipped_count, failed_count,
        embedded_count;
    struct str *errors; /* SYNC_ERRORS_MAX places; later ones are only counted */
    size_t error_count;
    int thread_count; /* calls for threads under way */
    struct cond thread_free;
    bool saving;
    struct cond saved;
    bool over; /* the work has ended: the heartbeat shall, too */
    struct cond ended;
};

/* ---- sync.c ---- */

/* Counts and cursor into the store, one writer at a time; waits out a database that is away. */
int run_save(struct flow *f, struct run *run) _must_check_;
/* Keeps one message of the run (cut); no wait. */
void run_note(struct run *run, struct str message);
/* An item that failed: counted, named, told, and into the retry queue. */
int run_fail_item(struct flow *f, struct run *run, int64_t id, struct str reason) _must_check_;
/* Takes and gives back one of thread_count_max places. */
int run_thread_take(struct flow *f, struct run *run) _must_check_;
void run_thread_give(struct run *run);

/* Database, vector store or an upstream's circuit: away for moments. PATIENT repeats `call` with growing
 * pauses, about 45 s in all, so that a restart in the middle does not end a run. */
struct patience {
    int attempt_count;
};
bool patience_again(struct flow *f, struct patience *p, int *r);
#define PATIENT(f, call)                                                                           \
    ({                                                                                             \
        struct patience patience_ = {0};                                                           \
        int patient_r_;                                                                            \
        do {                                                                                       \
            patient_r_ = (call);                                                                   \
        } while (patient_r_ < 0 && patience_again((f), &patience_, &patient_r_));                  \
        patient_r_;                                                                                \
    })
/* Ends the whole run, not only one item's part of it. */
bool run_is_fatal(int code);

/* ---- ticket_walk.c, kb.c, gone.c: what a run does ---- */

int tickets_walk(struct flow *f, struct run *run) _must_check_;
int source_walk(struct flow *f, struct run *run) _must_check_; /* source.c: of wish.source */
int kb_walk(struct flow *f, struct run *run) _must_check_;
/* Follows tickets that went to the trash or to spam since the last time. */
int gone_follow(struct flow *f, struct run *run) _must_check_;
/* Takes items out of vectors and store; those that are not there are fine. */
int gone_drop(struct flow *f, struct run *run, const int64_t *ids, size_t count) _must_check_;

/* ---- items.c ---- */

/* One item that is due: its texts are made, its vectors are not. */
struct work {
    struct item_result result;
    struct item_texts texts;
    struct str payload; /* JSON object for the vector store */
    int64_t updated_at;
    int status; /* < 0: failed, for `reason` */
    struct str reason;
};
/* Texts, embeddings, vectors, mark and log of up to 500 items. Items that fail alone say so in status;
 * *ret_embedded counts texts that the model was asked for. < 0 ends the run. */
int items_write(struct flow *f, struct run *run, struct work *items, size_t count,
                int64_t *ret_embedded) _must_check_;

/* ---- split.c, extract.c ---- */

/* Symptom, cause and resolution by cue words, language, title and searched text; in `a`. Private notes go
 * into the searched text only. */
void split_ticket(struct arena *a, const struct ticket *t, const struct conversation *talks,
                  size_t talk_count, struct item_texts *ret_texts);
void split_article(struct arena *a, const struct article *v, struct item_texts *ret_texts);
/* "ko", "en" or "". */
struct str split_language(struct str text);
/* Lets the model split what split_ticket has split plainly; texts stay as they are where it fails. */
int extract_tickets(struct flow *f, struct run *run, const struct ticket_item *const *items,
                    struct work *works, size_t count) _must_check_;

/* ---- events.c ---- */

/* The account whose budget the work waits for, if any. */
struct run_wait {
    const char *account; /* NULL: none */
    size_t call_count;   /* that wait */
    double per_minute;   /* calls allowed */
};
struct run_wait run_wait_of(const struct run *run);
struct run_view {
    const char *id, *state; /* "running", "done", "failed" */
    enum vector_collection collection;
    int64_t total_count, fetched_count, done_count, written_count, skipped_count, failed_count,
        embedded_count; /* < 0: not known */
    double elapsed_s;
    struct run_wait wait;
};
int events_progress(struct flow *f, struct sink *out, const char *event, const struct run_view *v)
    _must_check_;
int events_error(struct flow *f, struct sink *out, const char *run_id, struct str message)
    _must_check_;
/* The present state of a run of this process; no sink: nothing. */
int run_tell(struct flow *f, struct run *run, const char *event, const char *state) _must_check_;
