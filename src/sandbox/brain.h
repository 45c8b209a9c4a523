#pragma once
/*
 * The stand-in for a language model: it answers from the prompt's own data and nothing else.
 *
 * What it looks for in the messages:
 *   <ticket>...</ticket>                 the ticket with its thread, as text
 *   <source n="1" ...>...</source>       numbered sources, any number
 *   <question>...</question>             else the question is what stands outside of the tags
 * and in the instructions: whether a summary, a solution, a reply or an answer is wanted, whether in
 * Korean or in English, and whether as JSON. A line "Format: summary-v1" (solutions, answer, reply)
 * decides at once, and the text has the form that config/prompts/ asks for. For JSON without a schema the last JSON object in the
 * instructions is taken as the pattern: a JSON schema, or an example whose keys are filled.
 *
 * Sentences are copied verbatim, so that quotes really occur in the data.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "sandbox/family.h"

struct prompt {
    struct str instructions; /* system messages, and user text outside of the tags */
    struct str user;         /* the last user message, whole */
    struct json schema;      /* JSON_NONE: none given */
    bool wants_json;
};

enum task { TASK_ANSWER, TASK_SUMMARY, TASK_SOLUTION, TASK_REPLY };

struct fact {
    struct str text; /* one sentence of the data */
    enum saying saying;
    int64_t source; /* number of its source; 0: the ticket */
};

#define FACTS_MAX 600
#define SOURCES_MAX 64

struct mind {
    struct arena *arena;
    struct str ticket, question;
    enum lang lang;
    enum task task;
    struct fact *facts;
    size_t fact_count;
    int64_t sources[SOURCES_MAX];
    struct str source_texts[SOURCES_MAX];
    size_t source_count;
    size_t order[SOURCES_MAX]; /* best first */
    bool fits[SOURCES_MAX];
};

/* Reads the prompt; memory in `arena`, which must outlive the mind. */
void mind_read(struct mind *m, struct arena *arena, const struct prompt *p);
/* Appends the answer: text, or one JSON value when the prompt wants it. */
void mind_answer(struct mind *m, const struct prompt *p, struct buf *out);
/* The first fact of a kind; source -1: from anywhere. Skips `skip` of them. NULL: none. */
const struct fact *mind_fact(const struct mind *m, enum saying saying, int64_t source, size_t skip);

/* brain_json.c */
void mind_fill_schema(struct mind *m, struct jw *w, struct json schema);
void mind_fill_like(struct mind *m, struct jw *w, struct json example);
/* A word that JSON schemas of the service do not know; empty: all fine. */
struct str schema_fault(struct json schema);

/* Planning estimate: 0.7 a Hangul letter, 0.3 an ASCII one. */
int64_t token_estimate(struct str text);
