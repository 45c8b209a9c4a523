/* The Freshdesk client against a scripted peer: what it asks, what it costs, how it reads odd answers. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/wall.h"
#include "support/vendor.h"
#include "upstream/freshdesk.h"

static struct freshdesk_as as_of(const char *domain)
{
    return (struct freshdesk_as){
        .domain = str_from(domain), .api_key = STR("key"), .priority = PRIORITY_LIVE};
}

static struct freshdesk *open_freshdesk(struct flow *f, struct vendor_case *vc, uint32_t per_minute)
{
    const struct freshdesk_spec spec = {
        .web = vc->web, .base_url = vc->url, .per_minute = per_minute};
    return freshdesk_new(f->loop, &spec);
}

#define FRESHDESK_CASE(name, fn, ...)                                                              \
    static int name##_case(struct flow *f, struct vendor_case *vc)                                 \
    {                                                                                              \
        struct freshdesk *fd = open_freshdesk(f, vc, 0);                                           \
        int r = fn(f, vc, fd);                                                                     \
        freshdesk_free(fd);                                                                        \
        return r;                                                                                  \
    }                                                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        static const struct exchange talk[] = {__VA_ARGS__};                                       \
        vendor_run(#name, talk, ARRAY_COUNT(talk), false, name##_case);                            \
    }

#define LIMITS                                                                                     \
    "Content-Type: application/json\r\nx-ratelimit-TOTAL: 400.0\r\nX-Ratelimit-Remaining: 390\r\n"

static void find_account(void *context, struct account *a)
{
    *(struct account **)context = a;
}

/* ---- one ticket ---- */

static int ticket(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("https://ACME.freshdesk.com/a");
    struct ticket t;
    int r = freshdesk_ticket(f, fd, &as, 81, &t);
    if (r < 0)
        return r;
    CALM_CHECK(t.id == 81 && str_eq(t.subject, STR("로그인")));
    CALM_CHECK(str_eq(t.description_text, STR("안녕")));
    CALM_CHECK(vendor_seen(vc, "Host: acme.freshdesk.com\r\n") == 1);
    CALM_CHECK(vendor_seen(vc, "Authorization: Basic a2V5Olg=\r\n") == 1);
    struct account *a = NULL;
    freshdesk_each_account(fd, find_account, &a);
    struct bucket_stats stats = bucket_stats(account_bucket(a));
    CALM_CHECK(stats.per_window[0] == 400 && stats.per_window[1] == 100);
    return 0;
}
FRESHDESK_CASE(test_ticket, ticket,
               {.want = "GET /api/v2/tickets/81 HTTP/1.1\r\n",
                .headers = LIMITS "X-RateLimit-Used-CurrentRequest: 1\r\n",
                .body = "{\"id\":81,\"subject\":\"로그인\",\"description\":\"<p>안녕</p>\"}"})

static int archived(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct ticket t;
    (void)vc;
    int r = freshdesk_ticket(f, fd, &as, 5, &t);
    if (r < 0)
        return r;
    CALM_CHECK(t.id == 5);
    return 0;
}
FRESHDESK_CASE(test_archived, archived, {.want = "GET /api/v2/tickets/5 ", .status = 404},
               {.want = "GET /api/v2/tickets/archived/5 ", .body = "{\"id\":5,\"archived\":true}"})
FRESHDESK_CASE(test_archived_by_redirect, archived,
               {.want = "GET /api/v2/tickets/5 ", .status = 302, .headers = "Location: /x\r\n"},
               {.want = "GET /api/v2/tickets/archived/5 ", .body = "{\"id\":5,\"archived\":true}"})

static int absent(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct ticket t;
    (void)vc;
    FLOW_EXPECT(f, freshdesk_ticket(f, fd, &as, 6, &t), E_NOT_FOUND);
    return 0;
}
FRESHDESK_CASE(test_absent, absent, {.status = 404}, {.status = 404})

/* ---- refusals ---- */

static int refused(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct json me;
    FLOW_EXPECT(f, freshdesk_me(f, fd, &as, &me), E_UPSTREAM_AUTH);
    CALM_CHECK(vendor_seen(vc, "GET ") == 1); /* not tried again: lock-out */
    return 0;
}
FRESHDESK_CASE(
    test_refused, refused,
    {.want = "GET /api/v2/agents/me ",
     .status = 401,
     .body = "{\"code\":\"invalid_credentials\",\"message\":\"You have to be logged in\"}"})

