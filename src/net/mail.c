/*
 * One SMTP transaction in the thread pool.
 *
 * The happy path: connect, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, the message, 250, QUIT: all by curl on a
 * pool thread while the flow waits. Server lines come through curl's header callback; the last one is kept for
 * people. A cancel sets a flag that curl asks for at least once a second.
 * Fails: see mail.h; the code of the server's reply outranks curl's own code, which tells refusals apart only
 * roughly. Passwords are in no message.
 * Invariant: `whole_sent` is true from the moment curl was given the message's last byte; before that moment no
 * server can have taken it (RFC 5321 §4.1.1.4), after it only a reply tells.
 */
#include "net/mail.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/fault.h"

enum { CONNECT_MS = 10000, ANSWER_MS = 30000, WHOLE_FACTOR = 20, SERVICE_CLOSING = 221 };

struct send_op {
    struct op op;
    uv_work_t request;
    const struct mail_call *call;
    struct mail_answer answer;
    size_t at; /* bytes of the message given to curl */
    char curl_text[CURL_ERROR_SIZE];
    CURLcode code;
    atomic_bool stop;
};

/* ---- in the pool ---- */

static size_t on_read(char *room, size_t size, size_t count, void *context)
{
    struct send_op *s = context;
    struct str rest = str_sub(s->call->message, s->at, size * count);
    memcpy(room, rest.ptr ? rest.ptr : "", rest.len);
    s->at += rest.len;
    /* curl knows the size and need not ask for the end. */
    s->answer.whole_sent = s->at == s->call->message.len;
    return rest.len;
}

/* A line of the server: "550 5.1.1 no such user". */
static size_t on_line(char *bytes, size_t size, size_t count, void *context)
{
    struct send_op *s = context;
    struct str line = str_trim(str_of(bytes, size * count));
    int64_t code;
    if (str_to_i64(str_sub(line, 0, 3), &code) && code >= 200 && code < 600 &&
        code != SERVICE_CLOSING) { /* the answer to QUIT, which follows a refusal */
        s->answer.code = (int)code;
        line = str_cut_utf8(line, sizeof(s->answer.text) - 1);
        memcpy(s->answer.text, line.ptr, line.len);
        s->answer.text[line.len] = '\0';
    }
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    struct send_op *s = context;
    return atomic_load(&s->stop) ? 1 : 0;
}

static void set_server(CURL *e, struct send_op *s)
{
    const struct mail_call *c = s->call;
    char url[512];
    bool six = strchr(c->host, ':') != NULL;
    snprintf(url, sizeof(url), "%s://%s%s%s:%d", c->security == MAIL_TLS ? "smtps" : "smtp",
             six ? "[" : "", c->host, six ? "]" : "", c->port);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_USE_SSL,
                     c->security == MAIL_PLAIN   ? (long)CURLUSESSL_NONE
                     : c->security == MAIL_LOCAL ? (long)CURLUSESSL_TRY
                                                 : (long)CURLUSESSL_ALL);
    if (c->ca_file != NULL && c->ca_file[0] != '\0') {
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
    } else if (c->security == MAIL_LOCAL) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->user != NULL && c->user[0] != '\0' && c->password != NULL && c->password[0] != '\0') {
        curl_easy_setopt(e, CURLOPT_USERNAME, c->user);
        curl_easy_setopt(e, CURLOPT_PASSWORD, c->password);
    }
    long connect_ms = c->connect_ms ? (long)c->connect_ms : CONNECT_MS;
    long answer_ms = c->answer_ms ? (long)c->answer_ms : ANSWER_MS;
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(e, CURLOPT_SERVER_RESPONSE_TIMEOUT, (answer_ms + 999) / 1000);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (answer_ms + 999) / 1000);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, connect_ms + answer_ms * WHOLE_FACTOR);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->curl_text);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, s);
}

static void set_message(CURL *e, struct send_op *s, struct curl_slist *to)
{
    curl_easy_setopt(e, CURLOPT_MAIL_FROM, s->call->from);
    curl_easy_setopt(e, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(e, CURLOPT_READDATA, s);
    /* Tells SIZE= to servers that ask for it. */
    curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->call->message.len);
}

