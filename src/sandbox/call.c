#include "sandbox/sandbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/*
 * What every route does before and after its own part.
 *
 *   call_begin: count, choose a fault, wait the latency, answer when the fault is a whole answer
 *   call_json:  send a body, cut or slowed when the fault says so
 *
 * A fault that breaks a connection begins an answer and returns an error, upon which the server
 * closes: the client sees a chunked body without its end. Fails with -ECANCELED when the client left.
 */

int64_t sandbox_now_s(const struct sandbox *sb)
{
    return sb->now_s + ((int64_t)loop_now_ms(sb->loop) - sb->began_ms) / 1000;
}

/* The first label of a domain name; empty for addresses and bare names of the own machine. */
static struct str label_of(struct str host)
{
    struct str rest = host, label = STR_NONE;
    str_cut(&rest, ':', &host);
    bool digits = true;
    for (size_t i = 0; i < host.len; i++)
        digits = digits && ((host.ptr[i] >= '0' && host.ptr[i] <= '9') || host.ptr[i] == '.');
    if (digits || str_eq_nocase(host, STR("localhost")))
        return STR("demo");
    rest = host;
    str_cut(&rest, '.', &label);
    return label.len ? label : STR("demo");
}

struct account *sandbox_account_named(struct sandbox *sb, struct str host)
{
    char name[sizeof(((struct account *)0)->domain)];
    struct str label = str_sub(label_of(host), 0, sizeof(name) - 1);
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    name[label.len] = 0;
    for (size_t i = 0; i < sb->account_count; i++)
        if (strcmp(sb->accounts[i]->domain, name) == 0)
            return sb->accounts[i];
    if (sb->account_count == ACCOUNT_COUNT_MAX)
        return NULL;
    struct account *a = mem_alloc(sizeof(*a));
    snprintf(a->domain, sizeof(a->domain), "%s", name);
    uint64_t other = strcmp(name, "demo") == 0 ? 0 : str_hash(str_from(name));
    world_init(&a->world, &(struct world_spec){.seed = sb->seed ^ other,
                                               .ticket_count = sb->ticket_count,
                                               .end_s = sb->end_s,
                                               .burst = sb->burst});
    sb->accounts[sb->account_count++] = a;
    return a;
}

struct account *sandbox_account(struct sandbox *sb, const struct http_request *rq)
{
    return sandbox_account_named(sb, http_header(rq, "host"));
}

void sandbox_done(struct sandbox *sb)
{
    for (size_t i = 0; i < sb->account_count; i++) {
        world_done(&sb->accounts[i]->world);
        mem_free(sb->accounts[i]);
    }
    sb->account_count = 0;
}

/* ---- faults ---- */

static bool is_model_call(const struct call *c)
{
    return c->endpoint >= ENDPOINT_CHAT;
}

static int answer_status(struct call *c, int status, const char *code)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    if (str_starts(c->rq->path, STR("/v1/openai/")) || str_starts(c->rq->path, STR("/v1/chat")) ||
        str_starts(c->rq->path, STR("/v1/embeddings"))) {
        jw_obj(&w, "error");
        jw_text(&w, "message", "made-up fault");
        jw_null(&w, "type");
        jw_null(&w, "param");
        jw_text(&w, "code", code);
        jw_end_obj(&w);
    } else if (is_model_call(c)) {
        jw_obj(&w, "status");
        jw_text(&w, "code", code);
        jw_text(&w, "message", "made-up fault");
        jw_end_obj(&w);
    } else {
        jw_text(&w, "code", status == 401 ? "invalid_credentials" : "made_up_fault");
        jw_text(&w, "message", "made-up fault");
    }
    jw_end_obj(&w);
    if (status == 429)
        http_set_header(c->x, "Retry-After", STR("1"));
    int r = http_answer_json(c->f, c->x, status, buf_view(&out));
    buf_done(&out);
    return r < 0 ? r : ANSWERED;
}

static int answer_reset(struct call *c)
{
    int r = http_stream_begin(c->f, c->x, 200, "application/json");
    return r < 0 ? r : err_set(&c->f->err, E_TRUNCATED, "reset as asked");
}

