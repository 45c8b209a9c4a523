/* One upstream account against a scripted peer: retries, waits, circuit, statuses, streams. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/peer.h"
#include "support/torture.h"
#include "upstream/account.h"

struct account_case {
    const struct peer_script *scripts;
    size_t script_count;
    int (*fn)(struct flow *f, struct account *a, struct peer *p);
};

/* Tells the bucket what "X-RateLimit-*" say, as vendors do. */
static void learn(struct bucket *b, const struct web_reply *reply, const struct account_call *call)
{
    (void)call;
    double total = -1, remaining = -1;
    if (!str_to_double(web_header_find(reply, "x-ratelimit-total"), &total))
        total = -1;
    if (!str_to_double(web_header_find(reply, "x-ratelimit-remaining"), &remaining))
        remaining = -1;
    bucket_learn(b, 0, total, remaining);
}

static int case_flow(struct flow *f, void *arg)
{
    const struct account_case *ac = arg;
    struct web *w = NULL;
    struct account *a = NULL;
    struct peer *p = peer_open(f->loop, ac->scripts, ac->script_count);
    int r = web_new(f->loop, &(struct web_spec){0}, &w, &f->err);
    if (r >= 0) {
        struct account_spec spec = {
            .name = "acme",
            .web = w,
            .bucket = {.name = "acme", .limits = {{"calls", 6000, 60000}}, .limit_count = 1},
            .learn = learn,
            .breaker_failures = 3,
            .breaker_ms = 4000,
            .hold_default_ms = 60000,
        };
        a = account_new(f->loop, &spec);
        r = ac->fn(f, a, p);
    }
    web_close_all(f, w);
    account_free(a);
    web_free(w);
    peer_close(f, p);
    return r;
}

#define ACCOUNT_CASE(test, flow_name, ...)                                                         \
    static void test(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        static const struct peer_step steps[] = {__VA_ARGS__};                                     \
        static const struct peer_script scripts[] = {PEER_SCRIPT(steps)};                          \
        struct account_case ac = {scripts, 1, flow_name};                                          \
        torture_run(#test, case_flow, &ac);                                                        \
    }

#define ASKED PEER_EXPECT("\r\n\r\n")
#define OK_200 PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
#define REPLY(status, headers, body, len)                                                          \
    PEER_SEND("HTTP/1.1 " status " X\r\n" headers "Content-Length: " len "\r\n\r\n" body)

static const struct web_header key_header = {STR("Authorization"), STR("Basic c2VjcmV0a2V5")};

static struct account_call call_of(struct flow *f, struct peer *p, uint32_t retry_count)
{
    return (struct account_call){
        .priority = PRIORITY_LIVE,
        .cost = {1},
        .request = {.method = "GET",
                    .url = peer_url(f, p, "/t"),
                    .headers = &key_header,
                    .header_count = 1},
        .retry_count = retry_count,
        .name = "acme.ticket",
    };
}

static size_t asked_count(const struct peer *p)
{
    size_t count = 0;
    for (size_t at = 0; (at = str_find(peer_received(p), STR("GET /t "), at)) != SIZE_MAX; at++)
        count++;
    return count;
}

/* ---- retries ---- */

static int retried(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 3);
    struct web_reply reply;
    int r = account_fetch(f, a, &call, &reply);
    if (r < 0)
        return r;
    FLOW_CHECK(reply.status == 200 && str_eq(reply.body, STR("ok")));
    FLOW_CHECK(torture_is_on() || asked_count(p) == 3);
    struct account_stats stats = account_stats(a);
    FLOW_CHECK(torture_is_on() || (stats.call_count == 3 && stats.failed_count == 2));
    FLOW_CHECK(torture_is_on() || stats.retry_count == 2);
    FLOW_CHECK(!stats.circuit_open && stats.rate_limited_count == 0);
    return 0;
}
ACCOUNT_CASE(test_retried_5xx, retried, ASKED, REPLY("503", "", "", "0"), ASKED,
             REPLY("500", "", "", "0"), ASKED, OK_200)
