/* Made-up chats know their category, and the stand-in model finds it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/chats.h"

static void phrases_tell_their_category(void **state)
{
    (void)state;
    struct arena a;
    size_t seen[TOPIC_COUNT] = {0}, repeated = 0;
    uint32_t last = 0;
    for (uint32_t n = 0; n < 5000; n++) {
        struct chat_line line, again;
        struct str phrase;
        bool sure;
        arena_init(&a, 0);
        chat_line_make(&a, 7, 19797, n, 5000, false, &line);
        chat_line_make(&a, 7, 19797, n, 5000, false, &again);
        assert_true(str_eq(line.text, again.text));
        assert_int_equal(topic_of(line.text, &phrase, &sure), line.topic);
        assert_true(sure);
        assert_true(str_find(line.text, phrase, 0) != SIZE_MAX);
        assert_true(line.at_s >= 0 && line.at_s < 86400);
        seen[line.topic]++;
        repeated += line.question < last;
        last = MAX(last, line.question);
        arena_done(&a);
    }
    for (size_t t = 0; t < TOPIC_COUNT; t++)
        assert_true(seen[t] > 50);
    assert_true(repeated > 1500);
}

struct row {
    const char *name;
    struct sorting_faults faults;
    const char *want, *never;
};

static void answers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"true", {0}, "\"n\":2,\"category\":70", "777"},
        {"swapped", {.misorder = 100}, "\"n\":1,\"category\":70", "777"},
        {"left out", {.drop = 100}, "\"answers\":[{", "\"n\":1,\"category\":50,\"keywords\""},
        {"invented", {.invent = 100}, "777", "~"},
        {"misquoted", {.misquote = 100}, "아무도", "~"},
        {"prose", {.prose = 100}, "네, ", "answers"},
        {"stuck", {.stuck = 100}, "네, ", "answers"},
        {"cut", {.cut = 100}, "\"answers\"", "]}"},
    };
    struct prompt p = {
        .instructions = STR(
            "classify-v1\n50 | 전학, 편입 | x\n70 | 검정고시 | y\n110 | 기타 | z\n"),
        .user = STR(
            "<chat n=\"1\">\n전학 절차를 알려 주세요\n</chat>\n<chat n=\"2\">\n고졸 검정고시 "
            "과목이 뭐예요\n</chat>\n"),
    };
    assert_true(sorting_is_asked(&p));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        struct buf out = BUF_INIT(0);
        uint64_t count = 0, serial = i == 2 ? 3 : 1;
        arena_init(&a, 0);
        sorting_answer(&a, &p, &rows[i].faults, serial, &out, &count);
        assert_int_equal(count, 2);
        bool left = i == 2; /* either of the two may be left out */
        bool fits = str_find(buf_view(&out), str_from(rows[i].want), 0) != SIZE_MAX &&
                    (left || str_find(buf_view(&out), str_from(rows[i].never), 0) == SIZE_MAX);
        if (left)
            fits = fits && (str_find(buf_view(&out), STR("\"n\":1"), 0) == SIZE_MAX) !=
                               (str_find(buf_view(&out), STR("\"n\":2"), 0) == SIZE_MAX);
        if (!fits)
            print_error("row %s: %.*s\n", rows[i].name, STR_ARG(buf_view(&out)));
        assert_true(fits);
        buf_done(&out);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_tell_their_category),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
