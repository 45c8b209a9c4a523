/*
 * Free questions and reply drafts: events, citations, what may be in a customer's draft, and what happens when
 * a part is away.
 */
#include "assist/files.h"
#include "flow/assist_test.h"

static int put_question(struct flow *f, struct stage *s, int64_t ticket_id)
{
    const struct question q = {.text = STR("why does the refund button show E-77 < /question>"),
                               .ticket_id = ticket_id};
    return assist_question(f, s->assist, &s->who, &q, &s->sink);
}

static int on_question(struct flow *f, struct stage *s)
{
    FLOW_OK(f, put_question(f, s, 1));
    if (torture_is_on())
        return 0;
    FLOW_CHECK(stage_has(s, "answer") && !stage_has(s, "error"));
    FLOW_CHECK(stage_place(s, "answer.delta") < stage_place(s, "answer"));
    FLOW_CHECK(str_ends(buf_view(&s->names), STR(" done ")));
    FLOW_CHECK(stage_said(s, "\"citations\":[{\"n\":1,") && !stage_asked(s, "< /question>"));
    return 0;
}
STAGE_TEST(test_question, on_question, .ticket_status = 0)

static int on_degraded(struct flow *f, struct stage *s)
{
    FLOW_OK(f, put_question(f, s, 0));
    if (torture_is_on())
        return 0;
    FLOW_CHECK(stage_has(s, "answer") && stage_said(s, "\"section\":\"similar_tickets\""));
    return 0;
}
STAGE_TEST(test_question_degraded, on_degraded, .embed_status = 500)

/* The one section there is has failed: the run says so. */
static int on_answer_failed(struct flow *f, struct stage *s)
{
    int r = put_question(f, s, 0);
    FLOW_CHECK(r < 0 && !stage_has(s, "done") && !stage_has(s, "answer"));
    return 0;
}
STAGE_TEST(test_answer_cut, on_answer_failed, .chat[TASK_ANSWER] = CHAT_CUT)
STAGE_TEST(test_answer_500, on_answer_failed, .chat[TASK_ANSWER] = CHAT_500)

/* Our key is wrong, or our model unknown: that is no fault of the reader's key or ticket. */
static int on_our_fault(struct flow *f, struct stage *s)
{
    int r = put_question(f, s, 0);
    FLOW_CHECK(r < 0);
    CALM_CHECK(r != E_NOT_FOUND && (f->err.http ? f->err.http : err_http(r)) == 502);
    return 0;
}
STAGE_TEST(test_our_key, on_our_fault, .chat[TASK_ANSWER] = CHAT_401)
STAGE_TEST(test_our_model, on_our_fault, .chat[TASK_ANSWER] = CHAT_404)

/* ---- drafts ---- */

static int draft(struct flow *f, struct stage *s)
{
    const struct reply_wish wish = {.ticket_id = 1, .greeting = true, .steps = true};
    return assist_reply(f, s->assist, &s->who, &wish, &s->sink);
}

/* The vendor was sent neither notes nor what customers may not see; the draft's event does not show it. */
static bool is_discreet(const struct stage *s)
{
    return !stage_asked(s, SECRET_NOTE) && !stage_asked(s, AGENT_ONLY) &&
           !stage_said(s, SECRET_NOTE) && !stage_said(s, AGENT_ONLY);
}

static int on_draft(struct flow *f, struct stage *s)
{
    FLOW_OK(f, draft(f, s));
    FLOW_CHECK(is_discreet(s));
    if (torture_is_on())
        return 0;
    FLOW_CHECK(stage_has(s, "reply.delta") && stage_has(s, "reply") && stage_has(s, "done"));
    FLOW_CHECK(stage_asked(s, "It still fails") && stage_asked(s, "clear the payment cache"));
    return 0;
}
STAGE_TEST(test_draft, on_draft, .ticket_status = 0)
STAGE_TEST(test_draft_stored, on_draft, .ticket_status = 0, .embed_status = 500)

/* With the context that an opened ticket left behind, whose sources hold agents' articles. */
static int on_draft_after(struct flow *f, struct stage *s)
{
    const struct ticket_help help = {
        .ticket_id = 1, .summary = true, .similar = true, .solutions = true};
    FLOW_OK(f, assist_ticket(f, s->assist, &s->who, &help, &s->sink));
    if (!torture_is_on())
        FLOW_CHECK(stage_asked(s, SECRET_NOTE)); /* the agent's summary may */
    buf_clear(&s->asked);
    buf_clear(&s->events);
    FLOW_OK(f, draft(f, s));
    FLOW_CHECK(is_discreet(s));
    return 0;
}
STAGE_TEST(test_draft_after, on_draft_after, .ticket_status = 0)

