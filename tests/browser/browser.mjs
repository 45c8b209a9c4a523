/*
 * tests/browser/browser.mjs: one browser for a test file, a fresh context for each test.
 *
 * open(url) gives a page on which any error, console message of an error kind or broken CSP rule fails the
 * test at its end. Waiting is always for something seen, never for a time.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach } from 'node:test';

const { chromium } = createRequire(`${process.env.DESKSTREAM_NODE_MODULES}/`)('playwright-core');

let browser = null;
const contexts = [];
const faults = [];

/* options: those of a playwright context; `quiet`: faults of loading are what the test is about */
export async function open(url, { quiet = false, ...options } = {}) {
    browser ??= await chromium.launch({
        executablePath: process.env.DESKSTREAM_CHROMIUM,
        args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    });
    const context = await browser.newContext({
        locale: 'ko-KR',
        viewport: { width: 1300, height: 900 },
        ...options,
    });
    context.setDefaultTimeout(15000);
    contexts.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(`page: ${error.message}`));
    page.on('dialog', (dialog) => {
        faults.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on('console', (message) => {
        const loading = message.text().startsWith('Failed to load resource');
        if (message.type() === 'error' && !(quiet && loading))
            faults.push(`console: ${message.text()}`);
    });
    await page.goto(url);
    return page;
}

/* Waits until the text of `selector` matches. */
export async function sees(page, selector, pattern) {
    const { source, flags } =
        pattern instanceof RegExp
            ? pattern
            : new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    await page.waitForFunction(
        ([s, p, f]) => new RegExp(p, f).test(document.querySelector(s)?.innerText ?? ''),
        [selector, source, flags],
    );
}

export const state = (page, name, phase) =>
    page.waitForSelector(`[data-section="${name}"][data-state="${phase}"]`);

export const textOf = (page, selector) => page.locator(selector).first().innerText();

afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    assert.deepEqual(faults.splice(0), []);
});
after(() => browser?.close());
