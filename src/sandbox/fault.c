#include "sandbox/fault.h"

#include <stdio.h>
#include <string.h>

/*
 * Chooses whether a call fails and how. The header outranks the rules; the first rule that fits the
 * path and whose dice fall decides. `after` and `count` make "the third call fails once" exact, with
 * probability 1. Reading rules fails with E_SCHEMA and leaves the old ones as they were.
 */

static const char *const names[] = {
#define FAULT_NAME_(symbol, name) name,
    FAULT_TABLE(FAULT_NAME_)
#undef FAULT_NAME_
};

bool fault_parse(struct str text, struct fault *ret_fault)
{
    struct str kind, rest = text;
    if (!str_cut(&rest, ':', &kind))
        return false;
    struct fault fault = {FAULT_NONE, 500};
    int64_t status;
    if (str_to_i64(str_trim(rest), &status) && status >= 400 && status <= 599)
        fault.status = (int)status;
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        if (str_eq(str_trim(kind), str_from(names[i]))) {
            fault.kind = (enum fault_kind)i;
            *ret_fault = fault;
            return true;
        }
    }
    return false;
}

static int read_rule(struct fault_rule *rule, struct json v, struct err *err)
{
    memset(rule, 0, sizeof(*rule));
    if (!fault_parse(json_str(json_get(v, "kind")), &rule->fault))
        return err_set(err, E_SCHEMA, "unknown fault kind");
    struct str path = json_str(json_get(v, "path"));
    if (path.len >= sizeof(rule->path))
        return err_set(err, E_SCHEMA, "fault path is too long");
    if (path.len)
        memcpy(rule->path, path.ptr, path.len);
    rule->probability = json_f64(json_get(v, "probability"), 1.0);
    rule->after = json_i64(json_get(v, "after"), 0);
    rule->count = json_i64(json_get(v, "count"), -1);
    return 0;
}

int fault_rules_read(struct fault_rules *rules, struct json array, struct err *err)
{
    struct fault_rules fresh = {.rng = rules->rng};
    if (json_exists(array) && !json_is_arr(array))
        return err_set(err, E_SCHEMA, "faults must be an array");
    for (struct json_iter it = json_iter(array); json_next(&it);) {
        if (fresh.count == FAULT_RULE_MAX)
            return err_set(err, E_SCHEMA, "more than %d fault rules", FAULT_RULE_MAX);
        int r = read_rule(&fresh.rules[fresh.count++], it.value, err);
        if (r < 0)
            return r;
    }
    *rules = fresh;
    return 0;
}

struct fault fault_pick(struct fault_rules *rules, struct str path, struct str header)
{
    struct fault fault = {FAULT_NONE, 0};
    if (header.len && fault_parse(header, &fault))
        return fault;
    for (size_t i = 0; i < rules->count; i++) {
        struct fault_rule *rule = &rules->rules[i];
        if (!str_starts(path, str_from(rule->path)) || rule->count == 0)
            continue;
        if (rule->after > 0) {
            rule->after--;
            continue;
        }
        if (rng_unit(&rules->rng) >= rule->probability)
            continue;
        if (rule->count > 0)
            rule->count--;
        return rule->fault;
    }
    return fault;
}
