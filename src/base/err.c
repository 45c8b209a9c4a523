#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strerrorname_np, strerrordesc_np */
#endif
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/*
 * The table of err.h turned into lookups, and the text that travels with a code.
 *
 * Three ranges meet here: ours from -10000 downwards (the table), libuv's own between -3000 and
 * -4095 of which a few come up from the resolver and at the end of a stream (OTHERS; base/ does not
 * see uv.h), and negative errno values. glibc's *_np functions return static strings, without locale
 * and without locks.
 *
 * Both setters format into a text of their own first: callers pass err->msg as an argument.
 * Invariant: msg is always NUL-ended and never ends inside a code point.
 */

struct row {
    int code;
    const char *name, *text;
    int http;
    bool retry;
};

#define ROW_(symbol, code, text, http, retry) {code, #symbol, text, http, retry},
static const struct row rows[] = {ERR_TABLE(ROW_)};
#undef ROW_

static const struct row others[] = {
    {-4095, "EOF", "the peer closed the connection", 500, true},
    {-3001, "EAI_AGAIN", "the name server is away", 500, true},
    {-3007, "EAI_NODATA", "the host has no address", 500, false},
    {-3008, "EAI_NONAME", "the host name is unknown", 500, false},
};

static const int retryable[] = {ETIMEDOUT, ECONNRESET,   ECONNREFUSED, ECONNABORTED, EPIPE,
                                EAGAIN,    EHOSTUNREACH, ENETUNREACH,  ENETDOWN,     EINTR};

static const struct row *row_of(int code)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        if (others[i].code == code)
            return &others[i];
    return NULL;
}

/* Copies `text` into err->msg, cut on a code point. */
static void store(struct err *err, const char *text)
{
    struct str s = str_cut_utf8(str_from(text), sizeof(err->msg) - 1);
    memcpy(err->msg, s.ptr, s.len);
    err->msg[s.len] = '\0';
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    char text[sizeof(err->msg) + 8];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    err->code = code;
    err->http = 0;
    store(err, n < 0 ? err_text(code) : text);
    return code;
}

int err_wrap(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    char text[2 * sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(err->msg), fmt, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN((size_t)n, sizeof(err->msg) - 1);
    used = str_cut_utf8(str_of(text, used), sizeof(err->msg) - 1).len;
    used -= str_utf8_tail(str_of(text, used)); /* vsnprintf cuts anywhere */
    const char *inner = err->msg[0] ? err->msg : err_text(code);
    snprintf(text + used, sizeof(text) - used, "%s%s", used ? ": " : "", inner);
    err->code = code;
    store(err, text);
    return code;
}

const char *err_name(int code)
{
    const struct row *row = row_of(code);
    if (row)
        return row->name;
    const char *name = code <= 0 && code > -4096 ? strerrorname_np(-code) : NULL;
    return name ? name : "UNKNOWN";
}

const char *err_text(int code)
{
    const struct row *row = row_of(code);
    if (row)
        return row->text;
    const char *text = code <= 0 && code > -4096 ? strerrordesc_np(-code) : NULL;
    return text ? text : "unknown error";
}

int err_http(int code)
{
    if (code == -ETIMEDOUT)
        return 504;
    if (code == -ECANCELED)
        return 499;
    const struct row *row = row_of(code);
    return row ? row->http : 500;
}

bool err_retryable(int code)
{
    const struct row *row = row_of(code);
    if (row)
        return row->retry;
    for (size_t i = 0; i < ARRAY_COUNT(retryable); i++)
        if (code == -retryable[i])
            return true;
    return false;
}

const char *err_public(const struct err *err, int code)
{
    if (err->code != code || err->msg[0] == '\0')
        return err_text(code);
    switch (code) {
    case E_DB:
    case E_DB_AWAY:
    case E_DB_RETRY:
    case E_DB_CONFLICT:
    case E_VECTORS_AWAY: return err_text(code);
    default: break;
    }
    bool is_system = code > -10000 && code != -ETIMEDOUT && code != -ECANCELED;
    return is_system ? err_text(code) : err->msg;
}