static int foreign(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    static const char *const domains[] = {"evil.com", "127.0.0.1", "acme.freshdesk.com:80", ""};
    struct json me;
    for (size_t i = 0; i < ARRAY_COUNT(domains); i++) {
        struct freshdesk_as as = as_of(domains[i]);
        FLOW_EXPECT(f, freshdesk_me(f, fd, &as, &me), E_INPUT);
    }
    struct freshdesk_as as = as_of("acme");
    as.api_key = STR("k\r\nX: y");
    FLOW_EXPECT(f, freshdesk_me(f, fd, &as, &me), E_UPSTREAM_AUTH);
    as.api_key = STR_NONE;
    FLOW_EXPECT(f, freshdesk_me(f, fd, &as, &me), E_UPSTREAM_AUTH);
    FLOW_CHECK(peer_accepted(vc->peer) == 0);
    return 0;
}
FRESHDESK_CASE(test_foreign, foreign, {.body = "{}"})

static int html_then_good(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct json me;
    int r = freshdesk_me(f, fd, &as, &me);
    if (r < 0)
        return r;
    CALM_CHECK(json_i64(json_get(me, "id"), 0) == 3);
    CALM_CHECK(vendor_seen(vc, "GET ") == 2);
    return 0;
}
FRESHDESK_CASE(test_bad_gateway, html_then_good,
               {.status = 502,
                .headers = "Content-Type: text/html\r\n",
                .body = "<html>Bad gateway</html>"},
               {.body = "{\"id\":3}"})

FRESHDESK_CASE(test_maintenance, html_then_good,
               {.headers = "Content-Type: text/html\r\n", .body = "<html>We will be back</html>"},
               {.body = "{\"id\":3}"})

static int garbage(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct json me;
    (void)vc;
    FLOW_EXPECT(f, freshdesk_me(f, fd, &as, &me), E_PROTOCOL);
    FLOW_EXPECT(f, freshdesk_me(f, fd, &as, &me), E_PROTOCOL);
    return 0;
}
FRESHDESK_CASE(test_garbage, garbage,
               {.headers = "Content-Type: text/html\r\n", .body = "<html>login</html>"},
               {.body = "[]"})

/* 429 without Retry-After waits a minute, with it as long as it says, for the whole account. */
static int limited(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct json me;
    uint64_t start_ms = loop_now_ms(f->loop);
    (void)vc;
    int r = freshdesk_me(f, fd, &as, &me);
    if (r < 0)
        return r;
    CALM_CHECK(loop_now_ms(f->loop) - start_ms >= 60000 + 34000);
    return 0;
}
FRESHDESK_CASE(test_limited, limited, {.status = 429},
               {.status = 429, .headers = "Retry-After: 34\r\n"}, {.body = "{\"id\":3}"})

/* ---- lists ---- */

static int lists(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct ticket_list list = {
        .updated_since = WALL_NONE, .page = 1, .description = true, .stats = true};
    struct ticket_page page;
    (void)vc;
    int r = freshdesk_tickets(f, fd, &as, &list, &page);
    if (r < 0)
        return r;
    CALM_CHECK(page.count == 2 && page.more && page.tickets[1].id == 9);
    list = (struct ticket_list){
        .updated_since = 1700000000999, .page = 3, .per_page = 2, .filter = "deleted"};
    r = freshdesk_tickets(f, fd, &as, &list, &page);
    if (r < 0)
        return r;
    CALM_CHECK(page.count == 1 && !page.more);
    list.filter = NULL;
    FLOW_EXPECT(f, freshdesk_tickets(f, fd, &as, &list, &page), E_UPSTREAM_INPUT);
    struct account *a = NULL;
    freshdesk_each_account(fd, find_account, &a);
    struct bucket_stats stats = bucket_stats(account_bucket(a));
    CALM_CHECK(stats.used_total[0] >= 7 && stats.used_total[1] >= 7);
    return 0;
}
FRESHDESK_CASE(
    test_lists, lists,
    {.want = "GET /api/v2/tickets?order_by=updated_at&order_type=asc&per_page=100&page=1&"
             "updated_since=1970-01-01T00:00:00Z&include=description,stats HTTP",
     .headers = LIMITS "X-RateLimit-Used-CurrentRequest: 5\r\nLink: <http://x/y>; rel=\"next\"\r\n",
     .body = "[{\"id\":8},{\"subject\":\"no id\"},{\"id\":9}]"},
    {.want = "&per_page=2&page=3&updated_since=2023-11-14T22:13:20Z&filter=deleted HTTP",
     .body = "[{\"id\":8}]"},
    {.status = 400,
     .body =
         "{\"description\":\"Validation failed\",\"errors\":[{\"field\":\"page\",\"message\":\"You "
         "cannot access tickets beyond the 300th page.\",\"code\":\"invalid_value\"}]}"})

