/*
 * Tickets and their threads.
 *
 * tickets_upsert, in one transaction of two or four statements:
 *   given rows --(content hash differs?)--> tickets written --> their threads replaced
 * and tells of each whether its vectors are still due: content_hash <> synced_hash. The hash covers what
 * is stored, searched or sent on, and the salt; it leaves out what changes at each fetch (signed addresses of
 * attachments). A row that did not change is not written at all.
 *
 * Rows are written in the order of ids, so two writers of the same tickets wait rather than deadlock.
 */
#include "store/tickets.h"

#include <string.h>

#include "store/rows.h"

#define ITEMS_MAX 500
#define SALT_BYTES 4
#define TALKS_MAX 200000 /* of one batch: a bound, far from what the vendor allows */

/* ---- hash ---- */

static void hash_i64(struct buf *b, int64_t v)
{
    buf_i64(b, v);
    buf_byte(b, '|');
}

static void hash_str(struct buf *b, struct str s)
{
    hash_i64(b, (int64_t)s.len);
    buf_str(b, s);
}

/* The first SALT_BYTES of a content hash tell the salt, so that a row can be judged without its thread. */
static void salt_mark(struct str salt, uint8_t *ret_bytes)
{
    uint8_t hash[SHA256_BYTES];
    sha256(salt, hash);
    memcpy(ret_bytes, hash, SALT_BYTES);
}

void tickets_hash(struct str salt, const struct ticket_item *item, uint8_t ret_hash[SHA256_BYTES])
{
    const struct ticket *t = item->ticket;
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    hash_str(&b, salt);
    hash_str(&b, t->subject);
    hash_str(&b, t->description_text);
    hash_str(&b, t->description);
    hash_str(&b, t->type);
    const int64_t numbers[] = {t->status,       t->priority,   t->source,     t->requester_id,
                               t->responder_id, t->group_id,   t->company_id, t->spam,
                               t->deleted,      t->created_at, t->updated_at, item->has_talks};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        hash_i64(&b, numbers[i]);
    for (size_t i = 0; i < t->tag_count; i++)
        hash_str(&b, t->tags[i]);
    for (size_t i = 0; i < item->talk_count; i++) {
        const struct conversation *c = &item->talks[i];
        hash_i64(&b, c->id);
        hash_i64(&b, c->updated_at);
        hash_i64(&b, c->is_private);
        hash_i64(&b, c->incoming);
        hash_str(&b, c->body_text);
    }
    sha256(buf_view(&b), ret_hash);
    salt_mark(salt, ret_hash);
}

/* ---- upsert ---- */

struct columns {
    int64_t *ids, *status, *priority, *source, *requester, *responder, *group, *company, *spam,
        *deleted, *created, *updated;
    struct str *subject, *type, *tags, *hash, *raw;
};

static const char tickets_sql[] =
    "with given as (select distinct on (g.id) g.* from unnest($2::bigint[], $3::text[], "
    "$4::bigint[], "
    "$5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], "
    "$11::bigint[], "
    "$12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::text[], "
    "$18::text[]) "
    "with ordinality as g(id, subject, status, priority, source, type, requester_id, responder_id, "
    "group_id, company_id, tags, spam, deleted, created_at, updated_at, hash, raw, place) "
    "order by g.id, g.place desc), "
    "before as (select t.id, t.synced_hash from deskstream.tickets t where t.tenant_id = $1 "
    "and t.id = any($2::bigint[])), "
    "written as (insert into deskstream.tickets as t (tenant_id, id, subject, status, priority, "
    "source, "
    "type, requester_id, responder_id, group_id, company_id, tags, spam, deleted, created_at, "
    "updated_at, "
    "content_hash, raw) select $1, id, subject, status, priority, source, type, "
    "nullif(requester_id, 0), "
    "nullif(responder_id, 0), nullif(group_id, 0), nullif(company_id, 0), string_to_array(tags, "
    "chr(31)), "
    "spam <> 0, deleted <> 0, " SQL_TIME("created_at") ", " SQL_TIME(
        "updated_at") ", "
                      "decode(hash, 'hex'), raw::jsonb from given order by id "
                      "on conflict (tenant_id, id) do update set subject = excluded.subject, "
                      "status = excluded.status, "
                      "priority = excluded.priority, source = excluded.source, type = "
                      "excluded.type, "
                      "requester_id = excluded.requester_id, responder_id = excluded.responder_id, "
                      "group_id = excluded.group_id, company_id = excluded.company_id, tags = "
                      "excluded.tags, "
                      "spam = excluded.spam, deleted = excluded.deleted, created_at = "
                      "excluded.created_at, "
                      "updated_at = excluded.updated_at, content_hash = excluded.content_hash, raw "
                      "= excluded.raw "
                      "where t.content_hash is distinct from excluded.content_hash returning t.id) "
                      "select g.id, coalesce(b.synced_hash = decode(g.hash, 'hex'), false), w.id "
                      "is not null, g.hash "
                      "from given g left join before b on b.id = g.id left join written w on w.id "
                      "= g.id";

