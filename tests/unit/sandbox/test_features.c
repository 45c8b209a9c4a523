/* Embeddings of the sandbox: similar texts are near, and held-back tickets find their family. */
#include "sandbox/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sandbox/compose.h"

#define TICKETS 2000
#define HELD 300
#define TOP 5

static void vector_of(const struct ticket *t, float *ret_vector)
{
    struct buf text = BUF_INIT(0);
    ticket_subject(t, &text);
    buf_byte(&text, '\n');
    ticket_text(t, &text);
    features_of(buf_view(&text), ret_vector);
    buf_done(&text);
    double norm = 0;
    for (size_t i = 0; i < FEATURE_DIM; i++)
        norm += (double)ret_vector[i] * ret_vector[i];
    norm = sqrt(norm);
    for (size_t i = 0; i < FEATURE_DIM; i++)
        ret_vector[i] = (float)(ret_vector[i] / norm);
}

static double product(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < FEATURE_DIM; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Exact search for the TOP nearest; true when one of them is of the family. */
static bool finds_family(const float *query, const float *all, const uint16_t *family,
                         uint16_t want)
{
    double best[TOP];
    uint16_t who[TOP];
    for (size_t k = 0; k < TOP; k++)
        best[k] = -2;
    for (size_t i = 0; i < TICKETS; i++) {
        double score = product(query, all + i * FEATURE_DIM);
        for (size_t k = 0; k < TOP; k++) {
            if (score <= best[k])
                continue;
            for (size_t m = TOP - 1; m > k; m--) {
                best[m] = best[m - 1];
                who[m] = who[m - 1];
            }
            best[k] = score;
            who[k] = family[i];
            break;
        }
    }
    for (size_t k = 0; k < TOP; k++)
        if (best[k] > -2 && who[k] == want)
            return true;
    return false;
}

static void test_retrieval(void **state)
{
    (void)state;
    struct world w;
    world_init(
        &w, &(struct world_spec){.seed = 1, .ticket_count = TICKETS, .end_s = INT64_C(1790000000)});
    float *all = mem_alloc(sizeof(float) * TICKETS * FEATURE_DIM);
    uint16_t *family = mem_alloc(sizeof(uint16_t) * TICKETS);
    struct ticket t;
    for (uint32_t i = 0; i < TICKETS; i++) {
        world_ticket(&w, i, &t);
        family[i] = t.family;
        vector_of(&t, all + (size_t)i * FEATURE_DIM);
    }
    int found = 0;
    for (uint32_t i = 0; i < HELD; i++) {
        float query[FEATURE_DIM];
        assert_true(world_find(&w, world_held_id(i), &t));
        vector_of(&t, query);
        found += finds_family(query, all, family, t.family);
    }
    printf("same family in the top %d: %d of %d\n", TOP, found, HELD);
    assert_true(found * 100 >= HELD * 75);
    mem_free(all);
    mem_free(family);
    world_done(&w);
}

static void test_near(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *near, *far;
    } rows[] = {
        {"korean", "카드 결제가 거절됩니다", "카드 결제 거절 문의", "배송이 늦어요"},
        {"english", "Card payment declined", "my card payment was declined", "parcel is late"},
        {"case", "OTP CODE", "otp   code", "OTB KODE"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        float a[FEATURE_DIM], b[FEATURE_DIM], c[FEATURE_DIM];
        features_of(str_from(rows[i].text), a);
        features_of(str_from(rows[i].near), b);
        features_of(str_from(rows[i].far), c);
        if (features_cosine(a, b) <= features_cosine(a, c))
            fail_msg("%s", rows[i].name);
    }
}

static void test_not_unit(void **state)
{
    (void)state;
    float a[FEATURE_DIM], b[FEATURE_DIM];
    features_of(STR("주문이 취소되지 않아요"), a);
    features_of(STR("주문이 취소되지 않아요"), b);
    assert_memory_equal(a, b, sizeof(a));
    double norm = product(a, a);
    assert_true(norm < 0.9 || norm > 1.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retrieval),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_not_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
