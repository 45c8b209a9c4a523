#pragma once
/* Results for readers: the newest of each (ticket, language, kind) with the version it was made from, and
 * contexts that a later reply refers to. Values are JSON objects; NUL characters in them are dropped. */
#include <stdint.h>

#include "base/json.h"
#include "db/pg.h"

struct result_key {
    int64_t ticket_id;
    struct str language; /* "ko" */
    struct str kind;     /* "summary", "solutions", "init"... */
    struct str version;  /* "" in results_get: any */
};
struct result_value {
    struct str version;
    struct str text;    /* the object's JSON; arena */
    int64_t created_at; /* unix ms */
};
/* E_NOT_FOUND when there is none of this version. */
int results_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct result_key *key,
                struct result_value *ret_value) _must_check_;
int results_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct result_key *key,
                struct str json) _must_check_;
/* Drops all of one ticket. */
int results_drop(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t ticket_id)
    _must_check_;

struct context_value {
    struct str id;
    int64_t ticket_id;
    struct str text; /* the object's JSON; arena */
    int64_t created_at;
};
/* Keeps a context; those older than a day are dropped now and then. The same id replaces. */
int contexts_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str id,
                 int64_t ticket_id, struct str json) _must_check_;
/* By id, or with an empty id the newest of the ticket. E_NOT_FOUND. */
int contexts_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str id,
                 int64_t ticket_id, struct context_value *ret_context) _must_check_;
