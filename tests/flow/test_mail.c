/* SMTP against scripted peers, and the outbox over it: refused, later, lost after the data. */
#include "flow/store_test.h"

#include "chats/post.h"
#include "net/mail.h"
#include "store/tenants.h"
#include "support/peer.h"

#define HELLO                                                                                      \
    PEER_SEND("220 peer ESMTP\r\n"), PEER_EXPECT("EHLO "), PEER_EXPECT("\r\n"),                    \
        PEER_SEND("250-peer\r\n250 SIZE 1000000\r\n")
#define FROM                                                                                       \
    PEER_EXPECT("MAIL FROM:<bot@example.com>"), PEER_EXPECT("\r\n"), PEER_SEND("250 ok\r\n")
#define TO PEER_EXPECT("RCPT TO:<"), PEER_EXPECT("\r\n"), PEER_SEND("250 ok\r\n")
#define DATA PEER_EXPECT("DATA\r\n"), PEER_SEND("354 go on\r\n"), PEER_EXPECT("\r\n.\r\n")
#define BYE PEER_EXPECT("QUIT\r\n"), PEER_SEND("221 bye\r\n"), PEER_CLOSE()

struct mail_case {
    const struct peer_script *scripts;
    size_t script_count;
    int want;
    bool want_whole;
    const char *message, *seen; /* what the peer must have got */
};

static int mail_flow(struct flow *f, void *arg)
{
    const struct mail_case *mc = arg;
    struct peer *p = peer_open(f->loop, mc->scripts, mc->script_count);
    struct mail_call call = {
        .host = "127.0.0.1",
        .port = peer_port(p),
        .security = MAIL_PLAIN,
        .from = "bot@example.com",
        .to = "a@example.com",
        .message = str_from(mc->message),
    };
    struct mail_answer answer;
    int r = mail_send(f, &call, &answer);
    bool seen = mc->seen == NULL || str_find(peer_received(p), str_from(mc->seen), 0) != SIZE_MAX;
    peer_close(f, p);
    if (torture_is_on() && r != mc->want)
        return r < 0 ? r : -ECANCELED;
    FLOW_CHECK(r == mc->want);
    FLOW_CHECK(torture_is_on() || answer.whole_sent == mc->want_whole);
    FLOW_CHECK(seen);
    return 0;
}

