#pragma once
/* Sync runs, sync_logs (legacy shape) and the queue of items to try again. */
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "db/pg.h"
#include "store/vectors.h" /* enum vector_collection: tickets or kb */

#define SYNC_ERRORS_MAX 100 /* messages kept of one run; the count goes on */

struct sync_run {
    char id[37];
    enum vector_collection kind;
    struct str state; /* "running", "done", "failed" */
    int64_t since;    /* WALL_NONE: everything */
    int limit;
    int64_t total_count, done_count, written_count, skipped_count, failed_count;
    struct str *errors;
    size_t error_count;
    struct str cursor;
    int64_t started_at, finished_at; /* WALL_NONE: not yet */
};
struct sync_progress {
    int64_t total_count, done_count, written_count, skipped_count, failed_count;
    struct str cursor;
    const struct str *errors; /* all so far; the first SYNC_ERRORS_MAX are kept */
    size_t error_count;
};

/* Begins a run. E_BUSY when one of this kind runs for the tenant, unless its owner has given no sign for
 * stale_ms (60,000 when 0): then that one becomes failed and ours begins. `owner` names this process. */
int sync_run_begin(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                   enum vector_collection kind, struct str owner, int64_t since, int limit,
                   uint64_t stale_ms, char ret_id[37]) _must_check_;
/* Counts and sign of life; call it at least every 20 s. E_BUSY when the run was taken over: stop. */
int sync_run_progress(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                      const struct sync_progress *progress) _must_check_;
/* Ends it as done or failed. May be called under a shield. */
int sync_run_finish(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                    bool failed, const struct sync_progress *progress) _must_check_;
int sync_run_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                 struct sync_run *ret_run) _must_check_; /* E_NOT_FOUND */
/* The newest runs of a kind, newest first, at most `limit`; arena. */
int sync_run_newest(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                    enum vector_collection kind, int limit, struct sync_run **ret_runs,
                    size_t *ret_count) _must_check_;

/* What GET /api/sync/status shows. */
struct sync_status {
    int64_t last_at[VECTOR_COLLECTION_COUNT];      /* newest sync_logs.synced_at; WALL_NONE */
    int64_t stored_count[VECTOR_COLLECTION_COUNT]; /* rows in Postgres, not deleted */
    bool running[VECTOR_COLLECTION_COUNT];
};
int sync_status(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                struct sync_status *ret_status) _must_check_;

/* "support_tickets", "kb_procedures"; "ticket", "kb_article"; "tickets", "kb". */
const char *vector_collection_name(enum vector_collection c);
const char *vector_collection_item_type(enum vector_collection c);
const char *vector_collection_kind(enum vector_collection c);
int sync_logs_append(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                     const int64_t *item_ids, size_t count) _must_check_;

struct sync_retry {
    int64_t item_id;
    int attempt_count;
    struct str reason;
};
/* Notes a failed item; it is due again after 1, 2, 4 ... 60 minutes by its attempts. */
int sync_retry_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                   int64_t item_id, struct str reason) _must_check_;
/* Those due now, oldest first; arena. They stay until sync_retry_drop. */
int sync_retry_due(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                   int limit, struct sync_retry **ret_items, size_t *ret_count) _must_check_;
int sync_retry_drop(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                    const int64_t *item_ids, size_t count) _must_check_;
