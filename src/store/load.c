/*
 * store/load.c: tickets, threads and texts in bulk.
 *
 *   BEGIN  load_tickets, load_talks (of the session, emptied by each commit)
 *   COPY   both
 *   what is not newer falls away --> tickets --> threads and texts of those that were written --> cursor
 *   COMMIT
 *
 * The ids travel as an array too: the session's tables have no statistics, and a plan that reads all stored
 * threads for a hundred tickets would be the end of it.
 * Fails as db/ fails; then nothing of the batch is stored and the cursor stands where it stood.
 * Invariant: rows are written in the order of ids, like all writers of tickets do, so that they wait rather
 * than deadlock.
 */
#include "store/load.h"

#include <string.h>

#include "store/rows.h"

#define ITEMS_MAX 500
#define TALKS_MAX 200000

static const char tickets_table_sql[] =
    "create temp table if not exists load_tickets (id bigint, subject text, status integer, "
    "priority integer, source integer, type text, requester_id bigint, responder_id bigint, "
    "group_id bigint, company_id bigint, tags text[], spam boolean, deleted boolean, "
    "created_at timestamptz, updated_at timestamptz, hash bytea, raw jsonb, has_talks boolean, "
    "symptom text, cause text, resolution text, language text, texts_hash bytea, terms text) "
    "on commit delete rows";
static const char talks_table_sql[] =
    "create temp table if not exists load_talks (ticket_id bigint, id bigint, user_id bigint, "
    "incoming boolean, is_private boolean, source integer, created_at timestamptz, "
    "updated_at timestamptz, body_text text, attachments jsonb) on commit delete rows";
enum { TICKET_COLUMNS = 24, TALK_COLUMNS = 10 };

static const char tickets_sql[] =
    "with before as materialized (select t.id, t.content_hash, t.updated_at, t.deleted "
    "from deskstream.tickets t where t.tenant_id = $1 and t.id = any($2::bigint[])) "
    "insert into deskstream.tickets as t (tenant_id, id, subject, status, priority, source, type, "
    "requester_id, responder_id, group_id, company_id, tags, spam, deleted, created_at, "
    "updated_at, content_hash, raw) select $1, g.id, g.subject, g.status, g.priority, g.source, "
    "g.type, nullif(g.requester_id, 0), nullif(g.responder_id, 0), nullif(g.group_id, 0), "
    "nullif(g.company_id, 0), g.tags, g.spam, g.deleted, g.created_at, g.updated_at, g.hash, g.raw "
    "from pg_temp.load_tickets g where not exists (select from before b where b.id = g.id "
    "and (b.content_hash = g.hash or b.updated_at > g.updated_at or (b.updated_at = g.updated_at "
    "and (b.deleted or not g.has_talks)))) order by g.id "
    "on conflict (tenant_id, id) do update set subject = excluded.subject, "
    "status = excluded.status, priority = excluded.priority, source = excluded.source, "
    "type = excluded.type, requester_id = excluded.requester_id, "
    "responder_id = excluded.responder_id, group_id = excluded.group_id, "
    "company_id = excluded.company_id, tags = excluded.tags, spam = excluded.spam, "
    "deleted = excluded.deleted, created_at = excluded.created_at, "
    "updated_at = excluded.updated_at, content_hash = excluded.content_hash, raw = excluded.raw "
    "where t.updated_at is null or excluded.updated_at is null "
    "or t.updated_at <= excluded.updated_at returning id";
static const char talks_sql[] =
    "insert into deskstream.conversations (tenant_id, ticket_id, id, user_id, incoming, "
    "is_private, source, created_at, updated_at, body_text, attachments) select $1, g.ticket_id, "
    "g.id, nullif(g.user_id, 0), g.incoming, g.is_private, g.source, g.created_at, g.updated_at, "
    "g.body_text, nullif(g.attachments, '[]'::jsonb) from pg_temp.load_talks g "
    "where g.ticket_id = any($2::bigint[]) on conflict (tenant_id, ticket_id, id) do nothing";
static const char texts_sql[] =
    "insert into deskstream.ticket_texts as t (tenant_id, id, symptom, cause, resolution, "
    "language, hash, terms) select $1, g.id, g.symptom, g.cause, g.resolution, g.language, "
    "g.texts_hash, g.terms::tsvector from pg_temp.load_tickets g where g.id = any($2::bigint[]) "
    "order by g.id on conflict (tenant_id, id) do update set symptom = excluded.symptom, "
    "cause = excluded.cause, resolution = excluded.resolution, language = excluded.language, "
    "hash = excluded.hash, terms = excluded.terms, updated_at = now()";
