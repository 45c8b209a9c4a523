/*
 * The report's workbook: file, sheets, formats, and the rows that come in pages.
 *
 *   book_open      sheets in their order; cover, numbers, tables and charts out of the figures
 *   book_details   each question twice: as the old system's sheet had it, and with all that is known
 *   book_commit    temporary file -> read again and counted (book_check.c) -> fsync -> rename
 *
 * The library writes each row to a temporary file beside the report when the next one begins, so memory
 * holds a row a sheet and the figures.
 * Fails: the library does not look at what its writes say, hence the streams' error flags are asked before
 * closing and the finished file is read again; a full disk is -ENOSPC with the path, whatever the library
 * made of it. A sheet that is full is followed by another ("상세 2").
 * Invariant: under the report's own name there is never an unfinished file.
 */
#include "chats/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "chats/cell.h"
#include "chats/sheet.h"

/* Excel's rows but the head: "Excel specifications and limits". */
#define ROWS_MAX UINT64_C(1048575)

/* ---- formats ---- */

static const char font[] =
    "맑은 고딕"; /* Windows' Korean font; elsewhere one of the family is taken */

struct look_row {
    double size;
    uint32_t color, ground; /* 0: none */
    const char *number;
    uint8_t align;
    bool bold, border, wrap, italic;
};
/* clang-format off */
static const struct look_row look_rows[LOOK_COUNT] = {
    [LOOK_TITLE]    = {.size = 20, .color = 0x1F3864, .bold = true},
    [LOOK_SUBTITLE] = {.size = 11, .color = 0x595959},
    [LOOK_SECTION]  = {.size = 12, .color = 0x1F4E78, .bold = true},
    [LOOK_HEAD]     = {.size = 10, .color = 0xFFFFFF, .ground = 0x1F4E78, .bold = true, .border = true, .align = LXW_ALIGN_CENTER},
    [LOOK_LABEL]    = {.size = 10, .color = 0x1F3864, .ground = 0xEAF1F8, .border = true},
    [LOOK_TEXT]     = {.size = 10, .border = true},
    [LOOK_WRAP]     = {.size = 10, .border = true, .wrap = true},
    [LOOK_CENTER]   = {.size = 10, .border = true, .align = LXW_ALIGN_CENTER},
    [LOOK_NUMBER]   = {.size = 10, .border = true, .number = "#,##0"},
    [LOOK_STRONG]   = {.size = 10, .border = true, .number = "#,##0", .bold = true},
    [LOOK_PERCENT]  = {.size = 10, .border = true, .number = "0.0%"},
    [LOOK_CHANGE]   = {.size = 10, .border = true, .number = "[Blue]+0.0%;[Red]-0.0%;0.0%"},
    [LOOK_MONEY]    = {.size = 10, .border = true, .number = "#,##0.00"},
    [LOOK_DATE]     = {.size = 10, .border = true, .number = "yyyy-mm-dd", .align = LXW_ALIGN_CENTER},
    [LOOK_TIME]     = {.size = 10, .border = true, .number = "yyyy-mm-dd hh:mm:ss", .align = LXW_ALIGN_CENTER},
    [LOOK_NOTE]     = {.size = 9, .color = 0x7F7F7F, .italic = true},
    [LOOK_GOOD]     = {.size = 10, .border = true, .color = 0x375623, .ground = 0xE2EFDA, .align = LXW_ALIGN_CENTER},
    [LOOK_BAD]      = {.size = 10, .border = true, .color = 0x9C0006, .ground = 0xFFC7CE, .align = LXW_ALIGN_CENTER},
    [LOOK_SPAN]     = {.size = 10, .border = true, .align = LXW_ALIGN_CENTER_ACROSS},
    [LOOK_HEAT]     = {.size = 9, .border = true, .number = "#,##0", .align = LXW_ALIGN_CENTER},
};
/* clang-format on */

static lxw_format *make_look(struct book *b, const struct look_row *row)
{
    lxw_format *f = workbook_add_format(b->native);
    format_set_font_name(f, font);
    format_set_font_family(f, 3);    /* modern: what a missing font is replaced by */
    format_set_font_charset(f, 129); /* Hangul */
    format_set_font_size(f, row->size);
    format_set_align(f, LXW_ALIGN_VERTICAL_CENTER);
    if (row->color != 0)
        format_set_font_color(f, row->color);
    if (row->ground != 0)
        format_set_bg_color(f, row->ground);
    if (row->bold)
        format_set_bold(f);
    if (row->italic)
        format_set_italic(f);
    if (row->wrap)
        format_set_text_wrap(f);
    if (row->number != NULL)
        format_set_num_format(f, row->number);
    if (row->align != 0)
        format_set_align(f, row->align);
    else if (row->number == NULL && row->border)
        format_set_indent(f, 1);
    if (row->border) {
        format_set_border(f, LXW_BORDER_THIN);
        format_set_border_color(f, 0xD0D7DE);
    }
    return f;
}

