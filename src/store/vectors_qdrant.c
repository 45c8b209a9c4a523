/*
 * The vector store in Qdrant (1.16 and later), for those who run one.
 *
 * Collections are made when missing: named vectors, no global graph but one a tenant (m 0, payload_m 16), a
 * tenant index on company_id made before the first point. Collections of the old systems are kept and
 * extended: their points have the plain number as id, ours UUIDs of (company, kind, number); both carry
 * the number in their payload, which is what hits are read from, and deletes name both ids.
 * Old points that have no company_id are never found: they belong to nobody until synced again.
 *
 * Searches of one call go as one batch. Upserts are cut into 100 points (about 4 MB) and wait until they
 * are visible. Fails with E_VECTORS_AWAY when Qdrant is away or slow, E_CONFIG when a collection does not fit.
 */
#include "base/mem.h"
#include "store/sync_runs.h"
#include "store/vectors_home.h"
#include "store/vectors_json.h"

#define POINTS_PER_CALL 100
#define BODY_BYTES_MAX (30u << 20) /* Qdrant's default cap is 32 MiB */
#define WRITE_S 30
#define READ_S 5
#define MARGIN_MS 2000 /* our own limit lies this much past the server's */
#define HNSW_EF 128

struct qdrant_home {
    struct vectors v;
    struct qdrant *q;
    bool no_params; /* learned: a strict mode refuses our search parameters */
};

static struct qdrant *client(struct vectors *v)
{
    return container_of(v, struct qdrant_home, v)->q;
}

static struct str path(struct flow *f, enum vector_collection c, const char *rest)
{
    return arena_printf(&f->arena, "/collections/%s%s", vector_collection_name(c), rest);
}

/* ---- collections ---- */

static void collection_body(struct buf *out, enum vector_collection c)
{
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_obj(&w, "vectors");
    for (size_t i = 0; vector_names[c][i] != NULL; i++) {
        jw_obj(&w, vector_names[c][i]);
        jw_i64(&w, "size", EMBED_DIMENSIONS);
        jw_text(&w, "distance", "Cosine");
        jw_bool(&w, "on_disk", true);
        jw_end_obj(&w);
    }
    jw_end_obj(&w);
    jw_obj(&w, "hnsw_config");
    jw_i64(&w, "m", 0);
    jw_i64(&w, "payload_m", 16);
    jw_i64(&w, "ef_construct", 100);
    jw_end_obj(&w);
    jw_bool(&w, "on_disk_payload", true);
    jw_end_obj(&w);
}

/* A collection that is there already must have our vectors, or get them (from 1.18 on). */
static int collection_check(struct flow *f, struct qdrant *q, enum vector_collection c,
                            struct json info, int minor)
{
    struct json vectors = json_path(info, "config.params.vectors");
    for (size_t i = 0; vector_names[c][i] != NULL; i++) {
        const char *name = vector_names[c][i];
        struct json vector = json_get(vectors, name);
        if (json_exists(vector)) {
            int64_t size = json_i64(json_get(vector, "size"), 0);
            struct str distance = json_str(json_get(vector, "distance"));
            if (size != EMBED_DIMENSIONS || !str_eq_nocase(distance, STR("Cosine")))
                return err_set(&f->err, E_CONFIG,
                               "Qdrant's %s has %s of %lld dimensions (%.*s), want %d by cosine",
                               vector_collection_name(c), name, (long long)size, STR_ARG(distance),
                               EMBED_DIMENSIONS);
            continue;
        }
        if (minor < 18)
            return err_set(&f->err, E_CONFIG,
                           "Qdrant's %s has no vector %s, and versions before 1.18 cannot add one",
                           vector_collection_name(c), name);
        struct str rest = arena_printf(&f->arena, "/vectors/%s", name);
        struct str body = arena_printf(
            &f->arena, "{\"dense\":{\"size\":%d,\"distance\":\"Cosine\"}}", EMBED_DIMENSIONS);
        struct json done;
        int r = qdrant_call(f, q, PRIORITY_LIVE, "PUT", path(f, c, rest.ptr), body,
                            WRITE_S * 1000 + MARGIN_MS, &done);
        if (r < 0)
            return err_wrap(&f->err, r, "vector %s", name);
    }
    return 0;
}