/* More domains than are kept: the one idle longest goes. */
static void count_account(void *context, struct account *a)
{
    (void)a;
    ++*(size_t *)context;
}

static int many_case(struct flow *f, struct vendor_case *vc)
{
    struct freshdesk *fd = open_freshdesk(f, vc, 0);
    int r = 0, count = torture_is_on() ? 3 : 1030;
    size_t kept = 0;
    for (int i = 0; r >= 0 && i < count; i++) {
        struct freshdesk_as as = as_of(arena_printf(&f->arena, "shop-%d", i).ptr);
        struct json me;
        r = freshdesk_me(f, fd, &as, &me);
    }
    freshdesk_each_account(fd, count_account, &kept);
    freshdesk_free(fd);
    if (r < 0)
        return r;
    CALM_CHECK(kept == 1024);
    return 0;
}

static void test_many(void **state)
{
    (void)state;
    static const struct exchange talk[] = {{.body = "{\"id\":1}", .cut = true}};
    vendor_run("test_many", talk, 1, true, many_case);
}

/* A page too large to be parsed on the loop. */
static int large_case(struct flow *f, struct vendor_case *vc)
{
    struct freshdesk *fd = open_freshdesk(f, vc, 0);
    struct freshdesk_as as = as_of("acme");
    struct ticket_list list = {.updated_since = WALL_NONE, .page = 1, .description = true};
    struct ticket_page page = {.count = 0};
    int r = freshdesk_tickets(f, fd, &as, &list, &page);
    freshdesk_free(fd);
    if (r < 0)
        return r;
    CALM_CHECK(page.count == 1 && page.tickets[0].description_text.len == 900000);
    return 0;
}

static void test_large(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(0);
    buf_text(&body, "[{\"id\":8,\"description_text\":\"");
    for (int i = 0; i < 300000; i++)
        buf_text(&body, "가");
    buf_text(&body, "\"}]");
    const struct exchange talk[] = {{.body = body.ptr}};
    vendor_run("test_large", talk, 1, false, large_case);
    buf_done(&body);
}

static int search(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct ticket_page page;
    int64_t total = 0;
    (void)vc;
    int r = freshdesk_search(f, fd, &as, STR("created_at:>'2026-01-01' AND status:2"), 1, &page,
                             &total);
    if (r < 0)
        return r;
    CALM_CHECK(page.count == 1 && total == 49 && page.more);
    FLOW_EXPECT(f, freshdesk_search(f, fd, &as, STR("a\"b"), 1, &page, &total), E_INPUT);
    FLOW_EXPECT(f, freshdesk_search(f, fd, &as, STR("a"), 11, &page, &total), E_INPUT);
    return 0;
}
FRESHDESK_CASE(
    test_search, search,
    {.want = "GET /api/v2/search/tickets?query=%22created_at%3A%3E%272026-01-01%27%20AND%20"
             "status%3A2%22&page=1 HTTP",
     .body = "{\"total\":49,\"results\":[{\"id\":1}]}"})

/* ---- conversations ---- */

static int talks(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct conversation *talk = NULL;
    size_t count = 0;
    (void)vc;
    int r = freshdesk_conversations(f, fd, &as, 4, &talk, &count);
    if (r < 0)
        return r;
    CALM_CHECK(count == 3);
    CALM_CHECK(count == 3 && talk[0].id == 1 && talk[1].id == 2 && talk[2].id == 3);
    CALM_CHECK(count == 3 && str_eq(talk[1].body_text, STR("둘")) && talk[2].is_private);
    return 0;
}
FRESHDESK_CASE(
    test_talks, talks,
    {.want = "GET /api/v2/tickets/4/conversations?per_page=100&page=1 ",
     .headers = "Link: <http://x>; rel=\"next\"\r\n",
     .body = "[{\"id\":3,\"private\":true,\"source\":2,\"created_at\":\"2026-01-03T00:00:00Z\"},"
             "{\"id\":1,\"created_at\":\"2026-01-01T00:00:00Z\"}]"},
    {.want = "conversations?per_page=100&page=2 ",
     .headers = "Link: <http://x>; rel=\"next\"\r\n",
     .body = "[{\"id\":2,\"body\":\"<b>둘</"
             "b>\",\"created_at\":\"2026-01-02T09:00:00+09:00\"},{\"id\":1}]"},
    {.want = "conversations?per_page=100&page=3 ", /* one that repeats itself ends the walk */
     .headers = "Link: <http://x>; rel=\"next\"\r\n",
     .body = "[{\"id\":1},{\"id\":2}]"})
