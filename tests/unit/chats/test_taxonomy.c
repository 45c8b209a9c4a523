/* Categories of files and tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chats/taxonomy.h"

static void shipped(void **state)
{
    (void)state;
    struct arena a;
    struct taxonomy t;
    arena_init(&a, 0);
    taxonomy_shipped(&a, &t);
    assert_int_equal(t.count, 11);
    /* legacy-contracts §5.5: names and the default's id are what old databases hold. */
    static const char *const names[] = {"학교폭력",     "교권보호 (교육활동 보호)",
                                        "학생 생활",    "평가(성적) 관련",
                                        "전학, 편입",   "입학 관련",
                                        "검정고시",     "교원 임용고시 관련",
                                        "제 증명 관련", "정보공개",
                                        "기타"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct category *c = taxonomy_find(&t, (int64_t)i + 1);
        assert_non_null(c);
        assert_true(str_eq(c->name, str_from(names[i])));
        assert_ptr_equal(taxonomy_named(&t, c->name), c);
    }
    struct buf out = BUF_INIT(0);
    taxonomy_write(&out, &t);
    assert_true(str_starts(buf_view(&out), STR("1 | 학교폭력 | ")));
    assert_true(str_find(buf_view(&out), STR("\n11 | 기타 | "), 0) != SIZE_MAX);
    buf_done(&out);
    arena_done(&a);
}

static void faults(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
        bool good;
    } rows[] = {
        {"one", "{\"categories\":[{\"id\":5,\"name\":\"가\"}]}", true},
        {"with a hint", "{\"categories\":[{\"id\":5,\"name\":\"가\",\"hint\":\"나\"}]}", true},
        {"none", "{\"categories\":[]}", false},
        {"no list", "{\"categories\":{}}", false},
        {"no JSON", "categories: 1", false},
        {"id is text", "{\"categories\":[{\"id\":\"5\",\"name\":\"가\"}]}", false},
        {"id is 0", "{\"categories\":[{\"id\":0,\"name\":\"가\"}]}", false},
        {"id is too large", "{\"categories\":[{\"id\":2147483648,\"name\":\"가\"}]}", false},
        {"no name", "{\"categories\":[{\"id\":5,\"name\":\"  \"}]}", false},
        {"two lines", "{\"categories\":[{\"id\":5,\"name\":\"a\\nb\"}]}", false},
        {"a bar", "{\"categories\":[{\"id\":5,\"name\":\"a|b\"}]}", false},
        {"id twice", "{\"categories\":[{\"id\":5,\"name\":\"가\"},{\"id\":5,\"name\":\"나\"}]}",
         false},
        {"name twice", "{\"categories\":[{\"id\":5,\"name\":\"가\"},{\"id\":6,\"name\":\"가\"}]}",
         false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        struct taxonomy t;
        struct err err = {.code = 0};
        arena_init(&a, 0);
        int r = taxonomy_parse(&a, str_from(rows[i].json), &t, &err);
        if ((r == 0) != rows[i].good)
            print_error("row: %s: %s\n", rows[i].name, err.msg);
        assert_int_equal(r, rows[i].good ? 0 : E_CONFIG);
        assert_true(rows[i].good || err.msg[0]);
        arena_done(&a);
    }
}

static void tables(void **state)
{
    (void)state;
    struct arena a;
    struct taxonomy file, t;
    struct err err;
    arena_init(&a, 0);
    taxonomy_shipped(&a, &file);
    const struct chat_category rows[] = {
        {.id = 50, .name = STR("전학, 편입")}, {.id = 51, .name = STR("새 분류")},
        {.id = 52, .name = STR(" ")},          {.id = 53, .name = STR("새 분류")},
        {.id = 0, .name = STR("없음")},        {.id = 110, .name = STR("기타")}};
    assert_int_equal(
        taxonomy_from_table(&a, rows, ARRAY_COUNT(rows), &file, STR("51, 7"), &t, &err), 0);
    assert_int_equal(t.count, 3);
    assert_true(taxonomy_find(&t, 50)->hint.len > 0);
    assert_null(taxonomy_find(&t, 51));
    assert_int_equal(taxonomy_find(&t, 53)->hint.len, 0);
    assert_int_equal(taxonomy_from_table(&a, rows, 1, &file, STR("50"), &t, &err), E_CONFIG);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped),
        cmocka_unit_test(faults),
        cmocka_unit_test(tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
