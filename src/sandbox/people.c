#include "sandbox/people.h"

#include "base/macro.h"

/*
 * Who asks and who answers. A requester's number decides the name in both languages, the company's
 * the domain of the mail address, so that the same number always is the same person.
 * Nothing fails. Numbers are taken modulo the tables. All domains are under .example (RFC 2606).
 */

static const char *const family_ko[] = {"김", "이", "박", "최", "정", "강", "조", "윤", "장", "임",
                                        "한", "오", "서", "신", "권", "황", "안", "송", "류", "홍"};
static const char *const given_ko[] = {
    "민준", "서연", "도윤", "지우", "하준", "수빈", "지호", "예은", "현우", "지민",
    "준서", "채원", "건우", "다은", "우진", "소율", "성민", "유진", "태현", "나연",
    "재훈", "혜진", "동현", "은지", "상훈", "미경", "영호", "정희", "승민", "가영"};
static const char *const family_en[] = {"Kim",   "Lee",    "Park",   "Choi",   "Jung",   "Smith",
                                        "Brown", "Garcia", "Miller", "Wilson", "Nguyen", "Patel",
                                        "Khan",  "Rossi",  "Meyer",  "Dubois", "Silva",  "Tanaka"};
static const char *const given_en[] = {"Alex",   "Jamie", "Morgan", "Taylor", "Grace",  "Daniel",
                                       "Emma",   "Lucas", "Olivia", "Noah",   "Sofia",  "Ethan",
                                       "Chloe",  "Liam",  "Nina",   "Oscar",  "Priya",  "Hannah",
                                       "Victor", "Julia", "Marco",  "Elena",  "Samuel", "Iris"};
static const char *const login[] = {"alex", "jamie", "minjun", "seoyeon", "doyun", "jiwoo",
                                    "sora", "hyun",  "grace",  "daniel",  "yejin", "taeho",
                                    "emma", "lucas", "nari",   "woojin",  "sofia", "ethan"};

static const struct company {
    const char *ko, *en, *domain;
} companies[] = {
    {"한빛문구", "Hanbit Stationery", "hanbit.example"},
    {"푸른들식품", "Greenfield Foods", "greenfield.example"},
    {"모아물류", "Moa Logistics", "moa-logistics.example"},
    {"다온패션", "Daon Fashion", "daon.example"},
    {"서울공방", "Seoul Workshop", "seoulworks.example"},
    {"바른가구", "Barun Furniture", "barun.example"},
    {"별빛코스메틱", "Starlight Cosmetics", "starlight.example"},
    {"우리동네책방", "Corner Books", "cornerbooks.example"},
    {"에코라이프", "Ecolife", "ecolife.example"},
    {"하늘여행사", "Sky Travel", "skytravel.example"},
    {"튼튼스포츠", "Sturdy Sports", "sturdy.example"},
    {"참좋은의료기", "Goodcare Medical", "goodcare.example"},
    {"미래소프트", "Mirae Soft", "miraesoft.example"},
    {"달콤제과", "Sweet Bakery", "sweetbakery.example"},
    {"정원반려동물", "Garden Pets", "gardenpets.example"},
    {"온누리전자", "Onnuri Electronics", "onnuri.example"},
};

static const char *const agents[] = {"",       "이수진",     "박정우",    "Erin Walsh", "최민서",
                                     "김하늘", "정다빈",     "Tom Reyes", "오세훈",     "한지원",
                                     "윤서아", "Maya Lindt", "강도현"};
static const char *const groups[] = {"계정·결제 지원", "주문·배송 지원", "개발자 지원", "앱 지원",
                                     "플랫폼 운영"};
static const char *const types[] = {"Question", "Incident", "Problem", "Feature Request", "Refund"};

#define AT(list, n) ((list)[(n) % ARRAY_COUNT(list)])

void person_name(struct buf *out, uint32_t requester, enum lang lang)
{
    if (lang == LANG_KO) {
        buf_text(out, AT(family_ko, requester));
        buf_text(out, AT(given_ko, requester / ARRAY_COUNT(family_ko) + requester));
    } else {
        buf_text(out, AT(given_en, requester / ARRAY_COUNT(family_en) + requester));
        buf_byte(out, ' ');
        buf_text(out, AT(family_en, requester));
    }
}

const char *company_domain(uint32_t company)
{
    return AT(companies, company).domain;
}

void person_email(struct buf *out, uint32_t requester, uint32_t company)
{
    buf_text(out, AT(login, requester));
    buf_i64(out, requester);
    buf_byte(out, '@');
    buf_text(out, company_domain(company));
}

void company_name(struct buf *out, uint32_t company, enum lang lang)
{
    const struct company *c = &AT(companies, company);
    buf_text(out, lang == LANG_KO ? c->ko : c->en);
    if (company >= ARRAY_COUNT(companies)) {
        buf_byte(out, ' ');
        buf_i64(out, company / (int64_t)ARRAY_COUNT(companies) + 1);
    }
}

const char *agent_name(uint32_t agent)
{
    return AT(agents, agent);
}

const char *agent_email(uint32_t agent)
{
    static const char *const mails[] = {
        "",
        "sujin@nuri.example",
        "jungwoo@nuri.example",
        "erin@nuri.example",
        "minseo@nuri.example",
        "haneul@nuri.example",
        "dabin@nuri.example",
        "tom@nuri.example",
        "sehun@nuri.example",
        "jiwon@nuri.example",
        "seoah@nuri.example",
        "maya@nuri.example",
        "dohyun@nuri.example",
    };
    return AT(mails, agent);
}

const char *group_name(uint32_t group)
{
    return AT(groups, group);
}

const char *ticket_type_name(uint32_t type)
{
    return AT(types, type);
}
