"""tests/unit/chats/book.py FILE QUESTIONS CHATS FAILED [--plain]: opens a report with openpyxl and recounts it.

Ends with 0 when the workbook holds what it should, 1 with a message when not, 77 without openpyxl.
--plain: not the made-up questions of test_book.c.
"""
import sys

try:
    import openpyxl
except ImportError:
    sys.exit(77)

OLD = {'채팅키워드분류': ['질문내용', '키워드', '카테고리', '질문횟수', '생성일시'],
       '카테고리별통계': ['카테고리', '레코드수', '총질문횟수', '고유키워드수'],
       '일별통계': ['날짜', '레코드수', '고유질문수', '총질문횟수', '고유키워드수'],
       '상위키워드': ['키워드', '레코드수', '총질문횟수'],
       '상위질문': ['질문내용', '질문횟수', '관련키워드'],
       '요약정보': ['항목', '값']}


def rows(book, name):
    """Rows of a sheet and its continuations, without their heads."""
    for sheet in book.sheetnames:
        if sheet == name or (sheet.startswith(name + ' ') and sheet[len(name) + 1:].isdigit()):
            yield from list(book[sheet].iter_rows(values_only=True))[1:]


def main(path, questions, chats, failed, made_up=True):
    book = openpyxl.load_workbook(path)
    for name, columns in OLD.items():
        assert name in book.sheetnames, name
        assert [c.value for c in book[name][1]] == columns, (name, [c.value for c in book[name][1]])
        assert book[name].freeze_panes == 'A2', name
    cover = {row[0]: row[1:4] for row in book['표지'].iter_rows(values_only=True) if row[0]}
    assert cover['접수 (In)'][:2] == (questions, chats), cover['접수 (In)']
    assert all(cover['접수 (In)'][i] == cover['분류 완료'][i] + cover['분류 실패'][i] for i in (0, 1))
    assert cover['검산'][2].startswith('=IF('), cover['검산']
    details = list(rows(book, '상세'))
    assert len(details) == questions, len(details)
    assert sum(r[5] for r in details) == chats
    assert sum(r[2] == '실패' for r in details) == failed
    assert all(r[8] for r in details if r[2] == '실패'), 'a failed one without a reason'
    old = list(rows(book, '채팅키워드분류'))
    assert len(old) == questions - failed, len(old)
    assert dict(rows(book, '요약정보'))['총 질문 횟수'] == chats
    for name in ('일별통계', '카테고리별통계'):
        assert sum(r[1] for r in rows(book, name)) == len(old), name
    assert book['상세'].auto_filter.ref, 'no filter'
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != 'f' or sheet.title == '표지', (sheet.title, cell.coordinate)
    if made_up and questions > 5:
        texts = [r[1] for r in details[:6]]
        assert texts[0].startswith('=1+1') and texts[1].startswith('+82') and texts[2].startswith('-5')
        assert texts[3].startswith('@'), texts
        assert '\ufffd' in texts[4] and '_x005F_x0041_' in texts[4] and '<b>&amp;</b>' in texts[4], texts[4]
        assert texts[5] == '줄\n바꿈이 있는 질문 😀', texts[5]
        assert len(book['표지']._charts) == 2, 'the cover has no charts'


main(sys.argv[1], *map(int, sys.argv[2:5]), '--plain' not in sys.argv)
