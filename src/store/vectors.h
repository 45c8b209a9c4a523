#pragma once
/*
 * The vector store's one interface; two homes: pgvector (vectors_pg.c) and Qdrant (vectors_qdrant.c).
 * Both give the same answers on the same data. Every call names its tenant; each home adds the tenant filter
 * in exactly one function. Vectors are unit length, 1024 floats; score is cosine similarity, -1..1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/pg.h"
#include "upstream/llm.h"
#include "upstream/qdrant.h"

enum vector_collection { VECTORS_TICKETS, VECTORS_KB, VECTOR_COLLECTION_COUNT };
/* Vectors of a point, by place. tickets: symptom, cause, resolution. kb: intent, procedure. */
enum { VECTOR_SYMPTOM, VECTOR_CAUSE, VECTOR_RESOLUTION };
enum { VECTOR_INTENT, VECTOR_PROCEDURE };
#define VECTORS_PER_POINT_MAX 3

struct vector_tenant {
    int64_t id;
    struct str company; /* "acme": Qdrant's company_id */
};
struct vector_point {
    int64_t item_id;                             /* ticket or article */
    const float *vectors[VECTORS_PER_POINT_MAX]; /* NULL: this one is absent */
    struct str
        payload; /* JSON object: legacy payload of legacy-contracts §2.2; kept by Qdrant only */
    int64_t updated_at;
};
struct vector_search {
    int which; /* place of the vector, see above */
    const float *vector;
    int limit;          /* <= 200 */
    double score_min;   /* -1: all */
    int64_t exclude_id; /* an item that must not be among the hits; 0: none */
};
struct vector_hit {
    int64_t item_id;
    double score;
};
struct vector_hits {
    struct vector_hit *hits; /* best first; ties by item_id; in the flow's arena */
    size_t count;
};

struct vectors;
/* Exactly one of the two. exact_rows_max: see config VECTOR_EXACT_ROWS_MAX. */
struct vectors *vectors_new_pg(struct loop *l, struct pg_pool *pool, size_t exact_rows_max);
struct vectors *vectors_new_qdrant(struct loop *l, struct qdrant *q);
void vectors_free(struct vectors *v);
const char *vectors_home(const struct vectors *v); /* "pgvector" or "qdrant" */

/* Makes collections, indexes, partitions as needed; idempotent; at start, retried by callers. */
int vectors_prepare(struct flow *f, struct vectors *v) _must_check_;
int vectors_upsert(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, const struct vector_point *points, size_t count)
    _must_check_;
int vectors_delete(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, const int64_t *item_ids, size_t count) _must_check_;
/* `count` searches in one round trip; ret_hits has `count` places. */
int vectors_search(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, const struct vector_search *searches, size_t count,
                   struct vector_hits *ret_hits) _must_check_;
int vectors_count(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                  enum vector_collection c, int64_t *ret_count) _must_check_;
/* Builds the index of tenants that have outgrown exact search; run by the server in the background. */
int vectors_maintain(struct flow *f, struct vectors *v) _must_check_;
/* 0, or why not; `ret_note` (arena) names what an operator should know (old pgvector, index building). */
int vectors_health(struct flow *f, struct vectors *v, struct str *ret_note) _must_check_;
