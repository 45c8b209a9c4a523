#include "sandbox/control.h"

#include <inttypes.h>
#include <string.h>

#include "base/macro.h"

/*
 * Turning the sandbox's knobs and asking what it saw, for tests and benches.
 *
 *   POST /sandbox/control  {"rate":400,"faults":[...],"touch":[ids],"delete":[ids],"domain":"acme",
 *                           "reset_stats":true,"reset_windows":true}   -> the knobs as they are now
 *   GET  /sandbox/stats            counters
 *   GET  /sandbox/truth/{id}       {"family","code","area","title","language",...}  (?domain=)
 *   GET  /sandbox/holdout?n=500    {"ids":[...]}
 *   GET  /sandbox/chats            chats with their categories (chats_list.c)
 * A wrong body changes nothing and is 422.
 */

struct knob {
    const char *name;
    size_t at;
    int64_t otherwise, least, most;
};

static const struct knob knobs[] = {
#define KNOB_ROW_(field, name, otherwise, least, most, help)                                       \
    {name, offsetof(struct knobs, field), otherwise, least, most},
    KNOB_TABLE(KNOB_ROW_)
#undef KNOB_ROW_
};

static int64_t *value_of(struct knobs *k, const struct knob *row)
{
    return (int64_t *)(void *)((char *)k + row->at);
}

void knobs_init(struct knobs *k)
{
    for (size_t i = 0; i < ARRAY_COUNT(knobs); i++)
        *value_of(k, &knobs[i]) = knobs[i].otherwise;
}

bool knob_set(struct knobs *k, struct str name, int64_t value)
{
    for (size_t i = 0; i < ARRAY_COUNT(knobs); i++) {
        if (!str_eq(name, str_from(knobs[i].name)))
            continue;
        if (value < knobs[i].least || value > knobs[i].most)
            return false;
        *value_of(k, &knobs[i]) = value;
        return true;
    }
    return false;
}

static int answer(struct flow *f, struct http_exchange *x, struct buf *json)
{
    http_set_header(x, "X-Deskstream-Sandbox", STR("1"));
    int r = http_answer_json(f, x, 200, buf_view(json));
    buf_done(json);
    return r;
}

static struct account *account_of(struct sandbox *sb, struct flow *f, const struct http_request *rq)
{
    struct str domain;
    if (http_query(&f->arena, rq, "domain", &domain))
        return sandbox_account_named(sb, domain);
    return sandbox_account(sb, rq);
}

/* ---- control ---- */

static bool is_list_word(struct str key)
{
    static const char *const words[] = {"faults", "touch",       "delete",
                                        "domain", "reset_stats", "reset_windows"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (str_eq(key, str_from(words[i])))
            return true;
    return false;
}

static int read_knobs(struct knobs *k, struct json body, struct err *err)
{
    for (struct json_iter it = json_iter(body); json_next(&it);) {
        if (is_list_word(it.key))
            continue;
        int64_t value = json_is_bool(it.value) ? json_bool(it.value, false)
                                               : json_i64(it.value, INT64_MIN);
        if (!knob_set(k, it.key, value))
            return err_set(err, E_SCHEMA, "%.*s: unknown, or out of range", STR_ARG(it.key));
    }
    return 0;
}

static void change_tickets(struct sandbox *sb, struct account *a, struct json body)
{
    int64_t now_s = sandbox_now_s(sb);
    for (struct json_iter it = json_iter(json_get(body, "touch")); json_next(&it);)
        sb->counters.changed += world_change(&a->world, json_i64(it.value, 0), now_s);
    for (struct json_iter it = json_iter(json_get(body, "delete")); json_next(&it);)
        sb->counters.changed += world_delete(&a->world, json_i64(it.value, 0), now_s);
}

static void reset(struct sandbox *sb, struct json body)
{
    if (json_bool(json_get(body, "reset_stats"), false)) {
        uint64_t open = sb->counters.streams_open;
        sb->counters = (struct counters){.streams_open = open, .streams_open_max = open};
    }
    if (!json_bool(json_get(body, "reset_windows"), false))
        return;
    for (size_t i = 0; i < sb->account_count; i++)
        sb->accounts[i]->all = sb->accounts[i]->list = (struct limit){0};
    memset(sb->model_calls, 0, sizeof(sb->model_calls));
    memset(sb->model_tokens, 0, sizeof(sb->model_tokens));
}

int control_set(struct flow *f, struct http_exchange *x, void *context)
{
    struct sandbox *sb = context;
    const struct http_request *rq = http_request_of(x);
    struct json body;
    int r = json_parse(&f->arena, rq->body, &body, &f->err);
    if (r < 0)
        return r;
    struct knobs fresh = sb->knobs;
    r = read_knobs(&fresh, body, &f->err);
    if (r >= 0 && json_exists(json_get(body, "faults")))
        r = fault_rules_read(&sb->faults, json_get(body, "faults"), &f->err);
    if (r < 0)
        return r;
    sb->knobs = fresh;
    struct str domain = json_str(json_get(body, "domain"));
    struct account *a = domain.len ? sandbox_account_named(sb, domain) : sandbox_account(sb, rq);
    if (a)
        change_tickets(sb, a, body);
    reset(sb, body);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(knobs); i++)
        jw_i64(&w, knobs[i].name, *value_of(&sb->knobs, &knobs[i]));
    jw_i64(&w, "fault_rules", (int64_t)sb->faults.count);
    jw_end_obj(&w);
    return answer(f, x, &out);
}

