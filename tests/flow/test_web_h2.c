/*
 * The HTTP client over TLS and HTTP/2, against a real peer: nghttpx in front of a scripted one.
 *
 *   web --h2, TLS--> nghttpx --HTTP/1.1--> peer (scripts)
 *
 * The certificate is made here and trusted by the client's ca_file only. The peer in the middle is a process of
 * its own: the loop waits for it (loop_external), so the virtual clock stands still and no timer fires.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "base/mem.h"
#include "net/web.h"
#include "support/peer.h"
#include "support/torture.h"

enum { TRIES = 2000, TRY_MS = 10 };

static char directory[] = "/tmp/deskstream-h2-XXXXXX";

/* ---- the process in the middle ---- */

/* Starts a program that ends with us; its output goes nowhere. */
static pid_t start(const char *const *argv)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        _exit(126);
    execvp(argv[0], (char *const *)(uintptr_t)argv); /* which writes to none of them */
    _exit(127);
}

static int certificate_make(void **state)
{
    (void)state;
    if (!mkdtemp(directory) || chdir(directory) < 0)
        return -1;
    const char *const argv[] = {"openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:prime256v1",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=local",
                                "-addext",
                                "subjectAltName=IP:127.0.0.1",
                                "-keyout",
                                "key.pem",
                                "-out",
                                "cert.pem",
                                NULL};
    int status;
    pid_t pid = start(argv);
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int certificate_remove(void **state)
{
    (void)state;
    unlink("key.pem");
    unlink("cert.pem");
    return chdir("/") < 0 ? -1 : rmdir(directory);
}

static struct sockaddr_in at_port(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int free_port(void)
{
    struct sockaddr_in at = at_port(0);
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &len) == 0;
    close(fd);
    return good ? ntohs(at.sin_port) : -1;
}

static bool listens(int port)
{
    struct sockaddr_in at = at_port(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return good;
}

struct front {
    pid_t pid;
    int port;
};

static void front_stop(struct front *front)
{
    if (front->pid <= 0)
        return;
    kill(front->pid, SIGKILL);
    waitpid(front->pid, NULL, 0);
    front->pid = 0;
}

/* False when it does not come up, for example because somebody took the port. */
static bool front_try(struct front *front, int backend_port)
{
    char frontend[64], backend[64];
    front->port = free_port();
    snprintf(frontend, sizeof(frontend), "-f127.0.0.1,%d", front->port);
    snprintf(backend, sizeof(backend), "-b127.0.0.1,%d", backend_port);
    const char *const argv[] = {"nghttpx",
                                frontend,
                                backend,
                                "--single-process",
                                "--no-ocsp",
                                "--workers=1",
                                "--conf=/dev/null",
                                "--errorlog-file=/dev/null",
                                "key.pem",
                                "cert.pem",
                                NULL};
    front->pid = start(argv);
    for (int i = 0; i < TRIES; i++) {
        if (waitpid(front->pid, NULL, WNOHANG) != 0)
            break;
        if (listens(front->port))
            return true;
        poll(NULL, 0, TRY_MS);
    }
    front_stop(front);
    return false;
}

/* ---- a case ---- */

struct h2_case {
    const struct peer_script *scripts;
    size_t script_count;
    const char *ca_file; /* NULL: the one that is right */
    int (*fn)(struct flow *f, struct web *w, struct peer *p, int port);
};

static int case_flow(struct flow *f, void *arg)
{
    const struct h2_case *c = arg;
    struct web *w = NULL;
    struct peer *p = peer_open(f->loop, c->scripts, c->script_count);
    _cleanup_(front_stop) struct front front = {0};
    for (int i = 0; i < 5 && front.pid <= 0; i++)
        front_try(&front, peer_port(p));
    loop_external(f->loop, 1);
    struct web_spec spec = {.ca_file = c->ca_file ? c->ca_file : "cert.pem"};
    int r = web_new(f->loop, &spec, &w, &f->err);
    if (r >= 0 && front.pid <= 0)
        r = err_set(&f->err, E_CONFIG, "nghttpx does not start");
    if (r >= 0)
        r = c->fn(f, w, p, front.port);
    web_close_all(f, w);
    web_free(w);
    loop_external(f->loop, -1);
    peer_close(f, p);
    return r;
}

#define H2_CASE(test, flow_name, times, ca, ...)                                                   \
    static void test(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        static const struct peer_step steps[] = {__VA_ARGS__};                                     \
        struct peer_script scripts[times];                                                         \
        for (size_t i = 0; i < (times); i++)                                                       \
            scripts[i] = (struct peer_script)PEER_SCRIPT(steps);                                   \
        struct h2_case c = {scripts, (times), (ca), flow_name};                                    \
        torture_run(#test, case_flow, &c);                                                         \
    }

/* web.h: older ones speak HTTP/1.1, and all must hold there too. */
static bool has_h2(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num >= 0x080100;
}

static struct web_request get(struct flow *f, int port)
{
    return (struct web_request){.method = "GET",
                                .url = arena_printf(&f->arena, "https://127.0.0.1:%d/", port)};
}

static int read_all(struct flow *f, struct web_stream *s, size_t *ret_len)
{
    *ret_len = 0;
    for (;;) {
        struct str piece;
        int r = web_next(f, s, &piece);
        if (r <= 0)
            return r;
        *ret_len += piece.len;
    }
}

#define ASKED PEER_EXPECT("\r\n\r\n")
#define HEAD_CLOSE "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

/* ---- one connection for all ---- */

enum { CALLS = 8 };

struct call {
    struct web *web;
    int port;
};

static int call_run(struct flow *f, void *arg)
{
    struct call *c = arg;
    struct web_request rq = get(f, c->port);
    struct web_reply reply;
    int r = web_fetch(f, c->web, &rq, &reply);
    if (r < 0)
        return r;
    FLOW_CHECK(reply.status == 200 && str_eq(reply.body, STR("data: ok\n\n")));
    return 0;
}

static int together(struct flow *f, struct web *w, struct peer *p, int port)
{
    struct call call = {w, port};
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (int i = 0; i < CALLS; i++) {
        int r = group_spawn(&g, "call", call_run, &call);
        if (r < 0)
            return err_set(&f->err, r, "spawn");
    }
    int r = group_wait(f, &g);
    if (r < 0)
        return r;
    FLOW_CHECK(!has_h2() || web_stats(w).connection_count == 1);
    /* What nghttpx says of the protocol it was spoken to. */
    struct str via = has_h2() ? STR("2 nghttpx") : STR("1.1 nghttpx");
    FLOW_CHECK(str_find(peer_received(p), via, 0) != SIZE_MAX);
    return 0;
}
H2_CASE(test_together, together, CALLS, NULL, ASKED, PEER_SEND(HEAD_CLOSE "data: ok\n\n"),
        PEER_CLOSE())

/* ---- streams that are read, left and not read ---- */

#define LINE "data: 0123456789abcdef0123456789abcdef0123456789abcdef01234567\n\n"
enum { LINES = 8192, BODY_BYTES = LINES * (sizeof(LINE) - 1) };

static int one_leaves(struct flow *f, struct web *w, struct peer *p, int port)
{
    (void)p;
    struct web_request rq = get(f, port);
    _cleanup_(web_close) struct web_stream left = WEB_STREAM_INIT;
    _cleanup_(web_close) struct web_stream stays = WEB_STREAM_INIT;
    struct str piece;
    size_t len;
    FLOW_EXPECT(f, web_open(f, w, &rq, &left), 0);
    FLOW_EXPECT(f, web_open(f, w, &rq, &stays), 0);
    FLOW_EXPECT(f, web_next(f, &left, &piece), 1);
    web_close(&left);
    FLOW_EXPECT(f, read_all(f, &stays, &len), 0);
    FLOW_CHECK(len == BODY_BYTES);
    struct web_stream again = WEB_STREAM_INIT;
    int r = web_open(f, w, &rq, &again);
    if (r >= 0)
        r = read_all(f, &again, &len);
    web_close(&again);
    if (r < 0)
        return r;
    FLOW_CHECK(len == BODY_BYTES);
    FLOW_CHECK(!has_h2() || web_stats(w).connection_count == 1);
    return 0;
}
H2_CASE(test_one_leaves, one_leaves, 3, NULL, ASKED, PEER_SEND(HEAD_CLOSE),
        PEER_REPEAT(LINE, LINES), PEER_CLOSE())

/* A stream that nobody reads does not hold up the others on its connection. */
static int one_is_slow(struct flow *f, struct web *w, struct peer *p, int port)
{
    (void)p;
    struct web_request rq = get(f, port);
    _cleanup_(web_close) struct web_stream slow = WEB_STREAM_INIT;
    size_t len;
    FLOW_EXPECT(f, web_open(f, w, &rq, &slow), 0);
    for (int i = 0; i < 2; i++) {
        _cleanup_(web_close) struct web_stream quick = WEB_STREAM_INIT;
        FLOW_EXPECT(f, web_open(f, w, &rq, &quick), 0);
        FLOW_EXPECT(f, read_all(f, &quick, &len), 0);
        FLOW_CHECK(len == BODY_BYTES);
    }

    FLOW_EXPECT(f, read_all(f, &slow, &len), 0);
    FLOW_CHECK(len == BODY_BYTES);
    FLOW_CHECK(!has_h2() || web_stats(w).connection_count == 1);
    return 0;
}
H2_CASE(test_one_is_slow, one_is_slow, 3, NULL, ASKED, PEER_SEND(HEAD_CLOSE),
        PEER_REPEAT(LINE, LINES), PEER_CLOSE())

/* ---- whom we trust ---- */

static int stranger(struct flow *f, struct web *w, struct peer *p, int port)
{
    struct web_request rq = get(f, port);
    struct web_reply reply;
    FLOW_EXPECT(f, web_fetch(f, w, &rq, &reply), E_UPSTREAM);
    FLOW_CHECK(peer_received(p).len == 0);
    return 0;
}
H2_CASE(test_stranger, stranger, 1, "/etc/ssl/certs/ca-certificates.crt", ASKED)

static int no_bundle(struct flow *f, struct web *w, struct peer *p, int port)
{
    struct web_request rq = get(f, port);
    struct web_reply reply;
    FLOW_EXPECT(f, web_fetch(f, w, &rq, &reply), E_CONFIG);
    FLOW_CHECK(strstr(f->err.msg, "missing.pem"));
    FLOW_CHECK(peer_received(p).len == 0);
    return 0;
}
H2_CASE(test_no_bundle, no_bundle, 1, "missing.pem", ASKED)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together),    cmocka_unit_test(test_one_leaves),
        cmocka_unit_test(test_one_is_slow), cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_no_bundle),
    };
    return cmocka_run_group_tests(tests, certificate_make, certificate_remove);
}
