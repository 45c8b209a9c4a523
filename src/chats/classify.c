/*
 * Chats to categories, by a model.
 *
 * Happy path: the chats of a group stand numbered between delimiters in one user message; the answer is read
 * (verdict.c) and those that count are done. The others are asked one at a time, with a word on what was wrong
 * the last time. A chat that a model answered wrongly to the end, or refuses, has failed, with the last
 * reason.
 * Fails only when the model cannot be asked: the caller decides how long to go on. Invariant: `cost` counts
 * every answer that came, good or bad; no item is done twice.
 */
#include "chats/classify.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/asset.h"
#include "base/crypto.h"
#include "upstream/llm.h"

/* Types may be null so that one bad field spoils one chat, not the call; a vendor's schema mode sees the first
 * of each. */
static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"answers\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"properties\":{\"n\":{\"type\":[\"integer\",\"null\"]},"
    "\"category\":{\"type\":[\"integer\",\"string\",\"null\"]},"
    "\"keywords\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":[\"string\",\"null\"]}},"
    "\"confidence\":{\"type\":[\"number\",\"null\"]},\"quote\":{\"type\":[\"string\",\"null\"]}},"
    "\"required\":[\"n\",\"category\",\"keywords\",\"confidence\",\"quote\"]}}},"
    "\"required\":[\"answers\"]}";

static bool is_english(const struct classifier *c)
{
    return strcmp(c->language, "en") == 0;
}

void classifier_init(struct arena *a, struct classifier *c)
{
    const struct asset *prompt = asset_find(is_english(c) ? "config/prompts/en/classify.txt"
                                                          : "config/prompts/ko/classify.txt");
    assert(prompt);
    struct buf *out = arena_buf(a, 0);
    buf_add(out, prompt->data, prompt->len);
    taxonomy_write(out, c->taxonomy);
    c->instructions = buf_view(out);
    uint8_t digest[SHA256_BYTES];
    const struct str parts[] = {c->instructions, str_from(schema)};
    sha256_parts(parts, ARRAY_COUNT(parts), digest);
    for (size_t i = 0; i < 8; i++)
        snprintf(c->version + 2 * i, 3, "%02x", digest[i]);
}

int64_t classifier_base_tokens(const struct classifier *c)
{
    return llm_token_estimate(c->instructions) + 60;
}

size_t classifier_room(const struct classifier *c, size_t wanted)
{
    int64_t room = (c->tokens_max - ANSWER_TOKENS_EXTRA) / ANSWER_TOKENS;
    return (size_t)MAX(1, MIN(room, (int64_t)wanted));
}

void classify_give_up(struct arena *a, const struct classifier *c, struct classify_item *item,
                      enum verdict_kind kind, const struct err *err)
{
    item->done = item->failed = true;
    item->blank = kind == VERDICT_EMPTY;
    item->reason = str_from(verdict_text(kind, c->language));
    if (err && err->msg[0])
        item->reason = arena_printf(a, "%s: %s", item->reason.ptr, err->msg);
}

/* ---- one call ---- */

/* Items of one call and what became of them. */
struct round {
    struct classify_item **items;
    struct str *shown;
    bool *cut;
    struct verdict *verdicts;
    size_t count;
    const char *note; /* what was wrong with the last answer; NULL: nothing yet */
};

static struct str user_message(struct arena *a, const struct classifier *c, const struct round *r)
{
    struct buf *out = arena_buf(a, 0);
    for (size_t i = 0; i < r->count; i++) {
        buf_printf(out, "<chat n=\"%zu\">\n", i + 1);
        buf_str(out, r->shown[i]);
        buf_text(out, "\n</chat>\n");
    }
    if (r->note)
        buf_printf(out,
                   is_english(c) ? "\nThe last answer was wrong: %s.\n"
                                 : "\n지난 답에는 잘못이 있었습니다: %s.\n",
                   r->note);
    return buf_view(out);
}

static void spend(struct chat_cost *cost, const struct llm_usage *usage)
{
    cost->call_count += usage->model != NULL;
    cost->prompt_tokens += usage->prompt_tokens;
    cost->completion_tokens += usage->completion_tokens;
    cost->cost_krw += usage->cost_krw;
}

/* Errors that are the question's, not the connection's. */
static bool is_about_question(int code)
{
    return code == E_MODEL || code == E_UPSTREAM_INPUT || code == E_LIMIT;
}

static int ask(struct flow *f, const struct classifier *c, struct round *r, struct chat_cost *cost)
{
    const struct llm_message messages[] = {{"system", c->instructions},
                                           {"user", user_message(&f->arena, c, r)}};
    int64_t tokens = (int64_t)r->count * ANSWER_TOKENS + ANSWER_TOKENS_EXTRA;
    const struct llm_spec spec = {.task = "classify",
                                  .priority = PRIORITY_BULK,
                                  .messages = messages,
                                  .message_count = ARRAY_COUNT(messages),
                                  .max_tokens = (int)MAX(tokens, r->count == 1 ? 400 : 0),
                                  .temperature = c->temperature,
                                  .schema = str_from(schema),
                                  .ask_count_max = 1};
    struct json v;
    struct llm_usage usage;
    int status = llm_json(f, c->llm, &spec, &v, &usage);
    spend(cost, &usage);
    if (status < 0 && !is_about_question(status))
        return status;
    for (size_t i = 0; i < r->count; i++) {
        r->items[i]->attempt_count++;
        r->items[i]->model = usage.model ? usage.model : r->items[i]->model;
        r->verdicts[i].kind = status == E_MODEL ? VERDICT_UNREADABLE : VERDICT_REFUSED;
    }
    if (status >= 0)
        verdicts_read(&f->arena, v, c->taxonomy, r->shown, r->count, r->verdicts);
    return 0;
}

/* ---- what becomes of them ---- */

static void accept(struct arena *a, const struct classifier *c, struct classify_item *item,
                   const struct verdict *v, bool cut)
{
    item->done = true;
    item->category_id = v->category->id;
    item->keywords = keywords_json(a, v);
    item->confidence = v->confidence;
    item->quote = v->quote;
    if (cut || item->cut)
        item->reason = str_from(is_english(c) ? "only the beginning of a long text was read"
                                              : "긴 글이라 앞부분만 읽었습니다");
}

static void accept_good(struct arena *a, const struct classifier *c, struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->verdicts[i].kind == VERDICT_GOOD)
            accept(a, c, r->items[i], &r->verdicts[i], r->cut[i]);
    }
}

