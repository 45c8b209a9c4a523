/* Quotes that stand in their source, and sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quote.h"

static void quotes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *quote;
        bool want;
    } rows[] = {
        {"word for word", "브라우저 캐시를 삭제한 뒤 다시 로그인하세요.", "캐시를 삭제한 뒤", true},
        {"white space folded", "Clear\n  the cache\tfirst.", "Clear the  cache", true},
        {"reworded", "브라우저 캐시를 삭제하세요.", "브라우저 캐시를 지우세요", false},
        {"other case is another text", "Clear the cache", "clear the cache", false},
        {"too short to prove anything", "abc abc", "abc", false},
        {"the whole of a short source", " 전학 ", "전학", true},
        {"empty", "abc", "", false},
        {"blank", "abc", "   \n ", false},
        {"longer than the source", "abcd", "abcd efgh", false},
        {"at the very end", "please restart the app", "restart the app", true},
        {"across a fold at the edges", "  restart  ", "restart", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a = {0};
        arena_init(&a, 0);
        bool got = quote_stands_in(&a, str_from(rows[i].source), str_from(rows[i].quote));
        if (got != rows[i].want)
            print_error("row: %s\n", rows[i].name);
        assert_int_equal(got, rows[i].want);
        arena_done(&a);
    }
}

static void sentences(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        const char *want[4];
    } rows[] = {
        {"stops", "하나입니다. 둘입니다! Three?", {"하나입니다.", "둘입니다!", "Three?"}},
        {"lines", "first\n\n\nsecond", {"first", "second"}},
        {"a stop inside a number or a name",
         "v1.2.3 of app.example works. ok",
         {"v1.2.3 of app.example works.", "ok"}},
        {"wide stop", "一。二", {"一。", "二"}},
        {"nothing", " \n ", {NULL}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str rest = str_from(rows[i].text), sentence;
        size_t count = 0;
        while (sentence_cut(&rest, &sentence)) {
            assert_true(count < 4 && rows[i].want[count]);
            if (!str_eq(sentence, str_from(rows[i].want[count])))
                print_error("row: %s: \"%.*s\"\n", rows[i].name, STR_ARG(sentence));
            assert_true(str_eq(sentence, str_from(rows[i].want[count])));
            count++;
        }
        assert_true(count == 4 || !rows[i].want[count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),
        cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
