#pragma once
/*
 * The run of one day: read its chats, ask for those that have no answer yet, keep each answer as it comes,
 * write the classification back.
 *
 *   source ---questions---> chat_results (pending) ---groups of 5, up to N in flight---> model
 *                                 ^------------------ one transaction a call ---------------'
 *                                 '--- classified ---> source's table of keywords (one transaction)
 *
 * A run that was stopped or killed is simply begun anew: what was answered is not asked again. While the
 * model is away calls are tried again for away_ms; a key that is refused ends the run. Then what is left has
 * failed with that reason, what is classified is written back all the same, and the error is returned.
 */
#include "chats/classify.h"
#include "loop/sink.h"

/* What all days share; borrowed, outlives the run. */
struct batch {
    struct pg_pool *pool;
    int64_t tenant_id;
    struct chat_source *source;
    struct classifier classifier; /* classifier_init was called */
    const char *model;            /* that will be asked, for the record; not NULL */
    size_t call_count_max;        /* in flight, >= 1 */
    size_t chats_per_call;        /* >= 1 */
    size_t page_size;             /* questions read at a time, 1..1000 */
    uint64_t retry_ms;            /* first wait while the model is away; doubles up to 30 s */
    uint64_t away_ms;             /* a call is given up after this */
    int64_t default_category_id;  /* for names the source does not know */
};
struct batch_result {
    int64_t run_id; /* 0: none was begun */
    enum chat_run_state state;
    struct chat_run_sum sum;
    struct chat_cost cost;       /* of this run alone */
    int64_t known_count;         /* questions whose answer was there already */
    struct chat_written written; /* back to the source */
    int64_t started_at, finished_at;
};
/* E_BUSY: the day is being done elsewhere. *ret_result is filled as far as it came, also on an error.
 * Events: batch.stage {day, stage: reading | asking | writing}, batch.progress {day, total, done, classified,
 * failed, calls, prompt_tokens, completion_tokens, cost_krw, rate_per_min, eta_s}; `out` may be NULL. */
int batch_run(struct flow *f, const struct batch *b, struct day day, enum chat_run_kind kind,
              struct sink *out, struct batch_result *ret_result) _must_check_;

struct batch_estimate {
    struct chat_day_size size;
    int64_t call_count, prompt_tokens, completion_tokens;
    double cost_krw; /* 0 when the model's price is not known */
};
/* What a day would cost when none of it is known yet. Asks the source only; writes nothing. */
int batch_estimate(struct flow *f, const struct batch *b, struct day day,
                   struct batch_estimate *ret_estimate) _must_check_;

/* Which categories a run uses. */
struct batch_categories_spec {
    const char
        *from; /* "auto": the source's table where it has rows, else the file; "table"; "file" */
    const char *path;    /* of a file; "": the shipped one */
    struct str excluded; /* ids that are never used, with commas */
    bool own;            /* the source is our own tables: seeded from the file where empty */
    struct pg_pool *pool;
    int64_t tenant_id;
};
/* E_CONFIG: the file or the table cannot be used; else the source's errors. Strings in the flow's arena. */
int batch_categories(struct flow *f, struct chat_source *source,
                     const struct batch_categories_spec *spec, struct taxonomy *ret_taxonomy)
    _must_check_;
