/*
 * Turns of the loop are bounded: storms of ready flows, of connections, of clients that leave and of calls
 * upstream are taken in pieces, and the sockets are looked at in between. Counted, on the virtual clock:
 * nothing here depends on how fast the machine is.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http/server.h"
#include "net/web.h"
#include "support/peer.h"
#include "support/torture.h"

enum {
    STORM = 200,
    OPS_PER_TURN_MAX = 128,    /* loop.h */
    ACCEPTS_PER_TURN_MAX = 17, /* 16, and the one that uv held */
    LAUNCHES_PER_TURN_MAX = 6, /* 4 pay for a turn; one more for each further round of late tasks */
    CLOSES_PER_TURN_MAX = 36   /* 128 / 4, and the few that every turn takes */
};

/* Looks at a number in every round of every turn, from a late task that posts itself again; knows the most
 * that it changed by within one turn, and wakes who waits for a value. */
struct gauge {
    struct loop_task look;
    struct loop *loop;
    size_t (*read)(const void *source);
    const void *source;
    uint64_t turn, turns_left;
    size_t before, most; /* `before` is the value in the turn before */
    size_t now, want;
    struct cond reached;
};

static void gauge_look(struct loop_task *t)
{
    struct gauge *g = container_of(t, struct gauge, look);
    size_t value = g->read(g->source);
    if (loop_turn_count(g->loop) != g->turn) {
        g->before = g->now;
        g->turns_left--;
    }
    g->turn = loop_turn_count(g->loop);
    g->now = value;
    g->most = MAX(g->most, value > g->before ? value - g->before : g->before - value);
    if (value == g->want || g->turns_left == 0)
        cond_broadcast(&g->reached);
    else
        loop_post(g->loop, &g->look);
}

static void gauge_done(struct gauge *g)
{
    loop_unpost(&g->look);
}

/* Waits until the number is `want`, for some turns (when tortured it may never be); gives the most that one turn changed it by on the way. */
static int gauge_until(struct flow *f, size_t (*read)(const void *source), const void *source,
                       size_t want, size_t *ret_most)
{
    _cleanup_(gauge_done) struct gauge g = {.loop = f->loop,
                                            .read = read,
                                            .source = source,
                                            .now = read(source),
                                            .want = want,
                                            .turns_left = 200};
    loop_task_init(&g.look, gauge_look);
    loop_post(f->loop, &g.look);
    while (g.now != want) {
        if (g.turns_left == 0)
            return err_set(&f->err, -ETIMEDOUT, "%zu and not %zu", g.now, want);
        int r = cond_wait(f, &g.reached);
        if (r < 0)
            return r;
    }
    *ret_most = g.most;
    return 0;
}

/* ---- ready flows ---- */

enum { YIELDS = 2 };

struct crowd {
    uint64_t turn;
    size_t in_turn, most, taken[STORM];
    bool even; /* nobody was ever two steps ahead of another one */
    struct crowd_member {
        struct crowd *crowd;
        size_t number;
    } members[STORM];
};

static int member_run(struct flow *f, void *arg)
{
    struct crowd_member *m = arg;
    struct crowd *c = m->crowd;
    for (int i = 0; i < YIELDS; i++) {
        if (loop_turn_count(f->loop) != c->turn)
            c->in_turn = 0;
        c->turn = loop_turn_count(f->loop);
        c->in_turn++;
        c->most = MAX(c->most, c->in_turn);
        size_t mine = ++c->taken[m->number];
        for (size_t k = 0; k < STORM; k++)
            c->even = c->even && c->taken[k] + 1 >= mine;
        int r = flow_yield(f);
        if (r < 0)
            return r;
    }
    return 0;
}

static int crowd_run(struct flow *f, void *arg)
{
    (void)arg;
    struct crowd *c = ARENA_NEW(&f->arena, struct crowd);
    c->even = true;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (size_t i = 0; i < STORM; i++) {
        c->members[i] = (struct crowd_member){c, i};
        int r = group_spawn(&g, "member", member_run, &c->members[i]);
        if (r < 0)
            return err_set(&f->err, r, "spawn");
    }
    int r = group_wait(f, &g);
    if (r < 0)
        return r;
    FLOW_CHECK(c->even);
    FLOW_CHECK(c->most > OPS_PER_TURN_MAX / 2 && c->most <= OPS_PER_TURN_MAX);
    return 0;
}

