#pragma once
/*
 * The sentences of a helpdesk mail and what each is for, in Korean and English. For sync/ only.
 *
 * By cue words and forms, so it errs; it errs towards SAID for customers and towards dropping for agents.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum sentence_kind {
    SENTENCE_SAID,      /* about the matter */
    SENTENCE_OPENING,   /* greeting, who writes */
    SENTENCE_COURTESY,  /* thanks, regrets, "please reply" */
    SENTENCE_SIGNATURE, /* names, numbers */
    SENTENCE_FOOTER,    /* legal notices, "sent from my phone" */
    /* of agents only */
    SENTENCE_PROGRESS, /* "we are looking into it" */
    SENTENCE_ASK,      /* a question, or a request for facts */
    SENTENCE_ANNOUNCE, /* "here is what we found" */
    SENTENCE_CAUSE,
    SENTENCE_FIX, /* an instruction, or what was done */
};
struct sentence {
    struct str text; /* borrowed from the mail; a greeting is cut off its front */
    enum sentence_kind kind;
    bool begins_line;
};

#define SENTENCES_MAX 1000 /* of one mail; the rest is not looked at */

/* Without quoted mails. The array is in `a`, its texts are in `mail`. */
size_t sentences_read(struct arena *a, struct str mail, bool by_agent,
                      struct sentence **ret_sentences);
/* Takes a sentence off the front: up to a line break, or an end mark before a blank. */
bool sentence_take(struct str *rest, struct str *ret_sentence);
