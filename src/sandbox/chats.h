#pragma once
/*
 * Chats of an education office's help line: made up by (seed, day, number), each with its true category, and
 * the stand-in model that sorts such chats into the categories its prompt lists.
 *
 *   chat n of a day -> one of the day's questions (some are asked often) -> a text of that category
 *   a text          -> its category, by the phrase that only one category's texts have
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "sandbox/brain.h"

#define TOPIC_COUNT 11

struct chat_line {
    int64_t id;        /* chatting_pk */
    uint32_t question; /* its number among the day's questions */
    size_t topic;      /* its true category, an index for topic_name */
    int64_t at_s;      /* second of the day */
    struct str text;   /* in the arena */
};

/* Name and old id (1..11) of a category; the last one is for whatever fits nowhere. */
const char *topic_name(size_t topic);
int topic_id(size_t topic);
/* The category of a text; *ret_phrase (borrowed from the text) is what told it, *ret_sure is false when only a
 * loose word did, or nothing (then the phrase is the text's beginning). */
size_t topic_of(struct str text, struct str *ret_phrase, bool *ret_sure);
/* Chat `n` (from 0) of `count` of a day. `edges`: every 97th is an odd one (blank, very long, emoji, tags). */
void chat_line_make(struct arena *a, uint64_t seed, int64_t day, uint32_t n, uint32_t count,
                    bool edges, struct chat_line *ret_line);

/* ---- the model ---- */

/* How the model fails, each in percent of calls (stuck: of texts). */
struct sorting_faults {
    int64_t misorder, drop, invent, prose, cut, misquote, stuck;
};
/* True when the instructions ask for this (a line "classify-v1"). */
bool sorting_is_asked(const struct prompt *p);
/* The answer to one call; `serial` chooses the faults. Adds the texts it answered to *ret_count. */
void sorting_answer(struct arena *a, const struct prompt *p, const struct sorting_faults *faults,
                    uint64_t serial, struct buf *out, uint64_t *ret_count);
