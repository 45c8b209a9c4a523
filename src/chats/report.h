#pragma once
/*
 * Makes the report of a span of days: numbers out of the store, rows in pages, workbook in the thread pool.
 *
 *   r = report_make(f, &spec, &file);      // E_NOT_FOUND: nothing was classified (message as the old one)
 *   log "... %s", file.path
 */
#include "chats/book.h"
#include "loop/flow.h"
#include "store/chat_figures.h"

struct report_spec {
    struct chat_figures_spec figures;
    const char *dir; /* REPORT_OUTPUT_DIR; made when it is not there */
    const char *organisation;
};
struct report_file {
    struct str path; /* arena */
    struct str name; /* its last part */
    uint64_t bytes;
    struct chat_figures figures;
    int64_t detail_count;
    bool elsewhere; /* the folder of the settings would not take it */
};
/* Writes 채팅키워드분류보고서_<day>.xlsx or ..._<from>_to_<to>.xlsx; an older one of that name is replaced when
 * the new one is whole. E_BUSY when results changed all the time while it was made. Suspends. */
int report_make(struct flow *f, const struct report_spec *spec, struct report_file *ret_file)
    _must_check_;

/* Removes reports (only files of our own names) older than that many days from the folder; returns how many.
 * 0 days removes nothing. */
int report_clean(struct flow *f, const char *dir, int64_t days, int64_t now_ms) _must_check_;
/* "채팅키워드분류보고서_2024-03-15.xlsx" and the name of a span; arena. */
struct str report_name(struct arena *a, struct day from, struct day to);
bool report_is_name(struct str name);
