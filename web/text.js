/*
 * web/text.js: shows a model's text: paragraphs, lists, headings, **bold**, `code`, fenced code, links and
 * numbered citations [1].
 *
 * The happy path: the text is cut into blocks, each block becomes nodes. While a text grows only blocks
 * whose source changed are made again, so that earlier lines stay where they are, selected or not.
 * Fails by: nothing; what is not understood is shown as it is. Invariant: nodes are built, never parsed
 * from markup; links lead to http and https only.
 */
import { h, link } from './dom.js';

const INLINE =
    /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\[(\d{1,3})\]|\[([^\]\n]+)\]\((https?:\/\/[^\s()]+)\)|(https?:\/\/[^\s<>"'()]+)/g;
const ITEM = /^\s*([-*•]|\d{1,3}[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s*```/;

/* Nodes of one line. cite(n) makes the node of a citation, or gives null to leave the text. */
export function inline(text, cite = () => null) {
    const out = [];
    let at = 0;
    for (const m of text.matchAll(INLINE)) {
        const node = mark(m, cite);
        if (!node) continue;
        if (m.index > at) out.push(text.slice(at, m.index));
        out.push(node);
        at = m.index + m[0].length;
    }
    if (at < text.length) out.push(text.slice(at));
    return out;
}

function mark([whole, code, bold, number, label, address, bare], cite) {
    if (code !== undefined) return h('code', {}, code);
    if (bold !== undefined) return h('strong', {}, bold);
    if (number !== undefined) return cite(Number(number));
    if (address !== undefined) return link(address, {}, label);
    return link(bare, {}, whole);
}

/* Cuts into blocks: {kind, lines}. Kinds: p, ul, ol, head, code. */
function blocks(text) {
    const out = [];
    let open = null;
    let fenced = false;
    const put = (kind, line) => {
        if (open?.kind !== kind || kind === 'head') {
            open = { kind, lines: [] };
            out.push(open);
        }
        open.lines.push(line);
    };
    for (const line of text.split('\n')) {
        if (FENCE.test(line)) {
            fenced = !fenced;
            open = fenced ? { kind: 'code', lines: [] } : null;
            if (open) out.push(open);
        } else if (fenced) {
            open.lines.push(line);
        } else if (line.trim() === '') {
            open = open?.kind === 'ul' || open?.kind === 'ol' ? open : null;
        } else {
            takeLine(line, open, put);
        }
    }
    return out;
}

function takeLine(line, open, put) {
    const item = ITEM.exec(line);
    const heading = HEADING.exec(line);
    if (heading) put('head', heading[1]);
    else if (item) put(/\d/.test(item[1]) ? 'ol' : 'ul', item[2]);
    else if ((open?.kind === 'ul' || open?.kind === 'ol') && /^\s{2,}\S/.test(line))
        open.lines[open.lines.length - 1] += `\n${line.trim()}`;
    else put('p', line);
}

function lines(list, cite) {
    return list.flatMap((line, i) => (i ? [h('br'), ...inline(line, cite)] : inline(line, cite)));
}

function build({ kind, lines: list }, cite) {
    if (kind === 'code') return h('pre', {}, h('code', {}, list.join('\n')));
    if (kind === 'head') return h('p', { class: 'text-head' }, inline(list[0], cite));
    if (kind === 'p') return h('p', {}, lines(list, cite));
    return h(
        kind,
        {},
        list.map((item) => h('li', {}, lines(item.split('\n'), cite))),
    );
}

const shown = new WeakMap(); // element -> sources of its blocks

/* Shows `text` in `element`. `again` makes all blocks anew: citations have become known. */
export function showText(element, text, { cite, again = false } = {}) {
    const parts = blocks(text);
    const sources = parts.map((b) => `${b.kind}\n${b.lines.join('\n')}`);
    const before = again ? [] : (shown.get(element) ?? []);
    let same = 0;
    while (same < sources.length && sources[same] === before[same]) same++;
    if (same === 0) element.replaceChildren();
    while (element.childNodes.length > same) element.lastChild.remove();
    element.append(...parts.slice(same).map((b) => build(b, cite)));
    shown.set(element, sources);
}
