/*
 * http/server.c: the server as a whole: open, drain, free, numbers.
 *
 * The happy path: http_server_open listens and returns; connections and flows live by themselves; drain
 * stops listening, retires idle connections, waits for running exchanges until drain_ms are over,
 * cancels what is left, and waits until the last connection has been freed.
 *
 * Fails by: an address that cannot be bound. Draining cannot fail and does not depend on the state of
 * the calling flow, since its last waits are for a group and for an op, which are waited for even by a
 * cancelled flow.
 *
 * Invariant: handlers' flows are children of `group`, which belongs to the flow that opened the server.
 */
#include <assert.h>
#include <errno.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "http/internal.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

static void fill_defaults(struct http_server_spec *spec)
{
#define OTHERWISE(field, value) spec->field = spec->field != 0 ? spec->field : (value)
    OTHERWISE(host, "127.0.0.1");
    OTHERWISE(connection_count_max, 10000);
    OTHERWISE(header_bytes_max, 64 * KIB);
    OTHERWISE(body_bytes_max, 4 * MIB);
    OTHERWISE(unsent_bytes_high, 256 * KIB);
    OTHERWISE(idle_timeout_ms, 75000);
    OTHERWISE(request_timeout_ms, 30000);
    OTHERWISE(slow_reader_ms, 30000);
    OTHERWISE(flow_arena_bytes_max, 64 * MIB);
#undef OTHERWISE
}

int http_server_open(struct flow *f, const struct http_server_spec *spec,
                     struct http_server **ret_server)
{
    struct http_server *s = mem_alloc(sizeof(*s));
    s->spec = *spec;
    fill_defaults(&s->spec);
    s->loop = f->loop;
    s->owner = f;
    s->group = (struct group)GROUP_INIT_ALL(f);
    list_init(&s->connections);
    random_bytes(&s->rng.state, sizeof(s->rng.state));
    s->date_s = -1;
    http_parse_setup(&s->parser_settings);
    int r = tcp_listen(f->loop, s->spec.host, s->spec.port, s, http_connection_accept, &s->listener,
                       &f->err);
    if (r < 0) {
        mem_free(s);
        return r;
    }
    s->port = tcp_listener_port(s->listener);
    *ret_server = s;
    return 0;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

bool http_server_draining(const struct http_server *s)
{
    return s->draining;
}

struct http_stats http_server_stats(const struct http_server *s)
{
    return s->stats;
}

/* What was cancelled may have said a last word: its bytes leave in later turns. */
#define LAST_WORD_MS 500

/* Waits for the exchanges, then for connections that still send or linger; at most ms. */
static void wait_quiet(struct flow *f, struct http_server *s, uint32_t ms)
{
    _cleanup_(shield_done) struct shield shield = flow_shield(f, ms);
    while (s->stats.exchange_count > 0 || s->stats.connection_count > 0) {
        if (cond_wait(f, &s->quiet) < 0)
            return;
    }
}

void http_server_drain(struct flow *f, struct http_server *s, uint32_t drain_ms)
{
    if (s->draining)
        return;
    assert(f == s->owner);
    s->draining = true;
    tcp_listener_close(TAKE(s->listener));
    list_each_safe (node, &s->connections) {
        http_connection_retire(list_entry(node, struct http_connection, node));
    }
    if (drain_ms > 0)
        wait_quiet(f, s, drain_ms);
    group_join(&s->group);
    wait_quiet(f, s, LAST_WORD_MS);
    if (!list_empty(&s->connections)) {
        op_begin(&s->closed, s->loop, "http.close", NULL);
        list_each_safe (node, &s->connections) {
            http_connection_drop(list_entry(node, struct http_connection, node));
        }
        int r = flow_wait(f, &s->closed);
        (void)r; /* a cancelled flow waits all the same */
    }
    s->drained = true;
}

void http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    http_server_drain(s->owner, s, 0);
    assert(s->drained && list_empty(&s->connections));
    mem_free(s);
}
