/*
 * Prompts: the fixed instructions come from config/prompts/<language>/<task>.txt, compiled in; the data is
 * put between delimiters in the user message.
 *
 * Nothing here fails; long texts are cut on a code point with a mark. Invariant: data can neither open nor
 * close a delimiter (base/fence.h).
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "assist/run.h"
#include "base/asset.h"
#include "base/fence.h"

enum {
    TICKET_BYTES_MAX = 6000,
    TALK_BYTES_MAX = 1500,
    TALKS_BYTES_MAX = 12000,
    SOURCE_BYTES_MAX = 2400,
};

struct str prompt_system(const struct run *run, const char *task)
{
    char path[64];
    snprintf(path, sizeof(path), "config/prompts/%s/%s.txt", run->language, task);
    const struct asset *asset = asset_find(path);
    assert(asset);
    return str_of(asset->data, asset->len);
}

void prompt_data(struct buf *out, const char *tag, struct str text, size_t bytes_max)
{
    buf_printf(out, "<%s>\n", tag);
    fence_add(out, text, bytes_max);
    buf_printf(out, "\n</%s>\n", tag);
}

static const char *talk_author(const struct conversation *c)
{
    if (c->is_private)
        return "note";
    return c->incoming ? "customer" : "agent";
}

/* The newest turns that fit, in their order. */
static void add_talks(struct buf *out, const struct conversation *talks, size_t count,
                      bool public_only)
{
    size_t first = count, bytes = 0;
    while (first > 0 && bytes < TALKS_BYTES_MAX) {
        first--;
        bytes += MIN(talks[first].body_text.len, (size_t)TALK_BYTES_MAX);
    }
    if (first > 0)
        buf_printf(out, "(… %zu)\n", first);
    for (size_t i = first; i < count; i++) {
        if (public_only && talks[i].is_private)
            continue;
        buf_printf(out, "<turn from=\"%s\">\n", talk_author(&talks[i]));
        fence_add(out, talks[i].body_text, TALK_BYTES_MAX);
        buf_text(out, "\n</turn>\n");
    }
}

void prompt_ticket(struct buf *out, const struct ticket *t, const struct conversation *talks,
                   size_t talk_count, bool public_only)
{
    buf_printf(out, "<ticket id=\"%" PRId64 "\" status=\"%s\">\n", t->id,
               ticket_status_name(t->status));
    fence_add(out, t->subject, 500);
    buf_text(out, "\n\n");
    fence_add(out, t->description_text, TICKET_BYTES_MAX);
    buf_byte(out, '\n');
    add_talks(out, talks, talk_count, public_only);
    buf_text(out, "</ticket>\n");
}

void prompt_sources(struct buf *out, const struct source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<source n=\"%d\" kind=\"%s\">\n", sources[i].n,
                   sources[i].kb ? "kb" : "ticket");
        fence_add(out, sources[i].title, 300);
        buf_byte(out, '\n');
        fence_add(out, sources[i].text, SOURCE_BYTES_MAX);
        buf_text(out, "\n</source>\n");
    }
}

static void source_members(struct jw *w, const struct source *s)
{
    jw_i64(w, "n", s->n);
    jw_text(w, "kind", s->kb ? "kb" : "ticket");
    jw_i64(w, "id", s->id);
    jw_str(w, "title", s->title);
    jw_str(w, "url", s->url);
    jw_f64(w, "score", s->score, 4);
}

void sources_write(struct jw *w, const char *key, const struct source *sources, size_t count)
{
    jw_arr(w, key);
    for (size_t i = 0; i < count; i++) {
        jw_obj(w, NULL);
        source_members(w, &sources[i]);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

struct str sources_json(struct arena *a, const struct source *sources, size_t count)
{
    struct buf *out = arena_buf(a, 0);
    struct jw w = JW_INIT(out);
    jw_arr(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        jw_obj(&w, NULL);
        source_members(&w, &sources[i]);
        jw_bool(&w, "public", sources[i].is_public);
        jw_str(&w, "text", str_cut_utf8(sources[i].text, SOURCE_BYTES_MAX));
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    return buf_view(out);
}
