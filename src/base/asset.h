/*
 * base/asset.h: files compiled into the program: pages (web/) and prompts (config/prompts/).
 *
 * The build writes the table (tools/embed.sh), sorted by path, so a lookup is a binary search and
 * the program needs no directory beside it at run time.
 */
#pragma once

#include <stddef.h>

/* One embedded file. */
struct asset {
    const char *path; /* as in the source tree: "web/index.html", "config/prompts/ko/x.txt" */
    const char *type; /* media type for Content-Type, charset included for text */
    const unsigned char *data; /* len bytes, then one NUL that does not count; lives for ever */
    size_t len;                /* bytes */
};

extern const struct asset assets[]; /* sorted by path, byte order */
extern const size_t asset_count;

/* The asset of exactly that path, or NULL. Borrowed for ever. */
const struct asset *asset_find(const char *path);
