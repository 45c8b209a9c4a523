#include "sandbox/features.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "sandbox/compose.h"
#include "sandbox/world.h"

/*
 * Feature hashing. Each n-gram is a 64-bit hash; a small open table counts them for one text, then
 * each adds tf * idf with a hashed sign to two of the 1,024 places.
 *
 * idf comes from a few hundred tickets of a fixed little world, counted once at first use in a table
 * of 64 Ki counters (collisions only damp a little more). A text longer than the service's 8,192
 * tokens is the caller's business; here anything is taken. Cannot fail.
 */

#define DF_SIZE 65536
#define DF_TEXTS 2500
#define GRAM_MAX 4
#define CODE_WEIGHT 16

static uint16_t df[DF_SIZE];
static bool counted;

struct gram {
    uint64_t hash;
    uint32_t count;
};

struct grams {
    struct gram *slots;
    size_t cap; /* a power of two, more than twice the n-grams */
};

static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
        return c + 32;
    return c;
}

static bool is_gap(uint32_t c)
{
    return c <= ' ' || c == 0xa0 || c == 0x3000;
}

/* Code points, lower case, runs of white space as one blank, a blank at both ends. */
static size_t fold(struct str text, uint32_t *ret_points)
{
    size_t n = 0;
    ret_points[n++] = ' ';
    while (text.len) {
        uint32_t c;
        size_t used = str_decode(text, &c);
        if (!used)
            break;
        text = str_sub(text, used, text.len);
        if (is_gap(c) || c == '.' || c == ',' || c == '?' || c == '!')
            c = ' ';
        if (c == ' ' && ret_points[n - 1] == ' ')
            continue;
        ret_points[n++] = lower(c);
    }
    if (ret_points[n - 1] != ' ')
        ret_points[n++] = ' ';
    return n;
}

static void count(struct grams *g, uint64_t hash)
{
    size_t at = hash & (g->cap - 1);
    while (g->slots[at].count && g->slots[at].hash != hash)
        at = (at + 1) & (g->cap - 1);
    g->slots[at].hash = hash;
    g->slots[at].count++;
}

static bool in_word(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Words like "pay-402": a letter first and a digit in them. They name one thing, so each counts as
 * some more n-grams would. */
static void count_codes(struct grams *g, const uint32_t *points, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (!in_word(points[i]) || in_word(points[i - 1]) || points[i] < 'a')
            continue;
        uint64_t hash = UINT64_C(0xc0de);
        bool digit = false;
        size_t end = i;
        for (; end < n && in_word(points[end]); end++) {
            hash = world_hash(hash, points[end]);
            digit = digit || (points[end] >= '0' && points[end] <= '9');
        }
        for (uint64_t k = 0; digit && end - i >= 5 && end - i <= 12 && k < CODE_WEIGHT; k++)
            count(g, hash + k * UINT64_C(0x9e3779b97f4a7c15));
    }
}

static struct grams grams_of(struct str text)
{
    uint32_t *points = mem_alloc((text.len + 3) * sizeof(points[0]));
    size_t n = fold(text, points);
    struct grams g = {.cap = 64};
    while (g.cap < n * (GRAM_MAX - 1 + 2) * 2)
        g.cap *= 2;
    g.slots = mem_alloc(g.cap * sizeof(g.slots[0]));
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = UINT64_C(0x9ae16a3b2f90404f);
        for (size_t len = 1; len <= GRAM_MAX && i + len <= n; len++) {
            hash = world_hash(hash, points[i + len - 1]);
            if (len > 1)
                count(&g, hash);
        }
    }
    count_codes(&g, points, n);
    mem_free(points);
    return g;
}

static void count_document(struct str text)
{
    struct grams g = grams_of(text);
    for (size_t i = 0; i < g.cap; i++) {
        uint16_t *slot = &df[g.slots[i].hash % DF_SIZE];
        if (g.slots[i].count && *slot < UINT16_MAX)
            ++*slot;
    }
    mem_free(g.slots);
}

void features_warm(void)
{
    if (counted)
        return;
    struct world w;
    world_init(&w, &(struct world_spec){
                       .seed = 4711, .ticket_count = DF_TEXTS, .end_s = INT64_C(1767225600)});
    struct buf text = BUF_INIT(0);
    for (uint32_t i = 0; i < DF_TEXTS; i++) {
        struct ticket t;
        world_ticket(&w, i, &t);
        buf_clear(&text);
        ticket_text(&t, &text);
        for (uint32_t k = 0; k < MIN(t.conversation_count, 8U); k++) {
            struct entry e;
            ticket_entry(&t, k, &e);
            entry_text(&t, &e, &text);
        }
        count_document(buf_view(&text));
    }
    buf_done(&text);
    world_done(&w);
    counted = true;
}

void features_of(struct str text, float ret_vector[FEATURE_DIM])
{
    features_warm();
    memset(ret_vector, 0, FEATURE_DIM * sizeof(ret_vector[0]));
    struct grams g = grams_of(text);
    for (size_t i = 0; i < g.cap; i++) {
        if (!g.slots[i].count)
            continue;
        uint64_t h = g.slots[i].hash;
        double idf = log(1.0 + (double)DF_TEXTS / (1.0 + df[h % DF_SIZE]));
        float weight = (float)((1.0 + log(g.slots[i].count)) * idf * idf * 0.02);
        ret_vector[(h >> 16) % FEATURE_DIM] += h & (UINT64_C(1) << 40) ? weight : -weight;
        ret_vector[(h >> 26) % FEATURE_DIM] += h & (UINT64_C(1) << 41) ? weight : -weight;
    }
    mem_free(g.slots);
}

double features_cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < FEATURE_DIM; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}
