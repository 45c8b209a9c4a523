#pragma once
/*
 * What the tests against a real PostgreSQL share. TEST_DATABASE_URL names a server whose role may
 * create databases; each test program makes one of its own and drops it at its end. Without the
 * variable the program says so and skips.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/wall.h"
#include "db/pg.h"

static char pg_test_url[4096];

struct pg_test {
    int (*fn)(struct flow *f, struct pg_pool *p, void *arg);
    void *arg;
    struct pg_spec spec;
    struct pg_stats stats; /* of the pool at its end */
    bool real_clock;
    uint64_t cancel_at_wait; /* 0: never */
    uint64_t wait_count;     /* how many there were */
};

static inline int pg_test_flow(struct flow *f, void *arg)
{
    struct pg_test *t = arg;
    struct pg_pool *p;
    int r = pg_pool_new(f->loop, &t->spec, &p, &f->err);
    if (r < 0)
        return r;
    r = t->fn(f, p, t->arg);
    t->stats = pg_pool_stats(p);
    pg_pool_close(f, p);
    pg_pool_free(p);
    return r;
}

static inline struct pg_spec pg_test_spec(size_t connection_count_max)
{
    return (struct pg_spec){.url = pg_test_url,
                            .connection_count_max = connection_count_max,
                            .statement_timeout_ms = 20000,
                            .application_name = "deskstream-test",
                            .search_path = "public"};
}

/* Runs fn as the first flow of a loop of its own, with a pool; loop_free asserts that nothing stays. */
static inline int pg_test_run_spec(struct pg_test *t, struct err *ret_err)
{
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = !t->real_clock});
    loop_cancel_at_wait(l, t->cancel_at_wait);
    int r = loop_run(l, "test", pg_test_flow, t, ret_err);
    t->wait_count = loop_wait_count(l);
    loop_free(l);
    return r;
}

/* The same, and it must succeed. */
static inline void pg_test_run(int (*fn)(struct flow *f, struct pg_pool *p, void *arg), void *arg)
{
    struct err err = {0};
    struct pg_test t = {.fn = fn, .arg = arg, .spec = pg_test_spec(4)};
    int r = pg_test_run_spec(&t, &err);
    if (r < 0)
        fail_msg("%s: %s", err_name(r), err.msg);
}

/* ok(f, call): the call must succeed; says what went wrong otherwise. */
#define ok(f, call)                                                                                \
    ({                                                                                             \
        int ok_r_ = (call);                                                                        \
        if (ok_r_ < 0)                                                                             \
            fail_msg("%s: %s: %s", #call, err_name(ok_r_), (f)->err.msg);                          \
        ok_r_;                                                                                     \
    })

static inline int pg_test_sql(struct flow *f, struct pg_pool *p, void *arg)
{
    return pg_script(f, p, arg);
}

static inline void _printf_(1, 2) pg_test_admin(const char *fmt, ...)
{
    char sql[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sql, sizeof(sql), fmt, args);
    va_end(args);
    struct err err = {0};
    struct pg_test t = {.fn = pg_test_sql, .arg = sql, .spec = pg_test_spec(1)};
    t.spec.url = getenv("TEST_DATABASE_URL");
    if (pg_test_run_spec(&t, &err) < 0) {
        fprintf(stderr, "%s: %s\n", sql, err.msg);
        exit(1);
    }
}

#define pg_test_main(tests)                                                                        \
    ({                                                                                             \
        const char *url_ = getenv("TEST_DATABASE_URL");                                            \
        int failed_ = 0;                                                                           \
        if (url_ == NULL || url_[0] == '\0') {                                                     \
            puts("skipped: no TEST_DATABASE_URL\n1..1\nok 1 # SKIP no TEST_DATABASE_URL");         \
        } else {                                                                                   \
            char name_[64];                                                                        \
            snprintf(name_, sizeof(name_), "deskstream_test_%d", (int)getpid());                   \
            pg_test_admin("drop database if exists %s", name_);                                    \
            pg_test_admin("create database %s", name_);                                            \
            snprintf(pg_test_url, sizeof(pg_test_url), "%s%cdbname=%s", url_,                      \
                     strchr(url_, '?') ? '&' : '?', name_);                                        \
            failed_ = cmocka_run_group_tests(tests, NULL, NULL);                                   \
            pg_test_admin("drop database if exists %s with (force)", name_);                       \
        }                                                                                          \
        failed_;                                                                                   \
    })
