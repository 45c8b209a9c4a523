#pragma once
/* A mail as it travels: MIME (RFC 2045-2049), headers by RFC 5322, other than ASCII by RFC 2047 (subject) and
 * RFC 2231 (file name). Pure. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct mime_mail {
    struct str from, from_name; /* "a@b.example"; the name may be empty */
    const struct str *to;
    size_t to_count;
    struct str subject, text, html; /* UTF-8; html may be empty */
    struct str message_id;          /* "<...@...>", kept over all tries */
    int64_t date_ms;
    struct str attachment; /* bytes; none when file_name is empty */
    struct str file_name, type;
};
/* One address, ASCII, without name: no blanks, brackets or control characters, one @ with something on both
 * sides. Other than ASCII would need SMTPUTF8, which few servers have. */
bool mime_is_address(struct str s);
/* Appends the message; lines end in CRLF and are no longer than 998 bytes. Line breaks and other control
 * characters in header texts become blanks. E_INPUT names an address that is none. */
int mime_write(struct buf *out, const struct mime_mail *m, struct err *err) _must_check_;
