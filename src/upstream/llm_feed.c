/*
 * One open answer of a model: bytes from the wire to deltas of whole characters.
 *
 *   web_next -> events_next -> escape half characters -> JSON -> vendor's on_event -> held -> out
 *
 * Happy path: each event appends text to `held`; what is whole goes out; the vendor's end mark ends it.
 * Fails with E_TRUNCATED when the stream ends without one, E_UPSTREAM when the first token or the end mark
 * does not come in time, E_PROTOCOL for garbage, E_MODEL for an answer without any text, and as the
 * vendor's error event says.
 * After a finish reason only the end mark and the usage may come: they are waited for briefly, so that a
 * peer that keeps the socket open does not hold the answer back.
 * Invariant: account_result is told once how each opened stream ended.
 */
#include "upstream/llm_vendor.h"

#include <errno.h>

#include "base/mem.h"
#include "upstream/reply.h"

#define EVENT_BYTES_MAX ((size_t)2 * 1024 * 1024)
#define WHOLE_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define END_MARK_MS 1000 /* after a finish reason */
#define RATE_HOLD_MS 5000
#define DRAIN_MS 50 /* after the end mark: lets the connection be used again */
#define TEXT_BYTES_MAX ((int64_t)4 * 1024 * 1024)

void llm_feed_usage(struct llm_feed *feed, struct json prompt, struct json completion)
{
    if (json_is_num(prompt) && json_i64(prompt, -1) >= 0) {
        feed->call.usage.prompt_tokens = json_i64(prompt, 0);
        feed->has_usage = true;
        feed->call.usage.estimated = false;
    }
    if (json_is_num(completion) && json_i64(completion, -1) >= 0)
        feed->call.usage.completion_tokens = json_i64(completion, 0);
}

void llm_feed_finish(struct llm_feed *feed, struct str reason)
{
    if (reason.len == 0)
        return;
    feed->has_finish = true;
    feed->call.usage.finish_reason = llm_finish_reason(reason);
}

static void report(struct llm_feed *feed, int status)
{
    if (!feed->reported &&
        status == E_RATE) /* said inside the stream: the account has not seen it */
        bucket_hold(account_bucket(feed->account), RATE_HOLD_MS);
    if (!feed->reported)
        account_result(feed->account, status);
    feed->reported = true;
}

static bool is_event_stream(const struct web_reply *reply)
{
    struct str type = str_trim(web_header_find(reply, "Content-Type"));
    return type.len == 0 || str_starts_nocase(type, STR("text/event-stream")) ||
           !str_starts_nocase(type, STR("application/json"));
}

/* A server that ignored our wish for a stream. */
static int read_whole(struct flow *f, struct llm_feed *feed)
{
    struct str body;
    struct json v;
    int r = web_rest(f, &feed->web, WHOLE_BYTES_MAX, &body);
    if (r < 0)
        return llm_refine(f, &feed->sent, r);
    r = reply_json(f, body, &v);
    if (r < 0)
        return r;
    if (llm_is_error(v))
        return llm_refuse(&feed->sent, &f->err, v);
    r = feed->on_whole(feed, v, &f->err);
    feed->ended = true;
    return r;
}

int llm_feed_open(struct flow *f, struct llm_feed *feed)
{
    arena_init(&feed->arena, 0);
    events_init(&feed->events, EVENT_BYTES_MAX);
    feed->start_ns = loop_now_ns(f->loop);
    feed->reported = true; /* nothing to tell before it is open */
    int r = account_open(f, feed->account, &feed->sent.call, &feed->web);
    if (r < 0)
        return llm_refine(f, &feed->sent, r);
    feed->reported = false;
    if (is_event_stream(&feed->web.reply))
        return 0;
    r = read_whole(f, feed);
    if (r < 0)
        report(feed, r);
    return r;
}

/* ---- reading ---- */

/* Milliseconds the next bytes may take beyond the transport's own idle limit; 0: no limit here. */
static uint64_t patience_ms(struct flow *f, const struct llm_feed *feed)
{
    if (feed->has_finish)
        return END_MARK_MS;
    if (feed->text_bytes > 0 || feed->held.len > 0 || feed->first_token_ms == 0)
        return 0;
    uint64_t used_ms = (loop_now_ns(f->loop) - feed->start_ns) / 1000000;
    return used_ms < feed->first_token_ms ? feed->first_token_ms - used_ms : 1;
}

static int next_piece_within(struct flow *f, struct llm_feed *feed, uint64_t ms)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, ms);
    return web_next(f, &feed->web, &feed->piece);
}

/* 1: bytes, 0: the end. */
static int next_piece(struct flow *f, struct llm_feed *feed)
{
    uint64_t ms = patience_ms(f, feed);
    feed->piece = STR_NONE;
    int r = ms > 0 ? next_piece_within(f, feed, ms) : web_next(f, &feed->web, &feed->piece);
    if (r >= 0)
        return r > 0;
    feed->piece = STR_NONE;
    if (feed->has_finish && r != -ECANCELED && flow_check(f) >= 0)
        return 0; /* the text is whole; only the end mark is missing */
    if (r == -ETIMEDOUT && flow_check(f) >= 0)
        return err_set(&f->err, E_UPSTREAM, "the model fell silent");
    return r;
}

