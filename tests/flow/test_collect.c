/*
 * The collector against a scripted vendor, under torture: whichever call fails, wherever it is cancelled, the
 * run ends cleanly and the next one, undisturbed, holds every ticket once.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/archive.h"
#include "collect/collect.h"
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
    {.want = "GET /api/v2/tickets/2/conversations", .body = "[]"},
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "updated_since=2025-12-31T23:58:02Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "filter=deleted", .body = "[]"},
    {.want = "filter=spam", .body = "[" TICKET_1 "]"},
};

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

static int collect(struct flow *f, struct vendor_case *vc, const char *dir)
{
    const struct freshdesk_spec spec = {
        .web = vc->web, .base_url = vc->url, .per_minute = 60000, .list_per_minute = 60000};
    struct freshdesk *fd = freshdesk_new(f->loop, &spec);
    const struct collect_deps deps = {
        .freshdesk = fd,
        .web = vc->web,
        .as = {STR("acme.freshdesk.com"), STR("key"), PRIORITY_LIVE},
    };
    const struct collect_spec run = {
        .dir = dir,
        .mode = "full",
        .talks = true,
        .chunk_size = 100,
        .save_interval = 1,
        .slice_count = 1,
        .thread_count = 1,
        .disk_pause_percent = 100,
        .memory_warn_percent = 100,
    };
    struct collect_report report;
    int r = collect_run(f, &deps, &run, &report);
    freshdesk_free(fd);
    if (r < 0)
        return r;
    FLOW_CHECK(report.is_complete);
    FLOW_CHECK(report.last.held_count == 2 || torture_is_on());
    FLOW_CHECK(report.last.talk_count <= 2);
    FLOW_CHECK(report.last.gone_count == 1 || torture_is_on());
    return 0;
}

/* What lies in the folder can be read whatever became of the run. */
static int check_folder(const char *dir)
{
    struct archive a;
    struct err err = {0};
    const struct archive_spec spec = {.dir = dir, .read_only = true};
    int r = archive_open(&a, &spec, &err);
    uint64_t held = a.held_count;
    archive_close(&a);
    FLOW_CHECK(r >= 0 || torture_is_on());
    FLOW_CHECK(held <= 2);
    return 0;
}

static int whole_case(struct flow *f, struct vendor_case *vc)
{
    char dir[] = "/tmp/collect.XXXXXX";
    if (mkdtemp(dir) == NULL)
        return -1;
    int r = collect(f, vc, dir);
    int checked = check_folder(dir);
    remove_dir(dir);
    return r < 0 ? r : checked;
}

static void test_whole(void **state)
{
    (void)state;
    vendor_run("collect.whole", talk, ARRAY_COUNT(talk), false, whole_case);
}

static const struct exchange refused[] = {
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "order_type=asc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.status = 401, .body = "{\"code\":\"invalid_credentials\",\"message\":\"no\"}"},
};

static int refused_case(struct flow *f, struct vendor_case *vc)
{
    char dir[] = "/tmp/collect.XXXXXX";
    if (mkdtemp(dir) == NULL)
        return -1;
    int r = collect(f, vc, dir);
    remove_dir(dir);
    if (r != E_UPSTREAM_AUTH && torture_is_on())
        return r < 0 ? r : -1;
    FLOW_CHECK(r == E_UPSTREAM_AUTH);
    return 0;
}

static void test_refused(void **state)
{
    (void)state;
    vendor_run("collect.refused", refused, ARRAY_COUNT(refused), false, refused_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
