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

/* What differs from case to case. */
struct setting {
    const struct collect_sensors *sensors;
    struct collect_watcher *watcher;
    uint32_t delay_ms, thread_count;
    uint32_t disk_pause_percent, memory_warn_percent;
    struct collect_progress *ret_last; /* may be NULL */
};
static const struct setting plain = {
    .thread_count = 1, .disk_pause_percent = 100, .memory_warn_percent = 100};

static int collect(struct flow *f, struct vendor_case *vc, const char *dir,
                   const struct setting *setting)
{
    const struct freshdesk_spec spec = {
        .web = vc->web, .base_url = vc->url, .per_minute = 60000, .list_per_minute = 60000};
    struct freshdesk *fd = freshdesk_new(f->loop, &spec);
    const struct collect_deps deps = {
        .sensors = setting->sensors,
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
        .thread_count = setting->thread_count,
        .delay_ms = setting->delay_ms,
        .watcher = setting->watcher,
        .disk_pause_percent = setting->disk_pause_percent,
        .memory_warn_percent = setting->memory_warn_percent,
    };
    struct collect_report report = {.is_complete = false};
    int r = collect_run(f, &deps, &run, &report);
    freshdesk_free(fd);
    if (setting->ret_last)
        *setting->ret_last = report.last;
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

static int in_folder(struct flow *f, struct vendor_case *vc, const struct setting *setting)
{
    char dir[] = "/tmp/collect.XXXXXX";
    if (mkdtemp(dir) == NULL)
        return -1;
    int r = collect(f, vc, dir, setting);
    int checked = check_folder(dir);
    remove_dir(dir);
    return r < 0 ? r : checked;
}

static int whole_case(struct flow *f, struct vendor_case *vc)
{
    return in_folder(f, vc, &plain);
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
    int r = collect(f, vc, dir, &plain);
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

/* ---- half-open connections ---- */

static const struct exchange half_open[] = {
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "order_type=asc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "page=300&", .body = "[]"},
    {.want = "page=60&", .silent = true}, /* says nothing, and never closes */
    {.want = "page=60&", .body = "[]"},
    {.want = "page=1&updated_since=1970-01-01T00:00:00Z", .body = "[" TICKET_1, .open = true},
    {.want = "page=1&updated_since=1970-01-01T00:00:00Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "GET /api/v2/tickets/1/conversations", .silent = true},
    {.want = "GET /api/v2/tickets/1/conversations", .body = TALK},
    {.want = "GET /api/v2/tickets/2/conversations", .body = "[]"},
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "updated_since=2025-12-31T23:58:02Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "filter=deleted", .body = "[]"},
    {.want = "filter=spam", .body = "[" TICKET_1 "]"},
};

static int half_open_case(struct flow *f, struct vendor_case *vc)
{
    int r = in_folder(f, vc, &plain);
    /* A call on a connection kept from the one before finds that silent, too. */
    CALM_CHECK(vendor_seen(vc, "page=60&") >= 2);
    CALM_CHECK(vendor_seen(vc, "GET /api/v2/tickets/1/conversations") >= 2);
    return r;
}

static void test_half_open(void **state)
{
    (void)state;
    vendor_run("collect.half_open", half_open, ARRAY_COUNT(half_open), true, half_open_case);
}

/* ---- guards: the disk fills up, memory is short, the clock is set, between two pages ---- */

#define PAUSE_MS 10000
static const struct exchange two_pages[] = {
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "order_type=asc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "page=300&", .body = "[]"},
    {.want = "page=60&", .body = "[]"},
    {.want = "page=1&updated_since=1970-01-01T00:00:00Z",
     .headers = "Content-Type: application/json\r\nLink: <https://x/y>; rel=\"next\"\r\n",
     .body = "[" TICKET_1 "]"},
    {.want = "GET /api/v2/tickets/1/conversations", .body = TALK},
    {.want = "updated_since=2026-01-01T00:00:01Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "GET /api/v2/tickets/2/conversations", .body = "[]"},
    {.want = "order_type=desc&per_page=1&", .body = "[" TICKET_2 "]"},
    {.want = "updated_since=2025-12-31T23:58:02Z", .body = "[" TICKET_1 "," TICKET_2 "]"},
    {.want = "filter=deleted", .body = "[]"},
    {.want = "filter=spam", .body = "[" TICKET_1 "]"},
};

/* Looks are two seconds apart; 3 to 8 find a full disk and little memory. The second page is due after 10 s. */
struct fake {
    struct collect_sensors sensors;
    struct collect_watcher watcher;
    struct loop *loop;
    int look_count;
    uint64_t told_count, pages_min, pages_max; /* while paused */
    uint64_t paused_from_ms, paused_to_ms;
    uint32_t threads_min;
    struct collect_progress last;
};

static bool is_bad(const struct fake *fake)
{
    return fake->look_count >= 3 && fake->look_count <= 8;
}

static int fake_disk(const struct collect_sensors *s, const char *dir, uint64_t *ret_free_bytes,
                     uint32_t *ret_used_percent)
{
    struct fake *fake = container_of((struct collect_sensors *)(uintptr_t)s, struct fake, sensors);
    (void)dir;
    fake->look_count++;
    *ret_free_bytes = 1 << 30;
    *ret_used_percent = is_bad(fake) ? 91 : 50;
    return 0;
}

static uint32_t fake_memory(const struct collect_sensors *s)
{
    return is_bad(container_of((struct collect_sensors *)(uintptr_t)s, struct fake, sensors)) ? 85
                                                                                              : 40;
}

static void fake_told(struct collect_watcher *w, const struct collect_progress *p)
{
    struct fake *fake = container_of(w, struct fake, watcher);
    if (++fake->told_count == 4)
        loop_wall_jump(fake->loop, INT64_C(86400000));
    else if (fake->told_count == 9)
        loop_wall_jump(fake->loop, -INT64_C(2 * 86400000));
    fake->threads_min = MIN(fake->threads_min, p->thread_count);
    if (!p->is_paused)
        return;
    fake->pages_min = MIN(fake->pages_min, p->page_count);
    fake->pages_max = MAX(fake->pages_max, p->page_count);
    fake->paused_from_ms = MIN(fake->paused_from_ms, p->elapsed_ms);
    fake->paused_to_ms = MAX(fake->paused_to_ms, p->elapsed_ms);
}

static int guards_case(struct flow *f, struct vendor_case *vc)
{
    struct fake fake = {
        .sensors = {fake_disk, fake_memory},
        .watcher = {fake_told, 500},
        .loop = f->loop,
        .pages_min = UINT64_MAX,
        .paused_from_ms = UINT64_MAX,
        .threads_min = UINT32_MAX,
    };
    const struct setting setting = {
        .sensors = &fake.sensors,
        .watcher = &fake.watcher,
        .delay_ms = PAUSE_MS,
        .thread_count = 8,
        .disk_pause_percent = 90,
        .memory_warn_percent = 80,
        .ret_last = &fake.last,
    };
    int r = in_folder(f, vc, &setting);
    /* Paused from before the second page was due until after; nothing was listed meanwhile. */
    CALM_CHECK(fake.paused_from_ms < PAUSE_MS && fake.paused_to_ms > PAUSE_MS + 2000);
    CALM_CHECK(fake.pages_min == 1 && fake.pages_max == 1);
    CALM_CHECK(fake.threads_min == 2 && fake.last.thread_count == 8);
    return r;
}

static void test_guards(void **state)
{
    (void)state;
    vendor_run("collect.guards", two_pages, ARRAY_COUNT(two_pages), false, guards_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_half_open),
        cmocka_unit_test(test_guards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
