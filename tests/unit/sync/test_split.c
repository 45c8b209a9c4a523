/* Symptom, cause and resolution of tickets by words, in Korean and English. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "sync/run.h"

enum { OPEN = 2, RESOLVED = 4, TALKS_MAX = 4 };

/* A talk's text begins with who says it: "<" customer, ">" agent, "#" private note. */
static void make(struct arena *a, int status, const char *subject, const char *description,
                 const char *const talks[TALKS_MAX], struct item_texts *ret_texts)
{
    struct ticket t = {.id = 1,
                       .status = status,
                       .subject = str_from(subject),
                       .description_text = str_from(description)};
    struct conversation list[TALKS_MAX];
    size_t count = 0;
    for (; count < TALKS_MAX && talks[count]; count++)
        list[count] = (struct conversation){.id = (int64_t)count + 1,
                                            .incoming = talks[count][0] == '<',
                                            .is_private = talks[count][0] == '#',
                                            .body_text = str_from(talks[count] + 1)};
    split_ticket(a, &t, list, count, ret_texts);
}

static void expect(const char *row, const char *what, struct str got, const char *want)
{
    if (!str_eq(got, str_from(want)))
        fail_msg("%s: %s:\n%.*s\n--- wanted\n%s", row, what, STR_ARG(got), want);
}

static void test_symptom(void **state)
{
    (void)state;
    static const struct {
        const char *name, *description, *want;
    } rows[] = {
        {"greeting, thanks and signature",
         "안녕하세요, 담당자님.\n앱이 켜지지 않습니다.\n확인 부탁드립니다.\n김민준 드림\n한빛문구 "
         "| "
         "010-0000-1234",
         "앱이 켜지지 않습니다."},
        {"who writes",
         "수고 많으십니다.\n별빛상사 박은지입니다.\n로그인이 안 됩니다.\n감사합니다.\n박은지 드림",
         "로그인이 안 됩니다."},
        {"the matter in the sentence of the greeting", "안녕하세요 결제가 두 번 되었습니다",
         "결제가 두 번 되었습니다"},
        {"the matter in the sentence of the request", "잘못 청구되었으니 확인 부탁드립니다.",
         "잘못 청구되었으니 확인 부탁드립니다."},
        {"a request for something", "번호 변경 확인 요청드립니다.", "번호 변경 확인 요청드립니다."},
        {"without end marks",
         "안녕하세요\n로그인 안됨\n어제부터 계속\n빠른 확인 부탁드립니다\n홍길동\n(주)새벽",
         "로그인 안됨\n어제부터 계속"},
        {"an opening courtesy is no closing", "안녕하세요. 항상 감사드립니다.\n로그인 안됨",
         "로그인 안됨"},
        {"legal footer",
         "엑셀이 깨집니다.\n본 메일은 지정된 수신인만을 위한 것으로 기밀 정보를 포함할 수 "
         "있습니다.",
         "엑셀이 깨집니다."},
        {"a secret that is the matter", "기밀 문서가 올라가지 않습니다.",
         "기밀 문서가 올라가지 않습니다."},
        {"quoted mail, Korean",
         "아직도 같습니다.\n2026년 3월 1일 오후 2:10, 지원팀님이 작성:\n> 재시작해 주세요.",
         "아직도 같습니다."},
        {"quoted mail with a head",
         "아직도 같습니다.\n보낸 사람: 지원팀\n받는 사람: 홍길동\n재시작해 주세요.",
         "아직도 같습니다."},
        {"from a phone", "화면이 하얗습니다.\n나의 iPhone에서 보냄", "화면이 하얗습니다."},
        {"English mail",
         "Hi there,\nMy voucher shows zero. It fails since Monday.\nThanks in advance,\nChloe "
         "Smith\nCorner Books | 010-0000-5724",
         "My voucher shows zero. It fails since Monday."},
        {"greeting and matter in one line", "Hello support team, the app crashes on start.",
         "the app crashes on start."},
        {"who speaks",
         "Good morning,\nAcme, John Doe speaking.\nThe export stops.\nKind regards,\nJohn",
         "The export stops."},
        {"a word that begins like a greeting", "Hidden columns are lost.",
         "Hidden columns are lost."},
        {"English quoted mail",
         "Still broken.\n\nOn Mon, 3 Mar 2026 at 10:00, Support <help@shop.example> wrote:\n> "
         "Restart.",
         "Still broken."},
        {"quoted mail without line breaks",
         "Still broken. On Mon, 3 Mar 2026, Support wrote: Restart it. Best regards, Kim",
         "Still broken."},
        {"Outlook", "Still broken.\n-----Original Message-----\nFrom: Support\nRestart it.",
         "Still broken."},
        {"answers between quoted lines",
         "> Which browser?\nFirefox 130.\n> Since when?\nSince Monday.",
         "Firefox 130.\nSince Monday."},
        {"a field called From", "The mail shows nothing.\nFrom: is empty there.",
         "The mail shows nothing.\nFrom: is empty there."},
        {"English footer",
         "The invoice is wrong.\nThis message is for the addressee only and may be confidential.",
         "The invoice is wrong."},
        {"progress is the agent's word only", "결제 확인 중 화면에서 멈춥니다.",
         "결제 확인 중 화면에서 멈춥니다."},
        {"only small talk", "Hello,\nThank you.\nBest regards,", ""},
        {"versions and lists", "1. Open v1.2.3 of the app.\n2. It stops.",
         "1. Open v1.2.3 of the app.\n2. It stops."},
    };
    static const char *const none[TALKS_MAX] = {NULL};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a = {0};
        arena_init(&a, 0);
        struct item_texts texts;
        make(&a, OPEN, "", rows[i].description, none, &texts);
        expect(rows[i].name, "symptom", texts.texts[VECTOR_SYMPTOM], rows[i].want);
        arena_done(&a);
    }
}

