#include "sandbox/brain.h"

#include <string.h>

/*
 * Fills JSON by schema or by example from the facts of a prompt.
 *
 * A property's name says what goes in: symptom, cause, fix/solution/step, quote, summary, source,
 * score ... In an object that names a source, every other field takes facts of the same source, so
 * that quote and number belong together. What the ticket does not say is null where null is allowed,
 * else an empty string. Enums take the value that the data mentions, else the first. Depth is capped.
 */

#define FILL_DEPTH_MAX 8

struct place {
    struct str name;
    int64_t source; /* -1: not chosen */
    size_t nth;     /* place in the array around */
    int depth;
};

static bool named(struct str name, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        for (size_t k = 0; k + strlen(words[i]) <= name.len; k++)
            if (str_eq_nocase(str_sub(name, k, strlen(words[i])), str_from(words[i])))
                return true;
    return false;
}

static const char *const symptom_names[] = {"symptom", "problem", "issue", "증상", "문제", NULL};
static const char *const cause_names[] = {"cause", "reason", "원인", NULL};
static const char *const fix_names[] = {"resol",  "solution",    "fix",  "step",
                                        "action", "instruction", "text", "procedure",
                                        "answer", "해결",        "조치", NULL};
static const char *const quote_names[] = {"quote", "evidence", "인용", "근거", NULL};
static const char *const source_names[] = {"source", "citation", "ref", "doc", "출처", NULL};
static const char *const title_names[] = {"title", "subject", "headline", "intent", "제목", NULL};
static const char *const summary_names[] = {"summary", "overview", "요약", NULL};
static const char *const lang_names[] = {"lang", "locale", NULL};
static const char *const score_names[] = {"score", "confidence", "probab", NULL};
static const char *const tag_names[] = {"tag", "keyword", "키워드", NULL};

static const struct fact *any_fact(const struct mind *m, int64_t source, size_t nth)
{
    static const enum saying order[] = {SAYING_FIX, SAYING_CAUSE, SAYING_SYMPTOM, SAYING_OTHER};
    for (size_t i = 0; i < 4; i++) {
        const struct fact *fact = mind_fact(m, order[i], source, i == 0 ? nth : 0);
        fact = fact ? fact : mind_fact(m, order[i], source, 0);
        if (fact)
            return fact;
    }
    return NULL;
}

static struct str text_of(const struct fact *fact)
{
    return fact ? fact->text : STR_NONE;
}

static struct str first_line(struct str text)
{
    struct str line = STR_NONE;
    while (str_cut(&text, '\n', &line))
        if (str_trim(line).len)
            return str_trim(line);
    return STR_NONE;
}

static struct str summary_text(const struct mind *m)
{
    struct buf *out = arena_buf(m->arena, 8192);
    const struct fact *parts[3] = {mind_fact(m, SAYING_SYMPTOM, 0, 0),
                                   mind_fact(m, SAYING_CAUSE, 0, 0),
                                   mind_fact(m, SAYING_FIX, 0, 0)};
    if (!parts[0])
        parts[0] = mind_fact(m, SAYING_OTHER, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        if (!parts[i])
            continue;
        buf_text(out, out->len ? " " : "");
        buf_str(out, parts[i]->text);
    }
    return buf_view(out);
}

static struct str string_for(const struct mind *m, const struct place *at)
{
    int64_t source = at->source >= 0 ? at->source : 0;
    if (named(at->name, quote_names))
        return text_of(any_fact(m, at->source, at->nth));
    if (named(at->name, summary_names))
        return summary_text(m);
    if (named(at->name, symptom_names)) {
        const struct fact *fact = mind_fact(m, SAYING_SYMPTOM, source, 0);
        return text_of(fact ? fact : mind_fact(m, SAYING_OTHER, source, 0));
    }
    if (named(at->name, cause_names))
        return text_of(mind_fact(m, SAYING_CAUSE, source, 0));
    if (named(at->name, lang_names))
        return m->lang == LANG_KO ? STR("ko") : STR("en");
    if (named(at->name, title_names)) {
        struct str line = first_line(m->ticket);
        return line.len ? line : text_of(any_fact(m, at->source, 0));
    }
    if (named(at->name, fix_names)) {
        bool anywhere = at->source < 0 && m->source_count > 0;
        const struct fact *fact = mind_fact(m, SAYING_FIX, anywhere ? -1 : source, at->nth);
        fact = fact || !at->nth ? fact : mind_fact(m, SAYING_FIX, anywhere ? -1 : source, 0);
        return text_of(fact);
    }
    if (named(at->name, tag_names)) {
        size_t family;
        const struct fact *fact = mind_fact(m, SAYING_SYMPTOM, -1, 0);
        if (fact && family_find(fact->text, &family) != SAYING_OTHER)
            return str_from(at->nth ? family_at(family)->product : family_at(family)->tag);
    }
    return text_of(any_fact(m, at->source, at->nth));
}

