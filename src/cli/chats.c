/*
 * cli/chats.c: days, progress and runs for the chat batch's commands, in the old words (legacy-contracts §5.1).
 *
 * Happy path: words become days of the batch's zone; each day is one batch_run, told in one line; the last line
 * of a command says how it ended, as the old log checks look for it.
 * A day that fails is told and counted, and the next one is begun. Invariant: exactly one line with 🎉 or ❌ and
 * "작업" a command, the last on standard output.
 */
#include "cli/chats.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/wall.h"
#include "loop/zone_file.h"

enum { PLAIN_EVERY_MS = 10000, BAR_WIDTH = 20 };

/* ---- days ---- */

static bool span_of(const char *word, struct day today, struct cli_days *ret_days)
{
    struct wall_parts p = wall_split((int64_t)today.number * 86400000);
    struct day monday = day_add(today, -day_weekday(today)), first = day_add(today, 1 - p.day);
    if (strcmp(word, "this-week") == 0) {
        *ret_days = (struct cli_days){monday, day_add(monday, 6)};
    } else if (strcmp(word, "last-week") == 0) {
        *ret_days = (struct cli_days){day_add(monday, -7), day_add(monday, -1)};
    } else if (strcmp(word, "this-month") == 0) {
        p = wall_split((int64_t)day_add(first, 31).number * 86400000);
        *ret_days = (struct cli_days){first, day_add(first, 31 - p.day)};
    } else if (strcmp(word, "last-month") == 0) {
        p = wall_split((int64_t)day_add(first, -1).number * 86400000);
        *ret_days = (struct cli_days){day_add(first, -p.day), day_add(first, -1)};
    } else {
        return false;
    }
    return true;
}

static bool read_day(const char *word, struct day today, struct day *ret_day)
{
    if (strcmp(word, "today") == 0)
        *ret_day = today;
    else if (strcmp(word, "yesterday") == 0)
        *ret_day = day_add(today, -1);
    else
        return day_parse(str_from(word), ret_day);
    return true;
}

int cli_days_read(struct cli *cli, const struct cli_dates *dates, bool spans,
                  struct cli_days *ret_days)
{
    struct zone *zone = NULL;
    struct err err;
    if (zone_load(app_chats_zone(&cli->config), &zone, &err) < 0) {
        fprintf(stderr, "deskstream %s: %s\n", cli->command->name, err.msg);
        return 1;
    }
    struct day today = day_at(zone, wall_now_ms());
    zone_free(zone);
    struct cli_days days = {day_add(today, -1), day_add(today, -1)};
    if (dates->date) {
        if (read_day(dates->date, today, &days.first))
            days.last = days.first;
        else if (!spans || !span_of(dates->date, today, &days))
            return cli_usage(cli, "\"%s\" is no day; write it like 2024-03-15", dates->date);
    } else if (dates->start && dates->end) {
        if (!read_day(dates->start, today, &days.first))
            return cli_usage(cli, "\"%s\" is no day; write it like 2024-03-15", dates->start);
        if (!read_day(dates->end, today, &days.last))
            return cli_usage(cli, "\"%s\" is no day; write it like 2024-03-15", dates->end);
    }
    int32_t count = days.last.number - days.first.number + 1;
    if (count < 1 || count > CHAT_DAYS_MAX)
        return cli_usage(cli, "the range must have 1 to %d days, the first one first",
                         CHAT_DAYS_MAX);
    *ret_days = days;
    return CLI_GO_ON;
}

struct str cli_days_text(struct arena *a, const struct cli_days *days, const char *between)
{
    char first[11], last[11];
    day_text(days->first, first);
    day_text(days->last, last);
    if (days->first.number == days->last.number)
        return arena_str(a, str_from(first));
    return arena_printf(a, "%s%s%s", first, between, last);
}

/* ---- beginning and end ---- */

int cli_chats_config(struct cli *cli)
{
    int r = cli_config(cli);
    return r == 2 ? cli_chats_end(1) : r;
}

