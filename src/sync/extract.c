/*
 * Symptom, cause and resolution of tickets by the language model.
 *
 * The happy path: a ticket whose words did not change keeps the texts that were made of them; the others are
 * asked for, a few at once, as one JSON object each. Private notes are not given to the model.
 * Where the model fails the plain split stays: a sync does not fail for want of a model. A wrong key for the
 * model does not either; it is told in the log.
 * Invariant: texts->hash is of what the texts were made from, so equal words are never paid for twice.
 */
#include "sync/run.h"

#include <errno.h>
#include <inttypes.h>

#include "base/asset.h"
#include "base/log.h"
#include "store/tickets.h"
#include "upstream/llm.h"

enum {
    AT_ONCE_MAX = 8,
    TALK_BYTES_MAX = 2000,
    PROMPT_BYTES_MAX = 16000,
    TOKENS_MAX = 900,
    TEXT_BYTES_MAX = 6144,
};

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"symptom\":{\"type\":\"string\"},\"cause\":{\"type\":"
    "\"string\"},\"resolution\":{\"type\":\"string\"}},\"required\":[\"symptom\",\"cause\","
    "\"resolution\"]}";

struct extraction {
    struct run *run;
    const struct ticket_item *item;
    struct work *work;
    struct arena *arena; /* for texts: outlives the extraction's flow */
};

/* '<' could close our delimiters. */
static void add_text(struct buf *out, struct str text, size_t bytes_max)
{
    struct str cut = str_cut_utf8(str_trim(text), bytes_max);
    for (size_t i = 0; i < cut.len; i++) {
        if (cut.ptr[i] == '<')
            buf_text(out, "＜");
        else
            buf_byte(out, cut.ptr[i]);
    }
    buf_byte(out, '\n');
}

static struct str user_message(struct arena *a, const struct ticket_item *item)
{
    const struct ticket *t = item->ticket;
    struct buf out = BUF_INIT(0);
    buf_printf(&out, "<ticket status=\"%s\">\n", ticket_status_name(t->status));
    add_text(&out, t->subject, TALK_BYTES_MAX);
    add_text(&out, t->description_text, TALK_BYTES_MAX * 2);
    for (size_t i = 0; i < item->talk_count && out.len < PROMPT_BYTES_MAX; i++) {
        const struct conversation *c = &item->talks[i];
        if (c->is_private)
            continue;
        buf_text(&out, c->incoming ? "\n[customer]\n" : "\n[agent]\n");
        add_text(&out, c->body_text, TALK_BYTES_MAX);
    }
    buf_text(&out, "</ticket>\n");
    struct str text = arena_str(a, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct str prompt_of(struct str language)
{
    const struct asset *asset = asset_find(str_eq(language, STR("en"))
                                               ? "config/prompts/en/extract.txt"
                                               : "config/prompts/ko/extract.txt");
    return asset ? str_of(asset->data, asset->len) : STR("Answer with the JSON object only.");
}

static void take_text(struct extraction *e, int which, struct json v, const char *key)
{
    struct str text = str_trim(json_str(json_get(v, key)));
    e->work->texts.texts[which] = arena_str(e->arena, str_cut_utf8(text, TEXT_BYTES_MAX));
}

static int ask(struct flow *f, void *arg)
{
    struct extraction *e = arg;
    const struct llm_message messages[] = {
        {"system", prompt_of(e->work->texts.language)},
        {"user", user_message(&f->arena, e->item)},
    };
    const struct llm_spec spec = {.task = "extract",
                                  .priority = PRIORITY_BULK,
                                  .messages = messages,
                                  .message_count = ARRAY_COUNT(messages),
                                  .max_tokens = TOKENS_MAX,
                                  .schema = str_from(schema)};
    struct json v;
    struct llm_usage usage;
    int r = llm_json(f, e->run->sync->deps.llm, &spec, &v, &usage);
    if (r == -ECANCELED)
        return r;
    if (r < 0) {
        log_warn("sync.extract", "run=%s ticket=%" PRId64 " code=%s", e->run->id,
                 e->work->result.id, err_name(r));
        return 0;
    }
    if (str_trim(json_str(json_get(v, "symptom"))).len > 0)
        take_text(e, VECTOR_SYMPTOM, v, "symptom");
    take_text(e, VECTOR_CAUSE, v, "cause");
    take_text(e, VECTOR_RESOLUTION, v, "resolution");
    return 0;
}

/* Takes over what the same words gave before; true when it could. */
static bool is_known(struct arena *a, struct work *w, const struct item_texts *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (known[i].id != w->result.id || memcmp(known[i].hash, w->texts.hash, SHA256_BYTES) != 0)
            continue;
        for (size_t k = 0; k < VECTORS_PER_POINT_MAX; k++)
            w->texts.texts[k] = arena_str(a, known[i].texts[k]);
        return true;
    }
    return false;
}

int extract_tickets(struct flow *f, struct run *run, const struct ticket_item *const *items,
                    struct work *works, size_t count)
{
    if (count == 0)
        return 0;
    int64_t *ids = ARENA_ARRAY(&f->arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        ids[i] = works[i].result.id;
        const struct str parts[] = {run->salt, str_of(works[i].texts.hash, SHA256_BYTES)};
        sha256_parts(parts, ARRAY_COUNT(parts), works[i].texts.hash);
    }
    struct item_texts *known;
    size_t known_count;
    int r = PATIENT(f, texts_get_many(f, run->sync->deps.pool, run->who->tenant_id, run->collection,
                                      ids, count, &known, &known_count));
    if (r < 0)
        return r;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (size_t i = 0; i < count; i++) {
        if (is_known(&f->arena, &works[i], known, known_count))
            continue;
        struct extraction *e = ARENA_NEW(&f->arena, struct extraction);
        *e = (struct extraction){
            .run = run, .item = items[i], .work = &works[i], .arena = &f->arena};
        r = group_room(f, &g, AT_ONCE_MAX);
        if (r < 0)
            return r;
        (void)group_spawn(&g, "sync.extract", ask, e);
    }
    return group_wait(f, &g);
}
