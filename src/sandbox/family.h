#pragma once
/*
 * Problem families: what the made-up customers have trouble with. Each is told in Korean and in
 * English, in several wordings, so that two tickets of one family share the problem and the product
 * names but few sentences. Texts are in data_<area>.c; all are static and live for ever.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum lang { LANG_KO, LANG_EN, LANG_COUNT };

enum area {
    AREA_LOGIN,
    AREA_PAYMENT,
    AREA_DELIVERY,
    AREA_REFUND,
    AREA_API,
    AREA_NOTIFY,
    AREA_APP,
    AREA_ADMIN,
    AREA_DATA,
    AREA_STORE,
    AREA_COUNT
};

#define FAMILIES_PER_AREA 8
#define FAMILY_COUNT ((size_t)AREA_COUNT * FAMILIES_PER_AREA)
#define SYMPTOM_COUNT 5 /* the last is told by held-back tickets only */
#define SYMPTOM_LISTED 4
#define CAUSE_COUNT 4
#define FIX_COUNT 4

/* One language's wordings. */
struct telling {
    const char *title;
    const char *symptom[SYMPTOM_COUNT];
    const char *cause[CAUSE_COUNT];
    const char *fix[FIX_COUNT];
};

struct family {
    const char *code; /* error code that the product shows, the same in both languages */
    const char *tag;
    const char *product;
    struct telling tell[LANG_COUNT];
};

/* n below FAMILY_COUNT; families of one area follow one another. */
const struct family *family_at(size_t n);
enum area family_area(size_t n);
/* "결제와 정산" / "Payments". */
const char *area_name(enum area area, enum lang lang);

enum saying { SAYING_OTHER, SAYING_SYMPTOM, SAYING_CAUSE, SAYING_FIX };

/* Which family says this sentence, and as what; SAYING_OTHER when none does. White space and a last
 * full stop do not count. ret_family may be NULL; it is written only when found. */
enum saying family_find(struct str sentence, size_t *ret_family);
void family_done(void); /* frees the table that family_find built */
