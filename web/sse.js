/*
 * web/sse.js: reads server-sent events from bytes (WHATWG HTML, "9.2.6 Interpreting an event stream").
 *
 * The happy path: chunks as the network cut them are pushed in; whole events come out, in order, as
 * {event, id, data}. Lines end by LF, CRLF or CR, whichever chunk the two halves of a CRLF or the bytes of
 * a character fell into. Comments and unknown fields are passed over.
 *
 * Fails by: throwing SseError when an event grows over its cap. Invariant: each byte is looked at once,
 * so one-byte reads and an event of a megabyte cost the same per byte. No imports, no page: this file is
 * for any client of the /v1 streams.
 */
export const EVENT_CHARS_MAX = 8 * 1024 * 1024;

export class SseError extends Error {}

export class SseParser {
    /* on_event({event, id, data}) is called for each event; data is text. */
    constructor(onEvent, { charsMax = EVENT_CHARS_MAX } = {}) {
        this.onEvent = onEvent;
        this.charsMax = charsMax;
        this.decoder = new TextDecoder(); // drops a byte order mark, keeps split characters
        this.line = [];
        this.lineChars = 0;
        this.afterCr = false;
        this.lastId = '';
        this.retryMs = 0; // what the server asked for; 0: nothing
        this.#reset();
    }

    /* One chunk of bytes. */
    push(bytes) {
        this.#text(this.decoder.decode(bytes, { stream: true }));
    }

    /* The stream has ended. An event whose blank line is missing is still given out: whether it is whole
     * is for the reader of its data to say. */
    end() {
        this.#text(this.decoder.decode());
        if (this.lineChars > 0) this.#endLine();
        this.#dispatch();
    }

    #reset() {
        this.event = '';
        this.data = [];
        this.dataChars = 0;
    }

    #text(text) {
        let at = 0;
        while (at < text.length) {
            if (this.afterCr && text[at] === '\n') {
                this.afterCr = false;
                at += 1;
                continue;
            }
            this.afterCr = false;
            const end = lineEnd(text, at);
            this.#add(text.slice(at, end));
            if (end === text.length) return;
            this.afterCr = text[end] === '\r';
            this.#endLine();
            at = end + 1;
        }
    }

    #add(part) {
        this.lineChars += part.length;
        if (this.lineChars + this.dataChars > this.charsMax)
            throw new SseError(`an event of over ${this.charsMax} characters`);
        if (part) this.line.push(part);
    }

    #endLine() {
        const line = this.line.join('');
        this.line = [];
        this.lineChars = 0;
        if (line === '') {
            this.#dispatch();
            return;
        }
        const colon = line.indexOf(':');
        if (colon === 0) return; // a comment: the server is alive
        const name = colon < 0 ? line : line.slice(0, colon);
        let value = colon < 0 ? '' : line.slice(colon + 1);
        if (value.startsWith(' ')) value = value.slice(1);
        this.#field(name, value);
    }

    #field(name, value) {
        if (name === 'data') {
            this.data.push(value);
            this.dataChars += value.length + 1;
        } else if (name === 'event') {
            this.event = value;
        } else if (name === 'id' && !value.includes('\0')) {
            this.lastId = value;
        } else if (name === 'retry' && /^[0-9]+$/.test(value)) {
            this.retryMs = Number(value);
        }
    }

    #dispatch() {
        const { event } = this;
        const data = this.data.join('\n');
        this.#reset();
        if (data !== '') this.onEvent({ event: event || 'message', id: this.lastId, data });
    }
}

function lineEnd(text, from) {
    for (let i = from; i < text.length; i++) {
        const c = text.charCodeAt(i);
        if (c === 10 || c === 13) return i;
    }
    return text.length;
}

/*
 * The events of a body (a ReadableStream of bytes), as they come. `onBytes` is called for every chunk,
 * comments too, so that a caller can tell a slow stream from a dead one. Leaving the loop early, or an
 * abort of the fetch, closes the connection.
 */
export async function* readEvents(body, { onBytes, charsMax } = {}) {
    const ready = [];
    const parser = new SseParser((event) => ready.push(event), { charsMax });
    const reader = body.getReader();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) {
                parser.end();
                yield* ready;
                return;
            }
            onBytes?.();
            parser.push(value);
            while (ready.length > 0) yield ready.shift();
        }
    } finally {
        reader.cancel().catch(() => {});
    }
}
