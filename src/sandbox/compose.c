#include "sandbox/compose.h"

#include <inttypes.h>

#include "sandbox/people.h"

/*
 * Builds texts from the family's wordings and tables of small talk.
 *
 *   subject     title or symptom, sometimes with the error code
 *   message     greeting, symptom, surroundings, error code, noise, closing, signature
 *   thread      a plan of entries chosen by status: [ack] [info] [note] [nudge] [fix] [thanks]
 *
 * Every choice is a hash of (ticket, salt), never a generator that is carried along, so that an
 * entry can be written without those before it. Cannot fail; the buffer's cap is the caller's.
 */

#define PICK(list, hash) ((list)[(hash) % ARRAY_COUNT(list)])

static uint64_t dice(const struct ticket *t, uint64_t salt)
{
    return world_hash(t->hash, salt * 31 + 5);
}

static const struct telling *telling(const struct ticket *t)
{
    return &family_at(t->family)->tell[t->lang];
}

/* ---- small talk ---- */

static const char *const hello[LANG_COUNT][6] = {
    {"안녕하세요.", "안녕하세요, 담당자님.", "수고 많으십니다.", "급하게 문의드립니다.",
     "안녕하세요. 항상 감사드립니다.", "문의드려요."},
    {"Hello,", "Hi team,", "Good morning,", "Dear support,", "Hi there,", "Hello support team,"},
};
static const char *const noise[LANG_COUNT][10] = {
    {"오늘 안에 확인 부탁드립니다.", "고객 응대에 지장이 있어 빠른 처리 부탁드려요.",
     "지난주에는 문제가 없었습니다.", "다른 직원 자리에서도 똑같습니다.",
     "재부팅과 캐시 삭제는 이미 해 봤습니다.", "혹시 저만 그런 건가요?",
     "화면을 캡처해 두었으니 필요하면 보내겠습니다.", "행사 기간이라 마음이 급합니다.",
     "매뉴얼을 찾아봤지만 해당 내용이 없었습니다.", "전화로 안내해 주셔도 좋습니다."},
    {"Please look at this today if you can.", "It gets in the way of serving our customers.",
     "Last week there was no problem.", "A colleague sees the same at another desk.",
     "I have already rebooted and cleared the cache.", "Is it just me?",
     "I kept a screenshot and can send it.", "We are in the middle of a campaign, so it is urgent.",
     "I read the manual and found nothing about it.", "A phone call is fine as well."},
};
static const char *const bye[LANG_COUNT][5] = {
    {"감사합니다.", "확인 부탁드립니다.", "답변 기다리겠습니다.", "수고하세요.",
     "도움 주시면 감사하겠습니다."},
    {"Thank you.", "Best regards,", "Looking forward to your answer.", "Thanks in advance,",
     "Kind regards,"},
};
static const char *const place[LANG_COUNT][6] = {
    {"윈도우 11, 크롬 최신 버전에서 확인했습니다.", "맥북 사파리에서 발생합니다.",
     "갤럭시 S24, 안드로이드 14입니다.", "아이폰 15, iOS 18을 쓰고 있습니다.",
     "회사 PC의 엣지 브라우저를 사용합니다.", "매장 태블릿에서도 같은 현상입니다."},
    {"Windows 11 with the latest Chrome.", "It happens in Safari on a MacBook.",
     "Galaxy S24 with Android 14.", "I use an iPhone 15 with iOS 18.",
     "The browser is Edge on an office PC.", "The tablet in our store behaves alike."},
};
static const char *const ack[LANG_COUNT][4] = {
    {"문의 주셔서 감사합니다. 발생 시각과 화면을 알려 주시면 바로 확인하겠습니다.",
     "불편을 드려 죄송합니다. 담당 부서에서 원인을 살펴보고 있습니다.",
     "접수되었습니다. 같은 현상이 다른 계정에서도 나타나는지 확인해 주시겠어요?",
     "확인을 위해 사용하시는 환경과 최근에 바꾸신 설정을 알려 주세요."},
    {"Thank you for writing. Tell us the time it happened and send the screen, please.",
     "We are sorry for the trouble. The team in charge is looking into the cause.",
     "We have your report. Does it also happen with another account?",
     "Which environment do you use, and which settings were changed lately?"},
};
static const char *const info[LANG_COUNT][4] = {
    {"오늘 오전 10시쯤 발생했고 다시 해도 같습니다.", "다른 계정으로 해도 똑같이 나옵니다.",
     "최근에 설정을 바꾼 적은 없습니다.", "요청하신 정보를 아래에 적었습니다."},
    {"It happened about ten this morning and repeats each time.",
     "Another account shows exactly the same.", "We have not changed any setting lately.",
     "Below is what you asked for."},
};
static const char *const nudge[LANG_COUNT][4] = {
    {"혹시 진행 상황을 알 수 있을까요?", "아직 해결되지 않아 다시 연락드립니다.",
     "오늘까지는 꼭 처리되어야 합니다.", "추가로 확인할 것이 있으면 말씀해 주세요."},
    {"May I ask how far you are?", "It is not solved yet, so I write again.",
     "We really need this done today.", "Tell me if you need anything else."},
};
static const char *const thanks[LANG_COUNT][4] = {
    {"안내해 주신 대로 하니 잘 됩니다. 감사합니다!", "해결되었습니다. 빠른 답변 고맙습니다.",
     "정상으로 돌아왔어요. 종료하셔도 됩니다.", "확인했습니다. 덕분에 잘 처리했습니다."},
    {"I did as you said and it works. Thank you!", "Solved. Thanks for the quick answer.",
     "It is back to normal, you may close this.", "Confirmed, all is well thanks to you."},
};
static const char *const note[LANG_COUNT][4] = {
    {"내부 공유: 고객에게는 아직 말하지 마세요. 추정 원인은 다음과 같습니다.",
     "2차 담당자 메모, 외부 공유 금지. 로그에서 확인한 내용입니다.",
     "이 고객은 해지 위험군입니다. 보상 한도는 3만 원까지 승인됨.",
     "개발팀 회신을 옮겨 둡니다. 고객 답변에 그대로 쓰지 말 것."},
    {"Internal: do not tell the customer yet. The likely cause is as follows.",
     "Second-line remark, not for outsiders. This is what the log shows.",
     "This customer may cancel. Compensation up to 30,000 won is approved.",
     "Answer of the developers, not to be quoted to the customer."},
};

