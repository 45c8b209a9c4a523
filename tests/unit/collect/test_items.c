/*
 * Cutting arrays into items and reading tickets: rows of texts and what must come out; files read by blocks
 * with items over their edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/items.h"

static void test_next(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *items; /* joined by | */
    } rows[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"[1,2 , 3]", "1|2|3"},
        {"[{\"a\":\"]}\"},{\"b\":[1,{\"c\":2}]}]", "{\"a\":\"]}\"}|{\"b\":[1,{\"c\":2}]}"},
        {"[\"a\\\"b\",\"c\\\\\",\"d\"]", "\"a\\\"b\"|\"c\\\\\"|\"d\""},
        {"[\n  {\n    \"id\": 1\n  },\n  null\n]\n", "{\n    \"id\": 1\n  }|null"},
        {"[1,{\"cut\":", "1"},
        {"{\"no\":\"array\"}", ""},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf joined = BUF_INIT(0);
        struct str item;
        for (size_t at = 0; items_next(str_from(rows[i].text), &at, &item);) {
            if (joined.len > 0)
                buf_byte(&joined, '|');
            buf_str(&joined, item);
        }
        if (!str_eq(buf_view(&joined), str_from(rows[i].items)))
            fail_msg("row %zu: %s gave %s", i, rows[i].text, joined.ptr ? joined.ptr : "");
        buf_done(&joined);
    }
}

static void test_ticket(void **state)
{
    (void)state;
    struct item item;
    assert_true(item_read(
        STR("{\"id\":81,\"subject\":\"{\\\"id\\\":9\",\"nested\":{\"id\":7},\"updated_at\":"
            "\"2026-11-20T16:43:00Z\",\"created_at\":\"2026-11-20T22:13:00+05:30\",\"stats\":{"
            "\"agent_responded_at\":null,\"requester_responded_at\":null}}"),
        &item));
    assert_int_equal(item.id, 81);
    assert_int_equal(item.updated_s, 1795192980);
    assert_int_equal(item.created_s, 1795192980);
    assert_true(item.is_silent);
    assert_int_equal(item.talks.len, 0);
    assert_true(item_read(STR("{\"id\":81,\"updated_at\":\"2026-11-20T16:43:01Z\",\"created_at\":"
                              "\"2026-11-20T16:43:00Z\",\"stats\":{\"agent_responded_at\":null,"
                              "\"requester_responded_at\":null}}"),
                          &item));
    assert_false(item.is_silent); /* something has happened: it may be a private note */
    assert_true(item_read(STR("{\"id\":\"5\",\"conversations\":[{\"id\":1}],\"stats\":"
                              "{\"agent_responded_at\":null}}"),
                          &item));
    assert_int_equal(item.id, 5);
    assert_false(item.is_silent); /* stats that leave one out prove nothing */
    assert_true(str_eq(item.talks, STR("[{\"id\":1}]")));
    assert_false(item_read(STR("{\"subject\":\"none\"}"), &item));
    assert_false(item_read(STR("[1]"), &item));
    assert_false(item_read(STR_NONE, &item));
}

/* Writes `text` to a file and reads its items; returns the last result. */
static int read_back(struct str text, size_t *ret_count, size_t *ret_bytes)
{
    char path[] = "/tmp/items.XXXXXX";
    int fd = mkstemp(path);
    struct err err;
    struct str item;
    struct items_file file = ITEMS_FILE_INIT;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
    close(fd);
    assert_true(items_file_open(&file, path, &err) >= 0);
    unlink(path);
    int r;
    *ret_count = *ret_bytes = 0;
    while ((r = items_file_next(&file, &item, &err)) > 0) {
        ++*ret_count;
        *ret_bytes += item.len;
    }
    items_file_close(&file);
    return r;
}

static void test_file(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(0);
    size_t count, bytes, want = 0;
    buf_text(&text, "\xef\xbb\xbf [\n");
    for (int i = 0; i < 3000; i++) {
        size_t before = text.len;
        buf_printf(&text, "{\"id\":%d,\"text\":\"", i);
        for (int k = 0; k < i % 700; k++)
            buf_byte(&text, k % 5 ? 'x' : ']');
        buf_text(&text, "\"}");
        want += text.len - before;
        buf_text(&text, i < 2999 ? ",\n" : "\n]\n");
    }
    assert_int_equal(read_back(buf_view(&text), &count, &bytes), 0);
    assert_int_equal(count, 3000);
    assert_int_equal(bytes, want);
    assert_int_equal(read_back(str_sub(buf_view(&text), 0, text.len / 2), &count, &bytes), E_JSON);
    assert_true(count > 1000);
    buf_done(&text);
    assert_int_equal(read_back(STR("[]"), &count, &bytes), 0);
    assert_int_equal(count, 0);
    assert_int_equal(read_back(STR("{}"), &count, &bytes), E_JSON);
    assert_int_equal(read_back(STR(""), &count, &bytes), E_JSON);
    assert_int_equal(read_back(STR("[1,2"), &count, &bytes), E_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_ticket),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