/* Those that are a whole answer; the others are left to the route. */
static int apply_fault(struct call *c)
{
    static const char page[] = "<html><head><title>502 Bad Gateway</title></head><body><center>"
                               "<h1>502 Bad Gateway</h1></center></body></html>\n";
    char code[8];
    int r = 0;
    switch (c->fault.kind) {
    case FAULT_STATUS:
        snprintf(code, sizeof(code), "%d%s", c->fault.status, c->fault.status == 429 ? "01" : "00");
        return answer_status(c, c->fault.status, code);
    case FAULT_OVERLOAD: return answer_status(c, 429, "42902");
    case FAULT_TIMEOUT:
        r = flow_sleep(c->f, 600000);
        return r < 0 ? r : answer_status(c, 504, "50400");
    case FAULT_RESET: return answer_reset(c);
    case FAULT_HTML:
        r = http_answer(c->f, c->x, 502, "text/html", str_of(page, sizeof(page) - 1));
        return r < 0 ? r : ANSWERED;
    case FAULT_ERROR: return c->endpoint == ENDPOINT_CHAT ? 0 : answer_status(c, 500, "50000");
    case FAULT_GARBAGE:
        if (c->endpoint == ENDPOINT_CHAT)
            return 0;
        r = http_answer(c->f, c->x, 200, "application/json", STR("\x01\xff{]]garbage,,:\"\x80"));
        return r < 0 ? r : ANSWERED;
    default: return 0;
    }
}

int call_begin(struct call *c, struct sandbox *sb, struct flow *f, struct http_exchange *x,
               enum endpoint endpoint, int64_t latency_ms)
{
    *c = (struct call){.sb = sb, .f = f, .x = x, .rq = http_request_of(x), .endpoint = endpoint};
    sb->counters.calls[endpoint]++;
    http_set_header(x, "X-Deskstream-Sandbox", STR("1"));
    c->fault = fault_pick(&sb->faults, c->rq->path, http_header(c->rq, "x-sandbox-fault"));
    if (c->fault.kind != FAULT_NONE)
        sb->counters.faults++;
    int r = latency_ms > 0 ? flow_sleep(f, (uint64_t)latency_ms) : 0;
    if (r >= 0)
        r = apply_fault(c);
    if (r == -ECANCELED)
        sb->counters.answers_aborted++;
    return r;
}

/* ---- answers ---- */

static int drip(struct call *c, int status, struct str body)
{
    int r = http_stream_begin(c->f, c->x, status, "application/json");
    for (size_t at = 0; r >= 0 && at < body.len; at += 16) {
        r = http_stream_write(c->f, c->x, str_sub(body, at, 16));
        if (r >= 0)
            r = flow_sleep(c->f, 50);
    }
    return r < 0 ? r : http_stream_end(c->f, c->x);
}

static int cut_off(struct call *c, int status, struct str body)
{
    int r = http_stream_begin(c->f, c->x, status, "application/json");
    if (r >= 0)
        r = http_stream_write(c->f, c->x, str_sub(body, 0, body.len / 2));
    return r < 0 ? r : err_set(&c->f->err, E_TRUNCATED, "cut off as asked");
}

int call_json(struct call *c, int status, struct buf *json)
{
    struct str body = buf_view(json);
    int r;
    switch (c->fault.kind) {
    case FAULT_HALF: r = cut_off(c, status, body); break;
    case FAULT_SLOW: r = drip(c, status, body); break;
    case FAULT_TRUNCATED:
        r = http_answer_json(c->f, c->x, status, str_sub(body, 0, body.len / 2));
        break;
    case FAULT_GARBAGE:
        r = http_answer(c->f, c->x, 200, "application/json", STR("\x01\xff{]]garbage"));
        break;
    default: r = http_answer_json(c->f, c->x, status, body); break;
    }
    buf_done(json);
    if (r == -ECANCELED)
        c->sb->counters.answers_aborted++;
    return r;
}

void call_link_next(struct call *c, int64_t next)
{
    struct buf link = BUF_INIT(0);
    struct str host = http_header(c->rq, "host"), rest = c->rq->query, part;
    buf_printf(&link, "<https://%.*s%.*s?", STR_ARG(host), STR_ARG(c->rq->path));
    while (str_cut(&rest, '&', &part)) {
        if (!part.len || str_starts(part, STR("page=")))
            continue;
        buf_str(&link, part);
        buf_byte(&link, '&');
    }
    buf_printf(&link, "page=%" PRId64 ">; rel=\"next\"", next);
    http_set_header(c->x, "Link", buf_view(&link));
    buf_done(&link);
}
