/*
 * Health of the assist's parts, each asked under its own short deadline and side by side.
 *
 * Invariant: a part that is away is a result here, not an error: the call itself fails only when cancelled.
 */
#include "assist/run.h"
#include "store/vectors.h"

enum { CHECK_MS = 3000 };

struct check {
    struct assist *assist;
    struct assist_health *health;
    struct arena *arena;
};

static double since_ms(struct flow *f, uint64_t begin_ns)
{
    return (double)(loop_now_ns(f->loop) - begin_ns) / 1e6;
}

static int database_flow(struct flow *f, void *arg)
{
    struct check *c = arg;
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    uint64_t begin_ns = loop_now_ns(f->loop);
    c->health->database = pg_ping(f, c->assist->spec.pool);
    c->health->database_ms = since_ms(f, begin_ns);
    return 0;
}

static int vectors_check_flow(struct flow *f, void *arg)
{
    struct check *c = arg;
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    uint64_t begin_ns = loop_now_ns(f->loop);
    struct str note = STR_NONE;
    c->health->vectors = vectors_health(f, c->assist->spec.vectors, &note);
    c->health->vectors_ms = since_ms(f, begin_ns);
    c->health->vectors_note = arena_str(c->arena, note);
    return 0;
}

/* Accounts whose circuit is open mean the upstream is away; no call is made for a health check. */
static void note_account(void *context, struct account *a)
{
    int *status = context;
    if (account_stats(a).circuit_open)
        *status = E_CIRCUIT;
}

/* Names of the models' accounts, with commas. */
static void name_account(void *context, struct account *a)
{
    struct buf *names = context;
    if (names->len)
        buf_byte(names, ',');
    buf_text(names, account_name(a));
}

int assist_health(struct flow *f, struct assist *a, struct assist_health *ret_health)
{
    struct assist_health health = {.vectors_home = str_from(vectors_home(a->spec.vectors))};
    struct check check = {.assist = a, .health = &health, .arena = &f->arena};
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    health.database = group_spawn(&g, "health.database", database_flow, &check);
    health.vectors = group_spawn(&g, "health.vectors", vectors_check_flow, &check);
    int r = group_wait(f, &g);
    if (r < 0)
        return r;
    if (llm_provider_count(a->spec.llm) == 0)
        health.llm = E_CONFIG;
    llm_each_account(a->spec.llm, note_account, &health.llm);
    struct buf *names = arena_buf(&f->arena, 0);
    llm_each_account(a->spec.llm, name_account, names);
    health.llm_providers = buf_view(names);
    freshdesk_each_account(a->spec.freshdesk, note_account, &health.freshdesk);
    *ret_health = health;
    return 0;
}
