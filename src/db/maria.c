/*
 * db/maria.c: the connection's machine and the suspending calls.
 *
 *   NEW -> CONNECTING -> IDLE <-> QUERY            any -> DEAD (of use only for maria_close)
 *                        IDLE <-> ROWS (a result is open: only FETCH, or close)
 *
 * libmariadb runs each call on a stack of its own and comes back whenever it would block, with a mask of
 * what it waits for (MariaDB documentation, "Using the Non-blocking Library"). The machine waits for that on
 * the loop and calls the matching _cont; all such calls happen in the machine's own turn. The poll handle is
 * made anew for each wait and closed before the library is called again, because it may close its socket at
 * any time and the kernel would hand out the same number. Its time-outs (MYSQL_WAIT_TIMEOUT) are our timers.
 * Cancelling: the socket is shut down and the library told that its time is up, so the call under way ends
 * at once with an error; no suspended call is ever thrown away.
 * Names are resolved on a pool thread first, the library gets a numeric address. Only where the certificate
 * must bear the name it gets the name, and asks the resolver again, which has just answered. A TLS handshake
 * is the one thing that the library waits for by itself: it holds up the loop for its round trips.
 * Fails as maria_error.c translates. Invariant: a job finishes exactly once, and in IDLE nothing is
 * outstanding on the wire.
 */
#include "db/maria.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/fault.h"
#include "base/mem.h"
#include "db/maria_parts.h"
#include "loop/timer.h"

#define CLOSE_MS 60000 /* closing a handle takes one turn; only a stopped process needs longer */
#define STACK_BYTES (256 * 1024) /* of the library's calls: TLS needs more than its default */
#define COLUMN_COUNT_MAX 64
#define FORCED_STEPS_MAX 64

enum maria_state { MARIA_NEW, MARIA_CONNECTING, MARIA_IDLE, MARIA_QUERY, MARIA_ROWS, MARIA_DEAD };
enum job_kind { JOB_CONNECT, JOB_QUERY, JOB_FETCH };

struct maria_poll {
    uv_poll_t handle;
    struct maria *maria; /* NULL: being closed */
    struct maria *owner; /* for the count of handles */
};

/* What a flow wants; on its stack. */
struct maria_job {
    struct op op;
    struct maria *maria;
    enum job_kind kind;
    bool started;
    const char *host; /* CONNECT: numeric, or a name that is to be verified; NULL: a unix socket */
    struct str sql;   /* QUERY */
    struct arena *arena; /* FETCH */
    struct maria_row *rows;
    size_t count, count_max, bytes;
    bool ended;
};

struct maria {
    struct flow *flow;
    struct loop *loop;
    MYSQL *my;
    MYSQL_RES *result;
    unsigned column_count;
    const struct db_url *url;
    struct maria_poll *poll;
    size_t handle_count; /* poll handles not closed yet */
    struct cond handles_gone;
    struct maria_job *job;
    struct loop_task task;
    struct timer timer;
    enum maria_state state;
    int ready; /* MYSQL_WAIT_* that has come */
    bool cancel_wanted;
    bool refused;
    int64_t affected;
    char version[64];
};

/* ---- waiting ---- */

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct maria_poll *w = container_of(handle, struct maria_poll, handle);
    struct maria *m = w->maria;
    if (m == NULL)
        return;
    if (status < 0)
        m->ready |= MYSQL_WAIT_READ | MYSQL_WAIT_WRITE; /* the library finds out what is wrong */
    if (events & UV_READABLE)
        m->ready |= MYSQL_WAIT_READ;
    if (events & UV_WRITABLE)
        m->ready |= MYSQL_WAIT_WRITE;
    if (events & UV_PRIORITIZED)
        m->ready |= MYSQL_WAIT_EXCEPT;
    loop_post(m->loop, &m->task);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct maria_poll *w = container_of((uv_poll_t *)handle, struct maria_poll, handle);
    w->owner->handle_count--;
    cond_broadcast(&w->owner->handles_gone);
    mem_free(w);
}

