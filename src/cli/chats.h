#pragma once
/* What the chat batch's commands share: days on the command line, progress on the screen, runs of some days. */
#include <stdio.h>

#include "app_chats.h"
#include "cli/cli.h"
#include "loop/sink.h"

enum { CHAT_DAYS_MAX = 3660 };

/* -d beats -s and -e; neither, or only one of -s and -e: yesterday. */
struct cli_dates {
    const char *date, *start, *end; /* NULL: not given */
};
struct cli_days {
    struct day first, last; /* both included */
};
/* Words: a date, "today", "yesterday"; with `spans` also this-week, last-week, this-month, last-month (weeks
 * begin on Monday). After cli_config. CLI_GO_ON, or an exit status after telling what is wrong. */
int cli_days_read(struct cli *cli, const struct cli_dates *dates, bool spans,
                  struct cli_days *ret_days) _must_check_;
/* "2024-03-15", or "2024-03-15 ~ 2024-03-17"; arena. */
struct str cli_days_text(struct arena *a, const struct cli_days *days, const char *between);

/* Settings of the old commands: status 1, not 2, when they are not valid. */
int cli_chats_config(struct cli *cli) _must_check_;
/* The last line, and the status handed through. */
int cli_chats_end(int status);

/* Shows batch.* events: a bar on a terminal, else a line every ten seconds. */
struct cli_screen {
    struct sink sink;
    bool is_terminal, is_drawn;
    uint64_t told_ms;
};
void cli_screen_init(struct cli_screen *s);
void cli_screen_clear(struct cli_screen *s);

/* What became of a range. */
struct cli_runs {
    struct chat_run_sum sum;
    struct chat_cost cost;
    int64_t row_count, refused_count, known_count;
    struct buf failed_dates; /* "2024-03-15, 2024-03-16" */
    size_t day_count, failed_count;
    int64_t started_at, finished_at;
    struct err err; /* of the last day that failed */
};
/* Day by day; one that fails is told and the others go on. < 0 only when cancelled; see failed_count. */
int cli_run_days(struct flow *f, struct app_chats *chats, const struct cli_days *days,
                 enum chat_run_kind kind, struct cli_runs *ret_runs) _must_check_;
/* Tells the totals of a range and its failed days; the last failed day's error, or 0. */
int cli_runs_end(struct flow *f, const struct cli_days *days, const struct cli_runs *runs)
    _must_check_;
/* Mails that the days could not even be begun, for the reason in f->err; returns `r`, f->err as it was. */
int cli_mail_failure(struct flow *f, struct app *app, const struct cli_days *days, int r);
/* Mails what became of a range, with its workbook, and tells so; mails never change the status. < 0 only when
 * cancelled. */
int cli_mail_batch(struct flow *f, struct app *app, struct app_chats *chats,
                   const struct cli_days *days, const struct cli_runs *runs) _must_check_;
/* How many questions of a day lack a row in the table of keywords. */
struct cli_missing {
    int64_t question_count, chat_count;
};
int cli_missing_count(struct flow *f, struct app_chats *chats, struct day day,
                      struct cli_missing *ret_missing) _must_check_;
/* "3분 5초" */
void cli_print_span(FILE *out, int64_t ms);
