/* Freshdesk without its network: domains users type, and JSON into structs. */
#include "unit/base/check.h"

#include "base/arena.h"
#include "base/wall.h"
#include "upstream/freshdesk.h"

static void test_domain(void **state)
{
    (void)state;
    static const struct {
        const char *in, *domain, *company;
    } rows[] = {
        {"acme", "acme.freshdesk.com", "acme"},
        {"demo", "demo.freshdesk.com", "demo"},
        {" ACME.Freshdesk.Com\n", "acme.freshdesk.com", "acme"},
        {"acme.freshdesk.com", "acme.freshdesk.com", "acme"},
        {"https://acme.freshdesk.com", "acme.freshdesk.com", "acme"},
        {"HTTP://Acme.freshdesk.com/a/tickets/1?x=1#y", "acme.freshdesk.com", "acme"},
        {"acme.freshdesk.com/a/dashboard", "acme.freshdesk.com", "acme"},
        {"https://acme.freshdesk.com/@evil.com", "acme.freshdesk.com", "acme"},
        {"my-shop-2", "my-shop-2.freshdesk.com", "my-shop-2"},
        {"https://acme/", "acme.freshdesk.com", "acme"},
        {"a1.freshdesk.com", "a1.freshdesk.com", "a1"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str domain = STR_NONE, company = STR_NONE;
        struct err err = {.code = 0};
        CHECK_I64(rows[i].in,
                  freshdesk_domain_parse(&a, str_from(rows[i].in), &domain, &company, &err), 0);
        CHECK_STR(rows[i].in, domain, str_from(rows[i].domain));
        CHECK_STR(rows[i].in, company, str_from(rows[i].company));
    }
    arena_done(&a);
}

static void test_domain_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "  ",
        "a",
        "a.freshdesk.com",
        ".freshdesk.com",
        "freshdesk.com",
        "evil.com",
        "localhost",
        "http://localhost:9/",
        "127.0.0.1",
        "[::1]",
        "2130706433.",
        "acme.freshdesk.com:443",
        "acme.freshdesk.com.",
        "acme.freshdesk.com.evil.com",
        "evil.com/.freshdesk.com",
        "evil.com?.freshdesk.com",
        "evil.com#.freshdesk.com",
        "https://acme.freshdesk.com@evil.com",
        "user@acme.freshdesk.com",
        "user:pw@acme.freshdesk.com",
        "evil.com\\.freshdesk.com",
        "a.b.freshdesk.com",
        "acme.freshdesk.com.freshdesk.com",
        "acme%2efreshdesk.com",
        "ac me.freshdesk.com",
        "ac\nme",
        "ac\tme",
        "acme\r\nX: 1",
        "-acme",
        "acme-",
        "acme_x",
        "ａｃｍｅ",
        "회사",
        "http:///acme.freshdesk.com",
        "https://https://acme.freshdesk.com",
        "ftp://acme.freshdesk.com",
        "javascript:alert(1)",
        "//acme.freshdesk.com",
        "acme.myfreshdesk.com",
        "acmefreshdesk.com",
        "xfreshdesk.com",
        "acme,evil",
        "acme;evil",
        "acme'--",
        "\xff\xfe",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str domain = STR_NONE, company = STR_NONE;
        struct err err = {.code = 0};
        CHECK_I64(rows[i], freshdesk_domain_parse(&a, str_from(rows[i]), &domain, &company, &err),
                  E_INPUT);
        CHECK(rows[i], domain.len == 0 && err.msg[0] != '\0');
    }
    struct str domain, company;
    struct err err;
    CHECK_I64("NUL inside",
              freshdesk_domain_parse(&a, STR("acme\0.freshdesk.com"), &domain, &company, &err),
              E_INPUT);
    arena_done(&a);
}

static struct json parsed(struct arena *a, const char *text)
{
    struct json v = JSON_NONE;
    struct err err;
    CHECK_I64(text, json_parse(a, str_from(text), &v, &err), 0);
    return v;
}