static int collection_prepare(struct flow *f, struct qdrant *q, enum vector_collection c, int minor)
{
    struct json info;
    int r = qdrant_call(f, q, PRIORITY_LIVE, "GET", path(f, c, ""), STR_NONE,
                        READ_S * 1000 + MARGIN_MS, &info);
    if (r == E_NOT_FOUND) {
        struct buf *body = arena_buf(&f->arena, 0);
        collection_body(body, c);
        r = qdrant_call(f, q, PRIORITY_LIVE, "PUT", path(f, c, "?timeout=30"), buf_view(body),
                        WRITE_S * 1000 + MARGIN_MS, &info);
        if (r == E_BUSY) /* made by another process in between */
            r = 0;
    } else if (r >= 0) {
        r = collection_check(f, q, c, info, minor);
        if (r >= 0 && json_exists(json_path(info, "payload_schema.company_id")))
            return 0;
    }
    if (r < 0)
        return r;
    return qdrant_call(f, q, PRIORITY_LIVE, "PUT", path(f, c, "/index?wait=true&timeout=30"),
                       STR("{\"field_name\":\"company_id\",\"field_schema\":"
                           "{\"type\":\"keyword\",\"is_tenant\":true}}"),
                       WRITE_S * 1000 + MARGIN_MS, &info);
}

static int q_prepare(struct flow *f, struct vectors *v)
{
    int major, minor;
    int r = qdrant_version(f, client(v), &major, &minor);
    for (int c = 0; r >= 0 && c < VECTOR_COLLECTION_COUNT; c++) {
        r = collection_prepare(f, client(v), (enum vector_collection)c, major > 1 ? 99 : minor);
        if (r < 0)
            r = err_wrap(&f->err, r, "collection %s", vector_collection_name(c));
    }
    return r < 0 ? r : 0;
}

/* ---- writing ---- */

struct write_work {
    struct buf body;
    const struct vector_tenant *tenant;
    enum vector_collection collection;
    const struct vector_point *points;
    size_t count;
    struct err err;
};

static int on_write(void *arg) /* on a pool thread */
{
    struct write_work *w = arg;
    return vectors_json_points(&w->body, w->tenant, w->collection, w->points, w->count, &w->err);
}

static int points_put(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                      enum vector_collection c, const struct vector_point *points, size_t count)
{
    struct write_work w = {
        .body = BUF_INIT(BODY_BYTES_MAX),
        .tenant = t,
        .collection = c,
        .points = points,
        .count = count,
    };
    int r = work_run(f, on_write, &w);
    if (r < 0 && w.err.code != 0)
        f->err = w.err;
    if (r >= 0) {
        struct json done;
        r = qdrant_call(f, client(v), PRIORITY_BULK, "PUT",
                        path(f, c, "/points?wait=true&timeout=30"), buf_view(&w.body),
                        WRITE_S * 1000 + MARGIN_MS, &done);
    }
    buf_done(&w.body);
    return r < 0 ? r : 0;
}

static int q_upsert(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                    enum vector_collection c, const struct vector_point *points, size_t count)
{
    size_t most = POINTS_PER_CALL;
    for (size_t at = 0; at < count;) {
        size_t n = MIN(count - at, most);
        int r = points_put(f, v, t, c, points + at, n);
        if (r == E_LIMIT &&
            n > 1) { /* more than its write limit can ever hold: in smaller pieces */
            most = n / 2;
            continue;
        }
        if (r < 0)
            return r;
        at += n;
    }
    return 0;
}

static int q_remove(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                    enum vector_collection c, const int64_t *item_ids, size_t count)
{
    struct buf *body = arena_buf(&f->arena, BODY_BYTES_MAX);
    struct jw w = JW_INIT(body);
    jw_obj(&w, NULL);
    int r = vectors_json_filter(&w, t, c, IDS_ONLY, item_ids, count, &f->err);
    if (r < 0)
        return r;
    jw_end_obj(&w);
    struct json done;
    return qdrant_call(f, client(v), PRIORITY_BULK, "POST",
                       path(f, c, "/points/delete?wait=true&timeout=30"), buf_view(body),
                       WRITE_S * 1000 + MARGIN_MS, &done);
}

/* ---- reading ---- */

