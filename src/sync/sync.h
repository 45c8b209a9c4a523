#pragma once
/*
 * Sync: Freshdesk -> texts -> embeddings -> vectors, full text and sync_logs (S1-S5).
 *
 * A run is one flow: page of tickets -> threads in parallel -> store (unchanged items end here) -> texts
 * -> embeddings by cache and model, in parallel up to the bucket -> vectors -> log; then the next page. Its
 * cursor and counts are saved with each page, so a killed run costs at most one page and its successor goes
 * on. An item that fails is named, goes to the retry queue, and the run goes on; 401 ends it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/caller.h"
#include "base/json.h"
#include "loop/sink.h"

struct embedder;
struct freshdesk;
struct llm;
struct pg_pool;
struct sync;
struct vectors;

/* How this service makes texts of a ticket, without a model, and marks contents whose vectors it writes (the
 * salt of store/tickets.h): for who fills the store by another way. */
struct arena;
struct conversation;
struct item_texts;
struct ticket;
void sync_texts(struct arena *a, const struct ticket *t, const struct conversation *talks,
                size_t talk_count, struct item_texts *ret_texts);
struct str sync_salt(struct arena *a, const struct sync *s);

enum sync_kind { SYNC_TICKETS, SYNC_KB, SYNC_KIND_COUNT };

struct sync_deps {
    struct pg_pool *pool;
    struct vectors *vectors;
    struct freshdesk *freshdesk;
    struct embedder *embedder;
    struct llm *llm;     /* for extraction; NULL: plain split */
    struct group *group; /* background runs are its children; NULL in commands */
    int embed_count_max, thread_count_max;
};
struct sync *sync_new(struct loop *l, const struct sync_deps *deps);
void sync_free(struct sync *s);

/*
 * What a wish means for tickets, which are walked in the order of updated_at:
 *   no since, no limit  from where the last such walk ended: everything that is not stored yet
 *   no since, limit     the first `limit` tickets from the beginning; unchanged ones count
 *   since               from there; but when an earlier run with `since` left tickets over (its limit, or a
 *                       kill) and began no later than this one, first from where that one stopped. So
 *                       `since=<an hour ago>&limit=100` from cron drops nothing. What was up to date at the
 *                       seam does not count against the limit then.
 * Due items of the retry queue come first, at most 100 a run, beside the limit. For articles `since` is a
 * filter and `limit` counts those that were due.
 */
/* Tickets with their threads from elsewhere than Freshdesk: an archive. Made by who asks for the run. */
struct ticket_item;
struct sync_source {
    /* Up to count_max (200) of them, in the flow's arena. > 0: there may be more; 0: that was the end. */
    int (*next)(struct flow *f, struct sync_source *s, size_t count_max,
                struct ticket_item **ret_items, size_t *ret_count);
    int64_t count; /* for progress; 0: not known */
    int64_t
        covers_until; /* unix ms: holds every ticket updated until then; WALL_NONE: no promise */
};
struct sync_wish {
    enum sync_kind kind;
    int64_t since; /* unix ms; WALL_NONE: none */
    int limit;     /* items; 0: no limit */
    struct sync_source
        *source; /* SYNC_TICKETS, sync_run only; since and limit mean nothing then. NULL */
};
struct sync_result {
    char run_id[37];
    bool success; /* no errors, or at least one item synced */
    /* synced = written + skipped (up to date already, or gone at Freshdesk); embedded: texts the model was
     * asked for */
    int64_t total_count, synced_count, written_count, skipped_count, failed_count, embedded_count;
    int64_t finished_at;
    struct str *errors; /* "Failed to process ticket N: reason" */
    size_t error_count;
};
/* Runs in the caller's flow; sends sync.progress events to `out` (may be NULL). E_BUSY while one of the
 * kind runs for the tenant ("Ticket sync already in progress"). On failure what was done is kept; the
 * counts are in the store under the newest run. */
int sync_run(struct flow *f, struct sync *s, const struct caller *who, const struct sync_wish *wish,
             struct sink *out, struct sync_result *ret_result) _must_check_;
/* Begins a background run and returns its id once it is entered in the store. */
int sync_start(struct flow *f, struct sync *s, const struct caller *who,
               const struct sync_wish *wish, char ret_run_id[37]) _must_check_;
/* Sends events of the tenant's runs as they happen (first the present state), until the reader leaves:
 * sync.progress {run_id, kind, state, total, fetched, done, written, skipped, failed, embedded,
 * rate_per_s, eta_s},
 * sync.error {run_id, message}, sync.done {run_id, ...}. Works for runs of other replicas too (by polling
 * the store every second). */
int sync_watch(struct flow *f, struct sync *s, const struct caller *who, struct sink *out)
    _must_check_;

/* One run, by the id that sync_start told. E_NOT_FOUND, also for another tenant's. */
struct sync_job {
    char id[37];
    enum sync_kind kind;
    const char *state; /* "running", "done", "failed" */
    int64_t total_count, done_count, written_count, skipped_count, failed_count;
    int64_t started_at, finished_at; /* unix ms; WALL_NONE: not yet */
    const struct str *errors;        /* arena; the first hundred */
    size_t error_count;
};
int sync_job(struct flow *f, struct sync *s, const struct caller *who, struct str id,
             struct sync_job *ret_job) _must_check_;

struct sync_overview {                  /* GET /api/sync/status */
    int64_t last_ticket_at, last_kb_at; /* WALL_NONE: never */
    int64_t ticket_count, kb_count;     /* 0 when the vector store is away */
    bool running;                       /* one or the other */
    bool kind_running[SYNC_KIND_COUNT];
};
/* < 0 only when the database fails. */
int sync_overview(struct flow *f, struct sync *s, const struct caller *who,
                  struct sync_overview *ret_overview) _must_check_;
