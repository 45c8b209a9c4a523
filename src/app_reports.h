#pragma once
/*
 * Reports and mails out of the settings: for commands and for the nightly batch of the server.
 *
 *   r = app_report_make(f, app, chats, from, to, &file);
 *   r = app_report_mail(f, app, chats, &file, again, &mailed);
 */
#include "app_chats.h"
#include "chats/post.h"
#include "chats/report.h"

struct app;

/* The report of a span; E_NOT_FOUND with the old sentence when nothing was classified. */
int app_report_make(struct flow *f, struct app *app, struct app_chats *chats, struct day from,
                    struct day to, struct report_file *ret_file) _must_check_;

/* What became of a mail. */
struct app_mailed {
    bool disabled; /* EMAIL_ENABLED is false: nothing was done */
    bool known;    /* the same mail was put before: it is not sent twice */
    bool sent;     /* through, to all who would take it */
    int64_t known_at;
    char error[256]; /* why it waits; "" when it is through */
};
/* Puts the report's mail and sends what the outbox holds. The same results are mailed once, unless `again`.
 * < 0: it could not be put (no recipients, database away); a server that refuses is no error: the mail
 * waits in the outbox for the next try. */
int app_report_mail(struct flow *f, struct app *app, struct app_chats *chats,
                    const struct report_file *file, bool again, struct app_mailed *ret_mailed)
    _must_check_;
/* The mail of a run over these days, good or failed; `file` may be NULL. Times of `letter` are unix ms and
 * become local. */
int app_batch_mail(struct flow *f, struct app *app, struct app_chats *chats, struct day from,
                   struct day to, const struct letter_batch *letter, const struct report_file *file,
                   struct app_mailed *ret_mailed) _must_check_;
/* The mail of a batch that could not even begin (source or model away). */
int app_failure_mail(struct flow *f, struct app *app, struct str period, const char *error)
    _must_check_;

/* The mail server of the settings; strings borrowed from them. E_CONFIG. */
int app_smtp(struct flow *f, const struct config *config, struct smtp *ret_smtp) _must_check_;
/* Removes old reports when the settings say so; returns how many. */
int app_reports_clean(struct flow *f, struct app *app) _must_check_;
/* The server's: sends what is due in the outbox, until cancelled. `arg` is the struct app. */
int app_post_keep(struct flow *f, void *arg);
