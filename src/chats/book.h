#pragma once
/*
 * The report's workbook, written row by row: memory does not grow with the rows.
 *
 *   _cleanup_(book_free) struct book *b = NULL;
 *   r = book_open(path, figures, &b, err);        // cover, numbers, tables, charts
 *   while (...) r = book_details(b, rows, n, err);   // pages of questions, in the order they shall stand
 *   r = book_commit(b, err);                      // under its name only when whole and checked
 *
 * Blocking: called from the thread pool, one call at a time, not always by the same thread.
 * Errors: -ENOSPC and other codes of the system with the path; E_LIMIT when the file cannot be what it
 * should be (the check after writing counts rows). What was begun is removed.
 */
#include <stddef.h>

#include "base/err.h"
#include "store/chat_figures.h"

struct book;

/* `figures` must live until the book is freed. */
int book_open(const char *path, const struct chat_figures *figures, struct book **ret_book,
              struct err *err) _must_check_;
int book_details(struct book *b, const struct chat_detail *rows, size_t count, struct err *err)
    _must_check_;
/* Rows of the list of answers to look at again: low confidence and failed ones. */
int book_doubts(struct book *b, const struct chat_detail *rows, size_t count, struct err *err)
    _must_check_;
int book_commit(struct book *b, struct err *err) _must_check_;
void book_free(struct book *b); /* NULL is fine */
static inline void book_freep(struct book **b)
{
    book_free(*b);
}

/* For tests: rows a sheet takes before another is begun; 0: Excel's own limit. */
void book_row_limit(struct book *b, size_t row_count_max);
