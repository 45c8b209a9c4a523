#include "base/config.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/dotenv.h"
#include "base/log.h"

/*
 * The settings table at work. For each row: environment, else .env, else default; then the check of
 * its type; then the few rules that a type cannot say. A fault never stops the reading, so that one
 * start shows all of them.
 *
 * Faults quote the value, except of secrets and of addresses (which may hold a password by mistake).
 * Invariant: *ret_config is written only when there was no fault, and then every text is non-NULL.
 */

#define ROW_(type, field, name, unit, otherwise, min, max, help)                                   \
    {CONFIG_##type, name, unit, otherwise, min, max, help, offsetof(struct config, field)},
const struct config_row config_rows[CONFIG_ROW_COUNT] = {CONFIG_TABLE(ROW_)};
#undef ROW_

static void *field_of(struct config *c, const struct config_row *row)
{
    return (char *)c + row->at;
}

static const void *field_get(const struct config *c, const struct config_row *row)
{
    return (const char *)c + row->at;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
            return true;
    return false;
}

static bool parse_bool(struct str s, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_eq_nocase(s, str_from(words[i]))) {
            *ret_value = i % 2;
            return true;
        }
    }
    return false;
}

static bool is_host(struct str s)
{
    bool six = str_starts(s, STR("[")) && str_ends(s, STR("]"));
    if (six)
        s = str_sub(s, 1, s.len - 2);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !(six ? c == ':' || c == '.' : c == '-' || c == '.' || c == '_'))
            return false;
    }
    return s.len > 0;
}

/* Why `url` is no base address of ours, or NULL; trailing slashes are cut off *ret_url. */
static const char *check_url(struct str url, struct str *ret_url)
{
    bool tls = str_starts_nocase(url, STR("https://"));
    if (!tls && !str_starts_nocase(url, STR("http://")))
        return "does not begin with http:// or https://";
    for (size_t i = 0; i < url.len; i++) {
        if ((unsigned char)url.ptr[i] <= 0x20 || (unsigned char)url.ptr[i] >= 0x7F ||
            memchr("\"<>\\^`{|}", url.ptr[i], 9))
            return "has a character that an address cannot have";
        if (url.ptr[i] == '?' || url.ptr[i] == '#')
            return "must not have a query or fragment";
    }
    struct str rest = str_sub(url, tls ? 8 : 7, SIZE_MAX);
    size_t slash = str_find(rest, STR("/"), 0);
    struct str host = str_sub(rest, 0, slash);
    if (str_find(host, STR("@"), 0) != SIZE_MAX)
        return "must not hold a user name or password";
    size_t bracket = str_find(host, STR("]"), 0);
    size_t colon = str_find(host, STR(":"), bracket == SIZE_MAX ? 0 : bracket);
    if (colon != SIZE_MAX) {
        int64_t port;
        if (!str_to_i64(str_sub(host, colon + 1, SIZE_MAX), &port) || port < 1 || port > 65535)
            return "has a port that is not a number from 1 to 65535";
        host = str_sub(host, 0, colon);
    }
    if (!is_host(host))
        return "has no valid host name";
    while (str_ends(url, STR("/")))
        url.len--;
    *ret_url = url;
    return NULL;
}

static void fault(struct buf *faults, const struct config_row *row, const char *why)
{
    buf_printf(faults, "%s: %s\n", row->name, why);
}

/* Checks one value and stores it. */
static void set_number(struct config *c, const struct config_row *row, struct str s,
                       struct buf *faults)
{
    int64_t number;
    if (!str_to_i64(s, &number) || number < row->min || number > row->max)
        buf_printf(faults, "%s: \"%.*s\" is not a number from %" PRId64 " to %" PRId64 "\n",
                   row->name, STR_ARG(str_cut_utf8(s, 64)), row->min, row->max);
    else
        *(int64_t *)field_of(c, row) = number;
}

static void set_text(struct arena *a, struct config *c, const struct config_row *row, struct str s,
                     struct buf *faults)
{
    if (row->type == CONFIG_URL && s.len) {
        const char *why = check_url(s, &s);
        if (why) {
            fault(faults, row, why);
            return;
        }
    }
    if (s.len < (size_t)row->min || (row->max && s.len > (size_t)row->max))
        buf_printf(faults, "%s: must have from %" PRId64 " to %" PRId64 " bytes, has %zu\n",
                   row->name, row->min, row->max, s.len);
    else
        *(const char **)field_of(c, row) = arena_text(a, s);
}

static void set(struct arena *a, struct config *c, const struct config_row *row, struct str s,
                struct buf *faults)
{
    if (!str_is_utf8(s)) {
        fault(faults, row, "is not valid UTF-8");
        return;
    }
    if (has_control(str_trim(s))) {
        fault(faults, row, "has control characters");
        return;
    }
    if (row->type != CONFIG_TEXT && row->type != CONFIG_SECRET)
        s = str_trim(s);
    switch (row->type) {
    case CONFIG_INT: set_number(c, row, s, faults); break;
    case CONFIG_BOOL:
        if (!parse_bool(s, field_of(c, row)))
            buf_printf(faults, "%s: \"%.*s\" is neither true nor false\n", row->name,
                       STR_ARG(str_cut_utf8(s, 64)));
        break;
    case CONFIG_TEXT:
    case CONFIG_SECRET:
    case CONFIG_URL: set_text(a, c, row, s, faults); break;
    }
}

static bool may_be_empty(const struct config_row *row)
{
    return row->type != CONFIG_INT && row->type != CONFIG_BOOL && row->min == 0;
}

/* The value of a name in "K=V" pairs; false when it is not there. */
static bool env_get(char *const *env, const char *name, struct str *ret_value)
{
    size_t len = strlen(name);
    for (; env && *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=') {
            *ret_value = str_from(*env + len + 1);
            return true;
        }
    }
    return false;
}

