#pragma once
/*
 * The words and endings that tell sentences apart (sentence.c). English ones are in lower case; for sync/ only.
 */
#include <stddef.h>

#include "base/macro.h"
#include "base/str.h"

/* Where the first of the cues is in s, whatever the case of its Latin letters; SIZE_MAX: nowhere. */
size_t cues_find(struct str s, const struct str *cues, size_t count);

extern const struct str cue_quote_marks[7];   /* a quoted mail begins here */
extern const struct str cue_quote_authors[4]; /* ends the line before a quoted mail */
extern const struct str cue_head_first[4];    /* a quoted mail's head */
extern const struct str cue_head_next[9];     /* soon after the former */
extern const struct str cue_footers[16];      /* a footer by itself */
extern const struct str cue_this_mail[12];    /* a footer, with one of cue_legal */
extern const struct str cue_legal[11];        /* see cue_this_mail */
extern const struct str cue_team_endings[12]; /* a signature's end */
extern const struct str cue_signed[3];        /* behind a name */
extern const struct str cue_i_am[3];          /* with the signer's name: who writes */
extern const struct str cue_speaking[2];      /* who writes */
extern const struct str cue_greetings[15];    /* at the front */
extern const struct str cue_small_stems[63];  /* words that begin so are small talk */
extern const struct str cue_small_words[105]; /* words that are small talk */
extern const struct str cue_courtesies[93];   /* in a short sentence of an agent */
extern const struct str cue_ask_tails[22];    /* near the end: facts are wanted */
extern const struct str cue_asks[21];         /* facts are wanted */
extern const struct str cue_progress[81];     /* work goes on */
extern const struct str cue_unknown[20];      /* the cause is not known */
extern const struct str cue_announce[18]; /* with one of cue_announce_endings: something follows */
extern const struct str cue_announce_endings[26]; /* see cue_announce */
extern const struct str cue_causes[38];           /* a cause */
extern const struct str cue_advice[26];           /* an instruction */
extern const struct str cue_conditions[14];       /* may stand before an instruction */
extern const struct str cue_imperatives[33];      /* a Korean instruction's end */
extern const struct str cue_if[27]; /* with one of cue_outcomes: what to do, and what comes of it */
extern const struct str cue_outcomes[20];     /* see cue_if */
extern const struct str cue_done[58];         /* what was done */
extern const struct str cue_done_endings[10]; /* with one of cue_deeds: what was done */
extern const struct str cue_deeds[49];        /* see cue_done_endings */
extern const struct str cue_not[9];           /* was not done */
extern const struct str cue_fronts[21];       /* before a verb */
extern const struct str cue_verbs[239];       /* an instruction begins so */
