/*
 * The collector into PostgreSQL under torture: whichever call fails, wherever it is cancelled, the run ends
 * cleanly; undisturbed, every ticket it holds is in the database, too, with its files on disk.
 */
#include "flow/store_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collect/collect.h"
#include "store/load.h"
#include "store/tenants.h"
#include "support/vendor.h"

#define TICKET_1 "{\"id\":1,\"updated_at\":\"2026-01-01T00:00:01Z\",\"subject\":\"a\"}"
#define TICKET_2 "{\"id\":2,\"updated_at\":\"2026-01-01T00:00:02Z\",\"subject\":\"b\"}"
#define TALK "[{\"id\":11,\"body_text\":\"hello\"}]"

static const struct exchange talk[] = {
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "order_type=asc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "page=300&", .body = "[]"},
    {.want = "page=60&", .body = "[]"},
    {.want = "page=1&updated_since=1970-01-01T00:00:00Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "GET /api/v2/tickets/1/conversations", .body = TALK},
    {.want = "GET /api/v2/tickets/1 ", .body = "{\"id\":1,\"attachments\":[]}"},
    {.want = "GET /api/v2/tickets/2/conversations", .body = "[]"},
    {.want = "GET /api/v2/tickets/2 ", .body = "{\"id\":2,\"attachments\":[]}"},
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "updated_since=2025-12-31T23:58:02Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "filter=deleted", .body = "[]"},
    {.want = "filter=spam", .body = "[" TICKET_1 "]"},
};

static void make_texts(struct arena *a, const struct ticket *t, const struct conversation *talks,
                       size_t talk_count, struct item_texts *ret_texts)
{
    (void)a;
    (void)talks;
    (void)talk_count;
    *ret_texts = (struct item_texts){.id = t->id, .title = t->subject, .language = STR("en")};
}

static int collect(struct flow *f, struct vendor_case *vc, struct pg_pool *pool, const char *dir,
                   int64_t *ret_tenant)
{
    static int number;
    struct tenant tenant;
    int r = tenants_get_or_create(f, pool, arena_printf(&f->arena, "cl%d", number++),
                                  STR("acme.freshdesk.com"), &tenant);
    if (r < 0)
        return r;
    *ret_tenant = tenant.id;
    const struct freshdesk_spec spec = {
        .web = vc->web, .base_url = vc->url, .per_minute = 60000, .list_per_minute = 60000};
    struct freshdesk *fd = freshdesk_new(f->loop, &spec);
    const struct collect_deps deps = {
        .freshdesk = fd,
        .web = vc->web,
        .as = {STR("acme.freshdesk.com"), STR("key"), PRIORITY_LIVE},
        .pool = pool,
        .tenant_id = tenant.id,
        .salt = STR("salt"),
        .make_texts = make_texts,
    };
    const struct collect_spec run = {
        .dir = dir,
        .mode = "full",
        .talks = true,
        .attachments = true,
        .to_postgres = true,
        .chunk_size = 100,
        .save_interval = 1,
        .slice_count = 1,
        .thread_count = 1,
        .disk_pause_percent = 100,
        .memory_warn_percent = 100,
    };
    struct collect_report report = {.is_complete = false};
    r = collect_run(f, &deps, &run, &report);
    freshdesk_free(fd);
    CALM_CHECK(r >= 0 && report.is_complete && report.last.loaded_count == 2);
    return r;
}

static int check_rows(struct flow *f, struct pg_pool *pool, int64_t tenant)
{
    int64_t count;
    struct ticket ticket;
    struct conversation *talks;
    size_t talk_count;
    FLOW_OK(f, load_count(f, pool, tenant, &count));
    CALM_CHECK(count == 2);
    FLOW_OK(f, tickets_count(f, pool, tenant, &count, NULL));
    CALM_CHECK(count == 1); /* the other is spam */
    int r = tickets_get(f, pool, tenant, 2, &ticket, &talks, &talk_count);
    CALM_CHECK(r >= 0 && str_eq(ticket.subject, STR("b")) && talk_count == 0);
    return torture_is_on() ? 0 : r;
}

static int load_case(struct flow *f, struct vendor_case *vc)
{
    char dir[] = "/tmp/collect.XXXXXX", command[64];
    struct pg_spec spec = pg_test_spec(4);
    struct pg_pool *pool;
    int64_t tenant = 0;
    int r = pg_pool_new(f->loop, &spec, &pool, &f->err);
    if (r < 0)
        return r;
    r = mkdtemp(dir) ? collect(f, vc, pool, dir, &tenant) : -1;
    if (r >= 0)
        r = check_rows(f, pool, tenant);
    pg_pool_close(f, pool);
    pg_pool_free(pool);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    FLOW_CHECK(system(command) == 0);
    return r;
}

static void test_load(void **state)
{
    (void)state;
    vendor_run("collect.load", talk, ARRAY_COUNT(talk), false, load_case);
}

int main(void)
{
    if (getenv(
            "TORTURE_SHORT")) /* `make test`: some 250 rounds with a database take too long there */
        unsetenv("TORTURE");
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_load, store_test_setup)};
    return pg_test_main(tests);
}
