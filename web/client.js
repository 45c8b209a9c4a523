/*
 * web/client.js: calls the server: streams under /v1, the ticket list, the health.
 *
 * The happy path: `stream` posts, reads events until the last one (done, or an error of the whole run) and
 * gives each one's JSON to onEvent. Who asks is decided by `headers`, a function, so that a page with an
 * API key and an app with a short-lived token use the same code.
 *
 * Fails by: rejecting with ApiError, whose `kind` says what to do: "account" (401, 403), "input" (400, 422),
 * "missing" (404), "busy" (429, 503), "server", "network" (no connection, or silence for longer than
 * three heartbeats), "cut" (the stream ended in the middle), "aborted" (the caller's signal).
 * Invariant: when the promise settles, the connection is closed or given back.
 */
import { readEvents, SseError } from './sse.js';

const SILENCE_MS = 45000; // the server speaks every 15 s

export class ApiError extends Error {
    constructor(kind, message, { status = 0 } = {}) {
        super(message);
        this.kind = kind;
        this.status = status;
    }
}

function kindOf(status) {
    if (status === 401 || status === 403) return 'account';
    if (status === 400 || status === 422) return 'input';
    if (status === 404) return 'missing';
    if (status === 429 || status === 503) return 'busy';
    return 'server';
}

/* What the server says is wrong: {"detail": text} or FastAPI's list of faults. */
async function refusal(response) {
    let said = '';
    try {
        const { detail } = await response.json();
        said = Array.isArray(detail) ? detail.map((d) => d.msg).join('; ') : String(detail ?? '');
    } catch {
        said = response.statusText;
    }
    return new ApiError(kindOf(response.status), said, { status: response.status });
}

/* Turns what fetch and reading throw into ApiError. */
function translate(error, signal) {
    if (error instanceof ApiError) return error;
    if (signal?.aborted) return new ApiError('aborted', '');
    if (error instanceof SseError) return new ApiError('server', error.message);
    return new ApiError('network', error.message);
}

/* Aborts when touch() was not called for `ms`. */
function watchdog(controller, ms) {
    let timer = 0;
    const touch = () => {
        clearTimeout(timer);
        timer = setTimeout(() => controller.abort(), ms);
    };
    touch();
    return { touch, stop: () => clearTimeout(timer) };
}

function parse(data) {
    try {
        return JSON.parse(data);
    } catch {
        return null; // half an event: the stream was cut
    }
}

export function createClient({ base = '', headers = () => ({}), silenceMs = SILENCE_MS } = {}) {
    async function json(path, signal) {
        try {
            const response = await fetch(base + path, { headers: headers(), signal });
            if (!response.ok) throw await refusal(response);
            return await response.json();
        } catch (error) {
            throw translate(error, signal);
        }
    }

    async function readAll(response, dog, onEvent) {
        let ended = false;
        for await (const { data } of readEvents(response.body, { onBytes: dog.touch })) {
            if (data === '[DONE]') continue;
            const event = parse(data);
            if (event === null) break;
            ended ||= event.type === 'done' || (event.type === 'error' && event.section === 'run');
            onEvent(event);
            if (event.type === 'done') break;
        }
        if (!ended) throw new ApiError('cut', '');
    }

    /* Posts `body` (an object) and gives every event to onEvent; resolves after the last one. */
    async function stream(path, { body = {}, signal, onEvent }) {
        const own = new AbortController();
        const leave = () => own.abort();
        signal?.addEventListener('abort', leave);
        if (signal?.aborted) leave();
        const dog = watchdog(own, silenceMs);
        try {
            const response = await fetch(base + path, {
                method: 'POST',
                headers: {
                    ...headers(),
                    Accept: 'text/event-stream',
                    'Content-Type': 'application/json',
                },
                body: JSON.stringify(body),
                cache: 'no-store',
                signal: own.signal,
            });
            if (!response.ok) throw await refusal(response);
            await readAll(response, dog, onEvent);
        } catch (error) {
            throw translate(error, signal);
        } finally {
            dog.stop();
            signal?.removeEventListener('abort', leave);
        }
    }

    return {
        stream,
        /* options: query parameters of the route, as in docs/api.md */
        assist: (ticketId, options, on) =>
            stream(`/v1/tickets/${ticketId}/assist?${new URLSearchParams(options)}`, on),
        query: (body, on) => stream('/v1/query', { ...on, body }),
        reply: (body, on) => stream('/v1/reply', { ...on, body }),
        tickets: (limit, signal) => json(`/api/tickets?limit=${limit}`, signal),
        health: (signal) => json('/health', signal),
    };
}
