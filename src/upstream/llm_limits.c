/*
 * What models' vendors say about limits and refusals.
 *
 * Happy path: each answer's x-ratelimit-* headers move the account's bucket. Names and formats are not
 * documented for CLOVA and differ between vendors, so plain numbers and durations (1m2s, 12ms) are both read
 * and anything odd is passed over.
 * A refusal is remembered in the try (status, code, reason) and refined afterwards: CLOVA's 42902 is the
 * vendor's own overload (another provider helps), 42900/42901 are our limit (the bucket is held), a spent
 * quota is no rate at all and is not tried again.
 * Invariant: HTTP status decides, codes only refine.
 */
#include "upstream/llm_vendor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "upstream/account_secret.h"
#include "upstream/reply.h"

#define HOLD_UNTOLD_MS 5000
#define HOLD_MS_MAX 120000
/* What is back so soon is not counted for a whole window: such a peer refills all the time (OpenAI). */
#define RESET_SOON_MS 6000

/* "42901" or 42901; 0 when it is no number. */
static int64_t code_of(struct json v)
{
    int64_t code;
    if (json_is_str(v) && str_to_i64(str_trim(json_str(v)), &code))
        return code;
    return json_i64(v, 0);
}

static void read_refusal(struct llm_try *t, struct str body)
{
    struct arena arena;
    struct json v;
    struct err ignored;
    t->code = 0;
    t->reason[0] = '\0';
    if (body.len == 0 || body.len > 65536)
        return;
    arena_init(&arena, 0);
    if (json_parse_lax(&arena, body, &v, &ignored) >= 0) {
        struct json code = json_path(v, "error.code");
        t->code = code_of(json_path(v, "status.code"));
        if (t->code == 0)
            t->code = code_of(code);
        struct str reason = json_str(code);
        if (reason.len == 0 || t->code != 0)
            reason = json_str(json_path(v, "error.type"));
        snprintf(t->reason, sizeof(t->reason), "%.*s", STR_ARG(str_cut_utf8(reason, 63)));
    }
    arena_done(&arena);
}

/* How long a 429 asks us to wait where Retry-After says nothing (the account reads that one itself). */
static double wait_of(const struct web_reply *reply)
{
    static const char *const names[] = {"x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"};
    double longest_ms = -1, ms = reply_number(reply, "retry-after-ms");
    if (ms >= 0)
        return ms;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (reply_duration(web_header_find(reply, names[i]), &ms))
            longest_ms = MAX(longest_ms, ms);
    return longest_ms;
}

static bool is_quota(const char *reason)
{
    static const struct str names[] = {STR("quota"), STR("billing"), STR("credit"), STR("balance")};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (str_find(str_from(reason), names[i], 0) != SIZE_MAX)
            return true;
    return false;
}

void llm_learn(struct bucket *b, const struct web_reply *reply, const struct account_call *call)
{
    static const struct {
        size_t limit;
        const char *total, *remaining, *reset;
    } headers[] = {{LLM_LIMIT_CALLS, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                    "x-ratelimit-reset-requests"},
                   {LLM_LIMIT_TOKENS, "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
                    "x-ratelimit-reset-tokens"}};
    struct llm_try *t = container_of((struct account_call *)(uintptr_t)call, struct llm_try, call);
    t->status = reply->status;
    if (reply->status >= 400)
        read_refusal(t, reply->body);
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        double total = reply_number(reply, headers[i].total);
        double remaining = reply_number(reply, headers[i].remaining);
        double reset_ms;
        bool soon = reply_duration(web_header_find(reply, headers[i].reset), &reset_ms) &&
                    reset_ms < RESET_SOON_MS;
        if (soon && remaining >= 0 && remaining < 1)
            bucket_rest(b, (uint64_t)reset_ms);
        if (total >= 1 || remaining >= 0)
            bucket_learn(b, headers[i].limit, total >= 1 ? total : -1, soon ? -1 : remaining);
    }
    bool ours = t->code == 0 || t->code == 42900 || t->code == 42901;
    if (reply->status == 429 && ours && !is_quota(t->reason) &&
        web_header_find(reply, "Retry-After").len == 0) {
        double ms = wait_of(reply);
        bucket_hold(b, (uint64_t)MIN(ms >= 0 ? ms : HOLD_UNTOLD_MS, HOLD_MS_MAX));
    }
}