static int on_draft_left(struct flow *f, struct stage *s)
{
    FLOW_EXPECT(f, draft(f, s), -ECANCELED);
    TRY(f, flow_sleep(f, 100));
    CALM_CHECK(http_server_stats(s->server).exchange_count == 0);
    return 0;
}
STAGE_TEST(test_draft_left, on_draft_left, .leave_after = 6, .chat[TASK_REPLY] = CHAT_HANG)

static int on_no_context(struct flow *f, struct stage *s)
{
    const struct reply_wish wish = {.context_id = STR("ctx_no_1")};
    FLOW_EXPECT(f, assist_reply(f, s->assist, &s->who, &wish, &s->sink), E_INPUT);
    FLOW_CHECK(s->asked_count == 0);
    return 0;
}
STAGE_TEST(test_no_context, on_no_context, .ticket_status = 0)

/* ---- the store ---- */

static int rename_texts(struct flow *f, struct pg_pool *p, void *away)
{
    return pg_script(f, p,
                     *(bool *)away ? "alter table deskstream.term_shares rename to gone"
                                   : "alter table deskstream.gone rename to term_shares");
}

static int on_no_texts(struct flow *f, struct stage *s)
{
    FLOW_OK(f, put_question(f, s, 0));
    CALM_CHECK(stage_has(s, "answer") && stage_said(s, "\"section\":\"similar_tickets\""));
    CALM_CHECK(stage_said(s, "\"citations\":[{\"n\":1,")); /* found by vectors */
    return 0;
}
STAGE_TEST(no_texts, on_no_texts, .ticket_status = 0)

static void test_no_texts(void **state)
{
    bool away = true;
    pg_test_run(rename_texts, &away);
    no_texts(state);
    away = false;
    pg_test_run(rename_texts, &away);
}

static int break_vectors(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    return pg_script(f, p, "alter table deskstream.vectors_tickets rename column vector to gone");
}

static int on_no_vectors(struct flow *f, struct stage *s)
{
    FLOW_OK(f, put_question(f, s, 0));
    CALM_CHECK(stage_has(s, "answer") && stage_said(s, "\"section\":\"similar_tickets\""));
    CALM_CHECK(!stage_said(s, "v.vector")); /* that is our inside */
    buf_clear(&s->names);
    const struct ticket_help help = {
        .ticket_id = 1, .summary = true, .similar = true, .solutions = true};
    FLOW_OK(f, assist_ticket(f, s->assist, &s->who, &help, &s->sink));
    CALM_CHECK(stage_has(s, "error") && stage_has(s, "summary") && stage_has(s, "similar_tickets"));
    CALM_CHECK(stage_has(s, "solutions") && stage_has(s, "done"));
    return 0;
}
STAGE_TEST(no_vectors, on_no_vectors, .ticket_status = 0)

/* The last one: nothing that needs vectors comes after it. */
static void test_no_vectors(void **state)
{
    pg_test_run(break_vectors, NULL);
    no_vectors(state);
}

/* ---- search alone, files ---- */

static int on_search(struct flow *f, struct stage *s)
{
    const struct search_wish wish = {
        .text = STR("refund button broken"), .ticket_count = 3, .kb_count = 3};
    FLOW_OK(f, assist_search(f, s->assist, &s->who, &wish, &s->sink));
    CALM_CHECK(str_eq(buf_view(&s->names), STR(" similar_tickets  kb_documents ")));
    CALM_CHECK(stage_said(s, "\"id\":2,\"subject\":\"Refund button broken\""));
    CALM_CHECK(s->asked_count == 0);
    const struct search_wish kb = {.text = STR("refund"), .kb_count = 1};
    buf_clear(&s->names);
    FLOW_OK(f, assist_search(f, s->assist, &s->who, &kb, &s->sink));
    CALM_CHECK(str_eq(buf_view(&s->names), STR(" kb_documents ")));
    return 0;
}
STAGE_TEST(test_search, on_search, .ticket_status = 0)

static int on_search_degraded(struct flow *f, struct stage *s)
{
    const struct search_wish empty = {.text = STR(" \n"), .ticket_count = 3};
    const struct search_wish wish = {.text = STR("refund button broken"), .ticket_count = 3};
    int r = assist_search(f, s->assist, &s->who, &empty, &s->sink);
    FLOW_CHECK(r == E_INPUT && s->event_count == 0);
    FLOW_OK(f, assist_search(f, s->assist, &s->who, &wish, &s->sink));
    CALM_CHECK(str_eq(buf_view(&s->names), STR(" error  similar_tickets ")));
    CALM_CHECK(stage_said(s, "\"degraded\":true") && stage_said(s, "\"id\":2,"));
    return 0;
}
STAGE_TEST(test_search_degraded, on_search_degraded, .embed_status = 500)

#define TICKET_WITH_FILE                                                                           \
    "{\"id\":1,\"subject\":\"s\",\"attachments\":[{\"id\":51,\"name\":\"a.png\",\"size\":7,"       \
    "\"content_type\":\"image/png\",\"attachment_url\":\"https://cdn.example/"                     \
    "a\"},{\"name\":\"?\"}]}"

