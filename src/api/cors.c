/*
 * api/cors.c: which pages of other origins may call (Fetch standard, CORS protocol).
 *
 * ALLOWED_ORIGINS "*" allows any origin, without credentials; a list allows those on it, with. Preflights
 * are answered for every path, since old clients ask for headers of their own (ngrok-skip-browser-warning,
 * X-Freshdesk-...): what is asked for is allowed. A preflight of an origin that is not allowed is a 400.
 * Fails by: nothing. Invariant: an origin is echoed only when it is on the list.
 */
#include "api/internal.h"

#define PREFLIGHT_AGE_S "600"

static bool origin_allowed(const char *allowed, struct str origin)
{
    struct str rest = str_from(allowed), one;
    while (str_cut(&rest, ',', &one)) {
        one = str_trim(one);
        if (str_ends(one, STR("/")))
            one = str_sub(one, 0, one.len - 1);
        if (one.len > 0 && str_eq_nocase(one, origin))
            return true;
    }
    return false;
}

static bool any_allowed(const char *allowed)
{
    return origin_allowed(allowed, STR("*"));
}

/* A list of header names or a method as a client may send it; nothing that could break a header. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
    }
    return text.len > 0 && text.len <= 2048;
}

static int preflight(struct flow *f, struct http_exchange *x, bool allowed)
{
    const struct http_request *rq = http_request_of(x);
    struct str headers = http_header(rq, "access-control-request-headers");
    if (!allowed) {
        int r = http_answer(f, x, 400, "text/plain; charset=utf-8", STR("Disallowed CORS origin"));
        return r < 0 ? r : 1;
    }
    http_set_header(x, "Access-Control-Allow-Methods",
                    STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    if (is_plain(headers))
        http_set_header(x, "Access-Control-Allow-Headers", headers);
    http_set_header(x, "Access-Control-Max-Age", STR(PREFLIGHT_AGE_S));
    if (http_has_header(rq, "access-control-request-private-network"))
        http_set_header(x, "Access-Control-Allow-Private-Network", STR("true"));
    int r = http_answer(f, x, 200, "text/plain; charset=utf-8", STR("OK"));
    return r < 0 ? r : 1;
}

int cors_before(struct flow *f, struct http_exchange *x, void *context)
{
    const struct api *a = context;
    const struct http_request *rq = http_request_of(x);
    const char *allowed = a->spec.config->allowed_origins;
    struct str origin = http_header(rq, "origin");
    bool any = any_allowed(allowed);
    bool good = any || (is_plain(origin) && origin_allowed(allowed, origin));
    if (any) {
        http_set_header(x, "Access-Control-Allow-Origin", STR("*"));
    } else {
        http_set_header(x, "Vary", STR("Origin"));
        if (good) {
            http_set_header(x, "Access-Control-Allow-Origin", origin);
            http_set_header(x, "Access-Control-Allow-Credentials", STR("true"));
        }
    }
    if (good)
        http_set_header(x, "Access-Control-Expose-Headers", STR("X-Request-Id"));
    bool asks = str_eq(rq->method, STR("OPTIONS")) && origin.len > 0 &&
                http_has_header(rq, "access-control-request-method");
    return asks ? preflight(f, x, good) : 0;
}