/* ---- open ---- */

static struct book *make_book(const char *path, const struct chat_figures *figures)
{
    struct book *b = mem_alloc(sizeof(*b));
    struct buf name = BUF_INIT(0);
    b->figures = figures;
    b->row_limit = ROWS_MAX;
    b->path = mem_strdup(path);
    buf_printf(&name, "%s.tmp", path);
    b->temporary = mem_strdup(name.ptr);
    buf_done(&name);
    b->dir = mem_strdup(path);
    char *slash = strrchr(b->dir, '/');
    if (slash == NULL) {
        mem_free(b->dir);
        b->dir = mem_strdup(".");
    } else {
        slash[slash == b->dir] = '\0';
    }
    return b;
}

static void add_properties(struct book *b)
{
    char text[] = "채팅 키워드 분류 보고서", author[] = "Deskstream";
    lxw_doc_properties p = {.title = text, .author = author};
    workbook_set_properties(b->native, &p);
}

/* The place for a report must take files before hours of work go into one. */
static int try_place(struct book *b, struct err *err)
{
    int r = fault_check("book.open", -ENOSPC);
    int fd = r < 0 ? -1 : open(b->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (r >= 0 && fd < 0)
        r = -errno;
    if (fd >= 0)
        close(fd);
    return r < 0 ? err_set(err, r, "%s: %s", b->temporary, err_text(r)) : 0;
}

int book_open(const char *path, const struct chat_figures *figures, struct book **ret_book,
              struct err *err)
{
    struct book *b = make_book(path, figures);
    int r = try_place(b, err);
    if (r < 0) {
        book_free(b);
        return r;
    }
    lxw_workbook_options options = {.constant_memory = 1, .tmpdir = b->dir};
    b->native = workbook_new_opt(b->temporary, &options);
    if (b->native == NULL) {
        book_free(b);
        return err_set(err, -ENOMEM, "%s: the workbook library gave none", path);
    }
    for (size_t i = 0; i < LOOK_COUNT; i++)
        b->looks[i] = make_look(b, &look_rows[i]);
    add_properties(b);
    book_cover(b);
    book_indicators(b);
    book_tables(b);
    *ret_book = b;
    return 0;
}

void book_row_limit(struct book *b, size_t row_count_max)
{
    b->row_limit = row_count_max != 0 ? row_count_max : ROWS_MAX;
}

/* ---- rows in pages ---- */

static const char *const old_titles[] = {"질문내용", "키워드", "카테고리", "질문횟수", "생성일시"};
static const char *const detail_titles[] = {"날짜",   "질문내용", "상태",        "카테고리",
                                            "키워드", "질문횟수", "신뢰도",      "근거 문장",
                                            "사유",   "첫 접수",  "마지막 접수", "모델"};

static struct sheet *begin_part(struct book *b, const char *name, uint64_t part,
                                const char *const *titles, size_t count)
{
    char text[64];
    if (part == 1)
        snprintf(text, sizeof(text), "%s", name);
    else
        snprintf(text, sizeof(text), "%s %llu", name, (unsigned long long)part);
    struct sheet *s = sheet_new(b, text);
    if (s != NULL)
        sheet_head(s, titles, count);
    return s;
}

static void end_part(struct sheet *s, size_t column_count, const uint16_t *fixed)
{
    if (s == NULL)
        return;
    sheet_widths(s, column_count, fixed, 60);
    sheet_filter(s, column_count);
}

/* Columns are measured in letters of 11 points, these are of 10. */
#define LETTERS(width) ((width)*23 / 20)
enum { TEXT_WIDTH = 64, KEYWORD_WIDTH = 32, QUOTE_WIDTH = 44, REASON_WIDTH = 36 };

static size_t lines_of(const struct chat_detail *d)
{
    size_t lines = cell_lines(d->text, LETTERS(TEXT_WIDTH));
    lines = MAX(lines, cell_lines(d->keywords, LETTERS(KEYWORD_WIDTH)));
    lines = MAX(lines, cell_lines(d->quote, LETTERS(QUOTE_WIDTH)));
    return MAX(lines, cell_lines(d->reason, LETTERS(REASON_WIDTH)));
}

static void end_old(struct book *b)
{
    static const uint16_t fixed[ARRAY_COUNT(old_titles)] = {TEXT_WIDTH, KEYWORD_WIDTH, 0, 0, 0};
    end_part(b->old, ARRAY_COUNT(old_titles), fixed);
    b->old = NULL;
}

static void end_detail(struct book *b)
{
    static const uint16_t fixed[ARRAY_COUNT(detail_titles)] = {
        0, TEXT_WIDTH, 0, 0, KEYWORD_WIDTH, 0, 0, QUOTE_WIDTH, REASON_WIDTH, 0, 0, 0};
    end_part(b->detail, ARRAY_COUNT(detail_titles), fixed);
    b->detail = NULL;
}

static void write_old(struct book *b, const struct chat_detail *d)
{
    if (b->old != NULL && b->old->row_count > b->row_limit)
        end_old(b);
    if (b->old == NULL)
        b->old = begin_part(b, "채팅키워드분류", ++b->old_parts, old_titles,
                            ARRAY_COUNT(old_titles));
    struct sheet *s = b->old;
    if (s == NULL)
        return;
    sheet_row_of(s, MAX(cell_lines(d->text, LETTERS(TEXT_WIDTH)),
                        cell_lines(d->keywords, LETTERS(KEYWORD_WIDTH))));
    sheet_str(s, 0, d->text, LOOK_WRAP);
    sheet_str(s, 1, d->keywords, LOOK_WRAP);
    sheet_str(s, 2, d->category, LOOK_TEXT);
    sheet_number(s, 3, (double)d->chat_count, LOOK_NUMBER);
    sheet_day(s, 4, d->day);
}

static void confidence_cell(struct sheet *s, unsigned column, const struct chat_detail *d)
{
    if (d->confidence >= 0)
        sheet_number(s, column, d->confidence, LOOK_PERCENT);
    else
        sheet_text(s, column, "", LOOK_TEXT);
}

static void write_detail(struct book *b, const struct chat_detail *d)
{
    if (b->detail != NULL && b->detail->row_count > b->row_limit)
        end_detail(b);
    if (b->detail == NULL)
        b->detail = begin_part(b, "상세", ++b->detail_parts, detail_titles,
                               ARRAY_COUNT(detail_titles));
    struct sheet *s = b->detail;
    if (s == NULL)
        return;
    sheet_row_of(s, lines_of(d));
    sheet_day(s, 0, d->day);
    sheet_str(s, 1, d->text, LOOK_WRAP);
    sheet_text(s, 2, d->failed ? "실패" : "분류", d->failed ? LOOK_BAD : LOOK_GOOD);
    sheet_str(s, 3, d->category, LOOK_TEXT);
    sheet_str(s, 4, d->keywords, LOOK_WRAP);
    sheet_number(s, 5, (double)d->chat_count, LOOK_NUMBER);
    confidence_cell(s, 6, d);
    sheet_str(s, 7, d->quote, LOOK_WRAP);
    sheet_str(s, 8, d->reason, LOOK_WRAP);
    sheet_time(s, 9, d->first_at);
    sheet_time(s, 10, d->last_at);
    sheet_str(s, 11, d->model, LOOK_CENTER);
}

static int library_error(struct book *b, struct err *err)
{
    if (b->failed == LXW_NO_ERROR)
        return 0;
    return err_set(err, E_LIMIT, "%s: %s", b->path, lxw_strerror(b->failed));
}

/* A stream that could not be written remembers it; asked now and then so that a full disk is told early. */
static int stream_error(struct book *b, struct err *err)
{
    int r = fault_check("book.write", -ENOSPC);
    if (r < 0)
        return err_set(err, r, "%s: %s", b->temporary, err_text(r));
    for (size_t i = 0; i < b->sheet_count; i++) {
        FILE *file = b->sheets[i]->native->optimize_tmpfile;
        if (file == NULL)
            return err_set(err, -EIO, "%s: no temporary file", b->dir);
        errno = 0;
        if (fflush(file) == 0 && !ferror(file))
            continue;
        r = errno != 0 ? -errno : -ENOSPC;
        return err_set(err, r, "%s: %s", b->temporary, err_text(r));
    }
    return 0;
}

int book_details(struct book *b, const struct chat_detail *rows, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].failed)
            write_old(b, &rows[i]);
        write_detail(b, &rows[i]);
        b->detail_count++;
    }
    int r = library_error(b, err);
    return r < 0 ? r : stream_error(b, err);
}

