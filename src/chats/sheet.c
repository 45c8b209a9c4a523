/*
 * One sheet while it is written.
 *
 * The happy path: sheet_new, sheet_head, then sheet_row and its cells until the end; sheet_widths and
 * sheet_filter last, when it is known what there is.
 * Fails: the library's first error is kept in the book (told by the next page or the commit).
 * Invariant: rows go down only, as the library's constant_memory asks; row_count is what book_check counts.
 */
#include "chats/sheet.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/wall.h"
#include "chats/cell.h"

#define DAY_MS 86400000.0
#define LINES_MAX 20
#define EXCEL_EPOCH_DAYS 25569 /* 1970-01-01 in days since 1899-12-30 */

static void note(struct sheet *s, lxw_error e)
{
    if (e != LXW_NO_ERROR && s->book->failed == LXW_NO_ERROR)
        s->book->failed = e;
}

struct sheet *sheet_new(struct book *b, const char *name)
{
    if (b->sheet_count == BOOK_SHEETS_MAX) {
        b->failed = LXW_ERROR_WORKSHEET_INDEX_OUT_OF_RANGE;
        return NULL;
    }
    struct sheet *s = mem_alloc(sizeof(*s));
    s->book = b;
    snprintf(s->name, sizeof(s->name), "%s", name);
    s->native = workbook_add_worksheet(b->native, name);
    if (s->native == NULL) {
        b->failed = LXW_ERROR_PARAMETER_VALIDATION;
        mem_free(s);
        return NULL;
    }
    b->sheets[b->sheet_count++] = s;
    worksheet_set_landscape(s->native);
    worksheet_set_paper(s->native, 9); /* A4 */
    worksheet_fit_to_pages(s->native, 1, 0);
    worksheet_set_margins(s->native, 0.4, 0.4, 0.5, 0.5);
    char footer[LXW_MAX_SHEETNAME_LENGTH + 32];
    snprintf(footer, sizeof(footer), "&L&8%s&R&8&P / &N", name);
    note(s, worksheet_set_footer(s->native, footer));
    worksheet_gridlines(s->native, LXW_HIDE_ALL_GRIDLINES);
    return s;
}

void sheet_row(struct sheet *s, unsigned skip, double height)
{
    s->row = s->next + skip;
    s->next = s->row + 1;
    s->row_count++;
    if (height > 0)
        note(s, worksheet_set_row(s->native, s->row, height, NULL));
}

void sheet_row_of(struct sheet *s, size_t line_count)
{
    /* Not every reader fits rows to wrapped texts by itself. */
    sheet_row(s, 0, 4.5 + 13.5 * (double)MIN(MAX(line_count, (size_t)1), (size_t)LINES_MAX));
}

static void widen(struct sheet *s, unsigned column, size_t width)
{
    if (column < SHEET_COLUMNS_MAX)
        s->widths[column] = (uint16_t)MAX(s->widths[column], MIN(width, (size_t)255));
}

void sheet_str(struct sheet *s, unsigned column, struct str text, enum look look)
{
    struct buf *cell = &s->book->text;
    cell_text(cell, text, CELL_UNITS_MAX);
    if (cell->len == 0) {
        note(s, worksheet_write_blank(s->native, s->row, (lxw_col_t)column, s->book->looks[look]));
        return;
    }
    note(s, worksheet_write_string(s->native, s->row, (lxw_col_t)column, cell->ptr,
                                   s->book->looks[look]));
    if (look != LOOK_TITLE && look != LOOK_SUBTITLE && look != LOOK_SECTION && look != LOOK_NOTE)
        widen(s, column, cell_width(buf_view(cell)));
}

void sheet_text(struct sheet *s, unsigned column, const char *text, enum look look)
{
    sheet_str(s, column, str_from(text), look);
}

void sheet_number(struct sheet *s, unsigned column, double value, enum look look)
{
    char text[64];
    note(s,
         worksheet_write_number(s->native, s->row, (lxw_col_t)column, value, s->book->looks[look]));
    int n = snprintf(text, sizeof(text), "%.1f", value);
    widen(s, column, (size_t)n + (size_t)n / 3);
}

void sheet_day(struct sheet *s, unsigned column, struct str day)
{
    int64_t at_ms;
    if (day.len != 10 || !wall_parse_iso(day, &at_ms)) {
        sheet_str(s, column, day, LOOK_CENTER);
        return;
    }
    note(s, worksheet_write_number(s->native, s->row, (lxw_col_t)column,
                                   (double)at_ms / DAY_MS + EXCEL_EPOCH_DAYS,
                                   s->book->looks[LOOK_DATE]));
    widen(s, column, 11);
}

void sheet_time(struct sheet *s, unsigned column, int64_t local_ms)
{
    if (local_ms == WALL_NONE) {
        sheet_text(s, column, "", LOOK_TEXT);
        return;
    }
    double days = (double)local_ms / DAY_MS + EXCEL_EPOCH_DAYS;
    note(s, worksheet_write_number(s->native, s->row, (lxw_col_t)column, days,
                                   s->book->looks[LOOK_TIME]));
    widen(s, column, 20);
}

