/*
 * http/router.c: which handler takes a request.
 *
 * Patterns are literal segments and `{name}` segments; `{name}` takes one segment that is not empty,
 * a last `{name*}` takes the rest, which may be empty. Paths are matched decoded. The first route whose
 * pattern and method fit wins; GET routes take HEAD too. When nothing has the path and it ends in '/',
 * it is tried once more without. Linear: some forty routes, each given up at the first byte that
 * differs. Fails by leaving route NULL: path_known then tells 405 from 404.
 *
 * Invariant: parameters point into the path, which lives as long as the exchange.
 */
#include "http/internal.h"

bool http_pattern_match(const char *pattern, struct str path, struct http_param *ret_params,
                        size_t *ret_count)
{
    size_t at = 0, count = 0;
    const char *p = pattern;
    while (*p != '\0') {
        if (*p != '{') {
            if (at >= path.len || path.ptr[at] != *p)
                return false;
            at++;
            p++;
            continue;
        }
        const char *end = strchr(p, '}');
        if (end == NULL || count == HTTP_PARAM_COUNT_MAX)
            return false;
        bool rest = end[-1] == '*';
        struct str name = str_of(p + 1, (size_t)(end - p) - 1 - (rest ? 1 : 0));
        size_t from = at;
        while (at < path.len && (rest || path.ptr[at] != '/'))
            at++;
        if (at == from && !rest)
            return false;
        ret_params[count++] = (struct http_param){name, str_sub(path, from, at - from)};
        p = end + 1;
    }
    *ret_count = count;
    return at == path.len;
}

static bool method_fits(const struct http_route *route, struct str method)
{
    struct str own = str_from(route->method);
    return str_eq(own, STR("*")) || str_eq(own, method) ||
           (str_eq(method, STR("HEAD")) && str_eq(own, STR("GET")));
}

static void find(const struct http_server_spec *spec, struct http_exchange *x, struct str path)
{
    struct http_param params[HTTP_PARAM_COUNT_MAX];
    size_t count = 0;
    for (size_t i = 0; i < spec->route_count; i++) {
        const struct http_route *route = &spec->routes[i];
        if (!http_pattern_match(route->pattern, path, params, &count))
            continue;
        x->path_known = true;
        if (!method_fits(route, x->request.method))
            continue;
        x->route = route;
        x->param_count = count;
        if (count > 0)
            memcpy(x->params, params, count * sizeof(params[0]));
        return;
    }
}

/* The path without its last '/', when it has one to lose. */
static bool path_trim(struct str *path)
{
    if (path->len < 2 || path->ptr[path->len - 1] != '/')
        return false;
    path->len--;
    return true;
}

void http_route_find(const struct http_server_spec *spec, struct http_exchange *x)
{
    struct str path = x->request.path;
    find(spec, x, path);
    if (!x->path_known && path_trim(&path))
        find(spec, x, path);
}

static void allow_collect(const struct http_server_spec *spec, struct str path, struct buf *out)
{
    struct http_param params[HTTP_PARAM_COUNT_MAX];
    size_t count;
    for (size_t i = 0; i < spec->route_count; i++) {
        const struct http_route *route = &spec->routes[i];
        bool all = str_eq(path, STR("*"));
        if (!all && !http_pattern_match(route->pattern, path, params, &count))
            continue;
        if (str_find(buf_view(out), str_from(route->method), 0) != SIZE_MAX ||
            str_eq(str_from(route->method), STR("*")))
            continue;
        if (out->len > 0)
            buf_text(out, ", ");
        buf_text(out, route->method);
        if (str_eq(str_from(route->method), STR("GET")))
            buf_text(out, ", HEAD");
    }
}

void http_route_allow(const struct http_server_spec *spec, struct str path, struct buf *out)
{
    allow_collect(spec, path, out);
    if (out->len == 0 && path_trim(&path))
        allow_collect(spec, path, out);
}

struct str http_param(const struct http_exchange *x, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < x->param_count; i++) {
        if (str_eq(x->params[i].name, wanted))
            return x->params[i].value;
    }
    return STR("");
}
