/*
 * Made-up problem families about messages: push, mail, chat.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_notify[FAMILIES_PER_AREA] = {
    {
        .code = "PSH-110",
        .tag = "push",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "푸시 알림이 오지 않음",
                .symptom =
                    {
                        "앱 푸시 알림이 전혀 울리지 않습니다.",
                        "새 문의가 와도 휴대폰에 알림이 뜨지 않아요.",
                        "PSH-110이 기록되고 발송 성공률이 0%입니다.",
                        "아이폰에서만 푸시가 안 옵니다.",
                        "알림음이 안 나서 채팅을 놓쳤어요.",
                    },
                .cause =
                    {
                        "APNs 인증서가 만료되어 애플이 발송을 거부했습니다.",
                        "기기의 배터리 최적화가 백그라운드 수신을 막았습니다.",
                        "앱 재설치 후 푸시 토큰이 갱신되지 않았습니다.",
                        "방해 금지 일정이 근무 시간과 겹쳐 있었습니다.",
                    },
                .fix =
                    {
                        "새 APNs 키를 올렸으니 앱을 다시 열어 주세요.",
                        "배터리 설정에서 NuriTalk를 제한 없음으로 바꿔 주세요.",
                        "로그아웃했다가 다시 로그인하면 토큰이 새로 등록됩니다.",
                        "알림 일정에서 방해 금지 시간을 고쳐 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Push notifications do not arrive",
                .symptom =
                    {
                        "App push notifications never ring.",
                        "New enquiries come and no banner pops up on the phone.",
                        "PSH-110 is logged and delivery is at zero percent.",
                        "Pushes are absent on iPhones only.",
                        "No alert sound, so I missed a chat.",
                    },
                .cause =
                    {
                        "The APNs certificate had run out and Apple refused.",
                        "Battery optimisation stopped background reception.",
                        "The push token was not renewed after reinstalling.",
                        "The do-not-disturb schedule overlapped working hours.",
                    },
                .fix =
                    {
                        "We uploaded a new APNs key; please open the app again.",
                        "Set NuriTalk to unrestricted in the battery settings.",
                        "Sign out and in again to register a new token.",
                        "Correct the do-not-disturb hours in the notification plan.",
                    },
            },
    },
    {
        .code = "ALT-221",
        .tag = "alimtalk",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "알림톡 발송 실패",
                .symptom =
                    {
                        "카카오 알림톡이 문자로 대체 발송됩니다.",
                        "주문 확인 알림톡이 고객에게 가지 않아요.",
                        "템플릿 불일치라며 ALT-221이 반환됩니다.",
                        "배송 출발 메시지가 카톡으로 안 갑니다.",
                        "채널에서 보내던 안내가 모두 실패로 찍혀요.",
                    },
                .cause =
                    {
                        "승인된 템플릿과 변수 외 문구가 한 글자 달랐습니다.",
                        "발신 프로필이 장기 미사용으로 휴면 처리되었습니다.",
                        "버튼 링크 도메인이 심사 때와 달라졌습니다.",
                        "충전 잔액이 바닥나 대체 문자로 전환되었습니다.",
                    },
                .fix =
                    {
                        "승인된 템플릿 문구를 그대로 복사해 사용해 주세요.",
                        "카카오 비즈니스에서 발신 프로필 휴면을 해제해 주세요.",
                        "버튼 링크를 고쳐 템플릿을 재심사받아 주세요.",
                        "잔액을 충전하고 자동 충전을 켜 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Alimtalk messages fail",
                .symptom =
                    {
                        "Kakao Alimtalk falls back to text messages.",
                        "Order confirmations by Alimtalk do not reach customers.",
                        "ALT-221 says that the template does not match.",
                        "The parcel-left message does not go out by KakaoTalk.",
                        "All notices of our channel are marked failed.",
                    },
                .cause =
                    {
                        "One letter outside the variables differed from the approved template.",
                        "The sender profile had gone dormant.",
                        "The button's domain was not the one reviewed.",
                        "The prepaid balance was empty, so it switched to text.",
                    },
                .fix =
                    {
                        "Copy the approved template wording as it is.",
                        "Wake the sender profile in Kakao Business.",
                        "Correct the button link and have the template reviewed again.",
                        "Top up and switch on automatic charging.",
                    },
            },
    },
    {
        .code = "EML-550",
        .tag = "email-bounce",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "발송 메일 반송",
                .symptom =
                    {
                        "고객에게 보낸 답장이 550 오류로 되돌아옵니다.",
                        "티켓 회신 메일이 스팸으로 분류된다고 합니다.",
                        "우리 도메인으로 보낸 안내가 EML-550으로 거부돼요.",
                        "지메일 고객만 메일을 못 받습니다.",
                        "보낸 편지가 자꾸 튕겨 나와요.",
                    },
                .cause =
                    {
                        "SPF 레코드에 발송 서버가 포함되어 있지 않았습니다.",
                        "DKIM 서명 키가 교체 후 DNS에 등록되지 않았습니다.",
                        "DMARC 정책이 reject라 정렬이 안 된 메일이 버려졌습니다.",
                        "발신 IP가 공유 차단 목록에 올라 있었습니다.",
                    },
                .fix =
                    {
                        "DNS의 SPF에 include:mail.nuri.example을 추가해 주세요.",
                        "새 DKIM 공개 키를 DNS TXT로 등록하고 검증을 누르세요.",
                        "DMARC를 잠시 none으로 두고 정렬을 맞춘 뒤 올려 주세요.",
                        "전용 IP로 옮겼으며 차단 해제를 신청했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Outgoing email bounces",
                .symptom =
                    {
                        "Replies to customers come back with error 550.",
                        "Ticket answers are sorted into spam.",
                        "Notices from our domain are refused, EML-550.",
                        "Only Gmail customers receive nothing.",
                        "Letters I send keep bouncing.",
                    },
                .cause =
                    {
                        "The SPF record did not include the sending server.",
                        "The DKIM key was rotated but not put into DNS.",
                        "DMARC was on reject and unaligned mail was dropped.",
                        "The sending IP was on a shared block list.",
                    },
                .fix =
                    {
                        "Add include:mail.nuri.example to SPF in DNS.",
                        "Publish the new DKIM key as a TXT record and press verify.",
                        "Set DMARC to none until aligned, then raise it.",
                        "We moved you to a dedicated IP and asked for delisting.",
                    },
            },
    },
    {
        .code = "SMS-605",
        .tag = "sms",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "문자 발신번호 미등록",
                .symptom =
                    {
                        "문자를 보내면 발신번호가 등록되지 않았다고 합니다.",
                        "SMS-605로 단체 문자가 전부 실패했습니다.",
                        "대표번호로 인증 문자가 나가지 않아요.",
                        "새 사무실 번호로 발송이 거부됩니다.",
                        "통신사에서 메시지를 막은 것 같아요.",
                    },
                .cause =
                    {
                        "발신번호 사전등록제에 따른 서류가 접수되지 않았습니다.",
                        "통신서비스 가입증명원이 90일을 넘긴 문서였습니다.",
                        "번호 명의자가 회사가 아닌 개인이었습니다.",
                        "번호도용문자 차단 서비스에 가입되어 있었습니다.",
                    },
                .fix =
                    {
                        "가입증명원을 30일 이내 것으로 다시 올려 주세요.",
                        "발신번호 관리에서 서류를 제출하면 하루 안에 승인됩니다.",
                        "위임장을 첨부해 명의자를 확인해 주세요.",
                        "통신사에 차단 서비스 해지를 요청해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "SMS sender number not registered",
                .symptom =
                    {
                        "Sending text messages says the sender number is not registered.",
                        "The whole group SMS failed with SMS-605.",
                        "Verification texts do not leave from our main number.",
                        "The number of the new office is refused as a sender.",
                        "The carrier seems to stop our messages.",
                    },
                .cause =
                    {
                        "Papers required by the sender registration rule were not filed.",
                        "The proof of subscription was older than 90 days.",
                        "The number belonged to a person, not the company.",
                        "The number had a spoofing block service.",
                    },
                .fix =
                    {
                        "Upload a proof of subscription from the last 30 days.",
                        "Hand in the papers under Sender numbers; approval takes a day.",
                        "Attach a power of attorney to confirm the owner.",
                        "Ask the carrier to end the block service.",
                    },
            },
    },
    {
        .code = "CHT-330",
        .tag = "chat-widget",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "상담 채팅창이 보이지 않음",
                .symptom =
                    {
                        "홈페이지에 상담 버튼이 나타나지 않습니다.",
                        "채팅 위젯을 설치했는데 화면에 아무것도 없어요.",
                        "CHT-330이 콘솔에 찍히고 대화창이 안 열립니다.",
                        "모바일에서만 톡 아이콘이 사라집니다.",
                        "방문자가 말을 걸 창이 안 떠요.",
                    },
                .cause =
                    {
                        "콘텐츠 보안 정책(CSP)이 위젯 스크립트를 막았습니다.",
                        "운영 시간 외에는 숨기기 옵션이 켜져 있었습니다.",
                        "설치 코드의 플러그인 키가 다른 채널의 것이었습니다.",
                        "다른 배너의 z-index가 버튼을 덮고 있었습니다.",
                    },
                .fix =
                    {
                        "CSP의 script-src에 talk.nuri.example을 추가해 주세요.",
                        "운영 시간 외 숨김을 끄고 저장해 주세요.",
                        "채널 설정의 플러그인 키를 다시 복사해 넣어 주세요.",
                        "위젯의 위치를 왼쪽으로 옮기거나 z-index를 높여 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Chat widget does not show",
                .symptom =
                    {
                        "The contact button does not appear on our site.",
                        "I installed the chat widget and nothing is on the page.",
                        "The console prints CHT-330 and the dialog does not open.",
                        "On mobile only, the talk icon vanishes.",
                        "Visitors get no window to speak to us.",
                    },
                .cause =
                    {
                        "The content security policy (CSP) blocked the widget script.",
                        "Hide outside business hours was on.",
                        "The plugin key in the code was another channel's.",
                        "The z-index of another banner covered the button.",
                    },
                .fix =
                    {
                        "Add talk.nuri.example to script-src of the CSP.",
                        "Turn off hiding outside business hours and save.",
                        "Copy the plugin key from the channel settings again.",
                        "Move the widget to the left or raise its z-index.",
                    },
            },
    },
    {
        .code = "RTE-140",
        .tag = "routing",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "상담 자동 배정 오류",
                .symptom =
                    {
                        "신규 상담이 담당자에게 자동 배정되지 않습니다.",
                        "모든 문의가 한 사람에게만 몰려요.",
                        "RTE-140이 나오고 대기열에 상담이 쌓입니다.",
                        "퇴근한 상담원에게 채팅이 할당됩니다.",
                        "팀원들이 골고루 상담을 못 받고 있어요.",
                    },
                .cause =
                    {
                        "배정 규칙의 우선순위가 기본 규칙보다 아래에 있었습니다.",
                        "상담원의 동시 상담 한도가 1건으로 낮게 잡혀 있었습니다.",
                        "상태를 자리 비움으로 바꾸지 않고 퇴근했습니다.",
                        "스킬 태그가 삭제된 팀을 가리키고 있었습니다.",
                    },
                .fix =
                    {
                        "배정 규칙을 맨 위로 올리고 라운드로빈을 선택해 주세요.",
                        "동시 상담 한도를 5건으로 늘려 주세요.",
                        "근무 시간표를 연결하면 퇴근 후 자동으로 제외됩니다.",
                        "스킬 태그를 현재 팀으로 다시 연결해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Chats are not assigned automatically",
                .symptom =
                    {
                        "New chats are not handed to an agent by themselves.",
                        "All enquiries go to one person.",
                        "RTE-140 shows and conversations pile up in the queue.",
                        "Chats are allotted to agents who have gone home.",
                        "Team members do not get their fair share of chats.",
                    },
                .cause =
                    {
                        "The rule stood below the default rule.",
                        "The agents' limit of parallel chats was one.",
                        "They left without setting their state to away.",
                        "The skill tag pointed to a deleted team.",
                    },
                .fix =
                    {
                        "Move the rule to the top and choose round robin.",
                        "Raise the limit of parallel chats to five.",
                        "Connect the duty roster; those off duty are left out.",
                        "Link the skill tag to the present team.",
                    },
            },
    },
    {
        .code = "BOT-415",
        .tag = "chatbot",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "챗봇 답변 오류",
                .symptom =
                    {
                        "챗봇이 엉뚱한 답변을 합니다.",
                        "봇에게 배송비를 물으면 영업시간을 알려 줘요.",
                        "BOT-415가 뜨고 시나리오가 처음으로 돌아갑니다.",
                        "자동 응답이 같은 질문을 계속 되묻습니다.",
                        "로봇 상담이 질문을 전혀 이해하지 못해요.",
                    },
                .cause =
                    {
                        "학습 문장이 두 의도에 중복 등록되어 있었습니다.",
                        "지식 문서가 작년 버전으로 색인되어 있었습니다.",
                        "조건 분기의 변수 이름이 바뀌어 항상 기본값으로 갔습니다.",
                        "신뢰도 기준이 0.2로 너무 낮았습니다.",
                    },
                .fix =
                    {
                        "중복된 학습 문장을 지우고 다시 학습을 눌러 주세요.",
                        "지식 문서를 새로 올리고 재색인해 주세요.",
                        "분기 조건의 변수를 새 이름으로 바꿔 주세요.",
                        "신뢰도 기준을 0.6으로 올리고 미달 시 상담원 연결로 보내세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Chatbot gives wrong answers",
                .symptom =
                    {
                        "The bot answers something unrelated.",
                        "Asked about the shipping fee, it tells opening hours.",
                        "BOT-415 shows and the scenario starts from the beginning.",
                        "The automatic reply asks the same thing over and over.",
                        "The robot does not understand any question.",
                    },
                .cause =
                    {
                        "A training sentence was registered under two intents.",
                        "Last year's version of the knowledge text was indexed.",
                        "A renamed variable sent the branch to its default each time.",
                        "The confidence threshold of 0.2 was too low.",
                    },
                .fix =
                    {
                        "Delete the doubled training sentences and train again.",
                        "Upload the knowledge text anew and reindex.",
                        "Use the new variable name in the branch.",
                        "Raise the threshold to 0.6 and hand over to a person below it.",
                    },
            },
    },
    {
        .code = "UNS-090",
        .tag = "unsubscribe",
        .product = "NuriTalk",
        .tell[LANG_KO] =
            {
                .title = "수신 거부 처리 안 됨",
                .symptom =
                    {
                        "광고 메시지 수신 거부를 했는데 계속 옵니다.",
                        "뉴스레터 구독 해지 링크가 UNS-090으로 열리지 않아요.",
                        "마케팅 동의를 철회했는데 문자가 또 왔습니다.",
                        "고객이 광고를 끊어 달라고 여러 번 항의합니다.",
                        "홍보물을 그만 받고 싶다고 해도 소용없네요.",
                    },
                .cause =
                    {
                        "수신 거부 목록이 채널별로 따로 관리되고 있었습니다.",
                        "야간 배치가 CRM의 옛 동의 값을 덮어썼습니다.",
                        "해지 링크의 토큰이 90일 뒤 만료되었습니다.",
                        "예약 캠페인의 대상이 철회 전에 확정되었습니다.",
                    },
                .fix =
                    {
                        "전 채널 수신 거부로 등록하고 예약 발송에서 제외했습니다.",
                        "CRM 동기화에서 동의 항목을 제외해 주세요.",
                        "만료 없는 해지 링크로 템플릿을 교체했습니다.",
                        "발송 직전에 동의를 다시 확인하는 옵션을 켜 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Unsubscribe does not work",
                .symptom =
                    {
                        "I opted out of ads and they keep coming.",
                        "The newsletter's stop link does not open, UNS-090.",
                        "Marketing consent was withdrawn, yet another text came.",
                        "A customer complained many times to be taken off advertising.",
                        "Saying no to promotions has no effect.",
                    },
                .cause =
                    {
                        "The opt-out lists were kept per channel.",
                        "A nightly batch wrote the CRM's old consent back.",
                        "The token in the stop link ran out after 90 days.",
                        "The audience of a planned campaign was fixed before.",
                    },
                .fix =
                    {
                        "We entered the opt-out for all channels and removed the planned sends.",
                        "Leave consent out of the CRM sync.",
                        "We changed the template to a stop link that does not expire.",
                        "Switch on checking consent right before sending.",
                    },
            },
    },
};
