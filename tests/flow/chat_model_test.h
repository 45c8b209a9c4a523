#pragma once
/*
 * A model for tests of chats/, in this process: the sandbox's sorting of chats behind the router of models,
 * told by a plan what to do with each call.
 *
 *   't' the truth   'm' swapped   'd' one left out   'i' an invented category   'q' a wrong quote
 *   'p' prose       'c' cut off   'r' refuses the input   'e' is away   'a' refuses the key
 *
 * The last letter of the plan repeats.
 */
#include <string.h>

#include "sandbox/chats.h"
#include "support/torture.h"
#include "upstream/llm.h"

struct fake_model {
    struct llm_provider provider;
    const char *plan;
    int64_t stuck;       /* % of texts that are answered in prose each time */
    uint64_t latency_ms; /* 0: the next turn */
    size_t call_count, in_flight, in_flight_max;
    uint64_t chat_count;
};

static inline int fake_answer(struct flow *f, struct fake_model *k, char act,
                              const struct llm_spec *spec, struct json *ret_value,
                              struct llm_usage *usage)
{
    const struct prompt p = {.instructions = spec->messages[0].text,
                             .user = spec->messages[1].text};
    const struct sorting_faults faults = {.misorder = act == 'm' ? 100 : 0,
                                          .drop = act == 'd' ? 100 : 0,
                                          .invent = act == 'i' ? 100 : 0,
                                          .misquote = act == 'q' ? 100 : 0,
                                          .prose = act == 'p' ? 100 : 0,
                                          .cut = act == 'c' ? 100 : 0,
                                          .stuck = k->stuck};
    struct buf *out = arena_buf(&f->arena, 0);
    sorting_answer(&f->arena, &p, &faults, k->call_count, out, &k->chat_count);
    usage->provider = "fake";
    usage->model = "HCX-007";
    usage->prompt_tokens += 100;
    usage->completion_tokens += 20;
    usage->cost_krw += 0.225;
    struct err err;
    if (json_parse(&f->arena, buf_view(out), ret_value, &err) < 0)
        return err_set(&f->err, E_MODEL, "not a JSON object");
    return 0;
}

static inline int fake_json(struct flow *f, struct llm_provider *p, const struct llm_spec *spec,
                            struct json *ret_value, struct llm_usage *ret_usage)
{
    struct fake_model *k = container_of(p, struct fake_model, provider);
    size_t at = k->call_count++, last = strlen(k->plan) - 1;
    char act = k->plan[MIN(at, last)];
    k->in_flight++;
    k->in_flight_max = MAX(k->in_flight_max, k->in_flight);
    int r = k->latency_ms ? flow_sleep(f, k->latency_ms) : flow_yield(f);
    k->in_flight--;
    if (r < 0)
        return r;
    switch (act) {
    case 'a': return err_set(&f->err, E_UPSTREAM_AUTH, "the key is refused");
    case 'r': return err_set(&f->err, E_UPSTREAM_INPUT, "unsafe content");
    case 'e': return err_set(&f->err, E_UPSTREAM, "down");
    default: return fake_answer(f, k, act, spec, ret_value, ret_usage);
    }
}

static inline void fake_free(struct llm_provider *p)
{
    (void)p;
}

/* The router with this model alone. `k` outlives it. */
static inline struct llm *fake_llm(struct loop *l, struct fake_model *k)
{
    static const struct llm_provider_ops ops = {.json = fake_json, .free = fake_free};
    struct llm *m = llm_new(l);
    k->provider = (struct llm_provider){.ops = &ops, .name = "fake"};
    llm_add(m, &k->provider);
    return m;
}
