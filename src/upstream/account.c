/*
 * One upstream account: the only retry loop towards it.
 *
 * Happy path: circuit closed -> a turn from the bucket -> the request -> the vendor's headers teach the
 * bucket -> 2xx goes back to the caller.
 * Fails: each try ends as one code (classify). Retryable ones wait (jitter, or as the server says) and
 * go round again, always through the bucket, so that retries cost what calls cost; all others return at
 * once. The caller's cancel or deadline ends it anywhere.
 * Invariant: while the circuit is half open at most one call, the probe, is on its way; whatever way
 * that call ends, `probing` falls.
 * Logs above debug, against the rule for rooms below services: that an account rests, recovers or is held
 * belongs to no single call, so no caller could tell it; an operator must hear of it all the same.
 */
#include "upstream/account.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "upstream/account_secret.h"

enum {
    TIMEOUT_MS = 30000,
    BREAKER_FAILURES = 8,
    BREAKER_MS = 1000,
    BREAKER_MS_MAX = 10000,
    BACKOFF_MS = 1000, /* doubled with each attempt */
    BACKOFF_MS_MAX = 32000,
    BACKOFF_MS_MIN = 50,
    FAILURE_BYTES_MAX = 64 << 10,
};

struct account {
    struct loop *loop;
    char *name;
    struct web *web;
    struct bucket *bucket;
    size_t limit_count;
    account_learn_fn *learn;
    uint32_t breaker_failures, breaker_ms, hold_default_ms;
    uint32_t rest_ms; /* of the next rest: doubles while probes fail */
    uint32_t failures_in_row;
    uint64_t open_until_ns;
    bool probing;
    struct rng rng;
    struct account_stats stats;
};

/* One try and what became of it. */
struct attempt {
    const struct account_call *call;
    bool whole;
    struct web_reply reply; /* status 0: none came */
    struct web_stream stream;
    bool is_final;   /* the answer says that trying again is of no use */
    int64_t wait_ms; /* what the answer asks for; -1: nothing */
};

struct account *account_new(struct loop *l, const struct account_spec *spec)
{
    struct account *a = mem_alloc(sizeof(*a));
    a->loop = l;
    a->name = mem_strdup(spec->name);
    a->web = spec->web;
    a->bucket = bucket_new(l, &spec->bucket);
    a->limit_count = spec->bucket.limit_count;
    a->learn = spec->learn;
    a->breaker_failures = spec->breaker_failures ? spec->breaker_failures : BREAKER_FAILURES;
    a->breaker_ms = spec->breaker_ms ? spec->breaker_ms : BREAKER_MS;
    a->rest_ms = a->breaker_ms;
    a->hold_default_ms = spec->hold_default_ms;
    /* Jitter must differ between processes that start together, not be secret. */
    a->rng.state = str_hash(str_from(spec->name)) ^ loop_now_ns(l);
    return a;
}

void account_free(struct account *a)
{
    if (!a)
        return;
    bucket_free(a->bucket);
    mem_free(a->name);
    mem_free(a);
}

struct bucket *account_bucket(struct account *a)
{
    return a->bucket;
}

const char *account_name(const struct account *a)
{
    return a->name;
}

struct account_stats account_stats(const struct account *a)
{
    struct account_stats s = a->stats;
    s.circuit_open = a->failures_in_row >= a->breaker_failures;
    return s;
}

/* ---- breaker ---- */

static bool circuit_is_open(const struct account *a)
{
    return a->failures_in_row >= a->breaker_failures;
}

/* Milliseconds until a call may try; 0: now. */
static uint64_t circuit_wait_ms(const struct account *a)
{
    uint64_t now_ns = loop_now_ns(a->loop);
    if (!circuit_is_open(a))
        return 0;
    if (now_ns < a->open_until_ns)
        return (a->open_until_ns - now_ns + 999999) / 1000000;
    return a->probing ? BACKOFF_MS : 0;
}

static int circuit_refuse(struct flow *f, const struct account *a)
{
    return err_set(&f->err, E_CIRCUIT, "%s: resting after %u failures in a row", a->name,
                   a->failures_in_row);
}

static void circuit_note(struct account *a, bool is_failure)
{
    bool was_open = circuit_is_open(a);
    if (!is_failure) {
        a->failures_in_row = 0;
        a->rest_ms = a->breaker_ms;
        if (was_open)
            log_info("account.recovered", "account=\"%s\"", a->name);
        return;
    }
    if (a->failures_in_row < UINT32_MAX)
        a->failures_in_row++;
    if (!circuit_is_open(a))
        return;
    /* Opens, or stays open after a probe that failed. Calls that were on their way when it opened must
     * not prolong it. */
    if (!was_open || loop_now_ns(a->loop) >= a->open_until_ns) {
        a->open_until_ns = loop_now_ns(a->loop) + (uint64_t)a->rest_ms * 1000000;
        if (!was_open)
            log_warn("account.resting", "account=\"%s\" failures=%u ms=%u", a->name,
                     a->failures_in_row, a->rest_ms);
        a->rest_ms = MIN(a->rest_ms * 2, MAX(a->breaker_ms, (uint32_t)BREAKER_MS_MAX));
    }
}