static void test_answer(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *talks[TALKS_MAX];
        const char *cause, *resolution;
    } rows[] = {
        {"progress is neither",
         {">불편을 드려 죄송합니다. 담당 부서에서 원인을 살펴보고 있습니다.\n이지은 드림, 누리 "
          "고객지원팀"},
         "",
         ""},
        {"courtesy is neither", {">그래도 해결되지 않으면 이 메일에 회신해 주세요."}, "", ""},
        {"questions are neither",
         {">같은 현상이 다른 계정에서도 나타나는지 확인해 주시겠어요?",
          ">사용하시는 환경을 알려 주세요."},
         "",
         ""},
        {"what was announced is the cause",
         {">김민준님, 기다려 주셔서 감사합니다.\n확인한 결과를 안내드립니다.\n주소가 예전 것으로 "
          "남아 "
          "있었습니다.\n관리 화면에서 주소를 바꿔 주세요.\n그래도 해결되지 않으면 회신해 "
          "주세요.\n이지은 드림"},
         "주소가 예전 것으로 남아 있었습니다.",
         "관리 화면에서 주소를 바꿔 주세요."},
        {"cause by its words",
         {">인증서 만료 때문에 연결이 끊겼습니다. 새 인증서를 올리시면 됩니다."},
         "인증서 만료 때문에 연결이 끊겼습니다.",
         "새 인증서를 올리시면 됩니다."},
        {"a cause and its regret",
         {">서버 점검으로 인해 접속이 되지 않아 죄송합니다. 지금은 복구되었습니다."},
         "서버 점검으로 인해 접속이 되지 않아 죄송합니다.",
         "지금은 복구되었습니다."},
        {"members and checks hold no cause",
         {">회원인증을 다시 확인해 등록했습니다."},
         "",
         "회원인증을 다시 확인해 등록했습니다."},
        {"an unknown cause", {">원인을 찾지 못했습니다."}, "", ""},
        {"the last fix counts",
         {">캐시를 삭제해 주세요.", "<그래도 안 됩니다.", ">앱을 다시 설치해 주세요."},
         "",
         "앱을 다시 설치해 주세요."},
        {"fixes without a word between belong together",
         {">먼저 로그아웃해 주세요.", ">그다음 앱을 다시 설치해 주세요."},
         "",
         "먼저 로그아웃해 주세요. 그다음 앱을 다시 설치해 주세요."},
        {"thanks after the fix",
         {">재설정 링크를 눌러 주세요.", "<잘 됩니다. 감사합니다!",
          ">다행입니다. 좋은 하루 되세요."},
         "",
         "재설정 링크를 눌러 주세요."},
        {"a private note stays private",
         {"#캐시 때문입니다. 캐시를 삭제해 주세요.", ">접수되었습니다."},
         "",
         ""},
        {"the customer's words are no answer", {"<캐시 때문입니다. 캐시를 삭제해 주세요."}, "", ""},
        {"a statement when nothing else",
         {">문의 주셔서 감사합니다. 이번 한 번 예외로 교환을 승인했습니다."},
         "",
         "이번 한 번 예외로 교환을 승인했습니다."},
        {"English fix",
         {">Kim, thank you for your patience.\nHere is what we found.\nThe lock file had both "
          "versions.\nGo to Node 20 and install again.\nIf it still fails, please reply to this "
          "mail.\nAnna Lee, Nuri Support"},
         "The lock file had both versions.",
         "Go to Node 20 and install again."},
        {"English progress",
         {">We are sorry for the trouble. The team in charge is looking into the cause."},
         "",
         ""},
        {"English questions",
         {">Thank you for writing. Tell us the time it happened and send the screen, please.",
          ">Which environment do you use?"},
         "",
         ""},
        {"English cause",
         {">Hi Kim,\nThe login failed because the certificate had expired. We have fixed it.\nBest "
          "regards,\nAnna"},
         "The login failed because the certificate had expired.",
         "We have fixed it."},
        {"scheduled is no cause",
         {">The refund is scheduled tomorrow. Please restart the app."},
         "",
         "Please restart the app."},
        {"an instruction behind a condition",
         {">If the light is red, press the reset button."},
         "",
         "If the light is red, press the reset button."},
        {"a list",
         {">Please follow these steps:\n1. Open the settings.\n2. Nothing else."},
         "",
         "Please follow these steps: 1. Open the settings. 2. Nothing else."},
        {"what the agent quotes",
         {">It works now.\nOn Monday Kim wrote:\n> Please reset my password."},
         "",
         "It works now."},
        {"nothing was said", {NULL}, "", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a = {0};
        arena_init(&a, 0);
        struct item_texts texts;
        make(&a, RESOLVED, "s", "d", rows[i].talks, &texts);
        expect(rows[i].name, "cause", texts.texts[VECTOR_CAUSE], rows[i].cause);
        expect(rows[i].name, "resolution", texts.texts[VECTOR_RESOLUTION], rows[i].resolution);
        make(&a, OPEN, "s", "d", rows[i].talks, &texts);
        expect(rows[i].name, "cause while open", texts.texts[VECTOR_CAUSE], "");
        expect(rows[i].name, "resolution while open", texts.texts[VECTOR_RESOLUTION], "");
        arena_done(&a);
    }
}

