#pragma once
/* What a home of the chats offers to chat_source.c, and what homes share. For store/ only. */
#include "base/buf.h"
#include "db/db_url.h"
#include "db/maria.h"
#include "db/sqlite.h"
#include "store/chat_source.h"

enum {
    CHAT_BATCH_COUNT = 200,         /* questions of one call of a chat_questions_fn */
    CHAT_BATCH_BYTES_MAX = 1048576, /* and their texts together, give or take one */
    CHAT_WRITE_COUNT_MAX = 500,     /* rows of one insert */
    CHAT_WRITE_BYTES_MAX = 262144   /* and their texts together, give or take one */
};

/* A write-back under way. */
struct chat_writing {
    struct chat_source *source;
    char day[24], next_day[24]; /* "2024-03-15 00:00:00" */
    char started[24];           /* local */
    bool has_rows;              /* the table held rows of the day before */
    struct pg_tx tx;            /* of the home that it is */
    struct maria *maria;
    struct sqlite *sqlite;
    int64_t keyword_max; /* characters that the column takes */
    struct chat_written result;
};

struct chat_source_ops {
    int (*check)(struct flow *f, struct chat_source *s, struct str *ret_note);
    int (*size)(struct flow *f, struct chat_source *s, struct day day, struct chat_day_size *ret);
    int (*each)(struct flow *f, struct chat_source *s, struct day day, enum chat_which which,
                chat_questions_fn *fn, void *arg);
    int (*categories)(struct flow *f, struct chat_source *s, struct chat_category **ret,
                      size_t *ret_count);
    /* Begins the transaction and sets has_rows; `write_end` follows in any case. */
    int (*write_begin)(struct flow *f, struct chat_writing *w);
    int (*write_delete)(struct flow *f, struct chat_writing *w, const struct str *texts, size_t n);
    int (*write_insert)(struct flow *f, struct chat_writing *w, const struct chat_row *rows,
                        size_t n);
    int (*write_commit)(struct flow *f, struct chat_writing *w);
    void (*write_end)(struct flow *f, struct chat_writing *w); /* rolls back what is still open */
    void (*close)(struct flow *f, struct chat_source *s);
};
struct chat_source {
    const struct chat_source_ops *ops;
    struct loop *loop;
    struct arena arena; /* names, URL */
    struct db_url url;
    struct chat_names names;
    const struct zone *zone;
    const char *zone_name;
    const char *label;
    uint32_t connect_timeout_ms, statement_timeout_ms;
    int64_t tenant_id;    /* own tables */
    struct pg_pool *pool; /* PostgreSQL: the app's, or our own */
    bool pool_is_ours;
};

extern const struct chat_source_ops chat_source_pg, chat_source_mysql, chat_source_sqlite;
/* Makes what only this home needs. */
int chat_source_pg_init(struct chat_source *s, struct err *err) _must_check_;

/* A name between quotes, its parts at dots: shop.chats -> "shop"."chats". Quotes in it are doubled. */
void chat_sql_name(struct buf *out, const char *name, char quote);
/* `sql` with every {name} of struct chat_names replaced by its quoted form, {max} by CHAT_TEXT_CHARS_MAX;
 * NUL-ended in the arena. */
const char *chat_sql(struct arena *a, const struct chat_names *names, char quote, const char *sql);
/* "2024-03-15 00:00:00", for comparing with local times. */
void chat_day_begin(struct day d, char ret_text[24]);
/* Local time as text to unix ms. "2024-03-15 10:20:30[.123]"; WALL_NONE for anything else. */
int64_t chat_local_time(const struct chat_source *s, struct str text);
/* The keyword as it is stored. */
struct str chat_keyword_cut(struct str keyword);
