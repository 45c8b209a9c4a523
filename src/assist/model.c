/*
 * Asking the model: one streamed answer, told piece by piece, accounted and recorded.
 *
 * Happy path: llm_open, llm_next until 0, each piece to the listener, then the record. Whatever ends the
 * answer early (the model, the reader, a deadline) is recorded too, under a shield, with what was known of
 * its usage; so is a call that failed before its first token. An answer that takes longer than ANSWER_MS is
 * given up. Invariant: every call that reached a model leaves one row in llm_calls, if the database is there.
 */
#include <errno.h>
#include <inttypes.h>

#include "assist/run.h"
#include "base/log.h"
#include "store/llm_calls.h"

enum { ANSWER_BYTES_MAX = 256 * 1024, ANSWER_MS = 120000, RECORD_MS = 2000 };

static void model_record(struct flow *f, struct run *run, const struct ask *ask,
                         const struct llm_message *messages, const struct llm_usage *usage,
                         struct str text, int status)
{
    struct err err = f->err;
    run->call_count++;
    run->prompt_tokens += usage->prompt_tokens;
    run->completion_tokens += usage->completion_tokens;
    run->cost_krw += usage->cost_krw;
    run->estimated |= usage->estimated;
    if (usage->model != NULL)
        run->model = usage->model;
    _cleanup_(shield_done) struct shield s = flow_shield(f, RECORD_MS);
    struct llm_record record = {
        .task = ask->task,
        .ticket_id = ask->ticket_id,
        .messages = messages,
        .message_count = 2,
        .sources = ask->sources,
        .reply = text,
        .usage = *usage,
        .error = status < 0 ? str_from(err.msg) : STR_NONE,
    };
    int r = llm_calls_add(f, run->assist->spec.pool, run->who->tenant_id, &record);
    if (r < 0)
        log_warn("assist.record", "task=%s code=%s why=\"%s\"", ask->task, err_name(r), f->err.msg);
    f->err = err;
}

/* Reads the whole answer; `text` grows also when it fails. */
static int listen(struct flow *f, struct run *run, const struct llm_spec *spec, struct listener *to,
                  struct llm_stream *s, struct buf *text)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, ANSWER_MS);
    int r = llm_open(f, run->assist->spec.llm, spec, s);
    if (r < 0)
        return run_own_fault(&f->err, err_wrap(&f->err, r, "%s", spec->task));
    struct str piece;
    while ((r = llm_next(f, s, &piece)) > 0) {
        buf_str(text, piece);
        r = text->failed ? err_set(&f->err, E_LIMIT, "the answer is too long")
                         : to->hear(f, to, piece);
        if (r < 0)
            break;
    }
    return r;
}

/* Errors that come before anything was sent. */
static bool was_asked(int status)
{
    return status != E_CONFIG && status != E_CIRCUIT && status != E_OVERLOAD;
}

int model_tell(struct flow *f, struct run *run, const struct ask *ask, struct listener *to,
               struct str *ret_text)
{
    struct llm_message messages[2] = {
        {.role = "system", .text = prompt_system(run, ask->task)},
        {.role = "user", .text = ask->user},
    };
    struct llm_spec spec = {
        .task = ask->task,
        .priority = PRIORITY_LIVE,
        .messages = messages,
        .message_count = 2,
        .max_tokens = ask->max_tokens,
        .temperature = ask->temperature,
    };
    struct buf *text = arena_buf(&f->arena, ANSWER_BYTES_MAX);
    _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
    int r = listen(f, run, &spec, to, &s, text);
    *ret_text = buf_view(text);
    llm_close(&s); /* at once: nothing more is wanted from this model */
    if (was_asked(r))
        model_record(f, run, ask, messages, &s.usage, *ret_text, r);
    return r;
}