static void test_whole(void **state)
{
    (void)state;
    static const struct {
        const char *name, *subject, *description;
        const char *talks[TALKS_MAX];
        const char *want, *language;
    } rows[] = {
        {"subject and description",
         "RE: Fwd: 로그인 오류",
         "안녕하세요.\n안 됩니다.",
         {NULL},
         "로그인 오류\n\n안 됩니다.",
         "ko"},
        {"the subject is not told twice",
         "It fails.",
         "Hello,\nIt fails.\nSince today.",
         {NULL},
         "It fails.\n\nSince today.",
         "en"},
        {"what the customer adds",
         "s",
         "First.",
         {"<Second.\nThank you.", ">Answer.", "<Third."},
         "s\n\nFirst.\n\nSecond.",
         "en"},
        {"a chat's first message comes twice",
         "s",
         "First.",
         {"<First.", "<Second."},
         "s\n\nFirst.\n\nSecond.",
         "en"},
        {"private notes are left out", "s", "First.", {"#Secret."}, "s\n\nFirst.", "en"},
        {"nothing", "", "", {NULL}, "", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a = {0};
        arena_init(&a, 0);
        struct item_texts texts;
        make(&a, OPEN, rows[i].subject, rows[i].description, rows[i].talks, &texts);
        expect(rows[i].name, "symptom", texts.texts[VECTOR_SYMPTOM], rows[i].want);
        expect(rows[i].name, "language", texts.language, rows[i].language);
        arena_done(&a);
    }
}

/* Any cut of a mail, also in the middle of a character, is taken. */
static void test_pieces(void **state)
{
    (void)state;
    static const char mail[] =
        "안녕하세요, Kim.\n1. 원인은 캐시 때문입니다。 On Mon, Lee wrote:\n> x\n- a | "
        "010-1234-5678\n드림 올림, 지원팀\nFrom: a\nTo: b 님이 작성: .. ? !";
    for (size_t from = 0; from < sizeof(mail) - 1; from++) {
        struct arena a = {0};
        arena_init(&a, 0);
        struct conversation c = {.body_text = str_of(mail + from, sizeof(mail) - 1 - from)};
        struct ticket t = {.status = RESOLVED,
                           .subject = str_of(mail, from),
                           .description_text = str_of(mail, from)};
        struct item_texts texts;
        split_ticket(&a, &t, &c, 1, &texts);
        assert_true(texts.texts[VECTOR_SYMPTOM].len <= 2 * sizeof(mail));
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symptom),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