int book_doubts(struct book *b, const struct chat_detail *rows, size_t count, struct err *err)
{
    struct sheet *s = b->doubt;
    for (size_t i = 0; i < count; i++) {
        const struct chat_detail *d = &rows[i];
        if (s->row_count >= b->row_limit)
            break; /* the rest stands in the details */
        sheet_row_of(s, lines_of(d));
        sheet_day(s, 0, d->day);
        sheet_str(s, 1, d->text, LOOK_WRAP);
        sheet_text(s, 2, d->failed ? "실패" : "분류", d->failed ? LOOK_BAD : LOOK_GOOD);
        sheet_str(s, 3, d->category, LOOK_TEXT);
        confidence_cell(s, 4, d);
        sheet_str(s, 5, d->quote, LOOK_WRAP);
        sheet_number(s, 6, (double)d->chat_count, LOOK_NUMBER);
        sheet_str(s, 7, d->reason, LOOK_WRAP);
        b->doubt_count++;
    }
    int r = library_error(b, err);
    return r < 0 ? r : stream_error(b, err);
}

/* ---- commit ---- */

/* A list without rows says so, and so that filters have a range. */
static void fill_empty(struct book *b)
{
    /* Of the columns that book_tables.c titled. */
    static const uint16_t doubt_widths[] = {0, TEXT_WIDTH, 0, 0, 0, QUOTE_WIDTH, 0, REASON_WIDTH};
    if (b->old == NULL) {
        b->old = begin_part(b, "채팅키워드분류", ++b->old_parts, old_titles,
                            ARRAY_COUNT(old_titles));
    }
    if (b->detail == NULL)
        b->detail = begin_part(b, "상세", ++b->detail_parts, detail_titles,
                               ARRAY_COUNT(detail_titles));
    end_old(b);
    end_detail(b);
    end_part(b->doubt, ARRAY_COUNT(doubt_widths), doubt_widths);
}

