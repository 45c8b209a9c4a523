#pragma once
/*
 * Runs of the chat batch and their results. A run, from top to bottom:
 *
 *   _cleanup_(chat_run_leave) struct chat_run_hold hold = CHAT_RUN_HOLD_INIT;
 *   chat_run_begin(f, pool, tenant, &spec, &hold);                E_BUSY: the day is being done elsewhere
 *   chat_source_each(.., day, CHATS_ALL, chat_questions_take, &hold);   all pending, or known already
 *   chat_questions_settle(f, &hold);                              what the source no longer has goes
 *   while (chat_questions_pending(f, &hold, after, 500, &items, &n) >= 0 && n > 0)
 *       ... ask; chat_answers_put(f, &hold, answers, n, &cost);   one transaction an answered call
 *   chat_write_back(f, &hold, source, default_id, &rows);
 *   chat_run_finish(f, &hold, CHAT_RUN_DONE, NULL);
 *
 * A text of the day that was classified before by the same model and prompt keeps its answer: paid once.
 * A failed one is pending again in the next run. The hold is a transaction with an advisory lock on a
 * connection of its own: when the process dies the lock is gone, and the next run of the day ends what is
 * still called running as 'stopped'. When the connection breaks (a restart of PostgreSQL) the lock is taken
 * again by the next chat_run_beat; E_BUSY there: somebody else has it now, stop.
 * All calls but chat_run_begin may be repeated after E_DB_AWAY.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/day.h"
#include "db/pg.h"
#include "store/chat_source.h"

enum chat_run_kind { CHAT_RUN_BATCH, CHAT_RUN_MISSING };
enum chat_run_state {
    CHAT_RUN_RUNNING,
    CHAT_RUN_DONE,    /* every question classified */
    CHAT_RUN_PARTIAL, /* some failed */
    CHAT_RUN_FAILED,
    CHAT_RUN_STOPPED /* cancelled, or its process died */
};
const char *chat_run_kind_name(enum chat_run_kind kind);    /* "batch", "missing" */
const char *chat_run_state_name(enum chat_run_state state); /* "running", "done", ... */

struct chat_run_spec {
    struct day day;
    enum chat_run_kind kind;
    struct str source; /* chat_source_label */
    struct str model, prompt_version;
};
struct chat_run_hold {
    struct pg_pool *pool;
    int64_t tenant_id, run_id;
    struct day day;
    enum chat_run_kind kind;
    struct str model, prompt_version; /* borrowed from the spec: they outlive the hold */
    int64_t started_at;
    struct pg_tx lock;
    struct flow *owner; /* that began; it also leaves */
    bool finished;
};
#define CHAT_RUN_HOLD_INIT                                                                         \
    {                                                                                              \
        .lock = PG_TX_INIT                                                                         \
    }
int chat_run_begin(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                   const struct chat_run_spec *spec, struct chat_run_hold *ret_hold) _must_check_;
/* A sign of life, every 30 s or so. One flow at a time. */
int chat_run_beat(struct flow *f, struct chat_run_hold *hold) _must_check_;
/* Counts are taken from the results. `error` may be NULL. May be called under a shield. */
int chat_run_finish(struct flow *f, struct chat_run_hold *hold, enum chat_run_state state,
                    const char *error) _must_check_;
/* Cleanup: lets go of the lock; a run that was not finished becomes 'stopped'. Waits, under a shield. */
void chat_run_leave(struct chat_run_hold *hold);

struct chat_run {
    int64_t run_id;
    struct day day;
    enum chat_run_kind kind;
    enum chat_run_state state;
    struct str source, model, prompt_version, error; /* arena */
    int64_t chat_count, question_count, classified_count, failed_count;
    int64_t call_count, prompt_tokens, completion_tokens;
    double cost_krw;
    int64_t started_at, finished_at, written_at; /* WALL_NONE: not yet */
};
/* The newest runs, newest first, of one day (NULL: of any). Arena. */
int chat_run_newest(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct day *day,
                    int limit, struct chat_run **ret_runs, size_t *ret_count) _must_check_;

/* A chat_questions_fn; `arg` is the hold. Questions new to the day become pending, others get their new
 * counts; an answer of another model or prompt, and a failure, becomes pending again. */
int chat_questions_take(struct flow *f, void *arg, const struct chat_question *questions,
                        size_t count);
struct chat_run_sum {
    int64_t question_count, chat_count; /* seen by this run */
    int64_t classified_questions, classified_chats;
    int64_t failed_questions, failed_chats;
    int64_t pending_questions, pending_chats;
};
/* After the reading: of a batch (not of missing) removes the day's questions that this run has not seen, and
 * notes the run's counts. */
int chat_questions_settle(struct flow *f, struct chat_run_hold *hold, struct chat_run_sum *ret_sum)
    _must_check_;

struct chat_pending {
    uint8_t hash[SHA256_BYTES];
    struct str text; /* UTF-8; NUL and bad bytes are U+FFFD. Arena */
    int64_t count;
    bool cut;
};
/* The run's pending questions after `after` (NULL: from the start), by hash, at most `limit` (<= 1,000), and
 * of at most 1 MiB of text together, but always one. */
int chat_questions_pending(struct flow *f, struct chat_run_hold *hold, const uint8_t *after,
                           int limit, struct chat_pending **ret_items, size_t *ret_count)
    _must_check_;

struct chat_answer {
    uint8_t hash[SHA256_BYTES];
    bool failed;
    int64_t category_id; /* the question's main one; 0 is null */
    struct str keywords; /* JSON: [{"keyword": "", "categories": ["name", ...]}, ...] */
    double confidence;   /* 0..1; < 0 is null */
    struct str quote;    /* empty is null */
    struct str reason;   /* empty is null; not when failed */
    int attempt_count;
    struct str model; /* empty: the run's */
};
struct chat_cost {
    int64_t call_count, prompt_tokens, completion_tokens;
    double cost_krw;
};
/* One transaction: what a call answered and what it cost. `count` may be 0 (a call that gave nothing). */
int chat_answers_put(struct flow *f, struct chat_run_hold *hold, const struct chat_answer *answers,
                     size_t count, const struct chat_cost *cost) _must_check_;

int chat_run_sum(struct flow *f, struct chat_run_hold *hold, struct chat_run_sum *ret_sum)
    _must_check_;

/* Writes the classified questions that the run saw back to the source (chat_source_write): a row per keyword
 * and category. A category's name that the source does not have becomes `default_category_id`. Marks the
 * run as written. */
int chat_write_back(struct flow *f, struct chat_run_hold *hold, struct chat_source *s,
                    int64_t default_category_id, struct chat_written *ret_written) _must_check_;

/* Fills the own table of categories where it is empty. */
int chat_categories_seed(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                         const struct chat_category *categories, size_t count) _must_check_;
