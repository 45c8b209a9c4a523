/*
 * Who asks: one proof for many, refusals, foreign hosts, and a Freshdesk that is away.
 */
#include "flow/assist_test.h"

#include "assist/access.h"

#define ASKER_COUNT 20

struct asker {
    struct access *access;
    struct access_claim claim;
    int status;
    int64_t tenant_id;
    uint64_t took_ms;
};

static int asker_flow(struct flow *f, void *arg)
{
    struct asker *k = arg;
    struct caller who;
    uint64_t begin_ms = loop_now_ms(f->loop);
    k->status = access_prove(f, k->access, &k->claim, &who);
    k->tenant_id = k->status < 0 ? 0 : who.tenant_id;
    k->took_ms = loop_now_ms(f->loop) - begin_ms;
    return 0;
}

static struct access *open_access(struct flow *f, struct stage *s)
{
    const struct access_spec spec = {.freshdesk = s->freshdesk,
                                     .pool = s->pool,
                                     .domain = "own",
                                     .api_key = "own-key",
                                     .company = ""};
    return access_new(f->loop, &spec);
}

/* Many at once; every one gets the same answer. */
static int ask_many(struct flow *f, struct access *a, const char *domain, struct asker *ret_askers)
{
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    for (size_t i = 0; i < ASKER_COUNT; i++) {
        ret_askers[i] = (struct asker){
            .access = a, .claim = {.domain = str_from(domain), .api_key = STR("agent-key")}};
        TRY(f, group_spawn(&g, "asker", asker_flow, &ret_askers[i]));
    }
    return group_wait(f, &g);
}

#define ACCESS_CASE(name)                                                                          \
    static int name##_in(struct flow *f, struct stage *s, struct access *a);                       \
    static int name(struct flow *f, struct stage *s)                                               \
    {                                                                                              \
        struct access *a = open_access(f, s);                                                      \
        int r = name##_in(f, s, a);                                                                \
        access_free(a);                                                                            \
        return r;                                                                                  \
    }                                                                                              \
    static int name##_in(struct flow *f, struct stage *s, struct access *a)

ACCESS_CASE(on_many)
{
    struct asker askers[ASKER_COUNT];
    TRY(f, ask_many(f, a, "https://ACME.freshdesk.com/a/tickets/1", askers));
    if (torture_is_on())
        return 0;
    for (size_t i = 0; i < ASKER_COUNT; i++)
        FLOW_CHECK(askers[i].status == 0 && askers[i].tenant_id == stage_tenant_id);
    FLOW_CHECK(s->me_count == 1);
    return 0;
}
STAGE_TEST(test_many, on_many, .me_status = 0)

ACCESS_CASE(on_refused)
{
    struct asker askers[ASKER_COUNT];
    TRY(f, ask_many(f, a, "acme", askers));
    TRY(f, ask_many(f, a, "acme", askers));
    if (torture_is_on())
        return 0;
    for (size_t i = 0; i < ASKER_COUNT; i++)
        FLOW_CHECK(askers[i].status == E_AUTH);
    FLOW_CHECK(s->me_count == 1);
    return 0;
}
STAGE_TEST(test_refused, on_refused, .me_status = 401)

/* Twenty that wait for a Freshdesk that is away do not try one after the other. */
ACCESS_CASE(on_away)
{
    struct asker askers[ASKER_COUNT];
    TRY(f, ask_many(f, a, "acme", askers));
    if (torture_is_on())
        return 0;
    for (size_t i = 0; i < ASKER_COUNT; i++)
        FLOW_CHECK(askers[i].status == E_UPSTREAM && askers[i].took_ms <= 15000);
    FLOW_CHECK(s->me_count <= 3); /* one call with its retries */
    return 0;
}
STAGE_TEST(test_away, on_away, .me_status = 500)

/* Proved before: stays good, and is asked again only now and then. */
ACCESS_CASE(on_grace)
{
    struct asker askers[ASKER_COUNT];
    TRY(f, ask_many(f, a, "acme", askers));
    TRY(f, flow_sleep(f, 700000));
    s->spec.me_status = 500;
    s->me_count = 0;
    for (int i = 0; i < 5; i++) {
        TRY(f, ask_many(f, a, "acme", askers));
        for (size_t k = 1; k < ASKER_COUNT && !torture_is_on(); k++)
            FLOW_CHECK(askers[k].status == 0 && askers[k].took_ms == 0);
        CALM_CHECK(askers[0].status == 0);
        TRY(f, flow_sleep(f, 2000));
    }
    CALM_CHECK(s->me_count <= 3);
    TRY(f, flow_sleep(f, 90000000));
    TRY(f, ask_many(f, a, "acme", askers));
    CALM_CHECK(askers[1].status == E_UPSTREAM); /* the day is over */
    return 0;
}
STAGE_TEST(test_grace, on_grace, .me_status = 0)

/* No call leaves for a host that is not Freshdesk's, and the own key is for the own account alone. */
ACCESS_CASE(on_foreign)
{
    static const char *const domains[] = {"evil.example.com",
                                          "acme.freshdesk.com.evil.com",
                                          "acme.freshdesk.com@evil.com",
                                          "acme.freshdesk.com:80",
                                          "http://[::1]",
                                          "127.0.0.1",
                                          "a.b.freshdesk.com",
                                          "localhost",
                                          "acme\r\nX: y",
                                          "https:/acme",
                                          "//evil.com",
                                          "acme.freshdesk.com.",
                                          "evil.com#.freshdesk.com",
                                          "evil.com/.freshdesk.com",
                                          ("\xef\xbc\xa1"
                                           "cme")};
    struct caller who;
    for (size_t i = 0; i < ARRAY_COUNT(domains); i++) {
        const struct access_claim claim = {.domain = str_from(domains[i]), .api_key = STR("k")};
        FLOW_EXPECT(f, access_prove(f, a, &claim, &who), E_INPUT);
    }
    const struct access_claim other = {.domain = STR("acme")};
    FLOW_EXPECT(f, access_prove(f, a, &other, &who), E_INPUT);
    FLOW_CHECK(s->me_count == 0);
    return 0;
}
STAGE_TEST(test_foreign, on_foreign, .me_status = 0)

/* More pairs than are kept: memory stays bounded and nothing that is in use goes. */
ACCESS_CASE(on_flood)
{
    struct caller who;
    for (int i = 0; i < 5000 && !torture_is_on(); i++) {
        const struct access_claim claim = {.domain = STR("acme"),
                                           .api_key = arena_printf(&f->arena, "key %d", i)};
        FLOW_EXPECT(f, access_prove(f, a, &claim, &who), E_AUTH); /* blanks: no call is made */
    }
    FLOW_CHECK(s->me_count == 0);
    return 0;
}
STAGE_TEST(test_flood, on_flood, .me_status = 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage_setup), cmocka_unit_test(test_many),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_away),   cmocka_unit_test(test_grace), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_flood),
    };
    return pg_test_main(tests);
}
