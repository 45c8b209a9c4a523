/* The reader of streamed solutions: same result in one piece and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "assist/steps.h"

static const struct source sources[] = {
    {.n = 1,
     .kb = true,
     .title = STR("캐시 안내"),
     .text = STR("설정에서 캐시를 삭제합니다.\n1. 앱을 다시 켭니다.\n2.\n--")},
    {.n = 2, .title = STR("Ticket 7"), .text = STR("We reset the token <now>. Then it worked.")},
};

/* "title|text [n] "quote"|..." a line an item */
static void describe(const struct steps_reader *r, struct buf *out)
{
    for (size_t i = 0; i < r->item_count; i++) {
        buf_str(out, r->items[i].title);
        for (size_t k = 0; k < r->items[i].step_count; k++) {
            const struct step *s = &r->items[i].steps[k];
            buf_printf(out, "|%.*s [%d] \"%.*s\"", STR_ARG(s->text), s->source, STR_ARG(s->quote));
        }
        buf_byte(out, '\n');
    }
}

static const struct row {
    const char *name, *text, *want, *show;
    int dropped_quotes, dropped_steps;
    bool none;
} rows[] = {
    {"as told",
     "## 캐시 삭제\n- 캐시를 지운다 [1] <<캐시를 삭제합니다>>\n- 재시작 [1] <<앱을 다시 "
     "켭니다.>>\n",
     "캐시 삭제|캐시를 지운다 [1] \"캐시를 삭제합니다\"|재시작 [1] \"앱을 다시 켭니다.\"\n",
     "## 캐시 삭제\n- 캐시를 지운다 [1] \n- 재시작 [1] \n", 0, 0, false},
    {"no line break at the end", "## a\n- b [2] <<reset the token>>",
     "a|b [2] \"reset the token\"\n", "## a\n- b [2] ", 0, 0, false},
    {"a quote that is not there", "## a\n- b [1] <<없는 문장입니다>>\n", "a|b [1] \"\"\n",
     "## a\n- b [1] \n", 1, 0, false},
    {"a source that is not there", "## a\n- b [9] <<캐시를 삭제합니다>>\n", "", "## a\n- b [9] \n",
     0, 1, false},
    {"no source", "## a\n- b\n- c [x]\n", "", "## a\n- b\n- c [x]\n", 0, 2, false},
    {"no title", "- b [1]\n", "캐시 안내|b [1] \"\"\n", "- b [1]\n", 0, 0, false},
    {"prose only", "죄송하지만 알 수 없습니다.\n", "", "죄송하지만 알 수 없습니다.\n", 0, 0, false},
    {"an angle bracket is no quote", "## a\n- if x < 3 [2]\n", "a|if x < 3 [2] \"\"\n",
     "## a\n- if x < 3 [2]\n", 0, 0, false},
    {"a quote never closed", "## a\n- b [2] <<Then it worked.\n", "a|b [2] \"Then it worked.\"\n",
     "## a\n- b [2] \n", 0, 0, false},
    {"brackets in the text", "## a\n- open [File] menu [2]\n", "a|open [File] menu [2] \"\"\n",
     "## a\n- open [File] menu [2]\n", 0, 0, false},
    {"one solution too many",
     "## a\n- s [1]\n## b\n- s [1]\n## c\n- s [1]\n## d\n- s [1]\n## e\n- s [1]\n## f\n- t [1]\n",
     "a|s [1] \"\"\nb|s [1] \"\"\nc|s [1] \"\"\nd|s [1] \"\"\ne|s [1] \"\"\n",
     "## a\n- s [1]\n## b\n- s [1]\n## c\n- s [1]\n## d\n- s [1]\n## e\n- s [1]\n## f\n- t [1]\n",
     0, 1, false},
    {"a title without steps", "## a\n## b\n- c [1]\n", "b|c [1] \"\"\n", "## a\n## b\n- c [1]\n", 0,
     0, false},
    {"nothing fits", "없음", "", "", 0, 0, true},
    {"nothing fits, with manners", "\nNONE.\n", "", "", 0, 0, true},
    {"a word that only begins like it", "NONEXISTENT\n", "", "NONEXISTENT\n", 0, 0, false},
    {"an empty answer", "", "", "", 0, 0, false},
};

static void check(const struct row *row, size_t piece_len)
{
    struct arena a;
    arena_init(&a, 0);
    struct buf show = BUF_INIT(0), got = BUF_INIT(0);
    struct steps_reader r;
    steps_init(&r, &a, sources, ARRAY_COUNT(sources));
    struct str text = str_from(row->text);
    for (size_t at = 0; at < text.len; at += piece_len)
        steps_feed(&r, str_sub(text, at, piece_len), &show);
    steps_finish(&r, &show);
    describe(&r, &got);
    if (!str_eq(buf_view(&got), str_from(row->want)) ||
        !str_eq(buf_view(&show), str_from(row->show)))
        print_error("row: %s (pieces of %zu)\ngot:\n%s\nshown:\n%s\n", row->name, piece_len,
                    buf_view(&got).ptr, buf_view(&show).ptr);
    assert_true(str_eq(buf_view(&got), str_from(row->want)));
    assert_true(str_eq(buf_view(&show), str_from(row->show)));
    assert_int_equal(r.dropped_quotes, row->dropped_quotes);
    assert_int_equal(r.dropped_steps, row->dropped_steps);
    assert_int_equal(r.none, row->none);
    steps_done(&r);
    buf_done(&show);
    buf_done(&got);
    arena_done(&a);
}

static void reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        check(&rows[i], 100000);
        check(&rows[i], 1);
        check(&rows[i], 7);
    }
}

static void extracting(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct steps_reader r;
    steps_init(&r, &a, sources, ARRAY_COUNT(sources));
    steps_extract(&r);
    struct buf got = BUF_INIT(0);
    describe(&r, &got);
    assert_string_equal(buf_view(&got).ptr,
                        "캐시 안내|설정에서 캐시를 삭제합니다. [1] \"설정에서 캐시를 삭제합니다.\""
                        "|앱을 다시 켭니다. [1] \"앱을 다시 켭니다.\"\n"
                        "Ticket 7|We reset the token <now>. [2] \"We reset the token <now>.\""
                        "|Then it worked. [2] \"Then it worked.\"\n");
    steps_done(&r);
    buf_done(&got);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(extracting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
