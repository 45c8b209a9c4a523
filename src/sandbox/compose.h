#pragma once
/*
 * Writes what the people of a ticket wrote: subject, first message, and each entry of the thread.
 * Plain text, one paragraph a line; text_html wraps it the way the helpdesk does. The same ticket
 * always gets the same text. Private notes carry "[internal#<n>]", so that a test can see whether
 * one leaked.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "sandbox/world.h"

enum entry_kind {
    ENTRY_ACK,   /* agent: received, one question back */
    ENTRY_INFO,  /* customer: details, sometimes a long log */
    ENTRY_NOTE,  /* private */
    ENTRY_NUDGE, /* customer: still waiting */
    ENTRY_FIX,   /* agent: cause and fix */
    ENTRY_THANKS /* customer */
};

struct entry {
    int64_t id;
    int64_t at_s;
    enum entry_kind kind;
    bool incoming, is_private;
    uint32_t number; /* place in the thread */
    bool has_attachment;
};

void ticket_subject(const struct ticket *t, struct buf *out);
void ticket_text(const struct ticket *t, struct buf *out);
bool ticket_has_attachment(const struct ticket *t);

/* number below t->conversation_count */
void ticket_entry(const struct ticket *t, uint32_t number, struct entry *ret_entry);
void entry_text(const struct ticket *t, const struct entry *e, struct buf *out);

/* <div> a line, entities escaped. */
void text_html(struct str text, struct buf *out);
