/*
 * api/claim.c: who asks, by the headers of any generation of the old clients.
 *
 *   domain   X-Freshdesk-Domain, X-Domain, X-Platform-Domain
 *   key      X-Freshdesk-API-Key, X-API-Key, X-Platform-API-Key
 *   company  X-Company-ID, X-Tenant-ID (told to the access service, which trusts only what was proved)
 *
 * The happy path: the first header that is there and not empty counts; nothing at all falls back to the
 * account of the settings. Fails by what access_prove says: 400 no or foreign domain, 401 wrong key.
 * Invariant: a handler that got a caller may act for that tenant and no other.
 */
#include "api/internal.h"
#include "assist/access.h"

static struct str first_of(const struct http_request *rq, const char *const *names)
{
    for (; *names != NULL; names++) {
        struct str value = str_trim(http_header(rq, *names));
        if (value.len > 0)
            return value;
    }
    return STR("");
}

int claim_caller(struct flow *f, struct api *a, struct http_exchange *x, struct caller *ret_caller)
{
    static const char *const domains[] = {"x-freshdesk-domain", "x-domain", "x-platform-domain",
                                          NULL};
    static const char *const keys[] = {"x-freshdesk-api-key", "x-api-key", "x-platform-api-key",
                                       NULL};
    static const char *const companies[] = {"x-company-id", "x-tenant-id", NULL};
    const struct http_request *rq = http_request_of(x);
    struct access_claim claim = {
        .domain = first_of(rq, domains),
        .api_key = first_of(rq, keys),
        .company = first_of(rq, companies),
    };
    int r = access_prove(f, a->spec.access, &claim, ret_caller);
    if (r >= 0)
        http_set_label(x, ret_caller->company);
    return r;
}

bool claim_is_july(const struct http_request *rq)
{
    return http_has_header(rq, "x-tenant-id") && http_has_header(rq, "x-platform") &&
           http_has_header(rq, "x-api-key") && http_has_header(rq, "x-domain");
}

bool claim_wants_done_mark(const struct http_request *rq)
{
    return http_has_header(rq, "x-tenant-id") && http_has_header(rq, "x-api-key");
}
