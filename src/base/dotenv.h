#pragma once
/*
 * The .env reader of config.c: one assignment a line, as config.h describes them. Lines that are no
 * assignment are passed over, since old files hold such lines and start today.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct dotenv {
    struct arena *arena; /* for values with escapes */
    struct str rest;
    int line;
};
#define DOTENV_INIT(arena_ptr, file)                                                               \
    {                                                                                              \
        .arena = (arena_ptr), .rest = (file)                                                       \
    }

struct dotenv_value {
    struct str text; /* borrowed from the file or the arena */
    int line;        /* from 1 */
    bool broken;     /* a quote is not closed on its line, or text follows it */
};

/* The next assignment; false at the end. */
bool dotenv_next(struct dotenv *d, struct str *ret_name, struct dotenv_value *ret_value);
/* The next line that dotenv_next passes over although it is neither empty nor a comment; false at the end. */
bool dotenv_next_odd(struct dotenv *d, int *ret_line);
