#pragma once
/* Checking that a quote really stands in its source, and cutting texts into sentences. No I/O. */
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* True when `quote` stands in `source`; runs of white space count as one space. A quote has at least 4 code
 * points, or is the whole of a shorter source. */
bool quote_stands_in(struct arena *a, struct str source, struct str quote);
/* Cuts the next sentence (ends with . ! ? 。 or a line break) off `rest`; false when used up. Empty ones
 * are passed over. */
bool sentence_cut(struct str *rest, struct str *ret_sentence);