static void unwatch(struct maria *m)
{
    timer_stop(&m->timer);
    if (m->poll == NULL)
        return;
    struct maria_poll *w = TAKE(m->poll);
    w->maria = NULL;
    uv_close((uv_handle_t *)&w->handle, on_poll_closed);
}

static void on_timer(struct timer *t)
{
    struct maria *m = container_of(t, struct maria, timer);
    m->ready |= MYSQL_WAIT_TIMEOUT;
    loop_post(m->loop, &m->task);
}

/* False: the socket cannot be watched. */
static bool watch(struct maria *m, int wanted)
{
    int events = (wanted & MYSQL_WAIT_READ ? UV_READABLE : 0) |
                 (wanted & MYSQL_WAIT_WRITE ? UV_WRITABLE : 0) |
                 (wanted & MYSQL_WAIT_EXCEPT ? UV_PRIORITIZED : 0);
    if (wanted & MYSQL_WAIT_TIMEOUT)
        timer_start(&m->timer, m->loop, mysql_get_timeout_value_ms(m->my), on_timer);
    if (events == 0)
        return true;
    struct maria_poll *w = mem_alloc(sizeof(*w));
    if (uv_poll_init(loop_uv(m->loop), &w->handle, mysql_get_socket(m->my)) < 0) {
        mem_free(w);
        return false;
    }
    w->maria = w->owner = m;
    m->poll = w;
    m->handle_count++;
    return uv_poll_start(&w->handle, events, on_poll) >= 0;
}

/* ---- jobs, in the machine's turn ---- */

static void finish(struct maria *m, int status)
{
    struct maria_job *j = TAKE(m->job);
    m->cancel_wanted = false;
    m->ready = 0;
    loop_external(m->loop, -1);
    op_finish(&j->op, status);
}

/* The call has failed: says why, and whether the connection can be used further. */
static void fail(struct maria *m)
{
    struct maria_job *j = m->job;
    unsigned number = mysql_errno(m->my);
    int code = maria_error(m->my, &j->op.err);
    m->refused = maria_error_is_refusal(number);
    bool lost = code == E_DB_AWAY || number < 1000 || number == 0 ||
                (number >= 2000 && number < 3000) || m->state == MARIA_CONNECTING;
    if (j->op.cancelled) {
        code = err_set(&j->op.err, -ECANCELED, "%s was cancelled", j->op.name);
        lost = true;
    }
    m->state = lost ? MARIA_DEAD : m->result ? MARIA_ROWS : MARIA_IDLE;
    finish(m, code);
}

/* Each gives what is to be waited for, or 0: the call has ended, and *ret_good says how. */
static int step_connect(struct maria *m, struct maria_job *j, int events, bool *ret_good)
{
    MYSQL *got = NULL;
    int wait;
    if (!j->started) {
        const struct db_url *u = m->url;
        j->started = true;
        wait = mysql_real_connect_start(&got, m->my, j->host, u->user[0] ? u->user : NULL,
                                        u->password, u->database, u->port ? u->port : 3306,
                                        j->host ? NULL : db_url_param(u, "unix_socket"), 0);
    } else {
        wait = mysql_real_connect_cont(&got, m->my, events);
    }
    *ret_good = got != NULL;
    return wait;
}

static int step_query(struct maria *m, struct maria_job *j, int events, bool *ret_good)
{
    int got = 1, wait;
    if (!j->started) {
        j->started = true;
        wait = mysql_real_query_start(&got, m->my, j->sql.ptr, j->sql.len);
    } else {
        wait = mysql_real_query_cont(&got, m->my, events);
    }
    *ret_good = got == 0;
    return wait;
}