static size_t fitting_count(const struct mind *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->source_count; i++)
        n += m->fits[i];
    return n;
}

/* Number of the nth best source that fits; the best one when there are fewer; 0 without sources. */
static int64_t nth_source(const struct mind *m, size_t nth)
{
    nth = fitting_count(m) ? nth % fitting_count(m) : 0;
    for (size_t k = 0; k < m->source_count; k++)
        if (m->fits[m->order[k]] && nth-- == 0)
            return m->sources[m->order[k]];
    return m->source_count ? m->sources[m->order[0]] : 0;
}

static int64_t number_for(const struct mind *m, const struct place *at, struct json schema)
{
    int64_t value = 1;
    if (at->source > 0)
        value = at->source;
    else if (m->source_count)
        value = nth_source(m, at->nth);
    if (!named(at->name, source_names) && at->name.len > 1)
        value = (int64_t)at->nth + 1;
    value = MAX(value, json_i64(json_get(schema, "minimum"), value));
    return MIN(value, json_i64(json_get(schema, "maximum"), value));
}

static void fill(struct mind *m, struct jw *w, const char *key, struct json schema,
                 const struct place *at);
static void fill_like(struct mind *m, struct jw *w, const char *key, struct json example,
                      const struct place *at);

static const char *key_text(const struct mind *m, struct str key)
{
    return arena_text(m->arena, key);
}

/* ---- by schema ---- */

static void fill_enum(struct mind *m, struct jw *w, const char *key, struct json values)
{
    struct json chosen = JSON_NONE;
    for (struct json_iter it = json_iter(values); json_next(&it);) {
        struct str word = json_str(it.value);
        if (!json_exists(chosen))
            chosen = it.value;
        if (word.len > 1 && (str_find(m->ticket, word, 0) != SIZE_MAX ||
                             str_find(m->question, word, 0) != SIZE_MAX)) {
            chosen = it.value;
            break;
        }
    }
    jw_json(w, key, chosen);
}

/* True when an object has a number that names a source, or items that are such numbers. */
static bool names_source(struct json properties)
{
    for (struct json_iter it = json_iter(properties); json_next(&it);)
        if (named(it.key, source_names) || named(it.key, quote_names))
            return true;
    return false;
}

static bool wants_source(struct json properties)
{
    for (struct json_iter it = json_iter(properties); json_next(&it);)
        if (named(it.key, source_names))
            return true;
    return false;
}

static void fill_object(struct mind *m, struct jw *w, const char *key, struct json properties,
                        bool by_example, const struct place *at)
{
    struct place inner = {.source = at->source, .nth = at->nth, .depth = at->depth + 1};
    if (at->source < 0 && names_source(properties) && m->source_count && wants_source(properties))
        inner.source = nth_source(m, at->nth);
    jw_obj(w, key);
    for (struct json_iter it = json_iter(properties); json_next(&it);) {
        inner.name = it.key;
        if (by_example)
            fill_like(m, w, key_text(m, it.key), it.value, &inner);
        else
            fill(m, w, key_text(m, it.key), it.value, &inner);
    }
    jw_end_obj(w);
}

static size_t item_count(const struct mind *m, bool of_sources, struct json schema)
{
    size_t want = 2;
    if (of_sources)
        want = MIN(fitting_count(m), (size_t)3);
    int64_t least = json_i64(json_get(schema, "minItems"), 0);
    int64_t most = json_i64(json_get(schema, "maxItems"), 3);
    want = MAX(want, (size_t)MAX(least, 0));
    return MIN(want, (size_t)MAX(most, 0));
}

static void fill_array(struct mind *m, struct jw *w, const char *key, struct json schema,
                       const struct place *at)
{
    struct json items = json_get(schema, "items");
    struct json properties = json_get(items, "properties");
    bool of_sources = named(at->name, source_names) || wants_source(properties);
    size_t count = item_count(m, of_sources && at->source < 0, schema);
    if (of_sources && at->source > 0)
        count = 1;
    jw_arr(w, key);
    for (size_t i = 0; i < count; i++) {
        struct place item = {
            .name = at->name, .source = at->source, .nth = i, .depth = at->depth + 1};
        fill(m, w, NULL, items, &item);
    }
    jw_end_arr(w);
}

/* anyOf: the first branch that is not null; *ret_null: null is allowed. */
static struct json branch_of(struct json schema, bool *ret_null)
{
    struct json chosen = schema;
    bool found = false;
    for (struct json_iter it = json_iter(json_get(schema, "anyOf")); json_next(&it);) {
        bool is_null = str_eq(json_str(json_get(it.value, "type")), STR("null"));
        *ret_null = *ret_null || is_null;
        if (!is_null && !found) {
            chosen = it.value;
            found = true;
        }
    }
    return chosen;
}

