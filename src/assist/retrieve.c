/*
 * Hybrid retrieval: vector searches and full text in parallel, fused by reciprocal rank.
 *
 *   text -> embed -> [tickets: 3 vectors] \
 *        -> full text tickets              > fuse -> cards -> boosts (solved, recent) -> best first
 *        -> [kb: 2 vectors], full text kb /
 *
 * A list that fails leaves the others, and the answer says so: without embedding or vector store it comes
 * from full text alone, without full text from vectors alone. Without cards (the database is away) the whole
 * search fails.
 * So many searches at a time, one after the other: of 300 sidebars opened at once the first gets its answer
 * while the last still waits. All at the same time, each would be as late as the last.
 * Invariant: the excluded ticket is never among the hits. Rank fusion: Cormack et al. 2009, k = 60.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "assist/run.h"
#include "store/texts.h"
#include "store/vectors.h"

/* A reader waits: a model or a vector store that hangs is soon given up, full text takes over. */
enum { EMBED_MS = 5000, SEARCH_MS = 5000 };
enum { LIST_LIMIT = 40, RANK_K = 60, CANDIDATES_MAX = LIST_LIMIT * 4, QUERY_BYTES_MAX = 3000 };

/* Weights of the lists, found on the sandbox's labelled tickets (make bench, retrieval row). */
static const double ticket_weights[VECTORS_PER_POINT_MAX] = {
    [VECTOR_SYMPTOM] = 1.0, [VECTOR_CAUSE] = 0.5, [VECTOR_RESOLUTION] = 0.4};
static const double kb_weights[VECTORS_PER_POINT_MAX] = {
    [VECTOR_INTENT] = 1.0, [VECTOR_PROCEDURE] = 0.8};
static const double text_weight = 0.3;
static const double solved_boost = 0.06, recent_boost = 0.04;
static const double year_ms = 365.25 * 86400 * 1000;

/* One search of one collection and what came of it. */
struct side {
    struct run *run;
    enum vector_collection collection;
    const float *vector; /* NULL: no vectors */
    struct str text;
    int64_t exclude_id;
    struct vector_hits vectors[VECTORS_PER_POINT_MAX];
    struct text_hit *texts;
    size_t text_count;
    int status;
    struct err err;
    struct arena *arena; /* the owner's: where results are kept */
};

struct candidate {
    int64_t id;
    double score, similarity;
    unsigned why;
};

static int vectors_flow(struct flow *f, void *arg)
{
    struct side *s = arg;
    struct assist *a = s->run->assist;
    size_t which_count = s->collection == VECTORS_TICKETS ? 3 : 2;
    struct vector_search searches[VECTORS_PER_POINT_MAX];
    for (size_t i = 0; i < which_count; i++)
        searches[i] = (struct vector_search){.which = (int)i,
                                             .vector = s->vector,
                                             .limit = LIST_LIMIT,
                                             .score_min = 0.05,
                                             .exclude_id = s->exclude_id};
    struct vector_tenant tenant = {.id = s->run->who->tenant_id, .company = s->run->who->company};
    struct vector_hits hits[VECTORS_PER_POINT_MAX] = {0};
    _cleanup_(deadline_done) struct deadline d = deadline(f, SEARCH_MS);
    s->status = vectors_search(f, a->spec.vectors, &tenant, s->collection, searches, which_count,
                               hits);
    s->err = f->err;
    if (s->status < 0)
        return s->status;
    for (size_t i = 0; i < which_count; i++) {
        size_t bytes = hits[i].count * sizeof(*hits[i].hits);
        s->vectors[i].hits = arena_copy(s->arena, hits[i].hits, bytes);
        s->vectors[i].count = hits[i].count;
    }
    return 0;
}

static int texts_flow(struct flow *f, void *arg)
{
    struct side *s = arg;
    struct text_hit *hits;
    size_t count;
    int r = search_text(f, s->run->assist->spec.pool, s->run->who->tenant_id, s->collection,
                        s->text, LIST_LIMIT, s->exclude_id, &hits, &count);
    if (r < 0) {
        s->status = r;
        s->err = f->err;
        return r;
    }
    s->texts = arena_copy(s->arena, hits, count * sizeof(*hits));
    s->text_count = count;
    return 0;
}

