/* The made-up world: ids, orders, cuts and changes against a walk over everything. */
#include "sandbox/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sandbox/compose.h"
#include "sandbox/listing.h"

#define END_S INT64_C(1790000000)
#define DAY_S 86400

static const struct {
    const char *name;
    uint32_t tickets, burst;
} worlds[] = {{"one", 1, 1},        {"few", 7, 1},        {"group", 48, 1},   {"hundred", 100, 1},
              {"default", 2000, 1}, {"burst", 3001, 200}, {"large", 60000, 1}};

static void make(struct world *w, size_t row)
{
    world_init(w, &(struct world_spec){.seed = 9 + row,
                                       .ticket_count = worlds[row].tickets,
                                       .end_s = END_S,
                                       .burst = worlds[row].burst});
}

static void test_orders(void **state)
{
    (void)state;
    for (size_t row = 0; row < ARRAY_COUNT(worlds); row++) {
        struct world w;
        make(&w, row);
        int64_t id = 0, created = 0, updated = 0;
        for (uint32_t i = 0; i < worlds[row].tickets; i++) {
            struct ticket t, again;
            world_ticket(&w, i, &t);
            if (world_index_of_slot(&w, world_slot_of_index(&w, i)) != i)
                fail_msg("%s: %u does not come back", worlds[row].name, i);
            assert_true(t.id > id && t.created_s >= created && t.updated_s >= t.created_s);
            assert_true(t.updated_s <= END_S);
            assert_true(world_slot_s(&w, i) >= updated);
            assert_true(world_find(&w, t.id, &again));
            assert_memory_equal(&t, &again, sizeof(t));
            id = t.id;
            created = t.created_s;
            updated = world_slot_s(&w, i);
        }
        world_done(&w);
    }
}

static int64_t key_of(const struct ticket *t, enum list_order order)
{
    return order == LIST_UPDATED ? t->updated_s : t->created_s;
}

/* Every fitting ticket once, in order. */
static void check_listing(const struct world *w, const struct list_query *q, const char *name)
{
    struct listing l;
    listing_open(&l, w, q);
    size_t want = 0, count = listing_count(&l);
    bool *seen = mem_alloc(w->spec.ticket_count * sizeof(*seen));
    for (uint32_t i = 0; i < w->spec.ticket_count; i++) {
        struct ticket t;
        world_ticket(w, i, &t);
        seen[i] = t.kind != TICKET_LISTED ||
                  (q->created_from_s != LIST_ANY && t.created_s < q->created_from_s) ||
                  (q->updated_from_s != LIST_ANY && t.updated_s < q->updated_from_s) ||
                  (q->requester >= 0 && t.requester != q->requester) ||
                  (q->company >= 0 && t.company != q->company);
        want += !seen[i];
    }
    if (count != want)
        fail_msg("%s: %zu listed, %zu fit", name, count, want);
    int64_t last = q->descending ? INT64_MAX : INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        struct ticket t;
        listing_at(&l, i, &t);
        int64_t key = key_of(&t, q->order);
        if (seen[t.index] || (q->descending ? key > last : key < last))
            fail_msg("%s: ticket %lld twice or out of order", name, (long long)t.id);
        seen[t.index] = true;
        last = key;
    }
    mem_free(seen);
    listing_done(&l);
}

static void check_all_cuts(const struct world *w, const char *name)
{
    static const int64_t days[] = {0, 1, 5, 30, 400, 1095, 2000};
    for (size_t c = 0; c <= ARRAY_COUNT(days); c++) {
        for (size_t u = 0; u <= ARRAY_COUNT(days); u++) {
            struct list_query q = {
                .created_from_s = c < ARRAY_COUNT(days) ? END_S - days[c] * DAY_S : LIST_ANY,
                .updated_from_s = u < ARRAY_COUNT(days) ? END_S - days[u] * DAY_S : LIST_ANY,
                .requester = -1,
                .company = -1,
                .order = (c + u) % 2 ? LIST_UPDATED : LIST_CREATED,
                .descending = u % 3 == 0};
            check_listing(w, &q, name);
            q.order = q.order == LIST_UPDATED ? LIST_CREATED : LIST_UPDATED;
            check_listing(w, &q, name);
        }
    }
    check_listing(
        w,
        &(struct list_query){
            .created_from_s = LIST_ANY, .updated_from_s = LIST_ANY, .requester = 3, .company = -1},
        name);
    check_listing(
        w,
        &(struct list_query){
            .created_from_s = LIST_ANY, .updated_from_s = LIST_ANY, .requester = -1, .company = 2},
        name);
}

