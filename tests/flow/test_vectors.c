/*
 * One suite, both homes of the vector store: the same rows must give the same answers. pgvector needs
 * TEST_DATABASE_URL, Qdrant (the real engine) TEST_QDRANT_URL; a home that is not there is skipped.
 *
 * 2,000 tickets of tenant 1 and 300 of tenant 2 with the same numbers but other vectors; 40 families, so that
 * there are near and far ones. What must come is computed here, by hand and in floats.
 */
#include "flow/store_test.h"

#include <math.h>

#include "base/rng.h"
#include "net/web.h"
#include "store/vectors.h"

#define POINT_COUNT 2000
#define TORTURED_COUNT 250 /* points in each of torture's many rounds */
#define OTHER_COUNT 300
#define FAMILY_COUNT 40
#define NEAR 0.002 /* scores this close may come in either order: pgvector keeps half floats */

static float points[POINT_COUNT][3][EMBED_DIMENSIONS];
static size_t point_count = POINT_COUNT;
static float others[OTHER_COUNT][EMBED_DIMENSIONS];
static const struct vector_tenant acme = {1, STR("acme")}, globex = {2, STR("globex")};

static void unit(float *v)
{
    double sum = 0;
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        sum += (double)v[i] * (double)v[i];
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        v[i] = (float)((double)v[i] / sqrt(sum));
}

static void fill(struct rng *rng, float *v, uint64_t family)
{
    struct rng centre = {family * 977 + 5};
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        v[i] = (float)(rng_unit(&centre) - 0.5 + (rng_unit(rng) - 0.5) * 1.2);
    unit(v);
}

static void points_make(void)
{
    struct rng rng = {11};
    for (size_t i = 0; i < POINT_COUNT; i++) {
        for (uint64_t k = 0; k < 3; k++)
            fill(&rng, points[i][k], i % FAMILY_COUNT + 100 * k);
    }
    for (size_t i = 0; i < OTHER_COUNT; i++)
        fill(&rng, others[i], i % FAMILY_COUNT);
}

/* Every seventh has no cause, every fifth no resolution. */
static bool is_there(size_t i, int which)
{
    return which == 0 || (which == 1 ? i % 7 != 0 : i % 5 != 0);
}

static double cosine(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static int by_score(const void *a, const void *b)
{
    const struct vector_hit *l = a, *r = b;
    return l->score != r->score ? (l->score > r->score ? -1 : 1)
                                : (l->item_id > r->item_id) - (l->item_id < r->item_id);
}

static struct vector_hit wanted[POINT_COUNT];

/* The right answer in `wanted`; returns how many. */
static size_t want(const struct vector_search *s)
{
    size_t n = 0;
    for (size_t i = 0; i < point_count; i++) {
        double score = cosine(points[i][s->which], s->vector);
        if (is_there(i, s->which) && (int64_t)i + 1 != s->exclude_id && score >= s->score_min)
            wanted[n++] = (struct vector_hit){(int64_t)i + 1, score};
    }
    qsort(wanted, n, sizeof(*wanted), by_score);
    return MIN(n, (size_t)s->limit);
}

/* Same ids in the same order, near ties apart; every score right. */
static bool same(const struct vector_search *s, const struct vector_hits *got)
{
    size_t n = want(s);
    /* At the threshold a score may fall to either side. */
    if (got->count != n && (s->score_min <= -1 || got->count + 2 < n || got->count > n + 2))
        return false;
    for (size_t i = 0; i < got->count && i < n; i++) {
        size_t id = (size_t)got->hits[i].item_id;
        if (id < 1 || id > point_count || fabs(got->hits[i].score - wanted[i].score) > NEAR ||
            fabs(got->hits[i].score - cosine(points[id - 1][s->which], s->vector)) > NEAR)
            return false;
        if (i > 0 && by_score(&got->hits[i - 1], &got->hits[i]) >= 0)
            return false;
    }
    return true;
}

static int upsert_all(struct flow *f, struct vectors *v)
{
    struct vector_point batch[250];
    for (size_t at = 0; at < point_count; at += ARRAY_COUNT(batch)) {
        for (size_t i = 0; i < ARRAY_COUNT(batch); i++) {
            batch[i] = (struct vector_point){.item_id = (int64_t)(at + i) + 1,
                                             .updated_at = 1700000000000,
                                             .payload = STR("{\"subject\":\"환불\"}")};
            for (int k = 0; k < 3; k++)
                batch[i].vectors[k] = is_there(at + i, k) ? points[at + i][k] : NULL;
        }
        FLOW_OK(f, vectors_upsert(f, v, &acme, VECTORS_TICKETS, batch, ARRAY_COUNT(batch)));
    }
    for (size_t i = 0; i < OTHER_COUNT; i++) {
        struct vector_point p = {.item_id = (int64_t)i + 1, .vectors = {others[i]}};
        batch[i % 100] = p;
        if (i % 100 == 99)
            FLOW_OK(f, vectors_upsert(f, v, &globex, VECTORS_TICKETS, batch, 100));
    }
    return 0;
}

static int searches_check(struct flow *f, struct vectors *v)
{
    for (size_t q = 0; q < point_count; q += 97) {
        const struct vector_search s[] = {
            {0, points[q][0], 10, -1, (int64_t)q + 1},
            {1, points[q][1], 25, -1, 0},
            {2, points[q][2], 200, 0.4, (int64_t)q + 1},
            {0, points[q][2], 7, -1, 0},
        };
        struct vector_hits hits[ARRAY_COUNT(s)];
        FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_TICKETS, s, ARRAY_COUNT(s), hits));
        for (size_t i = 0; i < ARRAY_COUNT(s); i++)
            FLOW_CHECK(same(&s[i], &hits[i]));
    }
    return 0;
}

