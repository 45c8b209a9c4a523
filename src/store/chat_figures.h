#pragma once
/*
 * The numbers of a report, out of batch_runs and chat_results. Two units everywhere: a question is a distinct
 * text of a day, chats are how often it was asked. Days are local days of the report's zone.
 *
 *   in = classified + failed + pending        (pending is 0 once a run is through)
 *
 * All strings and arrays live in the arena of the flow that asked.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/day.h"
#include "db/pg.h"
#include "store/chat_source.h"

enum { CHAT_LOW_CONFIDENCE_PERCENT = 60 }; /* answers below this are listed for a second look */

/* Sums of one span of days. */
struct chat_sum {
    int64_t day_count; /* days that have rows */
    int64_t question_count, chat_count;
    int64_t classified_questions, classified_chats;
    int64_t failed_questions, failed_chats;
    int64_t pending_questions, pending_chats;
    int64_t low_questions; /* classified with a confidence under CHAT_LOW_CONFIDENCE_PERCENT */
    int64_t other_chats;   /* in the default category */
    int64_t keyword_count; /* distinct */
    double confidence;     /* mean over classified questions, 0..1; 0 when there is none */
};

/* What a span is held against: its sums divided by how many spans they were taken of. */
struct chat_against {
    struct str label; /* "어제" */
    struct str from, to;
    struct chat_sum sum;
    int64_t span_count; /* spans with data among them; 0: nothing to compare with */
};

struct chat_category_row {
    struct str name;
    int64_t question_count, chat_count, keyword_count;
    int64_t chats_before; /* in the span before */
};
struct chat_day_row {
    struct str day;
    int64_t question_count, chat_count, keyword_count, failed_chats, classified_questions;
};
struct chat_keyword_row {
    struct str keyword;
    struct str category; /* the most frequent */
    int64_t question_count, chat_count, chats_before;
    bool is_new; /* not seen in the 30 days before */
};
struct chat_top_row {
    struct str text;
    int64_t chat_count;
    struct str keywords; /* at most three, ", " between */
};
struct chat_reason_row {
    struct str reason;
    int64_t question_count, chat_count;
};

enum { CHAT_AGAINST_MAX = 3 };

struct chat_figures {
    struct str from, to; /* "2024-03-15"; equal for one day */
    struct str zone;     /* "Asia/Seoul" */
    struct str kind;     /* "일일", "주간", "월간", "기간" */
    struct str organisation;
    struct str source; /* "MariaDB shop.chattings" */
    int64_t made_at;
    struct chat_sum sum;
    struct chat_against against[CHAT_AGAINST_MAX];
    size_t against_count;
    /* of the runs that made these rows */
    struct str model, prompt_version;
    int64_t run_count, call_count, prompt_tokens, completion_tokens;
    double cost_krw;
    int64_t started_at, finished_at, busy_ms; /* WALL_NONE when there was no run */
    struct chat_category_row *categories;     /* by question_count, most first; empty ones too */
    size_t category_count;
    struct chat_day_row *days; /* every day of the span */
    size_t day_count;
    struct chat_keyword_row *keywords; /* by chat_count, at most 300 */
    size_t keyword_count;
    struct chat_top_row *tops; /* ten */
    size_t top_count;
    struct chat_reason_row *reasons;
    size_t reason_count;
    int64_t heat[7][24]; /* chats by weekday (0 = Monday) and hour */
    struct str heat_from, heat_to;
    struct str
        version; /* changes when a result of the span does; not when one failed again alike */
};

/* One question of the span. */
struct chat_detail {
    struct str day, text, category, keywords, quote, reason, model;
    int64_t chat_count;
    int64_t first_at, last_at; /* unix ms, WALL_NONE */
    double confidence;         /* < 0: none */
    bool failed;
};

struct chat_figures_spec {
    struct pg_pool *pool;
    int64_t tenant_id;
    struct day from, to;
    const char *zone; /* IANA name, known to PostgreSQL too */
    const struct chat_category
        *categories; /* in their order; those with rows but no name get one */
    size_t category_count;
    int64_t default_category_id;
};
/* Everything but `details`. E_NOT_FOUND, with the old system's message, when nothing of the span was
 * classified or failed. Strings and rows in the flow's arena. */
int chat_figures_get(struct flow *f, const struct chat_figures_spec *spec,
                     struct chat_figures *ret_figures) _must_check_;
/* A value that changes when a result of the span does (see chat_figures.version). One cheap statement. */
int chat_figures_version(struct flow *f, const struct chat_figures_spec *spec,
                         struct str *ret_version) _must_check_;

/* Pages of questions from a cursor: one snapshot, bounded memory. */
struct chat_pages {
    struct pg_tx tx;
    struct pg_result rows;
    struct chat_detail *details; /* of the page; borrowed from it */
    struct chat_detail *room;
    struct flow *flow;
};
#define CHAT_PAGES_INIT                                                                            \
    {                                                                                              \
        .tx = PG_TX_INIT, .rows = PG_RESULT_INIT                                                   \
    }
enum { CHAT_PAGE_ROWS = 500, CHAT_DOUBTS_MAX = 2000 };
enum chat_pages_of {
    CHAT_PAGES_ALL,   /* by day, most asked first */
    CHAT_PAGES_DOUBTS /* failed ones, then low confidence, lowest first; at most CHAT_DOUBTS_MAX */
};
int chat_pages_open(struct flow *f, const struct chat_figures_spec *spec, enum chat_pages_of which,
                    struct chat_pages *ret_pages) _must_check_;
/* How many rows pages->details now has; 0 at the end. The page before is gone. */
int chat_pages_next(struct flow *f, struct chat_pages *pages) _must_check_;
void chat_pages_done(struct chat_pages *pages); /* cleanup */