static void test_listings(void **state)
{
    (void)state;
    for (size_t row = 0; row + 1 < ARRAY_COUNT(worlds); row++) {
        struct world w;
        make(&w, row);
        check_all_cuts(&w, worlds[row].name);
        /* The same after tickets were changed, changed again and deleted. */
        for (uint32_t i = 0; i < worlds[row].tickets; i += 3) {
            struct ticket t;
            world_ticket(&w, i, &t);
            assert_true(world_change(&w, t.id, END_S + 10 + i / 9));
            if (i % 2 == 0)
                assert_true(world_change(&w, t.id, END_S + 5000 + i));
            if (i % 5 == 0)
                assert_true(world_delete(&w, t.id, END_S + 9000));
        }
        check_all_cuts(&w, worlds[row].name);
        world_done(&w);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    struct world w;
    make(&w, 4);
    size_t counts[TICKET_HELD + 1] = {0}, missing = 0;
    for (int64_t id = 1; id < 2084; id++) {
        struct ticket t;
        if (world_find(&w, id, &t))
            counts[t.kind]++;
        else
            missing++;
    }
    assert_int_equal(counts[TICKET_LISTED], 2000);
    assert_int_equal(counts[TICKET_DELETED], world_kind_count(&w, TICKET_DELETED));
    assert_int_equal(counts[TICKET_SPAM], world_kind_count(&w, TICKET_SPAM));
    assert_true(counts[TICKET_ARCHIVED] > 10 && missing > 3);
    struct ticket t;
    assert_true(world_find(&w, world_held_id(5), &t));
    assert_int_equal(t.kind, TICKET_HELD);
    assert_int_equal(t.symptom, SYMPTOM_COUNT - 1);
    world_done(&w);
}

/* A solved ticket's thread holds its cause and fix once told, notes carry their mark, others never. */
static void test_threads(void **state)
{
    (void)state;
    struct world w;
    make(&w, 4);
    struct buf text = BUF_INIT(0);
    size_t notes = 0, fixes = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        struct ticket t;
        world_ticket(&w, i, &t);
        int64_t last = t.created_s;
        for (uint32_t k = 0; k < t.conversation_count; k++) {
            struct entry e;
            ticket_entry(&t, k, &e);
            assert_true(e.at_s >= last && e.at_s <= t.updated_s);
            last = e.at_s;
            buf_clear(&text);
            entry_text(&t, &e, &text);
            bool marked = str_find(buf_view(&text), STR("[internal#"), 0) != SIZE_MAX;
            assert_int_equal(marked, e.is_private);
            assert_true(str_is_utf8(buf_view(&text)));
            notes += e.is_private;
            if (e.kind != ENTRY_FIX)
                continue;
            const struct telling *say = &family_at(t.family)->tell[t.lang];
            assert_true(str_find(buf_view(&text), str_from(say->fix[t.fix]), 0) != SIZE_MAX);
            fixes++;
        }
    }
    assert_true(notes > 500 && fixes > 1000);
    buf_done(&text);
    world_done(&w);
}

/* Every sentence belongs to one family. */
static void test_families(void **state)
{
    (void)state;
    for (size_t n = 0; n < FAMILY_COUNT; n++) {
        const struct family *f = family_at(n);
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            const struct telling *say = &f->tell[lang];
            for (size_t i = 0; i < SYMPTOM_COUNT; i++) {
                size_t who = FAMILY_COUNT;
                if (family_find(str_from(say->symptom[i]), &who) != SAYING_SYMPTOM || who != n)
                    fail_msg("%s: symptom %zu is told by family %zu", f->code, i, who);
            }
            for (size_t i = 0; i < FIX_COUNT; i++) {
                size_t who = FAMILY_COUNT;
                if (family_find(str_from(say->cause[i]), &who) != SAYING_CAUSE || who != n)
                    fail_msg("%s: cause %zu is told by family %zu", f->code, i, who);
                if (family_find(str_from(say->fix[i]), &who) != SAYING_FIX || who != n)
                    fail_msg("%s: fix %zu is told by family %zu", f->code, i, who);
            }
        }
    }
    family_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),   cmocka_unit_test(test_listings),
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_threads),
        cmocka_unit_test(test_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
