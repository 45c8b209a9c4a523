#pragma once
/* What a home of the vector store offers to vectors.c. For store/ only. Arguments are checked there. */
#include "store/vectors.h"

#define VECTOR_LIMIT_MAX 200
#define VECTOR_SEARCHES_MAX 16
#define VECTOR_POINTS_MAX 500

struct vectors_ops {
    const char *home;
    int (*prepare)(struct flow *f, struct vectors *v);
    int (*upsert)(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                  enum vector_collection c, const struct vector_point *points, size_t count);
    int (*remove)(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                  enum vector_collection c, const int64_t *item_ids, size_t count);
    /* Gives hits in any order, one item perhaps twice; vectors.c puts them in order. */
    int (*search)(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                  enum vector_collection c, const struct vector_search *searches, size_t count,
                  struct vector_hits *ret_hits);
    int (*count)(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                 enum vector_collection c, int64_t *ret_count);
    int (*maintain)(struct flow *f, struct vectors *v);
    int (*health)(struct flow *f, struct vectors *v, struct str *ret_note);
    void (*free)(struct vectors *v);
};
struct vectors {
    const struct vectors_ops *ops;
};

/* Names of a collection's vectors, by place; NULL past the last. */
extern const char *const vector_names[VECTOR_COLLECTION_COUNT][VECTORS_PER_POINT_MAX + 1];