int cli_chats_end(int status)
{
    if (status == 0)
        puts("🎉 작업 완료!");
    else
        puts("❌ 작업 실패!");
    return status;
}

void cli_print_span(FILE *out, int64_t ms)
{
    fprintf(out, "%" PRId64 "분 %" PRId64 "초", ms / 60000, ms / 1000 % 60);
}

/* ---- the screen ---- */

void cli_screen_clear(struct cli_screen *s)
{
    if (s->is_drawn)
        fputs("\r\033[K", stderr);
    s->is_drawn = false;
}

static void write_bar(struct buf *out, int64_t done, int64_t total)
{
    int filled = total > 0 ? (int)(MIN(done, total) * BAR_WIDTH / total) : BAR_WIDTH;
    buf_text(out, "[");
    for (int i = 0; i < BAR_WIDTH; i++)
        buf_text(out, i < filled ? "#" : ".");
    buf_text(out, "] ");
}

static void show_progress(struct flow *f, struct cli_screen *s, struct json v)
{
    int64_t done = json_i64(json_get(v, "done"), 0), total = json_i64(json_get(v, "total"), 0);
    uint64_t now_ms = loop_now_ms(f->loop);
    bool due = s->is_terminal || s->told_ms == 0 || now_ms - s->told_ms >= PLAIN_EVERY_MS;
    if (!due && done < total)
        return;
    struct buf line = BUF_INIT(0);
    s->told_ms = now_ms;
    if (s->is_terminal)
        write_bar(&line, done, total);
    buf_printf(&line, "%.*s 질문 %" PRId64 "/%" PRId64 " (실패 %" PRId64 ") 호출 %" PRId64 "회",
               STR_ARG(json_str(json_get(v, "day"))), done, total,
               json_i64(json_get(v, "failed"), 0), json_i64(json_get(v, "calls"), 0));
    buf_printf(&line, " %.0f개/분 %.1f원", json_f64(json_get(v, "rate_per_min"), 0),
               json_f64(json_get(v, "cost_krw"), 0));
    int64_t left_s = json_i64(json_get(v, "eta_s"), 0);
    if (done < total)
        buf_printf(&line, " 남은 시간 %" PRId64 ":%02d", left_s / 60, (int)(left_s % 60));
    cli_screen_clear(s);
    fprintf(stderr, "%.*s%s", STR_ARG(buf_view(&line)), s->is_terminal ? "" : "\n");
    s->is_drawn = s->is_terminal;
    buf_done(&line);
}

static int on_event(struct flow *f, struct sink *sink, const char *event, struct str text)
{
    struct cli_screen *s = container_of(sink, struct cli_screen, sink);
    struct arena a;
    struct err ignored;
    struct json v;
    if (strcmp(event, "batch.progress") != 0)
        return 0;
    arena_init(&a, 0);
    if (json_parse(&a, text, &v, &ignored) >= 0)
        show_progress(f, s, v);
    arena_done(&a);
    return 0;
}

void cli_screen_init(struct cli_screen *s)
{
    *s = (struct cli_screen){.sink = {.send = on_event}, .is_terminal = isatty(STDERR_FILENO) == 1};
}

/* ---- runs ---- */

static void sum_up(struct cli_runs *runs, const struct batch_result *one)
{
    struct chat_run_sum *s = &runs->sum;
    s->question_count += one->sum.question_count;
    s->chat_count += one->sum.chat_count;
    s->classified_questions += one->sum.classified_questions;
    s->classified_chats += one->sum.classified_chats;
    s->failed_questions += one->sum.failed_questions;
    s->failed_chats += one->sum.failed_chats;
    runs->cost.call_count += one->cost.call_count;
    runs->cost.prompt_tokens += one->cost.prompt_tokens;
    runs->cost.completion_tokens += one->cost.completion_tokens;
    runs->cost.cost_krw += one->cost.cost_krw;
    runs->row_count += one->written.row_count;
    runs->known_count += one->known_count;
    runs->refused_count += one->written.refused_count;
}

