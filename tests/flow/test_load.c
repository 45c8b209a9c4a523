/*
 * Loading in bulk against a real PostgreSQL: what is newer counts, again changes nothing, places are kept
 * with their rows. Each test works for a tenant of its own.
 */
#include "flow/store_test.h"

#include "store/load.h"
#include "store/tenants.h"

#define ARCHIVE_1 "7d6f0a52-0000-4000-8000-000000000001"
#define ARCHIVE_2 "7d6f0a52-0000-4000-8000-000000000002"

static int tenant_new(struct flow *f, struct pg_pool *p, int64_t *ret_id)
{
    static int number;
    struct tenant tenant;
    struct str company = arena_printf(&f->arena, "load%d", number++);
    int r = tenants_get_or_create(f, p, company, STR("acme.freshdesk.com"), &tenant);
    if (r >= 0)
        *ret_id = tenant.id;
    return r;
}

static int ticket_make(struct flow *f, int64_t id, const char *subject, int second,
                       struct ticket *ret_ticket)
{
    struct json v;
    struct str text = arena_printf(&f->arena,
                                   "{\"id\":%lld,\"subject\":\"%s\",\"tags\":[\"a b\",\"\"],"
                                   "\"updated_at\":\"2026-02-03T04:05:%02dZ\"}",
                                   (long long)id, subject, second);
    int r = json_parse(&f->arena, text, &v, &f->err);
    return r < 0 ? r : ticket_from_json(&f->arena, v, ret_ticket, &f->err);
}

static int load(struct flow *f, struct pg_pool *p, int64_t t, const struct ticket *tickets,
                size_t count, const struct conversation *talks, size_t talk_count, bool has_talks,
                int64_t place, int64_t *ret_written)
{
    struct load_item items[4] = {{.item = {.ticket = NULL}}};
    for (size_t i = 0; i < count; i++) {
        items[i].item = (struct ticket_item){&tickets[i], talks, talk_count, has_talks};
        items[i].texts = (struct item_texts){
            .id = tickets[i].id, .title = tickets[i].subject, .language = STR("ko")};
        items[i].texts.texts[0] = STR("결제 오류");
    }
    const struct load_cursor cursor = {3, place, 1};
    return load_batch(f, p, t, ARCHIVE_1, STR("salt"), items, count, &cursor, ret_written);
}

static int on_load(struct flow *f, struct pg_pool *p)
{
    int64_t t, written;
    struct ticket tickets[2], got;
    struct conversation *got_talks;
    size_t count;
    FLOW_OK(f, tenant_new(f, p, &t));
    FLOW_OK(f, ticket_make(f, 7, "환불 \\u0000", 6, &tickets[0]));
    FLOW_OK(f, ticket_make(f, 8, "login", 6, &tickets[1]));
    const struct conversation talks[] = {
        {.id = 70, .ticket_id = 7, .body_text = STR("hello"), .incoming = true, .updated_at = 1000},
        {.id = 71, .ticket_id = 7, .body_text = STR("note"), .is_private = true},
    };
    FLOW_OK(f, load(f, p, t, tickets, 1, talks, 2, true, 1, &written));
    FLOW_CHECK(written == 1);
    FLOW_OK(f, load(f, p, t, &tickets[1], 1, NULL, 0, true, 2, &written));
    FLOW_CHECK(written == 1);
    /* The same again; then without a thread. */
    FLOW_OK(f, load(f, p, t, tickets, 1, talks, 2, true, 3, &written));
    FLOW_CHECK(written == 0);
    FLOW_OK(f, load(f, p, t, tickets, 1, NULL, 0, false, 3, &written));
    FLOW_CHECK(written == 0);
    FLOW_OK(f, tickets_get(f, p, t, 7, &got, &got_talks, &count));
    FLOW_CHECK(got.tag_count == 2 && count == 2);
    /* Two versions in one batch: the newer; an older one later: nothing. */
    struct ticket versions[3];
    FLOW_OK(f, ticket_make(f, 7, "newer", 9, &versions[0]));
    FLOW_OK(f, ticket_make(f, 7, "older", 8, &versions[1]));
    FLOW_OK(f, ticket_make(f, 7, "oldest", 7, &versions[2]));
    FLOW_OK(f, load(f, p, t, versions, 2, talks, 1, true, 4, &written));
    FLOW_CHECK(written == 1);
    FLOW_OK(f, load(f, p, t, &versions[2], 1, talks, 2, true, 5, &written));
    FLOW_CHECK(written == 0);
    FLOW_OK(f, tickets_get(f, p, t, 7, &got, &got_talks, &count));
    FLOW_CHECK(str_eq(got.subject, STR("newer")) && count == 1 && got_talks[0].id == 70);
    struct text_hit *hits;
    FLOW_OK(f, search_text(f, p, t, VECTORS_TICKETS, STR("오류"), 10, 0, &hits, &count));
    FLOW_CHECK(count == 2);
    int64_t rows;
    FLOW_OK(f, load_count(f, p, t, &rows));
    FLOW_CHECK(rows == 2);
    return 0;
}

