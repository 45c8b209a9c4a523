/*
 * From texts to vectors, for tickets and articles alike.
 *
 *   texts -> store (full text) -> hashes -> cache --missing--> model (in chunks, in parallel) -> cache
 *         -> vectors of items whose texts all have one -> marked and logged in one statement
 *
 * The happy path embeds only texts that no item had before. Fails per item where the model refuses a text;
 * a wrong key, a database or a vector store that stays away end the run, and what was not marked is due again.
 * Invariant: an item is marked only after its vectors are written, so a kill anywhere repeats work and loses none.
 */
#include "sync/run.h"

#include "base/log.h"
#include "store/articles.h"
#include "store/embedding_cache.h"
#include "store/tickets.h"
#include "upstream/llm.h"

enum { CHUNK_COUNT_MAX = 16, PUT_MS = 3000 };

/* Every distinct text of a batch once, and where it is used. */
struct table {
    struct str *texts;
    struct embedding *embeddings; /* their vectors are parts of `floats` */
    float *floats;
    int *statuses;
    struct str *reasons;
    bool *made; /* by the model, just now */
    size_t count;
    size_t
        *places; /* of item i, text k: places[i * VECTORS_PER_POINT_MAX + k]; SIZE_MAX: no text */
};

static size_t table_find(const struct table *t, const uint8_t hash[SHA256_BYTES])
{
    for (size_t i = 0; i < t->count; i++) {
        if (memcmp(t->embeddings[i].hash, hash, SHA256_BYTES) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void table_fill(struct arena *a, struct table *t, const struct work *items, size_t count)
{
    size_t room = count * VECTORS_PER_POINT_MAX;
    t->texts = ARENA_ARRAY(a, room, struct str);
    t->embeddings = ARENA_ARRAY(a, room, struct embedding);
    t->statuses = ARENA_ARRAY(a, room, int);
    t->reasons = ARENA_ARRAY(a, room, struct str);
    t->made = ARENA_ARRAY(a, room, bool);
    t->places = ARENA_ARRAY(a, room, size_t);
    for (size_t n = 0; n < room; n++) {
        struct str text = items[n / VECTORS_PER_POINT_MAX].texts.texts[n % VECTORS_PER_POINT_MAX];
        t->places[n] = SIZE_MAX;
        if (str_trim(text).len == 0)
            continue;
        uint8_t hash[SHA256_BYTES];
        sha256(text, hash);
        size_t at = table_find(t, hash);
        if (at == SIZE_MAX) {
            at = t->count++;
            t->texts[at] = text;
            memcpy(t->embeddings[at].hash, hash, SHA256_BYTES);
        }
        t->places[n] = at;
    }
    t->floats = ARENA_ARRAY(a, MAX(t->count, 1) * EMBED_DIMENSIONS, float);
    for (size_t i = 0; i < t->count; i++)
        t->embeddings[i].vector = t->floats + i * EMBED_DIMENSIONS;
}

/* ---- the model ---- */

struct chunk {
    struct run *run;
    struct arena *arena; /* for reasons: outlives the chunk's flow */
    struct str texts[CHUNK_COUNT_MAX];
    size_t places[CHUNK_COUNT_MAX];
    size_t count;
    struct table *table;
    float *vectors; /* of the chunk, in a row */
};

static int chunk_part(struct flow *f, struct chunk *c, size_t from, size_t count)
{
    return PATIENT(f, embed_texts(f, c->run->sync->deps.embedder, PRIORITY_BULK, c->texts + from,
                                  count, c->vectors + from * EMBED_DIMENSIONS));
}

static void chunk_keep(struct chunk *c, size_t i)
{
    memcpy(c->table->embeddings[c->places[i]].vector, c->vectors + i * EMBED_DIMENSIONS,
           EMBED_DIMENSIONS * sizeof(float));
    c->table->made[c->places[i]] = true;
    c->run->embedded_count++;
}

/* All at once; when that fails one by one, so that a bad text fails alone. */
static int chunk_run(struct flow *f, void *arg)
{
    struct chunk *c = arg;
    c->vectors = ARENA_ARRAY(&f->arena, c->count * EMBED_DIMENSIONS, float);
    int r = chunk_part(f, c, 0, c->count);
    for (size_t i = 0; i < c->count; i++) {
        int one = r;
        if (r < 0 && !run_is_fatal(r) && c->count > 1)
            one = chunk_part(f, c, i, 1);
        if (one >= 0) {
            chunk_keep(c, i);
            continue;
        }
        if (one ==
            E_UPSTREAM_AUTH) /* our own key for the model, not the one of who asked for the run */
            f->err.http = err_http(E_UPSTREAM);
        if (run_is_fatal(one))
            return one;
        c->table->statuses[c->places[i]] = one;
        c->table->reasons[c->places[i]] = arena_str(c->arena, str_from(f->err.msg));
    }
    return 0;
}

/* Asks the model for the texts that the cache did not have. */
static int table_embed(struct flow *f, struct run *run, struct table *t)
{
    int at_once = run->sync->deps.embed_count_max;
    size_t chunk_size = (size_t)MIN(at_once, CHUNK_COUNT_MAX);
    size_t chunks_max = MAX((size_t)at_once / chunk_size, 1);
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (size_t i = 0; i < t->count;) {
        struct chunk *c = ARENA_NEW(&f->arena, struct chunk);
        c->run = run;
        c->arena = &f->arena;
        c->table = t;
        for (; i < t->count && c->count < chunk_size; i++) {
            if (t->embeddings[i].found)
                continue;
            c->texts[c->count] = t->texts[i];
            c->places[c->count++] = i;
        }
        if (c->count == 0)
            break;
        int r = group_room(f, &g, chunks_max);
        if (r < 0)
            return r;
        (void)group_spawn(&g, "sync.embed", chunk_run, c);
    }
    return group_wait(f, &g);
}

/* Puts what the model gave into the cache. */
static int table_put(struct flow *f, struct run *run, const struct table *t)
{
    struct embedding *fresh = ARENA_ARRAY(&f->arena, t->count, struct embedding);
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->made[i])
            fresh[count++] = t->embeddings[i];
    }
    if (count == 0)
        return 0;
    return PATIENT(f, embedding_cache_put(f, run->sync->deps.pool, run->who->tenant_id,
                                          str_from(embedder_model(run->sync->deps.embedder)), fresh,
                                          count));
}

static int table_vectors(struct flow *f, struct run *run, struct table *t)
{
    int r = PATIENT(f, embedding_cache_get(f, run->sync->deps.pool, run->who->tenant_id,
                                           str_from(embedder_model(run->sync->deps.embedder)),
                                           t->embeddings, t->count));
    if (r < 0)
        return r;
    r = table_embed(f, run, t);
    if (r >= 0)
        return table_put(f, run, t);
    struct err err = f->err; /* what was paid for is kept, although the rest failed */
    _cleanup_(shield_done) struct shield s = flow_shield(f, PUT_MS);
    if (table_put(f, run, t) < 0)
        log_debug("sync.cache", "run=%s why=\"%s\"", run->id, f->err.msg);
    f->err = err;
    return r;
}

/* ---- the batch ---- */

/* The item's own status, and its point; false when it has no vector at all. */
static bool point_fill(const struct table *t, struct work *w, size_t i,
                       struct vector_point *ret_point)
{
    bool any = false;
    *ret_point = (struct vector_point){
        .item_id = w->result.id, .payload = w->payload, .updated_at = w->updated_at};
    for (size_t k = 0; k < VECTORS_PER_POINT_MAX; k++) {
        size_t at = t->places[i * VECTORS_PER_POINT_MAX + k];
        if (at == SIZE_MAX)
            continue;
        if (t->statuses[at] < 0) {
            w->status = t->statuses[at];
            w->reason = t->reasons[at];
            return false;
        }
        ret_point->vectors[k] = t->embeddings[at].vector;
        any = true;
    }
    return any;
}

static int write_vectors(struct flow *f, struct run *run, const struct table *t, struct work *items,
                         size_t count)
{
    struct vectors *v = run->sync->deps.vectors;
    struct vector_point *points = ARENA_ARRAY(&f->arena, count, struct vector_point);
    int64_t *bare = ARENA_ARRAY(&f->arena, count, int64_t);
    size_t point_count = 0, bare_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (point_fill(t, &items[i], i, &points[point_count]))
            point_count++;
        else if (items[i].status >= 0)
            bare[bare_count++] = items[i].result.id;
    }
    int r = 0;
    if (point_count > 0)
        r = PATIENT(f, vectors_upsert(f, v, &run->tenant, run->collection, points, point_count));
    if (r >= 0 && bare_count > 0)
        r = PATIENT(f, vectors_delete(f, v, &run->tenant, run->collection, bare, bare_count));
    return r;
}