static void keep_row(struct maria *m, struct maria_job *j, MYSQL_ROW row)
{
    const unsigned long *sizes = mysql_fetch_lengths(m->result);
    struct str *columns = ARENA_ARRAY(j->arena, m->column_count, struct str);
    for (unsigned i = 0; i < m->column_count; i++) {
        if (row[i] == NULL)
            continue;
        columns[i] = arena_str(j->arena, str_of(row[i], sizes[i]));
        j->bytes += sizes[i];
    }
    j->rows[j->count++] = (struct maria_row){columns, m->column_count};
}

static int step_fetch(struct maria *m, struct maria_job *j, int events, bool *ret_good)
{
    for (;;) {
        MYSQL_ROW row = NULL;
        int wait = j->started ? mysql_fetch_row_cont(&row, m->result, events)
                              : mysql_fetch_row_start(&row, m->result);
        j->started = wait != 0; /* a call under way goes on with _cont */
        if (wait)
            return wait;
        *ret_good = row != NULL || mysql_errno(m->my) == 0;
        if (row == NULL) {
            j->ended = true;
            return 0;
        }
        keep_row(m, j, row);
        if (j->count == j->count_max || j->bytes >= MARIA_FETCH_BYTES)
            return 0;
    }
}

/* After a query: rows to come, or done. */
static bool take_result(struct maria *m)
{
    m->affected = 0;
    m->column_count = mysql_field_count(m->my);
    if (m->column_count == 0) {
        m->affected = (int64_t)mysql_affected_rows(m->my);
        m->state = MARIA_IDLE;
        return true;
    }
    assert(m->column_count <= COLUMN_COUNT_MAX); /* statements are ours */
    m->result = mysql_use_result(m->my);
    m->state = MARIA_ROWS;
    return m->result != NULL;
}

static void end_job(struct maria *m, bool good)
{
    struct maria_job *j = m->job;
    if (good && j->op.cancelled && j->kind != JOB_FETCH) {
        m->state = MARIA_DEAD; /* its socket was shut down */
        finish(m, err_set(&j->op.err, -ECANCELED, "%s was cancelled", j->op.name));
        return;
    }
    if (good && j->kind == JOB_QUERY)
        good = take_result(m);
    if (!good) {
        fail(m);
        return;
    }
    if (j->kind == JOB_CONNECT) {
        m->state = MARIA_IDLE;
    } else if (j->ended) {
        mysql_free_result(TAKE(m->result)); /* read to its end: no more talk */
        m->state = MARIA_IDLE;
    }
    finish(m, 0);
}

static int step(struct maria *m, int events, bool *ret_good)
{
    struct maria_job *j = m->job;
    switch (j->kind) {
    case JOB_CONNECT: return step_connect(m, j, events, ret_good);
    case JOB_QUERY: return step_query(m, j, events, ret_good);
    default: return step_fetch(m, j, events, ret_good);
    }
}

/* The flow wants its job to end: see the head of this file. */
static void cancel(struct maria *m)
{
    bool good = false;
    if (!m->job->started) {
        m->state = MARIA_DEAD;
        finish(m, err_set(&m->job->op.err, -ECANCELED, "%s was cancelled", m->job->op.name));
        return;
    }
    shutdown(mysql_get_socket(m->my), SHUT_RDWR);
    int wait = 1;
    for (int i = 0; wait && i < FORCED_STEPS_MAX; i++)
        wait = step(m, MYSQL_WAIT_TIMEOUT, &good);
    if (wait == 0)
        end_job(m, good);
    else if (!watch(m, wait)) /* it insists: the socket is shut, so it is ready in any case */
        assert(!"a shut socket cannot be watched");
}

static void turn(struct loop_task *t)
{
    struct maria *m = container_of(t, struct maria, task);
    if (m->job == NULL)
        return;
    int events = m->ready;
    m->ready = 0;
    if (m->job->started && events == 0 && !m->cancel_wanted)
        return;
    unwatch(m);
    if (m->cancel_wanted) {
        m->cancel_wanted = false;
        cancel(m);
        return;
    }
    bool good = false;
    int wait = step(m, events, &good);
    if (wait == 0) {
        end_job(m, good);
    } else if (!watch(m, wait)) {
        unwatch(m);
        cancel(m);
    }
}

