#include "sandbox/chats.h"
#include "sandbox/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Sends a chat answer: as one JSON, or paced token by token in either vendor's events.
 *
 *   CLOVA   id/event/data lines: token ... token, result (the whole text again, usage), (signal)
 *   OpenAI  data lines: chunk ... chunk, (usage chunk), [DONE]
 *
 * A token is two wide characters or four ASCII ones. Token n leaves at begin + n * token_ms by the
 * loop's clock, so that slow writes do not slow the pace. Faults half, garbage, error and slow act in
 * the middle of the stream. -ECANCELED when the client left: counted, so that tests see who hung up.
 */

static size_t token_bytes(struct str text)
{
    size_t at = 0, weight = 0;
    while (at < text.len && weight < 4) {
        uint32_t c;
        at += str_decode(str_sub(text, at, 4), &c);
        weight += c < 0x80 ? 1 : 2;
    }
    return at;
}

/* ---- one event ---- */

static void field(const struct chat *chat, struct buf *out, const char *name, struct str value)
{
    const struct knobs *k = &chat->call.sb->knobs;
    buf_text(out, name);
    buf_text(out, chat->wire == WIRE_OPENAI || k->sse_space ? ": " : ":");
    buf_str(out, value);
    buf_text(out, k->sse_crlf ? "\r\n" : "\n");
}

static void event_head(struct chat *chat, struct buf *out, const char *event)
{
    if (chat->wire == WIRE_OPENAI)
        return;
    char id[48];
    uint64_t n = ++chat->call.sb->serial;
    snprintf(id, sizeof(id), "%08x-%04x-4%03x-8%03x-%012llx",
             (unsigned)(world_hash(n, 1) & 0xffffffff), (unsigned)(n & 0xffff),
             (unsigned)(world_hash(n, 2) & 0xfff), (unsigned)(world_hash(n, 3) & 0xfff),
             (unsigned long long)(world_hash(n, 4) & 0xffffffffffff));
    field(chat, out, "id", str_from(id));
    field(chat, out, "event", str_from(event));
}

static void write_usage(const struct chat *chat, struct jw *w, int64_t completion, int64_t thinking)
{
    bool openai = chat->wire == WIRE_OPENAI;
    jw_obj(w, "usage");
    jw_i64(w, openai ? "prompt_tokens" : "promptTokens", chat->prompt_tokens);
    jw_i64(w, openai ? "completion_tokens" : "completionTokens", completion);
    jw_i64(w, openai ? "total_tokens" : "totalTokens", chat->prompt_tokens + completion);
    if (thinking && !openai) {
        jw_obj(w, "completionTokensDetails");
        jw_i64(w, "thinkingTokens", thinking);
        jw_end_obj(w);
    }
    jw_end_obj(w);
}

static void clova_data(const struct chat *chat, struct jw *w, struct str content,
                       struct str thought, const char *finish, int64_t completion, int64_t thinking)
{
    jw_obj(w, NULL);
    jw_obj(w, "message");
    jw_text(w, "role", "assistant");
    if (thought.len)
        jw_str(w, "thinkingContent", thought);
    if (content.len || !thought.len)
        jw_str(w, "content", content);
    jw_end_obj(w);
    jw_text(w, "finishReason", finish);
    jw_i64(w, "created", sandbox_now_s(chat->call.sb));
    jw_i64(w, "seed", chat->seed);
    if (finish)
        write_usage(chat, w, completion, thinking);
    else
        jw_null(w, "usage");
    jw_end_obj(w);
}

static void openai_data(const struct chat *chat, struct jw *w, struct str content, bool first,
                        const char *finish)
{
    jw_obj(w, NULL);
    jw_text(w, "id", chat->id);
    jw_text(w, "object", "chat.completion.chunk");
    jw_i64(w, "created", sandbox_now_s(chat->call.sb));
    jw_str(w, "model", chat->model);
    jw_arr(w, "choices");
    jw_obj(w, NULL);
    jw_i64(w, "index", 0);
    jw_obj(w, "delta");
    if (first)
        jw_text(w, "role", "assistant");
    if (!finish)
        jw_str(w, "content", content);
    jw_end_obj(w);
    jw_text(w, "finish_reason", finish);
    jw_end_obj(w);
    jw_end_arr(w);
    jw_end_obj(w);
}