static void columns_fill(struct arena *a, struct columns *c, struct str salt,
                         const struct ticket_item *items, size_t count, struct item_result *results)
{
    int64_t **numbers[] = {&c->ids,       &c->status,    &c->priority, &c->source,
                           &c->requester, &c->responder, &c->group,    &c->company,
                           &c->spam,      &c->deleted,   &c->created,  &c->updated};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        *numbers[i] = ARENA_ARRAY(a, count, int64_t);
    struct str **texts[] = {&c->subject, &c->type, &c->tags, &c->hash, &c->raw};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        *texts[i] = ARENA_ARRAY(a, count, struct str);
    for (size_t i = 0; i < count; i++) {
        const struct ticket *t = items[i].ticket;
        tickets_hash(salt, &items[i], results[i].hash);
        results[i].id = t->id;
        c->ids[i] = t->id;
        c->status[i] = t->status;
        c->priority[i] = t->priority;
        c->source[i] = t->source;
        c->requester[i] = t->requester_id;
        c->responder[i] = t->responder_id;
        c->group[i] = t->group_id;
        c->company[i] = t->company_id;
        c->spam[i] = t->spam;
        c->deleted[i] = t->deleted;
        c->created[i] = t->created_at;
        c->updated[i] = t->updated_at;
        c->subject[i] = t->subject;
        c->type[i] = t->type;
        c->tags[i] = rows_tags(a, t->tags, t->tag_count);
        c->hash[i] = rows_hex(a, results[i].hash, SHA256_BYTES);
        c->raw[i] = rows_json_value(a, t->json, "{}");
    }
}

/* Replaces the threads of those tickets whose content was written just now. */
static int talks_write(struct flow *f, struct pg_tx *tx, const struct ticket_item *items,
                       size_t count, const bool *written)
{
    struct arena *a = &f->arena;
    size_t talk_count = 0, ticket_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (written[i]) {
            ticket_count++;
            talk_count += items[i].talk_count;
        }
    }
    if (ticket_count == 0)
        return 0;
    if (talk_count > TALKS_MAX)
        return err_set(&f->err, E_LIMIT, "%zu conversations in one batch", talk_count);
    int64_t *tickets = ARENA_ARRAY(a, ticket_count, int64_t);
    int64_t *columns[8];
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++)
        columns[i] = ARENA_ARRAY(a, talk_count, int64_t);
    struct str *bodies = ARENA_ARRAY(a, talk_count, struct str);
    struct str *attachments = ARENA_ARRAY(a, talk_count, struct str);
    size_t n = 0, ticket_n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!written[i])
            continue;
        tickets[ticket_n++] = items[i].ticket->id;
        for (size_t k = 0; k < items[i].talk_count; k++, n++) {
            const struct conversation *c = &items[i].talks[k];
            const int64_t values[] = {items[i].ticket->id, c->id,     c->user_id,    c->incoming,
                                      c->is_private,       c->source, c->created_at, c->updated_at};
            for (size_t v = 0; v < ARRAY_COUNT(values); v++)
                columns[v][n] = values[v];
            bodies[n] = c->body_text;
            attachments[n] = rows_json_value(a, json_get(c->json, "attachments"), "[]");
        }
    }
    int r = pg_query(
        f, tx, "delete from deskstream.conversations where tenant_id = $1 and ticket_id = any($2)",
        PG_ARGS(PG_I64(tx->tenant_id), PG_I64S(tickets, ticket_count)), NULL);
    if (r < 0 || n == 0)
        return r;
    return pg_query(f, tx,
                    "insert into deskstream.conversations (tenant_id, ticket_id, id, user_id, "
                    "incoming, is_private, "
                    "source, created_at, updated_at, body_text, attachments) select $1, t, id, "
                    "nullif(u, 0), i <> 0, "
                    "p <> 0, s, " SQL_TIME("c") ", " SQL_TIME(
                        "m") ", b, nullif(a::jsonb, '[]'::jsonb) "
                             "from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], "
                             "$6::bigint[], $7::bigint[], "
                             "$8::bigint[], $9::bigint[], $10::text[], $11::text[]) as g(t, id, u, "
                             "i, p, s, c, m, b, a) "
                             "on conflict (tenant_id, ticket_id, id) do nothing",
                    PG_ARGS(PG_I64(tx->tenant_id), PG_I64S(columns[0], n), PG_I64S(columns[1], n),
                            PG_I64S(columns[2], n), PG_I64S(columns[3], n), PG_I64S(columns[4], n),
                            PG_I64S(columns[5], n), PG_I64S(columns[6], n), PG_I64S(columns[7], n),
                            PG_TEXTS(bodies, n), PG_TEXTS(attachments, n)),
                    NULL);
}

