/*
 * Reading the ticket: live from Freshdesk, from the store when Freshdesk is away.
 *
 * Happy path: one call each for the ticket and its thread. A ticket that Freshdesk does not know is
 * E_NOT_FOUND; refused credentials and a ticket this agent may not see are final; everything else falls back to the stored copy, and only when
 * there is none the first error comes back. Invariant: results live in the arena of the flow that asked.
 */
#include <errno.h>
#include <inttypes.h>

#include "assist/run.h"
#include "base/log.h"

enum { READ_MS = 8000 }; /* a reader waits: the stored copy is worth more than a late answer */

static struct freshdesk_as as_caller(const struct run *run)
{
    return (struct freshdesk_as){
        .domain = run->who->domain, .api_key = run->who->api_key, .priority = PRIORITY_LIVE};
}

/* Is there any point in looking at our own copy? */
static bool is_away(struct flow *f, int status)
{
    return status < 0 && status != E_NOT_FOUND && status != E_UPSTREAM_AUTH &&
           status != E_UPSTREAM_DENIED && status != -ECANCELED &&
           !(status == -ETIMEDOUT && deadline_left_ms(f) == 0);
}

static int read_stored(struct flow *f, struct run *run, int64_t id, struct ticket *ret_ticket,
                       struct conversation **ret_talks, size_t *ret_count, int status)
{
    struct err first = f->err;
    int r = tickets_get(f, run->assist->spec.pool, run->who->tenant_id, id, ret_ticket, ret_talks,
                        ret_count);
    if (r >= 0) {
        log_warn("assist.stored", "ticket=%" PRId64 " code=%s why=\"%s\"", id, err_name(status),
                 first.msg);
        return r;
    }
    if (r == -ECANCELED)
        return r;
    f->err = first;
    return status;
}

int read_ticket(struct flow *f, struct run *run, int64_t id, struct ticket *ret_ticket)
{
    int r;
    {
        _cleanup_(deadline_done) struct deadline d = deadline(f, READ_MS);
        struct freshdesk_as as = as_caller(run);
        r = freshdesk_ticket(f, run->assist->spec.freshdesk, &as, id, ret_ticket);
    }
    if (!is_away(f, r))
        return r;
    struct conversation *talks;
    size_t talk_count;
    return read_stored(f, run, id, ret_ticket, &talks, &talk_count, r);
}

int read_talks(struct flow *f, struct run *run, int64_t id, struct conversation **ret_talks,
               size_t *ret_count)
{
    int r;
    {
        _cleanup_(deadline_done) struct deadline d = deadline(f, READ_MS);
        struct freshdesk_as as = as_caller(run);
        r = freshdesk_conversations(f, run->assist->spec.freshdesk, &as, id, ret_talks, ret_count);
    }
    if (r == E_NOT_FOUND || r == E_UPSTREAM_DENIED) {
        /* Merged or deleted meanwhile, or an agent who may not read threads: the ticket itself was read or
         * tells of its own failure. */
        log_warn("assist.thread", "ticket=%" PRId64 " code=%s why=\"%s\"", id, err_name(r),
                 f->err.msg);
        *ret_talks = NULL;
        *ret_count = 0;
        return 0;
    }
    if (!is_away(f, r))
        return r;
    struct ticket ticket;
    return read_stored(f, run, id, &ticket, ret_talks, ret_count, r);
}

struct str ticket_url(struct arena *a, const struct caller *who, int64_t id)
{
    return arena_printf(a, "https://%.*s/a/tickets/%" PRId64, STR_ARG(who->domain), id);
}

struct str article_url(struct arena *a, const struct caller *who, int64_t id)
{
    return arena_printf(a, "https://%.*s/support/solutions/articles/%" PRId64, STR_ARG(who->domain),
                        id);
}