static void test_ready(void **state)
{
    (void)state;
    torture_run("crowd", crowd_run, NULL);
}

/* ---- connections that come and go ---- */

static int handle_nothing(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    return http_answer(f, x, 200, "text/plain", STR("ok"));
}

struct sockets {
    int fds[STORM];
    size_t count;
};

static void sockets_close(struct sockets *s)
{
    while (s->count > 0)
        close(s->fds[--s->count]);
}

/* The kernel takes them into the listener's queue: no turn of ours is needed. */
static bool sockets_connect(struct sockets *s, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    while (s->count < STORM) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return false;
        s->fds[s->count++] = fd;
        if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
            return false;
    }
    return true;
}

static size_t read_connections(const void *source)
{
    return http_server_stats(source).connection_count;
}

static int visit(struct flow *f, struct http_server *server)
{
    _cleanup_(sockets_close) struct sockets s = {.count = 0};
    size_t most = 0;
    FLOW_CHECK(sockets_connect(&s, http_server_port(server)));
    int r = gauge_until(f, read_connections, server, STORM, &most);
    if (r < 0)
        return r;
    FLOW_CHECK(most <= ACCEPTS_PER_TURN_MAX);
    sockets_close(&s);
    r = gauge_until(f, read_connections, server, 0, &most);
    if (r < 0)
        return r;
    FLOW_CHECK(most <= CLOSES_PER_TURN_MAX);
    return 0;
}

static int visitors_run(struct flow *f, void *arg)
{
    (void)arg;
    static const struct http_route routes[] = {
        {.method = "GET", .pattern = "/", .handler = handle_nothing}};
    struct http_server_spec spec = {
        .host = "127.0.0.1", .routes = routes, .route_count = ARRAY_COUNT(routes)};
    struct http_server *server;
    int r = http_server_open(f, &spec, &server);
    if (r < 0)
        return r;
    r = visit(f, server);
    http_server_free(server);
    return r;
}

static void test_connections(void **state)
{
    (void)state;
    torture_run("visitors", visitors_run, NULL);
}

/* ---- calls upstream ---- */

enum { CALLS = 40 };

static const struct peer_step answer_steps[] = {
    PEER_EXPECT("\r\n\r\n"), PEER_PAUSE(1),
    PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), PEER_CLOSE()};

struct call {
    struct web *web;
    struct str url;
};

static int call_run(struct flow *f, void *arg)
{
    struct call *c = arg;
    struct web_reply reply;
    return web_fetch(f, c->web, &(struct web_request){.method = "GET", .url = c->url}, &reply);
}

static size_t read_launched(const void *source)
{
    return web_stats(source).active_count;
}

static int calls_with(struct flow *f, struct web *w, struct peer *p)
{
    struct call call = {w, peer_url(f, p, "/")};
    _cleanup_(group_join) struct group calls = GROUP_INIT(f);
    for (int i = 0; i < CALLS; i++) {
        int r = group_spawn(&calls, "call", call_run, &call);
        if (r < 0)
            return err_set(&f->err, r, "spawn");
    }
    size_t most = 0;
    int r = gauge_until(f, read_launched, w, CALLS,
                        &most); /* no peer answers before all have asked */
    if (r < 0)
        return r;
    FLOW_CHECK(most <= LAUNCHES_PER_TURN_MAX);
    return group_wait(f, &calls);
}

static int calls_run(struct flow *f, void *arg)
{
    (void)arg;
    struct peer_script scripts[CALLS];
    for (size_t i = 0; i < CALLS; i++)
        scripts[i] = (struct peer_script)PEER_SCRIPT(answer_steps);
    struct web *w;
    int r = web_new(f->loop, &(struct web_spec){0}, &w, &f->err);
    if (r < 0)
        return r;
    struct peer *p = peer_open(f->loop, scripts, CALLS);
    r = calls_with(f, w, p);
    peer_close(f, p);
    web_close_all(f, w);
    web_free(w);
    return r;
}

static void test_calls(void **state)
{
    (void)state;
    torture_run("calls", calls_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
