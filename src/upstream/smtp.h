#pragma once
/* The mail server of the settings: who speaks to it and how, and one mail to one recipient. */
#include "base/str.h"
#include "loop/flow.h"

enum smtp_security {
    SMTP_AUTO, /* TLS on port 465, MAIL_LOCAL on a loopback address, else STARTTLS */
    SMTP_STARTTLS,
    SMTP_TLS,
    SMTP_PLAIN
};
/* Borrowed strings of the settings. */
struct smtp {
    const char *host;
    int port;
    enum smtp_security security;
    const char *user, *password; /* user "": the sender */
    const char *ca_file;
    const char *sender, *sender_name;
    uint32_t timeout_ms;
};
bool smtp_security_parse(struct str s, enum smtp_security *ret_security);
/* The sender's address as a list of one, and a list of recipients: with commas, semicolons or blanks between,
 * "Name <a@b>" allowed, doubles dropped; arena. Those that are no address go to *ret_wrong, with commas. */
void smtp_recipients(struct arena *a, struct str list, struct str **ret_items, size_t *ret_count,
                     struct str *ret_wrong);

/* 0: the server has taken the mail. `message` is a whole one (mime_write). Errors of mail_send (net/mail.h);
 * *ret_unsure: it was given whole and no answer came. */
int smtp_send(struct flow *f, const struct smtp *s, struct str to, struct str message,
              bool *ret_unsure) _must_check_;
/* Connects, TLS, login; sends nothing. For config validate and health. */
int smtp_check(struct flow *f, const struct smtp *s) _must_check_;