FRESHDESK_CASE(
    test_talks_archived, talks, {.want = "GET /api/v2/tickets/4/conversations", .status = 404},
    {.want = "GET /api/v2/tickets/archived/4/conversations?per_page=100&page=1 ",
     .body = "[{\"id\":1,\"created_at\":\"2026-01-01T00:00:00Z\"},{\"id\":2,\"body_text\":\"둘\","
             "\"created_at\":\"2026-01-02T00:00:00Z\"},{\"id\":3,\"private\":true,"
             "\"created_at\":\"2026-01-03T00:00:00Z\"}]"})

/* ---- articles ---- */

struct seen {
    struct article_visitor visitor;
    size_t article_count, failed_count;
    int64_t id_sum, failed_id;
    bool named;
    int give; /* what `each` returns */
};

static int on_articles(struct flow *f, struct article_visitor *v, struct article *articles,
                       size_t count)
{
    struct seen *s = container_of(v, struct seen, visitor);
    for (size_t i = 0; i < count; i++) {
        s->id_sum += articles[i].id;
        s->named |= str_eq(articles[i].folder_name, STR("하위")) && articles[i].visibility == 3 &&
                    str_eq(articles[i].category_name, STR("일반"));
    }
    s->article_count += count;
    return s->give < 0 ? err_set(&f->err, s->give, "enough") : 0;
}

static void on_failed(struct article_visitor *v, int64_t folder_id, const struct err *err)
{
    struct seen *s = container_of(v, struct seen, visitor);
    s->failed_count++;
    s->failed_id = folder_id;
    (void)err;
}

static int articles(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct seen s = {.visitor = {.each = on_articles, .failed = on_failed}};
    (void)vc;
    int r = freshdesk_articles(f, fd, &as, &s.visitor);
    if (r < 0)
        return r;
    CALM_CHECK(s.article_count == 3 && s.id_sum == 111);
    CALM_CHECK(s.failed_count == 1 && s.failed_id == 20);
    CALM_CHECK(s.named);
    return 0;
}
FRESHDESK_CASE(
    test_articles, articles,
    {.want = "GET /api/v2/solutions/categories?", .body = "[{\"id\":1,\"name\":\"일반\"}]"},
    {.want = "/solutions/categories/1/folders?",
     .body = "[{\"id\":10,\"name\":\"위\",\"visibility\":1},{\"id\":20,\"sub_folders_count\":0}]"},
    {.want = "/solutions/folders/10/articles?per_page=100&page=1 ",
     .body = "[{\"id\":1,\"title\":\"가\",\"description\":\"<p>x</p>\"},{\"id\":10}]"},
    /* A cycle: 10 is its own grandchild. */
    {.want = "/solutions/folders/10/subfolders?",
     .body = "[{\"id\":30,\"name\":\"하위\",\"visibility\":3,\"sub_folders_count\":1}]"},
    {.want = "/solutions/folders/20/articles?",
     .status = 403,
     .body = "{\"code\":\"require_feature\",\"message\":\"no\"}"},
    {.want = "/solutions/folders/30/articles?", .body = "[{\"id\":100}]"},
    {.want = "/solutions/folders/30/subfolders?", .body = "[{\"id\":10},{\"id\":30}]"})

static int articles_refused(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct seen s = {.visitor = {.each = on_articles}};
    (void)vc;
    FLOW_EXPECT(f, freshdesk_articles(f, fd, &as, &s.visitor), E_UPSTREAM_AUTH);
    CALM_CHECK(s.article_count == 0);
    return 0;
}
FRESHDESK_CASE(test_articles_refused, articles_refused, {.body = "[{\"id\":1}]"},
               {.body = "[{\"id\":10},{\"id\":11}]"}, {.status = 401})

static int articles_stopped(struct flow *f, struct vendor_case *vc, struct freshdesk *fd)
{
    struct freshdesk_as as = as_of("acme");
    struct seen s = {.visitor = {.each = on_articles}, .give = E_DB_AWAY};
    (void)vc;
    FLOW_EXPECT(f, freshdesk_articles(f, fd, &as, &s.visitor), E_DB_AWAY);
    CALM_CHECK(s.article_count == 1);
    return 0;
}
FRESHDESK_CASE(test_articles_stopped, articles_stopped, {.body = "[{\"id\":1}]"},
               {.body = "[{\"id\":10},{\"id\":11}]"}, {.body = "[{\"id\":1}]"})

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticket),
        cmocka_unit_test(test_archived),
        cmocka_unit_test(test_archived_by_redirect),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_bad_gateway),
        cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_talks_archived),
        cmocka_unit_test(test_articles),
        cmocka_unit_test(test_articles_refused),
        cmocka_unit_test(test_articles_stopped),
    };
    return cmocka_run_group_tests_name("flow.freshdesk", tests, NULL, NULL);
}
