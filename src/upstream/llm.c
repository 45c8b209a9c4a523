/*
 * The router of language models: who is asked, in which order, and what happens when one fails.
 *
 * Happy path: the first provider that is not cooling down opens a stream and gives its first token.
 * A provider that fails before its first token is set aside for 5 to 30 seconds and the next one is tried;
 * when all failed in a way that may pass, the whole round is repeated up to twice, after a jittered wait.
 * Providers that cool down are tried only when no other is left.
 * Fails with E_CONFIG when there is no provider; otherwise the last provider's error, with its name.
 * Invariant: after the first delta was given out, nothing is tried again.
 */
#include "upstream/llm.h"

#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "base/rng.h"

#define PROVIDER_COUNT_MAX 8
#define ROUND_COUNT_MAX 3
#define COOL_MS 5000
#define COOL_MS_MAX 30000
#define ROUND_WAIT_MS 1000

struct seat {
    struct llm_provider *provider;
    uint64_t cool_until_ns;
    uint32_t failure_count; /* in a row */
};
struct llm {
    struct loop *loop;
    struct seat seats[PROVIDER_COUNT_MAX];
    size_t count;
    struct rng rng;
};

struct llm *llm_new(struct loop *l)
{
    struct llm *m = mem_alloc(sizeof(*m));
    m->loop = l;
    m->rng.state = 0x6c6c6d;
    return m;
}

void llm_add(struct llm *m, struct llm_provider *p)
{
    assert(m->count < PROVIDER_COUNT_MAX);
    m->seats[m->count++].provider = p;
}

void llm_free(struct llm *m)
{
    for (size_t i = 0; m && i < m->count; i++)
        m->seats[i].provider->ops->free(m->seats[i].provider);
    mem_free(m);
}

size_t llm_provider_count(const struct llm *m)
{
    return m->count;
}

void llm_each_account(struct llm *m, void (*each)(void *context, struct account *a), void *context)
{
    for (size_t i = 0; i < m->count; i++) {
        struct llm_provider *p = m->seats[i].provider;
        p->ops->each_account(p, each, context);
    }
}

/* ---- whose turn ---- */

static bool is_cooling(const struct llm *m, const struct seat *s)
{
    return loop_now_ns(m->loop) < s->cool_until_ns;
}

static void failed(struct llm *m, struct seat *s, int code)
{
    uint64_t ms = COOL_MS;
    if (code == E_UPSTREAM_INPUT || code == E_MODEL || code == E_LIMIT)
        return; /* this question's fault, not the provider's */
    s->failure_count++;
    for (uint32_t i = 1; i < s->failure_count && ms < COOL_MS_MAX; i++)
        ms *= 2;
    if (code == E_UPSTREAM_AUTH || code == E_UPSTREAM_DENIED)
        ms = COOL_MS_MAX;
    s->cool_until_ns = loop_now_ns(m->loop) + MIN(ms, COOL_MS_MAX) * 1000000;
}

static void worked(struct seat *s)
{
    s->failure_count = 0;
    s->cool_until_ns = 0;
}

/* Errors that are not the provider's: the reader has left, time is up, our own limits. */
static bool is_callers(struct flow *f, int code)
{
    return code == -ECANCELED || flow_check(f) < 0;
}

/* One thing to do with a provider; the stream or the JSON is inside. */
struct attempt {
    int (*run)(struct flow *f, struct attempt *at, struct llm_provider *p);
    const struct llm_spec *spec;
    struct llm_stream *stream;
    struct json *value;
    struct llm_usage *usage;
};

static int run_round(struct flow *f, struct llm *m, struct attempt *at, bool *ret_may_pass)
{
    bool tried = false, cooling[PROVIDER_COUNT_MAX] = {false};
    int r = E_CONFIG;
    for (size_t i = 0; i < m->count; i++)
        cooling[i] = is_cooling(m, &m->seats[i]);
    *ret_may_pass = false;
    for (int pass = 0; pass < 2 && !tried; pass++) { /* the cooling ones only when all are */
        for (size_t i = 0; i < m->count; i++) {
            struct seat *s = &m->seats[i];
            if (cooling[i] != (pass == 1))
                continue;
            tried = true;
            r = at->run(f, at, s->provider);
            if (r >= 0) {
                worked(s);
                return r;
            }
            if (is_callers(f, r))
                return r;
            failed(m, s, r);
            err_wrap(&f->err, r, "%s", s->provider->name);
            /* An answer that does not fit was asked for again by the provider itself. */
            bool settled = at->value && r == E_MODEL;
            *ret_may_pass = *ret_may_pass || (err_retryable(r) && !settled);
        }
    }
    return r;
}

static int route(struct flow *f, struct llm *m, struct attempt *at, int round_count)
{
    if (m->count == 0)
        return err_set(&f->err, E_CONFIG, "no language model is configured");
    for (int round = 1;; round++) {
        bool may_pass;
        int r = run_round(f, m, at, &may_pass);
        if (r >= 0 || is_callers(f, r) || !may_pass || round >= round_count)
            return r;
        struct err kept = f->err;
        uint64_t ms = (uint64_t)ROUND_WAIT_MS << (round - 1);
        ms = ms / 2 + rng_below(&m->rng, ms / 2 + 1);
        if (deadline_left_ms(f) <= ms)
            return r;
        int waited = flow_sleep(f, ms);
        if (waited < 0)
            return waited;
        f->err = kept;
    }
}

/* ---- streams ---- */

static int try_open(struct flow *f, struct attempt *at, struct llm_provider *p)
{
    struct llm_stream s = LLM_STREAM_INIT;
    int r = p->ops->open(f, p, at->spec, &s.call);
    if (r < 0)
        return r;
    r = p->ops->next(f, s.call, &s.first);
    if (r < 0) {
        p->ops->close(s.call);
        return r;
    }
    s.has_first = r > 0;
    s.usage = s.call->usage;
    *at->stream = s;
    return 0;
}

int llm_open(struct flow *f, struct llm *m, const struct llm_spec *spec,
             struct llm_stream *ret_stream)
{
    struct attempt at = {.run = try_open, .spec = spec, .stream = ret_stream};
    return route(f, m, &at, ROUND_COUNT_MAX);
}

int llm_next(struct flow *f, struct llm_stream *s, struct str *ret_delta)
{
    if (s->has_first) {
        s->has_first = false;
        *ret_delta = s->first;
        return 1;
    }
    if (!s->call)
        return 0;
    int r = s->call->provider->ops->next(f, s->call, ret_delta);
    s->usage = s->call->usage;
    return r;
}

void llm_close(struct llm_stream *s)
{
    if (!s->call)
        return;
    struct llm_call *call = TAKE(s->call);
    const struct llm_provider_ops *ops = call->provider->ops;
    s->has_first = false;
    ops->close(call);
}

/* ---- objects ---- */

static int try_json(struct flow *f, struct attempt *at, struct llm_provider *p)
{
    return p->ops->json(f, p, at->spec, at->value, at->usage);
}

int llm_json(struct flow *f, struct llm *m, const struct llm_spec *spec, struct json *ret_value,
             struct llm_usage *ret_usage)
{
    *ret_usage = (struct llm_usage){.prompt_tokens = 0};
    struct attempt at = {.run = try_json, .spec = spec, .value = ret_value, .usage = ret_usage};
    return route(f, m, &at, ROUND_COUNT_MAX);
}