static int send_event(struct chat *chat, struct buf *event)
{
    struct call *c = &chat->call;
    buf_text(event, c->sb->knobs.sse_crlf ? "\r\n" : "\n");
    struct str rest = buf_view(event);
    size_t piece = c->sb->knobs.sse_split ? (size_t)c->sb->knobs.sse_split : rest.len;
    int r = 0;
    while (r >= 0 && rest.len) {
        r = http_stream_write(c->f, c->x, str_sub(rest, 0, piece));
        rest = str_sub(rest, piece, rest.len);
        if (r >= 0 && rest.len)
            r = flow_yield(c->f);
    }
    buf_clear(event);
    return r;
}

static int send_token(struct chat *chat, struct buf *event, struct buf *data, struct str token,
                      bool thinking, bool first)
{
    struct jw w = JW_INIT(data);
    buf_clear(data);
    event_head(chat, event, "token");
    if (chat->wire == WIRE_OPENAI)
        openai_data(chat, &w, token, first, NULL);
    else if (thinking)
        clova_data(chat, &w, STR_NONE, token, NULL, 0, 0);
    else
        clova_data(chat, &w, token, STR_NONE, NULL, 0, 0);
    field(chat, event, "data", buf_view(data));
    chat->call.sb->counters.tokens_sent++;
    return send_event(chat, event);
}

/* ---- the end of a stream ---- */

static int end_openai(struct chat *chat, struct buf *event, struct buf *data, const char *finish,
                      int64_t count)
{
    struct jw w = JW_INIT(data);
    buf_clear(data);
    openai_data(chat, &w, STR_NONE, false, finish);
    field(chat, event, "data", buf_view(data));
    int r = send_event(chat, event);
    if (r >= 0 && chat->usage_wanted) {
        struct jw u = JW_INIT(data);
        buf_clear(data);
        jw_obj(&u, NULL);
        jw_text(&u, "id", chat->id);
        jw_text(&u, "object", "chat.completion.chunk");
        jw_raw(&u, "choices", STR("[]"));
        write_usage(chat, &u, count, 0);
        jw_end_obj(&u);
        field(chat, event, "data", buf_view(data));
        r = send_event(chat, event);
    }
    if (r < 0)
        return r;
    field(chat, event, "data", STR("[DONE]"));
    return send_event(chat, event);
}

static int end_clova(struct chat *chat, struct buf *event, struct buf *data, struct str sent,
                     const char *finish, int64_t count, int64_t thinking)
{
    struct jw w = JW_INIT(data);
    buf_clear(data);
    event_head(chat, event, "result");
    clova_data(chat, &w, sent, STR_NONE, finish, count, thinking);
    field(chat, event, "data", buf_view(data));
    int r = send_event(chat, event);
    if (r < 0 || !chat->call.sb->knobs.sse_signal)
        return r;
    event_head(chat, event, "signal");
    field(chat, event, "data", STR("{\"data\":\"[DONE]\"}"));
    return send_event(chat, event);
}

/* ---- the stream ---- */

struct pace {
    uint64_t begin_ms, sent;
};

static int wait_turn(struct chat *chat, struct pace *p)
{
    struct call *c = &chat->call;
    int64_t step_ms = c->sb->knobs.token_ms;
    if (c->fault.kind == FAULT_SLOW)
        step_ms = MAX(step_ms, 200);
    uint64_t due = p->begin_ms + p->sent++ * (uint64_t)step_ms, now = loop_now_ms(c->f->loop);
    return due > now ? flow_sleep(c->f, due - now) : flow_check(c->f);
}