static void fill(struct mind *m, struct jw *w, const char *key, struct json schema,
                 const struct place *at)
{
    bool nullable = false;
    schema = branch_of(schema, &nullable);
    struct str type = json_str(json_get(schema, "type"));
    if (at->depth > FILL_DEPTH_MAX) {
        jw_null(w, key);
    } else if (json_count(json_get(schema, "enum"))) {
        fill_enum(m, w, key, json_get(schema, "enum"));
    } else if (str_eq(type, STR("object"))) {
        fill_object(m, w, key, json_get(schema, "properties"), false, at);
    } else if (str_eq(type, STR("array"))) {
        fill_array(m, w, key, schema, at);
    } else if (str_eq(type, STR("integer"))) {
        jw_i64(w, key, number_for(m, at, schema));
    } else if (str_eq(type, STR("number"))) {
        if (named(at->name, score_names))
            jw_f64(w, key, MIN(0.87, json_f64(json_get(schema, "maximum"), 1)), 2);
        else
            jw_i64(w, key, number_for(m, at, schema));
    } else if (str_eq(type, STR("boolean"))) {
        jw_bool(w, key, mind_fact(m, SAYING_FIX, 0, 0) != NULL);
    } else {
        struct str text = string_for(m, at);
        if (!text.len && nullable)
            jw_null(w, key);
        else
            jw_str(w, key, text);
    }
}

void mind_fill_schema(struct mind *m, struct jw *w, struct json schema)
{
    fill(m, w, NULL, schema, &(struct place){.source = -1});
}

/* ---- by example ---- */

/* "low|medium|high" in an example is a choice. */
static bool choice(struct mind *m, struct jw *w, const char *key, struct str text)
{
    struct str part, chosen = STR_NONE;
    if (str_find(text, STR("|"), 0) == SIZE_MAX)
        return false;
    while (str_cut(&text, '|', &part)) {
        part = str_trim(part);
        if (!chosen.len || (part.len > 1 && str_find(m->ticket, part, 0) != SIZE_MAX))
            chosen = part;
    }
    jw_str(w, key, chosen);
    return true;
}

static void fill_like(struct mind *m, struct jw *w, const char *key, struct json example,
                      const struct place *at)
{
    if (at->depth > FILL_DEPTH_MAX) {
        jw_null(w, key);
    } else if (json_is_obj(example)) {
        fill_object(m, w, key, example, true, at);
    } else if (json_is_arr(example)) {
        struct json item = json_path(example, "0");
        bool of_sources = named(at->name, source_names) || wants_source(item);
        size_t count = of_sources && at->source > 0 ? 1 : item_count(m, of_sources, JSON_NONE);
        jw_arr(w, key);
        for (size_t i = 0; i < count && json_exists(item); i++)
            fill_like(m, w, NULL, item, &(struct place){at->name, at->source, i, at->depth + 1});
        jw_end_arr(w);
    } else if (json_is_bool(example)) {
        jw_bool(w, key, mind_fact(m, SAYING_FIX, 0, 0) != NULL);
    } else if (json_is_num(example)) {
        if (named(at->name, score_names))
            jw_f64(w, key, 0.87, 2);
        else
            jw_i64(w, key, number_for(m, at, JSON_NONE));
    } else if (!choice(m, w, key, json_str(example))) {
        struct str text = string_for(m, at);
        if (!text.len && json_is_null(example))
            jw_null(w, key);
        else
            jw_str(w, key, text);
    }
}

void mind_fill_like(struct mind *m, struct jw *w, struct json example)
{
    fill_like(m, w, NULL, example, &(struct place){.source = -1});
}

/* ---- what the service does not take ---- */

struct str schema_fault(struct json schema)
{
    static const char *const known[] = {
        "type",       "format",   "minimum", "maximum", "minItems",    "maxItems", "items",
        "properties", "required", "enum",    "anyOf",   "description", "title",    NULL};
    for (struct json_iter it = json_iter(schema); json_is_obj(schema) && json_next(&it);) {
        bool fine = false;
        for (size_t i = 0; known[i]; i++)
            fine = fine || str_eq(it.key, str_from(known[i]));
        if (!fine || (str_eq(it.key, STR("type")) && !json_is_str(it.value)))
            return it.key;
    }
    struct str fault = STR_NONE;
    for (struct json_iter it = json_iter(json_get(schema, "properties")); json_next(&it);)
        fault = fault.len ? fault : schema_fault(it.value);
    for (struct json_iter it = json_iter(json_get(schema, "anyOf")); json_next(&it);)
        fault = fault.len ? fault : schema_fault(it.value);
    return fault.len || !json_exists(json_get(schema, "items"))
               ? fault
               : schema_fault(json_get(schema, "items"));
}
