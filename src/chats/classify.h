#pragma once
/*
 * Asking a model about some chats: several in a call, then those whose answer does not count alone, at most
 * `retry_count` times each; after that they have failed, with the reason. Every chat that was answered ends
 * classified or failed; nothing is guessed.
 */
#include <stdint.h>

#include "chats/verdict.h"
#include "loop/flow.h"
#include "store/chat_runs.h"

struct llm;

/* What all calls of a run share. */
struct classifier {
    struct llm *llm; /* borrowed */
    const struct taxonomy *taxonomy;
    const char *language; /* "ko", "en": of the prompt and of reasons */
    int64_t retry_count;  /* times a chat is asked alone, >= 0 */
    int64_t tokens_max;   /* output of one call */
    double temperature;
    struct str instructions; /* made by classifier_init; arena */
    char version[17];        /* of prompt and taxonomy together, 16 hex digits */
};
/* Fills instructions and version; all else is set before. */
void classifier_init(struct arena *a, struct classifier *c);
/* Tokens a call needs besides its chats' own, and what one answer takes: for sizing calls and for estimates. */
int64_t classifier_base_tokens(const struct classifier *c);
enum { ANSWER_TOKENS = 120, ANSWER_TOKENS_EXTRA = 60 };
/* How many chats fit in a call, at most `wanted`, by tokens_max; >= 1. */
size_t classifier_room(const struct classifier *c, size_t wanted);

struct classify_item {
    struct str text; /* in */
    bool cut;        /* in: only the beginning was read */
    bool done;       /* the rest is set when done; strings in the flow's arena */
    bool failed;
    bool blank; /* failed, and there is nothing in it that could be classified */
    int64_t category_id;
    struct str keywords; /* JSON */
    double confidence;
    struct str quote, reason; /* the reason may also tell of a cut text */
    int attempt_count;        /* counts on over calls */
    const char *model;        /* static or the router's; NULL: none was asked */
};
/* Asks for those that are not done. 0: all are done. < 0 when the model could not be asked (upstream's codes,
 * E_CONFIG, -ECANCELED): then some may be done, and what was spent is in *cost all the same (added to). */
int classify_chats(struct flow *f, const struct classifier *c, struct classify_item *items,
                   size_t count, struct chat_cost *cost) _must_check_;
/* Gives up on an item: failed, with the kind's text and, when it has one, the error's. */
void classify_give_up(struct arena *a, const struct classifier *c, struct classify_item *item,
                      enum verdict_kind kind, const struct err *err);