static void on_work(uv_work_t *request)
{
    struct send_op *s = container_of(request, struct send_op, request);
    CURL *e = curl_easy_init();
    if (e == NULL) {
        s->code = CURLE_OUT_OF_MEMORY;
        return;
    }
    struct curl_slist *to = NULL;
    set_server(e, s);
    if (s->call->to != NULL) {
        to = curl_slist_append(NULL, s->call->to);
        set_message(e, s, to);
    } else {
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "NOOP");
    }
    /* lint-allow(banned): a pool thread; see mail.h for why not the multi interface */
    s->code = curl_easy_perform(e);
    curl_easy_cleanup(e); /* QUIT */
    curl_slist_free_all(to);
}

/* ---- on the loop ---- */

static void on_work_over(uv_work_t *request, int uv_status)
{
    struct send_op *s = container_of(request, struct send_op, request);
    loop_external(s->op.loop, -1);
    op_finish(&s->op, uv_status < 0 ? -ECANCELED : 0);
}

static void on_cancel(struct op *op)
{
    struct send_op *s = container_of(op, struct send_op, op);
    atomic_store(&s->stop, true);
    uv_cancel((uv_req_t *)&s->request);
}

static int translate(const struct send_op *s)
{
    int reply = s->code == CURLE_OK ? 0 : s->answer.code;
    switch (s->code) {
    case CURLE_OK: return 0;
    case CURLE_OUT_OF_MEMORY: return -ENOMEM;
    case CURLE_ABORTED_BY_CALLBACK: return -ECANCELED;
    case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return E_UPSTREAM_DENIED;
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR: return reply >= 400 && reply < 500 ? E_UPSTREAM_BUSY : E_UPSTREAM_AUTH;
    default: break;
    }
    /* A refusal ends what curl does with a reply in hand; a lost connection does not. */
    bool lost = s->code == CURLE_RECV_ERROR || s->code == CURLE_COULDNT_CONNECT ||
                s->code == CURLE_COULDNT_RESOLVE_HOST || s->code == CURLE_GOT_NOTHING;
    if (lost || reply < 400)
        return E_UPSTREAM;
    return reply >= 500 ? E_UPSTREAM_INPUT : E_UPSTREAM_BUSY;
}

static bool has_line_break(const char *text)
{
    return text != NULL && strpbrk(text, "\r\n<> \t") != NULL;
}

int mail_send(struct flow *f, const struct mail_call *call, struct mail_answer *ret_answer)
{
    static bool began;
    *ret_answer = (struct mail_answer){.code = 0};
    int r = fault_check("mail.send", E_UPSTREAM);
    if (r < 0)
        return err_set(&f->err, r, "%s: no connection", call->host);
    if (has_line_break(call->from) || has_line_break(call->to) || has_line_break(call->host))
        return err_set(&f->err, E_INPUT, "not a mail address");
    if (!began && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(&f->err, E_CONFIG, "curl_global_init failed");
    began = true;
    struct send_op s = {.call = call, .code = CURLE_ABORTED_BY_CALLBACK};
    op_begin(&s.op, f->loop, "mail.send", on_cancel);
    r = uv_queue_work(loop_uv(f->loop), &s.request, on_work, on_work_over);
    if (r < 0) {
        op_finish(&s.op, r);
    } else {
        loop_external(f->loop, 1);
    }
    r = flow_wait(f, &s.op);
    *ret_answer = s.answer;
    if (s.code == CURLE_OK)
        return 0; /* taken, even when we are told to stop: the caller must get to know */
    if (r < 0)
        return r;
    r = translate(&s);
    bool told = s.answer.code >= 400 && r != E_UPSTREAM && r != -ETIMEDOUT;
    return err_set(&f->err, r, "%s:%d: %s", call->host, call->port,
                   told             ? s.answer.text
                   : s.curl_text[0] ? s.curl_text
                                    : curl_easy_strerror(s.code));
}
