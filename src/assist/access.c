/*
 * Proof of who asks.
 *
 * Happy path: the claim's domain is normalised; the pair (domain, key) is looked up by its hash; unknown
 * pairs are proved by one GET /agents/me, also when many requests bring the same one at once. A refusal is
 * remembered shortly, so that a wrong key in a loop does not lock the account. When Freshdesk is away that is
 * remembered, too, so that those who wait do not try one after the other; a pair proved before stays good
 * for a day then, and is not held up while somebody asks again.
 * Invariant: keys are kept only as SHA-256; no call leaves for a domain that did not pass the parser; a proof
 * is freed only while no flow holds it (user_count).
 */
#include "assist/access.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/tenants.h"
#include "upstream/freshdesk.h"

enum {
    PROOF_MS = 600000,
    REFUSAL_MS = 30000,
    AWAY_MS = 1000,        /* how long "away" is remembered of pairs never proved */
    AWAY_KNOWN_MS = 30000, /* ... and of those that stay good meanwhile */
    GRACE_MS = 86400000,
    PROVE_MS = 15000,
    PROOFS_MAX = 4096
};

struct proof {
    int64_t tenant_id;       /* 0: refused, or never answered */
    uint64_t fresh_until_ms; /* until then nobody asks again, whatever came of it */
    uint64_t good_until_ms;
    struct err refusal; /* why not, while tenant_id is 0 */
    struct cond proved;
    size_t user_count; /* flows that wait with a pointer to it */
    bool busy;         /* a flow is asking Freshdesk about it */
};

struct access {
    struct loop *loop;
    struct access_spec spec;
    struct map proofs; /* 64 hex digits -> struct proof */
};

struct access *access_new(struct loop *l, const struct access_spec *spec)
{
    struct access *a = mem_alloc(sizeof(*a));
    a->loop = l;
    a->spec = *spec;
    map_init(&a->proofs);
    return a;
}

enum drop { DROP_STALE, DROP_UNUSED, DROP_ALL };

static void proofs_drop(struct access *a, enum drop drop)
{
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&a->proofs, &at, &key, &value)) {
        struct proof *p = value;
        bool is_stale = p->fresh_until_ms <= loop_now_ms(a->loop);
        assert(drop != DROP_ALL || p->user_count == 0);
        if (p->user_count == 0 && (is_stale || drop != DROP_STALE))
            mem_free(map_take(&a->proofs, key));
    }
}

void access_free(struct access *a)
{
    if (!a)
        return;
    proofs_drop(a, DROP_ALL);
    map_done(&a->proofs);
    mem_free(a);
}

static struct str or_default(struct str said, const char *otherwise)
{
    struct str trimmed = str_trim(said);
    return trimmed.len ? trimmed : str_from(otherwise);
}

static int claim_read(struct flow *f, struct access *a, const struct access_claim *claim,
                      struct caller *ret_caller)
{
    struct str domain = or_default(claim->domain, a->spec.domain);
    struct str key = str_trim(claim->api_key);
    /* The configured key is for the configured account alone. */
    struct str own_domain, own_company, company;
    int r = 0;
    if (!domain.len)
        return err_set(
            &f->err, E_INPUT,
            "Freshdesk 도메인과 API 키가 필요합니다. 헤더 또는 환경변수로 제공해주세요.");
    r = freshdesk_domain_parse(&f->arena, domain, &domain, &company, &f->err);
    if (r < 0)
        return r;
    struct err ignored;
    bool is_own = a->spec.domain[0] &&
                  freshdesk_domain_parse(&f->arena, str_from(a->spec.domain), &own_domain,
                                         &own_company, &ignored) == 0 &&
                  str_eq(own_domain, domain);
    if (!key.len && is_own)
        key = str_from(a->spec.api_key);
    if (!key.len)
        return err_set(
            &f->err, E_INPUT,
            "Freshdesk 도메인과 API 키가 필요합니다. 헤더 또는 환경변수로 제공해주세요.");
    if (key.len > 256)
        return err_set(&f->err, E_AUTH, "the API key is too long");
    *ret_caller = (struct caller){.company = company, .domain = domain, .api_key = key};
    return 0;
}

