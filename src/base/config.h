#pragma once
/*
 * All settings in one table (config_table.h). It drives reading (environment, then .env, then
 * default), checking (every fault reported together), `config show` and docs/config.md. The result
 * is an immutable snapshot.
 *
 * `.env` lines: KEY=VALUE, `export ` allowed, # comments (a # after white space in an unquoted value
 * too), single or double quotes; an unquoted value may hold spaces and is taken to the line's end
 * (CRON_SCHEDULE=0 1 * * *). CRLF and a BOM are fine. Other lines are passed over. An empty value
 * counts as set, empty; for a row that cannot be empty (numbers, BOOL, texts with min > 0) it means
 * the default. Of a name that the file has twice the last one counts.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/config_table.h"
#include "base/err.h"

enum config_type { CONFIG_TEXT, CONFIG_SECRET, CONFIG_INT, CONFIG_BOOL, CONFIG_URL };

#define CONFIG_FIELD_TEXT(field) const char *field;   /* "" when unset; never NULL */
#define CONFIG_FIELD_SECRET(field) const char *field; /* masked wherever it is shown */
#define CONFIG_FIELD_URL(field) const char *field; /* http(s)://host[:port][/path], no last '/' */
#define CONFIG_FIELD_INT(field) int64_t field;
#define CONFIG_FIELD_BOOL(field) bool field;
#define CONFIG_FIELD_(type, field, name, unit, otherwise, min, max, help) CONFIG_FIELD_##type(field)

#define CONFIG_ONE_(type, field, name, unit, otherwise, min, max, help) +1
#define CONFIG_ROW_COUNT (0 CONFIG_TABLE(CONFIG_ONE_))

/* Source of a value, for `config show`. */
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT };

struct config {
    CONFIG_TABLE(CONFIG_FIELD_)
    uint8_t sources[CONFIG_ROW_COUNT]; /* enum config_source, by row */
};

struct config_row {
    enum config_type type;
    const char *name; /* environment variable */
    const char *unit;
    const char *otherwise; /* default, as text */
    int64_t min, max;
    const char *help;
    size_t at; /* offset in struct config */
};
extern const struct config_row config_rows[CONFIG_ROW_COUNT];

/* Reads everything. `env` is a NULL-ended array of "K=V" (environ); `file` the text of .env, or empty.
 * Strings live in `a`. On faults returns E_CONFIG with all of them in `ret_faults`, one a line:
 * `PORT: "80000" is not a number from 1 to 65535`. Unknown names are not faults. */
int config_read(struct arena *a, char *const *env, struct str file, struct config *ret_config,
                struct buf *ret_faults) _must_check_;
/* Appends what in the file does not count and was perhaps meant to, one a line: lines that are no assignment,
 * and names that are nearly one of ours. Values are not repeated. `a` is for reading. */
void config_doubts(struct arena *a, struct str file, struct buf *ret_doubts);
/* Appends one row's value as text; secrets as "****" plus the last 4 when longer than 12. */
void config_show(struct buf *out, const struct config *c, const struct config_row *row);
/* Appends docs/config.md: a markdown table of all rows. */
void config_docs(struct buf *out);
