/*
 * Mails to send.
 *
 * The happy path: a mail is put once (its key is unique), opened with its row locked in a transaction that
 * stays open while one recipient's server is asked, and the answer is committed with the lock's end.
 * Fails: as the database does. A process that dies lets go of the row; the mail is due again at once.
 * Invariant: a recipient that is in `accepted` or `refused` is never asked again.
 */
#include "store/outbox.h"

#include "base/wall.h"
#include "store/rows.h"

enum { NOTE_MS = 30000, NOTE_TRIES = 20, NOTE_WAIT_MS = 1000 };

int outbox_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct outbox_mail *mail,
               struct outbox_known *ret_known)
{
    bool attached = mail->file_name.len > 0;
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "with made as (insert into deskstream.outbox (tenant_id, dedupe_key, sender, recipients, "
        "subject, text_body, html_body, attachment, file_name, message_id) values ($1, $2, $3, $4, "
        "$5, $6, $7, $8::bytea, $9, $10) on conflict (tenant_id, dedupe_key) do update set "
        "state = 'queued', sender = excluded.sender, recipients = excluded.recipients, "
        "refused = '{}', subject = excluded.subject, text_body = excluded.text_body, "
        "html_body = excluded.html_body, attachment = excluded.attachment, "
        "file_name = excluded.file_name, attempt_count = 0, next_at = now(), "
        "created_at = now(), sent_at = null where outbox.state = 'failed' "
        "returning mail_id, state, created_at, sent_at) "
        "select mail_id, state, created_at, sent_at, true from made union all "
        "select mail_id, state, created_at, sent_at, false from deskstream.outbox "
        "where tenant_id = $1 and dedupe_key = $2 and not exists (select 1 from made)",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(mail->dedupe_key), PG_TEXT(mail->sender),
                PG_TEXTS(mail->recipients, mail->recipient_count), PG_TEXT(mail->subject),
                PG_TEXT(mail->text), PG_TEXT(mail->html),
                attached ? PG_BYTES(mail->attachment) : PG_NULL(), PG_TEXT(mail->file_name),
                PG_TEXT(mail->message_id)),
        &row);
    if (r < 0)
        return r;
    if (row.row_count != 1) /* another process has put it between our two looks */
        return err_set(&f->err, E_DB_RETRY, "the mail is being put by another process");
    *ret_known = (struct outbox_known){.mail_id = pg_i64(&row, 0, 0),
                                       .state = rows_text(&f->arena, &row, 0, 1),
                                       .created_at = pg_time(&row, 0, 2),
                                       .sent_at = pg_time(&row, 0, 3),
                                       .is_new = pg_bool(&row, 0, 4)};
    return 0;
}