static const char cursor_sql[] =
    "insert into deskstream.collect_loads as l (tenant_id, archive, chunk, item_count, tidy_count) "
    "values ($1, $2::uuid, $3, $4, $5) on conflict (tenant_id, archive) do update set "
    "chunk = excluded.chunk, item_count = excluded.item_count, tidy_count = excluded.tidy_count, "
    "loaded_at = now()";

/* ---- rows ---- */

struct row {
    const struct load_item *item;
    uint8_t hash[SHA256_BYTES];
    struct str raw, terms;
};
struct talk_row {
    int64_t ticket_id;
    const struct conversation *talk;
    struct str attachments;
};
struct rows {
    struct row *tickets;
    struct talk_row *talks;
    int64_t *ids;
    size_t count, talk_count;
};

static void make_ticket(void *arg, size_t i, struct pg_arg *ret)
{
    const struct row *row = &((const struct rows *)arg)->tickets[i];
    const struct ticket *t = row->item->item.ticket;
    const struct item_texts *x = &row->item->texts;
    const struct pg_arg args[TICKET_COLUMNS] = {
        PG_I64(t->id),
        PG_TEXT(t->subject),
        PG_I32(t->status),
        PG_I32(t->priority),
        PG_I32(t->source),
        PG_TEXT(t->type),
        PG_I64(t->requester_id),
        PG_I64(t->responder_id),
        PG_I64(t->group_id),
        PG_I64(t->company_id),
        PG_TEXTS(t->tags, t->tag_count),
        PG_BOOL(t->spam),
        PG_BOOL(t->deleted),
        PG_TIME(t->created_at),
        PG_TIME(t->updated_at),
        PG_BYTES(str_of(row->hash, SHA256_BYTES)),
        PG_JSON(row->raw),
        PG_BOOL(row->item->item.has_talks),
        PG_TEXT(x->texts[0]),
        PG_TEXT(x->texts[1]),
        PG_TEXT(x->texts[2]),
        PG_TEXT(x->language),
        PG_BYTES(str_of(x->hash, SHA256_BYTES)),
        PG_TEXT(row->terms),
    };
    memcpy(ret, args, sizeof(args));
}

static void make_talk(void *arg, size_t i, struct pg_arg *ret)
{
    const struct talk_row *row = &((const struct rows *)arg)->talks[i];
    const struct conversation *c = row->talk;
    const struct pg_arg args[TALK_COLUMNS] = {
        PG_I64(row->ticket_id),    PG_I64(c->id),          PG_I64(c->user_id),
        PG_BOOL(c->incoming),      PG_BOOL(c->is_private), PG_I32(c->source),
        PG_TIME(c->created_at),    PG_TIME(c->updated_at), PG_TEXT(c->body_text),
        PG_JSON(row->attachments),
    };
    memcpy(ret, args, sizeof(args));
}

/* True when a later item is the same ticket in a newer, or the same, version. */
static bool is_overtaken(const struct load_item *items, size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++) {
        const struct ticket *a = items[i].item.ticket, *b = items[k].item.ticket;
        if (k == i || a->id != b->id)
            continue;
        if (b->updated_at > a->updated_at || (b->updated_at == a->updated_at && k > i))
            return true;
    }
    return false;
}

static void rows_fill(struct arena *a, struct rows *rows, struct str salt,
                      const struct load_item *items, size_t count)
{
    size_t talk_count = 0;
    for (size_t i = 0; i < count; i++)
        talk_count += items[i].item.talk_count;
    rows->tickets = ARENA_ARRAY(a, MAX(count, 1), struct row);
    rows->ids = ARENA_ARRAY(a, MAX(count, 1), int64_t);
    rows->talks = ARENA_ARRAY(a, MAX(talk_count, 1), struct talk_row);
    for (size_t i = 0; i < count; i++) {
        const struct ticket_item *item = &items[i].item;
        if (is_overtaken(items, count, i))
            continue;
        struct row *row = &rows->tickets[rows->count];
        row->item = &items[i];
        tickets_hash(salt, item, row->hash);
        row->raw = rows_json_value(a, item->ticket->json, "{}");
        row->terms = texts_terms(a, &items[i].texts);
        rows->ids[rows->count++] = item->ticket->id;
        for (size_t k = 0; k < item->talk_count; k++)
            rows->talks[rows->talk_count++] = (struct talk_row){
                item->ticket->id, &item->talks[k],
                rows_json_value(a, json_get(item->talks[k].json, "attachments"), "[]")};
    }
}

/* ---- the batch ---- */

