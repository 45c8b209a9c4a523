#pragma once
/*
 * One mail to one recipient by SMTP (RFC 5321), through libcurl in the thread pool: curl's SMTP waits for the
 * answer to the end of data, and for that to QUIT, in a blocking loop even under its multi interface
 * (lib/smtp.c, smtp_done and smtp_disconnect), which would stop ours.
 *
 * One call is one transaction, so that every recipient's fate is known: accepted, refused, or unknown.
 */
#include <stdint.h>

#include "base/str.h"
#include "loop/flow.h"

enum mail_security {
    MAIL_STARTTLS, /* required: a server that does not offer it is an error */
    MAIL_TLS,      /* from the first byte ("smtps") */
    MAIL_LOCAL, /* a server on this machine: STARTTLS when it offers that, else in the clear, which nobody
                    * else can read; its certificate is looked at only with a ca_file */
    MAIL_PLAIN
};

struct mail_call {
    const char *host;
    int port;
    enum mail_security security;
    const char *user, *password; /* "" or NULL: no AUTH */
    const char *ca_file;         /* PEM to trust; NULL or "": the system's */
    const char *from, *to; /* addresses without name and brackets; to NULL: only try the server */
    struct str message;    /* lines end in CRLF; dots are stuffed here. Borrowed */
    uint32_t connect_ms;   /* 0: 10,000 */
    uint32_t answer_ms;    /* the longest silence of the server; 0: 30,000 */
};
struct mail_answer {
    int code;        /* of the server's last reply; 0: none */
    bool whole_sent; /* the whole message was given: without a reply its fate is unknown */
    char text[160];  /* that reply's last line */
};
/* 0: accepted (the server has answered 250 to the end of data), and only then; also when the flow was
 * cancelled meanwhile.
 * E_UPSTREAM_INPUT: refused for good (5xx). E_UPSTREAM_BUSY: refused for now (4xx). E_UPSTREAM_AUTH: the
 * login is wrong. E_UPSTREAM_DENIED: no TLS, or a certificate that is not trusted. E_UPSTREAM, -ETIMEDOUT:
 * no connection, or it was lost; with whole_sent the mail may have arrived. -ECANCELED: within a second.
 * *ret_answer is filled in any case. */
int mail_send(struct flow *f, const struct mail_call *call, struct mail_answer *ret_answer)
    _must_check_;
