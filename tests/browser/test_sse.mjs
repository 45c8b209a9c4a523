/*
 * tests/browser/test_sse.mjs: web/sse.js on bytes, without a browser. R5.
 *
 * The rows are what broke readers in the field (reference llm-apis §8): every row is fed whole, byte by
 * byte and cut in two at every place, and must give the same events each time.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

// As a data: address, since older node takes a .js file outside a package for CommonJS.
const source = await readFile(new URL('../../web/sse.js', import.meta.url), 'utf8');
const { SseParser, SseError, readEvents } = await import(
    `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`
);

const encoder = new TextEncoder();
const message = (data, more = {}) => ({ event: 'message', id: '', data, ...more });

const ROWS = [
    ['LF', 'data: a\n\ndata: b\n\n', [message('a'), message('b')]],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [message('a'), message('b')]],
    ['CR alone', 'data: a\r\rdata: b\r\r', [message('a'), message('b')]],
    ['mixed ends', 'data: a\r\n\ndata: b\r\r\n', [message('a'), message('b')]],
    ['byte order mark', '\ufeffdata: a\n\n', [message('a')]],
    ['no space after the colon', 'data:a\n\n', [message('a')]],
    ['only one space is dropped', 'data:  a\n\n', [message(' a')]],
    ['several data lines', 'data: {"a":\ndata: 1}\n\n', [message('{"a":\n1}')]],
    ['keep-alive comments', ': ping\n\n:\n\ndata: a\n: in between\n\n', [message('a')]],
    ['empty data', 'data:\n\ndata\n\nevent: x\n\n', []],
    ['unknown fields', 'error: x\nfoo\nDATA: no\ndata: a\n\n', [message('a')]],
    ['final event without blank line', 'data: a\n\ndata: b', [message('a'), message('b')]],
    ['final line without end', 'event: done\ndata: {}', [message('{}', { event: 'done' })]],
    ['Hangul', 'data: {"text":"안녕하세요 각힣"}\n\n', [message('{"text":"안녕하세요 각힣"}')]],
    ['beyond the basic plane', 'data: 🙂 한\n\n', [message('🙂 한')]],
    [
        '[DONE] with and without space',
        'data: [DONE]\n\ndata:[DONE]\n\n',
        [message('[DONE]'), message('[DONE]')],
    ],
    [
        'the event name is for one event',
        'event: x\ndata: a\n\ndata: b\n\n',
        [message('a', { event: 'x' }), message('b')],
    ],
    [
        'the id stays',
        'id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n',
        [message('a', { id: '7' }), message('b', { id: '7' }), message('c')],
    ],
    ['an id with NUL is none', 'id: 7\0\ndata: a\n\n', [message('a')]],
    ['colons in the value', 'data: a: b:c\n\n', [message('a: b:c')]],
    [
        'our own stream',
        'retry: 2000\nid: 1\nevent: meta\ndata: {"type":"meta"}\n\n: heartbeat\n\n',
        [message('{"type":"meta"}', { event: 'meta', id: '1' })],
    ],
];

function parse(chunks) {
    const events = [];
    const parser = new SseParser((event) => events.push(event));
    for (const chunk of chunks) parser.push(chunk);
    parser.end();
    return events;
}

for (const [name, text, want] of ROWS) {
    test(`sse: ${name}`, () => {
        const bytes = encoder.encode(text);
        assert.deepEqual(parse([bytes]), want, 'whole');
        assert.deepEqual(parse([...bytes].map((b) => Uint8Array.of(b))), want, 'byte by byte');
        for (let at = 1; at < bytes.length; at++)
            assert.deepEqual(parse([bytes.slice(0, at), bytes.slice(at)]), want, `cut at ${at}`);
    });
}

test('sse: a Hangul syllable split in three', () => {
    const bytes = encoder.encode('data: 한\n\n');
    const parts = [bytes.slice(0, 7), bytes.slice(7, 8), bytes.slice(8)];
    assert.deepEqual(parse(parts), [message('한')]);
});

test('sse: retry is kept, nonsense is not', () => {
    const parser = new SseParser(() => assert.fail('no event is here'));
    parser.push(encoder.encode('retry: 2500\n\nretry: soon\n\n'));
    assert.equal(parser.retryMs, 2500);
});

test('sse: one event of a megabyte in small reads', () => {
    const text = '가'.repeat(350000);
    const bytes = encoder.encode(`data: ${text}\n\n`);
    const chunks = [];
    for (let at = 0; at < bytes.length; at += 1000) chunks.push(bytes.slice(at, at + 1000));
    assert.deepEqual(parse(chunks), [message(text)]);
});

test('sse: an event over its cap is refused, in one line or in many', () => {
    const long = () => new SseParser(() => assert.fail('too long'), { charsMax: 100 });
    assert.throws(() => long().push(encoder.encode(`data: ${'x'.repeat(200)}`)), SseError);
    assert.throws(() => long().push(encoder.encode('data: 123456789\n'.repeat(20))), SseError);
});

test('sse: reading a body gives events as they come and closes it when left', async () => {
    let cancelled = false;
    const parts = ['data: a\n\nda', 'ta: b\n\n', 'data: c\n\n'].map((p) => encoder.encode(p));
    const body = new ReadableStream(
        {
            pull: (c) => (parts.length ? c.enqueue(parts.shift()) : undefined),
            cancel: () => {
                cancelled = true;
            },
        },
        { highWaterMark: 0 },
    );
    let chunks = 0;
    const got = [];
    for await (const { data } of readEvents(body, {
        onBytes: () => {
            chunks += 1;
        },
    })) {
        got.push(data);
        if (data === 'b') break;
    }
    assert.deepEqual(got, ['a', 'b']);
    assert.equal(chunks, 2);
    assert.equal(cancelled, true);
});

test('sse: a body that ends gives its last event', async () => {
    const body = new Blob(['data: a\n\ndata: b']).stream();
    const got = [];
    for await (const { data } of readEvents(body)) got.push(data);
    assert.deepEqual(got, ['a', 'b']);
});