static struct candidate *candidate_of(struct candidate *all, size_t *count, int64_t id)
{
    for (size_t i = 0; i < *count; i++) {
        if (all[i].id == id)
            return &all[i];
    }
    if (*count == CANDIDATES_MAX)
        return NULL;
    all[*count] = (struct candidate){.id = id};
    return &all[(*count)++];
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Sum over lists of weight / (k + rank); best first. */
static size_t fuse(const struct side *vectors, const struct side *texts, const double *weights,
                   struct candidate *ret_all)
{
    size_t count = 0;
    double best = text_weight / (RANK_K + 1);
    for (size_t v = 0; v < VECTORS_PER_POINT_MAX; v++) {
        best += weights[v] / (RANK_K + 1);
        for (size_t i = 0; i < vectors->vectors[v].count; i++) {
            const struct vector_hit *hit = &vectors->vectors[v].hits[i];
            struct candidate *c = candidate_of(ret_all, &count, hit->item_id);
            if (!c)
                continue;
            c->score += weights[v] / (double)(RANK_K + i + 1);
            c->similarity = fmax(c->similarity, hit->score);
            if (i < 10)
                c->why |= 1u << v;
        }
    }
    for (size_t i = 0; i < texts->text_count; i++) {
        struct candidate *c = candidate_of(ret_all, &count, texts->texts[i].id);
        if (!c)
            continue;
        c->score += text_weight / (double)(RANK_K + i + 1);
        if (i < 10)
            c->why |= WHY_TEXT;
    }
    for (size_t i = 0; i < count; i++)
        ret_all[i].score /= best; /* 1: first in every list */
    qsort(ret_all, count, sizeof(*ret_all), by_score);
    return count;
}

static int64_t *candidate_ids(struct flow *f, const struct candidate *all, size_t count)
{
    int64_t *ids = ARENA_ARRAY(&f->arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        ids[i] = all[i].id;
    return ids;
}

/* The candidate that a card belongs to; cards come in the candidates' order, without those that are gone. */
static const struct candidate *candidate_from(const struct candidate *c, int64_t id)
{
    while (c->id != id)
        c++;
    return c;
}

static int by_found_score(const void *a, const void *b)
{
    const struct found_ticket *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->card.id < y->card.id ? -1 : x->card.id > y->card.id;
}

static void boost(struct flow *f, struct found_ticket *t)
{
    bool is_solved = t->card.status == 4 || t->card.status == 5;
    double age_years = (double)(loop_wall_ms(f->loop) - t->card.updated_at) / year_ms;
    double recency = exp(-fmax(age_years, 0));
    t->score *= 1 + recent_boost * recency +
                (is_solved && t->card.resolution.len ? solved_boost : 0);
    t->score = fmin(t->score, 1);
    t->why |= (is_solved ? WHY_SOLVED : 0) | (age_years < 0.25 ? WHY_RECENT : 0);
}

/* How many candidates are worth a card: those that boosts can bring among the wanted, and as many again for
 * tickets that are gone. */
static size_t contender_count(const struct candidate *all, size_t count, size_t wanted)
{
    size_t n = MIN(count, wanted);
    double least = n > 0 ? all[n - 1].score / (1 + recent_boost + solved_boost) : INFINITY;
    while (n < count && all[n].score >= least)
        n++;
    return MIN(count, MIN(n + wanted, (size_t)LIST_LIMIT));
}

static int find_tickets(struct flow *f, struct run *run, const struct candidate *all, size_t count,
                        size_t wanted, struct found *ret_found)
{
    struct ticket_card *cards = NULL;
    size_t card_count = 0;
    count = contender_count(all, count, wanted);
    int r = count ? tickets_get_many(f, run->assist->spec.pool, run->who->tenant_id,
                                     candidate_ids(f, all, count), count, &cards, &card_count)
                  : 0;
    if (r < 0)
        return r;
    struct found_ticket *found = ARENA_ARRAY(&f->arena, card_count, struct found_ticket);
    const struct candidate *c = all;
    for (size_t i = 0; i < card_count; i++) {
        c = candidate_from(c, cards[i].id);
        found[i] = (struct found_ticket){
            .card = cards[i], .score = c->score, .similarity = c->similarity, .why = c->why};
        boost(f, &found[i]);
    }
    qsort(found, card_count, sizeof(*found), by_found_score);
    ret_found->tickets = found;
    ret_found->ticket_count = MIN(card_count, wanted);
    if (card_count > 0 || wanted == 0 || ret_found->search_status < 0)
        return 0;
    int64_t stored_count;
    r = tickets_count(f, run->assist->spec.pool, run->who->tenant_id, &stored_count, NULL);
    if (r >= 0)
        ret_found->nothing_synced = stored_count == 0;
    return r;
}

static int find_articles(struct flow *f, struct run *run, const struct candidate *all, size_t count,
                         size_t wanted, struct found *ret_found)
{
    struct article_card *cards = NULL;
    size_t card_count = 0;
    count = MIN(count, wanted);
    int r = count ? articles_get_many(f, run->assist->spec.pool, run->who->tenant_id,
                                      candidate_ids(f, all, count), count, &cards, &card_count)
                  : 0;
    if (r < 0)
        return r;
    struct found_article *found = ARENA_ARRAY(&f->arena, card_count, struct found_article);
    const struct candidate *c = all;
    for (size_t i = 0; i < card_count; i++) {
        c = candidate_from(c, cards[i].id);
        found[i] = (struct found_article){
            .card = cards[i], .score = c->score, .similarity = c->similarity};
    }
    ret_found->articles = found;
    ret_found->article_count = card_count;
    return 0;
}

/* The query's vector, or NULL with the reason in `found`. */
static const float *embed(struct flow *f, struct run *run, struct str text, struct found *found)
{
    float *vector = ARENA_ARRAY(&f->arena, EMBED_DIMENSIONS, float);
    _cleanup_(deadline_done) struct deadline d = deadline(f, EMBED_MS);
    found->search_status = embed_text(f, run->assist->spec.embedder, PRIORITY_LIVE, text, vector);
    if (found->search_status >= 0)
        return vector;
    found->search_err = f->err;
    found->search_status = run_own_fault(&found->search_err, found->search_status);
    return NULL;
}

/* All ways to search at once, then the cards of what they found. */
static int search(struct flow *f, struct run *run, const struct wanted *wanted, struct str text,
                  const float *vector, struct found *found)
{
    enum { TICKET_VECTORS, TICKET_TEXTS, KB_VECTORS, KB_TEXTS, SIDE_COUNT };
    const struct assist_spec *spec = &run->assist->spec;
    struct side sides[SIDE_COUNT];
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        bool is_kb = i >= KB_VECTORS, is_text = i == TICKET_TEXTS || i == KB_TEXTS;
        sides[i] = (struct side){.run = run,
                                 .collection = is_kb ? VECTORS_KB : VECTORS_TICKETS,
                                 .vector = vector,
                                 .text = text,
                                 .exclude_id = is_kb ? 0 : wanted->exclude_id,
                                 .arena = &f->arena};
        if ((is_kb ? wanted->article_count : wanted->ticket_count) &&
            (is_text ? !spec->skips_text : vector != NULL))
            sides[i].status = group_spawn(&g, is_text ? "search.text" : "search.vectors",
                                          is_text ? texts_flow : vectors_flow, &sides[i]);
    }
    int r = group_wait(f, &g);
    if (r < 0)
        return r;
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        if (sides[i].status < 0 && found->search_status >= 0) {
            found->search_err = sides[i].err;
            found->search_status = run_own_fault(&found->search_err, sides[i].status);
        }
    }
    struct candidate *all = ARENA_ARRAY(&f->arena, CANDIDATES_MAX, struct candidate);
    size_t count = fuse(&sides[TICKET_VECTORS], &sides[TICKET_TEXTS], ticket_weights, all);
    r = find_tickets(f, run, all, count, (size_t)wanted->ticket_count, found);
    if (r < 0)
        return r;
    count = fuse(&sides[KB_VECTORS], &sides[KB_TEXTS], kb_weights, all);
    return find_articles(f, run, all, count, (size_t)wanted->article_count, found);
}