/* What the statement said of each item; written[i] only for the last of several with one id. */
static int results_read(struct flow *f, const struct pg_result *rows,
                        const struct ticket_item *items, size_t count, struct item_result *results,
                        bool *written)
{
    for (int row = 0; row < rows->row_count; row++) {
        int64_t id = pg_i64(rows, row, 0);
        bool done = pg_bool(rows, row, 1), last = true;
        size_t last_at = count;
        for (size_t i = count; i-- > 0;) {
            if (results[i].id != id)
                continue;
            if (last)
                last_at = i;
            else /* an earlier one of the same ticket: its words are overtaken */
                memcpy(results[i].hash, results[last_at].hash, SHA256_BYTES);
            results[i].state = done ? ITEM_UNCHANGED : ITEM_DUE;
            written[i] = last && pg_bool(rows, row, 2) && items[i].has_talks;
            last = false;
        }
        if (last_at == count)
            return err_set(&f->err, E_DB, "ticket %lld was not asked for", (long long)id);
    }
    return 0;
}

int tickets_upsert(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str salt,
                   const struct ticket_item *items, size_t count, struct item_result *ret_results)
{
    if (count == 0)
        return 0;
    if (count > ITEMS_MAX)
        return err_set(&f->err, E_LIMIT, "%zu tickets in one batch", count);
    struct columns c;
    struct item_result *results = ARENA_ARRAY(&f->arena, count, struct item_result);
    columns_fill(&f->arena, &c, salt, items, count, results);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, tenant_id, &tx);
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    r = pg_query(
        f, &tx, tickets_sql,
        PG_ARGS(PG_I64(tenant_id), PG_I64S(c.ids, count), PG_TEXTS(c.subject, count),
                PG_I64S(c.status, count), PG_I64S(c.priority, count), PG_I64S(c.source, count),
                PG_TEXTS(c.type, count), PG_I64S(c.requester, count), PG_I64S(c.responder, count),
                PG_I64S(c.group, count), PG_I64S(c.company, count), PG_TEXTS(c.tags, count),
                PG_I64S(c.spam, count), PG_I64S(c.deleted, count), PG_I64S(c.created, count),
                PG_I64S(c.updated, count), PG_TEXTS(c.hash, count), PG_TEXTS(c.raw, count)),
        &rows);
    if (r < 0)
        return r;
    bool *written = ARENA_ARRAY(&f->arena, count, bool);
    r = results_read(f, &rows, items, count, results, written);
    if (r < 0)
        return r;
    r = talks_write(f, &tx, items, count, written);
    if (r < 0)
        return r;
    r = pg_commit(f, &tx);
    if (r < 0)
        return r;
    memcpy(ret_results, results, count * sizeof(*results));
    return 0;
}