int outbox_due(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t now_ms,
               int64_t **ret_ids, size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select mail_id from deskstream.outbox where tenant_id = $1 and "
                    "state = 'queued' and next_at <= greatest($2::timestamptz, now()) "
                    "order by mail_id limit 100",
                    PG_ARGS(PG_I64(tenant_id), PG_TIME(now_ms)), &rows);
    if (r < 0)
        return r;
    *ret_ids = rows_ids(&f->arena, &rows);
    *ret_count = (size_t)rows.row_count;
    return 0;
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x6869" to bytes. */
static bool unhex(struct str s, struct buf *out)
{
    if (!str_starts(s, STR("\\x")) || s.len % 2 != 0)
        return false;
    for (size_t i = 2; i < s.len; i += 2) {
        int high = hex_of(s.ptr[i]), low = hex_of(s.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        buf_byte(out, (char)(high << 4 | low));
    }
    return true;
}

/* Recipients travel as one text; addresses hold no line breaks. */
static void read_recipients(struct arena *a, struct str joined, struct outbox_mail *mail)
{
    size_t count = 1;
    for (size_t i = 0; i < joined.len; i++)
        count += joined.ptr[i] == '\n';
    struct str *items = ARENA_ARRAY(a, count, struct str), item;
    while (str_cut(&joined, '\n', &item))
        items[mail->recipient_count++] = item;
    mail->recipients = items;
}

int outbox_open(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t mail_id, int skip,
                struct outbox_hold *ret_hold)
{
    struct outbox_hold *h = ret_hold;
    h->tenant_id = tenant_id;
    h->mail_id = mail_id;
    int r = pg_begin(f, p, tenant_id, &h->tx);
    if (r < 0)
        return r;
    /* The server is asked in between, for minutes perhaps. */
    r = pg_query(f, &h->tx, "set local idle_in_transaction_session_timeout = 0", PG_NO_ARGS, NULL);
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    r = pg_query(
        f, &h->tx,
        "select sender, array_to_string(recipients, chr(10)), subject, text_body, html_body, "
        "file_name, message_id, attempt_count, created_at, coalesce((select a from "
        "unnest(recipients) with ordinality as u(a, place) where a <> all (accepted) and "
        "a <> all (refused) order by place offset $3 limit 1), ''), attachment, dedupe_key "
        "from deskstream.outbox where tenant_id = $1 and mail_id = $2 and state = 'queued' "
        "for update skip locked",
        PG_ARGS(PG_I64(tenant_id), PG_I64(mail_id), PG_I64(skip)), &row);
    if (r < 0)
        return r;
    if (row.row_count != 1 || pg_text(&row, 0, 9).len == 0)
        return 1;
    struct arena *a = &f->arena;
    h->mail = (struct outbox_mail){.sender = rows_text(a, &row, 0, 0),
                                   .subject = rows_text(a, &row, 0, 2),
                                   .text = rows_text(a, &row, 0, 3),
                                   .html = rows_text(a, &row, 0, 4),
                                   .file_name = rows_text(a, &row, 0, 5),
                                   .message_id = rows_text(a, &row, 0, 6),
                                   .dedupe_key = rows_text(a, &row, 0, 11)};
    read_recipients(a, rows_text(a, &row, 0, 1), &h->mail);
    h->attempt_count = (int)pg_i64(&row, 0, 7);
    h->created_at = pg_time(&row, 0, 8);
    h->recipient = rows_text(a, &row, 0, 9);
    if (!pg_is_null(&row, 0, 10) && !unhex(pg_text(&row, 0, 10), &h->attachment))
        return err_set(&f->err, E_DB, "an attachment is not bytea");
    h->mail.attachment = buf_view(&h->attachment);
    return 0;
}

void outbox_done(struct outbox_hold *hold)
{
    pg_end(&hold->tx);
    buf_done(&hold->attachment);
}

static int note_answer(struct flow *f, struct outbox_hold *h, enum outbox_fate fate,
                       const char *error, int64_t next_at_ms)
{
    /* Through when each recipient is in one of the two lists: failed when nobody accepted. */
    int r = pg_query(
        f, &h->tx,
        "with o as (select accepted || case when $3 = 0 then array[$4] else '{}'::text[] end as "
        "accepted, refused || case when $3 = 1 then array[$4] else '{}'::text[] end as refused "
        "from deskstream.outbox where tenant_id = $1 and mail_id = $2) "
        "update deskstream.outbox b set accepted = o.accepted, refused = o.refused, "
        "attempt_count = b.attempt_count + case when $3 = 2 then 1 else 0 end, "
        "last_error = coalesce($5, b.last_error), "
        "next_at = case when $3 = 2 then $6::timestamptz else b.next_at end, "
        "state = case when not b.recipients <@ (o.accepted || o.refused) then 'queued' "
        "when cardinality(o.accepted) > 0 then 'sent' else 'failed' end, "
        "sent_at = case when b.recipients <@ (o.accepted || o.refused) then now() end, "
        "attachment = case when b.recipients <@ (o.accepted || o.refused) then null "
        "else b.attachment end from o where b.tenant_id = $1 and b.mail_id = $2",
        PG_ARGS(PG_I64(h->tenant_id), PG_I64(h->mail_id), PG_I32(fate), PG_TEXT(h->recipient),
                error != NULL ? PG_TEXT(str_from(error)) : PG_NULL(), PG_TIME(next_at_ms)),
        NULL);
    return r < 0 ? r : pg_commit(f, &h->tx);
}

int outbox_answer(struct flow *f, struct outbox_hold *h, enum outbox_fate fate, const char *error,
                  int64_t next_at_ms)
{
    _cleanup_(shield_done) struct shield s = flow_shield(f, NOTE_MS);
    struct pg_pool *pool = h->tx.pool;
    int r = note_answer(f, h, fate, error, next_at_ms);
    for (int tries = 0; (r == E_DB_AWAY || r == E_DB_RETRY) && tries < NOTE_TRIES; tries++) {
        pg_end(&h->tx);
        h->tx = (struct pg_tx)PG_TX_INIT;
        r = flow_sleep(f, NOTE_WAIT_MS);
        if (r >= 0)
            r = pg_begin(f, pool, h->tenant_id, &h->tx);
        if (r >= 0)
            r = note_answer(f, h, fate, error, next_at_ms);
    }
    return r;
}

int outbox_stats(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                 struct outbox_stats *ret_stats)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select count(*) filter (where state = 'queued'), count(*) filter (where "
                    "state = 'failed'), count(*) filter (where state = 'sent'), "
                    "coalesce((select last_error from deskstream.outbox where tenant_id = $1 and "
                    "state = 'queued' order by mail_id limit 1), '') "
                    "from deskstream.outbox where tenant_id = $1",
                    PG_ARGS(PG_I64(tenant_id)), &row);
    if (r < 0)
        return r;
    *ret_stats = (struct outbox_stats){pg_i64(&row, 0, 0), pg_i64(&row, 0, 1), pg_i64(&row, 0, 2),
                                       rows_text(&f->arena, &row, 0, 3)};
    return 0;
}

int outbox_clean(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t days)
{
    return pg_once(f, p, tenant_id,
                   "delete from deskstream.outbox where tenant_id = $1 and state <> 'queued' and "
                   "sent_at < now() - make_interval(days => $2::int)",
                   PG_ARGS(PG_I64(tenant_id), PG_I64(days)), NULL);
}
