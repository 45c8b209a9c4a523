/*
 * Made-up problem families about paying: cards, invoices, payouts.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_payment[FAMILIES_PER_AREA] = {
    {
        .code = "PAY-402",
        .tag = "card-declined",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "카드 결제 승인 거절",
                .symptom =
                    {
                        "카드 결제를 하면 승인 거절로 주문이 취소됩니다.",
                        "NuriPay 결제창에서 PAY-402가 나오고 다음으로 넘어가지 않습니다.",
                        "한도가 남아 있는데도 신용카드가 거부되었다고 합니다.",
                        "고객 여러 명이 같은 카드사에서만 결제가 안 된다고 해요.",
                        "카드 번호를 다시 넣어도 승인이 나지 않네요.",
                    },
                .cause =
                    {
                        "카드사가 해외 가맹점 코드로 인식해 승인을 막았습니다.",
                        "3D Secure 인증값이 누락되어 발급사가 거절했습니다.",
                        "가맹점 업종 코드가 바뀌어 카드사 심사가 진행 중이었습니다.",
                        "카드사 점검 시간에 승인 요청이 몰려 거절 응답이 왔습니다.",
                    },
                .fix =
                    {
                        "NuriPay 설정에서 국내 승인 경로를 선택하고 다시 시도해 주세요.",
                        "3D Secure를 켜고 결제 모듈을 2.4 이상으로 올려 주세요.",
                        "카드사 심사가 끝날 때까지 계좌이체나 간편결제를 안내해 주세요.",
                        "점검이 끝났으니 같은 카드로 다시 결제하면 승인됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Card payment declined",
                .symptom =
                    {
                        "Paying by card ends in a decline and the order is cancelled.",
                        "The NuriPay window shows PAY-402 and will not continue.",
                        "The credit card is refused although there is enough limit.",
                        "Several customers of one issuer say that their card does not work.",
                        "Typing the card number again does not get it approved either.",
                    },
                .cause =
                    {
                        "The issuer took us for a foreign merchant and blocked the approval.",
                        "The 3D Secure value was missing and the issuing bank refused.",
                        "The merchant category code had changed and was under review at the "
                        "issuer.",
                        "Requests piled up in the issuer's maintenance window and were declined.",
                    },
                .fix =
                    {
                        "Choose the domestic route in the NuriPay settings and try again.",
                        "Switch on 3D Secure and update the payment module to 2.4 or later.",
                        "Offer bank transfer or wallets until the issuer's review has ended.",
                        "Maintenance is over; paying with the same card is approved now.",
                    },
            },
    },
    {
        .code = "PAY-409",
        .tag = "double-charge",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "이중 결제",
                .symptom =
                    {
                        "같은 주문에 결제가 두 번 되었습니다.",
                        "카드 명세서에 동일 금액이 2건 청구돼 있습니다.",
                        "결제 버튼이 느려서 한 번 더 눌렀더니 중복 승인됐어요.",
                        "PAY-409 경고 후 금액이 두 차례 빠져나갔습니다.",
                        "한 번 샀는데 돈이 두 배로 나갔습니다.",
                    },
                .cause =
                    {
                        "네트워크 지연 중 결제 버튼이 두 번 눌려 승인 요청이 따로 처리되었습니다.",
                        "멱등 키가 없는 옛 결제 스크립트가 재시도하면서 중복 승인되었습니다.",
                        "첫 승인의 응답이 늦어 실패로 보고 다시 요청했습니다.",
                        "가승인과 본승인이 명세서에 함께 표시된 상태였습니다.",
                    },
                .fix =
                    {
                        "중복 승인 건을 취소했으며 카드사에 따라 3~5영업일 안에 환입됩니다.",
                        "결제 스크립트에 Idempotency-Key를 넣어 재시도해도 한 번만 승인되게 해 "
                        "주세요.",
                        "가승인은 자동으로 사라지므로 이틀 뒤 명세서를 다시 확인해 주세요.",
                        "관리자 > 거래 내역에서 중복 건을 골라 전체 취소를 눌러 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Charged twice",
                .symptom =
                    {
                        "The same order was charged two times.",
                        "My statement lists two identical amounts.",
                        "The pay button was slow, I pressed it once more and was billed double.",
                        "After a PAY-409 warning the money left the account twice.",
                        "I bought once and paid double.",
                    },
                .cause =
                    {
                        "The pay button was pressed twice in a slow network and both requests "
                        "were processed.",
                        "An old payment script without an idempotency key retried and was "
                        "approved again.",
                        "The first approval answered late, was taken for a failure and requested "
                        "anew.",
                        "The statement showed the pre-authorisation and the capture together.",
                    },
                .fix =
                    {
                        "We cancelled the duplicate; the money returns in 3 to 5 business days.",
                        "Add an Idempotency-Key to the payment script so that a retry is approved "
                        "only once.",
                        "The pre-authorisation disappears by itself; please look at the statement "
                        "in two days.",
                        "Pick the duplicate in Admin > Transactions and press cancel in full.",
                    },
            },
    },
    {
        .code = "TAX-210",
        .tag = "tax-invoice",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "세금계산서 발행 오류",
                .symptom =
                    {
                        "전자세금계산서 발행이 실패했다고 나옵니다.",
                        "이번 달 계산서를 받지 못했고 TAX-210 상태로 멈춰 있습니다.",
                        "국세청 전송이 되지 않아 매입 처리를 못 하고 있습니다.",
                        "사업자 정보를 바꾼 뒤로 세금계산서가 반려됩니다.",
                        "계산서가 홈택스에 안 보여요.",
                    },
                .cause =
                    {
                        "등록된 공동인증서가 만료되어 국세청 전송이 거부되었습니다.",
                        "사업자등록번호와 상호가 국세청 자료와 일치하지 않았습니다.",
                        "담당자 이메일이 비어 있어 발행 단계에서 중단되었습니다.",
                        "월 마감 이후에 발행해 작성일자가 허용 범위를 벗어났습니다.",
                    },
                .fix =
                    {
                        "정산 > 인증서에서 새 공동인증서를 등록하고 재전송을 눌러 주세요.",
                        "사업자등록증과 같은 상호로 고친 뒤 수정 발행해 주세요.",
                        "담당자 이메일을 입력하면 대기 중인 계산서가 자동 발행됩니다.",
                        "작성일자를 이번 달로 바꾸어 다시 발행해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Tax invoice cannot be issued",
                .symptom =
                    {
                        "Issuing the electronic tax invoice fails.",
                        "This month's invoice is missing and stuck in TAX-210.",
                        "Nothing is sent to the tax office, so we cannot book the purchase.",
                        "Since we changed the company data the tax invoice is returned.",
                        "The invoice is not visible at Hometax.",
                    },
                .cause =
                    {
                        "The registered certificate had expired and the tax office refused the "
                        "transfer.",
                        "Business number and company name did not match the tax office's data.",
                        "The contact email was empty and issuing stopped there.",
                        "It was issued after the monthly closing, outside the allowed date.",
                    },
                .fix =
                    {
                        "Register the new certificate under Settlement > Certificate and press "
                        "resend.",
                        "Write the company name as on the registration and issue a corrected "
                        "invoice.",
                        "Enter a contact email and the waiting invoices are issued by themselves.",
                        "Set the date to this month and issue it again.",
                    },
            },
    },
    {
        .code = "SUB-118",
        .tag = "subscription",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "정기결제 실패로 구독 정지",
                .symptom =
                    {
                        "구독이 결제 실패로 중지되었습니다.",
                        "매달 자동으로 되던 정기결제가 이번에는 처리되지 않았습니다.",
                        "SUB-118 메일을 받고 서비스가 읽기 전용으로 바뀌었습니다.",
                        "카드를 새로 등록했는데도 요금제가 정지 상태입니다.",
                        "자동이체가 끊겨서 이용이 막혔어요.",
                    },
                .cause =
                    {
                        "등록된 카드의 유효기간이 지나 빌링키가 무효가 되었습니다.",
                        "카드 재발급으로 기존 정기결제 키를 쓸 수 없게 되었습니다.",
                        "잔액 부족으로 세 번 재시도한 뒤 구독이 멈췄습니다.",
                        "새 카드를 추가했지만 기본 결제 수단으로 지정되지 않았습니다.",
                    },
                .fix =
                    {
                        "결제 수단에서 새 카드를 기본으로 지정하고 지금 결제를 눌러 주세요.",
                        "카드를 다시 등록하면 미납분이 결제되고 바로 재개됩니다.",
                        "청구서 링크로 미납 요금을 납부하면 구독이 자동으로 살아납니다.",
                        "빌링키를 새로 발급했으니 다음 결제일부터 정상 처리됩니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Recurring payment failed, subscription paused",
                .symptom =
                    {
                        "Our subscription stopped because a payment failed.",
                        "The monthly automatic charge did not go through this time.",
                        "We got mail SUB-118 and the service became read-only.",
                        "I registered a new card and the plan is still suspended.",
                        "The direct debit broke and we are locked out.",
                    },
                .cause =
                    {
                        "The stored card had run out and the billing key became void.",
                        "A reissued card made the old recurring key unusable.",
                        "After three retries without funds the subscription was paused.",
                        "The new card was added but not set as the default.",
                    },
                .fix =
                    {
                        "Make the new card the default in Payment methods and press pay now.",
                        "Register the card again; the open amount is charged and service resumes.",
                        "Pay the open invoice by its link and the subscription comes back by "
                        "itself.",
                        "We issued a new billing key; the next due date is processed normally.",
                    },
            },
    },
    {
        .code = "CPN-603",
        .tag = "coupon",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "쿠폰 할인이 적용되지 않음",
                .symptom =
                    {
                        "쿠폰을 넣었는데 할인이 적용되지 않습니다.",
                        "장바구니에서 CPN-603이 나오며 할인 코드를 쓸 수 없다고 합니다.",
                        "신규 가입 10% 쿠폰이 결제 단계에서 사라집니다.",
                        "행사 쿠폰을 여러 고객이 사용하지 못하고 있습니다.",
                        "프로모션 코드를 입력해도 금액이 그대로예요.",
                    },
                .cause =
                    {
                        "최소 주문 금액이 배송비를 뺀 금액으로 계산되고 있었습니다.",
                        "행사 제외 상품이 장바구니에 함께 들어 있었습니다.",
                        "쿠폰의 적용 통화가 KRW가 아닌 USD로 저장돼 있었습니다.",
                        "한 아이디당 사용 횟수가 이미 채워진 상태였습니다.",
                    },
                .fix =
                    {
                        "쿠폰 조건에서 최소 금액 기준을 총액으로 바꾸고 저장해 주세요.",
                        "제외 상품을 따로 주문하면 할인이 들어갑니다.",
                        "쿠폰 통화를 KRW로 고쳐 다시 발급해 주세요.",
                        "사용 횟수 제한을 2회로 늘리고 고객에게 재발급해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Coupon discount is not applied",
                .symptom =
                    {
                        "I entered the coupon but the discount is missing.",
                        "The cart says CPN-603 and refuses the discount code.",
                        "The ten percent welcome coupon vanishes at checkout.",
                        "Many customers are unable to use the campaign coupon.",
                        "Putting in the promo code leaves the price as it was.",
                    },
                .cause =
                    {
                        "The minimum order was computed without the shipping fee.",
                        "An item excluded from the campaign was in the same cart.",
                        "The coupon's currency had been saved as USD, not KRW.",
                        "The number of uses for this id was already reached.",
                    },
                .fix =
                    {
                        "Change the minimum in the coupon rules to the grand total and save.",
                        "Order the excluded item separately and the discount is given.",
                        "Correct the coupon's currency to KRW and issue it again.",
                        "Raise the limit to two uses and reissue it to the customer.",
                    },
            },
    },
    {
        .code = "VBK-055",
        .tag = "virtual-account",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "가상계좌 입금 미확인",
                .symptom =
                    {
                        "가상계좌로 송금했는데 주문이 입금 대기로 남아 있습니다.",
                        "무통장 입금을 마쳤지만 VBK-055로 확인이 안 됩니다.",
                        "어제 이체한 돈이 주문에 반영되지 않았어요.",
                        "은행에는 출금됐는데 쇼핑몰은 미입금이라고 합니다.",
                        "계좌로 보낸 금액이 주문 상태에 안 잡혀요.",
                    },
                .cause =
                    {
                        "입금자 금액이 주문 금액보다 500원 적어 자동 매칭되지 않았습니다.",
                        "입금 통보 주소가 방화벽에 막혀 은행 알림을 받지 못했습니다.",
                        "가상계좌의 입금 기한이 지난 뒤에 송금되었습니다.",
                        "은행 점검 시간에 입금되어 통보가 늦어졌습니다.",
                    },
                .fix =
                    {
                        "관리자 > 입금 관리에서 수동 매칭을 눌러 주문과 연결해 주세요.",
                        "통보 서버 IP를 방화벽에 허용하고 재통보를 요청해 주세요.",
                        "기한이 지난 건은 환불 후 새 계좌로 다시 입금해 주세요.",
                        "은행 점검이 끝나 재통보를 실행했으니 주문 상태를 확인해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Virtual account deposit not recognised",
                .symptom =
                    {
                        "I transferred to the virtual account and the order still waits for the "
                        "deposit.",
                        "The bank deposit is done but VBK-055 says not confirmed.",
                        "Money I wired yesterday is not shown on the order.",
                        "My bank has taken the money and the shop says unpaid.",
                        "The amount sent to the account is not picked up by the order.",
                    },
                .cause =
                    {
                        "The amount was 500 won short, so it was not matched automatically.",
                        "A firewall blocked the notification address and the bank's notice was "
                        "lost.",
                        "The transfer came after the virtual account had expired.",
                        "It was paid during bank maintenance and the notice was late.",
                    },
                .fix =
                    {
                        "Press manual match in Admin > Deposits to connect it with the order.",
                        "Allow the notifying server's IP in the firewall and ask for the notice "
                        "again.",
                        "Late transfers are refunded; please pay into the new account.",
                        "The bank is back and we sent the notice again; please look at the order "
                        "state.",
                    },
            },
    },
    {
        .code = "FXC-301",
        .tag = "currency",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "해외 결제 환율 차이",
                .symptom =
                    {
                        "달러로 결제했는데 청구 금액이 화면과 다릅니다.",
                        "해외 카드 고객에게 환율이 더 높게 적용되었습니다.",
                        "주문서의 USD 금액과 정산 내역이 맞지 않고 FXC-301이 표시됩니다.",
                        "원화로 표시된 가격이 외화 결제에서 달라져요.",
                        "외국 고객이 본 금액보다 더 많이 빠져나갔대요.",
                    },
                .cause =
                    {
                        "카드사가 자국 통화 결제(DCC)로 한 번 더 환전했습니다.",
                        "환율표가 전날 기준으로 남아 있어 차이가 생겼습니다.",
                        "해외 이용 수수료 1.2%가 별도로 붙었습니다.",
                        "소수점 반올림 기준이 통화마다 달랐습니다.",
                    },
                .fix =
                    {
                        "결제창에서 DCC를 끄고 현지 통화로 청구되게 해 주세요.",
                        "환율 갱신 주기를 1시간으로 바꾸면 차이가 줄어듭니다.",
                        "해외 수수료 안내 문구를 주문서에 표시해 주세요.",
                        "통화별 반올림 규칙을 정산 설정에서 통일해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Exchange rate differs on foreign payment",
                .symptom =
                    {
                        "I paid in dollars and was charged another amount than shown.",
                        "A higher exchange rate was used for foreign cards.",
                        "The USD amount of the order and the settlement differ, flagged FXC-301.",
                        "The price in won changes when paid in foreign money.",
                        "A customer abroad lost more than the amount on the page.",
                    },
                .cause =
                    {
                        "The card company converted once more (DCC).",
                        "The rate table was from the day before.",
                        "A foreign use fee of 1.2 percent was added.",
                        "Rounding differed from currency to currency.",
                    },
                .fix =
                    {
                        "Switch off DCC in the payment window and bill in local money.",
                        "Refresh the rates hourly and the difference shrinks.",
                        "Show the foreign fee note on the order form.",
                        "Unify the rounding rule per currency in the settlement settings.",
                    },
            },
    },
    {
        .code = "STL-808",
        .tag = "settlement",
        .product = "NuriPay",
        .tell[LANG_KO] =
            {
                .title = "정산금 지급 지연",
                .symptom =
                    {
                        "이번 주 정산금이 입금되지 않았습니다.",
                        "판매 대금 지급일이 지났는데 STL-808 보류 상태입니다.",
                        "매출은 있는데 정산 예정 금액이 0원으로 보입니다.",
                        "지난 회차 정산이 아직도 처리 중이라고 나옵니다.",
                        "판매자 통장에 돈이 안 들어와요.",
                    },
                .cause =
                    {
                        "정산 계좌의 예금주명이 사업자명과 달라 지급이 보류되었습니다.",
                        "대량 취소 때문에 위험 심사가 자동으로 걸렸습니다.",
                        "공휴일이 끼어 지급일이 다음 영업일로 밀렸습니다.",
                        "계좌 변경 후 1원 인증을 마치지 않았습니다.",
                    },
                .fix =
                    {
                        "정산 계좌에 예금주 증빙을 올리면 다음 날 지급됩니다.",
                        "위험 심사를 해제했으며 오늘 오후에 일괄 송금됩니다.",
                        "정산 달력에서 실제 지급일을 확인해 주세요.",
                        "1원 인증을 마치고 지급 재요청을 눌러 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Payout is late",
                .symptom =
                    {
                        "This week's payout has not arrived.",
                        "The payout date is over and it stays on hold with STL-808.",
                        "We have sales but the expected settlement shows zero.",
                        "The last settlement round is still being processed.",
                        "No money comes into the seller's account.",
                    },
                .cause =
                    {
                        "The account holder differed from the company name, so the payout was "
                        "held.",
                        "A wave of cancellations triggered the automatic risk review.",
                        "A public holiday moved the payout to the next business day.",
                        "The one-won check was not finished after the account was changed.",
                    },
                .fix =
                    {
                        "Upload proof of the account holder and it is paid the next day.",
                        "We lifted the risk review; the transfer goes out this afternoon.",
                        "Please see the real payout date in the settlement calendar.",
                        "Finish the one-won check and press request payout again.",
                    },
            },
    },
};
