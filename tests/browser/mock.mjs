/*
 * tests/browser/mock.mjs: a server of our own page with scripted answers, for states that the real one
 * cannot be brought into at will: faults, half streams, a stream that stands still.
 *
 * It serves web/ with the same security headers, and sends the same events as docs/api.md tells. A test
 * replaces `mock.assist`, `mock.query` or `mock.reply` by a function (stream, request) and decides itself
 * when the next event goes out; `stream.left` resolves when the reader has gone.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const WEB = new URL('../../web/', import.meta.url);
const TYPES = {
    html: 'text/html; charset=utf-8',
    js: 'text/javascript; charset=utf-8',
    css: 'text/css; charset=utf-8',
    svg: 'image/svg+xml',
};
const CSP =
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'";

const minutesAgo = (n) => new Date(Date.now() - n * 60000).toISOString();

export const TICKETS = [
    {
        id: 1,
        subject: '결제 후 주문 내역이 보이지 않습니다',
        status: 'open',
        priority: 3,
        updated_at: minutesAgo(12),
    },
    {
        id: 2,
        subject: '비밀번호 재설정 메일이 오지 않아요',
        status: 'pending',
        priority: 2,
        updated_at: minutesAgo(95),
    },
    {
        id: 3,
        subject: 'Invoice shows the wrong VAT number',
        status: 'resolved',
        priority: 1,
        updated_at: minutesAgo(1500),
    },
    {
        id: 4,
        subject: '앱이 업데이트 후 바로 종료됩니다',
        status: 'open',
        priority: 4,
        updated_at: minutesAgo(3000),
    },
    {
        id: 12,
        subject: 'Cannot export the monthly report',
        status: 'closed',
        priority: 2,
        updated_at: minutesAgo(9000),
    },
];

export const SOURCES = [
    {
        n: 1,
        kind: 'kb',
        id: 501,
        title: '결제 후 주문이 보이지 않을 때',
        url: 'https://demo.freshdesk.com/support/solutions/articles/501',
    },
    {
        n: 2,
        kind: 'ticket',
        id: 842,
        title: '카드 승인 문자는 왔는데 주문이 없어요',
        url: 'https://demo.freshdesk.com/a/tickets/842',
    },
];

export const SUMMARY =
    '고객은 카드 승인 문자를 받았지만 주문 내역에 주문이 보이지 않는다고 합니다. 앱과 웹에서 모두 같은 증상입니다.\n\n- 승인 시각: 오늘 09:14, 금액 48,000원\n- 앱을 다시 설치했지만 그대로임\n- 오후 배송이 필요해 빠른 확인을 원함\n감정: 부정적\n긴급도: 높음\n';

export const EVENTS = {
    meta: {
        type: 'meta',
        run_id: 'r1',
        kind: 'ticket',
        ticket_id: 1,
        language: 'ko',
        cached: false,
        sandbox: true,
    },
    ticket: {
        type: 'ticket',
        ticket: {
            id: 1,
            subject: TICKETS[0].subject,
            status: 2,
            priority: 3,
            updated_at: TICKETS[0].updated_at,
            description_text:
                '안녕하세요. 오늘 오전에 결제를 했고 카드 승인 문자도 받았는데 주문 내역에는 아무것도 없습니다.\n앱을 지웠다 다시 깔아도 똑같아요. 오후에 꼭 받아야 하는 물건이라 급합니다. 확인 부탁드립니다.',
        },
    },
    summary: {
        type: 'summary',
        text: SUMMARY.split('\n')[0],
        key_points: [
            '승인 시각: 오늘 09:14, 금액 48,000원',
            '앱을 다시 설치했지만 그대로임',
            '오후 배송이 필요해 빠른 확인을 원함',
        ],
        sentiment: '부정적',
        urgency: '높음',
    },
    similar_tickets: {
        type: 'similar_tickets',
        degraded: false,
        items: [
            {
                id: 842,
                subject: '카드 승인 문자는 왔는데 주문이 없어요',
                status: 'resolved',
                priority: 2,
                score: 0.92,
                similarity: 0.88,
                updated_at: minutesAgo(5000),
                url: 'https://demo.freshdesk.com/a/tickets/842',
                why: ['symptom', 'cause', 'solved', 'recent'],
                symptom: '승인 문자를 받았으나 주문 목록이 비어 있음.',
                cause: '결제사 승인 통보가 늦게 도착해 주문 생성이 보류됨.',
                resolution:
                    '관리자 화면에서 보류된 결제를 찾아 주문 생성을 다시 실행하고, 고객에게 주문 번호를 안내함.',
            },
            {
                id: 611,
                subject: '주문이 두 번 결제된 것 같습니다',
                status: 'closed',
                priority: 3,
                score: 0.61,
                similarity: 0.6,
                updated_at: minutesAgo(60000),
                url: 'https://demo.freshdesk.com/a/tickets/611',
                why: ['text'],
                symptom: '같은 금액이 두 번 승인됨.',
                cause: '첫 결제가 보류된 동안 다시 결제함.',
                resolution: '보류된 첫 결제를 취소하고 취소 확인서를 보냄.',
            },
            {
                id: 77,
                subject: 'Order missing after payment',
                status: 'resolved',
                priority: 2,
                score: 0.55,
                similarity: 0.52,
                updated_at: minutesAgo(200000),
                url: 'https://demo.freshdesk.com/a/tickets/77',
                why: ['symptom', 'solved'],
                symptom: 'Payment went through, no order.',
                cause: 'The payment notice was late.',
                resolution: 'Ran the order creation again for the held payment.',
            },
        ],
    },
    kb_documents: {
        type: 'kb_documents',
        degraded: false,
        items: [
            {
                id: 501,
                title: '결제 후 주문이 보이지 않을 때',
                excerpt:
                    '승인 통보가 늦으면 주문이 보류함에 들어갑니다. 관리자 > 결제 > 보류함에서 다시 실행하세요.',
                url: SOURCES[0].url,
                score: 0.9,
                visibility: 1,
            },
            {
                id: 502,
                title: '보류된 결제 점검 절차',
                excerpt: '매일 오전과 오후에 보류함을 점검합니다.',
                url: 'https://demo.freshdesk.com/support/solutions/articles/502',
                score: 0.7,
                visibility: 3,
            },
        ],
    },
    solutions: {
        type: 'solutions',
        generated: true,
        dropped_quotes: 0,
        dropped_steps: 0,
        sources: SOURCES,
        items: [
            {
                title: '보류된 결제로 주문 다시 만들기',
                steps: [
                    {
                        text: '관리자 > 결제 > 보류함에서 승인 시각 **09:14** 결제를 찾습니다.',
                        source: 1,
                        quote: '관리자 > 결제 > 보류함에서 다시 실행하세요',
                    },
                    {
                        text: '주문 생성을 다시 실행하고 주문 번호를 고객에게 안내합니다.',
                        source: 2,
                        quote: '주문 생성을 다시 실행하고, 고객에게 주문 번호를 안내함',
                    },
                ],
            },
            {
                title: '배송 일정 확인',
                steps: [
                    {
                        text: '주문이 생기면 당일 배송 마감 시각을 확인합니다.',
                        source: 1,
                        quote: null,
                    },
                ],
            },
        ],
    },
    usage: {
        type: 'usage',
        calls: 2,
        prompt_tokens: 1830,
        completion_tokens: 412,
        cost_krw: 1.9,
        estimated: false,
    },
    done: {
        type: 'done',
        ok: true,
        context_id: 'ctx_1_1',
        timings: { summary: 1840.2, similar_tickets: 212.5, solutions: 2630.9, total: 2655 },
    },
};

export const SOLUTION_TEXT = EVENTS.solutions.items
    .map((i) => `## ${i.title}\n${i.steps.map((s) => `- ${s.text} [${s.source}] \n`).join('')}`)
    .join('');

export const pieces = (text, size = 7) => text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];

/* One answer being written. */
class Stream {
    constructor(request, response) {
        this.response = response;
        this.gone = false;
        this.left = once(response, 'close').then(() => {
            this.gone = !response.writableFinished;
            return this.gone;
        });
        this.id = 0;
    }