static int take_event(struct flow *f, struct llm_feed *feed, const struct event *e)
{
    struct event escaped = *e;
    buf_clear(&feed->data);
    if (!str_is_utf8(e->data)) {
        llm_data_escape(&feed->data, e->data);
        escaped.data = buf_view(&feed->data);
    }
    arena_reset(&feed->arena);
    int r = feed->on_event(feed, &escaped, &f->err);
    if (r >= 0 && feed->text_bytes + (int64_t)feed->held.len > TEXT_BYTES_MAX)
        return err_set(&f->err, E_LIMIT, "the model's answer does not end");
    return r;
}

/* The bytes are used up: what an unfinished last event holds, then the judgement. */
static int at_end(struct flow *f, struct llm_feed *feed)
{
    struct event e;
    int r = events_finish(&feed->events, &e);
    if (r > 0)
        r = take_event(f, feed, &e);
    if (r < 0)
        return r;
    if (!feed->ended && !feed->has_finish)
        return err_set(&f->err, E_TRUNCATED, "the model's answer broke off");
    feed->ended = true;
    return 0;
}

/* Reads until something was held back, or the end. */
static int read_some(struct flow *f, struct llm_feed *feed)
{
    struct event e;
    int r = feed->piece.len > 0 ? events_next(&feed->events, &feed->piece, &e) : 0;
    if (r < 0)
        return err_set(&f->err, r, "an event of the model is too large");
    if (r > 0)
        return take_event(f, feed, &e);
    arena_done(&feed->arena); /* a burst of events shares its memory, a waiting stream keeps none */
    r = next_piece(f, feed);
    return r == 0 ? at_end(f, feed) : r;
}

/* Reads the few bytes after the end mark, so that the connection can be used again. */
static void drain(struct flow *f, struct llm_feed *feed)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, DRAIN_MS);
    struct err kept = f->err;
    struct str ignored;
    while (feed->web.call && web_next(f, &feed->web, &ignored) > 0)
        ;
    f->err = kept;
}

/* What is known so far; a reader who leaves early finds an estimate. */
static void usage_update(struct flow *f, struct llm_feed *feed)
{
    struct llm_usage *u = &feed->call.usage;
    if (!feed->has_usage)
        u->prompt_tokens = feed->prompt_estimate;
    if (!feed->has_usage || (u->completion_tokens == 0 && feed->text_bytes > 0)) {
        u->completion_tokens = feed->text_bytes / 4 + 1;
        u->estimated = true;
    }
    u->total_ns = loop_now_ns(f->loop) - feed->start_ns;
    u->cost_krw = llm_cost_krw(u->model, u->prompt_tokens, u->completion_tokens);
}

static int give(struct flow *f, struct llm_feed *feed, struct str *ret_delta)
{
    if (feed->text_bytes == 0)
        feed->call.usage.first_token_ns = loop_now_ns(f->loop) - feed->start_ns;
    feed->text_bytes += (int64_t)feed->out.len;
    usage_update(f, feed);
    *ret_delta = buf_view(&feed->out);
    return 1;
}

int llm_feed_prime(struct flow *f, struct llm_feed *feed)
{
    struct str ignored;
    int r = llm_feed_next(f, feed, &ignored);
    feed->primed = r >= 0;
    feed->primed_status = r;
    return r;
}

int llm_feed_next(struct flow *f, struct llm_feed *feed, struct str *ret_delta)
{
    if (feed->primed) {
        feed->primed = false;
        *ret_delta = buf_view(&feed->out);
        return feed->primed_status;
    }
    for (;;) {
        if (feed->held.len > 0 && llm_delta_take(&feed->held, &feed->out, feed->ended) > 0)
            return give(f, feed, ret_delta);
        if (feed->ended)
            break;
        int r = read_some(f, feed);
        if (r < 0) {
            report(feed, r);
            return r;
        }
    }
    if (!feed->reported && feed->text_bytes == 0) {
        report(feed, 0);
        return err_set(&f->err, E_MODEL, "the model answered without any text");
    }
    if (!feed->reported)
        drain(f, feed);
    if (feed->has_usage && !feed->settled)
        llm_settle(&feed->sent, feed->account, feed->call.usage.prompt_tokens);
    feed->settled = true;
    report(feed, 0);
    usage_update(f, feed);
    return 0;
}

void llm_feed_free(struct llm_feed *feed)
{
    report(feed, -ECANCELED);
    web_close(&feed->web);
    events_done(&feed->events);
    arena_done(&feed->arena);
    buf_done(&feed->data);
    buf_done(&feed->held);
    buf_done(&feed->out);
    mem_free(feed);
}