ACCOUNT_CASE(test_retried_408, retried, ASKED, REPLY("408", "", "", "0"), ASKED,
             REPLY("502", "", "", "0"), ASKED, OK_200)

static void test_retried_transport(void **state)
{
    (void)state;
    static const struct peer_step cut[] = {ASKED, REPLY("200", "", "half", "9"), PEER_CLOSE()};
    static const struct peer_step reset[] = {ASKED, PEER_RESET()};
    static const struct peer_step good[] = {ASKED, OK_200, PEER_AGAIN()};
    static const struct peer_script scripts[] = {PEER_SCRIPT(cut), PEER_SCRIPT(reset),
                                                 PEER_SCRIPT(good)};
    struct account_case ac = {scripts, 3, retried};
    torture_run("test_retried_transport", case_flow, &ac);
}

/* A try of its own is over after timeout_ms; the caller's deadline stands. */
static int slow(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 1);
    call.timeout_ms = 2000;
    struct web_reply reply;
    uint64_t began_ms = loop_now_ms(f->loop);
    FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), -ETIMEDOUT);
    FLOW_CHECK(loop_now_ms(f->loop) - began_ms <= 2 * 2000 + 1000);
    FLOW_CHECK(torture_is_on() || account_stats(a).call_count == 2);
    FLOW_CHECK(strstr(f->err.msg, "acme.ticket") == f->err.msg);
    /* The caller's own end is not held against the upstream. */
    {
        _cleanup_(deadline_done) struct deadline d = deadline(f, 500);
        FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), -ETIMEDOUT);
    }
    FLOW_CHECK(!account_stats(a).circuit_open);
    return 0;
}
ACCOUNT_CASE(test_slow, slow, ASKED, PEER_PAUSE(600000))

/* A wait past the deadline is not begun. */
static int no_time(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 5);
    struct web_reply reply;
    uint64_t began_ms = loop_now_ms(f->loop);
    _cleanup_(deadline_done) struct deadline d = deadline(f, 5000);
    FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), E_RATE);
    FLOW_CHECK(torture_is_on() || loop_now_ms(f->loop) - began_ms < 100);
    FLOW_CHECK(torture_is_on() || asked_count(p) == 1);
    /* No hint was given, so the account rests for the default. */
    FLOW_CHECK(torture_is_on() || bucket_stats(account_bucket(a)).hold_ms > 59000);
    return 0;
}
ACCOUNT_CASE(test_no_time, no_time, ASKED, REPLY("429", "", "", "0"))

/* Retry-After holds every call of the account. */
static int other_call(struct flow *f, void *arg)
{
    void **args = arg;
    struct account_call call = call_of(f, args[1], 0);
    struct web_reply reply;
    int r = flow_sleep(f, 1000);
    if (r >= 0)
        r = account_fetch(f, args[0], &call, &reply);
    if (r >= 0)
        *(uint64_t *)args[2] = loop_now_ms(f->loop);
    return r;
}
static int held(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 1);
    struct web_reply reply;
    uint64_t began_ms = loop_now_ms(f->loop), other_ms = 0;
    void *args[] = {a, p, &other_ms};
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    group_spawn(&g, "other", other_call, args);
    int r = account_fetch(f, a, &call, &reply);
    if (r < 0)
        return r;
    FLOW_CHECK(torture_is_on() || loop_now_ms(f->loop) - began_ms >= 34000);
    r = group_wait(f, &g);
    if (r < 0)
        return r;
    FLOW_CHECK(torture_is_on() || other_ms - began_ms >= 34000);
    FLOW_CHECK(torture_is_on() || account_stats(a).rate_limited_count == 1);
    FLOW_CHECK(torture_is_on() || bucket_stats(account_bucket(a)).rejected_count == 1);
    FLOW_CHECK(!account_stats(a).circuit_open);
    return 0;
}
static void test_held(void **state)
{
    (void)state;
    static const struct peer_step first[] = {
        ASKED, REPLY("429", "Retry-After: 34\r\n", "", "0"), ASKED, OK_200, ASKED, OK_200};
    static const struct peer_step later[] = {ASKED, OK_200, PEER_AGAIN()};
    static const struct peer_script scripts[] = {PEER_SCRIPT(first), PEER_SCRIPT(later)};
    struct account_case ac = {scripts, 2, held};
    torture_run("test_held", case_flow, &ac);
}

