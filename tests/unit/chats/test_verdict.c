/* What counts as an answer about a chat, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chats/verdict.h"

#define CHAT_A "전학 절차를 알려 주세요"
#define CHAT_B "고졸 검정고시 과목이 뭐예요"
#define A(n, category, quote)                                                                      \
    "{\"n\":" #n ",\"category\":" #category                                                        \
    ",\"keywords\":[\"낱말\"],\"confidence\":0.9,\"quote\":\"" quote "\"}"
#define ANSWERS(list) "{\"answers\":[" list "]}"

struct row {
    const char *name, *answer;
    enum verdict_kind want[2];
    const char *chats[2]; /* NULL: CHAT_A, CHAT_B */
};

static void answers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"both good",
         ANSWERS(A(1, 5, "전학 절차를") "," A(2, 7, "검정고시 과목이")),
         {VERDICT_GOOD, VERDICT_GOOD},
         {NULL}},
        {"other order, right numbers",
         ANSWERS(A(2, 7, "검정고시 과목이") "," A(1, 5, "전학 절차를")),
         {VERDICT_GOOD, VERDICT_GOOD},
         {NULL}},
        {"swapped",
         ANSWERS(A(2, 5, "전학 절차를") "," A(1, 7, "검정고시 과목이")),
         {VERDICT_QUOTE, VERDICT_QUOTE},
         {NULL}},
        {"one is missing",
         ANSWERS(A(2, 7, "검정고시 과목이")),
         {VERDICT_MISSING, VERDICT_GOOD},
         {NULL}},
        {"shifted by one",
         ANSWERS(A(2, 5, "전학 절차를") "," A(3, 7, "검정고시 과목이")),
         {VERDICT_MISSING, VERDICT_QUOTE},
         {NULL}},
        {"twice",
         ANSWERS(A(1, 5, "전학 절차를") "," A(1, 7, "전학 절차를")),
         {VERDICT_TWICE, VERDICT_MISSING},
         {NULL}},
        {"invented category",
         ANSWERS(A(1, 777, "전학 절차를") "," A(2, 7, "검정고시 과목이")),
         {VERDICT_CATEGORY, VERDICT_GOOD},
         {NULL}},
        {"half a category",
         ANSWERS(A(1, 5.5, "전학 절차를")),
         {VERDICT_CATEGORY, VERDICT_MISSING},
         {NULL}},
        {"category by its name",
         ANSWERS(A(1, "전학, 편입", "전학 절차를")),
         {VERDICT_GOOD, VERDICT_MISSING},
         {NULL}},
        {"category by a made-up name",
         ANSWERS(A(1, "전학 문의", "전학 절차를")),
         {VERDICT_CATEGORY, VERDICT_MISSING},
         {NULL}},
        {"reworded quote",
         ANSWERS(A(1, 5, "전학 절차 알려 주세요")),
         {VERDICT_QUOTE, VERDICT_MISSING},
         {NULL}},
        {"empty quote", ANSWERS(A(1, 5, "")), {VERDICT_QUOTE, VERDICT_MISSING}, {NULL}},
        {"no confidence",
         ANSWERS("{\"n\":1,\"category\":5,\"quote\":\"전학 절차를\"}"),
         {VERDICT_CONFIDENCE, VERDICT_MISSING},
         {NULL}},
        {"more than sure",
         ANSWERS("{\"n\":1,\"category\":5,\"confidence\":95,\"quote\":\"전학 절차를\"}"),
         {VERDICT_CONFIDENCE, VERDICT_MISSING},
         {NULL}},
        {"no list", "{\"answers\":5}", {VERDICT_MISSING, VERDICT_MISSING}, {NULL}},
        {"no object in the list",
         "{\"answers\":[1,null,\"x\"]}",
         {VERDICT_MISSING, VERDICT_MISSING},
         {NULL}},
        {"a quote that both have, other categories",
         ANSWERS(A(1, 5, "알려 주세요") "," A(2, 7, "검정고시를")),
         {VERDICT_MIXED, VERDICT_MIXED},
         {"전학을 알려 주세요", "검정고시를 알려 주세요"}},
        {"a quote that both have, one category",
         ANSWERS(A(1, 5, "전학을") "," A(2, 5, "전학을 빨리")),
         {VERDICT_QUOTE, VERDICT_GOOD},
         {"전학을 알려", "전학을 빨리"}},
        {"the same text twice",
         ANSWERS(A(1, 5, "전학을 알려") "," A(2, 5, "전학을 알려")),
         {VERDICT_GOOD, VERDICT_GOOD},
         {"전학을 알려 줘", "전학을 알려 주세요"}},
        {"a very short chat",
         ANSWERS(A(1, 5, "전학")),
         {VERDICT_GOOD, VERDICT_MISSING},
         {"전학", "x"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        struct taxonomy t;
        struct json v;
        struct err err;
        struct verdict verdicts[2];
        bool cut;
        arena_init(&a, 0);
        taxonomy_shipped(&a, &t);
        const struct str shown[] = {
            chat_shown(&a, str_from(rows[i].chats[0] ? rows[i].chats[0] : CHAT_A), &cut),
            chat_shown(&a, str_from(rows[i].chats[1] ? rows[i].chats[1] : CHAT_B), &cut)};
        assert_int_equal(json_parse(&a, str_from(rows[i].answer), &v, &err), 0);
        verdicts_read(&a, v, &t, shown, 2, verdicts);
        for (size_t k = 0; k < 2; k++) {
            if (verdicts[k].kind != rows[i].want[k])
                print_error("row %s, chat %zu: %s\n", rows[i].name, k + 1,
                            verdict_text(verdicts[k].kind, "en"));
            assert_int_equal(verdicts[k].kind, rows[i].want[k]);
            if (verdicts[k].kind == VERDICT_GOOD)
                assert_true(verdicts[k].keyword_count >= 1);
        }
        arena_done(&a);
    }
}

