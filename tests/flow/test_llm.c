/* The router of models: order, fallback before the first token, cooling down. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/flow.h"
#include "support/torture.h"
#include "upstream/llm.h"

/* A provider that does what its plan says: 'g' gives "text", 'e' fails at once, 'a' refuses the key, 'l' fails
 * after its first delta, 'i' refuses the input, 'j' has an unfit object. The last letter repeats. */
struct fake {
    struct llm_provider provider;
    const char *plan;
    size_t call_count;
};
struct fake_call {
    struct llm_call call;
    char act;
    int step;
};

static char fake_act(struct fake *k)
{
    size_t last = strlen(k->plan) - 1;
    size_t at = k->call_count++;
    return k->plan[MIN(at, last)];
}

static int fake_fail(struct flow *f, char act)
{
    switch (act) {
    case 'a': return err_set(&f->err, E_UPSTREAM_AUTH, "key");
    case 'i': return err_set(&f->err, E_UPSTREAM_INPUT, "input");
    case 'j': return err_set(&f->err, E_MODEL, "unfit");
    default: return err_set(&f->err, E_UPSTREAM, "down");
    }
}

static int fake_open(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                     struct llm_call **ret_call)
{
    struct fake *k = container_of(p, struct fake, provider);
    (void)spec;
    int r = flow_yield(f);
    if (r < 0)
        return r;
    char act = fake_act(k);
    if (act != 'g' && act != 'l')
        return fake_fail(f, act);
    struct fake_call *c = mem_alloc(sizeof(*c));
    c->call.provider = p;
    c->call.usage.provider = p->name;
    c->act = act;
    *ret_call = &c->call;
    return 0;
}

static int fake_next(struct flow *f, struct llm_call *call, struct str *ret_delta)
{
    struct fake_call *c = container_of(call, struct fake_call, call);
    int r = flow_yield(f);
    if (r < 0)
        return r;
    if (c->step++ == 0) {
        *ret_delta = STR("text");
        return 1;
    }
    return c->act == 'l' ? fake_fail(f, 'e') : 0;
}

static void fake_close(struct llm_call *call)
{
    mem_free(container_of(call, struct fake_call, call));
}

static int fake_json(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                     struct json *ret_value, struct llm_usage *ret_usage)
{
    char act = fake_act(container_of(p, struct fake, provider));
    int r = flow_yield(f);
    if (r < 0)
        return r;
    if (act != 'g')
        return fake_fail(f, act);
    ret_usage->provider = p->name;
    return json_parse(&f->arena, spec->schema, ret_value, &f->err);
}

static void fake_free(struct llm_provider *p)
{
    (void)p; /* on the test's stack */
}

static void fake_each(struct llm_provider *p, void (*each)(void *context, struct account *a),
                      void *context)
{
    (void)p;
    (void)each;
    (void)context;
}

static const struct llm_provider_ops fake_ops = {.open = fake_open,
                                                 .next = fake_next,
                                                 .close = fake_close,
                                                 .json = fake_json,
                                                 .free = fake_free,
                                                 .each_account = fake_each};

struct row {
    const char *name;
    const char *one, *two; /* plans; NULL: no such provider */
    int question_count;    /* asked one after the other; the last one is looked at */
    uint64_t pause_ms;     /* between questions */
    bool json;
    int want;
    const char *by;              /* who answered */
    size_t one_count, two_count; /* calls in all */
};
static const struct row rows[] = {
    {"first in order", "g", "g", 1, 0, false, 0, "one", 1, 0},
    {"next one when down", "e", "g", 1, 0, false, 0, "two", 1, 1},
    {"next one when the key is refused", "a", "g", 1, 0, false, 0, "two", 1, 1},
    {"next one when the input is refused", "i", "g", 1, 0, false, 0, "two", 1, 1},
    {"cools down", "eg", "g", 3, 0, false, 0, "two", 1, 3},
    {"comes back", "eg", "g", 2, 6000, false, 0, "one", 2, 1},
    {"a refused key cools longer", "ag", "g", 2, 6000, false, 0, "two", 1, 2},
    {"a refused input does not cool", "ig", "g", 2, 0, false, 0, "one", 2, 1},
    {"alone: tried three times", "e", NULL, 1, 0, false, E_UPSTREAM, NULL, 3, 0},
    {"alone: works at last", "eeg", NULL, 1, 0, false, 0, "one", 3, 0},
    {"alone: a refused key is final", "a", NULL, 1, 0, false, E_UPSTREAM_AUTH, NULL, 1, 0},
    {"both down, one comes back", "eeg", "e", 1, 0, false, 0, "one", 3, 2},
    {"never after the first token", "l", "g", 1, 0, false, E_UPSTREAM, NULL, 1, 0},
    {"object", "g", "g", 1, 0, true, 0, "one", 1, 0},
    {"object by the next", "j", "g", 1, 0, true, 0, "two", 1, 1},
    {"no object: not asked in rounds", "j", NULL, 1, 0, true, E_MODEL, NULL, 1, 0},
};

static int ask(struct flow *f, struct llm *m, bool json, const char **ret_by)
{
    const struct llm_message message = {"user", STR("q")};
    const struct llm_spec spec = {.messages = &message, .message_count = 1, .schema = STR("{}")};
    struct llm_usage usage = {.provider = NULL};
    struct json v;
    *ret_by = NULL;
    if (json) {
        int r = llm_json(f, m, &spec, &v, &usage);
        *ret_by = usage.provider;
        return r;
    }
    _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
    struct str delta;
    int r = llm_open(f, m, &spec, &s);
    while (r >= 0 && (r = llm_next(f, &s, &delta)) > 0)
        ;
    *ret_by = r >= 0 ? s.usage.provider : NULL;
    return r;
}

static int run_row(struct flow *f, void *arg)
{
    const struct row *row = arg;
    struct fake one = {.provider = {&fake_ops, "one"}, .plan = row->one};
    struct fake two = {.provider = {&fake_ops, "two"}, .plan = row->two};
    struct llm *m = llm_new(f->loop);
    const char *by = NULL;
    int r = 0;
    llm_add(m, &one.provider);
    if (row->two)
        llm_add(m, &two.provider);
    for (int i = 0; i < row->question_count; i++) {
        r = i > 0 && row->pause_ms ? flow_sleep(f, row->pause_ms) : 0;
        if (r >= 0)
            r = ask(f, m, row->json, &by);
    }
    llm_free(m);
    FLOW_EXPECT(f, r, row->want);
    if (torture_is_on())
        return 0;
    FLOW_CHECK(row->by ? by && strcmp(by, row->by) == 0 : !by);
    FLOW_CHECK(one.call_count == row->one_count && two.call_count == row->two_count);
    return 0;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        torture_run(rows[i].name, run_row, (void *)(uintptr_t)&rows[i]);
}

/* A reader's deadline ends the rounds. */
static int late(struct flow *f, void *arg)
{
    struct fake one = {.provider = {&fake_ops, "one"}, .plan = "e"};
    struct llm *m = llm_new(f->loop);
    const char *by;
    (void)arg;
    llm_add(m, &one.provider);
    _cleanup_(deadline_done) struct deadline d = deadline(f, 100);
    int r = ask(f, m, false, &by);
    llm_free(m);
    FLOW_EXPECT(f, r, E_UPSTREAM);
    if (!torture_is_on())
        FLOW_CHECK(one.call_count == 1);
    return 0;
}

static void test_late(void **state)
{
    (void)state;
    torture_run("late", late, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_late)};
    return cmocka_run_group_tests_name("flow.llm", tests, NULL, NULL);
}
