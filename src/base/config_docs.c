#include "base/config.h"

#include <inttypes.h>

/*
 * docs/config.md out of the settings table, so that the page cannot differ from the program:
 * `deskstream config docs > docs/config.md`. Plain markdown, one table in the order of
 * config_table.h, which groups rows by what they belong to.
 */

static void cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_byte(out, '\\');
        buf_byte(out, *text);
    }
}

static void values(struct buf *out, const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_INT:
        buf_printf(out, "%" PRId64 " to %" PRId64, row->min, row->max);
        if (row->unit[0])
            buf_printf(out, " %s", row->unit);
        break;
    case CONFIG_BOOL: buf_text(out, "true or false"); break;
    case CONFIG_URL: buf_text(out, "http(s) address"); break;
    case CONFIG_SECRET: buf_text(out, "secret"); break;
    case CONFIG_TEXT: buf_text(out, "text"); break;
    }
}

void config_docs(struct buf *out)
{
    buf_text(
        out,
        "# Configuration\n\n"
        "<!-- Written by `deskstream config docs`; edit src/base/config_table.h instead. -->\n\n"
        "Settings come from the environment, then from `.env` in the working directory, then "
        "from the\ndefaults below. All faults are reported together at the start, and the "
        "program ends with status 2.\nAn empty number or switch means its default. "
        "`deskstream config show` prints what is in force and\nwhere it came from, with "
        "secrets masked; `deskstream config validate` tries each dependency.\n\n"
        "| Name | Default | Values | Meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
        const struct config_row *row = &config_rows[i];
        buf_printf(out, "| `%s` | ", row->name);
        if (row->otherwise[0])
            buf_printf(out, "`%s`", row->otherwise);
        buf_text(out, " | ");
        values(out, row);
        buf_text(out, " | ");
        cell(out, row->help);
        buf_text(out, " |\n");
    }
}