/* Acts on a fault when half of the text is out. < 0 ends the stream without its end. */
static int fault_midway(struct chat *chat, struct buf *event)
{
    struct call *c = &chat->call;
    struct str status = STR("{\"status\":{\"code\":\"50000\",\"message\":\"made-up fault\"}}");
    switch (c->fault.kind) {
    case FAULT_HALF:
    case FAULT_TRUNCATED: return err_set(&c->f->err, E_TRUNCATED, "half a stream as asked");
    case FAULT_GARBAGE:
        buf_text(event, "data: {\"message\": ]]\x01garbage\nfoo bar\n");
        return send_event(chat, event);
    case FAULT_ERROR:
        event_head(chat, event, "error");
        if (chat->wire == WIRE_OPENAI)
            status = STR(
                "{\"error\":{\"message\":\"made-up fault\",\"type\":null,\"code\":\"50000\"}}");
        field(chat, event, "data", status);
        return send_event(chat, event);
    default: return 0;
    }
}

static int send_thoughts(struct chat *chat, struct buf *event, struct buf *data, struct pace *p,
                         int64_t *ret_count)
{
    struct str rest = STR("자료를 먼저 읽고 질문과 맞는 문장을 찾는다. 근거가 있는 내용만 답한다.");
    int r = 0;
    while (r >= 0 && rest.len) {
        size_t n = token_bytes(rest);
        r = wait_turn(chat, p);
        if (r >= 0)
            r = send_token(chat, event, data, str_sub(rest, 0, n), true, false);
        rest = str_sub(rest, n, rest.len);
        ++*ret_count;
    }
    return r;
}

static int send_stream(struct chat *chat, struct buf *event, struct buf *data)
{
    struct pace p = {.begin_ms = loop_now_ms(chat->call.f->loop)};
    int64_t thinking = 0, count = 0;
    size_t at = 0;
    int r = chat->thinking ? send_thoughts(chat, event, data, &p, &thinking) : 0;
    bool faulty = chat->call.fault.kind != FAULT_NONE;
    while (r >= 0 && at < chat->answer.len && count < chat->output_max) {
        if (faulty && at * 2 >= chat->answer.len) {
            faulty = false;
            r = fault_midway(chat, event);
            if (r >= 0 && chat->call.fault.kind == FAULT_ERROR)
                return r;
            if (r < 0)
                return r;
        }
        size_t n = token_bytes(str_sub(chat->answer, at, chat->answer.len));
        r = wait_turn(chat, &p);
        if (r >= 0)
            r = send_token(chat, event, data, str_sub(chat->answer, at, n), false, at == 0);
        at += n;
        count++;
    }
    if (r < 0)
        return r;
    const char *finish = at < chat->answer.len ? "length" : "stop";
    if (chat->wire == WIRE_OPENAI)
        return end_openai(chat, event, data, finish, count);
    return end_clova(chat, event, data, str_sub(chat->answer, 0, at), finish, count + thinking,
                     thinking);
}

static int answer_stream(struct chat *chat)
{
    struct call *c = &chat->call;
    struct counters *n = &c->sb->counters;
    _cleanup_(buf_done) struct buf event = BUF_INIT(0);
    _cleanup_(buf_done) struct buf data = BUF_INIT(0);
    n->streams_begun++;
    n->streams_open++;
    n->streams_open_max = MAX(n->streams_open_max, n->streams_open);
    http_set_header(c->x, "Cache-Control", STR("no-cache"));
    int r = http_stream_begin(c->f, c->x, 200, "text/event-stream;charset=UTF-8");
    if (r >= 0)
        r = send_stream(chat, &event, &data);
    if (r >= 0)
        r = http_stream_end(c->f, c->x);
    n->streams_open--;
    if (r >= 0)
        n->streams_ended++;
    else if (r == -ECANCELED)
        n->streams_aborted++;
    return r;
}

/* ---- one JSON ---- */

static void whole_clova(const struct chat *chat, struct jw *w, struct str text, const char *finish,
                        int64_t count)
{
    jw_obj(w, NULL);
    jw_obj(w, "status");
    jw_text(w, "code", "20000");
    jw_text(w, "message", "OK");
    jw_end_obj(w);
    jw_obj(w, "result");
    jw_obj(w, "message");
    jw_text(w, "role", "assistant");
    jw_str(w, "content", text);
    if (chat->thinking)
        jw_text(w, "thinkingContent", "자료를 먼저 읽고 근거가 있는 내용만 답한다.");
    jw_end_obj(w);
    jw_text(w, "finishReason", finish);
    jw_i64(w, "created", sandbox_now_s(chat->call.sb));
    jw_i64(w, "seed", chat->seed);
    write_usage(chat, w, count, chat->thinking ? 20 : 0);
    jw_end_obj(w);
    jw_end_obj(w);
}

