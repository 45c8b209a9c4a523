#pragma once
/* What the files of assist/ share: one run (an opened ticket, a question, a reply), its reader and its
 * accounts. Internal to the room. */
#include <stdbool.h>
#include <stdint.h>

#include "assist/assist.h"
#include "store/articles.h"
#include "store/tickets.h"
#include "upstream/freshdesk.h"
#include "upstream/llm.h"

struct assist {
    struct loop *loop;
    struct assist_spec spec;
    struct gate searches; /* retrieve.c */
};

enum section { SECTION_SUMMARY, SECTION_SIMILAR, SECTION_SOLUTIONS, SECTION_OTHER, SECTION_COUNT };
const char *section_name(enum section s); /* "summary", "similar_tickets", "solutions", "run" */

struct run {
    struct assist *assist;
    const struct caller *who;
    struct sink *out;
    char id[37];
    const char *language; /* "ko" or "en" */
    int64_t ticket_id;
    uint64_t begin_ns;
    uint64_t section_ns[SECTION_COUNT]; /* when a section was complete, after begin_ns; 0: not */
    int64_t call_count, prompt_tokens, completion_tokens;
    double cost_krw;
    const char *model; /* that answered last; NULL: none was asked. The router's */
    int percent;       /* of the progress told last: a reader's bar never runs back */
    bool estimated, failed;
};
void run_begin(struct flow *f, struct run *run, struct assist *a, const struct caller *who,
               struct str language, struct sink *out);
bool run_is_korean(const struct run *run);

/* ---- events ---- */

/* One event being written: {"type":"<name>", ...}. notice_send closes the object, sends and frees it. */
struct notice {
    const char *name;
    struct buf buf;
    struct jw w;
};
#define NOTICE_INIT                                                                                \
    {                                                                                              \
        .name = NULL                                                                               \
    }
struct jw *notice_begin(struct notice *n, const char *name);
int notice_send(struct flow *f, struct run *run, struct notice *n) _must_check_;
void notice_done(struct notice *n);

int run_meta(struct flow *f, struct run *run, const char *kind) _must_check_;
/* `ko` and `en` say the same. Sections that run side by side may tell theirs in any order: what is less
 * than was told before is told as that. */
int run_progress(struct flow *f, struct run *run, const char *stage, int percent, const char *ko,
                 const char *en) _must_check_;
int run_delta(struct flow *f, struct run *run, const char *name, struct str text) _must_check_;
/* Tells the reader that a section failed with f->err; gives back only failures of telling. A cancelled or
 * timed-out run is not a section's fault: then `status` comes back. */
int run_section_failed(struct flow *f, struct run *run, enum section s, int status) _must_check_;
void run_section_done(struct flow *f, struct run *run, enum section s);
/* A failure of our own model or vector store is not the reader's: without this a wrong key of ours would look like a
 * wrong key of theirs (401), an unknown model like an unknown ticket (404). Returns the code. */
int run_own_fault(struct err *err, int code);
/* usage and done; context_id may be empty. */
int run_done(struct flow *f, struct run *run, struct str context_id) _must_check_;

/* ---- asking the model (model.c) ---- */

struct ask {
    const char *task; /* name of the prompt: "summary" */
    struct str user;  /* the user message: delimited data */
    int64_t ticket_id;
    int max_tokens;
    double temperature;
    struct str sources; /* JSON array for the audit, or empty */
};
/* Takes the answer piece by piece; an error ends the answer. */
struct listener {
    int (*hear)(struct flow *f, struct listener *l, struct str piece);
};
/* Streams one answer to `to`; its whole text in the flow's arena, also what came before a failure. The call
 * is accounted and recorded whatever happens. */
int model_tell(struct flow *f, struct run *run, const struct ask *ask, struct listener *to,
               struct str *ret_text) _must_check_;

/* ---- prompts (prompt.c) ---- */

