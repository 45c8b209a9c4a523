#include "sandbox/family.h"

#include <assert.h>

#include "base/map.h"

/*
 * Puts the areas' tables together and answers "who says this sentence?".
 *
 * The stand-in model knows its data: family_find tells it whether a sentence of a prompt is a
 * symptom, a cause or a fix, so that its extracts are right without any language understanding.
 * The table of sentences is built on first use. Fails never. Invariant: a sentence belongs to one
 * family; tests/unit/sandbox/test_family.c holds the data to it.
 */

extern const struct family family_login[], family_payment[], family_delivery[], family_refund[],
    family_api[], family_notify[], family_app[], family_admin[], family_data[], family_store[];

static const struct family *const areas[AREA_COUNT] = {
    family_login,  family_payment, family_delivery, family_refund, family_api,
    family_notify, family_app,     family_admin,    family_data,   family_store,
};

static const char *const area_names[AREA_COUNT][LANG_COUNT] = {
    {"로그인과 보안", "Sign-in and security"},
    {"결제와 정산", "Payments and settlement"},
    {"배송과 재고", "Delivery and stock"},
    {"환불과 적립금", "Refunds and points"},
    {"API와 웹훅", "API and webhooks"},
    {"알림과 상담", "Notifications and chat"},
    {"모바일 앱", "Mobile app"},
    {"계정과 권한", "Accounts and permissions"},
    {"데이터와 연동", "Data and integrations"},
    {"쇼핑몰 화면", "Shop front"},
};

const struct family *family_at(size_t n)
{
    assert(n < FAMILY_COUNT);
    return &areas[n / FAMILIES_PER_AREA][n % FAMILIES_PER_AREA];
}

enum area family_area(size_t n)
{
    return (enum area)(n / FAMILIES_PER_AREA);
}

const char *area_name(enum area area, enum lang lang)
{
    return area_names[area][lang];
}

/* ---- sentences ---- */

static struct map sentences;
static bool built;

static struct str bare(struct str s)
{
    s = str_trim(s);
    while (s.len && (s.ptr[s.len - 1] == '.' || s.ptr[s.len - 1] == '?' || s.ptr[s.len - 1] == ' '))
        s.len--;
    return s;
}

/* A value is a number in a pointer's clothes: family and kind, never 0. */
static void put(const char *text, size_t family, enum saying saying)
{
    map_put(&sentences, bare(str_from(text)), (void *)(uintptr_t)(family * 4 + saying));
}

static void build(void)
{
    map_init(&sentences);
    built = true;
    for (size_t n = 0; n < FAMILY_COUNT; n++) {
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            const struct telling *t = &family_at(n)->tell[lang];
            for (size_t i = 0; i < SYMPTOM_COUNT; i++)
                put(t->symptom[i], n, SAYING_SYMPTOM);
            for (size_t i = 0; i < CAUSE_COUNT; i++)
                put(t->cause[i], n, SAYING_CAUSE);
            for (size_t i = 0; i < FIX_COUNT; i++)
                put(t->fix[i], n, SAYING_FIX);
        }
    }
}

enum saying family_find(struct str sentence, size_t *ret_family)
{
    if (!built)
        build();
    uintptr_t found = (uintptr_t)map_get(&sentences, bare(sentence));
    if (!found)
        return SAYING_OTHER;
    if (ret_family)
        *ret_family = found / 4;
    return (enum saying)(found % 4);
}

void family_done(void)
{
    if (built)
        map_done(&sentences);
    built = false;
}