void sheet_head(struct sheet *s, const char *const *titles, size_t count)
{
    sheet_row(s, s->next > 0, 22);
    s->head_row = s->row;
    for (size_t i = 0; i < count; i++) {
        sheet_text(s, (unsigned)i, titles[i], LOOK_HEAD);
        widen(s, (unsigned)i, cell_width(str_from(titles[i])) + 4); /* the filter's button */
    }
}

void sheet_widths(struct sheet *s, size_t count, const uint16_t *fixed, uint16_t width_max)
{
    for (size_t i = 0; i < count && i < SHEET_COLUMNS_MAX; i++) {
        uint16_t width = MIN(MAX(s->widths[i], (uint16_t)5), width_max);
        if (fixed != NULL && fixed[i] != 0)
            width = fixed[i];
        note(s, worksheet_set_column(s->native, (lxw_col_t)i, (lxw_col_t)i, width + 1.5, NULL));
    }
}

void sheet_filter(struct sheet *s, size_t column_count)
{
    worksheet_freeze_panes(s->native, s->head_row + 1, 0);
    note(s, worksheet_repeat_rows(s->native, s->head_row, s->head_row));
    note(s, worksheet_autofilter(s->native, s->head_row, 0, MAX(s->row, s->head_row),
                                 (lxw_col_t)(column_count - 1)));
}

/* ---- charts ---- */

static char chart_font_name[] = "맑은 고딕";

static lxw_chart_font font_of(double size, uint32_t color, bool bold)
{
    /* bold 0 means the default, which for titles is bold; 2 (LXW_EXPLICIT_FALSE) switches it off. */
    return (lxw_chart_font){.name = chart_font_name,
                            .size = size,
                            .bold = bold ? LXW_TRUE : LXW_EXPLICIT_FALSE,
                            .color = color};
}

void sheet_chart(struct sheet *s, lxw_row_t row, unsigned column, const struct chart_spec *spec)
{
    lxw_chart *chart = workbook_add_chart(s->book->native, spec->type);
    lxw_chart_series *series = chart_add_series(chart, NULL, NULL);
    const char *name = spec->from->name;
    const struct chart_range *c = &spec->categories, *v = &spec->values;
    chart_series_set_categories(series, name, c->first_row, c->first_column, c->last_row,
                                c->last_column);
    chart_series_set_values(series, name, v->first_row, v->first_column, v->last_row,
                            v->last_column);
    lxw_chart_fill fill = {.color = spec->color};
    lxw_chart_line none = {.none = LXW_TRUE}, thick = {.color = spec->color, .width = 2.25f},
                   pale = {.color = 0xE3E7EB, .width = 0.75f};
    lxw_chart_font small = font_of(9, 0x404040, false), head = font_of(12, 0x1F3864, true);
    if (spec->type == LXW_CHART_LINE) {
        chart_series_set_line(series, &thick);
        chart_series_set_marker_type(series, LXW_CHART_MARKER_CIRCLE);
        chart_series_set_marker_fill(series, &fill);
        chart_series_set_marker_line(series, &thick);
        chart_axis_set_num_format(chart->x_axis, "mm-dd"); /* lines are over days */
    } else {
        chart_series_set_fill(series, &fill);
        chart_series_set_line(series, &none);
        chart_set_series_gap(chart, 45);
    }
    if (spec->labels) {
        chart_series_set_labels(series);
        chart_series_set_labels_font(series, &small);
        chart_series_set_labels_num_format(series, "#,##0");
    }
    chart_title_set_name(chart, spec->title);
    chart_title_set_name_font(chart, &head);
    chart_legend_set_position(chart, LXW_CHART_LEGEND_NONE);
    /* The library exchanges the axes of bar charts. */
    bool bars = spec->type == LXW_CHART_BAR;
    lxw_chart_axis *names = bars ? chart->y_axis : chart->x_axis;
    lxw_chart_axis *values = bars ? chart->x_axis : chart->y_axis;
    chart_axis_set_num_font(names, &small);
    chart_axis_set_num_font(values, &small);
    chart_axis_set_num_format(values, "#,##0");
    chart_axis_set_min(values, 0);
    chart_axis_set_line(values, &none);
    chart_axis_major_gridlines_set_visible(values, LXW_TRUE);
    chart_axis_major_gridlines_set_line(values, &pale);
    if (bars)
        chart_axis_major_gridlines_set_visible(names, LXW_FALSE);
    if (spec->labels) { /* the numbers stand at the bars */
        chart_axis_off(values);
        chart_axis_major_gridlines_set_visible(values, LXW_FALSE);
    }
    if (spec->reverse)
        chart_axis_set_reverse(names);
    lxw_chart_line frame = {.color = 0xD0D7DE, .width = 0.75f};
    chart_chartarea_set_line(chart, &frame);
    char words[128];
    snprintf(words, sizeof(words), "%s", spec->title);
    lxw_chart_options options = {.x_scale = spec->width / 480,
                                 .y_scale = spec->height / 288,
                                 .object_position = LXW_OBJECT_MOVE_DONT_SIZE,
                                 .description = words};
    note(s, worksheet_insert_chart_opt(s->native, row, (lxw_col_t)column, chart, &options));
}
