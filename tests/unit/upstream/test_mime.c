#include "unit/base/check.h"

#include "upstream/mime.h"
#include "upstream/smtp.h"

/* Mails as they travel. What Python's email package makes of them is shown end to end. */

static struct mime_mail sample(const struct str *to, size_t count)
{
    return (struct mime_mail){.from = STR("bot@example.com"),
                              .from_name = STR("상담 보고"),
                              .to = to,
                              .to_count = count,
                              .subject = STR("📊 채팅 키워드 분류 보고서 - 2024-03-15"),
                              .text = STR("안녕하세요.\r\n.\r\n..점"),
                              .html = STR("<p>안녕하세요</p>"),
                              .message_id = STR("<abc@example.com>"),
                              .date_ms = 1710464523000,
                              .attachment = STR("PK\x03\x04 bytes"),
                              .file_name = STR("채팅키워드분류보고서_2024-03-15.xlsx"),
                              .type = STR("application/octet-stream")};
}

static void test_write(void **state)
{
    (void)state;
    const struct str to[] = {STR("a@example.com"), STR("b@example.org")};
    struct mime_mail m = sample(to, 2);
    struct err err = {0};
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    _cleanup_(buf_done) struct buf again = BUF_INIT(0);
    CHECK("written", mime_write(&out, &m, &err) == 0 && mime_write(&again, &m, &err) == 0);
    CHECK("the same twice", str_eq(buf_view(&out), buf_view(&again)));
    static const char *const parts[] = {
        "Date: Fri, 15 Mar 2024 01:02:03 +0000\r\n",
        "To: <a@example.com>,\r\n <b@example.org>\r\n",
        "Subject: =?UTF-8?B?",
        "Message-ID: <abc@example.com>\r\n",
        "name=\"=?UTF-8?B?",
        "attachment;\r\n filename*=UTF-8''%EC%B1%84%ED%8C%85",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Type: text/html; charset=UTF-8",
    };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        CHECK(parts[i], str_find(buf_view(&out), str_from(parts[i]), 0) != SIZE_MAX);
    /* Lines: CRLF, at most 998 bytes, none begins with a dot, encoded words of at most 75. */
    struct str rest = buf_view(&out), line;
    while (str_cut(&rest, '\n', &line)) {
        CHECK("CRLF", line.len > 0 && line.ptr[line.len - 1] == '\r');
        CHECK("short", line.len <= 999);
        CHECK("no dot", line.ptr[0] != '.');
        size_t at = str_find(line, STR("=?UTF-8?B?"), 0), end = str_find(line, STR("?="), 0);
        CHECK("word", at == SIZE_MAX || end == SIZE_MAX || end + 2 - at <= 75);
        for (size_t i = 0; i + 1 < line.len; i++)
            CHECK("ASCII, no bare CR", (unsigned char)line.ptr[i] < 0x80 && line.ptr[i] != '\r');
    }
}

static void test_injection(void **state)
{
    (void)state;
    const struct str to[] = {STR("a@example.com")};
    struct mime_mail m = sample(to, 1);
    struct err err = {0};
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    m.subject = STR("x\r\nBcc: evil@example.com\r\n\r\nbody");
    CHECK("written", mime_write(&out, &m, &err) == 0);
    CHECK("no header of theirs", str_find(buf_view(&out), STR("\r\nBcc:"), 0) == SIZE_MAX);
    const struct str bad[] = {STR("a@b.c\r\nRCPT TO:<x@y.z>")};
    m = sample(bad, 1);
    CHECK("bad address", mime_write(&out, &m, &err) == E_INPUT);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool want;
    } rows[] = {
        {"a@b.kr", true}, {"first.last+tag@sub.example.com", true},
        {"a", false},     {"@b", false},
        {"a@", false},    {"a@b@c", false},
        {"a b@c", false}, {"<a@b>", false},
        {"a@b\n", false}, {"가@b.kr", false},
        {"a@.b", false},  {"", false},
        {"a@b.", false},  {"o'neil@example.ie", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK(rows[i].in, mime_is_address(str_from(rows[i].in)) == rows[i].want);
    struct arena a;
    struct str *items, wrong;
    size_t count;
    arena_init(&a, 0);
    smtp_recipients(&a, STR(" a@b.kr, 홍길동 <c@d.kr>;A@B.kr,,nobody, e@f.kr "), &items, &count,
                    &wrong);
    CHECK("three",
          count == 3 && str_eq(items[1], STR("c@d.kr")) && str_eq(items[2], STR("e@f.kr")));
    CHECK("wrong", str_eq(wrong, STR("nobody")));
    smtp_recipients(&a, STR_NONE, &items, &count, &wrong);
    CHECK("none", count == 0 && wrong.len == 0);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
