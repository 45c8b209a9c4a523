/*
 * The vector store's front: checks what callers give, asks the home, and puts hits into the one order that both
 * homes share: best score first, ties by item id, each item once, none below score_min.
 */
#include <math.h>
#include <stdlib.h>

#include "store/vectors_home.h"

const char *const vector_names[VECTOR_COLLECTION_COUNT][VECTORS_PER_POINT_MAX + 1] = {
    [VECTORS_TICKETS] = {"symptom_vec", "cause_vec", "resolution_vec", NULL},
    [VECTORS_KB] = {"intent_vec", "procedure_vec", NULL},
};

void vectors_free(struct vectors *v)
{
    if (v != NULL)
        v->ops->free(v);
}

const char *vectors_home(const struct vectors *v)
{
    return v->ops->home;
}

int vectors_prepare(struct flow *f, struct vectors *v)
{
    return v->ops->prepare(f, v);
}

/* A vector that no home could answer for: not of unit length, or not of numbers. */
static bool vector_is_good(const float *vector)
{
    double sum = 0;
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        sum += (double)vector[i] * (double)vector[i];
    return isfinite(sum) && sum > 0.9 && sum < 1.1;
}

static int tenant_check(struct flow *f, const struct vector_tenant *t)
{
    if (t->id <= 0 || t->company.len == 0)
        return err_set(&f->err, E_INPUT, "vectors: a call without a tenant");
    return 0;
}

int vectors_upsert(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, const struct vector_point *points, size_t count)
{
    int r = tenant_check(f, t);
    if (r < 0 || count == 0)
        return r;
    if (count > VECTOR_POINTS_MAX)
        return err_set(&f->err, E_LIMIT, "vectors: %zu points in one batch", count);
    for (size_t i = 0; i < count; i++) {
        if (points[i].item_id <= 0)
            return err_set(&f->err, E_INPUT, "vectors: point %zu has no id", i);
        for (size_t k = 0; k < VECTORS_PER_POINT_MAX; k++) {
            const float *vector = points[i].vectors[k];
            if (vector == NULL)
                continue;
            if (k == 2 && c == VECTORS_KB)
                return err_set(&f->err, E_INPUT, "vectors: an article has two vectors");
            if (!vector_is_good(vector))
                return err_set(&f->err, E_INPUT, "vectors: %s of %lld is not of unit length",
                               vector_names[c][k], (long long)points[i].item_id);
        }
    }
    return v->ops->upsert(f, v, t, c, points, count);
}

int vectors_delete(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, const int64_t *item_ids, size_t count)
{
    int r = tenant_check(f, t);
    if (r < 0 || count == 0)
        return r;
    return v->ops->remove(f, v, t, c, item_ids, count);
}

static int by_score(const void *a, const void *b)
{
    const struct vector_hit *left = a, *right = b;
    if (left->score != right->score)
        return left->score > right->score ? -1 : 1;
    return left->item_id < right->item_id ? -1 : left->item_id > right->item_id;
}

static void hits_order(const struct vector_search *s, struct vector_hits *h)
{
    if (h->count == 0)
        return;
    qsort(h->hits, h->count, sizeof(*h->hits), by_score);
    size_t kept = 0;
    for (size_t i = 0; i < h->count && kept < (size_t)s->limit; i++) {
        const struct vector_hit hit = h->hits[i];
        if (hit.score < s->score_min || (s->exclude_id != 0 && hit.item_id == s->exclude_id))
            continue;
        size_t k = 0;
        while (k < kept && h->hits[k].item_id != hit.item_id)
            k++;
        if (k == kept)
            h->hits[kept++] = hit;
    }
    h->count = kept;
}

int vectors_search(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, const struct vector_search *searches, size_t count,
                   struct vector_hits *ret_hits)
{
    int r = tenant_check(f, t);
    if (r < 0)
        return r;
    if (count > VECTOR_SEARCHES_MAX)
        return err_set(&f->err, E_LIMIT, "vectors: %zu searches at once", count);
    for (size_t i = 0; i < count; i++) {
        ret_hits[i] = (struct vector_hits){NULL, 0};
        int names = c == VECTORS_TICKETS ? 3 : 2;
        if (searches[i].which < 0 || searches[i].which >= names)
            return err_set(&f->err, E_INPUT, "vectors: there is no vector %d", searches[i].which);
        if (searches[i].limit < 1 || searches[i].limit > VECTOR_LIMIT_MAX)
            return err_set(&f->err, E_INPUT, "vectors: limit %d is not 1 to %d", searches[i].limit,
                           VECTOR_LIMIT_MAX);
        if (!vector_is_good(searches[i].vector))
            return err_set(&f->err, E_INPUT, "vectors: the query is not of unit length");
    }
    if (count == 0)
        return 0;
    r = v->ops->search(f, v, t, c, searches, count, ret_hits);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        hits_order(&searches[i], &ret_hits[i]);
    return 0;
}

int vectors_count(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                  enum vector_collection c, int64_t *ret_count)
{
    int r = tenant_check(f, t);
    if (r < 0)
        return r;
    return v->ops->count(f, v, t, c, ret_count);
}

int vectors_maintain(struct flow *f, struct vectors *v)
{
    return v->ops->maintain(f, v);
}

int vectors_health(struct flow *f, struct vectors *v, struct str *ret_note)
{
    *ret_note = STR_NONE;
    return v->ops->health(f, v, ret_note);
}