static int copy_rows(struct flow *f, struct pg_tx *tx, struct rows *rows)
{
    int64_t copied;
    int r = pg_query(f, tx, tickets_table_sql, PG_NO_ARGS, NULL);
    if (r >= 0)
        r = pg_query(f, tx, talks_table_sql, PG_NO_ARGS, NULL);
    if (r >= 0)
        r = pg_copy(f, tx, "copy pg_temp.load_tickets from stdin (format binary)", rows->count,
                    TICKET_COLUMNS, make_ticket, rows, &copied);
    if (r >= 0 && rows->talk_count > 0)
        r = pg_copy(f, tx, "copy pg_temp.load_talks from stdin (format binary)", rows->talk_count,
                    TALK_COLUMNS, make_talk, rows, &copied);
    return r;
}

static int write_rows(struct flow *f, struct pg_tx *tx, const struct rows *rows,
                      int64_t *ret_written)
{
    int64_t tenant_id = tx->tenant_id;
    _cleanup_(pg_result_done) struct pg_result result = PG_RESULT_INIT;
    int r = pg_query(f, tx, tickets_sql,
                     PG_ARGS(PG_I64(tenant_id), PG_I64S(rows->ids, rows->count)), &result);
    if (r < 0)
        return r;
    size_t count = (size_t)result.row_count, threaded_count = 0;
    int64_t *written = rows_ids(&f->arena, &result);
    int64_t *threaded = ARENA_ARRAY(&f->arena, MAX(count, 1), int64_t);
    *ret_written = result.row_count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < rows->count; k++)
            if (rows->ids[k] == written[i] && rows->tickets[k].item->item.has_talks)
                threaded[threaded_count++] = written[i];
    if (count == 0)
        return 0;
    if (threaded_count > 0)
        r = pg_query(f, tx,
                     "delete from deskstream.conversations where tenant_id = $1 "
                     "and ticket_id = any($2::bigint[])",
                     PG_ARGS(PG_I64(tenant_id), PG_I64S(threaded, threaded_count)), NULL);
    if (r >= 0 && rows->talk_count > 0)
        r = pg_query(f, tx, talks_sql,
                     PG_ARGS(PG_I64(tenant_id), PG_I64S(threaded, threaded_count)), NULL);
    if (r >= 0)
        r = pg_query(f, tx, texts_sql, PG_ARGS(PG_I64(tenant_id), PG_I64S(written, count)), NULL);
    if (r >= 0)
        r = pg_query(f, tx, "select deskstream.texts_written('ticket_texts', $1)",
                     PG_ARGS(PG_I64((int64_t)count)), NULL);
    return r;
}

int load_batch(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *archive,
               struct str salt, const struct load_item *items, size_t count,
               const struct load_cursor *cursor, int64_t *ret_written)
{
    if (count > ITEMS_MAX)
        return err_set(&f->err, E_LIMIT, "%zu tickets in one batch", count);
    struct rows rows = {.count = 0};
    int64_t written = 0;
    rows_fill(&f->arena, &rows, salt, items, count);
    if (rows.talk_count > TALKS_MAX)
        return err_set(&f->err, E_LIMIT, "%zu conversations in one batch", rows.talk_count);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, tenant_id, &tx);
    if (r >= 0 && rows.count > 0)
        r = copy_rows(f, &tx, &rows);
    if (r >= 0 && rows.count > 0)
        r = write_rows(f, &tx, &rows, &written);
    if (r >= 0)
        r = pg_query(f, &tx, cursor_sql,
                     PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(archive)), PG_I64(cursor->chunk),
                             PG_I64(cursor->item_count), PG_I64(cursor->tidy_count)),
                     NULL);
    if (r >= 0)
        r = pg_commit(f, &tx);
    if (r < 0)
        return r;
    *ret_written = written;
    return 0;
}

/* ---- what is there ---- */

int load_where(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *archive,
               struct load_cursor *ret_cursor)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select chunk, item_count, tidy_count from deskstream.collect_loads "
                    "where tenant_id = $1 and archive = $2::uuid",
                    PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(archive))), &row);
    if (r < 0)
        return r;
    *ret_cursor = (struct load_cursor){0};
    if (row.row_count == 1)
        *ret_cursor = (struct load_cursor){pg_i64(&row, 0, 0), pg_i64(&row, 0, 1),
                                           pg_i64(&row, 0, 2)};
    return 0;
}

int load_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t *ret_count)
{
    return items_count(f, p, tenant_id,
                       "select count(*), max(updated_at) from deskstream.tickets "
                       "where tenant_id = $1",
                       ret_count, NULL);
}
