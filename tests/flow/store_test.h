#pragma once
/*
 * What the store's tests share: a database with all migrations, and flows that get a pool. Checks inside
 * flows are FLOW_CHECK and FLOW_EXPECT, so every test can be tortured.
 */
#include "db/migrate.h"
#include "flow/pg_test.h"
#include "support/torture.h"

typedef int store_test_fn(struct flow *f, struct pg_pool *p);

static inline int store_test_migrate(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    return migrate_run(f, p, NULL);
}

/* Group set-up: every migration. */
static inline int store_test_setup(void **state)
{
    (void)state;
    pg_test_run(store_test_migrate, NULL);
    return 0;
}

static inline int store_test_flow(struct flow *f, void *arg)
{
    store_test_fn *const *fn = arg;
    struct pg_spec spec = pg_test_spec(4);
    struct pg_pool *p;
    int r = pg_pool_new(f->loop, &spec, &p, &f->err);
    if (r < 0)
        return r;
    r = (*fn)(f, p);
    pg_pool_close(f, p);
    pg_pool_free(p);
    return r;
}

static inline void store_test_run(const char *name, store_test_fn *fn)
{
    torture_run(name, store_test_flow, &fn);
}

/* `call` must be good; when tortured its failure ends the flow. */
#define FLOW_OK(f, call)                                                                           \
    do {                                                                                           \
        int ok_got_ = (call);                                                                      \
        if (ok_got_ < 0 && torture_is_on())                                                        \
            return ok_got_;                                                                        \
        if (ok_got_ < 0)                                                                           \
            return torture_check_status(__FILE__, __LINE__, #call, ok_got_, 0, (f)->err.msg);      \
    } while (0)

/* The longest tortures are left out of `make test`, which has them plain; `make torture` takes them. */
static inline bool store_test_is_short(void)
{
    return getenv("TORTURE") != NULL && getenv("TORTURE_SHORT") != NULL;
}
