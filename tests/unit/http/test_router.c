#include "unit/base/check.h"

#include "http/internal.h"

/* Patterns against paths, and the parameters they give. */

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool want;
        const char *params; /* "name=value;" each */
    } rows[] = {
        {"/", "/", true, ""},
        {"/a", "/a", true, ""},
        {"/a", "/ab", false, ""},
        {"/ab", "/a", false, ""},
        {"/a", "/a/", false, ""},
        {"/a", "", false, ""},
        {"*", "*", true, ""},
        {"/a/{id}", "/a/1", true, "id=1;"},
        {"/a/{id}", "/a/", false, ""},
        {"/a/{id}", "/a/1/2", false, ""},
        {"/a/{id}/b", "/a/x y/b", true, "id=x y;"},
        {"/a/{id}/b", "/a//b", false, ""},
        {"/a/{id}/b/{other}", "/a/1/b/2", true, "id=1;other=2;"},
        {"/a/{name}.json", "/a/x.json", false, ""}, /* a segment is taken whole */
        {"/f/{rest*}", "/f/", true, "rest=;"},
        {"/f/{rest*}", "/f/a/b/../c", true, "rest=a/b/../c;"},
        {"/f/{rest*}", "/f", false, ""},
        {"/{a}/{rest*}", "/x/y/z", true, "a=x;rest=y/z;"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_param params[HTTP_PARAM_COUNT_MAX];
        size_t count = 0;
        bool got = http_pattern_match(rows[i].pattern, str_from(rows[i].path), params, &count);
        struct buf text = BUF_INIT(0);
        for (size_t k = 0; got && k < count; k++)
            buf_printf(&text, "%.*s=%.*s;", STR_ARG(params[k].name), STR_ARG(params[k].value));
        CHECK_I64(rows[i].path, got, rows[i].want);
        CHECK_STR(rows[i].path, buf_view(&text), str_from(rows[i].params));
        buf_done(&text);
    }
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/a/{id}"},  {.method = "POST", .pattern = "/a/{id}"},
    {.method = "GET", .pattern = "/a/first"}, {.method = "*", .pattern = "/all"},
    {.method = "PUT", .pattern = "/put/"},
};
static const struct http_server_spec spec = {.routes = routes, .route_count = ARRAY_COUNT(routes)};

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        int want; /* index, or -1 */
        bool known;
    } rows[] = {
        {"GET", "/a/1", 0, true},     {"HEAD", "/a/1", 0, true},    {"POST", "/a/1", 1, true},
        {"DELETE", "/a/1", -1, true}, {"GET", "/a/first", 0, true}, /* the first that fits wins */
        {"GET", "/a/1/", 0, true},    {"PATCH", "/all", 3, true},   {"GET", "/b", -1, false},
        {"HEAD", "/put/", -1, true},  {"PUT", "/put/", 4, true},    {"PUT", "/put", -1, false},
        {"GET", "/", -1, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_exchange x = {
            .request = {.method = str_from(rows[i].method), .path = str_from(rows[i].path)}};
        http_route_find(&spec, &x);
        CHECK_I64(rows[i].path, x.route != NULL ? x.route - routes : -1, rows[i].want);
        CHECK_I64(rows[i].path, x.path_known, rows[i].known);
    }
}

static void test_allow(void **state)
{
    (void)state;
    static const struct {
        const char *path, *want;
    } rows[] = {{"/a/1", "GET, HEAD, POST"},
                {"/a/1/", "GET, HEAD, POST"},
                {"/put/", "PUT"},
                {"/nowhere", ""},
                {"*", "GET, HEAD, POST, PUT"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf text = BUF_INIT(0);
        http_route_allow(&spec, str_from(rows[i].path), &text);
        CHECK_STR(rows[i].path, buf_view(&text), str_from(rows[i].want));
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
