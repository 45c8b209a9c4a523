/*
 * Made-up problem families about accounts, permissions and plans.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_admin[FAMILIES_PER_AREA] = {
    {
        .code = "ACL-403",
        .tag = "permission",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "메뉴 접근 권한 없음",
                .symptom =
                    {
                        "정산 메뉴를 누르면 권한이 없다고 합니다.",
                        "팀장 계정인데 보고서가 보이지 않아요.",
                        "ACL-403이 나오면서 설정 화면이 막힙니다.",
                        "어제까지 쓰던 기능이 회색으로 바뀌었습니다.",
                        "필요한 페이지를 열 수가 없어요.",
                    },
                .cause =
                    {
                        "조직 개편으로 사용자가 읽기 전용 역할로 옮겨졌습니다.",
                        "상위 역할에서 해당 메뉴가 거부로 지정되었습니다.",
                        "권한 그룹 동기화가 AD의 옛 그룹을 따랐습니다.",
                        "요금제 변경으로 기능이 포함되지 않았습니다.",
                    },
                .fix =
                    {
                        "관리자 > 역할에서 정산 조회 권한을 켜고 다시 로그인해 주세요.",
                        "상위 역할의 거부 항목을 해제해 주세요.",
                        "AD 그룹 매핑을 새 조직으로 바꾸고 동기화를 실행하세요.",
                        "기능이 포함된 요금제로 올리거나 담당자에게 대행을 요청해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "No permission to open a menu",
                .symptom =
                    {
                        "The settlement menu says I lack permission.",
                        "I am a team lead and see no reports.",
                        "ACL-403 blocks the settings screen.",
                        "A feature I used until yesterday has turned grey.",
                        "I am unable to open the page I need.",
                    },
                .cause =
                    {
                        "A reorganisation moved the user to a read-only role.",
                        "The parent role denies this menu.",
                        "Group synchronisation followed an old AD group.",
                        "The changed plan does not include the feature.",
                    },
                .fix =
                    {
                        "Enable settlement view under Admin > Roles and sign in again.",
                        "Remove the denial from the parent role.",
                        "Map the AD group to the new organisation and run the sync.",
                        "Upgrade to a plan that includes it or ask a colleague to do it.",
                    },
            },
    },
    {
        .code = "SEA-120",
        .tag = "seats",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "사용자 좌석 초과",
                .symptom =
                    {
                        "사용자를 추가하려니 좌석이 부족하다고 합니다.",
                        "SEA-120 때문에 신규 직원 계정을 만들 수 없어요.",
                        "퇴사자를 지웠는데도 라이선스가 줄지 않습니다.",
                        "남은 자리가 있다는데 초대가 거절됩니다.",
                        "인원을 더 넣을 수가 없네요.",
                    },
                .cause =
                    {
                        "비활성 사용자도 좌석을 차지하고 있었습니다.",
                        "삭제한 계정은 30일 보관 기간 동안 좌석에 포함됩니다.",
                        "외부 협력자가 정식 좌석으로 등록되었습니다.",
                        "연간 계약의 좌석 변경이 갱신일에만 반영되었습니다.",
                    },
                .fix =
                    {
                        "구성원에서 비활성 사용자를 영구 삭제해 좌석을 비워 주세요.",
                        "보관 중인 계정을 즉시 비우기로 처리했습니다.",
                        "외부 협력자를 게스트로 바꾸면 좌석이 늘어납니다.",
                        "요금제 화면에서 좌석을 추가하면 바로 적용됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Seat limit reached",
                .symptom =
                    {
                        "Adding a user says there are no seats.",
                        "SEA-120 stops me from creating the new hire's account.",
                        "I removed a leaver and the licence count is the same.",
                        "It claims a seat is free and refuses the invite.",
                        "No more people can be added.",
                    },
                .cause =
                    {
                        "Inactive users were occupying seats.",
                        "Deleted accounts count for the 30 days they are kept.",
                        "Outside partners had been registered in full seats.",
                        "In the yearly contract seats change on renewal only.",
                    },
                .fix =
                    {
                        "Delete inactive users for good to free their seats.",
                        "We purged the kept accounts at once.",
                        "Turn outside partners into guests to gain seats.",
                        "Add seats on the plan page; it applies at once.",
                    },
            },
    },
    {
        .code = "AUD-330",
        .tag = "audit-log",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "감사 로그 누락",
                .symptom =
                    {
                        "관리자 활동 기록이 일부 보이지 않습니다.",
                        "감사 로그를 내려받으면 지난달 내역이 비어 있어요.",
                        "AUD-330으로 로그 조회가 실패합니다.",
                        "누가 설정을 바꿨는지 확인이 안 됩니다.",
                        "보안 점검에 낼 이력을 찾을 수가 없어요.",
                    },
                .cause =
                    {
                        "로그 보관 기간이 30일로 설정돼 있었습니다.",
                        "API로 변경한 작업은 별도 탭에 기록됩니다.",
                        "조회 시간대가 UTC라 날짜가 하루 어긋났습니다.",
                        "SIEM 전송이 실패해 버퍼가 넘쳤습니다.",
                    },
                .fix =
                    {
                        "보관 기간을 1년으로 늘리고 외부 저장소 백업을 켜 주세요.",
                        "감사 로그의 API 탭에서 조회해 주세요.",
                        "조회 시간대를 Asia/Seoul로 바꾸면 나타납니다.",
                        "SIEM 토큰을 갱신하고 누락 구간을 재전송했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Audit log entries missing",
                .symptom =
                    {
                        "Some of the admin activity cannot be seen.",
                        "The downloaded audit log is empty for last month.",
                        "Reading the log fails with AUD-330.",
                        "We cannot tell who changed the setting.",
                        "I need the history for a security review and cannot find it.",
                    },
                .cause =
                    {
                        "Logs were kept for 30 days only.",
                        "Changes made by API are written to another tab.",
                        "The time zone was UTC, so dates were a day off.",
                        "Sending to the SIEM failed and its buffer overflowed.",
                    },
                .fix =
                    {
                        "Keep logs for a year and switch on external backup.",
                        "Look in the API tab of the audit log.",
                        "Set the time zone to Asia/Seoul and they appear.",
                        "We renewed the SIEM token and resent the gap.",
                    },
            },
    },
    {
        .code = "DOM-255",
        .tag = "custom-domain",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "사용자 도메인 연결 실패",
                .symptom =
                    {
                        "우리 회사 도메인을 연결했는데 사이트가 열리지 않습니다.",
                        "도메인 검증이 DOM-255에서 넘어가지 않아요.",
                        "SSL 인증서 경고가 뜨면서 접속이 위험하다고 합니다.",
                        "www를 붙이면 되는데 빼면 안 됩니다.",
                        "주소를 바꿨더니 홈페이지가 안 떠요.",
                    },
                .cause =
                    {
                        "CNAME 대신 A 레코드가 옛 서버를 가리키고 있었습니다.",
                        "CAA 레코드가 인증서 발급 기관을 막았습니다.",
                        "DNS 전파가 아직 끝나지 않았습니다.",
                        "클라우드 프록시가 켜져 검증 파일에 닿지 못했습니다.",
                    },
                .fix =
                    {
                        "A 레코드를 지우고 CNAME을 shops.nuri.example로 지정해 주세요.",
                        "CAA에 letsencrypt.org를 추가한 뒤 재발급을 누르세요.",
                        "DNS가 퍼지는 최대 48시간 뒤 다시 검증해 주세요.",
                        "프록시를 잠시 끄고 인증서를 발급받은 뒤 켜 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Custom domain cannot be connected",
                .symptom =
                    {
                        "We connected our company domain and the site does not open.",
                        "Domain verification does not get past DOM-255.",
                        "An SSL warning says the connection is unsafe.",
                        "It works with www and not without.",
                        "I changed the address and the homepage is gone.",
                    },
                .cause =
                    {
                        "Instead of a CNAME an A record pointed to the old server.",
                        "A CAA record kept the authority from issuing.",
                        "DNS had not spread yet.",
                        "A cloud proxy hid the verification file.",
                    },
                .fix =
                    {
                        "Delete the A record and set the CNAME to shops.nuri.example.",
                        "Add letsencrypt.org to CAA and press issue again.",
                        "Verify again after DNS has spread, 48 hours at most.",
                        "Pause the proxy, get the certificate, then resume.",
                    },
            },
    },
    {
        .code = "MRG-470",
        .tag = "merge-account",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "계정 통합 요청",
                .symptom =
                    {
                        "아이디가 두 개라 하나로 합치고 싶습니다.",
                        "개인 메일과 회사 메일 계정이 따로 있어요.",
                        "통합을 누르면 MRG-470 오류가 나옵니다.",
                        "구매 이력이 두 회원으로 나뉘어 보입니다.",
                        "중복 가입한 회원을 정리해 주세요.",
                    },
                .cause =
                    {
                        "두 계정의 본인인증 정보가 서로 달랐습니다.",
                        "한쪽 계정에 진행 중인 주문이 있었습니다.",
                        "소유 조직이 달라 자동 병합이 막혔습니다.",
                        "휴면 계정은 먼저 깨워야 통합할 수 있습니다.",
                    },
                .fix =
                    {
                        "두 계정 모두 본인인증을 다시 하고 통합을 눌러 주세요.",
                        "진행 중인 주문이 끝나면 합쳐 드리겠습니다.",
                        "조직 소유자의 동의를 받아 계정을 합쳤습니다.",
                        "휴면을 해제한 뒤 통합하면 적립금도 옮겨집니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Merge two accounts",
                .symptom =
                    {
                        "I have two ids and would like to make them one.",
                        "My private and company mail have separate accounts.",
                        "Pressing merge gives MRG-470.",
                        "Purchases are split over two members.",
                        "Please clean up my double registration.",
                    },
                .cause =
                    {
                        "The identity checks of both accounts differed.",
                        "One account had an order under way.",
                        "The owners' organisations differed and blocked merging.",
                        "A dormant account must be woken first.",
                    },
                .fix =
                    {
                        "Verify your identity in both accounts and press merge.",
                        "We join them once the open order is done.",
                        "With the owner's consent we merged the accounts.",
                        "Wake the dormant one; merging then moves the points too.",
                    },
            },
    },
    {
        .code = "DEL-365",
        .tag = "delete-account",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "회원 탈퇴와 개인정보 삭제",
                .symptom =
                    {
                        "탈퇴하려는데 버튼을 눌러도 진행되지 않습니다.",
                        "개인정보를 완전히 삭제해 달라고 요청합니다.",
                        "DEL-365 때문에 계정을 없앨 수 없다고 해요.",
                        "탈퇴했는데 광고 메일이 계속 옵니다.",
                        "제 기록을 모두 지워 주세요.",
                    },
                .cause =
                    {
                        "미정산 금액이 남아 탈퇴가 제한되었습니다.",
                        "전자상거래법에 따라 거래 기록은 5년간 보관합니다.",
                        "조직의 유일한 소유자는 탈퇴할 수 없습니다.",
                        "마케팅 도구의 목록은 하루 한 번 정리됩니다.",
                    },
                .fix =
                    {
                        "잔액을 정산한 뒤 탈퇴를 완료했습니다.",
                        "보관 의무가 없는 정보는 오늘 파기했습니다.",
                        "소유권을 다른 구성원에게 넘긴 뒤 탈퇴해 주세요.",
                        "마케팅 목록에서도 삭제했으니 내일부터 오지 않습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Delete account and personal data",
                .symptom =
                    {
                        "I want to leave and the button does nothing.",
                        "I request the full erasure of my personal data.",
                        "DEL-365 says that the account cannot be removed.",
                        "I left and still get advertising mail.",
                        "Please wipe all my records.",
                    },
                .cause =
                    {
                        "An unsettled balance prevented leaving.",
                        "By commerce law transactions are kept five years.",
                        "The only owner of an organisation cannot leave.",
                        "The marketing tool's list is cleaned once a day.",
                    },
                .fix =
                    {
                        "We settled the balance and completed the withdrawal.",
                        "Data without a duty to keep was destroyed today.",
                        "Hand ownership to another member and then leave.",
                        "We deleted you from marketing too; it stops tomorrow.",
                    },
            },
    },
    {
        .code = "TZN-009",
        .tag = "timezone",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "시간대 설정 오류",
                .symptom =
                    {
                        "예약 시간이 9시간 어긋나서 표시됩니다.",
                        "보고서의 날짜가 하루 전으로 나와요.",
                        "TZN-009 이후 캠페인이 새벽에 발송되었습니다.",
                        "해외 지사와 우리 화면의 시각이 다릅니다.",
                        "오전에 등록했는데 자정으로 찍혀요.",
                    },
                .cause =
                    {
                        "조직 시간대가 UTC로 초기화돼 있었습니다.",
                        "사용자 프로필과 조직의 시간대가 달랐습니다.",
                        "서머타임 전환이 예약에 반영되지 않았습니다.",
                        "가져온 파일에 시간대 표시가 없었습니다.",
                    },
                .fix =
                    {
                        "조직 설정에서 시간대를 Asia/Seoul로 지정해 주세요.",
                        "개인 프로필의 시간대를 조직 기본값으로 바꿔 주세요.",
                        "서머타임이 적용되도록 예약을 다시 저장해 주세요.",
                        "가져올 파일의 시각에 +09:00을 붙여 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Wrong time zone",
                .symptom =
                    {
                        "Scheduled times are shown nine hours off.",
                        "Dates in reports are one day early.",
                        "After TZN-009 a campaign went out before dawn.",
                        "The branch abroad sees other times than we do.",
                        "I entered it in the morning and it says midnight.",
                    },
                .cause =
                    {
                        "The organisation's zone had been reset to UTC.",
                        "Profile and organisation used different zones.",
                        "Daylight saving was not applied to the schedule.",
                        "The imported file named no zone.",
                    },
                .fix =
                    {
                        "Set the organisation's zone to Asia/Seoul.",
                        "Let your profile follow the organisation's default.",
                        "Save the schedule again so that daylight saving applies.",
                        "Add +09:00 to the times in the file to import.",
                    },
            },
    },
    {
        .code = "PLN-281",
        .tag = "plan-change",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "요금제 변경 문의",
                .symptom =
                    {
                        "요금제를 올렸는데 기능이 열리지 않습니다.",
                        "다운그레이드했는데 이전 금액이 청구됐어요.",
                        "PLN-281이 나오며 플랜 전환이 안 됩니다.",
                        "연간 결제로 바꾸고 싶은데 메뉴가 없습니다.",
                        "상위 상품을 샀는데도 예전 그대로예요.",
                    },
                .cause =
                    {
                        "결제는 되었지만 권한 캐시가 갱신되지 않았습니다.",
                        "하향 변경은 다음 결제일부터 적용됩니다.",
                        "현재 사용량이 새 요금제의 한도를 넘었습니다.",
                        "대리점 계약이라 직접 변경할 수 없었습니다.",
                    },
                .fix =
                    {
                        "권한 캐시를 갱신했으니 다시 로그인해 주세요.",
                        "차액을 크레딧으로 적립해 다음 달에 차감됩니다.",
                        "사용량을 한도 아래로 줄인 뒤 전환해 주세요.",
                        "대리점에 요청을 전달했고 이번 주에 바뀝니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Plan change not applied",
                .symptom =
                    {
                        "I upgraded the plan and the features stay closed.",
                        "I downgraded and was billed the former price.",
                        "PLN-281 appears and the plan cannot be switched.",
                        "I want yearly billing and find no menu for it.",
                        "I bought the bigger package and nothing changed.",
                    },
                .cause =
                    {
                        "The payment was fine but the permission cache was stale.",
                        "A downgrade takes effect on the next billing day.",
                        "Usage exceeded the new plan's limits.",
                        "It is a reseller contract, so it cannot be changed directly.",
                    },
                .fix =
                    {
                        "We refreshed the cache; please sign in again.",
                        "The difference is a credit, deducted next month.",
                        "Bring usage below the limit and switch then.",
                        "We told the reseller; it changes this week.",
                    },
            },
    },
};
