#pragma once
/*
 * What the nightly chat batch works with, made from the settings: tenant, zone of the days, source of the chats,
 * categories, and the classification. For commands and for the scheduler.
 *
 *   _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
 *   r = app_chats_open(f, app, &chats);         // reads the categories: connects to the source
 *   r = batch_run(f, &chats.batch, day, CHAT_RUN_BATCH, out, &result);
 */
#include "chats/batch.h"

struct app;
struct zone;

struct app_chats {
    struct flow *flow; /* that opened it and closes it; NULL: not open */
    int64_t tenant_id;
    struct zone *zone;
    struct chat_source *source;
    struct taxonomy taxonomy;
    struct batch batch;
};
#define APP_CHATS_INIT                                                                             \
    {                                                                                              \
        .flow = NULL                                                                               \
    }
/* After app_prepare. Strings live in the flow's arena. E_CONFIG, or the source's errors. */
int app_chats_open(struct flow *f, struct app *app, struct app_chats *ret_chats) _must_check_;
/* Without categories and classification: for checks and counts that ask no model. Connects to nothing but our
 * own database. */
int app_chats_open_source(struct flow *f, struct app *app, struct app_chats *ret_chats)
    _must_check_;
/* Asks the chats' database of the settings (ENGINE_FOR_SQLALCHEMY) for every table and column, before our own
 * has any; *ret_note names it. Reads no rows, writes nothing. */
int app_chats_check(struct flow *f, const struct config *config, struct str *ret_note) _must_check_;
void app_chats_close(struct app_chats *c); /* cleanup; suspends the flow that opened it */
/* The name of the model that classifies, for records and estimates; "" when none has a key. */
const char *app_chats_model(const struct config *config);
/* Zone of the batch's days: ORG_TIMEZONE, else TZ. */
const char *app_chats_zone(const struct config *config);
