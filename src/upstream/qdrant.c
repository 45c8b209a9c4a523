/*
 * Qdrant's REST interface: one call, its envelope, its errors.
 *
 * Happy path: send JSON, get {"result": ..., "status": "ok"}. Idle connections die after 5 s on the server's
 * side, so ours are not reused after 4.
 * Retries here, not in the account, because their rules differ: a transport fault once and at once (every call
 * is idempotent), 429 only with Retry-After, 408 and 5xx but 501 and 507 once after a moment.
 * Fails with E_VECTORS_AWAY for whatever may pass (transport, 5xx, 507, timeouts, wait_timeout), E_NOT_FOUND,
 * E_BUSY (409), E_LIMIT (429 without Retry-After: the request is larger than the whole rate bucket),
 * E_UPSTREAM_AUTH/_DENIED (plain-text bodies), E_UPSTREAM_INPUT for 400 and 422 with the server's words.
 * Invariant: a result is given only from an envelope of a 2xx answer.
 * Source: qdrant 1.19 openapi.json and actix helpers (qdrant-api §1).
 */
#include "upstream/qdrant.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "upstream/reply.h"

#define AGE_MAX_S 4
#define TIMEOUT_MS 30000
#define RETRY_MS 300
#define RETRY_AFTER_MS_MAX 60000
#define REPLY_BYTES_MAX ((size_t)128 * 1024 * 1024)
#define VERSION_MAJOR_MIN 1
#define VERSION_MINOR_MIN 16

struct qdrant {
    char *url, *api_key;
    struct account *account;
};
/* The account hands `call` back to learn, which keeps what the answer said. */
struct qdrant_try {
    struct account_call call;
    int status;            /* 0: no answer came */
    double retry_after_ms; /* < 0: none told */
};

static void learn(struct bucket *b, const struct web_reply *reply, const struct account_call *call)
{
    struct qdrant_try *t = container_of((struct account_call *)(uintptr_t)call, struct qdrant_try,
                                        call);
    double seconds = reply_number(reply, "Retry-After");
    (void)b;
    t->status = reply->status;
    t->retry_after_ms = seconds >= 0 ? seconds * 1000 : -1;
}

struct qdrant *qdrant_new(struct loop *l, const struct qdrant_spec *spec)
{
    struct qdrant *q = mem_alloc(sizeof(*q));
    q->url = mem_strdup(spec->url);
    for (size_t len = strlen(q->url); len > 0 && q->url[len - 1] == '/';)
        q->url[--len] = '\0';
    q->api_key = mem_strdup(spec->api_key ? spec->api_key : "");
    struct account_spec account = {.name = "qdrant",
                                   .web = spec->web,
                                   .learn = learn,
                                   .bucket = {.name = "qdrant", .limit_count = 0}};
    q->account = account_new(l, &account);
    return q;
}

void qdrant_free(struct qdrant *q)
{
    if (!q)
        return;
    account_free(q->account);
    mem_free(q->url);
    mem_free(q->api_key);
    mem_free(q);
}

struct account *qdrant_account(struct qdrant *q)
{
    return q->account;
}

/* ---- one call ---- */

/* True when the same request may be sent once more; *ret_wait_ms: after how long. */
static bool may_retry(const struct qdrant_try *t, int r, uint64_t *ret_wait_ms)
{
    *ret_wait_ms = 0;
    if (t->status == 0)
        return r == E_UPSTREAM || r == E_TRUNCATED || r == E_PROTOCOL;
    *ret_wait_ms = RETRY_MS;
    if (t->status == 429) {
        *ret_wait_ms = (uint64_t)MIN(MAX(t->retry_after_ms, 0), RETRY_AFTER_MS_MAX);
        return t->retry_after_ms >= 0 && t->retry_after_ms <= RETRY_AFTER_MS_MAX;
    }
    bool may_pass = t->status >= 500 && t->status != 501 && t->status != 507;
    return may_pass || t->status == 408 || r == E_TRUNCATED;
}

/* What the account's error means for the store. */
static int translate(struct flow *f, const struct qdrant_try *t, int r)
{
    if (r == -ECANCELED || flow_check(f) < 0)
        return r;
    if (t->status == 409)
        return err_wrap(&f->err, E_BUSY, "qdrant");
    if (t->status == 408 || t->status >= 500)
        return err_wrap(&f->err, E_VECTORS_AWAY, "qdrant");
    switch (r) {
    case E_UPSTREAM:
    case E_UPSTREAM_BUSY:
    case E_TRUNCATED:
    case E_PROTOCOL:
    case E_CIRCUIT:
    case -ETIMEDOUT: return err_wrap(&f->err, E_VECTORS_AWAY, "qdrant");
    default: break;
    }
    /* Its key, our request, its collection: no matter of who asks us. */
    f->err.http = err_http(E_VECTORS_AWAY);
    if (t->status == 429 && t->retry_after_ms < 0)
        return err_wrap(&f->err, E_LIMIT, "qdrant: more than its rate limit can ever hold");
    return err_wrap(&f->err, r, "qdrant");
}