static int mark(struct flow *f, struct run *run, const struct work *items, size_t count)
{
    struct pg_pool *pool = run->sync->deps.pool;
    int64_t tenant_id = run->who->tenant_id;
    struct item_result *good = ARENA_ARRAY(&f->arena, count, struct item_result);
    int64_t *ids = ARENA_ARRAY(&f->arena, count, int64_t);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].status < 0)
            continue;
        ids[n] = items[i].result.id;
        good[n++] = items[i].result;
    }
    if (n == 0)
        return 0;
    int r = run->collection == VECTORS_KB
                ? PATIENT(f, articles_mark_synced(f, pool, tenant_id, good, n))
                : PATIENT(f, tickets_mark_synced(f, pool, tenant_id, good, n));
    return r < 0 ? r : PATIENT(f, sync_retry_drop(f, pool, tenant_id, run->collection, ids, n));
}

static int write_batch(struct flow *f, struct run *run, struct work *items, size_t count)
{
    struct item_texts *texts = ARENA_ARRAY(&f->arena, count, struct item_texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = items[i].texts;
    int r = PATIENT(f, texts_upsert(f, run->sync->deps.pool, run->who->tenant_id, run->collection,
                                    texts, count));
    if (r < 0)
        return r;
    struct table t = {.texts = NULL};
    table_fill(&f->arena, &t, items, count);
    if (t.count > 0)
        r = table_vectors(f, run, &t);
    if (r >= 0)
        r = write_vectors(f, run, &t, items, count);
    return r < 0 ? r : mark(f, run, items, count);
}

int items_write(struct flow *f, struct run *run, struct work *items, size_t count,
                int64_t *ret_embedded)
{
    int64_t before = run->embedded_count;
    int r = count > 0 ? write_batch(f, run, items, count) : 0;
    if (r == E_DB && count > 1) { /* one that the database refuses must not hold up the others */
        for (size_t i = 0; i < count; i++) {
            r = write_batch(f, run, &items[i], 1);
            if (r < 0 && r != E_DB)
                return r;
            if (r < 0) {
                items[i].status = r;
                items[i].reason = arena_str(&f->arena, str_from(f->err.msg));
            }
        }
        r = 0;
    }
    *ret_embedded = run->embedded_count - before;
    return r;
}
