/*
 * Knowledge-base articles: one statement writes what changed and tells what is due (see tickets.c; the
 * same rules, without threads). body_text is the article's plain text; the vendor's object is kept whole.
 */
#include "store/articles.h"

#include <string.h>

#include "store/rows.h"

#define ITEMS_MAX 500

static void content_hash(struct str salt, const struct article *v, uint8_t ret_hash[SHA256_BYTES])
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    const struct str texts[] = {
        salt, v->title, v->description, v->description_text, v->folder_name, v->category_name};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        buf_printf(&b, "%zu|", texts[i].len);
        buf_str(&b, texts[i]);
    }
    const int64_t numbers[] = {v->folder_id,  v->category_id, v->status,    v->type,
                               v->visibility, v->created_at,  v->updated_at};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        buf_printf(&b, "%lld|", (long long)numbers[i]);
    for (size_t i = 0; i < v->tag_count; i++) {
        buf_printf(&b, "%zu|", v->tags[i].len);
        buf_str(&b, v->tags[i]);
    }
    sha256(buf_view(&b), ret_hash);
}

struct columns {
    int64_t *ids, *folder, *category, *status, *type, *visibility, *created, *updated;
    struct str *title, *body, *folder_name, *category_name, *tags, *hash, *raw;
};

static void columns_fill(struct arena *a, struct columns *c, struct str salt,
                         const struct article *items, size_t count, struct item_result *results)
{
    int64_t **numbers[] = {&c->ids,  &c->folder,     &c->category, &c->status,
                           &c->type, &c->visibility, &c->created,  &c->updated};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        *numbers[i] = ARENA_ARRAY(a, count, int64_t);
    struct str **texts[] = {&c->title, &c->body, &c->folder_name, &c->category_name,
                            &c->tags,  &c->hash, &c->raw};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        *texts[i] = ARENA_ARRAY(a, count, struct str);
    for (size_t i = 0; i < count; i++) {
        const struct article *v = &items[i];
        content_hash(salt, v, results[i].hash);
        results[i].id = v->id;
        c->ids[i] = v->id;
        c->folder[i] = v->folder_id;
        c->category[i] = v->category_id;
        c->status[i] = v->status;
        c->type[i] = v->type;
        c->visibility[i] = v->visibility;
        c->created[i] = v->created_at;
        c->updated[i] = v->updated_at;
        c->title[i] = v->title;
        c->body[i] = v->description_text;
        c->folder_name[i] = v->folder_name;
        c->category_name[i] = v->category_name;
        c->tags[i] = rows_tags(a, v->tags, v->tag_count);
        c->hash[i] = rows_hex(a, results[i].hash, SHA256_BYTES);
        c->raw[i] = rows_json_value(a, v->json, "{}");
    }
}

static const char articles_sql[] =
    "with given as (select distinct on (g.id) g.* from unnest($2::bigint[], $3::text[], "
    "$4::text[], "
    "$5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], "
    "$11::bigint[], "
    "$12::text[], $13::bigint[], $14::bigint[], $15::text[], $16::text[]) "
    "with ordinality as g(id, title, body_text, folder_id, category_id, folder_name, "
    "category_name, "
    "status, type, visibility, tags, created_at, updated_at, hash, raw, place) "
    "order by g.id, g.place desc), "
    "before as (select t.id, t.synced_hash from deskstream.kb_articles t where t.tenant_id = $1 "
    "and t.id = any($2::bigint[])), "
    "written as (insert into deskstream.kb_articles as t (tenant_id, id, title, body_text, "
    "folder_id, "
    "category_id, folder_name, category_name, status, type, visibility, tags, created_at, "
    "updated_at, "
    "content_hash, raw) select $1, id, title, body_text, nullif(folder_id, 0), nullif(category_id, "
    "0), "
    "folder_name, category_name, status, type, visibility, string_to_array(tags, "
    "chr(31)), " SQL_TIME("created_at") ", " SQL_TIME(
        "updated_at") ", decode(hash, 'hex'), raw::jsonb "
                      "from given order by id "
                      "on conflict (tenant_id, id) do update set title = excluded.title, body_text "
                      "= excluded.body_text, "
                      "folder_id = excluded.folder_id, category_id = excluded.category_id, "
                      "folder_name = excluded.folder_name, category_name = excluded.category_name, "
                      "status = excluded.status, type = excluded.type, visibility = "
                      "excluded.visibility, "
                      "tags = excluded.tags, deleted = false, created_at = excluded.created_at, "
                      "updated_at = excluded.updated_at, content_hash = excluded.content_hash, raw "
                      "= excluded.raw "
                      "where t.content_hash is distinct from excluded.content_hash returning t.id) "
                      "select g.id, coalesce(b.synced_hash = decode(g.hash, 'hex'), false) "
                      "from given g left join before b on b.id = g.id";