/* ---- statuses ---- */

struct status_row {
    const char *head;
    const char *text; /* in the message */
    int want;
};
static const struct status_row status_rows[] = {
    {"401", "You have to be logged in (invalid_credentials)", E_UPSTREAM_AUTH},
    {"403", "no plan", E_UPSTREAM_DENIED},
    {"404", "no message", E_NOT_FOUND},
    {"400", "Validation failed: page bad", E_UPSTREAM_INPUT},
    {"302", "status 302", E_UPSTREAM_INPUT},
    {"429", "insufficient_quota", E_UPSTREAM_DENIED},
    {"501", "status 501", E_UPSTREAM},
    {"500", "told not to", E_UPSTREAM},
    {"401", "repeats the key", E_UPSTREAM_AUTH},
};
/* None of them is tried again. */
static int statuses(struct flow *f, struct account *a, struct peer *p)
{
    for (size_t i = 0; i < ARRAY_COUNT(status_rows); i++) {
        const struct status_row *row = &status_rows[i];
        struct web_reply reply, failure;
        struct account_call call = call_of(f, p, 3);
        call.ret_failure = &failure;
        FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), row->want);
        if (torture_is_on())
            continue;
        FLOW_CHECK(asked_count(p) == i + 1);
        FLOW_CHECK(strstr(f->err.msg, row->head) && strstr(f->err.msg, row->text));
        FLOW_CHECK(!strstr(f->err.msg, "c2VjcmV0a2V5"));
        FLOW_CHECK(failure.status == atol(row->head));
    }
    return 0;
}
ACCOUNT_CASE(test_statuses, statuses, ASKED,
             REPLY("401", "",
                   "{\"code\":\"invalid_credentials\",\"message\":\"You have to be logged in\"}",
                   "67"),
             ASKED, REPLY("403", "", "{\"error\":\"no plan\"}", "19"), ASKED,
             REPLY("404", "", "", "0"), ASKED,
             REPLY("400", "",
                   "{\"description\":\"Validation failed\",\"errors\":[{\"field\":\"page\","
                   "\"message\":\"bad\"}]}",
                   "79"),
             ASKED, REPLY("302", "Location: http://127.0.0.1:1/\r\n", "", "0"), ASKED,
             REPLY("429", "", "{\"error\":{\"message\":\"pay\",\"code\":\"insufficient_quota\"}}",
                   "55"),
             ASKED, REPLY("501", "", "", "0"), ASKED,
             REPLY("500", "x-should-retry: false\r\n", "told not to", "11"), ASKED,
             REPLY("401", "", "bad key c2VjcmV0a2V5", "20"))

static int html_page(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 0);
    struct web_reply reply;
    FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), E_UPSTREAM);
    FLOW_CHECK(torture_is_on() || strcmp(f->err.msg, "acme.ticket: status 502: an HTML page") == 0);
    return 0;
}
ACCOUNT_CASE(test_html_page, html_page, ASKED,
             REPLY("502", "Content-Type: text/html\r\n", "<html>nginx</html>", "18"))

/* ---- circuit ---- */

static int circuit(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 0);
    struct web_reply reply;
    for (int i = 0; i < 3; i++)
        FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), E_UPSTREAM);
    FLOW_CHECK(torture_is_on() || account_stats(a).circuit_open);
    FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), E_CIRCUIT);
    FLOW_CHECK(torture_is_on() || asked_count(p) == 3);
    int r = flow_sleep(f, 4001);
    if (r < 0)
        return r;
    /* One probe, which fails; the circuit is open again, for twice as long. */
    FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), E_UPSTREAM);
    r = flow_sleep(f, 7900);
    if (r < 0)
        return r;
    FLOW_EXPECT(f, account_fetch(f, a, &call, &reply), E_CIRCUIT);
    r = flow_sleep(f, 101);
    if (r < 0)
        return r;
    r = account_fetch(f, a, &call, &reply);
    if (r < 0)
        return r;
    FLOW_CHECK(!account_stats(a).circuit_open);
    FLOW_CHECK(torture_is_on() || asked_count(p) == 5);
    return 0;
}
ACCOUNT_CASE(test_circuit, circuit, ASKED, REPLY("500", "", "", "0"), ASKED,
             REPLY("500", "", "", "0"), ASKED, REPLY("500", "", "", "0"), ASKED,
             REPLY("500", "", "", "0"), ASKED, OK_200)

