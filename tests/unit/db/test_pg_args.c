/* Parameters: array literals, cleaned text, binary half vectors, COPY rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/wall.h"
#include "db/pg_args.h"

static void check(const char *name, struct buf *got, struct str want)
{
    if (!str_eq(buf_view(got), want))
        fail_msg("%s: %.*s, want %.*s", name, STR_ARG(buf_view(got)), STR_ARG(want));
    buf_clear(got);
}

static void array_literals(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    const int64_t ids[] = {0, -1, INT64_MIN};
    pg_array_i64(&b, ids, 3);
    check("numbers", &b, STR("{0,-1,-9223372036854775808}"));
    pg_array_i64(&b, NULL, 0);
    check("no numbers", &b, STR("{}"));
    static const struct {
        const char *name;
        struct str item, want;
    } rows[] = {
        {"plain", STR("a"), STR("{\"a\"}")},
        {"empty", STR(""), STR("{\"\"}")},
        {"none", STR_NONE, STR("{\"\"}")},
        {"null word", STR("NULL"), STR("{\"NULL\"}")},
        {"marks", STR("{,}"), STR("{\"{,}\"}")},
        {"quote", STR("\"a\""), STR("{\"\\\"a\\\"\"}")},
        {"backslashes", STR("\\\\"), STR("{\"\\\\\\\\\"}")},
        {"line", STR("a\nb"), STR("{\"a\nb\"}")},
        {"zero", STR("a\0b"),
         STR("{\"a\xef\xbf\xbd"
             "b\"}")},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        pg_array_text(&b, &rows[i].item, 1);
        check(rows[i].name, &b, rows[i].want);
    }
    const struct str two[] = {STR("a"), STR("b")};
    pg_array_text(&b, two, 2);
    check("two", &b, STR("{\"a\",\"b\"}"));
    buf_done(&b);
}

static void texts_are_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str text, want;
    } rows[] = {
        {"clean", STR("한글 🙂"), STR("한글 🙂")},
        {"none", STR_NONE, STR("")},
        {"zeros", STR("\0\0"), STR("\xef\xbf\xbd\xef\xbf\xbd")},
        {"cut", STR("a\xed\x95"), STR("a\xef\xbf\xbd\xef\xbf\xbd")},
        {"surrogate",
         STR("\xed\xa0\x80"
             "a"),
         STR("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
             "a")},
        {"true replacement", STR("\xef\xbf\xbd\xff"), STR("\xef\xbf\xbd\xef\xbf\xbd")},
    };
    struct buf b = BUF_INIT(0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        pg_text_clean(&b, rows[i].text);
        check(rows[i].name, &b, rows[i].want);
    }
    buf_done(&b);
}

static void parameters(void **state)
{
    (void)state;
    static struct pg_params p;
    const float v[] = {1, -2};
    const struct pg_arg args[] = {
        PG_NULL(),      PG_TEXT(STR("")),      PG_TEXT_OR_NULL(STR_NONE),
        PG_BOOL(false), PG_F64(1.5),           PG_TIME(WALL_NONE),
        PG_TIME(-1),    PG_BYTES(STR("\0\1")), PG_HALFVEC(v, 2),
        PG_I32(-7),
    };
    struct err err;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(pg_params_encode(&p, args, ARRAY_COUNT(args), &err), 0);
        assert_null(p.values[0]);
        assert_string_equal(p.values[1], "");
        assert_null(p.values[2]);
        assert_string_equal(p.values[3], "f");
        assert_string_equal(p.values[4], "1.5");
        assert_null(p.values[5]);
        assert_string_equal(p.values[6], "1969-12-31 23:59:59.999+00");
        assert_int_equal(p.formats[7], 1);
        assert_int_equal(p.lengths[7], 2);
        assert_int_equal(p.formats[8], 1);
        assert_int_equal(p.lengths[8], 8);
        assert_memory_equal(p.values[8], "\0\2\0\0\x3c\0\xc0\0", 8);
        assert_string_equal(p.values[9], "-7");
    }
    buf_done(&p.bytes);
}

static void copy_rows(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    const struct pg_arg args[] = {PG_I64(-2), PG_NULL(), PG_TEXT(STR("a\tb\\"))};
    pg_copy_head(&b, false);
    pg_copy_row(&b, false, args, 3);
    pg_copy_tail(&b, false);
    check("text", &b, STR("-2\t\\N\ta\\\tb\\\\\n"));
    pg_copy_head(&b, true);
    check("head", &b, STR("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"));
    pg_copy_row(&b, true, args, 3);
    check("row", &b,
          STR("\0\3\0\0\0\10\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff\xff\0\0\0\4a\tb\\"));
    const struct pg_arg more[] = {PG_TIME(946684800001), PG_JSON(STR("{}")), PG_I32(1),
                                  PG_I64S(NULL, 0)};
    pg_copy_row(&b, true, more, 4);
    check("kinds", &b,
          STR("\0\4\0\0\0\10\0\0\0\0\0\0\3\xe8\0\0\0\3\1{}\0\0\0\4\0\0\0\1"
              "\0\0\0\14\0\0\0\0\0\0\0\0\0\0\0\24"));
    pg_copy_tail(&b, true);
    check("tail", &b, STR("\xff\xff"));
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_literals),
        cmocka_unit_test(texts_are_cleaned),
        cmocka_unit_test(parameters),
        cmocka_unit_test(copy_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