#define MAIL_CASE(test, result, whole, text, got, ...)                                             \
    static void test(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        static const struct peer_step steps[] = {__VA_ARGS__};                                     \
        static const struct peer_script scripts[] = {PEER_SCRIPT(steps)};                          \
        struct mail_case mc = {scripts, 1, result, whole, text, got};                              \
        torture_run(#test, mail_flow, &mc);                                                        \
    }

MAIL_CASE(test_good, 0, true, "Subject: x\r\n\r\nbody\r\n", "\r\n\r\nbody\r\n.\r\n", HELLO, FROM,
          TO, DATA, PEER_SEND("250 taken\r\n"), BYE)
/* Dots at the beginning of lines are doubled; the end is one CRLF.CRLF. */
MAIL_CASE(test_dots, 0, true, "Subject: x\r\n\r\n.\r\n..a\r\n.b\r\nend\r\n",
          "\r\n\r\n..\r\n...a\r\n..b\r\nend\r\n.\r\n", HELLO, FROM, TO, DATA,
          PEER_SEND("250 taken\r\n"), BYE)
MAIL_CASE(test_no_such_user, E_UPSTREAM_INPUT, false, "x\r\n", NULL, HELLO, FROM,
          PEER_EXPECT("RCPT TO:<a@example.com>\r\n"), PEER_SEND("550 5.1.1 no such user\r\n"), BYE)
MAIL_CASE(test_greylisted, E_UPSTREAM_BUSY, false, "x\r\n", NULL, HELLO, FROM,
          PEER_EXPECT("RCPT TO:<a@example.com>\r\n"), PEER_SEND("451 4.7.1 later\r\n"), BYE)
MAIL_CASE(test_refused_after_data, E_UPSTREAM_INPUT, true, "x\r\n", NULL, HELLO, FROM, TO, DATA,
          PEER_SEND("554 5.7.1 spam\r\n"), BYE)
MAIL_CASE(test_later_after_data, E_UPSTREAM_BUSY, true, "x\r\n", NULL, HELLO, FROM, TO, DATA,
          PEER_SEND("452 4.3.1 full\r\n"), BYE)
MAIL_CASE(test_lost_after_data, E_UPSTREAM, true, "x\r\n", NULL, HELLO, FROM, TO, DATA,
          PEER_CLOSE())
MAIL_CASE(test_lost_before_data, E_UPSTREAM, false, "x\r\n", NULL, HELLO, FROM, PEER_CLOSE())
MAIL_CASE(test_not_now, E_UPSTREAM_BUSY, false, "x\r\n", NULL, PEER_SEND("421 4.3.2 closing\r\n"),
          PEER_CLOSE())

static int refused_login(struct flow *f, void *arg)
{
    (void)arg;
    static const struct peer_step steps[] = {
        PEER_SEND("220 peer\r\n"),     PEER_EXPECT("EHLO "),
        PEER_EXPECT("\r\n"),           PEER_SEND("250-peer\r\n250 AUTH PLAIN\r\n"),
        PEER_EXPECT("AUTH PLAIN"),     PEER_EXPECT("\r\n"),
        PEER_SEND("535 5.7.8 no\r\n"), PEER_EXPECT("QUIT\r\n"),
        PEER_SEND("221 bye\r\n"),      PEER_CLOSE()};
    static const struct peer_script scripts[] = {PEER_SCRIPT(steps)};
    struct peer *p = peer_open(f->loop, scripts, 1);
    struct mail_call call = {.host = "127.0.0.1",
                             .port = peer_port(p),
                             .security = MAIL_PLAIN,
                             .user = "bot",
                             .password = "wrong-secret",
                             .from = "bot@example.com",
                             .to = "a@example.com",
                             .message = STR("x\r\n")};
    struct mail_answer answer;
    int r = mail_send(f, &call, &answer);
    bool hidden = strstr(f->err.msg, "wrong-secret") == NULL;
    peer_close(f, p);
    if (torture_is_on() && r != E_UPSTREAM_AUTH)
        return r < 0 ? r : -ECANCELED;
    FLOW_CHECK(r == E_UPSTREAM_AUTH && hidden && !answer.whole_sent);
    /* STARTTLS that is asked for and not offered is no mail in the clear. */
    static const struct peer_step plain[] = {HELLO, PEER_EXPECT("QUIT\r\n"),
                                             PEER_SEND("221 bye\r\n"), PEER_CLOSE()};
    static const struct peer_script plain_scripts[] = {PEER_SCRIPT(plain)};
    p = peer_open(f->loop, plain_scripts, 1);
    call.port = peer_port(p);
    call.security = MAIL_STARTTLS;
    r = mail_send(f, &call, &answer);
    bool clear = str_find(peer_received(p), STR("MAIL FROM"), 0) != SIZE_MAX;
    peer_close(f, p);
    if (torture_is_on() && r != E_UPSTREAM_DENIED)
        return r < 0 ? r : -ECANCELED;
    FLOW_CHECK(r == E_UPSTREAM_DENIED && !clear);
    /* On this machine it may go in the clear, with a password that is not asked for. */
    static const struct peer_step local[] = {HELLO,
                                             FROM,
                                             TO,
                                             DATA,
                                             PEER_SEND("250 ok\r\n"),
                                             PEER_EXPECT("QUIT\r\n"),
                                             PEER_SEND("221 bye\r\n"),
                                             PEER_CLOSE()};
    static const struct peer_script local_scripts[] = {PEER_SCRIPT(local)};
    p = peer_open(f->loop, local_scripts, 1);
    call.port = peer_port(p);
    call.security = MAIL_LOCAL;
    r = mail_send(f, &call, &answer);
    bool told = str_find(peer_received(p), STR("AUTH"), 0) != SIZE_MAX;
    peer_close(f, p);
    if (torture_is_on() && r != 0)
        return r < 0 ? r : -ECANCELED;
    FLOW_CHECK(r == 0 && !told);
    return 0;
}
static void test_login(void **state)
{
    (void)state;
    torture_run("test_login", refused_login, NULL);
}

/* ---- the outbox ---- */

static size_t count_of(struct str all, struct str part)
{
    size_t count = 0;
    for (size_t at = 0; (at = str_find(all, part, at)) != SIZE_MAX; at++)
        count++;
    return count;
}

/*
 * Three recipients. Round one: a is taken, b has to wait, c does not exist. Round two: the connection breaks
 * after b's data. Round three: b may have it, so this process leaves it alone. Round four, as another process:
 * b is taken. Each of them is asked no more than that, with one Message-ID. A mail that all refused is put anew.
 */
static int outbox(struct flow *f, struct pg_pool *pool)
{
    static const struct peer_step taken[] = {HELLO, FROM, TO, DATA, PEER_SEND("250 ok\r\n"), BYE};
    static const struct peer_step wait[] = {HELLO, FROM, PEER_EXPECT("RCPT TO:<b@example.com>\r\n"),
                                            PEER_SEND("450 later\r\n"), BYE};
    static const struct peer_step none[] = {HELLO, FROM, PEER_EXPECT("RCPT TO:<c@example.com>\r\n"),
                                            PEER_SEND("550 none\r\n"), BYE};
    static const struct peer_step lost[] = {HELLO, FROM, TO, DATA, PEER_CLOSE()};
    static const struct peer_script scripts[] = {
        PEER_SCRIPT(taken), PEER_SCRIPT(wait), PEER_SCRIPT(none), PEER_SCRIPT(lost),
        PEER_SCRIPT(taken), PEER_SCRIPT(none), PEER_SCRIPT(taken)};
    struct post_memory memory = {.count = 0};
    struct tenant t;
    FLOW_OK(f, tenants_get_or_create(f, pool, STR("mail"), STR("mail"), &t));
    FLOW_OK(f, pg_once(f, pool, t.id, "delete from deskstream.outbox where tenant_id = $1",
                       PG_ARGS(PG_I64(t.id)), NULL));
    struct peer *p = peer_open(f->loop, scripts, ARRAY_COUNT(scripts));
    struct post post = {
        .pool = pool,
        .tenant_id = t.id,
        .smtp = {.host = "127.0.0.1",
                 .port = peer_port(p),
                 .user = "",
                 .password = "",
                 .ca_file = "",
                 .sender = "bot@example.com",
                 .sender_name = "",
                 .timeout_ms = 30000},
        .recipients = STR("a@example.com, b@example.com, c@example.com"),
        .memory = &memory,
    };
    struct letter letter = {STR("보고서"), STR("본문"), STR("<p>본문</p>")};
    struct post_item item = {.key = STR("report:x"), .letter = &letter};
    struct outbox_known known, again;
    struct post_counts counts[7];
    int r = post_put(f, &post, &item, &known);
    if (r >= 0)
        r = post_put(f, &post, &item, &again);
    for (size_t i = 0; r >= 0 && i < 5; i++) {
        post.memory = i < 3 ? &memory : NULL;
        r = post_send(f, &post, true, &counts[i]);
    }
    struct outbox_known refused = {.mail_id = 0}, anew = {.mail_id = 0};
    item.key = STR("report:y");
    post.recipients = STR("c@example.com");
    if (r >= 0)
        r = post_put(f, &post, &item, &refused);
    if (r >= 0)
        r = post_send(f, &post, true, &counts[5]);
    post.recipients = STR("d@example.com");
    if (r >= 0)
        r = post_put(f, &post, &item, &anew);
    if (r >= 0)
        r = post_send(f, &post, true, &counts[6]);
    item.key = STR("report:x");
    size_t to_a = count_of(peer_received(p), STR("RCPT TO:<a@example.com>"));
    size_t to_b = count_of(peer_received(p), STR("RCPT TO:<b@example.com>"));
    size_t to_c = count_of(peer_received(p), STR("RCPT TO:<c@example.com>"));
    size_t ids = count_of(peer_received(p), STR("\r\nMessage-ID: <"));
    peer_close(f, p);
    if (r < 0)
        return r;
    FLOW_CHECK(torture_is_on() || (known.is_new && !again.is_new));
    FLOW_CHECK(again.mail_id == known.mail_id);
    if (torture_is_on())
        return 0;
    FLOW_CHECK(counts[0].accepted == 1 && counts[0].later == 1 && counts[0].refused == 1);
    FLOW_CHECK(counts[1].accepted == 0 && counts[1].later == 1);
    FLOW_CHECK(counts[2].accepted == 0 && counts[2].later == 1 && counts[2].through == 0);
    FLOW_CHECK(counts[3].accepted == 1 && counts[3].through == 1);
    FLOW_CHECK(counts[4].accepted == 0 && counts[4].later == 0 && counts[4].through == 0);
    FLOW_CHECK(counts[5].refused == 1 && counts[6].accepted == 1);
    FLOW_CHECK(anew.is_new && anew.mail_id == refused.mail_id);
    FLOW_CHECK(to_a == 1 && to_b == 3 && to_c == 2 && ids == 4);
    struct outbox_stats stats;
    FLOW_OK(f, outbox_stats(f, pool, t.id, &stats));
    FLOW_CHECK(stats.sent_count == 2 && stats.queued_count == 0 && stats.failed_count == 0);
    FLOW_OK(f, post_put(f, &post, &item, &again));
    FLOW_CHECK(!again.is_new && str_eq(again.state, STR("sent")));
    return 0;
}
static void test_outbox(void **state)
{
    (void)state;
    if (!store_test_is_short())
        store_test_run("test_outbox", outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_no_such_user),
        cmocka_unit_test(test_greylisted),
        cmocka_unit_test(test_refused_after_data),
        cmocka_unit_test(test_later_after_data),
        cmocka_unit_test(test_lost_after_data),
        cmocka_unit_test(test_lost_before_data),
        cmocka_unit_test(test_not_now),
        cmocka_unit_test(test_login),
        cmocka_unit_test_setup(test_outbox, store_test_setup),
    };
    return pg_test_main(tests);
}