/* The library's own word is only "zip error": what the system says is more use. */
static int close_native(struct book *b, struct err *err)
{
    errno = 0;
    lxw_error e = workbook_close(b->native); /* frees it whatever it returns */
    int system_error = errno;
    b->native = NULL;
    if (e == LXW_NO_ERROR)
        return 0;
    int r = system_error == ENOSPC || system_error == EACCES || system_error == EDQUOT ||
                    system_error == EIO
                ? -system_error
                : E_LIMIT;
    return err_set(err, r, "%s: %s", b->path, r == E_LIMIT ? lxw_strerror(e) : err_text(r));
}

static int sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return r < 0 ? err_set(err, r, "%s: %s", path, err_text(r)) : 0;
}

/* Closing needs a copy of the largest sheet and the compressed whole: told before the library begins, since
 * it leaves streams open when it fails in the middle. */
static int room_error(struct book *b, struct err *err)
{
    uint64_t total = 0, largest = 0;
    for (size_t i = 0; i < b->sheet_count; i++) {
        struct stat st;
        if (fstat(fileno(b->sheets[i]->native->optimize_tmpfile), &st) < 0)
            continue;
        total += (uint64_t)st.st_size;
        largest = MAX(largest, (uint64_t)st.st_size);
    }
    struct statvfs fs;
    if (statvfs(b->dir, &fs) < 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= largest + total / 2)
        return 0;
    return err_set(err, -ENOSPC, "%s: %s; %llu MiB more are needed", b->path, err_text(-ENOSPC),
                   (unsigned long long)((largest + total / 2) >> 20) + 1);
}

int book_commit(struct book *b, struct err *err)
{
    fill_empty(b);
    book_dictionary(b);
    int r = library_error(b, err);
    if (r >= 0)
        r = stream_error(b, err);
    if (r >= 0)
        r = room_error(b, err);
    if (r >= 0)
        r = close_native(b, err);
    if (r >= 0)
        r = book_check(b->temporary, b->sheets, b->sheet_count, err);
    if (r >= 0)
        r = sync_path(b->temporary, O_RDONLY, err);
    if (r < 0)
        return r;
    if (rename(b->temporary, b->path) < 0)
        return err_set(err, -errno, "%s: %s", b->path, err_text(-errno));
    mem_free(TAKE(b->temporary));
    return sync_path(b->dir, O_RDONLY | O_DIRECTORY, err);
}

/* The library's free leaves the sheets' streams open. */
static void free_native(struct book *b)
{
    for (size_t i = 0; i < b->sheet_count; i++)
        if (b->sheets[i]->native->optimize_tmpfile != NULL)
            fclose(TAKE(b->sheets[i]->native->optimize_tmpfile));
    lxw_workbook_free(b->native);
}

void book_free(struct book *b)
{
    if (b == NULL)
        return;
    if (b->native != NULL)
        free_native(b);
    if (b->temporary != NULL)
        unlink(b->temporary);
    for (size_t i = 0; i < b->sheet_count; i++)
        mem_free(b->sheets[i]);
    buf_done(&b->text);
    mem_free(b->path);
    mem_free(b->temporary);
    mem_free(b->dir);
    mem_free(b);
}
