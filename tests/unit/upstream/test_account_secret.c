/* Which texts tell a key of the request, in whatever form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "upstream/account_secret.h"

struct row {
    const char *header, *value, *text;
    bool told;
};
static const struct row rows[] = {
    {"Authorization", "Bearer nv-abc/+==x", "Incorrect API key provided: nv-abc/+==x.", true},
    {"Authorization", "Bearer nv-abc/+==x", "key nv-abc%2F%2b%3D%3Dx", true},
    {"Authorization", "Bearer nv-abc/+==x", "{\"m\":\"nv-abc\\/+==x\"}", true},
    {"Authorization", "Bearer nv-abc/+==x", "Bearer nv-ab", false},
    {"authorization", "Basic azEyMzQ1NjpY", "no such user: k123456", true},
    {"authorization", "Basic azEyMzQ1NjpY", "no such user: k123456:X", true},
    {"authorization", "Basic azEyMzQ1NjpY", "user k%3123456", true},
    {"authorization", "Basic azEyMzQ1NjpY", "bad header azEyMzQ1NjpY", true},
    {"authorization", "Basic azEyMzQ1NjpY", "k12345", false},
    {"authorization", "Basic YWI6WA==", "about", false}, /* "ab" is too short to be looked for */
    {"api-key", "qdrant-secret", "wrong key qdrant-secret", true},
    {"X-Api-Key", "sk-ant-123", "sk-ant-123", true},
    {"X-NCP-APIGW-API-KEY", "gateway1", "gateway1", true},
    {"X-Auth-Token", "t0ken123", "t0ken123", true},
    {"Content-Type", "application/json", "not application/json", false},
    {"X-NCP-CLOVASTUDIO-REQUEST-ID", "ds-0123456789", "request ds-0123456789", false},
    {"api-key", "", "anything", false},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct web_header header = {str_from(rows[i].header), str_from(rows[i].value)};
        struct web_request rq = {.headers = &header, .header_count = 1};
        if (account_tells_secret(&rq, str_from(rows[i].text)) != rows[i].told)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