/* The whole answer as JSON. */
static int fetch(struct flow *f, struct qdrant *q, enum priority p, const char *method,
                 struct str path, struct str body, uint32_t timeout_ms, struct json *ret_json)
{
    struct web_header headers[3];
    size_t count = 0;
    headers[count++] = (struct web_header){STR("Accept"), STR("application/json")};
    if (q->api_key[0])
        headers[count++] = (struct web_header){STR("api-key"), str_from(q->api_key)};
    if (body.len > 0)
        headers[count++] = (struct web_header){STR("Content-Type"), STR("application/json")};
    struct qdrant_try t = {
        .call = {.priority = p,
                 .request = {.method = method,
                             .url = arena_printf(&f->arena, "%s%.*s", q->url, STR_ARG(path)),
                             .headers = headers,
                             .header_count = count,
                             .body = body,
                             .bytes_max = REPLY_BYTES_MAX,
                             .gzip = true,
                             .age_max_s = AGE_MAX_S},
                 .timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_MS,
                 .name = "qdrant.call"},
    };
    for (int attempt = 0;; attempt++) {
        struct web_reply reply;
        uint64_t wait_ms;
        t.status = 0;
        t.retry_after_ms = -1;
        int r = account_fetch(f, q->account, &t.call, &reply);
        if (r >= 0)
            return reply_json(f, reply.body, ret_json);
        if (attempt > 0 || r == -ECANCELED || flow_check(f) < 0 || !may_retry(&t, r, &wait_ms))
            return translate(f, &t, r);
        struct err kept = f->err;
        if (wait_ms > 0) {
            r = flow_sleep(f, wait_ms);
            if (r < 0)
                return r;
        }
        f->err = kept;
    }
}

/* HTTP 200 although the write is still queued: {"status":"wait_timeout"}, or one of a batch. */
static bool is_queued(struct json result)
{
    if (str_eq(json_str(json_get(result, "status")), STR("wait_timeout")))
        return true;
    if (!json_is_arr(result))
        return false;
    for (struct json_iter it = json_iter(result); json_next(&it);)
        if (str_eq(json_str(json_get(it.value, "status")), STR("wait_timeout")))
            return true;
    return false;
}

int qdrant_call(struct flow *f, struct qdrant *q, enum priority p, const char *method,
                struct str path, struct str body, uint32_t timeout_ms, struct json *ret_result)
{
    struct json v = JSON_NONE;
    int r = fetch(f, q, p, method, path, body, timeout_ms, &v);
    if (r == E_PROTOCOL)
        return err_wrap(&f->err, E_VECTORS_AWAY, "qdrant");
    if (r < 0)
        return r;
    struct json result = json_get(v, "result");
    struct str failure = json_str(json_path(v, "status.error"));
    if (failure.len > 0)
        return err_set(&f->err, E_VECTORS_AWAY, "qdrant: %.*s",
                       STR_ARG(str_cut_utf8(failure, 200)));
    if (!json_exists(result))
        return err_set(&f->err, E_VECTORS_AWAY, "qdrant: an answer without a result");
    if (is_queued(result))
        return err_set(&f->err, E_VECTORS_AWAY,
                       "qdrant: the write is queued, but was not applied in time");
    *ret_result = result;
    return 0;
}

int qdrant_version(struct flow *f, struct qdrant *q, int *ret_major, int *ret_minor)
{
    struct json v = JSON_NONE;
    char text[32];
    int major, minor;
    int r = fetch(f, q, PRIORITY_LIVE, "GET", STR("/"), STR_NONE, 5000, &v);
    if (r == E_PROTOCOL)
        return err_wrap(&f->err, E_VECTORS_AWAY, "qdrant");
    if (r < 0)
        return r;
    struct str version = json_str(json_get(v, "version"));
    snprintf(text, sizeof(text), "%.*s", STR_ARG(str_cut_utf8(version, sizeof(text) - 1)));
    if (sscanf(text[0] == 'v' ? text + 1 : text, "%d.%d", &major, &minor) != 2)
        return err_set(&f->err, E_VECTORS_AWAY, "qdrant: no version at its root");
    if (major < VERSION_MAJOR_MIN || (major == VERSION_MAJOR_MIN && minor < VERSION_MINOR_MIN))
        return err_set(&f->err, E_CONFIG, "Qdrant %s is too old: %d.%d or later is needed", text,
                       VERSION_MAJOR_MIN, VERSION_MINOR_MIN);
    *ret_major = major;
    *ret_minor = minor;
    return 0;
}
