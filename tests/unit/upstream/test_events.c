/* Server-sent events: the field reports' list (llm-apis §8) as rows; each row whole, byte by byte and in
 * every cut into two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "upstream/events.h"

/* `want`: events one after another, each "name|data|id;". */
struct row {
    const char *name;
    struct str input;
    const char *want;
};

static const struct row rows[] = {
    {"lf", STR("data: a\n\ndata: b\n\n"), "|a|;|b|;"},
    {"crlf", STR("event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n"), "x|a|;|b|;"},
    {"cr", STR("event: x\rdata: a\r\rdata: b\r\r"), "x|a|;|b|;"},
    {"mixed ends", STR("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r"), "|a|;|b|;|c|;"},
    {"bom",
     STR("\xEF\xBB\xBF"
         "data: a\n\n"),
     "|a|;"},
    {"bom only once",
     STR("data: a\n\n\xEF\xBB\xBF"
         "data: b\n\n"),
     "|a|;"},
    {"no space", STR("event:token\ndata:{\"a\":1}\n\n"), "token|{\"a\":1}|;"},
    {"two spaces keep one", STR("data:  a\n\n"), "| a|;"},
    {"several data lines", STR("data: {\ndata: \"a\":1\ndata: }\n\n"), "|{\n\"a\":1\n}|;"},
    {"data line without colon", STR("data\ndata\n\n"), "|\n|;"},
    {"comments", STR(": ping\n\n:\n\n: x\ndata: a\n: y\n\n"), "|a|;"},
    {"comment only", STR(": keep-alive\n\n: keep-alive\n\n"), ""},
    {"empty data", STR("data:\n\ndata: \n\n"), "||;||;"},
    {"event without data", STR("event: x\n\ndata: a\n\n"), "|a|;"},
    {"unknown fields", STR("retry: 100\nfoo: bar\nnothing\ndata: a\n\n"), "|a|;"},
    {"no blank line at the end", STR("data: a\n\ndata: b\n"), "|a|;|b|;"},
    {"no line end at the end", STR("data: a\n\ndata: b"), "|a|;|b|;"},
    {"blank lines around", STR("\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n"), "|a|;|b|;"},
    {"name is reset", STR("event: x\ndata: a\n\ndata: b\n\n"), "x|a|;|b|;"},
    {"id is kept", STR("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"), "|a|1;|b|1;|c|;"},
    {"id with nul", STR("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"), "|a|1;|b|1;"},
    {"done", STR("data: [DONE]\n\n"), "|[DONE]|;"},
    {"done without space", STR("data:[DONE]\n\n"), "|[DONE]|;"},
    {"done without blank line", STR("data: [DONE]"), "|[DONE]|;"},
    {"error field", STR("error: {\"code\":500}\n\ndata: [DONE]\n\n"),
     "error|{\"code\":500}|;|[DONE]|;"},
    {"hangul", STR("data: \xEC\x95\x88\xEB\x85\x95\n\n"), "|\xEC\x95\x88\xEB\x85\x95|;"},
    {"colons in data", STR("data: a: b: c\n\n"), "|a: b: c|;"},
    {"colon without name", STR(":data: a\n\n"), ""},
    {"space before name", STR(" data: a\n\n"), ""},
    {"case matters", STR("DATA: a\n\n"), ""},
    {"clova",
     STR("id: 7f\nevent:token\ndata:{\"message\":{}}\n\nid: 80\nevent:result\ndata:{}\n\n"),
     "token|{\"message\":{}}|7f;result|{}|80;"},
    {"nothing", STR(""), ""},
    {"only line ends", STR("\r\n\r\n\n\r"), ""},
};

static void note(struct buf *out, const struct event *e)
{
    buf_printf(out, "%.*s|%.*s|%.*s;", STR_ARG(e->name), STR_ARG(e->data), STR_ARG(e->id));
}

static void feed(struct events_parser *p, struct str piece, struct buf *out)
{
    /* A copy of exactly the piece's size, so that checkers see a read past it. */
    char *copy = mem_realloc(NULL, piece.len ? piece.len : 1);
    if (piece.len)
        memcpy(copy, piece.ptr, piece.len);
    struct str left = str_of(copy, piece.len);
    struct event e;
    int r;
    while ((r = events_next(p, &left, &e)) == 1)
        note(out, &e);
    assert_int_equal(r, 0);
    assert_int_equal(left.len, 0);
    mem_free(copy);
}

/* `cut` SIZE_MAX: byte by byte; else two pieces. */
static void check(const struct row *row, size_t cut)
{
    struct events_parser p;
    struct buf got = BUF_INIT(0);
    struct event e;
    events_init(&p, 1 << 16);
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < row->input.len; i++)
            feed(&p, str_sub(row->input, i, 1), &got);
    } else {
        feed(&p, str_sub(row->input, 0, cut), &got);
        feed(&p, str_sub(row->input, cut, row->input.len), &got);
    }
    if (events_finish(&p, &e) == 1)
        note(&got, &e);
    if (!str_eq(buf_view(&got), str_from(row->want)))
        fail_msg("row %s, cut %zd: got %s, want %s", row->name, (ssize_t)cut,
                 got.ptr ? got.ptr : "", row->want);
    events_done(&p);
    buf_done(&got);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        for (size_t cut = 0; cut <= rows[i].input.len; cut++)
            check(&rows[i], cut);
}

static void test_rows_by_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check(&rows[i], SIZE_MAX);
}

/* A megabyte over the cap: in one line, in many lines, and as a comment that never ends. */
static void test_cap(void **state)
{
    (void)state;
    enum { CAP = 1000, BIG = 1 << 20 };
    char *big = mem_alloc(BIG);
    for (int shape = 0; shape < 3; shape++) {
        struct events_parser p;
        struct event e;
        memset(big, 'x', BIG);
        memcpy(big, "data:", 5);
        if (shape == 1)
            for (size_t i = 0; i + 10 <= BIG; i += 10)
                memcpy(big + i, "data:abcd\n", 10);
        if (shape == 2)
            memcpy(big, ": com", 5);
        events_init(&p, CAP);
        struct str piece = str_of(big, BIG);
        assert_int_equal(events_next(&p, &piece, &e), E_LIMIT);
        assert_true(p.line.len + p.data.len <= CAP);
        events_done(&p);
    }
    struct events_parser p;
    struct event e;
    events_init(&p, BIG + 16);
    memset(big, 'y', BIG);
    memcpy(big, "data:", 5);
    struct str piece = str_of(big, BIG);
    assert_int_equal(events_next(&p, &piece, &e), 0);
    piece = STR("\n\n");
    assert_int_equal(events_next(&p, &piece, &e), 1);
    assert_int_equal(e.data.len, BIG - 5);
    events_done(&p);
    mem_free(big);
}

/* What was given stays until the next call, and many events in one piece come one by one. */
static void test_borrowed(void **state)
{
    (void)state;
    struct events_parser p;
    struct event e;
    events_init(&p, 1000);
    struct str piece = STR("data: one\n\ndata: two\n\n");
    assert_int_equal(events_next(&p, &piece, &e), 1);
    assert_true(str_eq(e.data, STR("one")));
    assert_true(str_eq(piece, STR("data: two\n\n")));
    assert_int_equal(events_next(&p, &piece, &e), 1);
    assert_true(str_eq(e.data, STR("two")));
    assert_int_equal(events_next(&p, &piece, &e), 0);
    assert_int_equal(events_finish(&p, &e), 0);
    events_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_by_bytes),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_borrowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
