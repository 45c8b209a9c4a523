/*
 * Whom TLS trusts: the bundle of certificates, parsed on a pool thread and shared by all connections.
 *
 * Happy path: the first call over https waits some 25 ms of a pool thread's time for the parse, calls that
 * come meanwhile wait with it; every connection then gets the same store in curl's SSL_CTX callback. Once a
 * day the next call renews it beside itself, so that an update of the bundle is seen.
 * Left to itself curl parses the bundle on the loop's thread, and once more every 24 hours.
 * Fails with E_CONFIG when there is no bundle that can be read; a renewal that fails leaves the old store.
 * Invariant: a store is complete and never changed once it is in web.trust.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/ssl.h>

#include "base/fault.h"
#include "base/log.h"
#include "net/web_private.h"

#define RENEW_NS (24ull * 3600 * 1000000000)

struct parse_work {
    const char *file;
    X509_STORE *store;
};

static int parse(void *arg)
{
    struct parse_work *work = arg;
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return -ENOMEM;
    /* As curl has it: an intermediate in the bundle is trusted, and tried before what the peer sent. */
    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    if (!X509_STORE_load_locations(store, work->file, NULL)) {
        X509_STORE_free(store);
        return E_CONFIG;
    }
    work->store = store;
    return 0;
}

static int renew(struct flow *f, struct web *w)
{
    struct parse_work work = {.file = w->ca_file};
    int r = fault_check("web.trust", E_CONFIG);
    if (r >= 0)
        r = work_run(f, parse, &work); /* < 0 although it parsed: cancelled meanwhile */
    if (work.store) {
        X509_STORE_free(w->trust);
        w->trust = work.store;
        w->trust_ns = loop_now_ns(w->loop);
    }
    if (r == E_CONFIG)
        err_set(&f->err, r, "no certificates to trust can be read from %s", w->ca_file);
    return r;
}

int web_trust_wait(struct flow *f, struct web *w)
{
    if (!w->is_openssl)
        return 0;
    while (w->trust_renewing && !w->trust) {
        int r = cond_wait(f, &w->trust_came);
        if (r < 0)
            return r;
    }
    bool is_old = !w->trust || loop_now_ns(w->loop) - w->trust_ns > RENEW_NS;
    if (!is_old || w->trust_renewing)
        return 0;
    w->trust_renewing = true;
    int r = renew(f, w);
    w->trust_renewing = false;
    cond_broadcast(&w->trust_came); /* after a failure each one tries for itself */
    if (r >= 0 || !w->trust || flow_check(f) < 0)
        return r;
    log_warn("web.trust", "file=%s error=\"%s\" using=old", w->ca_file, f->err.msg);
    w->trust_ns = loop_now_ns(w->loop);
    return 0;
}

/* curl's callback for each new connection. */
static CURLcode on_ssl_context(CURL *easy, void *ssl_context, void *context)
{
    (void)easy;
    struct web *w = context;
    assert(w->trust);
    SSL_CTX_set1_cert_store(ssl_context, w->trust);
    return CURLE_OK;
}

void web_trust_use(struct web *w, CURL *e)
{
    /* With a CA path set (Debian's default) curl parses the whole bundle for every connection. */
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(e, CURLOPT_CAINFO, w->is_openssl ? NULL : w->ca_file);
    if (!w->is_openssl)
        return;
    curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, w);
}

void web_trust_free(struct web *w)
{
    X509_STORE_free(w->trust);
    w->trust = NULL;
}