static void tell_day(const char *day, const struct batch_result *r, int status, const char *why)
{
    printf("%s %s: 상담 %" PRId64 "건, 질문 %" PRId64 "개 → 분류 %" PRId64 "개, 실패 %" PRId64
           "개 (이미 분류됨 %" PRId64 "개), 저장 %" PRId64 "행, 호출 %" PRId64 "회, 토큰 %" PRId64
           "+%" PRId64 ", 비용 %.2f원, 소요 ",
           status < 0 ? "⚠️ " : "✅", day, r->sum.chat_count, r->sum.question_count,
           r->sum.classified_questions, r->sum.failed_questions, r->known_count,
           r->written.row_count, r->cost.call_count, r->cost.prompt_tokens,
           r->cost.completion_tokens, r->cost.cost_krw);
    cli_print_span(stdout, MAX(r->finished_at - r->started_at, 0));
    if (status < 0)
        printf(": %s", why);
    printf("\n");
    if (r->written.refused_count > 0)
        printf("⚠️  %s: 데이터베이스가 받지 않은 행 %" PRId64 "개: %.*s\n", day,
               r->written.refused_count, STR_ARG(r->written.refusal));
    fflush(stdout);
}

int cli_run_days(struct flow *f, struct app_chats *chats, const struct cli_days *days,
                 enum chat_run_kind kind, struct cli_runs *ret_runs)
{
    struct cli_screen screen;
    cli_screen_init(&screen);
    *ret_runs = (struct cli_runs){.started_at = loop_wall_ms(f->loop)};
    for (struct day d = days->first; d.number <= days->last.number; d = day_add(d, 1)) {
        char day[11];
        struct batch_result one = {.run_id = 0};
        day_text(d, day);
        int r = batch_run(f, &chats->batch, d, kind, &screen.sink, &one);
        cli_screen_clear(&screen);
        sum_up(ret_runs, &one);
        ret_runs->day_count++;
        if (flow_check(f) < 0)
            return -ECANCELED;
        tell_day(day, &one, r, f->err.msg);
        if (r >= 0)
            continue;
        ret_runs->err = f->err;
        ret_runs->failed_count++;
        buf_printf(&ret_runs->failed_dates, "%s%s", ret_runs->failed_dates.len ? ", " : "", day);
    }
    ret_runs->finished_at = loop_wall_ms(f->loop);
    return 0;
}

int cli_runs_end(struct flow *f, const struct cli_days *days, const struct cli_runs *runs)
{
    if (runs->day_count > 1) {
        printf("합계: 상담 %" PRId64 "건, 분류 %" PRId64 "개, 실패 %" PRId64 "개, 호출 %" PRId64
               "회, 비용 %.2f원, 소요 ",
               runs->sum.chat_count, runs->sum.classified_questions, runs->sum.failed_questions,
               runs->cost.call_count, runs->cost.cost_krw);
        cli_print_span(stdout, runs->finished_at - runs->started_at);
        printf("\n");
    }
    if (runs->sum.question_count == 0 && runs->failed_count == 0)
        printf("해당 기간(%.*s)에 처리할 상담이 없습니다.\n",
               STR_ARG(cli_days_text(&f->arena, days, " ~ ")));
    if (runs->failed_count == 0)
        return 0;
    printf("%s failed_dates: %.*s\n",
           runs->failed_count < runs->day_count ? "PARTIAL_SUCCESS" : "FAILED",
           STR_ARG(buf_view(&runs->failed_dates)));
    f->err = runs->err;
    return runs->err.code < 0 ? runs->err.code : E_UPSTREAM;
}

static int count_missing(struct flow *f, void *arg, const struct chat_question *questions,
                         size_t count)
{
    struct cli_missing *m = arg;
    (void)f;
    for (size_t i = 0; i < count; i++)
        m->chat_count += questions[i].count;
    m->question_count += (int64_t)count;
    return 0;
}

int cli_missing_count(struct flow *f, struct app_chats *chats, struct day day,
                      struct cli_missing *ret_missing)
{
    *ret_missing = (struct cli_missing){.question_count = 0};
    return chat_source_each(f, chats->source, day, CHATS_MISSING, count_missing, ret_missing);
}