/* ---- stats ---- */

static void write_accounts(struct jw *w, const struct sandbox *sb)
{
    jw_arr(w, "accounts");
    for (size_t i = 0; i < sb->account_count; i++) {
        const struct account *a = sb->accounts[i];
        jw_obj(w, NULL);
        jw_text(w, "domain", a->domain);
        jw_i64(w, "calls", (int64_t)a->calls);
        jw_i64(w, "window_used", a->all.used);
        jw_i64(w, "list_window_used", a->list.used);
        jw_i64(w, "tickets", a->world.spec.ticket_count);
        jw_i64(w, "changed_tickets", (int64_t)a->world.by_index_count);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

int control_stats(struct flow *f, struct http_exchange *x, void *context)
{
    static const char *const names[] = {
#define ENDPOINT_NAME_(symbol, name) name,
        ENDPOINT_TABLE(ENDPOINT_NAME_)
#undef ENDPOINT_NAME_
    };
    struct sandbox *sb = context;
    const struct counters *n = &sb->counters;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"credits", n->credits},
                {"throttled", n->throttled},
                {"list_throttled", n->list_throttled},
                {"llm_throttled", n->llm_throttled},
                {"refused", n->refused},
                {"faults", n->faults},
                {"streams_begun", n->streams_begun},
                {"streams_ended", n->streams_ended},
                {"streams_aborted", n->streams_aborted},
                {"streams_open", n->streams_open},
                {"streams_open_max", n->streams_open_max},
                {"answers_aborted", n->answers_aborted},
                {"tokens_sent", n->tokens_sent},
                {"tickets_written", n->tickets_written},
                {"changed", n->changed},
                {"sort_calls", n->sort_calls},
                {"sort_chats", n->sort_chats}};
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_obj(&w, "calls");
    for (size_t i = 0; i < ENDPOINT_COUNT; i++)
        jw_i64(&w, names[i], (int64_t)n->calls[i]);
    jw_end_obj(&w);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        jw_i64(&w, rows[i].name, (int64_t)rows[i].value);
    jw_i64(&w, "connections", (int64_t)http_server_stats(sb->server).connection_count);
    write_accounts(&w, sb);
    jw_i64(&w, "now", sandbox_now_s(sb));
    jw_end_obj(&w);
    return answer(f, x, &out);
}

/* ---- truth ---- */

int control_truth(struct flow *f, struct http_exchange *x, void *context)
{
    static const char *const kinds[] = {"listed", "deleted", "spam", "archived", "held"};
    struct account *a = account_of(context, f, http_request_of(x));
    struct ticket t;
    int64_t id;
    if (!a || !str_to_i64(http_param(x, "ticket_id"), &id) || !world_find(&a->world, id, &t))
        return err_set(&f->err, E_NOT_FOUND, "no such ticket");
    const struct family *family = family_at(t.family);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_i64(&w, "family", t.family);
    jw_text(&w, "code", family->code);
    jw_text(&w, "area", area_name(family_area(t.family), LANG_EN));
    jw_text(&w, "product", family->product);
    jw_text(&w, "title", family->tell[t.lang].title);
    jw_text(&w, "language", t.lang == LANG_KO ? "ko" : "en");
    jw_text(&w, "kind", kinds[t.kind]);
    jw_text(&w, "symptom", family->tell[t.lang].symptom[t.symptom]);
    jw_text(&w, "cause", family->tell[t.lang].cause[t.cause]);
    jw_text(&w, "fix", family->tell[t.lang].fix[t.fix]);
    jw_i64(&w, "conversations", t.conversation_count);
    jw_end_obj(&w);
    return answer(f, x, &out);
}

int control_holdout(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    struct str text;
    int64_t n = 500;
    if (http_query(&f->arena, http_request_of(x), "n", &text) &&
        (!str_to_i64(text, &n) || n < 1 || n > HELD_COUNT_MAX))
        return err_set(&f->err, E_SCHEMA, "n must be 1 to %u", HELD_COUNT_MAX);
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_arr(&w, "ids");
    for (int64_t i = 0; i < n; i++)
        jw_i64(&w, NULL, world_held_id((uint32_t)i));
    jw_end_arr(&w);
    jw_end_obj(&w);
    return answer(f, x, &out);
}

/* ---- churn ---- */

#define CHURN_TICK_MS 50

int control_churn(struct flow *f, void *arg)
{
    struct sandbox *sb = arg;
    int64_t due_ms = 0; /* thousandths of tickets that are owed */
    for (uint64_t turn = 0;; turn++) {
        int r = flow_sleep(f, CHURN_TICK_MS);
        if (r < 0)
            return r;
        due_ms += sb->knobs.churn_per_s * CHURN_TICK_MS;
        for (uint64_t k = 0; due_ms >= 1000; due_ms -= 1000, k++) {
            for (size_t i = 0; i < sb->account_count; i++) {
                struct world *w = &sb->accounts[i]->world;
                struct ticket t;
                world_ticket(w, (uint32_t)(world_hash(turn, k) % w->spec.ticket_count), &t);
                sb->counters.changed += world_change(w, t.id, sandbox_now_s(sb));
            }
        }
    }
}
