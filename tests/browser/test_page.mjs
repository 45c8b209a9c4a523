/*
 * tests/browser/test_page.mjs: the page in a real browser against scripted answers: sections that fill one
 * after the other, faults, half streams, hostile text, keyboard, languages, narrow windows. R1-R3, R5.
 * The same page against the real server: test_real.mjs.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { open, sees, state, textOf } from './browser.mjs';
import {
    ANSWER,
    EVENTS,
    REPLY,
    SOLUTION_TEXT,
    startMock,
    SUMMARY,
    TICKETS,
    wholeRun,
} from './mock.mjs';

let mock;
const fresh = {};
before(async () => {
    mock = await startMock();
    Object.assign(fresh, mock, { requests: undefined });
});
after(() => mock.close());
afterEach(() => {
    mock.requests.length = 0;
    for (const name of ['tickets', 'sandbox', 'assist', 'query', 'reply']) mock[name] = fresh[name];
});

const last = () => mock.requests.at(-1);

/* A script that hands its stream to the test. */
function held(name) {
    let give;
    const stream = new Promise((resolve) => {
        give = resolve;
    });
    mock[name] = (s) => give(s);
    return stream;
}

test('page: a ticket is picked and its sections fill live, each as it comes', async () => {
    const waiting = held('assist');
    const page = await open(mock.url);
    await page.click('#tickets li[data-id="1"]');
    const stream = await waiting;
    stream.send(EVENTS.meta);
    stream.send(EVENTS.ticket);
    await sees(page, '#ticket h1', TICKETS[0].subject);
    await sees(page, '.inquiry', '카드 승인 문자');
    assert.equal(await page.locator('.skeleton').count(), 4);

    stream.text('summary.delta', SUMMARY.slice(0, 40));
    await sees(page, '.summary-text', SUMMARY.slice(0, 40).trim());
    assert.equal(await page.locator('.skeleton').count(), 3, 'the others still wait');
    stream.send(EVENTS.summary);
    await state(page, 'summary', 'done');
    await sees(page, '[data-section="summary"] header', /긴급도 높음/);

    stream.send(EVENTS.similar_tickets);
    await page.waitForSelector('.card[data-id="842"]');
    stream.text('solution.delta', SOLUTION_TEXT.slice(0, 60));
    await sees(page, '.solution', '보류된 결제로 주문 다시 만들기');
    stream.send(EVENTS.kb_documents);
    stream.send(EVENTS.solutions);
    stream.send(EVENTS.usage);
    stream.send(EVENTS.done);
    stream.end();
    await sees(page, '#footing', /2\.7초.*2회.*2,242/);
    const order = await page
        .locator('.section:visible')
        .evaluateAll((all) => all.map((s) => s.dataset.section));
    assert.deepEqual(order, ['summary', 'similar_tickets', 'solutions', 'kb_documents']);
    assert.equal(await textOf(page, '[data-section="similar_tickets"] .time'), '0.2초');
    assert.match(page.url(), /#1$/);
    const { url, headers } = last();
    assert.equal(url.pathname, '/v1/tickets/1/assist');
    assert.equal(url.searchParams.get('language'), 'ko');
    assert.equal(headers['x-freshdesk-domain'], 'demo');
});

test('page: a card shows cause and resolution, a numbered chip its source and quote', async () => {
    const page = await open(`${mock.url}/#1`);
    await state(page, 'solutions', 'done');
    const card = page.locator('.card[data-id="842"]');
    assert.equal(await card.locator('.detail').isVisible(), false);
    await card.locator('.card-head').click();
    assert.match(
        await card.locator('.detail').innerText(),
        /원인[^]*결제사 승인 통보[^]*해결[^]*보류된 결제/,
    );
    assert.equal(
        await card.locator('a').getAttribute('href'),
        'https://demo.freshdesk.com/a/tickets/842',
    );
    assert.equal(await card.locator('.score').getAttribute('aria-label'), '유사도 92%');
    assert.match(await card.locator('.chips').innerText(), /증상이 비슷함/);

    const chip = page.locator('.solution button.cite').first();
    await chip.click();
    assert.equal(await chip.getAttribute('aria-expanded'), 'true');
    const panel = page.locator('.source-panel').first();
    assert.match(
        await panel.innerText(),
        /결제 후 주문이 보이지 않을 때[^]*보류함에서 다시 실행하세요/,
    );
    assert.equal(await panel.locator('a').getAttribute('href'), EVENTS.solutions.sources[0].url);
});

test('page: an opened card stays open when the rest of the stream comes', async () => {
    const waiting = held('assist');
    const page = await open(`${mock.url}/#1`);
    const stream = await waiting;
    stream.send(EVENTS.meta);
    stream.send(EVENTS.similar_tickets);
    await page.click('.card[data-id="842"] .card-head');
    wholeRun(
        Object.assign(Object.create(stream), {
            send: (e) => e.type !== 'similar_tickets' && stream.send(e),
        }),
    );
    await sees(page, '#footing', '2.7초');
    assert.equal(await page.locator('.card[data-id="842"] .detail').isVisible(), true);
});

test('page: a question streams an answer whose citations can be opened', async () => {
    const page = await open(`${mock.url}/#1`);
    await state(page, 'solutions', 'done');
    const waiting = held('query');
    await page.fill('#ask textarea', '원인이 무엇인가요?');
    await page.keyboard.press('Enter');
    const stream = await waiting;
    assert.deepEqual(last().body, { query: '원인이 무엇인가요?', language: 'ko', ticket_id: 1 });
    stream.send({ type: 'progress', message: '관련 자료를 찾는 중입니다' });
    await sees(page, '.stage', '관련 자료를 찾는 중입니다');
    stream.text('answer.delta', ANSWER.text.slice(0, 20));
    await sees(page, '.answer', '가장 가능성 높은');
    assert.equal(await page.locator('.answer button.cite').count(), 0, 'not known yet');
    stream.send(ANSWER);
    stream.send({ type: 'done', ok: true });
    stream.end();
    const cites = page.locator('.answer button.cite');
    await cites.first().click();
    assert.equal(await page.locator('.answer strong').innerText(), '승인 통보 지연');
    assert.equal(await page.locator('.answer li').count(), 2);
    await sees(page, '.turn-sources', '결제 후 주문이 보이지 않을 때');
    await cites.nth(1).click();
    await sees(page, '.turn-sources', '카드 승인 문자는 왔는데');
});

test('page: without the tick a question is asked without the ticket', async () => {
    const page = await open(`${mock.url}/#1`);
    await page.uncheck('#ask input[type=checkbox]');
    await page.click('#ask .example');
    await sees(page, '.answer', '승인 통보 지연');
    assert.equal(last().body.ticket_id, undefined);
});

test('page: a draft is written with a tone, edited, copied and written again', async () => {
    const page = await open(`${mock.url}/#1`, {
        permissions: ['clipboard-read', 'clipboard-write'],
    });
    await state(page, 'solutions', 'done');
    await page.selectOption('#draft select[name=tone]', 'formal');
    await page.fill('#draft input[name=instructions]', '짧게');
    await page.click('#draft button.primary');
    await sees(page, '#draft', '다시 쓰기');
    const text = page.locator('#draft textarea');
    assert.equal(await text.inputValue(), REPLY.text);
    const { body } = last();
    assert.deepEqual(
        [body.ticket_id, body.tone, body.instructions, body.language, body.context_id],
        [1, 'formal', '짧게', 'ko', 'ctx_1_1'],
    );
    await text.fill('고친 답변');
    await page.getByRole('button', { name: '복사' }).click();
    await sees(page, '#draft', '복사했습니다');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '고친 답변');
    await page.click('#draft button.primary');
    await page.waitForFunction(
        (want) => document.querySelector('#draft textarea').value === want,
        REPLY.text,
    );
});

