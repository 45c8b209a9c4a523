/* The walk over a list that is ordered by updated_at and asked for again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sync/ticket_walk.h"

enum { DAY = 86400000, ROWS_MAX = 400, PAGE_ROWS = 100 };

struct world {
    struct ticket rows[ROWS_MAX]; /* in the order of updated_at */
    size_t count;
};

/* What the vendor would answer. */
static size_t list(const struct world *w, const struct keyset *k, struct ticket *out)
{
    size_t n = 0, skip = (size_t)(k->page - 1) * PAGE_ROWS;
    for (size_t i = 0; i < w->count && n < PAGE_ROWS; i++) {
        if (w->rows[i].updated_at < k->anchor)
            continue;
        if (skip > 0)
            skip--;
        else
            out[n++] = w->rows[i];
    }
    return n;
}

/* Walks to the end; each row must be taken once. */
static void walk(const char *name, const struct world *w)
{
    struct keyset k;
    size_t taken = 0, calls = 0, count;
    struct ticket *page = test_malloc(PAGE_ROWS * sizeof(*page));
    int *times = test_calloc(ROWS_MAX + 1, sizeof(*times));
    keyset_init(&k, 0);
    do {
        int64_t anchor = k.anchor;
        int number = k.page;
        count = list(w, &k, page);
        for (size_t i = 0; i < count; i++) {
            if (keyset_has(&k, &page[i]))
                continue;
            times[page[i].id]++;
            taken++;
        }
        assert_int_equal(keyset_advance(&k, page, count), 0);
        assert_true(k.anchor > anchor || (k.anchor == anchor && k.page > number));
        assert_true(++calls < 50);
    } while (count == PAGE_ROWS);
    for (size_t i = 0; i < w->count; i++) {
        if (times[w->rows[i].id] != 1)
            fail_msg("%s: row %d was taken %d times", name, (int)i, times[w->rows[i].id]);
    }
    assert_int_equal(taken, w->count);
    keyset_done(&k);
    test_free(times);
    test_free(page);
}

static void test_walks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count;
        int64_t step_ms;
        size_t burst; /* rows of one second */
    } rows[] = {
        {"nothing", 0, 1000, 1},
        {"less than a page", 7, 1000, 1},
        {"a page exactly", 100, 1000, 1},
        {"some pages", 350, 60000, 1},
        {"a second that fills more than a page", 350, 1000, 150},
        {"all in one second", 330, 1000, 400},
        {"steps below a second", 350, 10, 1},
    };
    struct world *w = test_malloc(sizeof(*w));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        *w = (struct world){.count = rows[i].count};
        for (size_t n = 0; n < w->count; n++)
            w->rows[n] = (struct ticket){.id = (int64_t)n,
                                         .updated_at = DAY + (int64_t)(n / rows[i].burst) *
                                                                 rows[i].step_ms};
        walk(rows[i].name, w);
    }
    test_free(w);
}

static void test_changed_row_is_new(void **state)
{
    (void)state;
    struct keyset k;
    keyset_init(&k, DAY);
    assert_int_equal(k.anchor, DAY - 1000);
    struct ticket t = {.id = 5, .updated_at = DAY + 5000};
    assert_int_equal(keyset_advance(&k, &t, 1), 0);
    assert_true(keyset_has(&k, &t));
    t.updated_at += 1000;
    assert_false(keyset_has(&k, &t));
    keyset_done(&k);
}

static void test_more_than_the_vendor_lists(void **state)
{
    (void)state;
    struct keyset k;
    struct ticket t = {.id = 1, .updated_at = DAY};
    keyset_init(&k, DAY);
    int r = 0;
    for (int i = 0; i < 400 && r == 0; i++)
        r = keyset_advance(&k, &t, 1);
    assert_int_equal(r, E_LIMIT);
    assert_true(k.anchor > DAY); /* the walk goes on behind that second */
    assert_int_equal(k.page, 1);
    keyset_done(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_changed_row_is_new),
        cmocka_unit_test(test_more_than_the_vendor_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
