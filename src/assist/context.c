/*
 * Contexts: what an opened ticket leaves behind for later replies, kept for a day.
 *
 * The stored object: {"id","ticket_id","language","summary","sources":[{n,kind,id,title,url,score,public,
 * text}]}. Found by its id, or the newest of a ticket. Unknown ones are E_NOT_FOUND.
 */
#include "assist/run.h"
#include "store/results.h"

int context_keep(struct flow *f, struct run *run, struct str id, struct str summary,
                 struct str sources)
{
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_str(&w, "id", id);
    jw_i64(&w, "ticket_id", run->ticket_id);
    jw_text(&w, "language", run->language);
    jw_str(&w, "summary", summary);
    jw_raw(&w, "sources", sources.len ? sources : STR("[]"));
    jw_end_obj(&w);
    return contexts_put(f, run->assist->spec.pool, run->who->tenant_id, id, run->ticket_id,
                        buf_view(out));
}

int context_find(struct flow *f, struct run *run, struct str id, int64_t ticket_id,
                 struct json *ret_context)
{
    struct context_value value;
    int r = contexts_get(f, run->assist->spec.pool, run->who->tenant_id, id, ticket_id, &value);
    if (r < 0)
        return r;
    return json_parse(&f->arena, value.text, ret_context, &f->err);
}