for (const [what, name, start, button] of [
    ['a run', 'assist', (page) => page.click('#tickets li[data-id="2"]'), '#run'],
    ['an answer', 'query', (page) => page.click('#ask .example'), '#ask button[type=submit]'],
    ['a draft', 'reply', (page) => page.click('#draft button.primary'), '#draft button.primary'],
]) {
    test(`page: stop ends ${what} and the server sees the reader leave`, async () => {
        const page = await open(`${mock.url}/#1`);
        await state(page, 'solutions', 'done');
        const waiting = held(name);
        await start(page);
        const stream = await waiting;
        stream.send(EVENTS.meta);
        for (const kind of ['summary', 'answer', 'reply'])
            stream.send({ type: `${kind}.delta`, text: '여기까지 ' });
        const where = { assist: '.summary-text', query: '.answer', reply: null }[name];
        if (where) await sees(page, where, '여기까지');
        else
            await page.waitForFunction(
                () => document.querySelector('#draft textarea').value !== '',
            );
        await page.click(button);
        assert.equal(await stream.left, true);
        if (where) await sees(page, where, '여기까지');
        else assert.equal(await page.inputValue('#draft textarea'), '여기까지 ');
    });
}

test("page: the language is the browser's, can be switched, and is remembered", async () => {
    const page = await open(`${mock.url}/#1`, { locale: 'en-GB' });
    await sees(page, '[data-section="similar_tickets"] h2', 'Similar tickets');
    await sees(page, '.card[data-id="842"]', /Resolved[^]*Similar symptom/);
    await page.click('#language');
    await sees(page, '[data-section="similar_tickets"] h2', '비슷한 티켓');
    await sees(page, '.card[data-id="842"]', /해결됨[^]*증상이 비슷함/);
    assert.equal(await page.getAttribute('html', 'lang'), 'ko');
    await page.reload();
    await sees(page, '[data-section="summary"] h2', '요약');
    assert.equal(last().url.searchParams.get('language'), 'ko');
});