/* E_UPSTREAM and the like speak about the upstream's health; limits and refusals do not. */
static bool is_health_failure(int r)
{
    return r == E_UPSTREAM || r == E_UPSTREAM_BUSY || r == E_TRUNCATED || r == E_PROTOCOL ||
           r == -ETIMEDOUT;
}

void account_result(struct account *a, int status)
{
    if (status >= 0)
        circuit_note(a, false);
    else if (is_health_failure(status)) {
        a->stats.failed_count++;
        circuit_note(a, true);
    }
}

/* ---- classify ---- */

static int code_of_status(int status)
{
    switch (status) {
    case 401: return E_UPSTREAM_AUTH;
    case 403: return E_UPSTREAM_DENIED;
    case 404: return E_NOT_FOUND;
    case 408: return E_UPSTREAM;
    case 429: return E_RATE;
    default: return status >= 500 ? E_UPSTREAM : E_UPSTREAM_INPUT;
    }
}

/* OpenAI answers 429 also when the money is used up: waiting does not help. */
static bool is_about_money(struct arena *arena, struct str body)
{
    struct json v;
    struct err ignored;
    if (json_parse(arena, body, &v, &ignored) < 0)
        return false;
    struct str code = json_str(json_path(v, "error.code"));
    return str_eq(code, STR("insufficient_quota")) ||
           str_eq(code, STR("billing_hard_limit_reached"));
}

/* A complete answer that is no 2xx, to a code and a message. */
static int classify(struct flow *f, struct attempt *t)
{
    const struct web_reply *reply = &t->reply;
    int r = code_of_status(reply->status);
    struct buf *text = arena_buf(&f->arena, 1024);
    account_error_text(&f->arena, web_header_find(reply, "content-type"), reply->body, text);
    /* The body, too: the text is cut, perhaps inside the key. */
    if (account_tells_secret(&t->call->request, reply->body) ||
        account_tells_secret(&t->call->request, buf_view(text))) {
        buf_clear(text);
        buf_text(text, account_hidden_text);
    }
    t->wait_ms = account_wait_ms(reply, loop_wall_ms(f->loop));
    t->is_final = reply->status == 501 || reply->status == 505 ||
                  str_eq_nocase(web_header_find(reply, "x-should-retry"), STR("false"));
    if (r == E_RATE && is_about_money(&f->arena, reply->body)) {
        t->is_final = true;
        r = E_UPSTREAM_DENIED;
    }
    return err_set(&f->err, r, "%s: status %d: %s", t->call->name, reply->status, text->ptr);
}

/* ---- one try ---- */

/* The head is there but is no 2xx: its body tells why. What cannot be read is not waited for. */
static void read_failure(struct flow *f, struct attempt *t)
{
    struct str body = STR_NONE;
    if (web_rest(f, &t->stream, FAILURE_BYTES_MAX, &body) >= 0)
        t->reply.body = body;
    web_close(&t->stream);
}

static int send_request(struct flow *f, struct account *a, struct attempt *t)
{
    const struct account_call *call = t->call;
    uint32_t timeout_ms = call->timeout_ms ? call->timeout_ms : TIMEOUT_MS;
    _cleanup_(deadline_done) struct deadline d = deadline(f, timeout_ms);
    int r;
    if (t->whole) {
        r = web_fetch(f, a->web, &call->request, &t->reply);
    } else {
        r = web_open(f, a->web, &call->request, &t->stream);
        t->reply = t->stream.reply;
    }
    if (r >= 0 && !t->whole && (t->reply.status < 200 || t->reply.status > 299))
        read_failure(f, t);
    if (r < 0)
        t->reply = (struct web_reply){0};
    return r;
}

static int try_once(struct flow *f, struct account *a, struct attempt *t)
{
    bool is_probe = circuit_is_open(a);
    a->probing |= is_probe;
    a->stats.call_count++;
    t->reply = (struct web_reply){0};
    t->is_final = false;
    t->wait_ms = -1;
    int r = send_request(f, a, t);
    if (is_probe)
        a->probing = false;
    int reason = flow_check(f); /* the caller's own end says nothing about the upstream */
    if (reason < 0) {
        web_close(&t->stream);
        return reason;
    }
    if (t->reply.status > 0 && a->learn)
        a->learn(a->bucket, &t->reply, t->call);
    if (r < 0)
        err_wrap(&f->err, r, "%s", t->call->name);
    else if (t->reply.status < 200 || t->reply.status > 299)
        r = classify(f, t);
    else if (t->whole && t->call->check)
        r = t->call->check(f, t->call, &t->reply);
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        a->stats.failed_count++;
    else if (t->whole)
        a->stats.latency_ms += ((double)t->reply.duration_ns / 1e6 - a->stats.latency_ms) *
                               (a->stats.latency_ms > 0 ? 0.1 : 1);
    if (is_health_failure(r))
        circuit_note(a, true);
    else if (t->reply.status > 0 && t->reply.status != 429)
        circuit_note(a, false);
    return r;
}