static int ask_alone(struct flow *f, const struct classifier *c, const struct round *all, size_t i,
                     struct chat_cost *cost)
{
    enum verdict_kind kind = all->verdicts[i].kind;
    struct round r = {.items = &all->items[i],
                      .shown = &all->shown[i],
                      .cut = &all->cut[i],
                      .verdicts = &all->verdicts[i],
                      .count = 1};
    struct err refusal = {.code = 0};
    for (int64_t again = 0; again < MAX(c->retry_count, 1); again++) {
        r.note = kind == VERDICT_GOOD ? NULL : verdict_text(kind, c->language);
        int status = ask(f, c, &r, cost);
        if (status < 0)
            return status;
        accept_good(&f->arena, c, &r);
        if (r.items[0]->done)
            return 0;
        kind = r.verdicts[0].kind;
        refusal = f->err;
        if (kind == VERDICT_REFUSED)
            break; /* the same request will be refused again */
    }
    classify_give_up(&f->arena, c, r.items[0], kind, kind == VERDICT_REFUSED ? &refusal : NULL);
    return 0;
}

int classify_chats(struct flow *f, const struct classifier *c, struct classify_item *items,
                   size_t count, struct chat_cost *cost)
{
    struct round r = {.items = ARENA_ARRAY(&f->arena, count, struct classify_item *),
                      .shown = ARENA_ARRAY(&f->arena, count, struct str),
                      .cut = ARENA_ARRAY(&f->arena, count, bool),
                      .verdicts = ARENA_ARRAY(&f->arena, count, struct verdict)};
    for (size_t i = 0; i < count; i++) {
        if (items[i].done)
            continue;
        r.shown[r.count] = chat_shown(&f->arena, items[i].text, &r.cut[r.count]);
        if (!r.shown[r.count].len)
            classify_give_up(&f->arena, c, &items[i], VERDICT_EMPTY, NULL);
        else
            r.items[r.count++] = &items[i];
    }
    int status = 0;
    if (r.count > 1) {
        status = ask(f, c, &r, cost);
        if (status >= 0)
            accept_good(&f->arena, c, &r);
    }
    for (size_t i = 0; i < r.count && status >= 0; i++) {
        if (!r.items[i]->done)
            status = ask_alone(f, c, &r, i, cost);
    }
    return status < 0 ? status : 0;
}