static void on_cancel(struct op *op)
{
    struct maria *m = container_of(op, struct maria_job, op)->maria;
    m->cancel_wanted = true;
    loop_post(m->loop, &m->task);
}

static int job_run(struct flow *f, struct maria *m, struct maria_job *j, const char *name,
                   enum maria_state state)
{
    int r = flow_check(f);
    if (r < 0)
        return r;
    assert(m->job == NULL);
    j->maria = m;
    m->job = j;
    m->state = state;
    op_begin(&j->op, m->loop, name, on_cancel);
    loop_external(m->loop, 1);
    loop_post(m->loop, &m->task);
    return flow_wait(f, &j->op);
}

/* ---- the calls ---- */

static int fault(struct flow *f, const char *site)
{
    int r = fault_check(site, E_DB_AWAY);
    return r < 0 ? err_set(&f->err, r, "%s: injected failure", site) : 0;
}

struct resolve {
    const char *host;
    char addresses[4][64];
    size_t count;
};

static int resolve_work(void *arg)
{
    struct resolve *v = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(v->host, NULL, &hints, &found) != 0)
        return E_DB_AWAY;
    for (struct addrinfo *i = found; i && v->count < ARRAY_COUNT(v->addresses); i = i->ai_next)
        v->count += getnameinfo(i->ai_addr, i->ai_addrlen, v->addresses[v->count],
                                sizeof(v->addresses[0]), NULL, 0, NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return v->count > 0 ? 0 : E_DB_AWAY;
}

/* A connection's try: a fresh handle of the library each time. */
static int connect_to(struct flow *f, struct maria *m, const struct maria_spec *spec,
                      const char *host)
{
    if (m->my)
        mysql_close(m->my);
    m->my = mysql_init(NULL);
    size_t stack = STACK_BYTES;
    if (m->my == NULL || mysql_options(m->my, MYSQL_OPT_NONBLOCK, &stack) != 0)
        return err_set(&f->err, E_DB_AWAY, "libmariadb has no memory");
    maria_options(m->my, spec);
    m->state = MARIA_NEW;
    struct maria_job j = {.kind = JOB_CONNECT, .host = host};
    int r;
    {
        _cleanup_(deadline_done) struct deadline d = deadline(f, spec->connect_timeout_ms);
        r = job_run(f, m, &j, "maria.connect", MARIA_CONNECTING);
    }
    if (r == -ETIMEDOUT && deadline_left_ms(f) > 0)
        return err_set(&f->err, E_DB_AWAY, "the chats' database did not answer in time");
    return r;
}

static int connect_any(struct flow *f, struct maria *m, const struct maria_spec *spec)
{
    const struct db_url *u = spec->url;
    if (db_url_param(u, "unix_socket"))
        return connect_to(f, m, spec, NULL);
    const char *host = u->host[0] ? u->host : "localhost";
    struct resolve v = {.host = host};
    int r = work_run(f, resolve_work, &v);
    if (r == E_DB_AWAY)
        return err_set(&f->err, r, "the host name %s cannot be resolved", host);
    if (r < 0)
        return r;
    bool by_name = maria_verifies(u);
    for (size_t i = 0; i < v.count; i++) {
        r = connect_to(f, m, spec, by_name ? host : v.addresses[i]);
        if (r != E_DB_AWAY || by_name)
            break;
    }
    return r;
}

static int settings(struct flow *f, struct maria *m, const struct maria_spec *spec)
{
    int32_t minutes = spec->zone_offset_s / 60;
    _cleanup_(buf_done) struct buf sql = BUF_INIT(4096);
    /* The comments are statements for one of both servers only: M! MariaDB, 5.7.8 and later MySQL. */
    buf_printf(&sql,
               "set session sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', "
               "time_zone = '%c%02d:%02d', autocommit = 1, net_write_timeout = 3600 "
               "/*M!100101 , max_statement_time = %" PRIu32 " */ "
               "/*!50708 , max_execution_time = %" PRIu32 " */",
               minutes < 0 ? '-' : '+', abs(minutes) / 60, abs(minutes) % 60,
               spec->statement_timeout_ms / 1000, spec->statement_timeout_ms);
    return maria_query(f, m, buf_view(&sql));
}