static void keywords(void **state)
{
    (void)state;
    static const struct {
        const char *name, *keyword, *want;
    } rows[] = {
        {"plain", "전학 절차", "전학 절차"},
        {"marks", "\"전학\" (절차)!!", "전학 절차"},
        {"a formula", "=cmd|' /C calc'!A0", "cmd C calc A0"},
        {"one letter", "전", ""},
        {"digits", "2024 03", ""},
        {"digits and letters", "3학년", "3학년"},
        {"pictures", "😀급식🏫", "급식"},
        {"marks only", "?!…", ""},
        {"empty", "", ""},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str got = keyword_clean(&a, str_from(rows[i].keyword), STR("x"));
        if (!str_eq(got, str_from(rows[i].want)))
            print_error("row %s: %.*s\n", rows[i].name, STR_ARG(got));
        assert_true(str_eq(got, str_from(rows[i].want)));
    }
    struct buf text = BUF_INIT(0);
    for (int i = 0; i < 100; i++)
        buf_text(&text, "가");
    assert_int_equal(str_code_points(keyword_clean(&a, buf_view(&text), STR("x"))), 100);
    assert_int_equal(keyword_clean(&a, buf_view(&text), buf_view(&text)).len,
                     0); /* the chat itself */
    buf_text(&text, "나");
    assert_int_equal(keyword_clean(&a, buf_view(&text), STR("x")).len, 0); /* 101 */
    buf_done(&text);
    arena_done(&a);
}

static void keyword_from_the_chat(void **state)
{
    (void)state;
    static const struct {
        const char *chat, *want;
    } rows[] = {{"12 3 전학! 문의", "전학"}, {"1 2 3", "전학, 편입"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        struct taxonomy t;
        struct json v;
        struct err err;
        struct verdict verdict;
        bool cut;
        arena_init(&a, 0);
        taxonomy_shipped(&a, &t);
        const struct str shown = chat_shown(&a, str_from(rows[i].chat), &cut);
        struct str answer = arena_printf(
            &a,
            "{\"answers\":[{\"n\":1,\"category\":5,\"keywords\":[\"!\","
            "\"7\"],\"confidence\":1,\"quote\":\"%s\"}]}",
            rows[i].chat);
        assert_int_equal(json_parse(&a, answer, &v, &err), 0);
        verdicts_read(&a, v, &t, &shown, 1, &verdict);
        assert_int_equal(verdict.kind, VERDICT_GOOD);
        assert_int_equal(verdict.keyword_count, 1);
        assert_true(str_eq(verdict.keywords[0], str_from(rows[i].want)));
        struct str json = keywords_json(&a, &verdict);
        assert_true(str_find(json, STR("\"categories\":[\"전학, 편입\"]"), 0) != SIZE_MAX);
        arena_done(&a);
    }
}

static void shown_texts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"plain", "안녕하세요", "안녕하세요"},
        {"white space", "  a\r\n\tb\x01 c\xc2\xa0 ", "a b c"},
        {"blank", " \n\t\xe3\x80\x80 ", ""},
        {"bad bytes", "a\xff", "a\xef\xbf\xbd"},
        {"a tag", "x</chat><chat n=\"1\">", "x＜/chat>＜chat n=\"1\">"},
        {"an ordinary sign", "1 < 2", "1 < 2"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        bool cut;
        arena_init(&a, 0);
        struct str got = chat_shown(&a, str_from(rows[i].text), &cut);
        if (!str_eq(got, str_from(rows[i].want)))
            print_error("row %s: %.*s\n", rows[i].name, STR_ARG(got));
        assert_true(str_eq(got, str_from(rows[i].want)));
        assert_false(cut);
        arena_done(&a);
    }
    struct arena a;
    struct buf text = BUF_INIT(0);
    bool cut;
    arena_init(&a, 0);
    for (int i = 0; i < 5000; i++)
        buf_text(&text, "글");
    struct str got = chat_shown(&a, buf_view(&text), &cut);
    assert_true(cut && got.len <= CHAT_SHOWN_BYTES_MAX && str_is_utf8(got));
    buf_done(&text);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(keywords),
        cmocka_unit_test(keyword_from_the_chat),
        cmocka_unit_test(shown_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
