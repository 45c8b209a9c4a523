#pragma once
/*
 * Data between delimiters in a prompt: <ticket>...</ticket>, <source n="1">, <question>, <turn>, <context>,
 * <chat n="1">. What stands between them is foreign, so it can neither open nor close one.
 */
#include <stddef.h>

#include "base/buf.h"

/* Appends `text`, trimmed, cut on a code point at `bytes_max` (then with " …"). A '<' that begins one of the
 * tags becomes a full-width one. */
void fence_add(struct buf *out, struct str text, size_t bytes_max);
