/*
 * tests/browser/test_real.mjs: the page against the real server, sandbox and PostgreSQL: a newcomer opens
 * the page, picks a ticket, and everything works. R1-R3, O2.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { open, sees, state } from './browser.mjs';
import { startStack, until } from './stack.mjs';

let stack;
before(async () => {
    stack = await startStack({ sandboxArgs: ['--tickets', '200', '--seed', '7', '--latency-ms', '0'] });
    await stack.sync('kb');
    await stack.sync('tickets', '&limit=60');
});
after(async () => {
    if (stack) assert.equal(await stack.stop(), 0, 'the server ends cleanly');
});

async function openFirst(options) {
    const page = await open(stack.url, options);
    await page.click('#tickets li[role=option]');
    return page;
}

const allDone = async (page) => {
    for (const name of ['summary', 'similar_tickets', 'solutions', 'kb_documents'])
        await state(page, name, 'done');
};

test('real: a ticket of the sandbox gets summary, similar tickets and solutions with sources', async () => {
    const page = await openFirst();
    await page.waitForSelector('#sandbox:not([hidden])');
    await allDone(page);
    await sees(page, '#footing', /완료/);
    await sees(page, '.summary-text', /\S/);
    assert.equal(await page.locator('.notice:visible').count(), 0);
    assert.ok((await page.locator('[data-section=similar_tickets] .card').count()) > 0);
    assert.ok((await page.locator('[data-section=kb_documents] .card').count()) > 0);
    const chip = page.locator('.solution button.cite').first();
    await chip.click();
    const panel = page.locator('.source-panel:visible').first();
    assert.match(await panel.locator('a').getAttribute('href'), /^https:\/\/demo\.freshdesk\.com\//);
});

test('real: a question is answered with citations, a draft is written', async () => {
    const page = await openFirst();
    await allDone(page);
    await page.click('#ask .example');
    await page.click('.answer button.cite');
    await sees(page, '.turn-sources', /\S/);
    await page.click('#draft button.primary');
    await sees(page, '#draft', '다시 쓰기');
    assert.ok((await page.inputValue('#draft textarea')).length > 20);
});

test('real: English too', async () => {
    const page = await openFirst({ locale: 'en-US' });
    await allDone(page);
    await sees(page, '#footing', /Ready in/);
    await sees(page, '[data-section=solutions] h2', 'Suggested solutions');
});

test('real: stop is seen by the server, whose flows end', async () => {
    const streams = async () => {
        const text = await (await fetch(`${stack.url}/metrics`)).text();
        return Number(/^deskstream_streams_open (\d+)/m.exec(text)[1]);
    };
    await stack.control({ latency_ms: 300000 });
    const page = await openFirst();
    await state(page, 'similar_tickets', 'done');
    assert.equal(await streams(), 1);
    await page.click('#run');
    await sees(page, '#run', '다시 분석');
    await until(async () => (await streams()) === 0);
    await stack.control({ latency_ms: 0 });
});

test('real: a wrong key is told in the account box', async () => {
    const page = await open(stack.url, { quiet: true });
    await page.waitForSelector('#tickets li[role=option]');
    await page.click('#account');
    await page.fill('#key', 'wrong');
    await page.keyboard.press('Enter');
    await sees(page, '#account-fault', '맞지 않습니다');
});

test('real: a ticket that does not exist is told', async () => {
    const page = await open(`${stack.url}/#99999999`, { quiet: true });
    await sees(page, '#ticket .notice', '그런 티켓이 없습니다');
});
