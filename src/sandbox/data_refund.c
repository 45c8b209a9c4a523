/*
 * Made-up problem families about refunds, returns, points.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_refund[FAMILIES_PER_AREA] = {
    {
        .code = "RFD-201",
        .tag = "refund-delay",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "환불 처리 지연",
                .symptom =
                    {
                        "반품한 지 열흘이 지났는데 환불이 안 됩니다.",
                        "환불 완료 문자를 받았지만 카드에 반영되지 않았어요.",
                        "취소한 주문의 돈이 아직 돌아오지 않았습니다.",
                        "RFD-201 대기 상태에서 움직이지 않습니다.",
                        "언제쯤 돈을 돌려받을 수 있을까요?",
                    },
                .cause =
                    {
                        "카드사 매입 취소는 영업일 기준 5일까지 걸립니다.",
                        "반품 검수 대기열에서 누락되어 환불 승인이 나지 않았습니다.",
                        "포인트로 결제한 금액과 카드 금액이 따로 환불되고 있었습니다.",
                        "환불 계좌의 은행 코드가 잘못 입력되어 송금이 반송되었습니다.",
                    },
                .fix =
                    {
                        "검수를 완료하고 매입 취소를 접수했으니 영업일 5일 안에 확인됩니다.",
                        "올바른 계좌를 회신해 주시면 당일 재송금합니다.",
                        "포인트는 즉시 복원했고 카드 금액은 명세서에서 차감됩니다.",
                        "환불 영수증을 메일로 보내 드렸으니 카드사에 제시해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Refund takes too long",
                .symptom =
                    {
                        "It has been ten days since I returned it and there is no refund.",
                        "I got the refund message but my card shows nothing.",
                        "The money of the cancelled order is not back yet.",
                        "It does not move from waiting, RFD-201.",
                        "When will I get my money back?",
                    },
                .cause =
                    {
                        "Reversing a captured card payment takes up to five business days.",
                        "It was missed in the return inspection queue and never approved.",
                        "Points and card amounts were being refunded separately.",
                        "The bank code of the refund account was wrong and the transfer bounced.",
                    },
                .fix =
                    {
                        "Inspection is done and the reversal filed; you will see it in five "
                        "business days.",
                        "Reply with the right account and we transfer again the same day.",
                        "Points are restored at once; the card amount is deducted on the "
                        "statement.",
                        "We mailed the refund receipt; please show it to the card company.",
                    },
            },
    },
    {
        .code = "RTN-330",
        .tag = "return-pickup",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "반품 수거가 오지 않음",
                .symptom =
                    {
                        "반품 신청을 했는데 기사님이 오지 않습니다.",
                        "회수 예정일이 지났지만 문 앞에 그대로 있어요.",
                        "수거 접수가 RTN-330으로 취소되었다고 합니다.",
                        "교환 반송품을 아무도 가져가지 않네요.",
                        "돌려보낼 상자가 사흘째 현관에 있습니다.",
                    },
                .cause =
                    {
                        "회수 지시가 택배사로 전송되지 않았습니다.",
                        "공동현관 비밀번호가 없어 기사가 방문 후 돌아갔습니다.",
                        "수거 주소가 최초 배송지로 남아 있었습니다.",
                        "계약 택배사가 주말 수거를 하지 않습니다.",
                    },
                .fix =
                    {
                        "회수를 다시 접수했고 내일 오후에 방문합니다.",
                        "공동현관 출입 방법을 메모에 적어 재접수해 주세요.",
                        "수거지를 현재 주소로 고친 뒤 새 일정을 잡았습니다.",
                        "가까운 편의점에 맡기시면 반품비 없이 접수됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Return not collected",
                .symptom =
                    {
                        "I asked for a return but no driver comes.",
                        "The collection day passed and the box is still at my door.",
                        "The pick-up request was cancelled with RTN-330.",
                        "Nobody takes the item for exchange away.",
                        "The box to send back has stood in the hall for three days.",
                    },
                .cause =
                    {
                        "The collection order was not sent to the carrier.",
                        "The driver left because there was no entrance code.",
                        "The collection address was still the first delivery address.",
                        "The contracted carrier does not collect at weekends.",
                    },
                .fix =
                    {
                        "We ordered the collection again; the driver comes tomorrow afternoon.",
                        "Write how to enter the building in the note and request it again.",
                        "We changed the place of collection and set a new date.",
                        "Drop it at a nearby convenience store; there is no return fee.",
                    },
            },
    },
    {
        .code = "RFP-415",
        .tag = "partial-refund",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "부분 환불 금액 오류",
                .symptom =
                    {
                        "두 개 중 하나만 반품했는데 환불액이 너무 적습니다.",
                        "부분취소 금액에서 배송비가 이중으로 빠졌어요.",
                        "쿠폰을 썼더니 돌려받은 금액 계산이 이상합니다.",
                        "RFP-415가 나오며 일부 환불이 막힙니다.",
                        "반만 취소했는데 얼마를 받는지 모르겠어요.",
                    },
                .cause =
                    {
                        "무료배송 조건이 깨지면서 배송비가 소급 차감되었습니다.",
                        "정액 쿠폰이 남은 상품에 몰아서 배분되었습니다.",
                        "복합 결제에서 카드보다 포인트가 먼저 환불되었습니다.",
                        "과세와 면세 금액의 비율이 달라 승인 금액을 넘겼습니다.",
                    },
                .fix =
                    {
                        "차감된 배송비를 추가로 환불해 드렸습니다.",
                        "쿠폰 배분 기준을 상품 금액 비율로 바꾸고 차액을 지급했습니다.",
                        "환불 내역서에서 수단별 금액을 확인할 수 있습니다.",
                        "과세와 면세를 나눠 두 번 부분취소해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Partial refund amount is wrong",
                .symptom =
                    {
                        "I returned one of two items and the refund is too small.",
                        "Shipping was deducted twice from the partial cancellation.",
                        "I used a coupon and the amount I got back looks odd.",
                        "RFP-415 appears and part of the refund is blocked.",
                        "I cancelled half and do not know how much I will receive.",
                    },
                .cause =
                    {
                        "Free shipping no longer applied, so the fee was charged afterwards.",
                        "The fixed coupon was assigned entirely to the remaining item.",
                        "In a mixed payment points were returned before the card.",
                        "Taxed and untaxed shares differed and exceeded the approved amount.",
                    },
                .fix =
                    {
                        "We refunded the deducted shipping fee as well.",
                        "Coupons are now split by item price and the difference was paid.",
                        "The refund statement lists the amount per method of payment.",
                        "Split taxed and untaxed parts and cancel twice.",
                    },
            },
    },
    {
        .code = "CNL-118",
        .tag = "cancel-order",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "주문 취소 불가",
                .symptom =
                    {
                        "주문 취소 버튼이 눌리지 않습니다.",
                        "방금 주문했는데 취소 가능한 상태가 아니라고 해요.",
                        "CNL-118 안내가 뜨고 철회가 안 됩니다.",
                        "실수로 산 물건을 무르고 싶은데 방법이 없네요.",
                        "예약 구매를 그만두고 싶은데 진행이 안 돼요.",
                    },
                .cause =
                    {
                        "주문이 물류로 자동 확정되는 시간이 10분으로 설정돼 있었습니다.",
                        "예약 상품은 제작이 시작되면 취소할 수 없습니다.",
                        "공급사 직배송이라 공급사 승인이 먼저 필요했습니다.",
                        "앱의 캐시 때문에 예전 상태가 표시되었습니다.",
                    },
                .fix =
                    {
                        "물류 확정을 멈추고 주문을 취소했습니다.",
                        "도착 후 수취 거부를 하시면 전액 환불됩니다.",
                        "공급사에 취소를 요청했고 승인되면 자동으로 환불됩니다.",
                        "앱을 다시 실행한 뒤 주문 상세에서 취소해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Cannot cancel order",
                .symptom =
                    {
                        "The cancel button of my order does nothing.",
                        "I ordered just now and it says it cannot be cancelled.",
                        "CNL-118 shows and I cannot withdraw.",
                        "I bought it by mistake and find no way to undo it.",
                        "I want to drop the pre-order but it does not proceed.",
                    },
                .cause =
                    {
                        "Orders were confirmed to the warehouse automatically after ten minutes.",
                        "Pre-orders cannot be cancelled once production has begun.",
                        "The supplier ships directly and had to agree first.",
                        "The app's cache displayed an old state.",
                    },
                .fix =
                    {
                        "We stopped the warehouse step and cancelled the order.",
                        "Refuse the parcel on arrival and you are refunded in full.",
                        "We asked the supplier; the refund follows once they agree.",
                        "Restart the app and cancel in the order details.",
                    },
            },
    },
    {
        .code = "EXC-260",
        .tag = "exchange",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "사이즈 교환 문의",
                .symptom =
                    {
                        "신발이 작아서 한 치수 큰 것으로 바꾸고 싶습니다.",
                        "교환 신청을 하면 선택할 사이즈가 나오지 않습니다.",
                        "EXC-260이 뜨고 옵션 변경 교환이 안 돼요.",
                        "치수를 잘못 골랐는데 다른 크기로 받을 수 있나요?",
                        "옷이 꽉 끼어서 더 넉넉한 걸로 부탁드려요.",
                    },
                .cause =
                    {
                        "원하는 치수가 품절이라 교환 목록에서 숨겨졌습니다.",
                        "교환 가능 기간 7일이 지난 주문이었습니다.",
                        "옵션 추가금이 달라 자동 교환이 제한되었습니다.",
                        "브랜드 직입점 상품은 판매자 승인이 필요합니다.",
                    },
                .fix =
                    {
                        "입고 알림을 걸어 두었고 들어오면 먼저 보내 드립니다.",
                        "이번 한 번 예외로 교환을 승인했습니다.",
                        "추가금을 결제 링크로 보내 드렸으니 납부 후 출고됩니다.",
                        "판매자 승인이 나서 큰 치수로 출고했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Exchange for another size",
                .symptom =
                    {
                        "The shoes are small and I want one size up.",
                        "The exchange form offers no sizes to choose.",
                        "EXC-260 shows and changing the option does not work.",
                        "I picked the wrong size, can I receive another one?",
                        "The dress is tight, a roomier one please.",
                    },
                .cause =
                    {
                        "The wanted size was sold out and hidden from the exchange list.",
                        "The seven days for an exchange were over.",
                        "The option price differed, so the automatic exchange was limited.",
                        "Items of brand sellers need the seller's approval.",
                    },
                .fix =
                    {
                        "We set a restock notice and send it to you first.",
                        "As an exception we approved the exchange this time.",
                        "We sent a link for the extra charge; it ships after payment.",
                        "The seller agreed and the bigger size has left.",
                    },
            },
    },
    {
        .code = "GFT-190",
        .tag = "gift-card",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "상품권 등록 오류",
                .symptom =
                    {
                        "상품권 번호를 등록하면 유효하지 않다고 합니다.",
                        "선물받은 기프트카드가 GFT-190으로 거절됩니다.",
                        "핀번호를 긁었는데 숫자 일부가 지워졌어요.",
                        "모바일 상품권 잔액이 0원으로 나옵니다.",
                        "기프트 코드를 입력해도 충전이 안 되네요.",
                    },
                .cause =
                    {
                        "구매처에서 활성화 절차를 빠뜨린 카드였습니다.",
                        "숫자 0과 영문 O가 혼동되어 입력되었습니다.",
                        "이미 다른 계정에 등록된 번호였습니다.",
                        "유효기간 5년이 지나 소멸 예정 상태였습니다.",
                    },
                .fix =
                    {
                        "구매 영수증을 확인하고 카드를 활성화했습니다.",
                        "O 대신 숫자 0으로 다시 입력해 주세요.",
                        "등록된 계정 정보를 확인해 잔액을 옮겨 드렸습니다.",
                        "유효기간을 연장하고 잔액을 복구했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Gift card cannot be redeemed",
                .symptom =
                    {
                        "Registering the gift card number says not valid.",
                        "The gift card I was given is refused with GFT-190.",
                        "I scratched the PIN and some digits are gone.",
                        "My mobile voucher shows a balance of zero.",
                        "Entering the gift code adds no money.",
                    },
                .cause =
                    {
                        "The shop had skipped activating the card.",
                        "Zero and the letter O were mixed up.",
                        "The number had been registered by another account.",
                        "Its five years were over and it was about to lapse.",
                    },
                .fix =
                    {
                        "We saw the receipt and activated the card.",
                        "Type the digit zero instead of O.",
                        "We checked the account and moved the balance to you.",
                        "We extended the validity and restored the balance.",
                    },
            },
    },
    {
        .code = "PNT-075",
        .tag = "points",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "적립금 미지급",
                .symptom =
                    {
                        "구매 확정을 했는데 적립금이 들어오지 않았습니다.",
                        "리뷰를 썼는데 포인트가 그대로입니다.",
                        "PNT-075로 적립 보류라고 나와요.",
                        "이벤트 보상 마일리지를 못 받았습니다.",
                        "쌓여야 할 포인트가 계속 비어 있네요.",
                    },
                .cause =
                    {
                        "등급 변경일에 구매해 적립률이 0%로 계산되었습니다.",
                        "리뷰 검수 기간 3일이 아직 끝나지 않았습니다.",
                        "비회원으로 주문한 뒤 가입해 연결되지 않았습니다.",
                        "이벤트 참여 시간이 종료 후로 기록되었습니다.",
                    },
                .fix =
                    {
                        "누락된 적립금을 오늘 지급했습니다.",
                        "검수가 끝나면 자동 지급되며 알림이 갑니다.",
                        "주문번호를 회원 계정에 연결해 적립해 드렸습니다.",
                        "서버 기록을 확인해 이벤트 보상을 소급 지급했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Reward points missing",
                .symptom =
                    {
                        "I confirmed the purchase but got no reward points.",
                        "I wrote a review and the points are unchanged.",
                        "It says accrual on hold, PNT-075.",
                        "The mileage promised by the event never came.",
                        "Points that should have piled up remain absent.",
                    },
                .cause =
                    {
                        "Bought on the day the grade changed, the rate was computed as zero.",
                        "The three days of review checking are not over.",
                        "It was ordered as guest and joined later, so it was not linked.",
                        "The time of taking part was recorded after the end.",
                    },
                .fix =
                    {
                        "We gave the missing points today.",
                        "They come by themselves after the check, with a notice.",
                        "We linked the order number to the account and gave the points.",
                        "We looked at the server records and granted the reward afterwards.",
                    },
            },
    },
    {
        .code = "CRF-340",
        .tag = "cash-receipt",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "현금영수증 발급 누락",
                .symptom =
                    {
                        "현금영수증이 홈택스에 조회되지 않습니다.",
                        "계좌이체로 샀는데 소득공제용 영수증이 없어요.",
                        "CRF-340 때문에 지출증빙이 발급 안 됩니다.",
                        "휴대폰 번호를 잘못 넣어 현금영수증을 다시 받고 싶습니다.",
                        "연말정산에 넣을 영수증이 빠졌어요.",
                    },
                .cause =
                    {
                        "결제 단계에서 발급 신청을 선택하지 않았습니다.",
                        "사업자번호와 휴대폰 번호가 바뀌어 입력되었습니다.",
                        "국세청 반영은 발급 다음 날 오후에 이루어집니다.",
                        "부분취소 뒤 원본 영수증이 취소된 상태였습니다.",
                    },
                .fix =
                    {
                        "자진발급 건을 고객 번호로 전환했습니다.",
                        "잘못된 발급을 취소하고 올바른 번호로 재발급했습니다.",
                        "내일 오후에 홈택스에서 다시 조회해 주세요.",
                        "남은 금액으로 현금영수증을 새로 발급했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Cash receipt not issued",
                .symptom =
                    {
                        "The cash receipt is not found at Hometax.",
                        "I paid by transfer and have no receipt for the tax deduction.",
                        "CRF-340 keeps the expense proof from being issued.",
                        "I typed the wrong mobile number and need the cash receipt again.",
                        "A receipt for the year-end settlement is absent.",
                    },
                .cause =
                    {
                        "Issuing was not selected during payment.",
                        "Business number and mobile number were swapped.",
                        "The tax office shows it in the afternoon of the next day.",
                        "After a partial cancellation the original receipt was void.",
                    },
                .fix =
                    {
                        "We turned the self-issued receipt over to the customer's number.",
                        "We voided the wrong one and issued it with the right number.",
                        "Please look at Hometax again tomorrow afternoon.",
                        "We issued a new cash receipt over the remaining amount.",
                    },
            },
    },
};