static int search_body(struct flow *f, struct buf *body, const struct vector_tenant *t,
                       enum vector_collection c, const struct vector_search *searches, size_t count,
                       bool with_params)
{
    struct jw w = JW_INIT(body);
    _cleanup_(buf_done) struct buf numbers = BUF_INIT(0);
    jw_obj(&w, NULL);
    jw_arr(&w, "searches");
    for (size_t i = 0; i < count; i++) {
        const struct vector_search *s = &searches[i];
        jw_obj(&w, NULL);
        buf_clear(&numbers);
        vectors_json_floats(&numbers, s->vector, EMBED_DIMENSIONS);
        jw_raw(&w, "query", buf_view(&numbers));
        jw_text(&w, "using", vector_names[c][s->which]);
        jw_i64(&w, "limit", s->limit);
        int r = vectors_json_filter(&w, t, c, s->exclude_id ? IDS_BUT : IDS_ANY, &s->exclude_id,
                                    s->exclude_id ? 1 : 0, &f->err);
        if (r < 0)
            return r;
        if (with_params) {
            jw_obj(&w, "params");
            jw_i64(&w, "hnsw_ef", MAX(HNSW_EF, 2 * s->limit));
            jw_end_obj(&w);
        }
        jw_arr(&w, "with_payload");
        jw_text(&w, NULL, vectors_json_item_field(c));
        jw_end_arr(&w);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_end_obj(&w);
    return 0;
}

/* The number in the payload: text in points of every generation, a number in some. */
static bool item_id_read(struct json payload, enum vector_collection c, int64_t *ret_id)
{
    struct json v = json_get(payload, vectors_json_item_field(c));
    if (json_is_str(v))
        return str_to_i64(json_str(v), ret_id);
    *ret_id = json_i64(v, 0);
    return *ret_id > 0;
}

static int query(struct flow *f, struct qdrant_home *h, const struct vector_tenant *t,
                 enum vector_collection c, const struct vector_search *searches, size_t count,
                 bool with_params, struct json *ret_answers)
{
    struct buf *body = arena_buf(&f->arena, 0);
    int r = search_body(f, body, t, c, searches, count, with_params);
    if (r < 0)
        return r;
    return qdrant_call(f, h->q, PRIORITY_LIVE, "POST", path(f, c, "/points/query/batch?timeout=5"),
                       buf_view(body), READ_S * 1000 + MARGIN_MS, ret_answers);
}

static int q_search(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                    enum vector_collection c, const struct vector_search *searches, size_t count,
                    struct vector_hits *ret_hits)
{
    struct qdrant_home *h = container_of(v, struct qdrant_home, v);
    struct json answers = JSON_NONE;
    bool with_params = !h->no_params;
    int r = query(f, h, t, c, searches, count, with_params, &answers);
    if (r == E_UPSTREAM_INPUT && with_params) { /* a managed cluster's strict mode caps hnsw_ef */
        r = query(f, h, t, c, searches, count, false, &answers);
        h->no_params |= r >= 0;
    }
    if (r < 0)
        return r;
    if (json_count(answers) != count)
        return err_set(&f->err, E_PROTOCOL, "qdrant: %zu answers to %zu searches",
                       json_count(answers), count);
    for (struct json_iter answer = json_iter(answers); json_next(&answer);) {
        struct json points = json_get(answer.value, "points");
        struct vector_hits *hits = &ret_hits[answer.index];
        hits->hits = ARENA_ARRAY(&f->arena, json_count(points), struct vector_hit);
        for (struct json_iter it = json_iter(points); json_next(&it);) {
            struct vector_hit hit = {.score = json_f64(json_get(it.value, "score"), -1)};
            if (item_id_read(json_get(it.value, "payload"), c, &hit.item_id))
                hits->hits[hits->count++] = hit;
        }
    }
    return 0;
}

static int q_count(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                   enum vector_collection c, int64_t *ret_count)
{
    struct buf *body = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(body);
    jw_obj(&w, NULL);
    int r = vectors_json_filter(&w, t, c, IDS_ANY, NULL, 0, &f->err);
    if (r < 0)
        return r;
    jw_bool(&w, "exact", true);
    jw_end_obj(&w);
    struct json answer;
    r = qdrant_call(f, client(v), PRIORITY_LIVE, "POST", path(f, c, "/points/count?timeout=5"),
                    buf_view(body), READ_S * 1000 + MARGIN_MS, &answer);
    if (r < 0)
        return r;
    *ret_count = json_i64(json_get(answer, "count"), 0);
    return 0;
}

/* Qdrant builds its indexes by itself. */
static int q_maintain(struct flow *f, struct vectors *v)
{
    (void)v;
    return flow_check(f);
}

static int q_health(struct flow *f, struct vectors *v, struct str *ret_note)
{
    struct json info;
    int r = qdrant_call(f, client(v), PRIORITY_LIVE, "GET", path(f, VECTORS_TICKETS, ""), STR_NONE,
                        READ_S * 1000, &info);
    if (r == E_NOT_FOUND) {
        *ret_note = STR("collections are not made yet");
        return 0;
    }
    if (r < 0)
        return r;
    struct str status = json_str(json_get(info, "status"));
    if (status.len > 0 && !str_eq(status, STR("green")))
        *ret_note = arena_printf(&f->arena, "qdrant: %s is %.*s",
                                 vector_collection_name(VECTORS_TICKETS), STR_ARG(status));
    return 0;
}

static void q_free(struct vectors *v)
{
    mem_free(container_of(v, struct qdrant_home, v));
}

static const struct vectors_ops qdrant_ops = {
    .home = "qdrant",
    .prepare = q_prepare,
    .upsert = q_upsert,
    .remove = q_remove,
    .search = q_search,
    .count = q_count,
    .maintain = q_maintain,
    .health = q_health,
    .free = q_free,
};

struct vectors *vectors_new_qdrant(struct loop *l, struct qdrant *q)
{
    (void)l;
    struct qdrant_home *h = mem_alloc(sizeof(*h));
    h->v.ops = &qdrant_ops;
    h->q = q;
    return &h->v;
}
