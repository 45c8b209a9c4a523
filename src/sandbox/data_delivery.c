/*
 * Made-up problem families about delivery and stock.
 *
 * Texts only; family.h says what each field is for. The first four symptoms are told by listed
 * tickets, the fifth by held-back ones. Names of products and companies in them are inventions
 * or stand for the real service that such a problem is about.
 */
#include "sandbox/family.h"

const struct family family_delivery[FAMILIES_PER_AREA] = {
    {
        .code = "SHP-101",
        .tag = "late-delivery",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "배송 지연",
                .symptom =
                    {
                        "주문한 지 일주일이 지났는데 물건이 오지 않습니다.",
                        "배송 예정일이 지났지만 아직도 상품 준비 중이라고 나옵니다.",
                        "새벽배송을 선택했는데 사흘째 소식이 없어요.",
                        "SHP-101 알림만 오고 도착이 계속 미뤄집니다.",
                        "택배가 언제 올지 몰라 기다리기만 하고 있어요.",
                    },
                .cause =
                    {
                        "물류센터 재고가 실제보다 많게 잡혀 출고가 늦어졌습니다.",
                        "폭설로 해당 권역의 간선 차량이 멈췄습니다.",
                        "주문이 몰려 피킹 대기열이 이틀 밀렸습니다.",
                        "합포장 대상 상품 하나가 품절되어 묶음 전체가 대기했습니다.",
                    },
                .fix =
                    {
                        "품절 상품을 분리해 나머지를 오늘 먼저 출고하겠습니다.",
                        "다른 센터 재고로 바꾸어 내일 도착하도록 처리했습니다.",
                        "지연 보상 쿠폰을 지급했고 새 도착일을 문자로 보내 드렸습니다.",
                        "주문 상세에서 부분 출고를 선택하면 준비된 상품부터 받을 수 있습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Delivery is late",
                .symptom =
                    {
                        "A week after the order nothing has arrived.",
                        "The promised day has passed and it still says preparing.",
                        "I chose dawn delivery and have heard nothing for three days.",
                        "Only SHP-101 notices come and the arrival is put off again and again.",
                        "I keep waiting without knowing when the parcel comes.",
                    },
                .cause =
                    {
                        "The warehouse stock was counted too high and shipping slipped.",
                        "Heavy snow stopped the line-haul trucks of the region.",
                        "A rush of orders put picking two days behind.",
                        "One item of a combined parcel was sold out and held the rest.",
                    },
                .fix =
                    {
                        "We split off the sold-out item and ship the rest today.",
                        "We moved it to another centre's stock; it arrives tomorrow.",
                        "A compensation coupon was given and the new date sent by text message.",
                        "Choose partial shipping in the order details to get the ready items "
                        "first.",
                    },
            },
    },
    {
        .code = "TRK-404",
        .tag = "tracking",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "송장 조회 불가",
                .symptom =
                    {
                        "송장번호를 조회하면 등록되지 않은 번호라고 나옵니다.",
                        "배송 추적 화면이 TRK-404로 비어 있습니다.",
                        "택배사 사이트에서 운송장이 검색되지 않아요.",
                        "발송 완료 문자를 받았는데 추적이 안 됩니다.",
                        "운송장 번호가 먹히지 않아 위치를 알 수 없어요.",
                    },
                .cause =
                    {
                        "송장만 먼저 출력되고 실제 집하는 다음 날 이루어졌습니다.",
                        "택배사 코드가 다른 회사로 잘못 저장되었습니다.",
                        "송장 업로드 파일에서 앞자리 0이 사라졌습니다.",
                        "택배사 연동 서버의 지연으로 집하 정보가 늦게 들어왔습니다.",
                    },
                .fix =
                    {
                        "집하가 끝나는 저녁 9시 이후에 다시 조회해 주세요.",
                        "주문 관리에서 택배사를 올바르게 고치고 저장해 주세요.",
                        "엑셀의 송장 열을 텍스트 형식으로 바꿔 다시 올려 주세요.",
                        "연동을 재동기화했으니 추적 화면을 새로고침해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Tracking number not found",
                .symptom =
                    {
                        "Looking up the tracking number says it is not registered.",
                        "The tracking page is empty with TRK-404.",
                        "The carrier's site does not know the waybill.",
                        "I got the shipped message but cannot follow it.",
                        "The waybill number does not work, so I cannot see where it is.",
                    },
                .cause =
                    {
                        "The label was printed first and pick-up happened only the next day.",
                        "The carrier code had been saved as another company.",
                        "The upload file lost the leading zeros of the waybill.",
                        "The carrier's interface was slow and pick-up data came late.",
                    },
                .fix =
                    {
                        "Look again after pick-up ends at nine in the evening.",
                        "Choose the right carrier in order management and save.",
                        "Set the waybill column to text in Excel and upload again.",
                        "We synchronised the interface; please reload the tracking page.",
                    },
            },
    },
    {
        .code = "ADR-220",
        .tag = "address",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "배송지 변경 요청",
                .symptom =
                    {
                        "주문 후 이사를 해서 배송지를 바꾸고 싶습니다.",
                        "주소를 잘못 적었는데 수정 버튼이 보이지 않아요.",
                        "ADR-220 때문에 받는 곳을 고칠 수 없다고 합니다.",
                        "상세 주소를 빠뜨렸는데 출고 전에 고쳐 주세요.",
                        "수령지를 회사로 변경해 주실 수 있나요?",
                    },
                .cause =
                    {
                        "주문이 출고 지시 단계로 넘어가 주소가 잠겼습니다.",
                        "도서산간 요금이 달라 자동 변경이 막혀 있었습니다.",
                        "우편번호와 도로명 주소가 서로 맞지 않았습니다.",
                        "선물하기 주문은 받는 사람만 주소를 바꿀 수 있습니다.",
                    },
                .fix =
                    {
                        "출고 지시를 되돌리고 새 주소로 저장했습니다.",
                        "택배사 앱에서 배송지 변경 신청을 하면 중간에 바꿀 수 있습니다.",
                        "우편번호를 다시 검색해 도로명 주소를 고르면 저장됩니다.",
                        "선물 메시지 링크에서 받는 분이 직접 주소를 입력해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Change the delivery address",
                .symptom =
                    {
                        "I moved after ordering and would like another delivery address.",
                        "I typed the wrong address and see no edit button.",
                        "ADR-220 says that the recipient's place cannot be edited.",
                        "I left out the flat number, please correct it before shipping.",
                        "Could you send it to my office instead?",
                    },
                .cause =
                    {
                        "The order was already released for shipping and the address locked.",
                        "The island surcharge differs and blocked the automatic change.",
                        "Post code and street did not belong together.",
                        "For gift orders only the recipient may change the address.",
                    },
                .fix =
                    {
                        "We took the release back and saved the new address.",
                        "Request the change in the carrier's app while it is on the way.",
                        "Search the post code again, pick the street and it can be saved.",
                        "The recipient enters the address through the link of the gift message.",
                    },
            },
    },
    {
        .code = "DMG-310",
        .tag = "damaged",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "파손된 상품 도착",
                .symptom =
                    {
                        "상자를 열어 보니 제품이 깨져 있었습니다.",
                        "유리컵 세트가 금이 간 채로 배송되었습니다.",
                        "포장이 찢어지고 내용물이 새어 나왔어요.",
                        "DMG-310으로 파손 접수를 했는데 답이 없습니다.",
                        "받자마자 보니 모서리가 찌그러져 있네요.",
                    },
                .cause =
                    {
                        "완충재 없이 얇은 봉투로 포장되었습니다.",
                        "상차 과정에서 무거운 화물 아래에 놓여 눌렸습니다.",
                        "파손 주의 스티커가 빠져 자동 분류기에 들어갔습니다.",
                        "유리 제품 포장 규격이 지켜지지 않았습니다.",
                    },
                .fix =
                    {
                        "사진을 확인했으며 새 상품을 무료로 다시 보내 드립니다.",
                        "회수 기사가 방문하니 상자와 함께 문 앞에 두세요.",
                        "전액 환불과 교환 중 원하는 처리를 회신해 주세요.",
                        "포장재를 이중 골판지로 바꾸어 재발송했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Item arrived damaged",
                .symptom =
                    {
                        "When I opened the box the product was broken.",
                        "The set of glasses came with cracks.",
                        "The wrapping was torn and the content leaked.",
                        "I reported the breakage as DMG-310 and got no answer.",
                        "Its corner was dented right on arrival.",
                    },
                .cause =
                    {
                        "It was packed in a thin bag without padding.",
                        "It was crushed below heavy freight while loading.",
                        "The fragile sticker was missing and it went through the sorter.",
                        "The packing rule for glassware was not kept.",
                    },
                .fix =
                    {
                        "We saw the photos and send a new item free of charge.",
                        "A driver collects it; leave it in its box at your door.",
                        "Tell us whether you prefer a full refund or an exchange.",
                        "We shipped again in double-wall cardboard.",
                    },
            },
    },
    {
        .code = "WRG-145",
        .tag = "wrong-item",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "다른 상품이 배송됨",
                .symptom =
                    {
                        "주문한 것과 다른 색상이 왔습니다.",
                        "검정 L 사이즈를 샀는데 흰색 M이 들어 있어요.",
                        "상자 안에 전혀 다른 물건이 있었습니다.",
                        "오배송인 것 같은데 WRG-145 접수가 안 됩니다.",
                        "옵션이 엉뚱한 제품으로 도착했어요.",
                    },
                .cause =
                    {
                        "바코드가 비슷한 옵션 두 개의 선반이 서로 바뀌어 있었습니다.",
                        "옵션 코드 매핑이 어긋나 다른 SKU로 출고되었습니다.",
                        "두 고객의 송장이 뒤바뀌어 부착되었습니다.",
                        "상품명 변경 뒤 물류 시스템에 옛 코드가 남아 있었습니다.",
                    },
                .fix =
                    {
                        "맞는 상품을 오늘 출고했고 잘못 온 물건은 무료로 회수합니다.",
                        "옵션 매핑표를 바로잡고 같은 SKU의 출고를 다시 검수했습니다.",
                        "교환 신청을 눌러 주시면 배송비 없이 처리됩니다.",
                        "물류 시스템의 상품 코드를 다시 동기화했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Wrong item delivered",
                .symptom =
                    {
                        "The colour differs from what I ordered.",
                        "I bought black L and found white M in the box.",
                        "There was a completely different thing inside.",
                        "It seems misdelivered but WRG-145 cannot be filed.",
                        "A product with an unrelated option has arrived.",
                    },
                .cause =
                    {
                        "Two options with similar barcodes had swapped shelves.",
                        "The option mapping was off and another SKU was shipped.",
                        "The labels of two customers were exchanged.",
                        "After a rename the warehouse still held the old code.",
                    },
                .fix =
                    {
                        "The right item left today and we collect the wrong one for free.",
                        "We corrected the mapping and checked the shipments of that SKU again.",
                        "Press exchange; there is no shipping fee.",
                        "We synchronised the product codes of the warehouse system again.",
                    },
            },
    },
    {
        .code = "CUS-700",
        .tag = "customs",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "해외 배송 통관 보류",
                .symptom =
                    {
                        "해외직구 상품이 통관 보류 상태로 멈췄습니다.",
                        "세관에서 개인통관고유부호 오류라고 연락이 왔습니다.",
                        "CUS-700으로 일주일째 인천공항에 묶여 있어요.",
                        "미국으로 보낸 소포가 세관을 통과하지 못하고 있습니다.",
                        "관세청 단계에서 더 진행되지 않네요.",
                    },
                .cause =
                    {
                        "개인통관고유부호의 이름과 주문자 이름이 달랐습니다.",
                        "HS 코드가 비어 있어 세관이 서류를 요구했습니다.",
                        "합산 과세 대상이라 관세 납부를 기다리는 중이었습니다.",
                        "성분표가 필요한 식품인데 첨부되지 않았습니다.",
                    },
                .fix =
                    {
                        "통관부호의 이름을 수취인과 똑같이 고쳐 다시 제출해 주세요.",
                        "상품 정보에 HS 코드를 넣고 송장을 재전송했습니다.",
                        "관세 납부 링크를 보내 드렸으니 납부하면 바로 반출됩니다.",
                        "영문 성분표를 세관 담당자에게 제출했습니다.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Held at customs",
                .symptom =
                    {
                        "My order from abroad is held at customs.",
                        "Customs called about a wrong personal clearance code.",
                        "It has been stuck at Incheon with CUS-700 for a week.",
                        "A parcel to the US does not get through customs.",
                        "It does not move past the customs office stage.",
                    },
                .cause =
                    {
                        "The name of the clearance code differed from the buyer's.",
                        "The HS code was empty and customs asked for papers.",
                        "It was taxed together with others and waited for the duty.",
                        "A food item needed its ingredient list, which was not attached.",
                    },
                .fix =
                    {
                        "Make the clearance name equal to the recipient and submit again.",
                        "We added the HS code to the product and resent the invoice.",
                        "We sent the duty payment link; it is released once paid.",
                        "The English ingredient list was handed to the customs officer.",
                    },
            },
    },
    {
        .code = "PCK-512",
        .tag = "pickup-store",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "매장 픽업 준비 안 됨",
                .symptom =
                    {
                        "픽업 예약을 하고 매장에 갔는데 상품이 없다고 합니다.",
                        "스마트 픽업 주문이 준비 완료로 안 바뀌어요.",
                        "PCK-512가 뜨고 교환 바코드가 나오지 않습니다.",
                        "매장 직원이 픽업 주문을 조회하지 못합니다.",
                        "찾으러 갔다가 빈손으로 돌아왔어요.",
                    },
                .cause =
                    {
                        "매장 POS와 온라인 재고가 30분 간격으로만 맞춰지고 있었습니다.",
                        "픽업 단말기의 앱 버전이 낮아 주문을 받지 못했습니다.",
                        "매장 코드가 폐점 지점으로 연결돼 있었습니다.",
                        "점포 마감 후 예약되어 다음 날로 이월되었습니다.",
                    },
                .fix =
                    {
                        "POS 재고 연동을 실시간으로 바꾸고 상품을 따로 보관했습니다.",
                        "매장 단말기의 앱을 최신으로 올리고 주문을 다시 받아 주세요.",
                        "지점 매핑을 고쳤으니 바코드를 새로 발급받아 주세요.",
                        "준비 완료 문자를 받은 뒤 방문해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Store pick-up not ready",
                .symptom =
                    {
                        "I booked pick-up, went to the store and they had nothing.",
                        "The smart pick-up order does not turn to ready.",
                        "PCK-512 shows and no exchange barcode appears.",
                        "The clerk cannot find the pick-up order.",
                        "I went to collect it and came home empty-handed.",
                    },
                .cause =
                    {
                        "Store POS and online stock were only matched every 30 minutes.",
                        "The pick-up terminal's app was too old to receive orders.",
                        "The store code was linked to a closed branch.",
                        "It was booked after closing time and moved to the next day.",
                    },
                .fix =
                    {
                        "We made the POS stock sync real-time and set the item aside.",
                        "Update the store terminal's app and fetch the order again.",
                        "The branch mapping is corrected; please get a new barcode.",
                        "Please come after the ready message.",
                    },
            },
    },
    {
        .code = "STK-630",
        .tag = "stock",
        .product = "NuriShop",
        .tell[LANG_KO] =
            {
                .title = "재고 수량 불일치",
                .symptom =
                    {
                        "재고가 남아 있는데 품절로 표시됩니다.",
                        "실물은 0개인데 화면에는 15개가 있다고 나와요.",
                        "여러 쇼핑몰에 팔다 보니 수량이 안 맞고 STK-630이 납니다.",
                        "주문이 들어온 뒤에야 재고 없음을 알았습니다.",
                        "온라인 수량과 창고 수량이 따로 놀아요.",
                    },
                .cause =
                    {
                        "취소 주문의 재고 복원이 꺼져 있었습니다.",
                        "다른 채널의 주문이 15분 늦게 차감되었습니다.",
                        "세트 상품의 구성품 차감 비율이 잘못 설정돼 있었습니다.",
                        "엑셀 업로드가 예약 재고까지 덮어썼습니다.",
                    },
                .fix =
                    {
                        "취소 시 재고 복원 옵션을 켜고 수량을 다시 세어 맞춰 주세요.",
                        "채널 연동 주기를 1분으로 줄이고 안전 재고를 3개로 두세요.",
                        "세트 구성 비율을 고친 뒤 재계산을 눌러 주세요.",
                        "업로드할 때 가용 재고만 갱신을 선택해 주세요.",
                    },
            },
        .tell[LANG_EN] =
            {
                .title = "Stock count mismatch",
                .symptom =
                    {
                        "It says sold out although stock is left.",
                        "There are none on the shelf and the screen says 15.",
                        "Selling in several malls, the count is off and STK-630 shows.",
                        "We learned only after the order that nothing is in stock.",
                        "Online quantity and warehouse quantity live separate lives.",
                    },
                .cause =
                    {
                        "Restocking of cancelled orders was switched off.",
                        "Orders of another channel were deducted 15 minutes late.",
                        "The deduction ratio of the bundle's parts was wrong.",
                        "The Excel upload had overwritten reserved stock too.",
                    },
                .fix =
                    {
                        "Turn on restock when cancelled and count again.",
                        "Sync the channels each minute and keep a safety stock of three.",
                        "Correct the bundle ratio and press recalculate.",
                        "Choose update available stock only when uploading.",
                    },
            },
    },
};
