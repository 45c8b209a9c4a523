#include "sandbox/desk.h"

#include <stdio.h>

/*
 * What all helpdesk routes share: the account by Host, the rate window, Basic credentials, the two
 * shapes of error.
 *
 * Order of checks: fault, window (refused calls count as the service says), credentials. The
 * X-RateLimit headers are on every answer, 429 included. A key that begins with "demo" is good.
 * Fails only with -ECANCELED (the client left) or a fault's own error.
 */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void base64_decode(struct str text, struct buf *out)
{
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int v = base64_value(text.ptr[i]);
        if (v < 0)
            return;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_byte(out, (char)(bits >> have));
        }
    }
}

static bool credentials_good(const struct http_request *rq)
{
    struct str header = http_header(rq, "authorization");
    if (!str_starts_nocase(header, STR("Basic ")))
        return false;
    struct buf plain = BUF_INIT(512);
    base64_decode(str_trim(str_sub(header, 6, header.len)), &plain);
    bool good = str_starts(buf_view(&plain), STR("demo")) &&
                str_find(buf_view(&plain), STR(":"), 0) != SIZE_MAX;
    buf_done(&plain);
    return good;
}

static void number_header(struct call *c, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    http_set_header(c->x, name, str_from(text));
}

static int too_many(struct call *c, const struct limit *l, int64_t now_ms)
{
    c->sb->counters.throttled++;
    number_header(c, "Retry-After", limit_retry_s(l, now_ms));
    return desk_refuse(c, 429, "rate_limit_exceeded",
                       "You have exceeded the limit of requests per minute");
}

static int take_credits(struct call *c, int64_t cost)
{
    struct sandbox *sb = c->sb;
    const struct knobs *k = &sb->knobs;
    struct account *a = c->account;
    int64_t now_ms = (int64_t)loop_now_ms(sb->loop);
    int64_t list_cost = k->list_calls ? 1 : cost;
    bool is_list = c->endpoint == ENDPOINT_TICKETS;
    bool fits = limit_fits(&a->all, now_ms, k->window_ms, k->rate, cost);
    bool list_fits = !is_list ||
                     limit_fits(&a->list, now_ms, k->window_ms, k->list_rate, list_cost);
    if (fits && list_fits) {
        (void)limit_take(&a->all, now_ms, k->window_ms, k->rate, cost);
        if (is_list)
            (void)limit_take(&a->list, now_ms, k->window_ms, k->list_rate, list_cost);
        sb->counters.credits += (uint64_t)cost;
    }
    number_header(c, "X-RateLimit-Total", k->rate ? k->rate : 1000000);
    number_header(c, "X-RateLimit-Remaining", limit_left(&a->all, k->rate ? k->rate : 1000000));
    number_header(c, "X-RateLimit-Used-CurrentRequest", fits && list_fits ? cost : 0);
    if (!fits)
        return too_many(c, &a->all, now_ms);
    if (list_fits)
        return 0;
    sb->counters.list_throttled++;
    return too_many(c, &a->list, now_ms);
}

int desk_begin(struct call *c, struct sandbox *sb, struct flow *f, struct http_exchange *x,
               enum endpoint endpoint, int64_t cost)
{
    int r = call_begin(c, sb, f, x, endpoint, sb->knobs.api_latency_ms);
    if (r != 0)
        return r;
    http_set_header(x, "X-Freshdesk-Api-Version", STR("latest=v2; requested=v2"));
    char id[40];
    snprintf(id, sizeof(id), "sandbox-%llu", (unsigned long long)++sb->serial);
    http_set_header(x, "X-Request-Id", str_from(id));
    c->account = sandbox_account(sb, c->rq);
    if (!c->account)
        return desk_refuse(c, 403, "account_suspended", "Too many accounts in this sandbox");
    c->account->calls++;
    r = take_credits(c, cost);
    if (r != 0)
        return r;
    if (!credentials_good(c->rq)) {
        sb->counters.refused++;
        return desk_refuse(c, 401, "invalid_credentials",
                           "You have to be logged in to perform this action.");
    }
    struct str accept = http_header(c->rq, "accept");
    if (accept.len && str_find(accept, STR("*/*"), 0) == SIZE_MAX &&
        str_find(accept, STR("application/json"), 0) == SIZE_MAX)
        return desk_refuse(c, 406, "invalid_accept", "Accept must be application/json");
    return 0;
}

int desk_invalid(struct call *c, const char *field, const char *message, const char *code)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_text(&w, "description", "Validation failed");
    jw_arr(&w, "errors");
    jw_obj(&w, NULL);
    jw_text(&w, "field", field);
    jw_text(&w, "message", message);
    jw_text(&w, "code", code);
    jw_end_obj(&w);
    jw_end_arr(&w);
    jw_end_obj(&w);
    int r = call_json(c, 400, &out);
    return r < 0 ? r : ANSWERED;
}

int desk_refuse(struct call *c, int status, const char *code, const char *message)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_text(&w, "code", code);
    jw_text(&w, "message", message);
    jw_end_obj(&w);
    int r = call_json(c, status, &out);
    return r < 0 ? r : ANSWERED;
}

int desk_not_found(struct call *c)
{
    int r = http_answer(c->f, c->x, 404, "application/json", STR_NONE);
    return r < 0 ? r : ANSWERED;
}

bool desk_number(struct call *c, const char *name, int64_t otherwise, int64_t least, int64_t most,
                 int64_t *ret_value, int *ret_r)
{
    struct str text;
    *ret_value = otherwise;
    if (!http_query(&c->f->arena, c->rq, name, &text))
        return true;
    if (!str_to_i64(text, ret_value)) {
        *ret_r = desk_invalid(c, name, "It should be a/an Positive Integer", "datatype_mismatch");
        return false;
    }
    if (*ret_value >= least && *ret_value <= most)
        return true;
    char message[80];
    snprintf(message, sizeof(message), "It should be between %lld and %lld", (long long)least,
             (long long)most);
    *ret_r = desk_invalid(c, name, message, "invalid_value");
    return false;
}

int desk_includes(struct str text, int allowed)
{
    static const struct {
        const char *name;
        int bit;
    } words[] = {{"stats", INCLUDE_STATS},
                 {"requester", INCLUDE_REQUESTER},
                 {"description", INCLUDE_DESCRIPTION},
                 {"conversations", INCLUDE_CONVERSATIONS},
                 {"company", INCLUDE_COMPANY}};
    int bits = 0;
    struct str part;
    while (str_cut(&text, ',', &part)) {
        int bit = 0;
        for (size_t i = 0; i < ARRAY_COUNT(words); i++)
            if (str_eq(str_trim(part), str_from(words[i].name)))
                bit = words[i].bit;
        if (!(bit & allowed))
            return -1;
        bits |= bit;
    }
    return bits;
}
