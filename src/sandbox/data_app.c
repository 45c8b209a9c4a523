/*
 * Made-up problem families about the mobile app.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_app[FAMILIES_PER_AREA] = {
    {
        .code = "APP-139",
        .tag = "crash",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "앱 실행 즉시 종료",
                .symptom =
                    {
                        "앱을 열면 바로 꺼집니다.",
                        "업데이트하고 나서 실행만 하면 홈 화면으로 튕겨요.",
                        "갤럭시에서 NuriApp이 APP-139로 강제 종료됩니다.",
                        "로고가 보였다가 곧 사라지고 켜지지 않습니다.",
                        "어플이 아예 안 열려요.",
                    },
                .cause =
                    {
                        "안드로이드 시스템 웹뷰가 오래된 버전이었습니다.",
                        "6.3 버전에서 저장 데이터 변환이 실패했습니다.",
                        "기기 저장 공간이 부족해 초기화가 멈췄습니다.",
                        "루팅 탐지 모듈이 정상 기기를 잘못 판정했습니다.",
                    },
                .fix =
                    {
                        "플레이스토어에서 안드로이드 시스템 웹뷰를 업데이트해 주세요.",
                        "6.3.1로 올린 뒤 앱 데이터를 지우고 다시 로그인해 주세요.",
                        "저장 공간을 1GB 이상 확보한 뒤 다시 실행해 주세요.",
                        "오탐 기기를 예외로 등록했으니 재시작하면 열립니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "App closes right after start",
                .symptom =
                    {
                        "The app shuts the moment I open it.",
                        "Since the update launching it throws me to the home screen.",
                        "On Galaxy phones NuriApp is force closed with APP-139.",
                        "The logo appears briefly and then nothing starts.",
                        "I cannot get the application to open at all.",
                    },
                .cause =
                    {
                        "Android System WebView was an old version.",
                        "Version 6.3 failed to convert the stored data.",
                        "The device lacked storage and initialisation stopped.",
                        "The root detection judged a normal device wrongly.",
                    },
                .fix =
                    {
                        "Update Android System WebView in the Play Store.",
                        "Go to 6.3.1, clear the app data and sign in again.",
                        "Free at least 1 GB of storage and start again.",
                        "We exempted the misjudged device; restart and it opens.",
                    },
            },
    },
    {
        .code = "APP-220",
        .tag = "slow-app",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "앱이 느리고 버벅임",
                .symptom =
                    {
                        "화면 전환에 10초 넘게 걸립니다.",
                        "목록을 스크롤하면 버벅거리고 배터리가 빨리 닳아요.",
                        "APP-220 경고와 함께 앱이 멈춘 듯 반응이 없습니다.",
                        "사진이 많은 상품을 열면 굉장히 굼뜹니다.",
                        "조금만 써도 휴대폰이 뜨거워지고 답답해요.",
                    },
                .cause =
                    {
                        "원본 크기의 이미지를 그대로 내려받고 있었습니다.",
                        "동기화 작업이 화면 스레드에서 실행되었습니다.",
                        "오프라인 캐시가 4GB까지 쌓였습니다.",
                        "절전 모드가 CPU 속도를 제한했습니다.",
                    },
                .fix =
                    {
                        "설정 > 캐시 비우기를 누르고 이미지 품질을 자동으로 바꿔 주세요.",
                        "6.4 버전에서 동기화를 뒤로 옮겼으니 업데이트해 주세요.",
                        "절전 모드를 끄거나 앱을 예외로 지정해 주세요.",
                        "썸네일 주소를 사용하도록 상품 이미지를 다시 저장해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "App is slow and stutters",
                .symptom =
                    {
                        "Changing screens takes more than ten seconds.",
                        "Scrolling lists stutters and drains the battery.",
                        "With warning APP-220 the app seems frozen.",
                        "Opening products with many photos is terribly sluggish.",
                        "A little use heats the phone and it crawls.",
                    },
                .cause =
                    {
                        "Images were downloaded in their original size.",
                        "Synchronising ran on the screen's thread.",
                        "The offline cache had grown to 4 GB.",
                        "Power saving limited the CPU.",
                    },
                .fix =
                    {
                        "Press Settings > Clear cache and set image quality to automatic.",
                        "6.4 moves synchronising to the background; please update.",
                        "Switch off power saving or exempt the app.",
                        "Save the product images again so that thumbnails are used.",
                    },
            },
    },
    {
        .code = "APP-318",
        .tag = "offline-sync",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "오프라인 데이터 동기화 안 됨",
                .symptom =
                    {
                        "현장에서 오프라인으로 입력한 기록이 서버에 올라가지 않습니다.",
                        "지하 창고에서 저장한 내용이 지상에 와도 전송되지 않아요.",
                        "APP-318 충돌 메시지가 뜨고 동기화가 멈춥니다.",
                        "태블릿 두 대의 데이터가 서로 다릅니다.",
                        "인터넷이 다시 연결돼도 대기 중 표시가 그대로예요.",
                    },
                .cause =
                    {
                        "같은 항목을 두 사람이 고쳐 충돌 해결을 기다리고 있었습니다.",
                        "첨부 사진 하나가 제한 용량 20MB를 넘었습니다.",
                        "백그라운드 데이터 사용이 꺼져 있었습니다.",
                        "로그인 토큰이 만료되어 업로드가 거절되었습니다.",
                    },
                .fix =
                    {
                        "동기화 상태 화면에서 충돌 항목의 보관할 값을 골라 주세요.",
                        "20MB가 넘는 사진을 줄인 뒤 다시 전송해 주세요.",
                        "NuriApp의 백그라운드 데이터를 허용해 주세요.",
                        "로그인만 다시 하면 대기 기록이 순서대로 올라갑니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Offline data does not sync",
                .symptom =
                    {
                        "Records entered offline on site never reach the server.",
                        "What I saved in the basement store is not sent upstairs.",
                        "A conflict, APP-318, stops the synchronisation.",
                        "Two tablets show different data.",
                        "With internet back it still says pending.",
                    },
                .cause =
                    {
                        "Two people had edited one item and it waited for a decision.",
                        "One attached photo was over the 20 MB limit.",
                        "Background data was switched off.",
                        "The login token had run out and uploads were refused.",
                    },
                .fix =
                    {
                        "Choose the value to keep on the sync status screen.",
                        "Shrink photos over 20 MB and send again.",
                        "Permit background data for NuriApp.",
                        "Sign in again and the waiting records go up in order.",
                    },
            },
    },
    {
        .code = "APP-405",
        .tag = "camera-scan",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "바코드 스캔이 안 됨",
                .symptom =
                    {
                        "카메라로 바코드를 비춰도 인식되지 않습니다.",
                        "스캔 화면이 검게 나오고 APP-405가 표시돼요.",
                        "QR은 읽는데 상품 바코드는 못 읽습니다.",
                        "재고 조사 중 스캐너가 자꾸 다른 번호로 읽습니다.",
                        "찍어도 아무 반응이 없어서 손으로 치고 있어요.",
                    },
                .cause =
                    {
                        "카메라 권한이 이번만 허용으로 되어 있었습니다.",
                        "사용하는 규격 EAN-8이 설정에서 꺼져 있었습니다.",
                        "라벨의 인쇄 해상도가 낮아 막대 간격이 뭉개졌습니다.",
                        "초광각 렌즈가 선택되어 초점이 맞지 않았습니다.",
                    },
                .fix =
                    {
                        "앱 권한에서 카메라를 사용하는 동안 허용으로 바꿔 주세요.",
                        "스캔 설정에서 EAN-8 규격을 켜 주세요.",
                        "라벨을 300dpi 이상으로 다시 출력해 주세요.",
                        "스캔 화면에서 1배 렌즈를 선택해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Barcode scanning fails",
                .symptom =
                    {
                        "Pointing the camera at a barcode does nothing.",
                        "The scan screen is black with APP-405.",
                        "It reads QR but no product barcodes.",
                        "During stocktaking the scanner reads other numbers.",
                        "I shoot and get no reaction, so I type by hand.",
                    },
                .cause =
                    {
                        "Camera permission was set to only this time.",
                        "The EAN-8 symbology was disabled.",
                        "The label was printed coarsely and the bars ran together.",
                        "The ultra-wide lens was chosen and out of focus.",
                    },
                .fix =
                    {
                        "Set the camera permission to while using the app.",
                        "Enable EAN-8 in the scan settings.",
                        "Print the labels with 300 dpi or more.",
                        "Select the 1x lens on the scan screen.",
                    },
            },
    },
    {
        .code = "APP-511",
        .tag = "upload-photo",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "사진 첨부 업로드 실패",
                .symptom =
                    {
                        "리뷰에 사진을 올리면 업로드 실패라고 나옵니다.",
                        "첨부 파일이 99%에서 멈추고 APP-511이 떠요.",
                        "아이폰에서 찍은 이미지만 첨부가 안 됩니다.",
                        "동영상을 넣으면 계속 돌기만 합니다.",
                        "그림 파일을 붙이려고 해도 올라가질 않네요.",
                    },
                .cause =
                    {
                        "HEIC 형식 변환기가 서버에서 멈춰 있었습니다.",
                        "파일 하나의 제한이 10MB인데 15MB였습니다.",
                        "와이파이 프록시가 긴 업로드를 끊었습니다.",
                        "사진 접근 권한이 선택한 사진만으로 제한되었습니다.",
                    },
                .fix =
                    {
                        "변환기를 재시작했으니 다시 올려 주세요.",
                        "카메라 형식을 높은 호환성(JPEG)으로 바꿔 주세요.",
                        "파일을 10MB 이하로 줄이거나 링크로 공유해 주세요.",
                        "사진 권한을 전체 접근으로 변경해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Photo upload fails",
                .symptom =
                    {
                        "Adding a photo to a review says upload failed.",
                        "The attachment stops at 99 percent with APP-511.",
                        "Only images taken on iPhones cannot be attached.",
                        "With a video it keeps spinning.",
                        "I try to attach a picture and it will not go up.",
                    },
                .cause =
                    {
                        "The HEIC converter had stopped on the server.",
                        "The limit is 10 MB a file and it was 15 MB.",
                        "The Wi-Fi proxy cut long uploads.",
                        "Photo access was limited to selected pictures.",
                    },
                .fix =
                    {
                        "We restarted the converter; please upload again.",
                        "Set the camera format to most compatible (JPEG).",
                        "Reduce the file below 10 MB or share a link.",
                        "Change photo permission to full access.",
                    },
            },
    },
    {
        .code = "APP-602",
        .tag = "location",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "매장 위치 오류",
                .symptom =
                    {
                        "내 주변 매장이 엉뚱한 지역으로 나옵니다.",
                        "GPS를 켰는데도 위치를 찾을 수 없다고 해요.",
                        "지도에 APP-602만 표시되고 지점이 안 보입니다.",
                        "배달 기사 위치가 몇 분 전에 멈춰 있습니다.",
                        "앱이 제가 부산에 있다고 우겨요.",
                    },
                .cause =
                    {
                        "정확한 위치 권한이 꺼져 대략적인 위치만 받았습니다.",
                        "VPN의 출구 지역이 위치로 사용되었습니다.",
                        "지도 서비스의 일일 사용량이 초과되었습니다.",
                        "지점 좌표의 위도와 경도가 뒤바뀌어 저장되었습니다.",
                    },
                .fix =
                    {
                        "위치 권한에서 정확한 위치 사용을 켜 주세요.",
                        "VPN을 끄고 위치를 새로고침해 주세요.",
                        "지도 사용량을 늘렸으니 다시 열어 주세요.",
                        "지점 정보에서 위도와 경도를 바로잡아 저장했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Wrong store location",
                .symptom =
                    {
                        "Stores near me are shown in a strange region.",
                        "GPS is on and it cannot find my position.",
                        "The map says APP-602 and shows no branches.",
                        "The rider's position stopped minutes ago.",
                        "The app insists that I am in Busan.",
                    },
                .cause =
                    {
                        "Precise location was off, so only a rough one came.",
                        "The VPN's exit region was taken as the place.",
                        "The map service's daily quota was exceeded.",
                        "Latitude and longitude of the branch were swapped.",
                    },
                .fix =
                    {
                        "Turn on precise location in the permissions.",
                        "Switch off the VPN and refresh the position.",
                        "We raised the map quota; open it again.",
                        "We corrected latitude and longitude of the branch.",
                    },
            },
    },
    {
        .code = "APP-718",
        .tag = "dark-mode",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "다크 모드 글자 안 보임",
                .symptom =
                    {
                        "다크 모드에서 글자가 배경과 겹쳐 안 보입니다.",
                        "야간 테마를 켜면 버튼 문구가 사라져요.",
                        "APP-718 이후 입력칸이 온통 검은색입니다.",
                        "어두운 화면에서 공지 내용이 읽히지 않습니다.",
                        "테마를 바꿨더니 메뉴 이름이 하나도 안 보여요.",
                    },
                .cause =
                    {
                        "커스텀 테마의 글자색이 검정으로 고정돼 있었습니다.",
                        "공지 HTML에 인라인 색상이 들어 있었습니다.",
                        "접근성의 고대비 설정과 테마가 충돌했습니다.",
                        "6.2 버전의 색상 토큰이 누락되었습니다.",
                    },
                .fix =
                    {
                        "테마 편집기에서 글자색을 자동으로 바꿔 주세요.",
                        "공지에서 글자 색 지정을 지우고 다시 저장해 주세요.",
                        "고대비 글자를 끄거나 6.2.3으로 업데이트해 주세요.",
                        "설정 > 화면에서 시스템 테마 따르기를 선택해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Text invisible in dark mode",
                .symptom =
                    {
                        "In dark mode the letters melt into the background.",
                        "With the night theme the button captions vanish.",
                        "Since APP-718 the input fields are entirely black.",
                        "Announcements are unreadable on the dark screen.",
                        "I changed the theme and see no menu names.",
                    },
                .cause =
                    {
                        "The custom theme fixed the text colour to black.",
                        "The announcement's HTML carried inline colours.",
                        "High contrast in accessibility collided with the theme.",
                        "Version 6.2 lacked some colour tokens.",
                    },
                .fix =
                    {
                        "Set the text colour to automatic in the theme editor.",
                        "Remove the colours from the announcement and save it again.",
                        "Turn off high contrast text or update to 6.2.3.",
                        "Choose follow the system theme under Settings > Display.",
                    },
            },
    },
    {
        .code = "APP-833",
        .tag = "widget-lang",
        .product = "NuriApp",
        .tell[LANG_KO] =
            {
                .title = "앱 언어가 바뀌지 않음",
                .symptom =
                    {
                        "언어를 한국어로 바꿔도 영어로 나옵니다.",
                        "일본어를 선택했는데 일부 메뉴만 번역돼요.",
                        "APP-833이 표시되고 언어 팩을 내려받지 못합니다.",
                        "설정을 저장하면 다시 원래 언어로 돌아갑니다.",
                        "한글로 보고 싶은데 외국어만 나와요.",
                    },
                .cause =
                    {
                        "휴대폰의 앱별 언어 설정이 우선 적용되었습니다.",
                        "회사 계정의 기본 언어가 강제로 지정돼 있었습니다.",
                        "번역 파일이 CDN에 예전 버전으로 남아 있었습니다.",
                        "해당 언어의 번역이 아직 70%만 완료된 상태였습니다.",
                    },
                .fix =
                    {
                        "휴대폰 설정 > 앱 > 언어에서 한국어를 골라 주세요.",
                        "관리자가 언어 강제 지정을 해제하면 바꿀 수 있습니다.",
                        "CDN을 갱신했으니 앱을 완전히 종료했다가 열어 주세요.",
                        "번역이 끝나는 다음 배포까지 기다려 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "App language does not change",
                .symptom =
                    {
                        "I set Korean and it stays English.",
                        "I chose Japanese and only some menus are translated.",
                        "APP-833 shows and the language pack is not downloaded.",
                        "After saving, the setting returns to the original language.",
                        "I want to read my own language and get a foreign one.",
                    },
                .cause =
                    {
                        "The phone's per-app language took precedence.",
                        "The company account forced a default language.",
                        "The translation file on the CDN was an old version.",
                        "The translation is only 70 percent complete.",
                    },
                .fix =
                    {
                        "Pick the language under phone Settings > Apps > Language.",
                        "An admin can lift the forced language.",
                        "We refreshed the CDN; close the app fully and open it.",
                        "Please wait for the next release, when translation is complete.",
                    },
            },
    },
};
