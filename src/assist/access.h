#pragma once
/*
 * Proof of who asks (R6): the domain is normalised, the key is proved against Freshdesk once (GET
 * /agents/me) and remembered for ten minutes, a refusal for thirty seconds; company_id isolates all that
 * follows. No header value ever leads to a call outside the allowed domains.
 */
#include "base/caller.h"
#include "loop/flow.h"

struct access;
struct freshdesk;
struct pg_pool;

struct access_spec {
    struct freshdesk *freshdesk;
    struct pg_pool *pool;
    const char *domain, *api_key, *company; /* used when a request names none; "" for none */
};
struct access *access_new(struct loop *l, const struct access_spec *spec);
void access_free(struct access *a);

/* What a request said; empty where it said nothing. */
struct access_claim {
    struct str domain, api_key, company;
};
/* Strings of *ret_caller are in the flow's arena. E_INPUT: no or a foreign domain (no call was made);
 * E_AUTH: unknown account or wrong key; E_UPSTREAM...: Freshdesk is away; E_DB_AWAY. */
int access_prove(struct flow *f, struct access *a, const struct access_claim *claim,
                 struct caller *ret_caller) _must_check_;