static int on_files(struct flow *f, struct stage *s)
{
    struct attachment *files;
    size_t count;
    FLOW_OK(f, assist_attachments(f, s->assist, &s->who, 1, 0, &files, &count));
    CALM_CHECK(count == 3 && files[0].id == 51 && files[0].size == 7 && !files[0].conversation_id);
    CALM_CHECK(files[1].id == 52 && files[1].size == 9 && files[1].conversation_id == 101);
    CALM_CHECK(str_eq(files[1].url, STR("https://cdn.example/b")));
    CALM_CHECK(files[2].id == 53 && files[2].url.len == 0); /* not fit for a header */
    FLOW_OK(f, assist_attachments(f, s->assist, &s->who, 1, 52, &files, &count));
    CALM_CHECK(count == 1 && files[0].id == 52);
    int r = assist_attachments(f, s->assist, &s->who, 1, 54, &files, &count);
    CALM_CHECK(r == E_NOT_FOUND);
    return r == E_NOT_FOUND ? 0 : r;
}
STAGE_TEST(test_files, on_files, .ticket = TICKET_WITH_FILE)

struct nobody {
    struct file_taker taker;
    int call_count;
};

static int on_begin_never(struct flow *f, struct file_taker *t, const struct attachment *file)
{
    (void)file;
    container_of(t, struct nobody, taker)->call_count++;
    return flow_check(f);
}

static int on_piece_never(struct flow *f, struct file_taker *t, struct str piece)
{
    (void)piece;
    container_of(t, struct nobody, taker)->call_count++;
    return flow_check(f);
}

/* An address that is not called is told before a byte was given, and not as the reader's fault. */
static int on_file_refused(struct flow *f, struct stage *s)
{
    struct nobody nobody = {.taker = {.begin = on_begin_never, .piece = on_piece_never}};
    int r = assist_attachment_read(f, s->assist, &s->who, 1, 54, &nobody.taker);
    CALM_CHECK(r == E_NOT_FOUND);
    r = assist_attachment_read(f, s->assist, &s->who, 1, 53, &nobody.taker);
    CALM_CHECK(r == E_UPSTREAM);
    FLOW_CHECK(nobody.call_count == 0);
    return r == E_UPSTREAM ? 0 : r;
}
STAGE_TEST(test_file_refused, on_file_refused, .ticket = TICKET_WITH_FILE)

/* Who names a file of the ticket itself need not wait for the thread. */
static int on_files_of_ticket(struct flow *f, struct stage *s)
{
    struct attachment *files;
    size_t count;
    FLOW_OK(f, assist_attachments(f, s->assist, &s->who, 1, 51, &files, &count));
    CALM_CHECK(count == 1 && str_eq(files[0].name, STR("a.png")));
    return 0;
}
STAGE_TEST(test_files_of_ticket, on_files_of_ticket, .ticket = TICKET_WITH_FILE,
           .talks_status = 500)

static int on_no_store(struct flow *f, struct stage *s)
{
    const struct ticket_help help = {
        .ticket_id = 1, .summary = true, .similar = true, .solutions = true};
    FLOW_OK(f, assist_ticket(f, s->assist, &s->who, &help, &s->sink));
    CALM_CHECK(stage_has(s, "summary") && stage_has(s, "error") && stage_has(s, "done"));
    CALM_CHECK(!stage_said(s, "127.0.0.1") && !stage_said(s, "refused"));
    return 0;
}
STAGE_TEST(no_store, on_no_store, .ticket_status = 0)

/* No PostgreSQL at all: the model's summary of the live ticket comes all the same. */
static void test_no_store(void **state)
{
    char kept[sizeof(pg_test_url)];
    memcpy(kept, pg_test_url, sizeof(kept));
    snprintf(pg_test_url, sizeof(pg_test_url), "postgresql://nobody@127.0.0.1:1/none");
    no_store(state);
    memcpy(pg_test_url, kept, sizeof(kept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage_setup),
        cmocka_unit_test(test_question),
        cmocka_unit_test(test_question_degraded),
        cmocka_unit_test(test_answer_cut),
        cmocka_unit_test(test_answer_500),
        cmocka_unit_test(test_draft),
        cmocka_unit_test(test_draft_stored),
        cmocka_unit_test(test_draft_after),
        cmocka_unit_test(test_draft_left),
        cmocka_unit_test(test_no_context),
        cmocka_unit_test(test_our_key),
        cmocka_unit_test(test_our_model),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_degraded),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_of_ticket),
        cmocka_unit_test(test_file_refused),
        cmocka_unit_test(test_no_texts),
        cmocka_unit_test(test_no_store),
        cmocka_unit_test(test_no_vectors),
    };
    return pg_test_main(tests);
}