/* Our code for a vendor's; `otherwise` when it adds nothing. */
static int code_for(int64_t code, const char *reason, int otherwise)
{
    if (code == 42902 || code == 42903)
        return E_UPSTREAM_BUSY;
    if (code == 42900 || code == 42901)
        return E_RATE;
    if (is_quota(reason))
        return E_UPSTREAM_DENIED;
    if (code >= 40100 && code < 40200)
        return E_UPSTREAM_AUTH;
    if (code >= 40300 && code < 40400)
        return E_UPSTREAM_DENIED;
    if (code == 40800 || code == 42400 || (code >= 50000 && code < 60000))
        return E_UPSTREAM;
    if (code >= 40000 && code < 42000)
        return E_UPSTREAM_INPUT;
    return otherwise;
}

int llm_refine(struct flow *f, const struct llm_try *t, int r)
{
    if (r == -ETIMEDOUT && flow_check(f) >= 0)
        return err_set(&f->err, E_UPSTREAM, "the model said nothing in time");
    if (t->status < 400 || r == -ECANCELED || r == -ETIMEDOUT || r == E_CIRCUIT || r == E_OVERLOAD)
        return r;
    int better = code_for(t->code, t->reason, r);
    return better == r ? r : err_wrap(&f->err, better, "code %" PRId64, t->code);
}

int llm_refuse(struct llm_try *t, struct err *err, struct json v)
{
    struct json inner = json_get(v, "error");
    int64_t code = code_of(json_path(v, "status.code"));
    if (code == 0)
        code = code_of(json_get(inner, "code"));
    struct str reason = json_str(json_get(inner, "code"));
    if (reason.len == 0 || code != 0)
        reason = json_str(json_get(inner, "type"));
    char word[64];
    snprintf(word, sizeof(word), "%.*s", STR_ARG(str_cut_utf8(reason, 63)));
    struct str text = llm_error_text(v);
    if (account_tells_secret(&t->call.request, text))
        text = STR(account_hidden_text);
    text = str_cut_utf8(text, 180);
    int r = code_for(code, word, E_UPSTREAM);
    t->code = code;
    if (code != 0)
        return err_set(err, r, "the model failed with %" PRId64 ": %.*s", code, STR_ARG(text));
    return err_set(err, r, "the model failed: %.*s", STR_ARG(text));
}

bool llm_is_too_long(const struct llm_try *t, const struct err *err)
{
    static const struct str words[] = {STR("context length"), STR("context_length"),
                                       STR("too long"),       STR("maximum context"),
                                       STR("exceeded"),       STR("tokens")};
    if (t->code != 0)
        return t->code == 40003;
    if (t->status != 400 && t->status != 413 && t->status != 422)
        return false;
    struct str text = str_from(err->msg);
    if (str_find(str_from(t->reason), STR("context"), 0) != SIZE_MAX)
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (str_find(text, words[i], 0) != SIZE_MAX)
            return true;
    return t->status == 413;
}

void llm_reserve(struct llm_try *t, struct account *a, int64_t input_tokens, int64_t output_tokens)
{
    struct bucket_stats stats = bucket_stats(account_bucket(a));
    t->reserved = input_tokens;
    t->call.cost[LLM_LIMIT_CALLS] = 1;
    t->call.cost[LLM_LIMIT_TOKENS] = MIN((double)(input_tokens + output_tokens),
                                         stats.per_window[LLM_LIMIT_TOKENS]);
}

void llm_settle(const struct llm_try *t, struct account *a, int64_t input_tokens)
{
    /* A count far from our estimate is a slip of the vendor's; believing it could stop us for hours. */
    if (input_tokens > 0 && input_tokens <= 8 * t->reserved + 1024)
        bucket_correct(account_bucket(a), LLM_LIMIT_TOKENS, (double)(input_tokens - t->reserved));
}
