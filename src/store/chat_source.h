#pragma once
/*
 * Where chats are read and classifications are written back: one interface, four homes.
 *
 *   ""                                      our own tables chats, chat_keywords, categories
 *   mysql+pymysql://..., mariadb://...      the old three tables in MySQL or MariaDB   chat_source_mysql.c
 *   postgresql://..., postgresql+...://     the same in a PostgreSQL                   chat_source_pg.c
 *   sqlite:///file                          the same in a SQLite file                  chat_source_sqlite.c
 *
 * Names of tables and columns are the caller's, always quoted; values are bound or travel as hexadecimal
 * literals. No right to make or change tables is needed. Days are local days of the zone; times without a
 * zone in a foreign table are local times.
 * A question is a distinct text of a day, byte for byte (the server's collation does not count); a null is
 * an empty text. Of texts longer than CHAT_TEXT_CHARS_MAX only so much is read, and `cut` says so.
 * Errors: E_DB_AWAY (retryable: connection lost or refused, server restarting), E_DB_RETRY (deadlock),
 * E_DB (table or column missing, no right; the message names it), E_CONFIG (URL), -ETIMEDOUT.
 * No call repeats a statement; each opens a connection of its own and closes it at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/day.h"
#include "db/pg.h"
#include "loop/flow.h"

enum { CHAT_TEXT_CHARS_MAX = 20000, CHAT_KEYWORD_CHARS_MAX = 100 };

struct chat_question {
    struct str text;           /* bytes as read; UTF-8 unless the database holds other bytes */
    int64_t count;             /* rows of the day with this text, >= 1 */
    int64_t first_at, last_at; /* unix ms */
    int32_t by_hour[24];       /* rows by hour of the local day */
    bool cut;
};
struct chat_category {
    int64_t id;
    struct str name;
};
/* One row to write back; the keyword is cut to CHAT_KEYWORD_CHARS_MAX code points. */
struct chat_row {
    struct str text, keyword;
    int64_t category_id;
    int64_t count;
};

/* Tables may be "schema.table". Each must be non-empty. See config DB_TABLE_*, DB_COLUMN_*. */
struct chat_names {
    const char *chats, *keywords, *categories;
    const char *input_text, *chatting_pk, *created_at, *query_text, *keyword, *category_id;
    const char *query_count, *batch_created_at, *category_name;
};
struct config;
void chat_names_from(const struct config *c, struct chat_names *ret_names);

struct chat_source;
struct chat_source_spec {
    struct str url; /* ENGINE_FOR_SQLALCHEMY; empty: own tables */
    struct chat_names names;
    const struct zone *zone;       /* borrowed; outlives the source */
    struct str zone_name;          /* its name for a PostgreSQL server: "Asia/Seoul" */
    struct pg_pool *pool;          /* own tables only; borrowed */
    int64_t tenant_id;             /* own tables only */
    uint32_t connect_timeout_ms;   /* 0: 10,000 */
    uint32_t statement_timeout_ms; /* 0: 600,000; of one wait for the server */
};
/* Connects to nothing yet. E_CONFIG: the URL, whose text (it may hold a password) is never repeated. */
int chat_source_new(struct loop *l, const struct chat_source_spec *spec,
                    struct chat_source **ret_source, struct err *err) _must_check_;
/* No call may be under way. NULL is fine. */
void chat_source_close(struct flow *f, struct chat_source *s);
/* For people, without secrets: "MariaDB db.example:3306/shop chattings". Borrowed. */
const char *chat_source_label(const struct chat_source *s);

/* Connects and looks whether all tables and columns are there and may be read; `ret_note` (arena) names
 * server and version. < 0 says what is wrong. For config validate, status, health. */
int chat_source_check(struct flow *f, struct chat_source *s, struct str *ret_note) _must_check_;

/* How much a day holds; cheap enough for a dry run. */
struct chat_day_size {
    int64_t chat_count, question_count, char_count; /* characters of the distinct texts */
};
int chat_source_size(struct flow *f, struct chat_source *s, struct day day,
                     struct chat_day_size *ret_size) _must_check_;

/* Takes up to some hundred questions; may wait. Strings are borrowed for the call. < 0 ends the reading
 * with that code. */
typedef int chat_questions_fn(struct flow *f, void *arg, const struct chat_question *questions,
                              size_t count);
enum chat_which {
    CHATS_ALL,
    CHATS_MISSING /* only questions without a row for (text, day) in the table of keywords */
};
/* Streams a day's questions in any order; memory does not grow with the day. */
int chat_source_each(struct flow *f, struct chat_source *s, struct day day, enum chat_which which,
                     chat_questions_fn *fn, void *arg) _must_check_;

/* All categories by id; arena. */
int chat_source_categories(struct flow *f, struct chat_source *s,
                           struct chat_category **ret_categories, size_t *ret_count) _must_check_;

/* Gives the next rows, at most some ten thousand (borrowed until its next call); *ret_count 0 ends. A text's rows
 * come in one call. */
typedef int chat_rows_fn(struct flow *f, void *arg, const struct chat_row **ret_rows,
                         size_t *ret_count);
struct chat_written {
    int64_t row_count;
    int64_t
        refused_count; /* rows whose values the table does not take (MariaDB: an old character set) */
    struct str refusal; /* the server's words for the first of them; arena */
};
/* In one transaction, for the questions that come: deletes their rows of that day, inserts the new ones with
 * created_at = the day at midnight and batch_created_at = `started_at`. Rows of other questions stay.
 * Doing it twice gives what doing it once gives. */
int chat_source_write(struct flow *f, struct chat_source *s, struct day day, int64_t started_at,
                      chat_rows_fn *fn, void *arg, struct chat_written *ret_written) _must_check_;