int articles_upsert(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str salt,
                    const struct article *items, size_t count, struct item_result *ret_results)
{
    if (count == 0)
        return 0;
    if (count > ITEMS_MAX)
        return err_set(&f->err, E_LIMIT, "%zu articles in one batch", count);
    struct columns c;
    struct item_result *results = ARENA_ARRAY(&f->arena, count, struct item_result);
    columns_fill(&f->arena, &c, salt, items, count, results);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id, articles_sql,
        PG_ARGS(PG_I64(tenant_id), PG_I64S(c.ids, count), PG_TEXTS(c.title, count),
                PG_TEXTS(c.body, count), PG_I64S(c.folder, count), PG_I64S(c.category, count),
                PG_TEXTS(c.folder_name, count), PG_TEXTS(c.category_name, count),
                PG_I64S(c.status, count), PG_I64S(c.type, count), PG_I64S(c.visibility, count),
                PG_TEXTS(c.tags, count), PG_I64S(c.created, count), PG_I64S(c.updated, count),
                PG_TEXTS(c.hash, count), PG_TEXTS(c.raw, count)),
        &rows);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        results[i].state = ITEM_DUE;
        for (int row = 0; row < rows.row_count; row++) {
            if (pg_i64(&rows, row, 0) == results[i].id && pg_bool(&rows, row, 1))
                results[i].state = ITEM_UNCHANGED;
        }
        for (size_t k = i + 1; k < count; k++) { /* of several with one id the last counts */
            if (results[k].id == results[i].id)
                memcpy(results[i].hash, results[k].hash, SHA256_BYTES);
        }
    }
    memcpy(ret_results, results, count * sizeof(*results));
    return 0;
}

int articles_mark_synced(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                         const struct item_result *items, size_t count)
{
    return items_mark_synced(
        f, p, tenant_id,
        "with done as (update deskstream.kb_articles t set synced_hash = t.content_hash, "
        "synced_at = now() from unnest($2::bigint[], $3::text[]) as g(id, hash) "
        "where t.tenant_id = $1 and t.id = g.id "
        "and t.content_hash = decode(g.hash, 'hex') "
        "and t.synced_hash is distinct from t.content_hash returning t.id) "
        "insert into deskstream.sync_logs (tenant_id, collection, item_id, item_type) "
        "select $1, 'kb_procedures', id::text, 'kb_article' from done",
        items, count);
}

int articles_mark_deleted(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                          size_t count, int64_t *ret_marked)
{
    return items_mark_deleted(f, p, tenant_id,
                              "with gone as (delete from deskstream.kb_texts where tenant_id = $1 "
                              "and id = any($2)) update deskstream.kb_articles set deleted = true, "
                              "content_hash = '', synced_hash = '' "
                              "where tenant_id = $1 and id = any($2) and not deleted",
                              ids, count, ret_marked);
}

int articles_get_many(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                      size_t count, struct article_card **ret_cards, size_t *ret_count)
{
    struct arena *a = &f->arena;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select t.id, t.title, t.body_text, t.folder_name, t.category_name, x.language, "
        "t.folder_id, t.category_id, t.status, t.type, t.visibility, "
        "array_to_string(t.tags, chr(31)), x.intent, x.procedure, t.created_at, "
        "t.updated_at from unnest($2::bigint[]) with ordinality as g(id, place) "
        "join deskstream.kb_articles t on t.tenant_id = $1 and t.id = g.id "
        "and not t.deleted left join deskstream.kb_texts x on x.tenant_id = $1 "
        "and x.id = g.id order by g.place",
        PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count)), &rows);
    if (r < 0)
        return r;
    struct article_card *cards = ARENA_ARRAY(a, (size_t)rows.row_count, struct article_card);
    for (int i = 0; i < rows.row_count; i++) {
        cards[i] = (struct article_card){
            .id = pg_i64(&rows, i, 0),
            .title = rows_text(a, &rows, i, 1),
            .body_text = rows_text(a, &rows, i, 2),
            .folder_name = rows_text(a, &rows, i, 3),
            .category_name = rows_text(a, &rows, i, 4),
            .language = rows_text(a, &rows, i, 5),
            .folder_id = pg_i64(&rows, i, 6),
            .category_id = pg_i64(&rows, i, 7),
            .status = (int)pg_i64(&rows, i, 8),
            .type = (int)pg_i64(&rows, i, 9),
            .visibility = (int)pg_i64(&rows, i, 10),
            .intent = rows_text(a, &rows, i, 12),
            .procedure = rows_text(a, &rows, i, 13),
            .created_at = pg_time(&rows, i, 14),
            .updated_at = pg_time(&rows, i, 15),
        };
        cards[i].tags = rows_untags(a, pg_text(&rows, i, 11), &cards[i].tag_count);
    }
    *ret_cards = cards;
    *ret_count = (size_t)rows.row_count;
    return 0;
}

int articles_ids(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t **ret_ids,
                 size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select id from deskstream.kb_articles where tenant_id = $1 and not deleted order by id",
        PG_ARGS(PG_I64(tenant_id)), &rows);
    if (r < 0)
        return r;
    *ret_ids = rows_ids(&f->arena, &rows);
    *ret_count = (size_t)rows.row_count;
    return 0;
}

int articles_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t *ret_count,
                   int64_t *ret_updated_at)
{
    return items_count(f, p, tenant_id,
                       "select count(*), max(updated_at) from deskstream.kb_articles "
                       "where tenant_id = $1 and not deleted",
                       ret_count, ret_updated_at);
}
