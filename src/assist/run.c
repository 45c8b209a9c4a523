/*
 * One run and its reader: begins, tells events, ends.
 *
 * Happy path: run_begin, run_meta, sections tell their events by notices, run_done. Telling fails with
 * -ECANCELED when the reader has left; that ends the run. A section's own fault becomes an error event.
 * Invariant: an event is one complete JSON object whose "type" is its name.
 */
#include "assist/run.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"

enum { EVENT_BYTES_MAX = 8 * 1024 * 1024 };

struct assist *assist_new(struct loop *l, const struct assist_spec *spec)
{
    struct assist *a = mem_alloc(sizeof(*a));
    a->loop = l;
    a->spec = *spec;
    a->searches.inside_count_max = MAX(spec->search_count_max, 1);
    return a;
}

void assist_free(struct assist *a)
{
    mem_free(a);
}

const char *section_name(enum section s)
{
    static const char *const names[SECTION_COUNT] = {
        [SECTION_SUMMARY] = "summary",
        [SECTION_SIMILAR] = "similar_tickets",
        [SECTION_SOLUTIONS] = "solutions",
        [SECTION_OTHER] = "run",
    };
    return names[s];
}

void run_begin(struct flow *f, struct run *run, struct assist *a, const struct caller *who,
               struct str language, struct sink *out)
{
    *run = (struct run){.assist = a, .who = who, .out = out, .begin_ns = loop_now_ns(f->loop)};
    uuid_v4(run->id);
    if (!language.len)
        language = str_from(a->spec.language);
    run->language = str_starts_nocase(language, STR("en")) ? "en" : "ko";
}

bool run_is_korean(const struct run *run)
{
    return run->language[0] == 'k';
}

struct jw *notice_begin(struct notice *n, const char *name)
{
    n->name = name;
    buf_init(&n->buf, EVENT_BYTES_MAX);
    n->w = (struct jw)JW_INIT(&n->buf);
    jw_obj(&n->w, NULL);
    jw_text(&n->w, "type", name);
    return &n->w;
}

int notice_send(struct flow *f, struct run *run, struct notice *n)
{
    jw_end_obj(&n->w);
    int r = n->buf.failed ? err_set(&f->err, E_LIMIT, "the %s event is too large", n->name)
                          : sink_send(f, run->out, n->name, buf_view(&n->buf));
    notice_done(n);
    return r;
}

void notice_done(struct notice *n)
{
    buf_done(&n->buf);
}

int run_meta(struct flow *f, struct run *run, const char *kind)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "meta");
    jw_text(w, "run_id", run->id);
    jw_text(w, "kind", kind);
    if (run->ticket_id)
        jw_i64(w, "ticket_id", run->ticket_id);
    jw_text(w, "language", run->language);
    jw_bool(w, "cached", false);
    jw_bool(w, "sandbox", run->assist->spec.sandbox);
    jw_text(w, "request_id", f->request_id);
    return notice_send(f, run, &n);
}

int run_progress(struct flow *f, struct run *run, const char *stage, int percent, const char *ko,
                 const char *en)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "progress");
    run->percent = MAX(run->percent, percent);
    jw_text(w, "stage", stage);
    jw_i64(w, "percent", run->percent);
    jw_i64(w, "progress", run->percent);
    jw_text(w, "message", run_is_korean(run) ? ko : en);
    return notice_send(f, run, &n);
}

int run_delta(struct flow *f, struct run *run, const char *name, struct str text)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    jw_str(notice_begin(&n, name), "text", text);
    return notice_send(f, run, &n);
}

int run_section_failed(struct flow *f, struct run *run, enum section s, int status)
{
    if (status == -ECANCELED || flow_is_cancelled(f))
        return -ECANCELED;
    if (status == -ETIMEDOUT && deadline_left_ms(f) == 0)
        return status;
    struct err err = f->err;
    run->failed = true;
    log_warn("assist.section",
             "tenant=%" PRId64 " ticket=%" PRId64 " section=%s code=%s why=\"%s\"",
             run->who->tenant_id, run->ticket_id, section_name(s), err_name(status), err.msg);
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "error");
    jw_text(w, "section", section_name(s));
    jw_text(w, "code", err_name(status));
    jw_text(w, "message", err_public(&err, status));
    jw_i64(w, "status", err.http ? err.http : err_http(status));
    jw_bool(w, "retryable", err_retryable(status));
    return notice_send(f, run, &n);
}

void run_section_done(struct flow *f, struct run *run, enum section s)
{
    run->section_ns[s] = loop_now_ns(f->loop) - run->begin_ns;
}

int run_own_fault(struct err *err, int code)
{
    if (code == E_NOT_FOUND)
        code = err->code = E_UPSTREAM_INPUT;
    if (code == E_UPSTREAM_AUTH || code == E_UPSTREAM_DENIED)
        err->http = err_http(E_UPSTREAM);
    return code;
}

static int run_usage(struct flow *f, struct run *run)
{
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "usage");
    jw_i64(w, "calls", run->call_count);
    jw_i64(w, "prompt_tokens", run->prompt_tokens);
    jw_i64(w, "completion_tokens", run->completion_tokens);
    jw_f64(w, "cost_krw", run->cost_krw, 4);
    jw_bool(w, "estimated", run->estimated);
    jw_text(w, "model", run->model);
    return notice_send(f, run, &n);
}

int run_done(struct flow *f, struct run *run, struct str context_id)
{
    int r = run_usage(f, run);
    if (r < 0)
        return r;
    _cleanup_(notice_done) struct notice n = NOTICE_INIT;
    struct jw *w = notice_begin(&n, "done");
    jw_bool(w, "ok", !run->failed);
    if (context_id.len)
        jw_str(w, "context_id", context_id);
    jw_obj(w, "timings");
    for (size_t i = 0; i < SECTION_OTHER; i++) {
        if (run->section_ns[i])
            jw_f64(w, section_name((enum section)i), (double)run->section_ns[i] / 1e6, 1);
    }
    jw_f64(w, "total", (double)(loop_now_ns(f->loop) - run->begin_ns) / 1e6, 1);
    jw_end_obj(w);
    return notice_send(f, run, &n);
}