int retrieve(struct flow *f, struct run *run, const struct wanted *wanted, struct found *ret_found)
{
    struct found found = {0};
    struct assist *a = run->assist;
    if (str_trim(wanted->text).len == 0) { /* nothing to look for is no failure */
        *ret_found = found;
        return 0;
    }
    struct str text = str_cut_utf8(wanted->text, QUERY_BYTES_MAX);
    const float *vector = a->spec.skips_vectors ? NULL : embed(f, run, text, &found);
    int r = flow_check(f);
    if (r >= 0)
        r = gate_enter(f, &a->searches);
    if (r < 0)
        return r;
    r = search(f, run, wanted, text, vector, &found);
    gate_leave(&a->searches);
    if (r >= 0)
        *ret_found = found;
    return r;
}

size_t found_sources(struct flow *f, const struct run *run, const struct found *found,
                     size_t count_max, bool public_only, struct source *ret_sources)
{
    size_t count = 0;
    for (size_t i = 0; i < found->article_count && count < count_max; i++) {
        const struct found_article *a = &found->articles[i];
        bool is_public = a->card.visibility == 1 || a->card.visibility == 2;
        if (public_only && !is_public)
            continue;
        ret_sources[count] = (struct source){.n = (int)count + 1,
                                             .kb = true,
                                             .is_public = is_public,
                                             .id = a->card.id,
                                             .title = a->card.title,
                                             .text = a->card.body_text,
                                             .url = article_url(&f->arena, run->who, a->card.id),
                                             .score = a->score};
        count++;
    }
    for (size_t i = 0; i < found->ticket_count && count < count_max; i++) {
        const struct found_ticket *t = &found->tickets[i];
        if (!t->card.resolution.len)
            continue;
        struct str text = arena_printf(&f->arena, "%.*s\n%.*s", STR_ARG(t->card.cause),
                                       STR_ARG(t->card.resolution));
        ret_sources[count] = (struct source){.n = (int)count + 1,
                                             .id = t->card.id,
                                             .title = t->card.subject,
                                             .text = str_trim(text),
                                             .url = ticket_url(&f->arena, run->who, t->card.id),
                                             .score = t->score};
        count++;
    }
    return count;
}