/* ---- the loop ---- */

/* Full jitter: callers that failed together do not come back together. */
static uint64_t backoff_ms(struct account *a, uint32_t attempt)
{
    uint64_t most_ms = attempt < 5 ? (uint64_t)BACKOFF_MS << attempt : BACKOFF_MS_MAX;
    return BACKOFF_MS_MIN + rng_below(&a->rng, most_ms - BACKOFF_MS_MIN + 1);
}

/* Waits before the next try. The error of this one stays in f->err; `r`, its code, comes back when there
 * is no time to wait. */
static int wait_before_retry(struct flow *f, struct account *a, const struct attempt *t,
                             uint32_t attempt, int r)
{
    uint64_t wait_ms = t->wait_ms >= 0 ? (uint64_t)t->wait_ms : backoff_ms(a, attempt);
    if (r == E_RATE)
        wait_ms = bucket_stats(a->bucket).hold_ms; /* just set; bucket_take waits for it */
    wait_ms = MAX(wait_ms, circuit_wait_ms(a));
    if (wait_ms >= deadline_left_ms(f))
        return r;
    log_debug("account.retry", "account=\"%s\" call=%s attempt=%u wait_ms=%llu error=%s", a->name,
              t->call->name, attempt + 1, (unsigned long long)wait_ms, err_name(r));
    return r == E_RATE ? 0 : flow_sleep(f, wait_ms);
}

static bool may_retry(const struct attempt *t, int r)
{
    return !t->is_final && (is_health_failure(r) || r == E_RATE);
}

static void hold_account(struct account *a, const struct attempt *t, uint32_t attempt)
{
    uint64_t ms = t->wait_ms >= 0          ? (uint64_t)t->wait_ms
                  : a->hold_default_ms > 0 ? a->hold_default_ms
                                           : backoff_ms(a, attempt);
    a->stats.rate_limited_count++;
    bucket_hold(a->bucket, ms);
    log_warn("account.rate", "account=\"%s\" call=%s hold_ms=%llu", a->name, t->call->name,
             (unsigned long long)ms);
}

/* 1 when the circuit lets a call through; 0 after a wait for it, which counts as a try; E_CIRCUIT at once
 * for a first try, for the last, and when there is no time to wait. */
static int pass_circuit(struct flow *f, struct account *a, const struct account_call *call,
                        uint32_t attempt)
{
    uint64_t wait_ms = circuit_wait_ms(a);
    if (wait_ms == 0)
        return 1;
    wait_ms += rng_below(&a->rng, BACKOFF_MS);
    bool waits = attempt > 0 || call->priority == PRIORITY_BULK; /* nobody is waiting for bulk */
    if (!waits || attempt >= call->retry_count || wait_ms >= deadline_left_ms(f))
        return circuit_refuse(f, a);
    return flow_sleep(f, wait_ms);
}

static void give_back(struct account *a, const struct account_call *call)
{
    for (size_t i = 0; i < a->limit_count; i++)
        if (call->cost[i] > 0)
            bucket_correct(a->bucket, i, -call->cost[i]);
}

static int call_run(struct flow *f, struct account *a, struct attempt *t)
{
    const struct account_call *call = t->call;
    if (call->ret_failure)
        *call->ret_failure = (struct web_reply){0};
    for (uint32_t attempt = 0;; attempt++) {
        int r = pass_circuit(f, a, call, attempt); /* before queueing */
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        r = bucket_take(f, a->bucket, call->priority, call->cost);
        if (r < 0)
            return r;
        if (circuit_wait_ms(a) > 0) { /* opened meanwhile, or another call is the probe */
            give_back(a, call);
            r = pass_circuit(f, a, call, attempt);
            if (r < 0)
                return r;
            continue;
        }
        r = try_once(f, a, t);
        if (r >= 0 || r == -ECANCELED)
            return r;
        if (call->ret_failure)
            *call->ret_failure = t->reply;
        if (r == E_RATE)
            hold_account(a, t, attempt);
        if (!may_retry(t, r) || attempt >= call->retry_count || flow_check(f) < 0)
            return r;
        int waited = wait_before_retry(f, a, t, attempt, r);
        if (waited < 0)
            return waited;
        a->stats.retry_count++;
    }
}

int account_fetch(struct flow *f, struct account *a, const struct account_call *call,
                  struct web_reply *ret_reply)
{
    struct attempt t = {.call = call, .whole = true};
    int r = call_run(f, a, &t);
    if (r < 0)
        return r;
    *ret_reply = t.reply;
    return 0;
}

int account_open(struct flow *f, struct account *a, const struct account_call *call,
                 struct web_stream *ret_stream)
{
    struct attempt t = {.call = call};
    int r = call_run(f, a, &t);
    if (r < 0)
        return r;
    *ret_stream = t.stream;
    return 0;
}