static void line(struct buf *out, const char *text)
{
    buf_text(out, text);
    buf_byte(out, '\n');
}

/* ---- subject and message ---- */

void ticket_subject(const struct ticket *t, struct buf *out)
{
    const struct family *f = family_at(t->family);
    const struct telling *say = telling(t);
    if (t->kind == TICKET_SPAM) {
        buf_text(out,
                 t->lang == LANG_KO ? "무료 대출 상담 지금 신청하세요" : "You have won a prize");
        return;
    }
    switch (dice(t, 1) % 6) {
    case 0: buf_printf(out, "[%s] %s", f->product, say->title); break;
    case 1: buf_printf(out, t->lang == LANG_KO ? "%s 문의" : "Question: %s", say->title); break;
    case 2: buf_printf(out, "%s (%s)", say->title, f->code); break;
    case 3: buf_text(out, say->title); break;
    default: buf_str(out, str_cut_utf8(str_from(say->symptom[t->symptom]), 120)); break;
    }
}

static void signature(const struct ticket *t, struct buf *out)
{
    uint64_t d = dice(t, 9);
    person_name(out, t->requester, t->lang);
    buf_text(out, t->lang == LANG_KO ? " 드림" : "");
    buf_byte(out, '\n');
    company_name(out, t->company, t->lang);
    if (d % 3)
        buf_printf(out, " | 010-0000-%04u", (unsigned)(d >> 8) % 10000);
    buf_byte(out, '\n');
    if (d % 5 == 0)
        line(out, t->lang == LANG_KO
                      ? "본 메일은 지정된 수신인만을 위한 것으로 기밀 정보를 포함할 수 있습니다."
                      : "This message is for the addressee only and may be confidential.");
}

