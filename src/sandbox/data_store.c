/*
 * Made-up problem families about the shop front: search, cart, themes.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_store[FAMILIES_PER_AREA] = {
    {
        .code = "SRC-101",
        .tag = "search",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "상품 검색 결과 없음",
                .symptom =
                    {
                        "검색창에 상품명을 쳐도 결과가 없습니다.",
                        "방금 등록한 제품이 검색에 나오지 않아요.",
                        "SRC-101이 뜨고 자동완성이 사라졌습니다.",
                        "띄어쓰기를 하면 찾고 붙이면 못 찾습니다.",
                        "찾는 물건이 분명히 있는데 안 나와요.",
                    },
                .cause =
                    {
                        "검색 색인이 6시간 동안 갱신되지 않았습니다.",
                        "상품이 검색 제외로 설정되어 있었습니다.",
                        "동의어 사전에서 브랜드명이 빠졌습니다.",
                        "형태소 분석기가 신조어를 잘못 나눴습니다.",
                    },
                .fix =
                    {
                        "색인을 재구축했으니 10분 뒤 다시 검색해 주세요.",
                        "상품 수정에서 검색 노출을 켜 주세요.",
                        "동의어 사전에 브랜드명과 띄어쓰기 변형을 추가해 주세요.",
                        "사용자 사전에 신조어를 등록하면 함께 검색됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Product search finds nothing",
                .symptom =
                    {
                        "Typing the product name in search finds nothing.",
                        "A product registered just now is not in the results.",
                        "SRC-101 shows and suggestions are gone.",
                        "It is found with a space and not without.",
                        "The thing surely exists but does not come up.",
                    },
                .cause =
                    {
                        "The search index was not refreshed for six hours.",
                        "The product was excluded from search.",
                        "The brand was missing in the synonym dictionary.",
                        "The analyser split a new word wrongly.",
                    },
                .fix =
                    {
                        "We rebuilt the index; search again in ten minutes.",
                        "Turn on search exposure in the product editor.",
                        "Add the brand and its spacings to the synonyms.",
                        "Register new words in the user dictionary.",
                    },
            },
    },
    {
        .code = "IMG-208",
        .tag = "image",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "상품 이미지가 안 나옴",
                .symptom =
                    {
                        "상품 사진이 엑스박스로 표시됩니다.",
                        "상세 페이지 이미지가 로딩되지 않아요.",
                        "IMG-208이 나오면서 썸네일 생성이 실패합니다.",
                        "모바일에서만 배너가 흐릿하게 보입니다.",
                        "그림이 하나도 안 떠서 판매를 못 하고 있어요.",
                    },
                .cause =
                    {
                        "외부 호스팅의 트래픽 한도가 초과되었습니다.",
                        "http 이미지가 https 페이지에서 차단되었습니다.",
                        "색상 프로파일이 CMYK라 변환에 실패했습니다.",
                        "CDN 캐시에 깨진 파일이 남아 있었습니다.",
                    },
                .fix =
                    {
                        "이미지를 NuriShop 저장소로 옮겨 주소를 바꿔 주세요.",
                        "이미지 주소를 https로 일괄 변경해 주세요.",
                        "sRGB로 저장해 다시 올려 주세요.",
                        "CDN 캐시를 비웠으니 새로고침해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Product images broken",
                .symptom =
                    {
                        "Product photos show a broken icon.",
                        "Pictures of the detail page do not load.",
                        "IMG-208 appears and thumbnails fail.",
                        "On mobile the banner is blurred.",
                        "Not a single picture shows and we cannot sell.",
                    },
                .cause =
                    {
                        "The outside host's traffic limit was exceeded.",
                        "http images were blocked on an https page.",
                        "The CMYK profile made conversion fail.",
                        "A broken file stayed in the CDN cache.",
                    },
                .fix =
                    {
                        "Move images to NuriShop storage and change addresses.",
                        "Change the image addresses to https in bulk.",
                        "Save as sRGB and upload again.",
                        "We purged the CDN cache; please reload.",
                    },
            },
    },
    {
        .code = "PRC-330",
        .tag = "price",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "판매가 오류 표시",
                .symptom =
                    {
                        "할인가가 실제와 다르게 표시됩니다.",
                        "행사가 끝났는데 아직 세일 가격으로 팔리고 있어요.",
                        "옵션 추가금이 PRC-330으로 계산되지 않습니다.",
                        "목록과 상세의 금액이 서로 다릅니다.",
                        "0원으로 노출돼 주문이 몰리고 있어요.",
                    },
                .cause =
                    {
                        "가격 예약의 종료 시각이 UTC로 저장되었습니다.",
                        "회원 등급 할인과 행사 할인이 중복 적용되었습니다.",
                        "옵션 그룹이 복사되면서 추가금이 비었습니다.",
                        "목록 캐시가 1시간 동안 유지되었습니다.",
                    },
                .fix =
                    {
                        "예약 종료 시각을 한국 시간으로 고쳐 저장했습니다.",
                        "중복 할인 허용을 끄고 우선순위를 지정해 주세요.",
                        "옵션 추가금을 다시 입력하고 미리보기로 확인하세요.",
                        "캐시를 비우고 갱신 주기를 5분으로 줄였습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Wrong price displayed",
                .symptom =
                    {
                        "The discount price shown is not the real one.",
                        "The sale is over and it still sells at sale price.",
                        "The option surcharge is not computed, PRC-330.",
                        "List and detail show different amounts.",
                        "It is displayed at zero won and orders pour in.",
                    },
                .cause =
                    {
                        "The end of the scheduled price was saved in UTC.",
                        "Grade discount and event discount were both applied.",
                        "Copying the option group emptied the surcharge.",
                        "The list cache lived for an hour.",
                    },
                .fix =
                    {
                        "We saved the end time in Korean time.",
                        "Turn off stacking of discounts and set priorities.",
                        "Enter the option surcharge again and check the preview.",
                        "We purged the cache and refresh every five minutes now.",
                    },
            },
    },
    {
        .code = "REV-125",
        .tag = "review",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "리뷰가 등록되지 않음",
                .symptom =
                    {
                        "상품평을 쓰고 등록하면 사라집니다.",
                        "포토 리뷰가 심사 중에서 넘어가지 않아요.",
                        "REV-125 금칙어라며 후기 작성이 막힙니다.",
                        "별점이 평균에 반영되지 않습니다.",
                        "후기를 남겼는데 어디에도 안 보여요.",
                    },
                .cause =
                    {
                        "자동 금칙어 필터가 상품명을 욕설로 오인했습니다.",
                        "구매 확정 전이라 리뷰 자격이 없었습니다.",
                        "심사 담당자 지정이 비어 있었습니다.",
                        "외부 리뷰 위젯이 게시 권한을 잃었습니다.",
                    },
                .fix =
                    {
                        "금칙어 예외에 상품명을 등록했으니 다시 작성해 주세요.",
                        "구매 확정을 누른 뒤 리뷰를 작성해 주세요.",
                        "심사자를 지정하고 대기 중인 후기를 승인했습니다.",
                        "리뷰 위젯을 다시 인증해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Review cannot be posted",
                .symptom =
                    {
                        "I write a review, post it and it vanishes.",
                        "The photo review stays under review.",
                        "REV-125 calls it a banned word and blocks my post.",
                        "The stars are not counted in the average.",
                        "I left an opinion and see it nowhere.",
                    },
                .cause =
                    {
                        "The word filter took the product name for abuse.",
                        "Before confirmation there is no right to review.",
                        "No reviewer was assigned.",
                        "The outside review widget lost its permission.",
                    },
                .fix =
                    {
                        "We exempted the product name; please write again.",
                        "Confirm the purchase and then write the review.",
                        "We named a reviewer and approved waiting reviews.",
                        "Authorise the review widget again.",
                    },
            },
    },
    {
        .code = "CRT-404",
        .tag = "cart",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "장바구니가 비워짐",
                .symptom =
                    {
                        "담아 둔 상품이 장바구니에서 사라집니다.",
                        "로그인하면 카트가 초기화돼요.",
                        "CRT-404가 나오며 수량 변경이 되지 않습니다.",
                        "모바일에서 담은 것이 PC에 보이지 않습니다.",
                        "쇼핑하던 목록이 자꾸 날아가요.",
                    },
                .cause =
                    {
                        "비회원 장바구니가 로그인 시 합쳐지지 않았습니다.",
                        "판매 종료된 옵션이 자동으로 제거되었습니다.",
                        "서브도메인이 달라 쿠키가 공유되지 않았습니다.",
                        "장바구니 보관 기간이 1일로 설정돼 있었습니다.",
                    },
                .fix =
                    {
                        "로그인 시 장바구니 합치기 옵션을 켜 주세요.",
                        "보관 기간을 30일로 늘려 주세요.",
                        "쿠키 도메인을 상위 도메인으로 지정해 주세요.",
                        "종료된 옵션은 관심 상품으로 옮겨 안내하도록 했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Cart empties itself",
                .symptom =
                    {
                        "Items I put in the cart disappear.",
                        "Signing in resets the cart.",
                        "CRT-404 shows and quantities cannot be changed.",
                        "What I added on mobile is not on the PC.",
                        "My shopping list keeps getting lost.",
                    },
                .cause =
                    {
                        "The guest cart was not merged at sign-in.",
                        "Discontinued options were removed automatically.",
                        "Subdomains differed and cookies were not shared.",
                        "Carts were kept for one day only.",
                    },
                .fix =
                    {
                        "Switch on merging carts at sign-in.",
                        "Keep carts for 30 days.",
                        "Set the cookie domain to the parent domain.",
                        "Ended options are now moved to the wish list with a notice.",
                    },
            },
    },
    {
        .code = "CHK-520",
        .tag = "checkout",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "주문서 결제 버튼 무반응",
                .symptom =
                    {
                        "주문서에서 결제하기를 눌러도 반응이 없습니다.",
                        "약관 동의를 했는데 다음 단계로 안 가요.",
                        "CHK-520이 콘솔에 나오고 주문이 완료되지 않습니다.",
                        "사파리에서만 구매 진행이 멈춥니다.",
                        "마지막 화면에서 더 나아가질 않네요.",
                    },
                .cause =
                    {
                        "팝업 차단 때문에 결제창이 열리지 않았습니다.",
                        "분석 태그의 스크립트 오류가 버튼 이벤트를 막았습니다.",
                        "필수 약관 항목 하나가 화면 밖에 숨겨져 있었습니다.",
                        "iOS의 교차 추적 방지가 결제 프레임을 막았습니다.",
                    },
                .fix =
                    {
                        "브라우저의 팝업 차단을 해제하고 다시 눌러 주세요.",
                        "오류를 내는 분석 태그를 제거해 주세요.",
                        "스킨을 최신으로 바꿔 약관이 모두 보이게 해 주세요.",
                        "사파리 설정에서 크로스 사이트 추적 방지를 꺼 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Checkout button does nothing",
                .symptom =
                    {
                        "Pressing pay on the order form does nothing.",
                        "I agreed to the terms and it does not go on.",
                        "The console shows CHK-520 and the order is not completed.",
                        "Only in Safari buying comes to a stop.",
                        "I am stuck on the last screen.",
                    },
                .cause =
                    {
                        "The pop-up blocker kept the payment window shut.",
                        "A script error of an analytics tag stopped the button.",
                        "One mandatory term was hidden outside the screen.",
                        "iOS cross-site tracking prevention blocked the payment frame.",
                    },
                .fix =
                    {
                        "Allow pop-ups in the browser and press again.",
                        "Remove the analytics tag that errs.",
                        "Use the latest skin so that all terms are visible.",
                        "Switch off cross-site tracking prevention in Safari.",
                    },
            },
    },
    {
        .code = "SEO-311",
        .tag = "seo",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "검색엔진 노출 안 됨",
                .symptom =
                    {
                        "네이버와 구글에 우리 쇼핑몰이 나오지 않습니다.",
                        "서치콘솔에서 색인이 SEO-311로 제외됩니다.",
                        "사이트맵을 제출했는데 가져올 수 없다고 해요.",
                        "상품 페이지 제목이 모두 똑같이 나옵니다.",
                        "포털에서 가게 이름을 쳐도 안 보여요.",
                    },
                .cause =
                    {
                        "robots.txt에 전체 차단 규칙이 남아 있었습니다.",
                        "정식 주소(canonical)가 임시 도메인을 가리켰습니다.",
                        "사이트맵이 로그인 페이지로 이동하고 있었습니다.",
                        "제목 템플릿에 상품명 변수가 빠져 있었습니다.",
                    },
                .fix =
                    {
                        "robots.txt의 Disallow: / 줄을 지우고 재수집을 요청해 주세요.",
                        "대표 도메인을 지정하면 canonical이 바뀝니다.",
                        "사이트맵을 공개로 전환한 뒤 다시 제출해 주세요.",
                        "SEO 설정의 제목 템플릿에 상품명 변수를 넣어 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Not listed in search engines",
                .symptom =
                    {
                        "Our mall is found neither on Naver nor on Google.",
                        "Search Console excludes us from the index, SEO-311.",
                        "I submitted the sitemap and it cannot be fetched.",
                        "All product pages carry an identical title.",
                        "Portals do not know our shop by name.",
                    },
                .cause =
                    {
                        "robots.txt still held the rule that blocks everything.",
                        "The canonical address pointed to a temporary domain.",
                        "The sitemap redirected to the login page.",
                        "The title template lacked the product variable.",
                    },
                .fix =
                    {
                        "Delete the line Disallow: / in robots.txt and ask for a recrawl.",
                        "Choose the main domain and canonical follows.",
                        "Make the sitemap public and submit it again.",
                        "Put the product variable in the SEO title template.",
                    },
            },
    },
    {
        .code = "SKN-640",
        .tag = "theme",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "스킨 적용 후 화면 깨짐",
                .symptom =
                    {
                        "새 스킨을 적용하니 메인 화면이 깨졌습니다.",
                        "메뉴가 겹치고 모바일에서 글이 잘려요.",
                        "SKN-640이 나오며 디자인 편집기가 열리지 않습니다.",
                        "배너 간격이 벌어지고 푸터가 중간에 떠 있습니다.",
                        "테마를 바꿨더니 가게가 엉망이 됐어요.",
                    },
                .cause =
                    {
                        "이전 스킨의 사용자 CSS가 함께 적용되었습니다.",
                        "스킨이 구형 템플릿 엔진용으로 만들어졌습니다.",
                        "필수 모듈 하나가 설치되지 않았습니다.",
                        "브라우저에 옛 스타일 파일이 캐시되어 있었습니다.",
                    },
                .fix =
                    {
                        "사용자 CSS를 끄고 하나씩 켜며 확인해 주세요.",
                        "백업한 스킨으로 되돌린 뒤 호환 버전을 받아 주세요.",
                        "누락된 모듈을 설치하고 스킨을 다시 적용해 주세요.",
                        "스타일 파일에 버전을 붙여 캐시를 새로 받게 했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Layout broken after theme change",
                .symptom =
                    {
                        "With the new theme our main page is broken.",
                        "Menus overlap and text is cut on mobile.",
                        "SKN-640 shows and the design editor will not open.",
                        "Banners drift apart and the footer floats in the middle.",
                        "I changed the look and the shop is a mess.",
                    },
                .cause =
                    {
                        "The custom CSS of the former theme was applied too.",
                        "The theme was made for the old template engine.",
                        "A required module was not installed.",
                        "The browser had cached the old style file.",
                    },
                .fix =
                    {
                        "Turn custom CSS off and on again piece by piece.",
                        "Go back to the saved theme and get a compatible version.",
                        "Install the missing module and apply the theme again.",
                        "We versioned the style file so that caches refresh.",
                    },
            },
    },
};