    begin() {
        if (this.response.headersSent) return;
        this.response.writeHead(200, {
            'Content-Type': 'text/event-stream; charset=utf-8',
            'Cache-Control': 'no-cache, no-transform',
        });
        this.response.write('retry: 2000\n');
    }

    send(event) {
        this.begin();
        this.id += 1;
        this.response.write(
            `id: ${this.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
        );
    }

    text(type, text) {
        for (const piece of pieces(text)) this.send({ type, text: piece });
    }

    end() {
        this.begin();
        this.response.end();
    }

    /* The connection breaks. */
    cut() {
        this.response.destroy();
    }

    refuse(status, detail) {
        this.response.writeHead(status, { 'Content-Type': 'application/json' });
        this.response.end(JSON.stringify({ detail }));
    }
}

/* A whole good run, all at once. */
export function wholeRun(stream) {
    stream.send(EVENTS.meta);
    stream.send(EVENTS.ticket);
    stream.text('summary.delta', SUMMARY);
    stream.send(EVENTS.summary);
    stream.send(EVENTS.similar_tickets);
    stream.send(EVENTS.kb_documents);
    stream.text('solution.delta', SOLUTION_TEXT);
    stream.send(EVENTS.solutions);
    stream.send(EVENTS.usage);
    stream.send(EVENTS.done);
    stream.end();
}

export const ANSWER = {
    type: 'answer',
    text: '가장 가능성 높은 원인은 **승인 통보 지연**입니다 [1].\n\n1. 보류함을 확인합니다 [2].\n2. `주문 생성`을 다시 실행합니다.',
    citations: SOURCES,
    sources: SOURCES.map((s) => ({ ...s, text: `${s.title} 본문` })),
};
export const REPLY = {
    type: 'reply',
    text: '안녕하세요, 고객님.\n\n결제는 정상 승인되었으며 주문 생성이 지연된 것을 확인했습니다.\n\n감사합니다.',
    context_id: 'ctx_1_1',
};

function wholeAnswer(stream) {
    stream.send({ ...EVENTS.meta, kind: 'question' });
    stream.send({
        type: 'progress',
        stage: 'searching',
        percent: 50,
        message: '관련 자료를 찾는 중입니다',
    });
    stream.text('answer.delta', ANSWER.text);
    stream.send(ANSWER);
    stream.send(EVENTS.usage);
    stream.send({ type: 'done', ok: true, timings: { total: 900 } });
    stream.end();
}

function wholeReply(stream) {
    stream.send({ ...EVENTS.meta, kind: 'reply' });
    stream.text('reply.delta', REPLY.text);
    stream.send(REPLY);
    stream.send({ type: 'done', ok: true, timings: { total: 800 } });
    stream.end();
}

async function readBody(request) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    return text ? JSON.parse(text) : {};
}

async function sendFile(path, response) {
    const name = path === '/' ? 'index.html' : path.slice(1);
    try {
        const data = await readFile(fileURLToPath(new URL(name, WEB)));
        response.writeHead(200, {
            'Content-Type': TYPES[name.split('.').pop()],
            'Content-Security-Policy': CSP,
            'X-Content-Type-Options': 'nosniff',
        });
        response.end(data);
    } catch {
        response.writeHead(404).end();
    }
}

export async function startMock() {
    const mock = {
        tickets: TICKETS,
        sandbox: true,
        requests: [],
        assist: wholeRun,
        query: wholeAnswer,
        reply: wholeReply,
    };

    function sendJson(response, value, status = 200) {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(value));
    }

    const server = createServer(async (request, response) => {
        const url = new URL(request.url, 'http://mock');
        const kind =
            url.pathname === '/v1/query'
                ? 'query'
                : url.pathname === '/v1/reply'
                  ? 'reply'
                  : 'assist';
        if (url.pathname === '/health') {
            sendJson(response, { status: 'healthy', sandbox: mock.sandbox });
        } else if (url.pathname === '/api/tickets') {
            const good = request.headers['x-freshdesk-api-key'] === 'demo';
            if (good) sendJson(response, { type: 'tickets', tickets: mock.tickets });
            else sendJson(response, { detail: 'invalid key' }, 401);
        } else if (url.pathname.startsWith('/v1/')) {
            const seen = { kind, url, headers: request.headers, body: await readBody(request) };
            mock.requests.push(seen);
            mock[kind](new Stream(request, response), seen);
        } else {
            await sendFile(url.pathname, response);
        }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    mock.url = `http://127.0.0.1:${server.address().port}`;
    mock.close = () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    };
    return mock;
}