static void say_code(const struct ticket *t, struct buf *out)
{
    const struct family *f = family_at(t->family);
    if (t->lang == LANG_KO)
        buf_printf(out, "%s 화면에 표시된 코드는 %s입니다.\n", f->product, f->code);
    else
        buf_printf(out, "The code shown in %s is %s.\n", f->product, f->code);
}

void ticket_text(const struct ticket *t, struct buf *out)
{
    const struct telling *say = telling(t);
    line(out, PICK(hello[t->lang], dice(t, 2)));
    if (dice(t, 3) % 3 == 0) {
        company_name(out, t->company, t->lang);
        buf_text(out, t->lang == LANG_KO ? " " : ", ");
        person_name(out, t->requester, t->lang);
        buf_text(out, t->lang == LANG_KO ? "입니다.\n" : " speaking.\n");
    }
    if (t->kind == TICKET_SPAM) {
        line(out, t->lang == LANG_KO ? "최저 금리를 확인하시려면 링크를 누르세요."
                                     : "Click the link to collect your prize.");
        return;
    }
    line(out, say->symptom[t->symptom]);
    uint64_t d = dice(t, 4);
    if (t->kind != TICKET_HELD && d % 100 < 35)
        line(out, say->symptom[(t->symptom + 1) % SYMPTOM_LISTED]);
    if ((d >> 8) % 100 < 55)
        line(out, PICK(place[t->lang], d >> 16));
    bool untitled = dice(t, 1) % 6 > 3;
    if ((d >> 24) % 100 < 50 || (t->kind == TICKET_HELD && untitled))
        say_code(t, out);
    if ((d >> 32) % 4 == 0)
        buf_printf(out, t->lang == LANG_KO ? "주문번호 2026%06u 건입니다.\n" : "Order 2026%06u.\n",
                   (unsigned)(dice(t, 5) % 1000000));
    for (uint64_t i = 0; i < dice(t, 6) % 4; i++)
        line(out, noise[t->lang][(dice(t, 7) + i * 3) % ARRAY_COUNT(noise[0])]);
    line(out, PICK(bye[t->lang], dice(t, 8)));
    signature(t, out);
}

bool ticket_has_attachment(const struct ticket *t)
{
    return dice(t, 10) % 10 == 0;
}

/* ---- thread ---- */

static bool is_solved(const struct ticket *t)
{
    return t->status == STATUS_RESOLVED || t->status == STATUS_CLOSED;
}

/* The first `count` kinds in order of importance, told in order of time. */
static enum entry_kind planned(const struct ticket *t, uint32_t number, uint32_t count)
{
    static const enum entry_kind solved[8] = {ENTRY_ACK,  ENTRY_INFO, ENTRY_NOTE, ENTRY_NUDGE,
                                              ENTRY_NOTE, ENTRY_INFO, ENTRY_FIX,  ENTRY_THANKS};
    static const uint8_t solved_rank[8] = {3, 4, 2, 5, 6, 7, 0, 1};
    static const enum entry_kind waiting[5] = {ENTRY_ACK, ENTRY_INFO, ENTRY_NOTE, ENTRY_NUDGE,
                                               ENTRY_NOTE};
    static const uint8_t waiting_rank[5] = {1, 2, 0, 3, 4};
    bool done = is_solved(t);
    for (uint32_t i = 0, seen = 0; i < (done ? 8U : 5U); i++) {
        if ((done ? solved_rank[i] : waiting_rank[i]) >= count)
            continue;
        if (seen++ == number)
            return done ? solved[i] : waiting[i];
    }
    return ENTRY_NUDGE;
}

static enum entry_kind kind_of(const struct ticket *t, uint32_t number)
{
    uint32_t fresh = MIN(t->revision, 40U), base = t->conversation_count - fresh;
    if (number >= base)
        return (number - base) % 3 == 2 ? ENTRY_FIX : ENTRY_NUDGE;
    if (base <= 8)
        return planned(t, number, base);
    if (is_solved(t) && number >= base - 2)
        return number == base - 2 ? ENTRY_FIX : ENTRY_THANKS;
    static const enum entry_kind turn[5] = {ENTRY_ACK, ENTRY_INFO, ENTRY_NOTE, ENTRY_NUDGE,
                                            ENTRY_ACK};
    return turn[number % 5];
}

