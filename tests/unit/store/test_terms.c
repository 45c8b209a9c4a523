/* search_terms: what a text is found by; rows_json: what jsonb may be given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/rows.h"
#include "store/texts.h"

static void test_terms(void **state)
{
    static const struct {
        const char *name, *input, *want;
    } rows[] = {
        {"empty", "", ""},
        {"signs only", " .,!?-_:()'\"<>&|*\\ \t\n", ""},
        {"case and plural", "Payments FAILED", "payment fail"},
        {"stems meet", "cache cached caching", "cach"},
        {"doubled consonant", "stop stopped", "stop"},
        {"short words stay", "is as bus", "is as bus"},
        {"twice is once", "error error Error", "error"},
        {"korean pairs", "환불합니다", "환불 불합 합니 니다"},
        {"a particle", "환불을 상품이", "환불 상품"},
        {"two syllables stay whole", "거의", "거의"},
        {"one syllable", "왜", "왜"},
        {"mixed scripts", "PDF파일", "pdf 파일"},
        {"japanese", "エラー", "エラ ラー"},
        {"code of parts", "E-401 v2.10.3", "e 401 e401 v2 10 3 v2103"},
        {"parts without digit", "re-open", "re open"},
        {"query syntax is text", "a & b | !c:* 'd'", "a b c d"},
        {"accents", "ÉTÉ été", "été"},
        {"bad bytes",
         "a\xff\xfe"
         "b",
         "a b"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct str got = search_terms(&a, str_from(rows[i].input), 100);
        if (!str_eq(got, str_from(rows[i].want)))
            fail_msg("%s: got \"%.*s\", want \"%s\"", rows[i].name, STR_ARG(got), rows[i].want);
        arena_done(&a);
    }
}

static void test_terms_bound(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    assert_true(str_eq(search_terms(&a, STR("one two three four"), 2), STR("one two")));
    assert_int_equal(search_terms(&a, STR("one"), 0).len, 0);
    /* A word without end is cut, not lost, and stays whole UTF-8. */
    char word[9000];
    memset(word, 'x', sizeof(word));
    struct str got = search_terms(&a, str_of(word, sizeof(word)), 5);
    assert_true(got.len > 20 && got.len <= 64);
    arena_done(&a);
}

static void test_korean_particles(void **state)
{
    /* The stem is found whatever follows it. */
    static const char *const pairs[][2] = {
        {"환불이 안돼요", "환불을 요청합니다"},     {"비밀번호를 잊었어요", "비밀번호 재설정"},
        {"로그인에서 오류가", "로그인이 안됩니다"}, {"결제는 됐는데", "결제가 두 번"},
        {"첨부파일로 보냈", "첨부파일이 열리지"},   {"알림도 오지 않아요", "알림은 꺼졌습니다"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct str left = search_terms(&a, str_from(pairs[i][0]), 50), term;
        struct str right = search_terms(&a, str_from(pairs[i][1]), 50), other;
        size_t common = 0;
        while (str_cut(&left, ' ', &term)) {
            struct str rest = right;
            while (str_cut(&rest, ' ', &other))
                common += str_eq(term, other);
        }
        if (common == 0)
            fail_msg("%s and %s share nothing", pairs[i][0], pairs[i][1]);
        arena_done(&a);
    }
}

static void test_json(void **state)
{
    static const struct {
        const char *input, *want;
    } rows[] = {
        {"", "{}"},
        {"{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":\"x\\u0000y\"}", "{\"a\":\"xy\"}"},
        {"{\"a\":\"x\\\\u0000y\"}", "{\"a\":\"x\\\\u0000y\"}"},
        {"{\"a\":\"\\\\\\u0000\"}", "{\"a\":\"\\\\\"}"},
        {"{\"a\":\"\\u0000\\u0000\\u0001\"}", "{\"a\":\"\\u0001\"}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct str got = rows_json(&a, str_from(rows[i].input), "{}");
        if (!str_eq(got, str_from(rows[i].want)))
            fail_msg("%s: got %.*s, want %s", rows[i].input, STR_ARG(got), rows[i].want);
        arena_done(&a);
    }
}

static void test_tags(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    const struct str tags[] = {STR("환불"), STR("two words"), STR("un\x1fit")};
    size_t count;
    struct str *back = rows_untags(&a, rows_tags(&a, tags, 3), &count);
    assert_int_equal(count, 3);
    assert_true(str_eq(back[0], tags[0]) && str_eq(back[1], tags[1]));
    assert_true(str_eq(back[2], STR("un it")));
    assert_null(rows_untags(&a, rows_tags(&a, NULL, 0), &count));
    assert_int_equal(count, 0);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_terms_bound),
        cmocka_unit_test(test_korean_particles),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
