/*
 * The archive's folder: what is written comes back once and in its newest version, whatever is cut off at the
 * end of the ledger or of the open chunk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/archive.h"
#include "collect/files.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/archive.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"ledger.jsonl",
                                        "ledger.damaged.jsonl",
                                        ".lock",
                                        "tickets_chunk_0000.json",
                                        "tickets_chunk_0001.json",
                                        "tickets_chunk_0002.json",
                                        "tickets_chunk_0003.json",
                                        "tickets_chunk_0000.json.part",
                                        "tickets_chunk_0001.json.part",
                                        "tickets_chunk_0002.json.part",
                                        "tickets_chunk_0003.json.part"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static void open_it(struct archive *a)
{
    struct err err = {0};
    const struct archive_spec spec = {.dir = dir, .chunk_size = 4};
    if (archive_open(a, &spec, &err) < 0)
        fail_msg("%s", err.msg);
}

/* Writes ids [from, to) with that time. */
static void put(struct archive *a, int64_t from, int64_t to, int64_t at_s)
{
    struct record records[16] = {0};
    char texts[16][64];
    struct list list;
    struct err err = {0};
    list_init(&list);
    for (int64_t id = from; id < to; id++) {
        struct record *r = &records[id - from];
        int len = snprintf(texts[id - from], sizeof(texts[0]),
                           "{\"id\":%lld,\"updated_at\":\"%s\"}", (long long)id,
                           at_s == 1 ? "1970-01-01T00:00:01Z" : "1970-01-01T00:00:02Z");
        assert_true(item_read(str_of(texts[id - from], (size_t)len), &r->item));
        r->kind = RECORD_TICKET;
        list_push(&list, &r->node);
    }
    if (archive_write(a, &list, &err) < 0)
        fail_msg("%s", err.msg);
}

struct count {
    struct archive_visitor visitor;
    uint64_t count, sum, times;
};

static int count_one(struct archive_visitor *v, const struct item *item, struct err *err)
{
    struct count *c = container_of(v, struct count, visitor);
    (void)err;
    c->count++;
    c->sum += (uint64_t)item->id;
    c->times += (uint64_t)item->updated_s;
    return 0;
}

static struct count count_all(struct archive *a)
{
    struct count c = {.visitor = {.each = count_one}};
    struct err err = {0};
    if (archive_each(a, &c.visitor, &err) < 0)
        fail_msg("%s", err.msg);
    return c;
}

static void test_again(void **state)
{
    (void)state;
    struct archive a;
    struct err err;
    open_it(&a);
    put(&a, 1, 11, 1);
    put(&a, 1, 11, 1); /* the same again: nothing */
    assert_int_equal(a.held_count, 10);
    put(&a, 3, 5, 2); /* newer: supersedes */
    assert_int_equal(a.held_count, 10);
    assert_int_equal(a.stale_count, 2);
    archive_close(&a);
    open_it(&a);
    assert_int_equal(a.held_count, 10);
    struct count c = count_all(&a);
    assert_int_equal(c.count, 10);
    assert_int_equal(c.sum, 55);
    assert_int_equal(c.times, 12);
    assert_true(archive_seal(&a, &err) >= 0 && archive_tidy(&a, &err) >= 0);
    assert_int_equal(a.stale_count, 0);
    c = count_all(&a);
    assert_int_equal(c.count, 10);
    archive_close(&a);
    open_it(&a);
    assert_int_equal(a.stale_count, 0);
    assert_int_equal(count_all(&a).times, 12);
    archive_close(&a);
}

static void append(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "ae");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_cut_off(void **state)
{
    (void)state;
    struct archive a;
    open_it(&a);
    put(&a, 1, 7, 1);
    archive_close(&a);
    append("ledger.jsonl",
           "{\"held\":0,\"chunk\":1,\"end\":9"); /* killed in the middle of a line */
    append("tickets_chunk_0001.json.part", ",\n{\"id\":99,\"half"); /* and of a ticket */
    open_it(&a);
    assert_int_equal(a.held_count, 6);
    assert_int_equal(count_all(&a).sum, 21);
    put(&a, 7, 9, 1); /* fills the chunk */
    assert_int_equal(a.open_chunk, -1);
    assert_int_equal(count_all(&a).sum, 36);
    archive_close(&a);
    open_it(&a);
    assert_int_equal(a.held_count, 8);
    assert_int_equal(count_all(&a).sum, 36);
    archive_close(&a);
}

static void test_lost_bytes(void **state)
{
    (void)state;
    struct archive a;
    char path[128];
    open_it(&a);
    put(&a, 1, 7, 1);
    archive_close(&a);
    snprintf(path, sizeof(path), "%s/tickets_chunk_0001.json.part", dir);
    assert_int_equal(truncate(path, 3), 0); /* the disk lost what the ledger tells */
    open_it(&a);
    assert_int_equal(a.held_count, 4); /* the whole chunk; the rest is walked again */
    assert_int_equal(a.run.number, 0);
    assert_int_equal(count_all(&a).sum, 10);
    archive_close(&a);
}

static void test_busy(void **state)
{
    (void)state;
    struct archive a, b;
    struct err err;
    const struct archive_spec spec = {.dir = dir, .chunk_size = 4};
    open_it(&a);
    assert_int_equal(archive_open(&b, &spec, &err), E_BUSY);
    archive_close(&b);
    archive_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
