#pragma once
/*
 * Mails to send, one row each.
 *
 *   outbox_put(...)                    E_DB_CONFLICT is no error: the mail is there already
 *   outbox_due(...)                    ids of what is due
 *   outbox_open(f, .., id, &hold)      holds the row; rows of others are passed over (1)
 *     ... send to outbox_recipient ...
 *   outbox_answer(f, &hold, ...)       commits; the hold is over
 */
#include <stdbool.h>
#include <stdint.h>

#include "db/pg.h"

struct outbox_mail {
    struct str dedupe_key, sender, subject, text, html;
    const struct str *recipients;
    size_t recipient_count;
    struct str attachment; /* bytes; none when file_name is empty */
    struct str file_name;
    struct str message_id;
};
struct outbox_known {
    int64_t mail_id;
    bool is_new;
    struct str state; /* "queued", "sent", "failed"; arena */
    int64_t created_at, sent_at;
};
/* Puts a mail, or finds the one that has the same key. One that everybody refused is put anew, as if it had
 * never been: the settings may be right now. */
int outbox_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct outbox_mail *mail,
               struct outbox_known *ret_known) _must_check_;

/* Ids of mails whose time has come, oldest first, at most 100; arena. */
int outbox_due(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t now_ms,
               int64_t **ret_ids, size_t *ret_count) _must_check_;

struct outbox_hold {
    struct pg_tx tx;
    int64_t tenant_id, mail_id;
    struct outbox_mail mail; /* strings in the flow's arena, the attachment in `attachment` */
    struct str recipient;    /* the one to ask */
    int attempt_count;       /* before this one */
    int64_t created_at;
    struct buf attachment;
};
#define OUTBOX_HOLD_INIT                                                                           \
    {                                                                                              \
        .tx = PG_TX_INIT                                                                           \
    }
/* The recipient is the first that has not answered, past `skip` of them. 1: somebody else holds it, it is
 * through, or there is no such recipient. */
int outbox_open(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t mail_id, int skip,
                struct outbox_hold *ret_hold) _must_check_;
void outbox_done(struct outbox_hold *hold); /* cleanup */

enum outbox_fate { OUTBOX_ACCEPTED, OUTBOX_REFUSED, OUTBOX_LATER };
/* Notes the recipient's answer and commits; under a shield, since what a server has taken must be known, and
 * again on another connection when this one is lost. ACCEPTED and REFUSED end the mail when it was the last
 * recipient; LATER puts it off until `next_at_ms`. */
int outbox_answer(struct flow *f, struct outbox_hold *hold, enum outbox_fate fate,
                  const char *error, int64_t next_at_ms) _must_check_;

struct outbox_stats {
    int64_t queued_count, failed_count, sent_count;
    struct str last_error; /* of the oldest queued one; arena */
};
int outbox_stats(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                 struct outbox_stats *ret_stats) _must_check_;
/* Drops mails that are through and older than that. */
int outbox_clean(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t days) _must_check_;
