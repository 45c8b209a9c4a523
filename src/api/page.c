/*
 * api/page.c: the page at / and its files, the page's list of tickets, and /debug/flows.
 *
 * The happy path: a file under web/ that was compiled into the program is answered with its media type and
 * an ETag; a browser that has it gets 304. The list of tickets comes from the assist service.
 * Fails by: 404 for what is not there; 401 for /debug without the token, 404 when there is no token at all.
 * Invariant: nothing is read from disk, and the page may load nothing from elsewhere (CSP).
 */
#include "api/input.h"
#include "api/internal.h"
#include "assist/assist.h"
#include "assist/picker.h"
#include "base/asset.h"
#include "base/crypto.h"
#include "loop/sink.h"

static int answer_asset(struct flow *f, struct http_exchange *x, const struct asset *asset)
{
    const struct http_request *rq = http_request_of(x);
    struct str body = str_of(asset->data, asset->len);
    char hex[2 * SHA256_BYTES + 1];
    sha256_hex(body, hex);
    struct str tag = arena_printf(&f->arena, "\"%.20s\"", hex);
    http_set_header(x, "ETag", tag);
    http_set_header(x, "Cache-Control", STR("no-cache"));
    http_set_header(x, "X-Content-Type-Options", STR("nosniff"));
    http_set_header(x, "Referrer-Policy", STR("no-referrer"));
    http_set_header(x, "Content-Security-Policy",
                    STR("default-src 'self'; img-src 'self' data:; style-src 'self'; "
                        "script-src 'self'; connect-src 'self'; base-uri 'none'; "
                        "form-action 'self'; object-src 'none'"));
    /* A weak tag or a list of tags holds ours as well; a gzip hop may have weakened it. */
    if (str_find(http_header(rq, "if-none-match"), tag, 0) != SIZE_MAX)
        return http_answer(f, x, 304, asset->type, STR(""));
    return http_answer(f, x, 200, asset->type, body);
}

int on_page(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    const struct asset *asset = asset_find("web/index.html");
    if (asset != NULL)
        return answer_asset(f, x, asset);
    return http_answer_json(f, x, 200, STR("{\"service\":\"deskstream\",\"health\":\"/health\"}"));
}

int on_page_file(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    struct str path = arena_printf(&f->arena, "web%s", http_route_of(x));
    const struct asset *asset = asset_find(path.ptr);
    return asset != NULL ? answer_asset(f, x, asset)
                         : http_answer_error(f, x, 404, STR("Not Found"));
}

/* ---- the ticket picker ---- */

struct copy {
    struct sink sink;
    struct buf *out;
};

static int copy_event(struct flow *f, struct sink *s, const char *event, struct str json)
{
    (void)event;
    struct copy *copy = container_of(s, struct copy, sink);
    buf_clear(copy->out);
    buf_str(copy->out, json);
    return flow_check(f);
}

int on_tickets(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct input in;
    struct caller who;
    input_begin(&in, f, x);
    int limit = (int)input_query_int(&in, "limit", 20, 1, 100);
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    struct copy copy = {.sink.send = copy_event, .out = arena_buf(&f->arena, 0)};
    r = assist_tickets(f, a->spec.assist, &who, limit, &copy.sink);
    return r < 0 ? r : http_answer_json(f, x, 200, buf_view(copy.out));
}

/* ---- debug ---- */

int on_flows(struct flow *f, struct http_exchange *x, void *context)
{
    const struct api *a = context;
    struct str token = str_from(a->spec.config->admin_token);
    if (token.len == 0)
        return http_answer_error(f, x, 404, STR("Not Found"));
    struct str said = http_header(http_request_of(x), "authorization");
    bool bearer = str_starts_nocase(said, STR("Bearer "));
    said = bearer ? str_trim(str_sub(said, strlen("Bearer "), SIZE_MAX)) : STR("");
    if (!str_eq_secret(said, token)) {
        http_set_header(x, "WWW-Authenticate", STR("Bearer"));
        return http_answer_error(f, x, 401, STR("the admin token is missing or wrong"));
    }
    struct buf *out = arena_buf(&f->arena, 0);
    loop_list_flows(a->loop, out);
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_answer(f, x, 200, "text/plain; charset=utf-8", buf_view(out));
}
