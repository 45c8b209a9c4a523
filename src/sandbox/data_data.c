/*
 * Made-up problem families about exports, imports and integrations.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_data[FAMILIES_PER_AREA] = {
    {
        .code = "EXP-507",
        .tag = "export",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "데이터 내보내기 실패",
                .symptom =
                    {
                        "주문 내역을 내보내면 실패했다는 메일이 옵니다.",
                        "CSV 다운로드가 절반에서 끊기고 EXP-507이 떠요.",
                        "연말 자료를 추출하려는데 파일이 생성되지 않습니다.",
                        "내보내기 진행률이 0%에서 움직이지 않습니다.",
                        "목록을 파일로 받을 수가 없네요.",
                    },
                .cause =
                    {
                        "한 번에 100만 행 제한을 넘는 기간을 선택했습니다.",
                        "다른 내보내기 작업이 대기열을 막고 있었습니다.",
                        "임시 저장소의 용량이 가득 찼습니다.",
                        "파일 링크가 24시간 뒤 만료되었습니다.",
                    },
                .fix =
                    {
                        "기간을 분기별로 나누어 다시 요청해 주세요.",
                        "멈춘 작업을 취소했으니 새로 내보내기를 눌러 주세요.",
                        "저장소를 늘리고 실패한 작업을 재실행했습니다.",
                        "링크를 다시 발급했으니 24시간 안에 받아 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Data export fails",
                .symptom =
                    {
                        "Exporting orders ends in a mail that it failed.",
                        "The CSV download breaks off half way with EXP-507.",
                        "I need the year-end data and no file is made.",
                        "Export progress does not move from zero.",
                        "The list cannot be had as a file.",
                    },
                .cause =
                    {
                        "The period exceeded the limit of one million rows.",
                        "Another export was blocking the queue.",
                        "Temporary storage was full.",
                        "The file's link had expired after 24 hours.",
                    },
                .fix =
                    {
                        "Split the period by quarter and request it again.",
                        "We cancelled the stuck job; press export again.",
                        "We enlarged the storage and reran the failed jobs.",
                        "We issued the link again; fetch it within 24 hours.",
                    },
            },
    },
    {
        .code = "ENC-065",
        .tag = "encoding",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "엑셀에서 한글 깨짐",
                .symptom =
                    {
                        "CSV를 엑셀로 열면 한글이 깨집니다.",
                        "내려받은 파일의 이름이 물음표로 보여요.",
                        "외계어 같은 글자가 나오고 ENC-065라고 적혀 있습니다.",
                        "맥에서는 괜찮은데 윈도우에서 글자가 이상합니다.",
                        "글씨가 다 네모로 나와서 읽을 수 없어요.",
                    },
                .cause =
                    {
                        "BOM 없는 UTF-8 파일을 엑셀이 ANSI로 열었습니다.",
                        "내보내기 인코딩이 EUC-KR로 지정되어 이모지가 사라졌습니다.",
                        "압축 프로그램이 파일 이름의 인코딩을 잘못 풀었습니다.",
                        "메모장에서 다시 저장하면서 형식이 바뀌었습니다.",
                    },
                .fix =
                    {
                        "내보내기 옵션에서 UTF-8(BOM)을 선택해 주세요.",
                        "엑셀의 데이터 > 텍스트 가져오기에서 65001을 고르세요.",
                        "XLSX 형식으로 받으면 깨지지 않습니다.",
                        "압축은 최신 압축 프로그램으로 풀어 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Korean text garbled in Excel",
                .symptom =
                    {
                        "Opening the CSV in Excel garbles the Korean.",
                        "Names in the downloaded file are question marks.",
                        "There are alien characters and a note ENC-065.",
                        "It is fine on a Mac but odd on Windows.",
                        "All letters are little squares and unreadable.",
                    },
                .cause =
                    {
                        "Excel opened UTF-8 without BOM as ANSI.",
                        "The export used EUC-KR and emoji were lost.",
                        "The unzip tool misread the encoding of file names.",
                        "Saving it in Notepad changed the format.",
                    },
                .fix =
                    {
                        "Choose UTF-8 (BOM) in the export options.",
                        "In Excel use Data > From text and pick 65001.",
                        "Take XLSX instead and nothing breaks.",
                        "Unpack with a current archive tool.",
                    },
            },
    },
    {
        .code = "IMP-422",
        .tag = "import",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "상품 일괄 등록 오류",
                .symptom =
                    {
                        "엑셀로 상품을 올리면 3번째 행에서 오류가 납니다.",
                        "일괄 등록 결과가 전부 실패로 나와요.",
                        "IMP-422 필수값 누락이라고 하는데 다 채웠습니다.",
                        "업로드 양식을 받아 썼는데도 형식이 다르다고 합니다.",
                        "한꺼번에 넣으려니 하나도 안 들어가요.",
                    },
                .cause =
                    {
                        "카테고리 코드가 개편 전 번호였습니다.",
                        "가격 칸에 쉼표와 원 표시가 들어 있었습니다.",
                        "숨겨진 빈 행이 데이터로 인식되었습니다.",
                        "예전 양식 파일의 열 순서가 달랐습니다.",
                    },
                .fix =
                    {
                        "새 카테고리 코드표로 바꾼 뒤 올려 주세요.",
                        "가격 열을 숫자 형식으로 바꾸어 저장해 주세요.",
                        "데이터 아래의 빈 행을 삭제하고 다시 올려 주세요.",
                        "최신 양식을 내려받아 값만 붙여 넣어 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Bulk import error",
                .symptom =
                    {
                        "Uploading products by Excel errs at row three.",
                        "Every line of the bulk import is failed.",
                        "IMP-422 says mandatory values are absent though I filled all.",
                        "I used the template and it still says wrong format.",
                        "Putting them in at once, none gets in.",
                    },
                .cause =
                    {
                        "The category codes were from before the reform.",
                        "Price cells held commas and won signs.",
                        "Hidden blank rows were taken as data.",
                        "The old template has another column order.",
                    },
                .fix =
                    {
                        "Use the new table of category codes and upload.",
                        "Format the price column as numbers.",
                        "Delete the blank rows below the data and upload again.",
                        "Download the latest template and paste values only.",
                    },
            },
    },
    {
        .code = "RPT-190",
        .tag = "report",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "매출 보고서 수치 불일치",
                .symptom =
                    {
                        "대시보드 매출과 정산 금액이 다릅니다.",
                        "월간 리포트 합계가 일별 합과 안 맞아요.",
                        "RPT-190 경고가 뜨고 그래프가 비어 있습니다.",
                        "취소분이 반영되지 않은 것처럼 매출이 크게 나옵니다.",
                        "통계 숫자를 믿을 수가 없어요.",
                    },
                .cause =
                    {
                        "대시보드는 주문일 기준이고 정산은 구매 확정일 기준입니다.",
                        "환불이 다음 달로 이월되어 집계되었습니다.",
                        "집계 배치가 새벽에 실패해 하루가 빠졌습니다.",
                        "부가세 포함 여부가 화면마다 달랐습니다.",
                    },
                .fix =
                    {
                        "보고서 상단에서 기준일을 구매 확정일로 맞춰 주세요.",
                        "환불 반영 시점을 발생월로 바꿔 주세요.",
                        "빠진 날짜를 재집계했으니 새로고침해 주세요.",
                        "부가세 포함 옵션을 두 화면에서 같게 설정하세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Sales report numbers differ",
                .symptom =
                    {
                        "Sales on the dashboard and the settlement differ.",
                        "The monthly report does not equal the sum of days.",
                        "RPT-190 shows and the chart is empty.",
                        "Sales look too large, as if cancellations were ignored.",
                        "I cannot trust the statistics.",
                    },
                .cause =
                    {
                        "The dashboard counts by order day, settlement by confirmation day.",
                        "Refunds were counted in the following month.",
                        "The nightly aggregation failed and a day is missing.",
                        "Some screens include VAT and others do not.",
                    },
                .fix =
                    {
                        "Set the base date at the top of the report to confirmation day.",
                        "Count refunds in the month they occur.",
                        "We aggregated the missing day again; please refresh.",
                        "Use the same VAT option on both screens.",
                    },
            },
    },
    {
        .code = "BKP-700",
        .tag = "backup",
        .product = "NuriHub",
        .tell[LANG_KO] =
            {
                .title = "삭제한 데이터 복구",
                .symptom =
                    {
                        "실수로 고객 목록을 지웠는데 되돌릴 수 있나요?",
                        "어제 삭제된 게시글을 복원해 주세요.",
                        "BKP-700이 나오고 휴지통이 비어 있습니다.",
                        "동료가 폴더를 통째로 없애 버렸습니다.",
                        "날아간 자료를 살리고 싶어요.",
                    },
                .cause =
                    {
                        "휴지통 보관 기간 30일이 지나 영구 삭제되었습니다.",
                        "일괄 삭제 API가 휴지통을 거치지 않았습니다.",
                        "동기화 폴더에서 지워 서버에서도 함께 사라졌습니다.",
                        "복원 권한이 소유자에게만 있었습니다.",
                    },
                .fix =
                    {
                        "전날 백업에서 해당 목록을 복원했습니다.",
                        "휴지통에서 항목을 골라 되살리기를 눌러 주세요.",
                        "소유자 계정으로 로그인해 복원을 실행해 주세요.",
                        "앞으로 API 삭제도 휴지통을 거치도록 옵션을 켜 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Restore deleted data",
                .symptom =
                    {
                        "I deleted the customer list by mistake, can it be undone?",
                        "Please restore the posts removed yesterday.",
                        "BKP-700 shows and the trash is empty.",
                        "A colleague removed an entire folder.",
                        "I would like to save lost material.",
                    },
                .cause =
                    {
                        "Trash keeps things 30 days, then they are gone for good.",
                        "The bulk delete API bypassed the trash.",
                        "Removed in a synced folder, it vanished on the server too.",
                        "Only the owner may restore.",
                    },
                .fix =
                    {
                        "We restored the list from yesterday's backup.",
                        "Select the items in the trash and press put back.",
                        "Sign in as owner and run the restore.",
                        "Switch on the option that sends API deletions to trash.",
                    },
            },
    },
    {
        .code = "ERP-340",
        .tag = "erp",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "ERP 연동 중단",
                .symptom =
                    {
                        "ERP로 주문이 넘어가지 않습니다.",
                        "더존 연동이 어젯밤부터 멈췄어요.",
                        "SAP 전송에서 ERP-340이 반복됩니다.",
                        "전표가 생성되지 않아 수기로 입력하고 있습니다.",
                        "회계 시스템과 자료가 끊겼어요.",
                    },
                .cause =
                    {
                        "ERP 서버의 방화벽 정책이 변경되었습니다.",
                        "거래처 코드가 비어 있는 주문에서 배치가 멈췄습니다.",
                        "연동 계정의 비밀번호가 만료되었습니다.",
                        "월 마감 잠금 때문에 전표 입력이 거부되었습니다.",
                    },
                .fix =
                    {
                        "연동 서버 IP를 ERP 방화벽에 다시 등록해 주세요.",
                        "기본 거래처 코드를 지정하고 배치를 재시작했습니다.",
                        "연동 계정을 비밀번호 만료 예외로 설정해 주세요.",
                        "마감을 해제하거나 전표일자를 다음 달로 바꿔 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "ERP integration stopped",
                .symptom =
                    {
                        "Orders are not passed to the ERP.",
                        "The Douzone integration stopped last night.",
                        "Sending to SAP repeats ERP-340.",
                        "No vouchers are made and we type them by hand.",
                        "We lost the link with the accounting system.",
                    },
                .cause =
                    {
                        "The firewall policy of the ERP server was changed.",
                        "The batch halted at an order without a partner code.",
                        "The password of the integration account had expired.",
                        "Monthly closing locked voucher entry.",
                    },
                .fix =
                    {
                        "Register the sync server's IP in the ERP firewall again.",
                        "We set a default partner code and restarted the batch.",
                        "Exempt the integration account from password expiry.",
                        "Open the closing or move the voucher to next month.",
                    },
            },
    },
    {
        .code = "SLK-118",
        .tag = "slack",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "슬랙 연동 알림 누락",
                .symptom =
                    {
                        "슬랙 채널에 새 티켓 알림이 오지 않습니다.",
                        "연동을 다시 했는데도 봇이 조용해요.",
                        "SLK-118이 뜨면서 채널 목록이 안 나옵니다.",
                        "비공개 채널에만 메시지가 안 들어갑니다.",
                        "메신저로 오던 소식이 끊겼어요.",
                    },
                .cause =
                    {
                        "슬랙 앱을 설치한 관리자가 퇴사해 토큰이 폐기되었습니다.",
                        "비공개 채널에 봇이 초대되지 않았습니다.",
                        "슬랙 요금제의 앱 개수 제한에 걸렸습니다.",
                        "채널 이름을 바꾼 뒤 규칙이 옛 이름을 가리켰습니다.",
                    },
                .fix =
                    {
                        "현재 관리자 계정으로 슬랙 앱을 다시 승인해 주세요.",
                        "비공개 채널에서 /invite @nuri를 입력해 주세요.",
                        "사용하지 않는 슬랙 앱을 지운 뒤 연결해 주세요.",
                        "알림 규칙에서 채널을 다시 선택해 저장해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Slack integration lost",
                .symptom =
                    {
                        "New ticket notices do not come to the Slack channel.",
                        "I connected it again and the bot stays silent.",
                        "SLK-118 appears and no channels are listed.",
                        "Only private channels receive nothing.",
                        "News by messenger ceased.",
                    },
                .cause =
                    {
                        "The admin who installed the Slack app left and its token was revoked.",
                        "The bot was not invited to the private channel.",
                        "The Slack plan's limit of apps was reached.",
                        "The rule pointed to the old name of a renamed channel.",
                    },
                .fix =
                    {
                        "Approve the Slack app again as a current admin.",
                        "Type /invite @nuri in the private channel.",
                        "Remove unused Slack apps and connect then.",
                        "Choose the channel again in the rule and save.",
                    },
            },
    },
    {
        .code = "CAL-212",
        .tag = "calendar",
        .product = "NuriSync",
        .tell[LANG_KO] =
            {
                .title = "구글 캘린더 동기화 오류",
                .symptom =
                    {
                        "예약이 구글 캘린더에 나타나지 않습니다.",
                        "캘린더에 같은 일정이 두 번씩 생겨요.",
                        "CAL-212라며 구글 계정을 다시 연결하라고 합니다.",
                        "취소한 예약이 달력에 그대로 남아 있습니다.",
                        "일정이 구글 쪽으로 안 넘어가요.",
                    },
                .cause =
                    {
                        "구글 동의 화면에서 캘린더 쓰기 권한을 빼고 승인했습니다.",
                        "양방향 동기화가 두 계정에 중복 연결되었습니다.",
                        "반복 일정의 예외 항목이 지원되지 않았습니다.",
                        "워크스페이스 관리자가 외부 앱을 차단했습니다.",
                    },
                .fix =
                    {
                        "연결을 끊고 모든 권한에 동의하며 다시 연결해 주세요.",
                        "중복 연결 하나를 해제하면 일정이 정리됩니다.",
                        "반복 예약을 개별 일정으로 나누어 주세요.",
                        "워크스페이스에서 NuriSync를 신뢰 앱으로 허용해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Google Calendar sync broken",
                .symptom =
                    {
                        "Bookings do not appear in Google Calendar.",
                        "Each event is made twice in the calendar.",
                        "CAL-212 asks to connect the Google account again.",
                        "Cancelled bookings stay in the calendar.",
                        "The schedule is not carried over to Google.",
                    },
                .cause =
                    {
                        "Write access to the calendar was unticked at consent.",
                        "Two-way sync was linked to two accounts.",
                        "Exceptions of recurring events were unsupported.",
                        "The Workspace admin blocks outside apps.",
                    },
                .fix =
                    {
                        "Disconnect and connect again, agreeing to all permissions.",
                        "Release one of the double links and events are tidied.",
                        "Split the recurring booking into single events.",
                        "Allow NuriSync as a trusted app in Workspace.",
                    },
            },
    },
};