int tickets_fresh(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str salt,
                  const struct ticket *tickets, size_t count, bool *ret_fresh)
{
    if (count == 0)
        return 0;
    int64_t *ids = ARENA_ARRAY(&f->arena, count, int64_t);
    int64_t *updated = ARENA_ARRAY(&f->arena, count, int64_t);
    uint8_t mark[SALT_BYTES];
    salt_mark(salt, mark);
    for (size_t i = 0; i < count; i++) {
        ids[i] = tickets[i].id;
        updated[i] = tickets[i].updated_at;
    }
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select g.place - 1 from unnest($2::bigint[], $3::bigint[]) with ordinality "
                    "as g(id, updated_at, place) join deskstream.tickets t on t.tenant_id = $1 "
                    "and t.id = g.id where not t.deleted and t.synced_hash = t.content_hash "
                    "and substr(t.content_hash, 1, 4) = $4 "
                    "and t.updated_at = " SQL_TIME("g.updated_at"),
                    PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count), PG_I64S(updated, count),
                            PG_BYTES(str_of(mark, sizeof(mark)))),
                    &rows);
    if (r < 0)
        return r;
    memset(ret_fresh, 0, count * sizeof(*ret_fresh));
    for (int row = 0; row < rows.row_count; row++) {
        size_t place = (size_t)pg_i64(&rows, row, 0);
        if (place < count)
            ret_fresh[place] = true;
    }
    return 0;
}

int tickets_overtaken(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                      const struct ticket_item *items, size_t count, bool *ret_overtaken)
{
    int64_t *ids = ARENA_ARRAY(&f->arena, MAX(count, 1), int64_t);
    int64_t *updated = ARENA_ARRAY(&f->arena, MAX(count, 1), int64_t);
    for (size_t i = 0; i < count; i++) {
        ids[i] = items[i].ticket->id;
        updated[i] = items[i].ticket->updated_at;
    }
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select g.place - 1 from unnest($2::bigint[], $3::bigint[]) with ordinality "
                    "as g(id, updated_at, place) join deskstream.tickets t on t.tenant_id = $1 "
                    "and t.id = g.id where t.updated_at > " SQL_TIME(
                        "g.updated_at") " or (t.deleted and t.updated_at = " SQL_TIME("g.updated_"
                                                                                      "at") ")",
                    PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count), PG_I64S(updated, count)),
                    &rows);
    if (r < 0)
        return r;
    memset(ret_overtaken, 0, count * sizeof(*ret_overtaken));
    for (int row = 0; row < rows.row_count; row++) {
        size_t place = (size_t)pg_i64(&rows, row, 0);
        if (place < count)
            ret_overtaken[place] = true;
    }
    return 0;
}

int tickets_mark_synced(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                        const struct item_result *items, size_t count)
{
    return items_mark_synced(
        f, p, tenant_id,
        "with done as (update deskstream.tickets t set synced_hash = t.content_hash, "
        "synced_at = now() from unnest($2::bigint[], $3::text[]) as g(id, hash) "
        "where t.tenant_id = $1 and t.id = g.id "
        "and t.content_hash = decode(g.hash, 'hex') "
        "and t.synced_hash is distinct from t.content_hash returning t.id) "
        "insert into deskstream.sync_logs (tenant_id, collection, item_id, item_type) "
        "select $1, 'support_tickets', id::text, 'ticket' from done",
        items, count);
}

int tickets_mark_deleted(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                         size_t count, int64_t *ret_marked)
{
    return items_mark_deleted(
        f, p, tenant_id,
        "with gone as (delete from deskstream.ticket_texts where tenant_id = $1 "
        "and id = any($2)) update deskstream.tickets set deleted = true, "
        "content_hash = '', synced_hash = '' "
        "where tenant_id = $1 and id = any($2) and not deleted",
        ids, count, ret_marked);
}

/* ---- reading ---- */

static void talk_from_row(struct arena *a, const struct pg_result *r, int row,
                          struct conversation *ret_talk)
{
    *ret_talk = (struct conversation){
        .ticket_id = pg_i64(r, row, 0),
        .id = pg_i64(r, row, 1),
        .user_id = pg_i64(r, row, 2),
        .incoming = pg_bool(r, row, 3),
        .is_private = pg_bool(r, row, 4),
        .source = (int)pg_i64(r, row, 5),
        .created_at = pg_time(r, row, 6),
        .updated_at = pg_time(r, row, 7),
        .body_text = rows_text(a, r, row, 8),
    };
}