test('page: both languages have the same words', async () => {
    const page = await open(mock.url);
    const [ko, en] = await page.evaluate(async () => {
        const { WORDS } = await import('/lang.js');
        return [Object.keys(WORDS.ko), Object.keys(WORDS.en)];
    });
    assert.deepEqual(ko, en);
});

test('page: hostile text is shown and never runs', async () => {
    const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>"\'>`${alert(3)}`';
    const links =
        '[x](javascript:alert(4)) [y](https://a.example/?q="onmouseover=alert(5)) javascript:alert(6)';
    const item = {
        ...EVENTS.similar_tickets.items[0],
        subject: evil,
        cause: evil,
        resolution: evil,
        symptom: evil,
        status: evil,
        why: [evil],
        url: 'javascript:alert(7)',
        updated_at: evil,
    };
    mock.tickets = [{ id: 1, subject: evil, status: 'toString', priority: evil, updated_at: evil }];
    mock.assist = (s) => {
        s.send(EVENTS.meta);
        s.send({ type: 'ticket', ticket: { id: 1, subject: evil, description_text: evil } });
        s.send({ type: 'summary.delta', text: `${evil}\n\n\`\`\`\n${evil}` });
        s.send({
            type: 'summary',
            text: `${evil} ${links}`,
            key_points: [evil],
            sentiment: evil,
            urgency: evil,
        });
        s.send({ type: 'similar_tickets', items: [item] });
        s.send({
            type: 'kb_documents',
            items: [{ id: 1, title: evil, excerpt: evil, url: 'data:text/html,x', score: evil }],
        });
        s.send({
            type: 'solutions',
            items: [{ title: evil, steps: [{ text: `${evil} ${links}`, source: 1, quote: evil }] }],
            sources: [{ n: 1, kind: 'kb', id: 1, title: evil, url: 'vbscript:x' }],
        });
        s.send({ type: '__proto__', text: evil });
        s.send({ type: 'constructor' });
        s.send({ type: 'error', section: 'summary', message: evil });
        s.send(EVENTS.done);
        s.end();
    };
    mock.query = (s) => {
        s.send({
            type: 'answer',
            text: `${evil} ${links} [1]`,
            citations: [{ n: 1, title: evil, url: 'javascript:alert(8)' }],
        });
        s.send({ type: 'done' });
        s.end();
    };
    const page = await open(`${mock.url}/#1`);
    await state(page, 'solutions', 'done');
    await page.click('.card-head');
    await page.click('.solution button.cite');
    await page.click('#ask .example');
    await page.click('.answer button.cite');
    await sees(page, '.turn-sources', '<script>alert(2)</script>');
    await sees(page, '#ticket h1', '<img src=x onerror="alert(1)">');
    const found = await page.evaluate(() => ({
        made: document.querySelectorAll('img, main script, .tools script, [onerror], [onmouseover]')
            .length,
        links: [...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href')),
    }));
    assert.equal(found.made, 0);
    for (const href of found.links) assert.match(href, /^(https?:\/\/|#$)/);
});

test('page: a fault of one section leaves the others, and only that one is tried again', async () => {
    mock.assist = (stream) =>
        wholeRun(
            Object.assign(Object.create(stream), {
                text: (type, text) => type === 'solution.delta' && stream.text(type, text),
                send: (event) =>
                    stream.send(
                        event.type === 'summary'
                            ? {
                                  type: 'error',
                                  section: 'summary',
                                  code: 'E_UPSTREAM',
                                  message: '모델이 500을 답했습니다',
                                  retryable: true,
                              }
                            : event,
                    ),
            }),
        );
    const page = await open(`${mock.url}/#1`);
    await state(page, 'summary', 'failed');
    await state(page, 'similar_tickets', 'done');
    await state(page, 'solutions', 'done');
    await sees(page, '[data-section="summary"] .notice', /요약: 만들지 못했[^]*응답하지 못했습니다/);
    assert.doesNotMatch(await textOf(page, '[data-section="summary"] .notice'), /500/);
    await page.click('[data-section="summary"] .notice summary');
    await sees(page, '[data-section="summary"] .notice', '모델이 500을 답했습니다');
    assert.equal(await page.locator('.notice:visible').count(), 1);
    mock.assist = (stream) => {
        stream.send(EVENTS.meta);
        stream.send(EVENTS.summary);
        stream.send({ type: 'done', ok: true, timings: { summary: 500, total: 510 } });
        stream.end();
    };
    await page.click('[data-section="summary"] .notice button');
    await state(page, 'summary', 'done');
    const asked = Object.fromEntries(last().url.searchParams);
    assert.deepEqual(
        [
            asked.include_summary,
            asked.include_similar_tickets,
            asked.include_solutions,
            asked.include_kb_docs,
        ],
        ['true', 'false', 'false', 'false'],
    );
    assert.equal(
        await page.locator('.card[data-id="842"]').count(),
        1,
        'the others are still there',
    );
});

test('page: what was found without meaning says so, above the result', async () => {
    mock.assist = (s) => {
        s.send(EVENTS.meta);
        s.send({
            type: 'error',
            section: 'similar_tickets',
            code: 'E_VECTORS',
            message: '벡터 저장소가 쉬고 있습니다',
        });
        s.send({ ...EVENTS.similar_tickets, degraded: true });
        s.send({ ...EVENTS.kb_documents, degraded: true });
        s.send({ ...EVENTS.solutions, generated: false });
        s.send(EVENTS.summary);
        s.send(EVENTS.done);
        s.end();
    };
    const page = await open(`${mock.url}/#1`);
    await sees(
        page,
        '[data-section="similar_tickets"]',
        /일부만 준비[^]*글자 검색으로만[^]*카드 승인 문자/,
    );
    const mild = page.locator('[data-section="similar_tickets"] .notice.mild');
    assert.match(await mild.locator('details').textContent(), /벡터 저장소가 쉬고 있습니다/);
    await sees(page, '[data-section="kb_documents"]', /글자 검색으로만[^]*보류된 결제 점검/);
    await sees(page, '[data-section="solutions"]', /그대로 옮긴[^]*보류된 결제로/);
});

test('page: what could not be looked for at all is not called absent', async () => {
    mock.assist = (s) => {
        s.send(EVENTS.meta);
        for (const section of ['similar_tickets', 'solutions'])
            s.send({ type: 'error', section, code: 'E_DB_AWAY', message: 'no socket' });
        s.send({ ...EVENTS.similar_tickets, items: [], degraded: true });
        s.send({ ...EVENTS.kb_documents, items: [], degraded: true });
        s.send({ ...EVENTS.solutions, items: [], generated: false });
        s.send(EVENTS.done);
        s.end();
    };
    const page = await open(`${mock.url}/#1`);
    await sees(page, '[data-section="kb_documents"]', /지금은 검색할 수 없습니다/);
    await sees(page, '[data-section="similar_tickets"]', /만들지 못했[^]*데이터베이스가 쉬고/);
    assert.equal(await page.locator('.notice.mild').count(), 0);
    assert.doesNotMatch(await textOf(page, '#sections'), /글자 검색|문서가 없습니다|no socket/);
});

test('page: in a narrow window the list invites until a ticket is open', async () => {
    const page = await open(mock.url, { viewport: { width: 340, height: 800 } });
    await page.waitForSelector('#tickets li[data-id="12"]');
    await page.click('#tickets li[data-id="12"]');
    await state(page, 'solutions', 'done');
    assert.equal(await page.locator('#tickets').isVisible(), false);
});

test('page: half a stream keeps what came and reconnects on demand', async () => {
    const waiting = held('assist');
    const page = await open(`${mock.url}/#1`, { quiet: true });
    const stream = await waiting;
    stream.send(EVENTS.meta);
    stream.send(EVENTS.summary);
    await state(page, 'summary', 'done');
    stream.cut();
    await sees(page, '#banner', '연결이 끊겼습니다');
    await sees(page, '.summary-text', '카드 승인 문자');
    assert.equal(await page.locator('.skeleton').count(), 0);
    mock.assist = fresh.assist;
    await page.click('#banner button');
    await state(page, 'solutions', 'done');
    assert.equal(await page.locator('#banner').isVisible(), false);
});

test('page: a stream that ends without its last event is not taken for whole', async () => {
    mock.assist = (s) => {
        s.send(EVENTS.meta);
        s.send(EVENTS.summary);
        s.end();
    };
    const page = await open(`${mock.url}/#1`);
    await sees(page, '#banner', '도중 연결이 끊겼습니다');
});

for (const [status, detail, pattern] of [
    [404, '티켓 ID 999를 찾을 수 없습니다.', /그런 티켓이 없습니다/],
    [503, 'database away', /조금 뒤 다시 시도/],
    [422, [{ msg: 'bad id' }], /bad id/],
    [500, 'oops', /oops/],
]) {
    test(`page: HTTP ${status} of a run is told once, plainly`, async () => {
        mock.assist = (s) => s.refuse(status, detail);
        const page = await open(`${mock.url}/#999`, { quiet: true });
        await sees(page, '#ticket .notice', pattern);
        assert.equal(await page.locator('.section:visible').count(), 0);
        assert.equal(await page.locator('.notice:visible').count(), 1);
        mock.assist = fresh.assist;
        await page.click('#ticket .notice button');
        await state(page, 'solutions', 'done');
    });
}

test('page: an error of the whole run in the stream ends it', async () => {
    mock.assist = (s) => {
        s.send(EVENTS.meta);
        s.send(EVENTS.similar_tickets);
        s.send({
            type: 'error',
            section: 'run',
            code: 'E_TIMEOUT',
            message: '시간이 초과되었습니다',
        });
        s.end();
    };
    const page = await open(`${mock.url}/#1`);
    await sees(page, '#ticket .notice', '시간이 초과되었습니다');
    await sees(page, '#run', '다시 분석');
    await state(page, 'similar_tickets', 'done');
    assert.equal(await page.locator('#banner').isVisible(), false);
});

test('page: without a sandbox the account is asked for, kept in this tab, and a wrong key is told', async () => {
    mock.sandbox = false;
    const page = await open(mock.url, { quiet: true });
    await page.waitForSelector('dialog[open]');
    assert.equal(await page.inputValue('#domain'), '');
    assert.equal(await page.locator('#sandbox').isVisible(), false);
    await page.fill('#domain', 'demo');
    await page.fill('#key', 'wrong');
    await page.keyboard.press('Enter');
    await sees(page, '#account-fault', '맞지 않습니다');
    await page.fill('#key', 'demo');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#tickets li[data-id="12"]');
    const kept = await page.evaluate(() => [
        JSON.stringify({ ...sessionStorage }),
        JSON.stringify({ ...localStorage }),
        document.cookie,
        location.href,
    ]);
    assert.match(kept[0], /demo/);
    assert.doesNotMatch(kept.slice(1).join(), /demo/);
});

test('page: all of it works by keyboard', async () => {
    const page = await open(mock.url);
    await page.waitForSelector('#tickets li[data-id="12"]');
    await page.focus('#find');
    await page.keyboard.type('결제');
    await page.waitForFunction(
        () => document.querySelectorAll('#tickets li[role=option]').length === 1,
    );
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.getAttribute('#find', 'aria-activedescendant'), 'option-1');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#2');
    await state(page, 'solutions', 'done');
    await page.focus('#find');
    await page.keyboard.type('77123');
    await sees(page, '#tickets', '#77123 열기');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#77123');
    await state(page, 'solutions', 'done');

    const reach = async (selector) => {
        for (let i = 0; i < 60; i++) {
            if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
            await page.keyboard.press('Tab');
        }
        assert.fail(`Tab does not reach ${selector}`);
    };
    await reach('#run');
    await reach('.card-head');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.detail').first().isVisible(), true);
    await reach('.solution .cite');
    await page.keyboard.press('Space');
    assert.equal(await page.locator('.source-panel').first().isVisible(), true);
    await reach('#ask textarea');
    await page.keyboard.type('왜?');
    await page.keyboard.press('Enter');
    await sees(page, '.answer', '승인 통보 지연');
    await reach('#draft button.primary');
    await page.keyboard.press('Enter');
    await sees(page, '#draft', '다시 쓰기');
});

for (const width of [340, 720, 900, 1440]) {
    test(`page: nothing hangs out sideways at ${width} px`, async () => {
        const long = `${'가나다라마바사아자차카타파하'.repeat(12)} https://example.com/${'x'.repeat(300)}`;
        mock.assist = (s) =>
            wholeRun(
                Object.assign(Object.create(s), {
                    send: (e) =>
                        s.send(
                            e.type === 'summary'
                                ? { ...e, text: long, key_points: [long] }
                                : e.type === 'similar_tickets'
                                  ? { ...e, items: [{ ...e.items[0], subject: long, cause: long }] }
                                  : e,
                        ),
                }),
            );
        const page = await open(`${mock.url}/#1`, { viewport: { width, height: 800 } });
        await state(page, 'solutions', 'done');
        await page.click('.card-head');
        const wide = () =>
            page.evaluate(() =>
                [...document.querySelectorAll('body *')]
                    .filter(
                        (e) =>
                            e.getBoundingClientRect().right > innerWidth + 1 &&
                            !e.closest('.unseen, pre'),
                    )
                    .map((e) => e.className),
            );
        assert.deepEqual(await wide(), []);
        assert.equal(
            await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
            false,
        );
        if (width > 720) return;
        for (const [view, shown] of [
            ['ask', '#ask'],
            ['draft', '#draft'],
            ['help', '#help'],
        ]) {
            await page.click(`#views [data-view=${view}]`);
            assert.equal(await page.locator(shown).isVisible(), true);
            assert.deepEqual(await wide(), []);
        }
        assert.equal(await page.locator('#ask').isVisible(), false);
        assert.equal(await page.locator('#tickets').isVisible(), false, 'the list is folded away');
        await page.click('#find');
        await page.click('#tickets li[data-id="2"]');
        await page.waitForFunction(() => location.hash === '#2');
        assert.equal(await page.locator('#tickets').isVisible(), false);
    });
}

test('page: dark when the system is dark, switched by the button, remembered', async () => {
    const page = await open(`${mock.url}/#1`, { colorScheme: 'dark' });
    const paper = () =>
        page.evaluate(() => getComputedStyle(document.querySelector('.top')).backgroundColor);
    assert.equal(await paper(), 'rgb(28, 31, 38)');
    await page.click('#theme');
    assert.equal(await paper(), 'rgb(255, 255, 255)');
    await page.reload();
    assert.equal(await paper(), 'rgb(255, 255, 255)');
});

test('page: another ticket begins clean', async () => {
    const page = await open(`${mock.url}/#1`);
    await page.click('#ask .example');
    await sees(page, '.answer', '승인 통보 지연');
    const waiting = held('assist');
    await page.click('#tickets li[data-id="4"]');
    await waiting;
    await sees(page, '#ticket h1', TICKETS[3].subject);
    assert.equal(await page.locator('.turn').count(), 0);
    assert.equal(await page.locator('.card[data-id="842"]').count(), 0);
    mock.assist = fresh.assist;
    await page.goBack();
    await state(page, 'solutions', 'done');
    assert.match(page.url(), /#1$/);
});