int maria_open(struct flow *f, const struct maria_spec *spec, struct maria **ret_maria)
{
    int r = fault(f, "maria.open");
    if (r >= 0)
        r = maria_check_url(spec->url, &f->err);
    if (r < 0)
        return r;
    signal(SIGPIPE, SIG_IGN); /* a TLS connection is written to by plain write */
    struct maria *m = mem_alloc(sizeof(*m));
    m->flow = f;
    m->loop = f->loop;
    m->url = spec->url;
    loop_task_init(&m->task, turn);
    r = connect_any(f, m, spec);
    if (r >= 0) {
        struct str version = str_cut_utf8(str_from(mysql_get_server_info(m->my)), 63);
        memcpy(m->version, version.ptr, version.len);
        r = settings(f, m, spec);
    }
    if (r < 0) {
        struct err kept = f->err;
        maria_close(m);
        f->err = kept;
        return r;
    }
    *ret_maria = m;
    return 0;
}

void maria_close(struct maria *m)
{
    if (m == NULL)
        return;
    assert(m->job == NULL);
    struct flow *f = m->flow;
    struct err kept = f->err;
    unwatch(m);
    if (m->my) {
        /* What is still to come would be read by mysql_free_result, byte by byte: not from a shut socket. */
        if (m->state != MARIA_IDLE && m->state != MARIA_NEW && mysql_get_socket(m->my) >= 0)
            shutdown(mysql_get_socket(m->my), SHUT_RDWR);
        if (m->result)
            mysql_free_result(TAKE(m->result));
        mysql_close(TAKE(m->my)); /* five bytes of good-bye: never blocks */
    }
    loop_unpost(&m->task);
    {
        _cleanup_(shield_done) struct shield s = flow_shield(f, CLOSE_MS);
        while (m->handle_count > 0 && cond_wait(f, &m->handles_gone) >= 0)
            ;
    }
    assert(m->handle_count == 0);
    f->err = kept;
    mem_free(m);
}

const char *maria_version(const struct maria *m)
{
    return m->version;
}

int maria_query(struct flow *f, struct maria *m, struct str sql)
{
    int r = fault(f, "maria.query");
    if (r < 0)
        return r;
    if (m->state != MARIA_IDLE)
        return err_set(&f->err, E_DB_AWAY, "the connection to the chats' database has been lost");
    m->refused = false;
    struct maria_job j = {.kind = JOB_QUERY, .sql = sql};
    return job_run(f, m, &j, "maria.query", MARIA_QUERY);
}

int64_t maria_affected(const struct maria *m)
{
    return m->affected;
}

bool maria_refused(const struct maria *m)
{
    return m->refused;
}

int maria_fetch(struct flow *f, struct maria *m, struct arena *a, size_t count_max,
                struct maria_row **ret_rows, size_t *ret_count)
{
    int r = fault(f, "maria.fetch");
    if (r < 0)
        return r;
    *ret_count = 0;
    if (m->state == MARIA_IDLE)
        return 0; /* the end was seen before */
    if (m->state != MARIA_ROWS)
        return err_set(&f->err, E_DB_AWAY, "the connection to the chats' database has been lost");
    struct maria_job j = {.kind = JOB_FETCH, .arena = a, .count_max = count_max};
    j.rows = ARENA_ARRAY(a, count_max, struct maria_row);
    r = job_run(f, m, &j, "maria.fetch", MARIA_ROWS);
    if (r < 0)
        return r;
    *ret_rows = j.rows;
    *ret_count = j.count;
    return 0;
}