/* Rules over the types. Only rows that were read well are looked at. */
static void check_words(const struct config *c, struct buf *faults)
{
    enum log_level ignored;
    if (c->log_level && !log_level_parse(str_from(c->log_level), &ignored))
        buf_printf(faults, "LOG_LEVEL: \"%s\" is not one of debug, info, warning, error\n",
                   c->log_level);
    if (c->log_format && strcmp(c->log_format, "text") != 0 && strcmp(c->log_format, "json") != 0)
        buf_printf(faults, "LOG_FORMAT: \"%s\" is not one of text, json\n", c->log_format);
    if (c->retrieval_mode && strcmp(c->retrieval_mode, "hybrid") != 0 &&
        strcmp(c->retrieval_mode, "vectors") != 0 && strcmp(c->retrieval_mode, "text") != 0)
        buf_printf(faults, "RETRIEVAL_MODE: \"%s\" is not one of hybrid, vectors, text\n",
                   c->retrieval_mode);
    if (c->categories_from && strcmp(c->categories_from, "auto") != 0 &&
        strcmp(c->categories_from, "table") != 0 && strcmp(c->categories_from, "file") != 0)
        buf_printf(faults, "CATEGORIES_FROM: \"%s\" is not one of auto, table, file\n",
                   c->categories_from);
    double temperature;
    if (c->hcx_temperature && (!str_to_double(str_from(c->hcx_temperature), &temperature) ||
                               !(temperature >= 0 && temperature <= 1)))
        buf_printf(faults, "HCX_TEMPERATURE: \"%s\" is not a number from 0 to 1\n",
                   c->hcx_temperature);
}

int config_read(struct arena *a, char *const *env, struct str file, struct config *ret_config,
                struct buf *ret_faults)
{
    struct config c = {0};
    size_t faults_before = ret_faults->len;
    struct dotenv_value values[CONFIG_ROW_COUNT] = {0};
    struct dotenv d = DOTENV_INIT(a, file);
    struct str name;
    struct dotenv_value value;
    while (dotenv_next(&d, &name, &value))
        for (size_t i = 0; i < CONFIG_ROW_COUNT; i++)
            if (str_eq(name, str_from(config_rows[i].name)))
                values[i] = value; /* the last one counts */
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
        const struct config_row *row = &config_rows[i];
        struct str s = str_from(row->otherwise);
        if (env_get(env, row->name, &s)) {
            c.sources[i] = CONFIG_ENVIRONMENT;
        } else if (values[i].line) {
            c.sources[i] = CONFIG_FILE;
            s = values[i].text;
            if (values[i].broken) {
                buf_printf(ret_faults, "%s: line %d of the file has a quote without its end\n",
                           row->name, values[i].line);
                continue;
            }
        }
        if (str_trim(s).len == 0 && !may_be_empty(row)) {
            c.sources[i] = CONFIG_DEFAULT;
            s = str_from(row->otherwise);
        }
        set(a, &c, row, s, ret_faults);
    }
    check_words(&c, ret_faults);
    if (ret_faults->len != faults_before || ret_faults->failed)
        return E_CONFIG;
    *ret_config = c;
    return 0;
}

/* ---- doubts ---- */

enum { NAME_BYTES_MAX = 64, SLIPS_MAX = 2 };

/* Letters to change, add or leave out, whatever their case, to make one of the other. */
static size_t slip_count(struct str a, struct str b)
{
    size_t row[NAME_BYTES_MAX + 1];
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            bool same = str_eq_nocase(str_sub(a, i - 1, 1), str_sub(b, k - 1, 1));
            size_t best = MIN(diagonal + (same ? 0 : 1), MIN(row[k], row[k - 1]) + 1);
            diagonal = row[k];
            row[k] = best;
        }
    }
    return row[b.len];
}

/* The setting that a name is nearly; NULL when it is one, or near none. */
static const char *nearly(struct str name)
{
    const char *best = NULL;
    size_t fewest = SLIPS_MAX + 1;
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
        struct str ours = str_from(config_rows[i].name);
        if (str_eq(name, ours))
            return NULL;
        if (name.len > NAME_BYTES_MAX || ours.len > NAME_BYTES_MAX || name.len < 6)
            continue;
        size_t slips = slip_count(name, ours);
        if (slips < fewest) {
            fewest = slips;
            best = config_rows[i].name;
        }
    }
    return best;
}

void config_doubts(struct arena *a, struct str file, struct buf *ret_doubts)
{
    struct dotenv odd = DOTENV_INIT(a, file), d = DOTENV_INIT(a, file);
    struct dotenv_value value;
    struct str name;
    int line;
    while (dotenv_next_odd(&odd, &line))
        buf_printf(ret_doubts, "line %d is not NAME=value and is passed over\n", line);
    while (dotenv_next(&d, &name, &value)) {
        const char *meant = nearly(name);
        if (meant != NULL)
            buf_printf(ret_doubts, "line %d: %.*s is no setting; is %s meant?\n", value.line,
                       STR_ARG(name), meant);
    }
}

void config_show(struct buf *out, const struct config *c, const struct config_row *row)
{
    const void *field = field_get(c, row);
    if (row->type == CONFIG_INT) {
        buf_i64(out, *(const int64_t *)field);
        return;
    }
    if (row->type == CONFIG_BOOL) {
        buf_text(out, *(const bool *)field ? "true" : "false");
        return;
    }
    struct str s = str_from(*(const char *const *)field);
    if (row->type != CONFIG_SECRET || s.len == 0) {
        buf_str(out, s);
        return;
    }
    buf_text(out, "****");
    if (s.len > 12)
        buf_str(out, str_sub(s, s.len - 4, 4));
}
