#pragma once
/* The files of one ticket: its own and those of its thread, as Freshdesk tells them at this moment. */
#include "assist/assist.h"

struct attachment {
    int64_t id, size;        /* bytes */
    int64_t conversation_id; /* 0: the ticket's own */
    struct str name, content_type;
    struct str
        url; /* the vendor's signed address, good for minutes; "" for one that is no http(s) URL */
};
/* All files of the ticket in the flow's arena, its own first, then its thread's, oldest first. With only_id
 * the one of that id: E_NOT_FOUND when the ticket has no such file; the thread is not read when the ticket
 * itself has it. Asked of Freshdesk each time, 1 to 2 credits and more for long threads: addresses expire.
 * E_NOT_FOUND for an unknown ticket. */
int assist_attachments(struct flow *f, struct assist *a, const struct caller *who,
                       int64_t ticket_id, int64_t only_id, struct attachment **ret_files,
                       size_t *ret_count) _must_check_;

/* Who takes a file's bytes; an error ends the reading. Either may wait. */
struct file_taker {
    /* Once, when the bytes are there to be had. `file` is borrowed for the call. */
    int (*begin)(struct flow *f, struct file_taker *t, const struct attachment *file);
    int (*piece)(struct flow *f, struct file_taker *t, struct str piece);
};
/* The bytes of one file of the ticket, piece by piece as they come; 0 after the last. What assist_attachments
 * says, and before `begin`: E_UPSTREAM when its address is not called, has expired or fails, E_LIMIT past
 * 100 MiB. */
int assist_attachment_read(struct flow *f, struct assist *a, const struct caller *who,
                           int64_t ticket_id, int64_t id, struct file_taker *to) _must_check_;