static void whole_openai(const struct chat *chat, struct jw *w, struct str text, const char *finish,
                         int64_t count)
{
    jw_obj(w, NULL);
    jw_text(w, "id", chat->id);
    jw_text(w, "object", "chat.completion");
    jw_i64(w, "created", sandbox_now_s(chat->call.sb));
    jw_str(w, "model", chat->model);
    jw_arr(w, "choices");
    jw_obj(w, NULL);
    jw_i64(w, "index", 0);
    jw_obj(w, "message");
    jw_text(w, "role", "assistant");
    jw_str(w, "content", text);
    jw_end_obj(w);
    jw_text(w, "finish_reason", finish);
    jw_end_obj(w);
    jw_end_arr(w);
    write_usage(chat, w, count, 0);
    jw_end_obj(w);
}

static int answer_whole(struct chat *chat)
{
    int64_t count = 0;
    size_t at = 0;
    for (; at < chat->answer.len && count < chat->output_max; count++)
        at += token_bytes(str_sub(chat->answer, at, chat->answer.len));
    int64_t think_ms = count * chat->call.sb->knobs.token_ms;
    int r = think_ms ? flow_sleep(chat->call.f, (uint64_t)think_ms) : 0;
    if (r < 0) {
        chat->call.sb->counters.answers_aborted += r == -ECANCELED;
        return r;
    }
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    struct str text = str_sub(chat->answer, 0, at);
    const char *finish = at < chat->answer.len ? "length" : "stop";
    if (chat->wire == WIRE_OPENAI)
        whole_openai(chat, &w, text, finish, count);
    else
        whole_clova(chat, &w, text, finish, count);
    return call_json(&chat->call, 200, &out);
}

/* `tokens` of text, by telling it again or cutting it. */
static void stretch(struct buf *text, int64_t tokens)
{
    struct buf out = BUF_INIT(0);
    if (!text->len)
        buf_text(text, "자료 ");
    size_t at = 0;
    for (int64_t i = 0; i < tokens; i++) {
        if (at >= text->len)
            at = 0;
        struct str rest = str_sub(buf_view(text), at, text->len);
        size_t n = token_bytes(rest);
        buf_add(&out, rest.ptr, n);
        at += n;
    }
    buf_clear(text);
    buf_str(text, buf_view(&out));
    buf_done(&out);
}

/* Chats are sorted into categories; all else is thought up from the data. */
static void sort_chats(struct chat *chat, struct buf *text)
{
    struct sandbox *sb = chat->call.sb;
    const struct knobs *k = &sb->knobs;
    struct sorting_faults faults = {.misorder = k->sort_misorder,
                                    .drop = k->sort_drop,
                                    .invent = k->sort_invent,
                                    .prose = k->sort_prose,
                                    .cut = k->sort_cut,
                                    .misquote = k->sort_misquote,
                                    .stuck = k->sort_stuck};
    sb->counters.sort_calls++;
    sorting_answer(&chat->call.f->arena, &chat->prompt, &faults, world_hash(sb->seed, ++sb->serial),
                   text, &sb->counters.sort_chats);
}

int chat_answer(struct chat *chat)
{
    struct call *c = &chat->call;
    struct mind *mind = ARENA_NEW(&c->f->arena, struct mind);
    struct buf *text = arena_buf(&c->f->arena, 0);
    if (sorting_is_asked(&chat->prompt)) {
        sort_chats(chat, text);
    } else {
        mind_read(mind, &c->f->arena, &chat->prompt);
        mind_answer(mind, &chat->prompt, text);
    }
    bool plain = !chat->prompt.wants_json && !json_exists(chat->prompt.schema);
    if (plain && c->sb->knobs.tokens)
        stretch(text, c->sb->knobs.tokens);
    chat->answer = buf_view(text);
    snprintf(chat->id, sizeof(chat->id), "chatcmpl-sandbox-%" PRIu64, ++c->sb->serial);
    return chat->streamed ? answer_stream(chat) : answer_whole(chat);
}