struct source {
    int n; /* from 1 */
    bool kb;
    bool is_public; /* may be shown to customers */
    int64_t id;
    struct str title, text, url;
    double score;
};
struct str prompt_system(const struct run *run, const char *task);
/* Data between delimiters that the data cannot close. public_only leaves private notes out. */
void prompt_ticket(struct buf *out, const struct ticket *t, const struct conversation *talks,
                   size_t talk_count, bool public_only);
void prompt_sources(struct buf *out, const struct source *sources, size_t count);
void prompt_data(struct buf *out, const char *tag, struct str text, size_t bytes_max);
/* [{"n","kind","id","title","url"}] */
void sources_write(struct jw *w, const char *key, const struct source *sources, size_t count);
struct str sources_json(struct arena *a, const struct source *sources, size_t count);

/* ---- reading the ticket (read.c) ---- */

/* From Freshdesk, live; the stored copy when Freshdesk is away. */
int read_ticket(struct flow *f, struct run *run, int64_t id, struct ticket *ret_ticket)
    _must_check_;
int read_talks(struct flow *f, struct run *run, int64_t id, struct conversation **ret_talks,
               size_t *ret_count) _must_check_;
struct str ticket_url(struct arena *a, const struct caller *who, int64_t id);
struct str article_url(struct arena *a, const struct caller *who, int64_t id);

/* ---- retrieval (retrieve.c) ---- */

enum {
    WHY_SYMPTOM = 1,
    WHY_CAUSE = 2,
    WHY_RESOLUTION = 4,
    WHY_TEXT = 8,
    WHY_SOLVED = 16,
    WHY_RECENT = 32
};
struct found_ticket {
    struct ticket_card card;
    double score;      /* 0..1 */
    double similarity; /* best cosine; 0 when found by text alone */
    unsigned why;
};
struct found_article {
    struct article_card card;
    double score, similarity;
};
struct found {
    struct found_ticket *tickets;
    size_t ticket_count;
    struct found_article *articles;
    size_t article_count;
    bool nothing_synced; /* no similar ticket, since none is stored */
    int search_status; /* < 0: one of the ways to search failed, why; the others may have found some */
    struct err search_err;
};
struct wanted {
    struct str text; /* what to look for */
    int64_t exclude_id;
    int ticket_count, article_count; /* 0: none of them */
};
int retrieve(struct flow *f, struct run *run, const struct wanted *wanted, struct found *ret_found)
    _must_check_;
/* Fixes of past tickets and articles as numbered sources; at most `count_max`. */
size_t found_sources(struct flow *f, const struct run *run, const struct found *found,
                     size_t count_max, bool public_only, struct source *ret_sources);

/* ---- what was found, as events (search.c) ---- */

int found_send_tickets(struct flow *f, struct run *run, const struct found *found) _must_check_;
int found_send_articles(struct flow *f, struct run *run, const struct found *found) _must_check_;

/* ---- sections ---- */

struct ticket_view { /* what the sections of one opened ticket share */
    struct run *run;
    const struct ticket_help *help;
    struct ticket ticket;
    bool has_ticket;
    struct cond ticket_came;
    bool summary_over; /* done or failed; with strict_order others wait for it */
    struct cond summary_ended;
    struct str summary; /* for the context; in the first flow's arena */
    struct str sources; /* JSON array with texts, likewise */
    struct arena *arena;
};
int summary_flow(struct flow *f, void *view);
int similar_flow(struct flow *f, void *view); /* similar tickets, then solutions */
int solutions_run(struct flow *f, struct run *run, const struct ticket *t,
                  const struct source *sources, size_t source_count) _must_check_;
/* {"id","ticket_id","language","summary","sources"} kept for later replies. */
int context_keep(struct flow *f, struct run *run, struct str id, struct str summary,
                 struct str sources) _must_check_;
int context_find(struct flow *f, struct run *run, struct str id, int64_t ticket_id,
                 struct json *ret_context) _must_check_;
