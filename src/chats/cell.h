#pragma once
/* Texts as a spreadsheet's cell takes them, and how wide they look. Pure. */
#include "base/buf.h"
#include "base/str.h"

/* UTF-16 units that one cell of Excel holds ("Excel specifications and limits", total number of
 * characters that a cell can contain). */
enum { CELL_UNITS_MAX = 32767 };

/* Replaces what `out` holds by `s` as a cell may hold it: line ends become LF; characters that XML 1.0
 * does not allow (§2.2: most control characters, U+FFFE, U+FFFF) and bad UTF-8 become U+FFFD; a literal
 * "_x0041_", which a reader would decode (ECMA-376 ST_Xstring), is escaped as "_x005F_x0041_"; past
 * `units_max` UTF-16 units the text is cut and ends in "…". What begins with = + - @ is not changed: cells
 * are written as texts, never as formulas. */
void cell_text(struct buf *out, struct str s, size_t units_max);
/* Width of the widest line, in the unit of column widths: 1 for a Latin letter, 2 for Hangul, Han, Kana,
 * full-width forms and emoji, 0 for combining marks (UAX #11, the ranges that matter here). */
size_t cell_width(struct str s);
/* Lines that the text takes in a column of that width. */
size_t cell_lines(struct str s, size_t width);
