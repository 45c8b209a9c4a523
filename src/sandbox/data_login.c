/*
 * Made-up problem families about signing in: passwords, codes, single sign-on.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_login[FAMILIES_PER_AREA] = {
    {
        .code = "SSO-302",
        .tag = "sso",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "SSO 로그인 무한 반복",
                .symptom =
                    {
                        "회사 SSO로 들어가면 로그인 화면으로 계속 되돌아옵니다.",
                        "Okta에서 인증을 마쳤는데 NuriHub 첫 화면이 뜨지 않고 SSO 페이지만 "
                        "새로고침됩니다.",
                        "통합 로그인 버튼을 누르면 리디렉션이 너무 많다는 브라우저 오류가 납니다.",
                        "어제까지 되던 SAML 로그인이 오늘은 SSO-302 표시와 함께 제자리걸음입니다.",
                        "사내 계정으로 싱글 사인온을 시도하면 끝없이 같은 창이 반복돼요.",
                    },
                .cause =
                    {
                        "IdP에 등록된 ACS 주소가 예전 도메인으로 남아 있었습니다.",
                        "SAML 응답의 수신 주소가 도메인 변경 전 값이라 세션이 만들어지지 "
                        "않았습니다.",
                        "SSO 설정의 콜백 URL과 실제 접속 도메인이 서로 달라 쿠키가 버려졌습니다.",
                        "도메인 이전 뒤 인증 공급자의 회신 주소를 바꾸지 않은 것이 원인입니다.",
                    },
                .fix =
                    {
                        "IdP 관리 화면에서 ACS URL을 새 도메인으로 바꾸고 메타데이터를 다시 올려 "
                        "주세요.",
                        "관리자 > 보안 > SSO에서 콜백 주소를 복사해 Okta 앱 설정에 붙여 넣으면 "
                        "해결됩니다.",
                        "SAML 수신 주소를 수정하고 브라우저 쿠키를 지운 뒤 다시 로그인해 주세요.",
                        "인증 공급자의 회신 URL을 현재 접속 도메인과 똑같이 맞추면 반복이 "
                        "사라집니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Endless SSO login loop",
                .symptom =
                    {
                        "Signing in with company SSO keeps throwing me back to the login page.",
                        "Okta says I am authenticated but NuriHub just reloads the SSO screen.",
                        "The single sign-on button ends in a too many redirects error.",
                        "SAML login worked yesterday and now shows SSO-302 and goes in circles.",
                        "Our staff cannot get past single sign-on; the same window opens again "
                        "and again.",
                    },
                .cause =
                    {
                        "The ACS URL registered at the identity provider still pointed to the old "
                        "domain.",
                        "The SAML response was sent to the address from before the domain change, "
                        "so no session was made.",
                        "The callback URL in the SSO settings differed from the real host and the "
                        "cookie was dropped.",
                        "After the domain move nobody updated the reply address at the identity "
                        "provider.",
                    },
                .fix =
                    {
                        "Change the ACS URL at the identity provider to the new domain and upload "
                        "the metadata again.",
                        "Copy the callback address from Admin > Security > SSO into the Okta app "
                        "settings.",
                        "Correct the SAML reply address, clear the browser cookies and sign in "
                        "again.",
                        "Make the reply URL at the identity provider equal to the current host "
                        "and the loop ends.",
                    },
            },
    },
    {
        .code = "OTP-114",
        .tag = "otp",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "OTP 인증번호 불일치",
                .symptom =
                    {
                        "인증 앱의 6자리 번호를 넣어도 올바르지 않다고 나옵니다.",
                        "2단계 인증에서 OTP-114 오류가 뜨며 코드가 계속 거절됩니다.",
                        "휴대폰을 바꾼 뒤 일회용 비밀번호가 맞지 않아 접속을 못 합니다.",
                        "Google Authenticator 코드를 바로 입력했는데도 만료됐다고 합니다.",
                        "OTP 숫자를 몇 번을 다시 쳐도 틀렸다고만 하네요.",
                    },
                .cause =
                    {
                        "휴대폰 시계가 서버 시간과 90초 이상 어긋나 있었습니다.",
                        "기기의 자동 시간 설정이 꺼져 일회용 코드가 다르게 계산되었습니다.",
                        "인증 앱에 예전 비밀 키가 남아 있어 다른 번호가 만들어졌습니다.",
                        "시간 동기화가 틀어져 OTP 유효 구간을 벗어났습니다.",
                    },
                .fix =
                    {
                        "휴대폰에서 날짜와 시간 자동 설정을 켠 뒤 새 코드를 입력해 주세요.",
                        "인증 앱의 시간 보정 메뉴를 실행하고 다음 번호가 나올 때까지 기다렸다가 "
                        "넣어 주세요.",
                        "관리자가 사용자 > 2단계 인증 초기화를 누른 뒤 QR을 다시 등록하면 됩니다.",
                        "복구 코드로 로그인한 다음 OTP를 새로 연결해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "OTP code is rejected",
                .symptom =
                    {
                        "The six digits from my authenticator app are always called invalid.",
                        "Two-step verification fails with OTP-114 and rejects every code.",
                        "Since I changed phones the one-time password does not match and I am "
                        "locked out.",
                        "I type the Google Authenticator code at once and it still says expired.",
                        "No matter how often I retype the OTP number, it is wrong.",
                    },
                .cause =
                    {
                        "The phone clock was more than 90 seconds away from server time.",
                        "Automatic time was off on the device, so one-time codes were computed "
                        "differently.",
                        "The authenticator app still held the old secret key and made other "
                        "numbers.",
                        "Clock drift pushed the OTP outside its valid window.",
                    },
                .fix =
                    {
                        "Turn on automatic date and time on the phone, then enter a fresh code.",
                        "Run the time correction in the authenticator app and wait for the next "
                        "number.",
                        "An admin can press Users > Reset two-step verification; then scan the QR "
                        "again.",
                        "Sign in with a recovery code and connect the OTP anew.",
                    },
            },
    },
    {
        .code = "PWD-021",
        .tag = "password",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "비밀번호 재설정 메일 미수신",
                .symptom =
                    {
                        "비밀번호 찾기를 눌렀는데 재설정 메일이 오지 않습니다.",
                        "암호 초기화 링크를 세 번 요청했지만 받은편지함이 비어 있어요.",
                        "비번을 잊어 재발급을 신청했는데 30분째 메일이 없습니다.",
                        "PWD-021 안내와 함께 발송됐다고 나오지만 메일을 못 받았습니다.",
                        "패스워드 변경용 이메일이 스팸함에도 안 보입니다.",
                    },
                .cause =
                    {
                        "고객사 메일 서버가 발신 주소를 스팸으로 분류해 격리했습니다.",
                        "수신 거부 목록에 해당 주소가 올라 있어 발송이 중단되었습니다.",
                        "예전 반송 기록 때문에 재설정 메일이 억제 목록에 들어갔습니다.",
                        "회사 보안 게이트웨이가 no-reply 발신자를 막고 있었습니다.",
                    },
                .fix =
                    {
                        "억제 목록에서 주소를 삭제했으니 재설정을 다시 요청해 주세요.",
                        "no-reply@nuri.example 주소를 허용 목록에 추가한 뒤 다시 받아 주세요.",
                        "메일 보안 담당자에게 격리 해제를 요청하고 링크는 1시간 안에 사용해 "
                        "주세요.",
                        "관리자 콘솔에서 임시 비밀번호를 발급해 로그인한 뒤 바꾸시면 됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Password reset mail never arrives",
                .symptom =
                    {
                        "I clicked forgot password but the reset mail does not come.",
                        "Asked for the reset link three times and my inbox is still empty.",
                        "I requested a new password half an hour ago and got no mail.",
                        "It shows PWD-021 and says sent, yet no message was delivered.",
                        "The email for changing my password is not even in the spam folder.",
                    },
                .cause =
                    {
                        "The customer's mail server classified our sender as spam and quarantined "
                        "it.",
                        "The address was on the suppression list, so sending stopped.",
                        "An old bounce had put the reset mails on the suppression list.",
                        "A corporate security gateway blocked the no-reply sender.",
                    },
                .fix =
                    {
                        "We removed the address from the suppression list; please request the "
                        "reset again.",
                        "Add no-reply@nuri.example to the allow list and request the mail again.",
                        "Ask your mail team to release it from quarantine and use the link within "
                        "one hour.",
                        "An admin can issue a temporary password in the console; change it after "
                        "signing in.",
                    },
            },
    },
    {
        .code = "LCK-009",
        .tag = "lockout",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "계정 잠김",
                .symptom =
                    {
                        "로그인 시도 횟수를 넘겨 계정이 잠겼다고 합니다.",
                        "LCK-009가 나오면서 맞는 비밀번호도 받아 주지 않습니다.",
                        "아침에 출근하니 제 아이디가 차단 상태입니다.",
                        "여러 번 틀린 적이 없는데 잠금 처리되었다는 알림을 받았습니다.",
                        "계정이 막혀서 업무를 시작할 수 없어요.",
                    },
                .cause =
                    {
                        "퇴사자의 스크립트가 옛 비밀번호로 반복 접속하고 있었습니다.",
                        "예전 암호를 저장한 메일 앱이 계속 인증을 시도해 한도를 넘겼습니다.",
                        "5회 연속 실패 정책이 자동 작업 때문에 걸렸습니다.",
                        "다른 기기에 남은 이전 자격 증명이 잠금을 일으켰습니다.",
                    },
                .fix =
                    {
                        "관리자가 사용자 > 잠금 해제를 누르고 저장된 옛 비밀번호를 모두 지워 "
                        "주세요.",
                        "15분 뒤 자동으로 풀리며 그 전에 예약 작업의 암호를 갱신해 주세요.",
                        "접속 기록에서 실패한 IP를 확인해 해당 스크립트를 멈추면 다시 잠기지 "
                        "않습니다.",
                        "잠금을 풀어 드렸으니 새 비밀번호를 정하고 모든 기기에서 다시 로그인해 "
                        "주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Account locked",
                .symptom =
                    {
                        "It says my account is locked because of too many attempts.",
                        "LCK-009 appears and even the right password is refused.",
                        "This morning my user id is in blocked state.",
                        "I got a lock notice although I never mistyped anything.",
                        "My account is shut and I cannot start working.",
                    },
                .cause =
                    {
                        "A former colleague's script kept signing in with the old password.",
                        "A mail app with the saved old password kept trying and passed the limit.",
                        "The rule of five failures in a row was hit by an automated job.",
                        "Old credentials on another device caused the lock.",
                    },
                .fix =
                    {
                        "An admin presses Users > Unlock; then delete every saved old password.",
                        "It opens by itself after 15 minutes; update the password in scheduled "
                        "jobs before that.",
                        "Find the failing IP in the access log and stop that script, and it will "
                        "not lock again.",
                        "We unlocked it; set a new password and sign in again on all devices.",
                    },
            },
    },
    {
        .code = "SES-440",
        .tag = "session",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "세션이 너무 빨리 만료됨",
                .symptom =
                    {
                        "작업 중에 5분마다 로그아웃됩니다.",
                        "화면을 잠깐 비우면 세션이 만료되었다며 튕깁니다.",
                        "SES-440 메시지가 뜨고 작성하던 내용이 사라집니다.",
                        "자동 로그아웃이 너무 잦아서 글을 저장할 수 없어요.",
                        "자리를 조금만 비워도 다시 로그인하라고 합니다.",
                    },
                .cause =
                    {
                        "보안 정책의 유휴 시간이 5분으로 내려가 있었습니다.",
                        "로드밸런서 고정 세션이 꺼져 요청마다 다른 서버로 갔습니다.",
                        "제3자 쿠키 차단 때문에 세션 쿠키가 갱신되지 않았습니다.",
                        "새 보안 템플릿을 적용하면서 유휴 제한 값이 줄었습니다.",
                    },
                .fix =
                    {
                        "관리자 > 보안 정책에서 유휴 시간을 30분으로 올려 주세요.",
                        "브라우저에서 nuri.example의 쿠키를 허용하고 다시 로그인해 주세요.",
                        "세션 유지 옵션을 켜고 임시 저장 기능을 함께 사용해 주세요.",
                        "보안 템플릿의 유휴 제한을 이전 값으로 되돌리면 됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Session expires too early",
                .symptom =
                    {
                        "I am signed out every five minutes while working.",
                        "After a short break the session has expired and I am thrown out.",
                        "SES-440 pops up and the text I was writing is gone.",
                        "The automatic logout is so frequent that I cannot save a draft.",
                        "Leaving my desk for a moment means logging in once more.",
                    },
                .cause =
                    {
                        "The idle time in the security policy had been lowered to five minutes.",
                        "Sticky sessions were off at the load balancer, so requests went to "
                        "different servers.",
                        "Third-party cookie blocking kept the session cookie from being renewed.",
                        "A new security template reduced the idle limit.",
                    },
                .fix =
                    {
                        "Raise the idle time to 30 minutes in Admin > Security policy.",
                        "Allow cookies of nuri.example in the browser and sign in again.",
                        "Switch on keep me signed in and use the auto-save of drafts.",
                        "Put the idle limit of the security template back to the former value.",
                    },
            },
    },
    {
        .code = "INV-077",
        .tag = "invite",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "초대 링크 만료",
                .symptom =
                    {
                        "팀원 초대 메일의 링크가 만료되었다고 나옵니다.",
                        "새 직원이 가입 링크를 누르면 INV-077이 표시됩니다.",
                        "초대장을 다시 보내도 유효하지 않은 주소라고 해요.",
                        "합류 버튼을 눌렀더니 이미 사용된 초대라고 합니다.",
                        "신규 멤버가 초대 수락을 못 하고 있습니다.",
                    },
                .cause =
                    {
                        "초대 링크는 72시간 동안만 유효한데 주말 동안 지났습니다.",
                        "메일 보안 프로그램이 링크를 미리 열어 일회용 토큰이 소모되었습니다.",
                        "같은 주소로 두 번 초대해 앞의 링크가 무효가 되었습니다.",
                        "좌석 수가 모두 차서 초대가 대기 상태로 바뀌었습니다.",
                    },
                .fix =
                    {
                        "구성원 메뉴에서 기존 초대를 취소하고 새로 보내 주세요.",
                        "초대 방식을 링크 대신 6자리 코드로 바꾸면 미리 열기의 영향을 받지 "
                        "않습니다.",
                        "가장 마지막에 받은 메일의 링크만 사용해 주세요.",
                        "좌석을 추가한 뒤 대기 중인 초대를 다시 승인해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Invitation link expired",
                .symptom =
                    {
                        "The link in the team invitation mail is said to be expired.",
                        "Our new hire clicks the join link and sees INV-077.",
                        "Even after sending the invitation again the address is not valid.",
                        "The join button says this invitation was already used.",
                        "New members are unable to accept their invite.",
                    },
                .cause =
                    {
                        "Invitation links live 72 hours and the weekend used that up.",
                        "A mail scanner opened the link first and spent the one-time token.",
                        "Inviting the same address twice made the earlier link void.",
                        "All seats were taken, so the invitation went on hold.",
                    },
                .fix =
                    {
                        "Cancel the old invitation in Members and send a new one.",
                        "Switch invitations from links to six-digit codes; scanners cannot spend "
                        "those.",
                        "Use only the link in the most recent mail.",
                        "Add seats and approve the waiting invitation again.",
                    },
            },
    },
    {
        .code = "SOC-330",
        .tag = "social-login",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "카카오·네이버 간편 로그인 실패",
                .symptom =
                    {
                        "카카오 계정으로 로그인하면 흰 화면만 나옵니다.",
                        "네이버 간편 로그인 뒤 회원 정보가 없다는 SOC-330 오류가 뜹니다.",
                        "쇼핑몰에서 소셜 로그인을 누르면 앱으로 넘어갔다가 돌아오지 않아요.",
                        "간편 가입 고객들이 동의 화면에서 멈춘다고 합니다.",
                        "카톡으로 로그인하기가 갑자기 먹통입니다.",
                    },
                .cause =
                    {
                        "카카오 개발자 콘솔의 Redirect URI에 새 스토어 주소가 빠져 있었습니다.",
                        "네이버 앱의 이메일 제공 동의가 선택으로 바뀌어 이메일 없이 돌아왔습니다.",
                        "소셜 앱의 클라이언트 시크릿이 재발급되어 값이 달라졌습니다.",
                        "간편 로그인 앱이 검수 전 상태라 등록된 테스터만 통과했습니다.",
                    },
                .fix =
                    {
                        "개발자 콘솔에 Redirect URI를 추가하고 10분 뒤 다시 시도해 주세요.",
                        "이메일 동의를 필수로 바꾸고 해당 고객은 연결 해제 뒤 다시 로그인하게 해 "
                        "주세요.",
                        "새 시크릿을 스토어 설정 > 간편 로그인에 입력하고 저장해 주세요.",
                        "비즈니스 검수를 신청해 승인을 받으면 모든 고객이 쓸 수 있습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Kakao and Naver login fails",
                .symptom =
                    {
                        "Signing in with a Kakao account gives a blank white page.",
                        "After Naver login the shop says SOC-330, no member data.",
                        "Social login jumps to the app and never comes back to the store.",
                        "Customers joining with one click get stuck at the consent page.",
                        "Log in with KakaoTalk suddenly stopped working.",
                    },
                .cause =
                    {
                        "The new store address was missing from the redirect URIs in the Kakao "
                        "console.",
                        "The email consent of the Naver app became optional and no email came "
                        "back.",
                        "The client secret of the social app had been reissued.",
                        "The social app was not yet reviewed, so only listed testers passed.",
                    },
                .fix =
                    {
                        "Add the redirect URI in the developer console and try again after ten "
                        "minutes.",
                        "Make the email consent mandatory and let the customer disconnect and "
                        "sign in again.",
                        "Enter the new secret under Store settings > Social login and save.",
                        "Apply for the business review; once approved every customer can use it.",
                    },
            },
    },
    {
        .code = "IPA-512",
        .tag = "ip-allow",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "허용 IP 제한으로 접속 불가",
                .symptom =
                    {
                        "재택근무 중에 접속하면 허용되지 않은 IP라고 막힙니다.",
                        "사무실 이전 후 IPA-512 화면만 보이고 관리자에 못 들어갑니다.",
                        "VPN을 켜도 접근이 제한된 네트워크라고 나옵니다.",
                        "지점 직원들만 콘솔이 열리지 않고 403이 나와요.",
                        "집에서는 관리 콘솔이 아예 차단됩니다.",
                    },
                .cause =
                    {
                        "허용 IP 목록에 새 회선의 대역이 등록되지 않았습니다.",
                        "통신사 변경으로 고정 IP가 바뀌었습니다.",
                        "VPN이 분할 터널링이라 실제 접속은 집 IP로 나갔습니다.",
                        "IPv6로 접속했는데 목록에는 IPv4만 있었습니다.",
                    },
                .fix =
                    {
                        "관리자 > 접근 제어에 새 공인 IP 대역을 CIDR로 추가해 주세요.",
                        "VPN 설정에서 nuri.example을 터널 대상에 넣어 주세요.",
                        "긴급 해제 코드로 접속해 허용 목록을 고친 뒤 다시 켜 주세요.",
                        "IPv6 대역도 함께 등록하면 접속됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Blocked by the IP allow list",
                .symptom =
                    {
                        "Working from home I am stopped because my IP is not allowed.",
                        "Since the office moved we only see IPA-512 and cannot reach the admin "
                        "pages.",
                        "Even with VPN it says access from a restricted network.",
                        "Only the branch staff get 403 when they open the console.",
                        "The management console is completely blocked at home.",
                    },
                .cause =
                    {
                        "The new line's range was not on the IP allow list.",
                        "A change of provider changed the fixed address.",
                        "The VPN used split tunnelling, so traffic left from the home address.",
                        "Access came over IPv6 while the list held IPv4 only.",
                    },
                .fix =
                    {
                        "Add the new public range in CIDR form under Admin > Access control.",
                        "Put nuri.example into the tunnel targets of the VPN.",
                        "Enter with the emergency code, correct the allow list and switch it on "
                        "again.",
                        "Register the IPv6 range as well and access works.",
                    },
            },
    },
};
