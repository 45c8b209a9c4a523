#pragma once
/*
 * The one table of errors.
 *
 * A function that can fail returns int: >= 0 good, < 0 a code. System errors keep their negative
 * errno (-ECANCELED, -ETIMEDOUT, -ENOENT); ours start at -10000, clear of libuv's own codes.
 * Columns: symbol, code, text, HTTP status a client sees, may a retry help?
 */
#include <stdbool.h>

#include "base/macro.h"

#define ERR_TABLE(X)                                                                               \
    X(E_UPSTREAM, -10000, "the upstream failed", 502, true)                                        \
    X(E_UPSTREAM_AUTH, -10001, "the upstream refused the credentials", 401, false)                 \
    X(E_UPSTREAM_DENIED, -10002, "the upstream forbids this", 403, false)                          \
    X(E_UPSTREAM_INPUT, -10003, "the upstream refused the request", 502, false)                    \
    X(E_UPSTREAM_BUSY, -10004, "the upstream is overloaded", 503, true)                            \
    X(E_RATE, -10005, "a rate limit was reached", 429, true)                                       \
    X(E_CIRCUIT, -10006, "the upstream is resting after repeated failures", 503, true)             \
    X(E_TRUNCATED, -10007, "the answer broke off before its end", 502, true)                       \
    X(E_DB, -10008, "the database failed", 500, false)                                             \
    X(E_DB_AWAY, -10009, "the database is away", 503, true)                                        \
    X(E_DB_RETRY, -10010, "the transaction must be run again", 503, true)                          \
    X(E_DB_CONFLICT, -10011, "the row exists already", 409, false)                                 \
    X(E_VECTORS_AWAY, -10012, "the vector store is away", 503, true)                               \
    X(E_JSON, -10013, "not the JSON that was expected", 400, false)                                \
    X(E_LIMIT, -10014, "a size limit was exceeded", 413, false)                                    \
    X(E_INPUT, -10015, "the request is not valid", 400, false)                                     \
    X(E_SCHEMA, -10016, "a field has the wrong type or value", 422, false)                         \
    X(E_AUTH, -10017, "the credentials are missing or wrong", 401, false)                          \
    X(E_DENIED, -10018, "this is not allowed", 403, false)                                         \
    X(E_NOT_FOUND, -10019, "there is no such thing", 404, false)                                   \
    X(E_BUSY, -10020, "the same work is already running", 409, true)                               \
    X(E_OVERLOAD, -10021, "the server has too much to do", 503, true)                              \
    X(E_CONFIG, -10022, "the configuration is not valid", 500, false)                              \
    X(E_MODEL, -10023, "the model's answer could not be used", 502, true)                          \
    X(E_PROTOCOL, -10024, "the peer broke the protocol", 502, true)                                \
    X(E_USAGE, -10025, "wrong usage", 400, false)

#define ERR_ENUM_(symbol, code, text, http, retry) symbol = code,
enum err_code { ERR_TABLE(ERR_ENUM_) };
#undef ERR_ENUM_

/* What went wrong, for a person. `msg` reads outside in: "collect: ticket 81: upstream 502". */
struct err {
    int code;      /* < 0, or 0 when nothing was set. */
    int http;      /* Status a client should see; 0 means err_http(code). */
    char msg[256]; /* Always NUL-ended; longer texts are cut on a UTF-8 boundary. */
};

/* Replaces what `err` holds and returns `code`. `err` may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) _printf_(3, 4);

/* Puts a prefix and ": " before the message (or the code's text when there is none); returns
 * `code`, which also becomes err->code. */
int err_wrap(struct err *err, int code, const char *fmt, ...) _printf_(3, 4);

/* "E_RATE", "ECANCELED"; static, never NULL. */
const char *err_name(int code);
/* The table's text or strerror's; static or thread-local, never NULL. */
const char *err_text(int code);
/* HTTP status for a code: the table's, 504 for -ETIMEDOUT, 499 for -ECANCELED, else 500. */
int err_http(int code);
bool err_retryable(int code);
/* What a stranger may read of `err`, whose code is `code`: its message, but only the code's text where the
 * message speaks of our inside (the database, the vector store, the system). Borrowed from `err`. */
const char *err_public(const struct err *err, int code);