/* Asks Freshdesk, then the store for the tenant. */
static int prove(struct flow *f, struct access *a, const struct caller *who, int64_t *ret_tenant_id)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, PROVE_MS);
    struct freshdesk_as as = {
        .domain = who->domain, .api_key = who->api_key, .priority = PRIORITY_LIVE};
    struct json me;
    int r = freshdesk_me(f, a->spec.freshdesk, &as, &me);
    if (r == E_UPSTREAM_AUTH || r == E_UPSTREAM_DENIED)
        return err_set(&f->err, E_AUTH, "Freshdesk refused the API key of %.*s",
                       STR_ARG(who->domain));
    if (r == E_NOT_FOUND)
        return err_set(&f->err, E_AUTH, "there is no Freshdesk account %.*s", STR_ARG(who->domain));
    if (r < 0)
        return r;
    struct tenant tenant;
    r = tenants_get_or_create(f, a->spec.pool, who->company, who->domain, &tenant);
    if (r >= 0)
        *ret_tenant_id = tenant.id;
    return r;
}

static struct proof *proof_of(struct access *a, struct str key)
{
    struct proof *p = map_get(&a->proofs, key);
    if (p)
        return p;
    if (a->proofs.count >= PROOFS_MAX)
        proofs_drop(a, DROP_STALE);
    if (a->proofs.count >= PROOFS_MAX)
        proofs_drop(a, DROP_UNUSED);
    p = mem_alloc(sizeof(*p));
    map_put(&a->proofs, key, p);
    return p;
}

/* Proved, and not so long ago that it does not count any more. */
static bool is_known(const struct access *a, const struct proof *p)
{
    return p->tenant_id && p->good_until_ms > loop_now_ms(a->loop);
}

static void proof_settle(struct access *a, struct proof *p, int status, const struct err *err,
                         int64_t tenant_id)
{
    uint64_t now_ms = loop_now_ms(a->loop);
    if (status >= 0) {
        p->tenant_id = tenant_id;
        p->fresh_until_ms = now_ms + PROOF_MS;
        p->good_until_ms = now_ms + GRACE_MS;
        return;
    }
    if (status == E_AUTH || !is_known(a, p)) {
        p->tenant_id = 0;
        p->good_until_ms = 0;
    }
    p->refusal = *err;
    p->fresh_until_ms = now_ms + (status == E_AUTH ? REFUSAL_MS
                                  : p->tenant_id   ? AWAY_KNOWN_MS
                                                   : AWAY_MS);
}

/* Asks, and notes what came of it; < 0 only when this flow must end. */
static int ask(struct flow *f, struct access *a, struct proof *p, const struct caller *who)
{
    int64_t tenant_id = 0;
    p->busy = true;
    int r = prove(f, a, who, &tenant_id);
    p->busy = false;
    struct err why = f->err;
    int reason = flow_check(f); /* a caller's own end says nothing about the pair */
    if (reason >= 0)
        proof_settle(a, p, r, &why, tenant_id);
    cond_broadcast(&p->proved);
    return reason;
}

/* Comes back when there is an answer to be had from the proof. */
static int settle(struct flow *f, struct access *a, struct proof *p, const struct caller *who)
{
    while (p->fresh_until_ms <= loop_now_ms(a->loop)) {
        if (p->busy && is_known(a, p))
            return 0;
        int r = p->busy ? cond_wait(f, &p->proved) : ask(f, a, p, who);
        if (r < 0)
            return r;
    }
    return 0;
}

int access_prove(struct flow *f, struct access *a, const struct access_claim *claim,
                 struct caller *ret_caller)
{
    struct caller who = {0};
    int r = claim_read(f, a, claim, &who);
    if (r < 0)
        return r;
    char hex[2 * SHA256_BYTES + 1];
    sha256_hex(arena_printf(&f->arena, "%.*s\n%.*s", STR_ARG(who.domain), STR_ARG(who.api_key)),
               hex);
    struct proof *p = proof_of(a, str_from(hex));
    p->user_count++;
    r = settle(f, a, p, &who);
    p->user_count--;
    if (r < 0)
        return r;
    if (!is_known(a, p)) {
        f->err = p->refusal;
        return p->refusal.code;
    }
    who.tenant_id = p->tenant_id;
    *ret_caller = who;
    return 0;
}
