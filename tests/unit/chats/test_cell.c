#include "unit/base/check.h"

#include "chats/cell.h"

/* Texts as cells take them. */

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str in;
        size_t units;
        struct str want;
    } rows[] = {
        {"plain", STR("전학은 어떻게 하나요?"), 100, STR("전학은 어떻게 하나요?")},
        {"empty", STR(""), 100, STR("")},
        {"formula", STR("=1+1"), 100, STR("=1+1")},
        {"at", STR("@SUM(A1)"), 100, STR("@SUM(A1)")},
        {"line ends", STR("a\r\nb\rc\nd"), 100, STR("a\nb\nc\nd")},
        {"tab", STR("a\tb"), 100, STR("a\tb")},
        {"control",
         STR("a\x01"
             "b\x1F"),
         100,
         STR("a\xEF\xBF\xBD"
             "b\xEF\xBF\xBD")},
        {"zero", STR("a\0b"), 100,
         STR("a\xEF\xBF\xBD"
             "b")},
        {"bad bytes", STR("\xFF\xC0"), 100, STR("\xEF\xBF\xBD\xEF\xBF\xBD")},
        {"U+FFFE", STR("\xEF\xBF\xBE"), 100, STR("\xEF\xBF\xBD")},
        {"escape", STR("_x0041_"), 100, STR("_x005F_x0041_")},
        {"no escape", STR("_x004_"), 100, STR("_x004_")},
        {"fits", STR("abcd"), 4, STR("abcd")},
        {"cut", STR("abcde"), 4, STR("abc…")},
        {"cut korean", STR("가나다라마"), 4, STR("가나다…")},
        {"emoji is two units", STR("a😀b"), 4, STR("a😀b")},
        {"emoji cut", STR("ab😀c"), 4, STR("ab…")},
        {"nothing fits", STR("abc"), 1, STR("…")},
    };
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cell_text(&out, rows[i].in, rows[i].units);
        CHECK(rows[i].name, str_eq(buf_view(&out), rows[i].want));
    }
}

static void test_limit(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf in = BUF_INIT(0);
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    for (size_t i = 0; i < CELL_UNITS_MAX; i++)
        buf_text(&in, "가");
    cell_text(&out, buf_view(&in), CELL_UNITS_MAX);
    CHECK("32767 stay", str_eq(buf_view(&out), buf_view(&in)));
    buf_text(&in, "나");
    cell_text(&out, buf_view(&in), CELL_UNITS_MAX);
    CHECK("32768 are cut", str_code_points(buf_view(&out)) == CELL_UNITS_MAX);
    CHECK("the cut shows", str_ends(buf_view(&out), STR("가…")));
}

static void test_width(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"", 0},   {"abc", 3},  {"가나다", 6},    {"a가b", 4}, {"가\nabcd", 4}, {"ｱ", 1},
        {"Ａ", 2}, {"漢字", 4}, {"e\xCC\x81", 1}, {"😀", 2},    {"50%", 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_I64(rows[i].text, (int64_t)cell_width(str_from(rows[i].text)), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