static int tenants_check(struct flow *f, struct vectors *v)
{
    int64_t count;
    FLOW_OK(f, vectors_count(f, v, &acme, VECTORS_TICKETS, &count));
    FLOW_CHECK(count == (int64_t)point_count);
    FLOW_OK(f, vectors_count(f, v, &globex, VECTORS_TICKETS, &count));
    FLOW_CHECK(count == OTHER_COUNT);
    FLOW_OK(f, vectors_count(f, v, &globex, VECTORS_KB, &count));
    FLOW_CHECK(count == 0);
    /* A tenant sees its own points only, even when another's fits better. */
    struct vector_hits hits;
    const struct vector_search s = {0, points[5][0], 200, -1, 0};
    FLOW_OK(f, vectors_search(f, v, &globex, VECTORS_TICKETS, &s, 1, &hits));
    FLOW_CHECK(hits.count == 200);
    for (size_t i = 0; i < hits.count; i++) {
        FLOW_CHECK(hits.hits[i].item_id <= OTHER_COUNT);
        FLOW_CHECK(hits.hits[i].score < 0.9);
    }
    const struct vector_tenant stranger = {99, STR("stranger")}, nobody = {1, STR_NONE},
                               unnumbered = {0, STR("acme")};
    FLOW_OK(f, vectors_search(f, v, &stranger, VECTORS_TICKETS, &s, 1, &hits));
    FLOW_CHECK(hits.count == 0);
    FLOW_EXPECT(f, vectors_search(f, v, &nobody, VECTORS_TICKETS, &s, 1, &hits), E_INPUT);
    FLOW_EXPECT(f, vectors_search(f, v, &unnumbered, VECTORS_TICKETS, &s, 1, &hits), E_INPUT);
    return 0;
}

static int changes_check(struct flow *f, struct vectors *v)
{
    /* An upsert replaces the whole point: the cause is gone, the symptom is another. */
    struct vector_hits hits;
    const struct vector_point moved = {.item_id = 3, .vectors = {points[20][1]}};
    const struct vector_search by_cause = {1, points[2][1], 1, -1, 0};
    const struct vector_search by_symptom = {0, points[20][1], 1, -1, 0};
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_TICKETS, &by_cause, 1, &hits));
    FLOW_CHECK(hits.count == 1 && hits.hits[0].item_id == 3);
    FLOW_OK(f, vectors_upsert(f, v, &acme, VECTORS_TICKETS, &moved, 1));
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_TICKETS, &by_cause, 1, &hits));
    FLOW_CHECK(hits.count == 1 && hits.hits[0].item_id != 3);
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_TICKETS, &by_symptom, 1, &hits));
    FLOW_CHECK(hits.count == 1 && hits.hits[0].item_id == 3 && hits.hits[0].score > 0.99);
    /* Twice in one batch: the later counts. */
    const struct vector_point twice[] = {{.item_id = 4, .vectors = {points[20][2]}},
                                         {.item_id = 4, .vectors = {points[3][0]}}};
    FLOW_OK(f, vectors_upsert(f, v, &acme, VECTORS_TICKETS, twice, 2));
    const struct vector_search fourth = {0, points[3][0], 1, -1, 0};
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_TICKETS, &fourth, 1, &hits));
    FLOW_CHECK(hits.count == 1 && hits.hits[0].item_id == 4 && hits.hits[0].score > 0.99);

    int64_t count;
    const int64_t gone[] = {1, 2, 3, 77777};
    FLOW_OK(f, vectors_delete(f, v, &acme, VECTORS_TICKETS, gone, ARRAY_COUNT(gone)));
    FLOW_OK(f, vectors_count(f, v, &acme, VECTORS_TICKETS, &count));
    FLOW_CHECK(count == (int64_t)point_count - 3);
    FLOW_OK(f, vectors_count(f, v, &globex, VECTORS_TICKETS, &count));
    FLOW_CHECK(count == OTHER_COUNT);
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_TICKETS, &by_symptom, 1, &hits));
    FLOW_CHECK(hits.count == 1 && hits.hits[0].item_id != 3);
    return 0;
}

