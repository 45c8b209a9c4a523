/*
 * Made-up problem families about the API: keys, limits, webhooks.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_api[FAMILIES_PER_AREA] = {
    {
        .code = "API-401",
        .tag = "api-key",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "API 키 인증 실패",
                .symptom =
                    {
                        "API를 호출하면 401 Unauthorized가 돌아옵니다.",
                        "새로 발급한 API 키로 요청하면 API-401이 반환됩니다.",
                        "어제까지 되던 연동 스크립트가 인증 오류로 멈췄어요.",
                        "Authorization 헤더를 넣어도 키가 잘못됐다고 합니다.",
                        "개발 서버에서만 토큰이 거부돼요.",
                    },
                .cause =
                    {
                        "키를 재발급하면서 이전 키가 즉시 폐기되었습니다.",
                        "Bearer 접두어 없이 키만 전송하고 있었습니다.",
                        "운영 키를 샌드박스 주소에 사용했습니다.",
                        "환경 변수 끝에 줄바꿈이 섞여 키 길이가 달랐습니다.",
                    },
                .fix =
                    {
                        "헤더를 Authorization: Bearer 키 형식으로 고쳐 주세요.",
                        "새 키를 모든 서버에 배포하고 옛 키 사용을 중지해 주세요.",
                        "샌드박스에는 test_로 시작하는 키를 써 주세요.",
                        "환경 변수의 공백과 줄바꿈을 지우고 재시작하면 됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "API key is rejected",
                .symptom =
                    {
                        "Calling the API gives 401 Unauthorized.",
                        "With a newly issued API key the reply is API-401.",
                        "An integration script that ran until yesterday stops at authentication.",
                        "I send the Authorization header and still the key is wrong.",
                        "Only our development server has its token refused.",
                    },
                .cause =
                    {
                        "Reissuing the key revoked the former one at once.",
                        "The key was sent without the Bearer prefix.",
                        "A production key was used at the sandbox address.",
                        "A line break at the end of the environment variable made the key longer.",
                    },
                .fix =
                    {
                        "Write the header as Authorization: Bearer key.",
                        "Roll the new key out to all servers and retire the old one.",
                        "Use keys that begin with test_ for the sandbox.",
                        "Strip blanks and line breaks from the variable and restart.",
                    },
            },
    },
    {
        .code = "API-429",
        .tag = "api-rate",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "API 호출 한도 초과",
                .symptom =
                    {
                        "대량 등록 중에 429 Too Many Requests가 납니다.",
                        "상품 동기화가 API-429로 중간에 끊깁니다.",
                        "분당 호출 수를 넘겼다는 응답을 자꾸 받아요.",
                        "밤마다 도는 배치가 한도 초과로 실패합니다.",
                        "요청을 조금만 보내도 너무 많다고 거절합니다.",
                    },
                .cause =
                    {
                        "한 건씩 조회하느라 호출 수가 상품 수만큼 늘었습니다.",
                        "여러 서버가 같은 키를 써서 한도를 나눠 썼습니다.",
                        "Retry-After를 무시하고 바로 재시도했습니다.",
                        "무료 요금제의 분당 한도 60회를 사용 중이었습니다.",
                    },
                .fix =
                    {
                        "일괄 조회 엔드포인트로 바꾸어 100건씩 가져오세요.",
                        "Retry-After 초만큼 기다린 뒤 지수 백오프로 재시도해 주세요.",
                        "서버별로 키를 나누거나 상위 요금제로 변경해 주세요.",
                        "변경분만 가져오도록 updated_since를 사용해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "API rate limit exceeded",
                .symptom =
                    {
                        "Bulk registration runs into 429 Too Many Requests.",
                        "Product sync breaks off in the middle with API-429.",
                        "We keep being told that calls per minute are exceeded.",
                        "Our nightly batch fails on the limit.",
                        "Even a few requests are turned down as too many.",
                    },
                .cause =
                    {
                        "Records were read one by one, as many calls as products.",
                        "Several servers shared one key and so one allowance.",
                        "Retry-After was ignored and it retried immediately.",
                        "The free plan allows 60 calls a minute.",
                    },
                .fix =
                    {
                        "Use the bulk endpoint and fetch 100 at a time.",
                        "Wait as Retry-After says and back off exponentially.",
                        "Split the keys by server or move to a larger plan.",
                        "Use updated_since to fetch changes only.",
                    },
            },
    },
    {
        .code = "WHK-503",
        .tag = "webhook",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "웹훅이 수신되지 않음",
                .symptom =
                    {
                        "주문 웹훅이 우리 서버로 오지 않습니다.",
                        "이벤트 알림이 몇 시간째 끊겼고 WHK-503이 쌓여 있어요.",
                        "콜백 URL 테스트는 성공인데 실제 이벤트가 안 들어와요.",
                        "웹훅이 비활성화되었다는 메일을 받았습니다.",
                        "상태가 바뀌어도 훅 호출이 없네요.",
                    },
                .cause =
                    {
                        "수신 서버가 5초 안에 응답하지 않아 실패로 처리되었습니다.",
                        "연속 실패 100회로 웹훅이 자동 중지되었습니다.",
                        "인증서 체인에 중간 인증서가 빠져 TLS 검증이 실패했습니다.",
                        "방화벽이 새 발신 IP 대역을 막았습니다.",
                    },
                .fix =
                    {
                        "먼저 200을 응답하고 처리는 큐에서 비동기로 해 주세요.",
                        "웹훅 설정에서 다시 활성화를 누르고 실패분을 재전송해 주세요.",
                        "중간 인증서를 포함한 체인을 서버에 설치해 주세요.",
                        "발신 IP 203.0.113.0/24를 방화벽에서 허용해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Webhooks are not delivered",
                .symptom =
                    {
                        "Order webhooks do not reach our server.",
                        "Event notices stopped hours ago and WHK-503 piles up.",
                        "The callback URL test passes but no real events come in.",
                        "We got mail that the webhook was disabled.",
                        "Status changes and no hook is called.",
                    },
                .cause =
                    {
                        "The receiver did not answer within five seconds, which counts as failed.",
                        "After 100 failures in a row the webhook was stopped.",
                        "The chain lacked the intermediate certificate and TLS was refused.",
                        "The firewall blocked the new range of senders.",
                    },
                .fix =
                    {
                        "Answer 200 first and do the work asynchronously in a queue.",
                        "Press enable again in the webhook settings and resend the failures.",
                        "Install the chain with the intermediate certificate.",
                        "Allow 203.0.113.0/24 in the firewall.",
                    },
            },
    },
    {
        .code = "SIG-008",
        .tag = "signature",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "웹훅 서명 검증 실패",
                .symptom =
                    {
                        "웹훅의 HMAC 서명이 맞지 않습니다.",
                        "X-Nuri-Signature 값을 계산하면 항상 달라요.",
                        "SIG-008 로그가 남고 이벤트를 버리게 됩니다.",
                        "서명 확인을 켜면 모든 알림이 위조로 판정됩니다.",
                        "시크릿으로 해시를 만들었는데 일치하지 않네요.",
                    },
                .cause =
                    {
                        "파싱한 뒤 다시 직렬화한 본문으로 해시를 계산했습니다.",
                        "시크릿을 교체했지만 서버에는 옛 값이 남아 있었습니다.",
                        "타임스탬프를 빼고 본문만 서명에 사용했습니다.",
                        "프록시가 본문의 줄바꿈을 바꿨습니다.",
                    },
                .fix =
                    {
                        "받은 그대로의 바이트로 HMAC-SHA256을 계산해 주세요.",
                        "새 시크릿을 서버에 반영하고 이전 값과 24시간 함께 허용하세요.",
                        "타임스탬프와 점을 본문 앞에 붙여 서명해야 합니다.",
                        "프록시의 본문 변환 기능을 꺼 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Webhook signature mismatch",
                .symptom =
                    {
                        "The HMAC signature of the webhook does not match.",
                        "Whenever I compute X-Nuri-Signature it differs.",
                        "Log SIG-008 appears and we drop the event.",
                        "With signature checking on every notice looks forged.",
                        "I hash with the secret and it is never equal.",
                    },
                .cause =
                    {
                        "The hash was taken over the body after parsing and writing it again.",
                        "The secret was rotated but the server held the old one.",
                        "Only the body was signed, without the timestamp.",
                        "A proxy changed the line breaks of the body.",
                    },
                .fix =
                    {
                        "Compute HMAC-SHA256 over the bytes exactly as received.",
                        "Deploy the new secret and accept both for 24 hours.",
                        "Put timestamp and a dot before the body when signing.",
                        "Switch off body rewriting in the proxy.",
                    },
            },
    },
    {
        .code = "PGN-416",
        .tag = "pagination",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "API 페이지네이션 누락",
                .symptom =
                    {
                        "목록 API를 끝까지 돌아도 주문 몇 건이 빠집니다.",
                        "페이지를 넘기다 보면 중복과 누락이 생겨요.",
                        "300쪽 이후로는 PGN-416이 나오고 더 못 가져옵니다.",
                        "전체 건수와 내려받은 건수가 다릅니다.",
                        "수집한 데이터에 군데군데 구멍이 있어요.",
                    },
                .cause =
                    {
                        "조회하는 동안 정렬 기준인 수정 시각이 바뀌어 행이 밀렸습니다.",
                        "오프셋 방식은 3만 건까지만 허용됩니다.",
                        "기본 정렬이 최신순이라 새 주문이 끼어들었습니다.",
                        "커서를 저장하지 않고 매번 처음부터 읽었습니다.",
                    },
                .fix =
                    {
                        "수정 시각 오름차순으로 읽고 마지막 값을 기준으로 다시 1쪽부터 조회하세요.",
                        "커서 방식의 v2 목록 API로 바꿔 주세요.",
                        "겹치는 구간을 두고 id로 중복을 제거해 주세요.",
                        "기간을 나눠 여러 번 조회하면 한도를 넘지 않습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Rows missing while paging the API",
                .symptom =
                    {
                        "Reading the list API to its end leaves out some orders.",
                        "Duplicates and gaps appear while turning pages.",
                        "Beyond page 300 it says PGN-416 and gives nothing more.",
                        "The total differs from what we downloaded.",
                        "The collected data has holes here and there.",
                    },
                .cause =
                    {
                        "The modification time used for sorting changed meanwhile and rows moved.",
                        "Offsets are allowed up to 30,000 rows only.",
                        "The default order is newest first and new orders slipped in.",
                        "No cursor was kept and it started from the top each time.",
                    },
                .fix =
                    {
                        "Read ascending by modification time and restart at page one from the "
                        "last value.",
                        "Move to the v2 list API with cursors.",
                        "Leave an overlap and remove duplicates by id.",
                        "Split the period into several queries to stay below the limit.",
                    },
            },
    },
    {
        .code = "CRS-077",
        .tag = "cors",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "브라우저 CORS 오류",
                .symptom =
                    {
                        "프런트엔드에서 호출하면 CORS 정책에 막힙니다.",
                        "브라우저 콘솔에 Access-Control-Allow-Origin이 없다고 나옵니다.",
                        "CRS-077이 뜨고 사전 요청 OPTIONS가 실패해요.",
                        "포스트맨에서는 되는데 웹 페이지에서는 안 됩니다.",
                        "스크립트 태그로 붙인 위젯이 데이터를 못 불러와요.",
                    },
                .cause =
                    {
                        "허용 출처 목록에 새 도메인이 없었습니다.",
                        "서버용 비밀 키를 브라우저에서 사용하고 있었습니다.",
                        "사전 요청의 사용자 정의 헤더가 허용되지 않았습니다.",
                        "http와 https를 다른 출처로 취급했습니다.",
                    },
                .fix =
                    {
                        "앱 설정의 허용 출처에 https 도메인을 추가해 주세요.",
                        "비밀 키 호출은 백엔드로 옮기고 브라우저에는 공개 키를 쓰세요.",
                        "Access-Control-Allow-Headers에 해당 헤더를 넣어 주세요.",
                        "페이지를 https로 통일해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "CORS error in the browser",
                .symptom =
                    {
                        "Calls from the front end are blocked by CORS policy.",
                        "The browser console says Access-Control-Allow-Origin is absent.",
                        "CRS-077 shows and the OPTIONS preflight fails.",
                        "It works in Postman but not on the web page.",
                        "The widget embedded by script tag loads no data.",
                    },
                .cause =
                    {
                        "The new domain was not in the allowed origins.",
                        "A secret server key was being used in a browser.",
                        "The custom header of the preflight was not permitted.",
                        "http and https are different origins.",
                    },
                .fix =
                    {
                        "Add the https domain to the allowed origins of the app.",
                        "Move secret calls to the back end and use a public key in browsers.",
                        "List the header in Access-Control-Allow-Headers.",
                        "Serve every page over https.",
                    },
            },
    },
    {
        .code = "SDK-212",
        .tag = "sdk",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "SDK 업데이트 후 오류",
                .symptom =
                    {
                        "SDK를 5.0으로 올린 뒤 빌드가 깨집니다.",
                        "업그레이드하니 createOrder 메서드가 없다고 해요.",
                        "SDK-212 예외가 나면서 초기화가 실패합니다.",
                        "파이썬 라이브러리 새 버전에서 응답 형식이 달라졌어요.",
                        "패키지 갱신 후 서버가 뜨지 않습니다.",
                    },
                .cause =
                    {
                        "5.0에서 동기 클라이언트가 비동기로 바뀌었습니다.",
                        "Node 16 지원이 종료되어 문법 오류가 났습니다.",
                        "이름이 바뀐 메서드의 하위 호환 계층이 제거되었습니다.",
                        "잠금 파일에 두 버전이 함께 설치되었습니다.",
                    },
                .fix =
                    {
                        "마이그레이션 안내의 이름 변경표대로 메서드를 바꿔 주세요.",
                        "Node 20 이상으로 올린 뒤 다시 설치해 주세요.",
                        "당분간 4.9 버전으로 고정해 사용할 수 있습니다.",
                        "잠금 파일을 지우고 한 버전만 설치되게 해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Error after SDK upgrade",
                .symptom =
                    {
                        "After moving the SDK to 5.0 our build breaks.",
                        "The upgrade says the method createOrder does not exist.",
                        "An SDK-212 exception makes initialisation fail.",
                        "The new Python library returns another shape of reply.",
                        "The server does not come up since the package update.",
                    },
                .cause =
                    {
                        "In 5.0 the synchronous client became asynchronous.",
                        "Node 16 is no longer supported and gave syntax errors.",
                        "The compatibility layer for renamed methods was removed.",
                        "The lock file had both versions installed.",
                    },
                .fix =
                    {
                        "Rename the methods as the migration table says.",
                        "Go to Node 20 or later and install again.",
                        "You can pin version 4.9 for the time being.",
                        "Delete the lock file so that only one version is installed.",
                    },
            },
    },
    {
        .code = "TMO-504",
        .tag = "api-timeout",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "API 응답 시간 초과",
                .symptom =
                    {
                        "주문 조회 API가 30초 뒤 504로 끝납니다.",
                        "대용량 검색을 하면 TMO-504 시간 초과가 납니다.",
                        "오전 9시쯤이면 호출이 몹시 느려집니다.",
                        "응답을 기다리다 커넥션이 끊겨요.",
                        "요청 하나에 너무 오래 걸려 화면이 멈춥니다.",
                    },
                .cause =
                    {
                        "날짜 조건 없이 3년 치를 한 번에 검색했습니다.",
                        "필요 없는 하위 항목까지 모두 펼쳐 요청했습니다.",
                        "피크 시간대에 읽기 복제본이 부족했습니다.",
                        "클라이언트가 연결을 재사용하지 않았습니다.",
                    },
                .fix =
                    {
                        "기간을 한 달 이내로 나누고 필드를 지정해 요청해 주세요.",
                        "expand 항목을 빼고 필요할 때만 상세를 조회하세요.",
                        "복제본을 늘렸으며 보고서는 비동기 작업 API를 이용해 주세요.",
                        "keep-alive를 켜고 타임아웃을 60초로 설정해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "API request times out",
                .symptom =
                    {
                        "The order query ends with 504 after thirty seconds.",
                        "Large searches give TMO-504.",
                        "Around nine in the morning calls become very slow.",
                        "The connection drops while waiting for the reply.",
                        "One request takes so long that the screen freezes.",
                    },
                .cause =
                    {
                        "Three years were searched at once without a date.",
                        "Every nested part was expanded although not needed.",
                        "There were too few read replicas at peak time.",
                        "The client did not reuse connections.",
                    },
                .fix =
                    {
                        "Split into a month at most and name the fields.",
                        "Leave out expand and read details only when needed.",
                        "We added replicas; use the asynchronous job API for reports.",
                        "Switch on keep-alive and set the timeout to 60 seconds.",
                    },
            },
    },
};