static int on_places(struct flow *f, struct pg_pool *p)
{
    int64_t t, written;
    struct ticket ticket;
    struct load_cursor at;
    FLOW_OK(f, tenant_new(f, p, &t));
    FLOW_OK(f, load_where(f, p, t, ARCHIVE_1, &at));
    FLOW_CHECK(at.chunk == 0 && at.item_count == 0 && at.tidy_count == 0);
    FLOW_OK(f, ticket_make(f, 1, "a", 1, &ticket));
    FLOW_OK(f, load(f, p, t, &ticket, 1, NULL, 0, true, 40, &written));
    FLOW_OK(f, load_where(f, p, t, ARCHIVE_1, &at));
    FLOW_CHECK(at.chunk == 3 && at.item_count == 40 && at.tidy_count == 1);
    FLOW_OK(f, load(f, p, t, NULL, 0, NULL, 0, true, 41, &written));
    FLOW_OK(f, load_where(f, p, t, ARCHIVE_1, &at));
    FLOW_CHECK(at.item_count == 41 && written == 0);
    FLOW_OK(f, load_where(f, p, t, ARCHIVE_2, &at));
    FLOW_CHECK(at.chunk == 0 && at.item_count == 0);
    FLOW_OK(f, load_where(f, p, t + 100000, ARCHIVE_1, &at));
    FLOW_CHECK(at.chunk == 0);
    return 0;
}

static int on_deleted(struct flow *f, struct pg_pool *p)
{
    int64_t t, written;
    const int64_t id = 5;
    struct ticket ticket, got;
    struct conversation *talks;
    size_t count;
    FLOW_OK(f, tenant_new(f, p, &t));
    FLOW_OK(f, ticket_make(f, id, "gone", 1, &ticket));
    FLOW_OK(f, load(f, p, t, &ticket, 1, NULL, 0, true, 1, &written));
    FLOW_OK(f, tickets_mark_deleted(f, p, t, &id, 1, NULL));
    FLOW_OK(f, load(f, p, t, &ticket, 1, NULL, 0, true, 1, &written));
    FLOW_CHECK(written == 0);
    FLOW_EXPECT(f, tickets_get(f, p, t, id, &got, &talks, &count), E_NOT_FOUND);
    FLOW_OK(f, ticket_make(f, id, "back again", 2, &ticket));
    FLOW_OK(f, load(f, p, t, &ticket, 1, NULL, 0, true, 1, &written));
    FLOW_CHECK(written == 1);
    FLOW_OK(f, tickets_get(f, p, t, id, &got, &talks, &count));
    return 0;
}

#define TEST(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        store_test_run(#name, on_##name);                                                          \
    }
TEST(load)
TEST(places)
TEST(deleted)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_load, store_test_setup),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_deleted),
    };
    return pg_test_main(tests);
}
