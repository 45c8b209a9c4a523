#pragma once
/* One sheet of the workbook while it is written: a cursor of rows, formats, widths. For chats/book*.c only,
 * the one place that sees libxlsxwriter. Rows are written top to bottom and not touched again: the library
 * keeps one row of each sheet in memory (constant_memory). */
#include <stdbool.h>
#include <stdint.h>
#include <xlsxwriter.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/chat_figures.h"

#define LOOKS(X)                                                                                   \
    X(TITLE)                                                                                       \
    X(SUBTITLE)                                                                                    \
    X(SECTION)                                                                                     \
    X(HEAD)                                                                                        \
    X(LABEL)                                                                                       \
    X(TEXT)                                                                                        \
    X(WRAP)                                                                                        \
    X(CENTER)                                                                                      \
    X(NUMBER)                                                                                      \
    X(STRONG)                                                                                      \
    X(PERCENT)                                                                                     \
    X(CHANGE)                                                                                      \
    X(MONEY)                                                                                       \
    X(DATE)                                                                                        \
    X(TIME)                                                                                        \
    X(NOTE)                                                                                        \
    X(GOOD)                                                                                        \
    X(BAD)                                                                                         \
    X(SPAN)                                                                                        \
    X(HEAT)
#define LOOK_ENUM_(name) LOOK_##name,
enum look { LOOKS(LOOK_ENUM_) LOOK_COUNT };
#undef LOOK_ENUM_

enum { SHEET_COLUMNS_MAX = 32, BOOK_SHEETS_MAX = 64 };

struct sheet {
    struct book *book;
    lxw_worksheet *native;
    lxw_row_t row;      /* the one being written */
    lxw_row_t next;     /* the one after */
    uint64_t row_count; /* rows that hold a cell */
    lxw_row_t head_row; /* of the table, for filters */
    uint16_t widths[SHEET_COLUMNS_MAX];
    char name[LXW_MAX_SHEETNAME_LENGTH];
};

/* What sheets of one book share. */
struct book {
    lxw_workbook *native;
    lxw_format *looks[LOOK_COUNT];
    char *path, *temporary, *dir;
    const struct chat_figures *figures;
    struct sheet *sheets[BOOK_SHEETS_MAX]; /* in the order of the file's parts */
    size_t sheet_count;
    struct sheet *old, *detail, *doubt;
    uint64_t old_parts, detail_parts, row_limit;
    uint64_t detail_count, doubt_count;
    struct buf text;  /* one cell */
    lxw_error failed; /* the first error of the library */
};

struct sheet *sheet_new(struct book *b, const char *name);
/* Begins the next row, `skip` rows further down. Each row that is begun gets a cell. */
void sheet_row(struct sheet *s, unsigned skip, double height);
/* The same with room for so many lines of wrapped text. */
void sheet_row_of(struct sheet *s, size_t line_count);
void sheet_str(struct sheet *s, unsigned column, struct str text, enum look look);
void sheet_text(struct sheet *s, unsigned column, const char *text, enum look look);
void sheet_number(struct sheet *s, unsigned column, double value, enum look look);
/* "2024-03-15" as a real date; a text that is none stays text. */
void sheet_day(struct sheet *s, unsigned column, struct str day);
/* Milliseconds of local time (already shifted) as date and time; WALL_NONE leaves the cell empty. */
void sheet_time(struct sheet *s, unsigned column, int64_t local_ms);
/* A row of column titles; it is frozen, repeated in print and filtered by sheet_end when `filter`. */
void sheet_head(struct sheet *s, const char *const *titles, size_t count);
/* Widths by what was written, within `width_max`; `fixed` (0: by content) overrides the column. */
void sheet_widths(struct sheet *s, size_t count, const uint16_t *fixed, uint16_t width_max);
void sheet_filter(struct sheet *s, size_t column_count);

/* A native chart fed by ranges of a sheet, so that it follows what a reader changes there. */
struct chart_range {
    lxw_row_t first_row;
    lxw_col_t first_column;
    lxw_row_t last_row;
    lxw_col_t last_column;
};
struct chart_spec {
    const struct sheet *from;
    struct chart_range categories, values;
    const char *title;
    uint8_t type; /* LXW_CHART_... */
    uint32_t color;
    double width, height; /* pixels */
    bool labels, reverse;
};
void sheet_chart(struct sheet *s, lxw_row_t row, unsigned column, const struct chart_spec *spec);

/* book_front.c, book_tables.c */
void book_cover(struct book *b);
void book_indicators(struct book *b);
void book_tables(struct book *b);
void book_dictionary(struct book *b);
/* book_check.c: reads the file again: every part whole, rows of each sheet as written. */
int book_check(const char *path, struct sheet *const *sheets, size_t count, struct err *err)
    _must_check_;