/* Callers that are retrying already wait for the circuit; all come through. */
static int patient_call(struct flow *f, void *arg)
{
    void **args = arg;
    struct account_call call = call_of(f, args[1], 10);
    call.priority = PRIORITY_BULK;
    struct web_reply reply;
    return account_fetch(f, args[0], &call, &reply);
}
static int patient(struct flow *f, struct account *a, struct peer *p)
{
    void *args[] = {a, p};
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (int i = 0; i < 5; i++)
        group_spawn(&g, "patient", patient_call, args);
    int r = group_wait(f, &g);
    if (r < 0)
        return r;
    FLOW_CHECK(!account_stats(a).circuit_open);
    return 0;
}
static void test_patient(void **state)
{
    (void)state;
    static const struct peer_step bad[] = {ASKED, PEER_RESET()};
    static const struct peer_step good[] = {ASKED, OK_200, PEER_AGAIN()};
    static const struct peer_script scripts[] = {
        PEER_SCRIPT(bad), PEER_SCRIPT(bad), PEER_SCRIPT(bad), PEER_SCRIPT(bad),
        PEER_SCRIPT(bad), PEER_SCRIPT(bad), PEER_SCRIPT(good)};
    struct account_case ac = {scripts, ARRAY_COUNT(scripts), patient};
    torture_run("test_patient", case_flow, &ac);
}

/* ---- streams and learning ---- */

static int stream(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 2);
    _cleanup_(web_close) struct web_stream s = WEB_STREAM_INIT;
    int r = account_open(f, a, &call, &s);
    if (r < 0)
        return r;
    FLOW_CHECK(torture_is_on() || asked_count(p) == 2);
    struct str piece;
    r = web_next(f, &s, &piece);
    if (r < 0)
        return r;
    FLOW_CHECK(r == 1 && str_eq(piece, STR("half")));
    FLOW_EXPECT(f, web_next(f, &s, &piece), E_TRUNCATED); /* never retried once a byte was given */
    for (int i = 0; i < 3; i++)
        account_result(a, E_TRUNCATED);
    FLOW_CHECK(account_stats(a).circuit_open);
    account_result(a, 0);
    FLOW_CHECK(!account_stats(a).circuit_open);
    return 0;
}
ACCOUNT_CASE(test_stream, stream, ASKED, REPLY("503", "", "overloaded", "10"), ASKED,
             REPLY("200", "", "half", "9"), PEER_PAUSE(100), PEER_CLOSE())

static int learned(struct flow *f, struct account *a, struct peer *p)
{
    struct account_call call = call_of(f, p, 0);
    struct web_reply reply;
    int r = account_fetch(f, a, &call, &reply);
    if (r < 0)
        return r;
    struct bucket_stats stats = bucket_stats(account_bucket(a));
    FLOW_CHECK(stats.per_window[0] == 400);
    FLOW_CHECK(stats.level[0] == 90); /* other programs have used the rest */
    return 0;
}
ACCOUNT_CASE(test_learned, learned, ASKED,
             REPLY("200", "X-RateLimit-Total: 400.0\r\nx-ratelimit-remaining: 90\r\n", "ok", "2"))

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retried_5xx),
        cmocka_unit_test(test_retried_408),
        cmocka_unit_test(test_retried_transport),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_no_time),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_html_page),
        cmocka_unit_test(test_circuit),
        cmocka_unit_test(test_patient),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