int tickets_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t id,
                struct ticket *ret_ticket, struct conversation **ret_talks, size_t *ret_talk_count)
{
    struct arena *a = &f->arena;
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, tenant_id, &tx);
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    r = pg_query(
        f, &tx,
        "select raw::text from deskstream.tickets where tenant_id = $1 and id = $2 and not deleted",
        PG_ARGS(PG_I64(tenant_id), PG_I64(id)), &row);
    if (r < 0)
        return r;
    if (row.row_count == 0)
        return err_set(&f->err, E_NOT_FOUND, "ticket %lld is not stored", (long long)id);
    _cleanup_(pg_result_done) struct pg_result talks = PG_RESULT_INIT;
    r = pg_query(
        f, &tx,
        "select ticket_id, id, user_id, incoming, is_private, source, created_at, updated_at, "
        "body_text from deskstream.conversations where tenant_id = $1 and ticket_id = $2 "
        "order by created_at nulls first, id",
        PG_ARGS(PG_I64(tenant_id), PG_I64(id)), &talks);
    if (r < 0)
        return r;
    r = pg_commit(f, &tx);
    if (r < 0)
        return r;
    struct json json;
    r = json_parse(a, pg_text(&row, 0, 0), &json, &f->err);
    if (r < 0)
        return err_wrap(&f->err, r, "stored ticket %lld", (long long)id);
    r = ticket_from_json(a, json, ret_ticket, &f->err);
    if (r < 0)
        return r;
    *ret_talks = ARENA_ARRAY(a, (size_t)talks.row_count, struct conversation);
    for (int i = 0; i < talks.row_count; i++)
        talk_from_row(a, &talks, i, &(*ret_talks)[i]);
    *ret_talk_count = (size_t)talks.row_count;
    return 0;
}

#define CARD_COLUMNS                                                                               \
    "t.id, t.subject, t.type, t.status, t.priority, array_to_string(t.tags, chr(31)), "            \
    "t.created_at, "                                                                               \
    "t.updated_at"

static void card_from_row(struct arena *a, const struct pg_result *r, int row, bool texts,
                          struct ticket_card *ret_card)
{
    struct str tags = pg_text(r, row, 5);
    *ret_card = (struct ticket_card){
        .id = pg_i64(r, row, 0),
        .subject = rows_text(a, r, row, 1),
        .type = rows_text(a, r, row, 2),
        .status = (int)pg_i64(r, row, 3),
        .priority = (int)pg_i64(r, row, 4),
        .created_at = pg_time(r, row, 6),
        .updated_at = pg_time(r, row, 7),
    };
    ret_card->tags = rows_untags(a, tags, &ret_card->tag_count);
    if (!texts)
        return;
    ret_card->symptom = rows_text(a, r, row, 8);
    ret_card->cause = rows_text(a, r, row, 9);
    ret_card->resolution = rows_text(a, r, row, 10);
    ret_card->language = rows_text(a, r, row, 11);
}

static void cards_from_rows(struct flow *f, const struct pg_result *rows, bool texts,
                            struct ticket_card **ret_cards, size_t *ret_count)
{
    *ret_cards = ARENA_ARRAY(&f->arena, (size_t)rows->row_count, struct ticket_card);
    for (int i = 0; i < rows->row_count; i++)
        card_from_row(&f->arena, rows, i, texts, &(*ret_cards)[i]);
    *ret_count = (size_t)rows->row_count;
}

int tickets_get_many(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                     size_t count, struct ticket_card **ret_cards, size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select " CARD_COLUMNS ", x.symptom, x.cause, x.resolution, x.language "
        "from unnest($2::bigint[]) with ordinality as g(id, place) "
        "join deskstream.tickets t on t.tenant_id = $1 and t.id = g.id and not t.deleted "
        "and not t.spam left join deskstream.ticket_texts x on x.tenant_id = $1 "
        "and x.id = g.id order by g.place",
        PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count)), &rows);
    if (r < 0)
        return r;
    cards_from_rows(f, &rows, true, ret_cards, ret_count);
    return 0;
}

int tickets_newest(struct flow *f, struct pg_pool *p, int64_t tenant_id, int limit,
                   struct ticket_card **ret_cards, size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select " CARD_COLUMNS " from deskstream.tickets t where t.tenant_id = $1 "
        "and not t.deleted and not t.spam order by t.updated_at desc, t.id desc limit $2",
        PG_ARGS(PG_I64(tenant_id), PG_I64(limit)), &rows);
    if (r < 0)
        return r;
    cards_from_rows(f, &rows, false, ret_cards, ret_count);
    return 0;
}

int tickets_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t *ret_count,
                  int64_t *ret_updated_at)
{
    return items_count(f, p, tenant_id,
                       "select count(*), max(updated_at) from deskstream.tickets "
                       "where tenant_id = $1 and not deleted and not spam",
                       ret_count, ret_updated_at);
}
