/* Bodies for Qdrant: numbers keep a float's value, tenants cannot be left out or overridden. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "store/vectors_home.h"
#include "store/vectors_json.h"

static void test_floats(void **state)
{
    (void)state;
    static const float values[] = {0,     1,       -1,   0.5f,        -0.031234567f,
                                   1e-9f, -1e-12f, 0.1f, 0.999999940f};
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    vectors_json_floats(&out, values, ARRAY_COUNT(values));
    assert_string_equal(out.ptr, "[0,1,-1,0.5,-0.031234566,0.000000001,0,0.100000001,0.99999994]");
    float many[EMBED_DIMENSIONS], back[EMBED_DIMENSIONS];
    struct rng rng = {7};
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        many[i] = (float)(rng_unit(&rng) * 2 - 1);
    buf_clear(&out);
    vectors_json_floats(&out, many, EMBED_DIMENSIONS);
    struct arena a;
    arena_init(&a, 0);
    struct json v;
    assert_int_equal(json_parse(&a, buf_view(&out), &v, NULL), 0);
    assert_int_equal(json_floats(v, back, EMBED_DIMENSIONS), EMBED_DIMENSIONS);
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++)
        assert_true(fabs((double)many[i] - (double)back[i]) < 1e-7);
    arena_done(&a);
}

static void test_points(void **state)
{
    (void)state;
    static float vector[EMBED_DIMENSIONS];
    vector[0] = 1;
    const struct vector_tenant t = {7, STR("acme")};
    const struct vector_point points[] = {
        {.item_id = 12,
         .vectors = {vector, NULL, vector},
         .payload = STR("{\"subject\":\"환불\",\"company_id\":\"evil\",\"ticket_id\":\"99\"}")},
        {.item_id = 13},
    };
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct err err = {0};
    assert_int_equal(vectors_json_points(&out, &t, VECTORS_TICKETS, points, 2, &err), 0);
    struct arena a;
    arena_init(&a, 0);
    struct json v;
    assert_int_equal(json_parse(&a, buf_view(&out), &v, &err), 0);
    assert_int_equal(json_count(json_get(v, "points")), 2);
    struct json first = json_path(v, "points.0");
    assert_true(str_eq(json_str(json_path(first, "payload.company_id")), STR("acme")));
    assert_true(str_eq(json_str(json_path(first, "payload.ticket_id")), STR("12")));
    assert_true(str_eq(json_str(json_path(first, "payload.subject")), STR("환불")));
    assert_int_equal(json_count(json_get(first, "payload")), 3);
    assert_int_equal(json_count(json_path(first, "vector.symptom_vec")), EMBED_DIMENSIONS);
    assert_false(json_exists(json_path(first, "vector.cause_vec")));
    assert_int_equal(json_count(json_path(v, "points.1.vector")), 0);
    arena_done(&a);

    const struct vector_point bad = {.item_id = 1, .payload = STR("[1]")};
    buf_clear(&out);
    assert_int_equal(vectors_json_points(&out, &t, VECTORS_TICKETS, &bad, 1, &err), E_JSON);
    const struct vector_tenant nobody = {7, STR_NONE};
    buf_clear(&out);
    assert_int_equal(vectors_json_points(&out, &nobody, VECTORS_TICKETS, points, 2, &err), E_INPUT);
}

static void test_ids(void **state)
{
    (void)state;
    const struct vector_tenant a = {1, STR("acme")}, b = {2, STR("globex")};
    char one[37], two[37];
    vectors_json_point_id(&a, VECTORS_TICKETS, 5, one);
    vectors_json_point_id(&a, VECTORS_TICKETS, 5, two);
    assert_string_equal(one, two);
    vectors_json_point_id(&b, VECTORS_TICKETS, 5, two);
    assert_string_not_equal(one, two);
    vectors_json_point_id(&a, VECTORS_KB, 5, two);
    assert_string_not_equal(one, two);
    assert_int_equal(one[14], '5');
}

static void test_filter(void **state)
{
    (void)state;
    const struct vector_tenant t = {1, STR("ac\"me")}, nobody = {1, STR("")};
    const int64_t ids[] = {5};
    static const struct {
        enum vectors_json_ids how;
        size_t count;
        int want;
        const char *member;
    } rows[] = {
        {IDS_ANY, 0, 0, NULL},
        {IDS_ONLY, 1, 0, "filter.must.1.has_id"},
        {IDS_BUT, 1, 0, "filter.must_not.0.has_id"},
        {IDS_ONLY, 0, E_INPUT, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf out = BUF_INIT(0);
        struct jw w = JW_INIT(&out);
        struct err err = {0};
        jw_obj(&w, NULL);
        int r = vectors_json_filter(&w, &t, VECTORS_TICKETS, rows[i].how, ids, rows[i].count, &err);
        assert_int_equal(r, rows[i].want);
        if (r < 0)
            continue;
        jw_end_obj(&w);
        struct arena a;
        arena_init(&a, 0);
        struct json v;
        assert_int_equal(json_parse(&a, buf_view(&out), &v, &err), 0);
        assert_true(str_eq(json_str(json_path(v, "filter.must.0.key")), STR("company_id")));
        assert_true(str_eq(json_str(json_path(v, "filter.must.0.match.value")), t.company));
        if (rows[i].member)
            assert_int_equal(json_count(json_path(v, rows[i].member)), 2);
        arena_done(&a);
    }
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    struct err err = {0};
    assert_int_equal(vectors_json_filter(&w, &nobody, VECTORS_KB, IDS_ANY, NULL, 0, &err), E_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
