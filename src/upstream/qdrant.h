#pragma once
/* Qdrant REST, 1.16 and later (reference qdrant-api.md): the calls the store's Qdrant home needs. Bodies in
 * and out are JSON; meaning (tenants, payloads) is the store's. */
#include <stdint.h>

#include "base/json.h"
#include "upstream/account.h"

struct qdrant;
struct qdrant_spec {
    struct web *web;
    const char *url, *api_key;
};
struct qdrant *qdrant_new(struct loop *l, const struct qdrant_spec *spec);
void qdrant_free(struct qdrant *q);
struct account *qdrant_account(struct qdrant *q);
/* method PUT/POST/GET/DELETE, path "/collections/x/points?wait=true", body empty or JSON.
 * *ret_result is the envelope's `result`. E_NOT_FOUND for 404, E_VECTORS_AWAY for transport faults, 5xx and an
 * open circuit, E_BUSY for 409. wait_timeout answers (HTTP 200) are E_VECTORS_AWAY. */
int qdrant_call(struct flow *f, struct qdrant *q, enum priority p, const char *method,
                struct str path, struct str body, uint32_t timeout_ms, struct json *ret_result)
    _must_check_;
/* GET /: checks the version; < 1.16 is E_CONFIG naming it. */
int qdrant_version(struct flow *f, struct qdrant *q, int *ret_major, int *ret_minor) _must_check_;