static void test_ticket(void **state)
{
    (void)state;
    struct arena a;
    struct err err;
    struct ticket t;
    arena_init(&a, 0);
    struct json v = parsed(
        &a,
        "{\"id\":1070040306628,\"subject\":\"로그인 오류\",\"description\":\"<div>a<br>b</div>\","
        "\"status\":2,\"priority\":4,\"source\":15,\"requester_id\":158020261459,"
        "\"responder_id\":null,\"group_id\":null,\"tags\":[\"vip\",3,\"열\"],\"spam\":false,"
        "\"created_at\":\"2026-11-20T10:00:00Z\",\"updated_at\":\"2026-11-20T15:30:00+05:30\"}");
    CHECK_I64("ticket", ticket_from_json(&a, v, &t, &err), 0);
    CHECK_I64("id", t.id, 1070040306628);
    CHECK_STR("subject", t.subject, STR("로그인 오류"));
    CHECK_STR("text from html", t.description_text, STR("a\nb"));
    CHECK_I64("status", t.status, 2);
    CHECK_I64("source kept", t.source, 15);
    CHECK_I64("null id", t.responder_id, 0);
    CHECK_I64("tags", (int64_t)t.tag_count, 2);
    CHECK_STR("tag", t.tags[1], STR("열"));
    CHECK_I64("offset", t.updated_at, t.created_at);
    arena_done(&a);
}

static void test_ticket_odd(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int want;
    } rows[] = {
        {"{\"id\":7}", 0},
        {"{\"id\":\"7\"}", 0},
        {"{\"id\":7,\"subject\":null,\"tags\":null,\"status\":\"open\",\"created_at\":12}", 0},
        {"{\"id\":7,\"subject\":{},\"tags\":{\"a\":1},\"status\":[],\"updated_at\":\"yesterday\"}",
         0},
        {"{\"id\":7,\"status\":99999999999,\"spam\":\"yes\",\"description_text\":5}", 0},
        {"{}", E_JSON},
        {"{\"id\":null}", E_JSON},
        {"{\"id\":-1}", E_JSON},
        {"[]", E_JSON},
        {"\"x\"", E_JSON},
        {"null", E_JSON},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct err err;
        struct ticket t = {.id = 0};
        struct article article;
        struct conversation talk;
        struct json v = parsed(&a, rows[i].in);
        CHECK_I64(rows[i].in, ticket_from_json(&a, v, &t, &err), rows[i].want);
        CHECK_I64(rows[i].in, conversation_from_json(&a, v, &talk, &err), rows[i].want);
        CHECK_I64(rows[i].in, article_from_json(&a, v, &article, &err), rows[i].want);
        if (rows[i].want < 0)
            continue;
        CHECK_I64(rows[i].in, t.id, 7);
        CHECK_I64(rows[i].in, t.updated_at, WALL_NONE);
        CHECK_I64(rows[i].in, t.status, 0);
    }
    arena_done(&a);
}

static void test_conversation(void **state)
{
    (void)state;
    struct arena a;
    struct err err;
    struct conversation c;
    arena_init(&a, 0);
    struct json v = parsed(
        &a, "{\"id\":9,\"ticket_id\":3,\"body\":\"<p>안녕&amp;</p>\",\"body_text\":null,"
            "\"incoming\":true,\"private\":true,\"source\":2,\"user_id\":5}");
    CHECK_I64("talk", conversation_from_json(&a, v, &c, &err), 0);
    CHECK_STR("text from html", c.body_text, STR("안녕&"));
    CHECK("flags", c.incoming && c.is_private);
    v = parsed(&a, "{\"id\":9,\"body_text\":\"x\",\"source\":2}");
    CHECK_I64("note", conversation_from_json(&a, v, &c, &err), 0);
    CHECK("a note without a flag is private", c.is_private);
    v = parsed(&a, "{\"id\":9,\"body_text\":\"x\",\"source\":0}");
    CHECK_I64("reply", conversation_from_json(&a, v, &c, &err), 0);
    CHECK("a reply is not", !c.is_private);
    arena_done(&a);
}

static void test_status_name(void **state)
{
    (void)state;
    static const struct {
        int in;
        const char *want;
    } rows[] = {{2, "open"},
                {3, "pending"},
                {4, "resolved"},
                {5, "closed"},
                {6, "waiting_on_customer"},
                {7, "waiting_on_third_party"},
                {8, "custom"},
                {0, "custom"},
                {-1, "custom"},
                {1, "custom"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_TEXT(rows[i].want, ticket_status_name(rows[i].in), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domain),       cmocka_unit_test(test_domain_refuses),
        cmocka_unit_test(test_ticket),       cmocka_unit_test(test_ticket_odd),
        cmocka_unit_test(test_conversation), cmocka_unit_test(test_status_name),
    };
    return cmocka_run_group_tests_name("upstream.freshdesk", tests, NULL, NULL);
}
