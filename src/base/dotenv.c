#include "base/dotenv.h"

/*
 * Lines of a .env file, as python-dotenv and docker-compose users write them:
 *
 *     # comment
 *     export NAME = value with spaces   # comment
 *     NAME="a \"quoted\" value\n"       escapes \n \r \t \\ \" \$
 *     NAME='as it stands'
 *
 * Nothing fails; a value whose quote has no end is marked, and it is for config.c to say whose fault
 * that is. Invariant: every call takes at least one line, so the loop over a file ends.
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str skip_blanks(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = str_sub(s, 1, SIZE_MAX);
    return s;
}

static size_t name_len(struct str s)
{
    size_t len = 0;
    while (len < s.len) {
        char c = s.ptr[len];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(len > 0 && c >= '0' && c <= '9'))
            break;
        len++;
    }
    return len;
}

static char escaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '\\':
    case '"':
    case '$': return c;
    default: return '\0';
    }
}

/* s begins with its quote. */
static void take_quoted(struct arena *a, struct str s, struct dotenv_value *value)
{
    char quote = s.ptr[0];
    char *to = arena_alloc(a, s.len);
    size_t len = 0, i = 1;
    while (i < s.len && s.ptr[i] != quote) {
        char c = s.ptr[i++];
        if (c == '\\' && quote == '"' && i < s.len && escaped(s.ptr[i]))
            c = escaped(s.ptr[i++]);
        to[len++] = c;
    }
    struct str after = skip_blanks(str_sub(s, i + 1, SIZE_MAX));
    value->broken = i >= s.len || (after.len > 0 && after.ptr[0] != '#');
    value->text = str_of(to, len);
}

static struct str take_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '#' && (i == 0 || is_blank(s.ptr[i - 1])))
            s.len = i;
    return str_trim(s);
}

static bool take_line(struct dotenv *d, struct str line, struct str *ret_name,
                      struct dotenv_value *ret_value)
{
    line = str_trim(line);
    struct str word = str_sub(line, 0, name_len(line));
    if (str_eq(word, STR("export")) && line.len > word.len && is_blank(line.ptr[word.len])) {
        line = skip_blanks(str_sub(line, word.len, SIZE_MAX));
        word = str_sub(line, 0, name_len(line));
    }
    struct str rest = skip_blanks(str_sub(line, word.len, SIZE_MAX));
    if (word.len == 0 || !str_starts(rest, STR("=")))
        return false;
    rest = skip_blanks(str_sub(rest, 1, SIZE_MAX));
    *ret_name = word;
    *ret_value = (struct dotenv_value){.line = d->line};
    if (rest.len > 0 && (rest.ptr[0] == '"' || rest.ptr[0] == '\''))
        take_quoted(d->arena, rest, ret_value);
    else
        ret_value->text = take_plain(rest);
    return true;
}

static bool next_line(struct dotenv *d, struct str *ret_line)
{
    if (d->line == 0 && str_starts(d->rest, STR("\xEF\xBB\xBF")))
        d->rest = str_sub(d->rest, 3, SIZE_MAX);
    if (!str_cut(&d->rest, '\n', ret_line))
        return false;
    d->line++;
    return true;
}

bool dotenv_next(struct dotenv *d, struct str *ret_name, struct dotenv_value *ret_value)
{
    struct str line;
    while (next_line(d, &line)) {
        if (take_line(d, line, ret_name, ret_value))
            return true;
    }
    return false;
}

bool dotenv_next_odd(struct dotenv *d, int *ret_line)
{
    struct str line, name;
    struct dotenv_value value;
    while (next_line(d, &line)) {
        *ret_line = d->line;
        struct str text = str_trim(line);
        if (text.len > 0 && text.ptr[0] != '#' && !take_line(d, line, &name, &value))
            return true;
    }
    return false;
}