static int articles_check(struct flow *f, struct vectors *v)
{
    const struct vector_point article = {.item_id = 9, .vectors = {points[0][0], points[0][1]}};
    FLOW_OK(f, vectors_upsert(f, v, &acme, VECTORS_KB, &article, 1));
    struct vector_hits hits[2];
    const struct vector_search s[] = {{VECTOR_INTENT, points[0][0], 5, 0.9, 0},
                                      {VECTOR_PROCEDURE, points[0][1], 5, 0.9, 0}};
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_KB, s, 2, hits));
    FLOW_CHECK(hits[0].count == 1 && hits[0].hits[0].item_id == 9);
    FLOW_CHECK(hits[1].count == 1 && hits[1].hits[0].item_id == 9);
    const struct vector_search excluded = {VECTOR_INTENT, points[0][0], 5, 0.9, 9};
    FLOW_OK(f, vectors_search(f, v, &acme, VECTORS_KB, &excluded, 1, hits));
    FLOW_CHECK(hits[0].count == 0);
    const struct vector_point third = {.item_id = 9, .vectors = {NULL, NULL, points[0][0]}};
    FLOW_EXPECT(f, vectors_upsert(f, v, &acme, VECTORS_KB, &third, 1), E_INPUT);
    float zero[EMBED_DIMENSIONS] = {0};
    const struct vector_point empty = {.item_id = 9, .vectors = {zero}};
    FLOW_EXPECT(f, vectors_upsert(f, v, &acme, VECTORS_KB, &empty, 1), E_INPUT);
    const struct vector_search wide = {0, points[0][0], 201, -1, 0};
    FLOW_EXPECT(f, vectors_search(f, v, &acme, VECTORS_KB, &wide, 1, hits), E_INPUT);
    return 0;
}

static int suite(struct flow *f, struct vectors *v)
{
    struct str note;
    FLOW_OK(f, vectors_prepare(f, v));
    FLOW_OK(f, vectors_prepare(f, v));
    FLOW_OK(f, upsert_all(f, v));
    FLOW_OK(f, searches_check(f, v));
    FLOW_OK(f, tenants_check(f, v));
    FLOW_OK(f, vectors_maintain(f, v));
    FLOW_OK(f, searches_check(f, v));
    FLOW_OK(f, changes_check(f, v));
    FLOW_OK(f, articles_check(f, v));
    FLOW_OK(f, vectors_health(f, v, &note));
    return 0;
}

static int on_pg(struct flow *f, struct pg_pool *p)
{
    struct vectors *v = vectors_new_pg(f->loop, p, 20000);
    int r = 0;
    for (int64_t t = 1; t <= 2 && r >= 0; t++) /* what an earlier round left */
        r = pg_once(f, p, t,
                    "with a as (delete from deskstream.vectors_tickets) "
                    "delete from deskstream.vectors_kb",
                    PG_NO_ARGS, NULL);
    if (r >= 0)
        r = suite(f, v);
    vectors_free(v);
    return r;
}

static void test_pg(void **state)
{
    (void)state;
    store_test_run("vectors in pgvector", on_pg);
}

static int on_qdrant(struct flow *f, void *arg)
{
    struct web *w;
    loop_external(f->loop, 1); /* the engine is another process: no jumps of time */
    int r = web_new(f->loop, &(struct web_spec){.user_agent = "test"}, &w, &f->err);
    if (r < 0) {
        loop_external(f->loop, -1);
        return r;
    }
    struct qdrant *q = qdrant_new(f->loop,
                                  &(struct qdrant_spec){.web = w, .url = arg, .api_key = ""});
    struct vectors *v = vectors_new_qdrant(f->loop, q);
    struct json done;
    for (int c = 0; c < 2 && r >= 0; c++)
        r = qdrant_call(f, q, PRIORITY_LIVE, "DELETE",
                        c ? STR("/collections/kb_procedures") : STR("/collections/support_tickets"),
                        STR_NONE, 5000, &done);
    if (r == E_NOT_FOUND)
        r = 0;
    if (r >= 0)
        r = suite(f, v);
    vectors_free(v);
    qdrant_free(q);
    web_close_all(f, w);
    web_free(w);
    loop_external(f->loop, -1);
    return r;
}

static void test_qdrant(void **state)
{
    (void)state;
    char *url = getenv("TEST_QDRANT_URL");
    if (url == NULL || url[0] == '\0') {
        skip();
        return;
    }
    torture_run("vectors in Qdrant", on_qdrant, url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pg, store_test_setup),
        cmocka_unit_test(test_qdrant),
    };
    points_make();
    if (getenv("TORTURE") != NULL)
        point_count = TORTURED_COUNT;
    return pg_test_main(tests);
}