void ticket_entry(const struct ticket *t, uint32_t number, struct entry *ret_entry)
{
    enum entry_kind kind = kind_of(t, number);
    int64_t span = t->updated_s - t->created_s;
    *ret_entry = (struct entry){
        .id = INT64_C(100000000000) + t->id * 1024 + number,
        .at_s = t->created_s + span * ((int64_t)number + 1) / (t->conversation_count + 1),
        .kind = kind,
        .incoming = kind == ENTRY_INFO || kind == ENTRY_NUDGE || kind == ENTRY_THANKS,
        .is_private = kind == ENTRY_NOTE,
        .number = number,
        .has_attachment = kind == ENTRY_INFO && dice(t, 40 + number) % 6 == 0,
    };
}

static void long_log(const struct ticket *t, struct buf *out)
{
    uint64_t d = dice(t, 50);
    for (uint32_t i = 0; i < 40 + d % 50; i++)
        buf_printf(out, "2026-10-%02u 10:%02u:%02u.%03u WARN %s step=%u retry=%u node=web-%u\n",
                   (unsigned)(1 + d % 28), (unsigned)(i / 60), (unsigned)(i % 60),
                   (unsigned)(world_hash(d, i) % 1000), family_at(t->family)->code, (unsigned)i,
                   (unsigned)(i % 4), (unsigned)(d % 9));
}

static void agent_signature(const struct ticket *t, struct buf *out)
{
    buf_printf(out, t->lang == LANG_KO ? "%s 드림, 누리 고객지원팀\n" : "%s, Nuri Support\n",
               agent_name(MAX(t->agent, 1)));
}

static void fix_text(const struct ticket *t, struct buf *out)
{
    const struct telling *say = telling(t);
    bool ko = t->lang == LANG_KO;
    person_name(out, t->requester, t->lang);
    line(out, ko ? "님, 기다려 주셔서 감사합니다." : ", thank you for your patience.");
    line(out, ko ? "확인한 결과를 안내드립니다." : "Here is what we found.");
    line(out, say->cause[t->cause]);
    line(out, say->fix[t->fix]);
    if (dice(t, 60) % 4 == 0)
        line(out, say->fix[(t->fix + 1) % FIX_COUNT]);
    line(out, ko ? "그래도 해결되지 않으면 이 메일에 회신해 주세요."
                 : "If it still fails, please reply to this mail.");
    agent_signature(t, out);
}

void entry_text(const struct ticket *t, const struct entry *e, struct buf *out)
{
    uint64_t d = dice(t, 70 + e->number);
    switch (e->kind) {
    case ENTRY_ACK:
        line(out, PICK(ack[t->lang], d));
        agent_signature(t, out);
        break;
    case ENTRY_INFO:
        line(out, PICK(info[t->lang], d));
        line(out, PICK(place[t->lang], d >> 8));
        if ((d >> 16) % 9 == 0)
            long_log(t, out);
        break;
    case ENTRY_NOTE:
        buf_printf(out, "[internal#%" PRId64 "] ", t->id);
        line(out, PICK(note[t->lang], d));
        line(out, telling(t)->cause[t->cause]);
        break;
    case ENTRY_NUDGE: line(out, PICK(nudge[t->lang], d)); break;
    case ENTRY_FIX: fix_text(t, out); break;
    case ENTRY_THANKS: line(out, PICK(thanks[t->lang], d)); break;
    }
}

void text_html(struct str text, struct buf *out)
{
    struct str part;
    while (str_cut(&text, '\n', &part)) {
        if (!part.len)
            continue;
        buf_text(out, "<div>");
        size_t from = 0;
        for (size_t i = 0; i < part.len; i++) {
            char c = part.ptr[i];
            const char *entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
            if (!entity)
                continue;
            buf_add(out, part.ptr + from, i - from);
            buf_text(out, entity);
            from = i + 1;
        }
        buf_add(out, part.ptr + from, part.len - from);
        buf_text(out, "</div>");
    }
}
