#pragma once
/*
 * Sends the mails of the outbox.
 *
 *   post_put(...)    a letter becomes a row; the same key again finds the row that is there
 *   post_send(...)   what is due goes out, one SMTP transaction a recipient
 *
 * The one window that cannot be closed: the whole message was given and the connection breaks before the
 * server's answer (or we die before its answer is committed). The mail may have been taken or not. It is sent
 * again, with the same Message-ID, as RFC 5321 §4.5.4 and RFC 1047 ask: a report that comes twice in that case
 * is told apart by its Message-ID, one that never comes is not. The log says post.unsure.
 */
#include "chats/letter.h"
#include "loop/flow.h"
#include "store/outbox.h"
#include "upstream/smtp.h"

/* Mails of this process that were given whole and never answered. */
struct post_memory {
    int64_t mail_ids[32];
    size_t count;
};
struct post {
    struct pg_pool *pool;
    int64_t tenant_id;
    struct smtp smtp;
    struct str recipients;      /* as in the settings */
    uint64_t retry_ms;          /* first wait after a failure; doubles up to an hour. 0: a minute */
    uint64_t give_up_ms;        /* a mail older than this fails for good. 0: three days */
    struct post_memory *memory; /* what is in it waits for its time, also with `all`; NULL: none */
};
struct post_item {
    struct str key; /* what makes the mail the same mail */
    const struct letter *letter;
    struct str path; /* of the attachment; empty: none */
    struct str file_name;
};
/* Reads the attachment in the thread pool. E_CONFIG without recipients. ret_known->is_new says whether it was
 * put now. */
int post_put(struct flow *f, const struct post *p, const struct post_item *item,
             struct outbox_known *ret_known) _must_check_;

struct post_counts {
    int64_t accepted, refused, later; /* recipients */
    int64_t through;                  /* mails that need no more work */
    char error[256];                  /* the last one */
};
/* Sends what is due, and with `all` what is waiting for its next try, too. 0 also when servers refuse: see
 * *ret_counts; < 0 for the database and for a cancel. */
int post_send(struct flow *f, const struct post *p, bool all, struct post_counts *ret_counts)
    _must_check_;
