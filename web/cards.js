/*
 * web/cards.js: the pieces that sections are made of: ticket cards, articles, solutions with sources.
 *
 * The happy path: an item of an event goes in, one element comes out. Everything an item says is optional:
 * what is missing is not shown. Words come from `t` (lang.js).
 * Fails by: nothing. Invariant: no markup from data, see dom.js.
 */
import { discloser, h, icon, link } from './dom.js';
import { inline } from './text.js';

/* 0..1 as a bar with its figure. */
function scoreBar(score, t) {
    const percent = Math.round(Math.min(Math.max(score || 0, 0), 1) * 100);
    const bar = h('span', { class: 'bar' }, h('span', {}));
    bar.firstChild.style.setProperty('--share', `${percent}%`);
    return h(
        'span',
        { class: 'score', role: 'img', 'aria-label': t('score', percent) },
        bar,
        h('span', { class: 'figure', 'aria-hidden': 'true' }, `${percent}%`),
    );
}

export function statusChip(status, t) {
    if (!status) return null;
    const key = `status_${status}`;
    return h('span', { class: `chip status ${key}` }, t.has(key) ? t(key) : status);
}

export function priorityChip(priority, t) {
    const urgent = priority === 3 || priority === 4;
    return urgent
        ? h('span', { class: `chip priority-${priority}` }, t(`priority_${priority}`))
        : null;
}

function whyChips(why, t) {
    const known = (why ?? []).filter((name) => t.has(`why_${name}`));
    if (known.length === 0) return null;
    return h(
        'ul',
        { class: 'chips' },
        known.map((name) => h('li', { class: 'why' }, t(`why_${name}`))),
    );
}

function facts(item, names, t) {
    const rows = names.filter((name) => item[name]);
    return h(
        'dl',
        { class: 'facts' },
        rows.flatMap((name) => [h('dt', {}, t(name)), h('dd', {}, item[name])]),
    );
}

/* onOpen(id), when given, opens the ticket in the same page. */
export function ticketCard(item, t, onOpen) {
    const detail = h(
        'div',
        { class: 'detail' },
        facts(item, ['symptom', 'cause', 'resolution'], t),
        h(
            'p',
            { class: 'actions' },
            onOpen &&
                h(
                    'button',
                    { type: 'button', class: 'plain', onclick: () => onOpen(item.id) },
                    t('open_here'),
                ),
            link(item.url, { class: 'plain' }, t('open_ticket'), icon('out')),
        ),
    );
    const head = discloser(
        detail,
        { class: 'card-head' },
        h('span', { class: 'card-title' }, item.subject || `#${item.id}`),
        h(
            'span',
            { class: 'card-meta' },
            scoreBar(item.score, t),
            statusChip(item.status, t),
            priorityChip(item.priority, t),
            h('span', { class: 'quiet' }, `#${item.id}`),
            h('span', { class: 'quiet' }, t.ago(item.updated_at)),
        ),
        icon('chevron'),
    );
    const teaser = item.resolution || item.cause || item.symptom;
    return h(
        'li',
        { class: 'card', 'data-id': item.id },
        h('h3', { class: 'bare' }, head),
        teaser ? h('p', { class: 'teaser' }, teaser) : null,
        whyChips(item.why, t),
        detail,
    );
}

export function documentCard(item, t) {
    return h(
        'li',
        { class: 'card document', 'data-id': item.id },
        h(
            'h3',
            { class: 'bare' },
            link(item.url, { class: 'card-title' }, item.title || `#${item.id}`, icon('out')),
        ),
        h(
            'p',
            { class: 'card-meta' },
            scoreBar(item.score, t),
            item.visibility > 2 ? h('span', { class: 'chip' }, t('visibility_internal')) : null,
        ),
        item.excerpt ? h('p', { class: 'teaser' }, item.excerpt) : null,
    );
}

/* What a numbered chip opens: where it comes from, the words that were quoted, the link. */
export function sourcePanel(source, quote, t) {
    return h(
        'div',
        { class: 'source-panel' },
        h(
            'p',
            { class: 'source-title' },
            h('span', { class: 'quiet' }, t(source.kind === 'kb' ? 'source_kb' : 'source_ticket')),
            ' ',
            link(source.url, {}, source.title || `#${source.id}`, icon('out')),
        ),
        quote ? h('blockquote', {}, quote) : h('p', { class: 'quiet' }, t('no_quote')),
    );
}

function stepItem(step, sources, t) {
    const source = sources?.find((s) => s.n === step.source);
    if (!source) {
        const number = step.source ? h('span', { class: 'cite' }, String(step.source)) : null;
        return h('li', {}, h('span', {}, inline(step.text)), ' ', number);
    }
    const panel = sourcePanel(source, step.quote, t);
    const chip = discloser(
        panel,
        { class: 'cite', 'aria-label': t('source', source.n, source.title ?? '') },
        String(source.n),
    );
    return h('li', {}, h('span', {}, inline(step.text)), ' ', chip, panel);
}

/* `sources` null: the text still grows and its numbers cannot be opened yet. */
export function solutionCard(item, sources, t) {
    return h(
        'li',
        { class: 'card solution' },
        item.title ? h('h3', {}, inline(item.title)) : null,
        h(
            'ol',
            { class: 'steps' },
            (item.steps ?? []).map((step) => stepItem(step, sources, t)),
        ),
    );
}

/* Growing solutions: "## title" and "- step [2]" lines, as the model writes them. */
export function growingSolutions(text) {
    const items = [];
    for (const raw of text.split('\n')) {
        const line = raw.trim();
        if (line.startsWith('#')) {
            items.push({ title: line.replace(/^#+\s*/, ''), steps: [] });
        } else if (/^[-*]\s+\S/.test(line)) {
            if (items.length === 0) items.push({ title: '', steps: [] });
            const step = line.slice(1).trim();
            const number = /\s*\[(\d{1,3})\]\s*$/.exec(step);
            items.at(-1).steps.push({
                text: number ? step.slice(0, number.index) : step.replace(/\s*\[\d*$/, ''),
                source: number ? Number(number[1]) : 0,
            });
        }
    }
    return items;
}

/*
 * Summary text as the model writes it: paragraphs, "- " points, and two labelled lines at the end. The
 * last line may be half a label; it is held back until it can be told.
 */
const LABELS = { sentiment: ['감정', 'Sentiment'], urgency: ['긴급도', 'Urgency'] };

export function growingSummary(text) {
    const out = { text: [], key_points: [], sentiment: null, urgency: null };
    const all = text.split('\n');
    all.forEach((raw, i) => {
        const line = raw.trim();
        const found = labelOf(line);
        const open = i === all.length - 1;
        if (line === '') return;
        if (found) out[found.name] = open ? null : found.value;
        else if (/^[-*]\s+\S/.test(line)) out.key_points.push(line.slice(1).trim());
        else if (!(open && mayBecomeLabel(line))) out.text.push(line);
    });
    return { ...out, text: out.text.join('\n') };
}

function labelOf(line) {
    for (const [name, words] of Object.entries(LABELS)) {
        const word = words.find((w) => line.toLowerCase().startsWith(`${w.toLowerCase()}:`));
        if (word) return { name, value: line.slice(word.length + 1).trim() };
    }
    return null;
}

function mayBecomeLabel(line) {
    const low = line.toLowerCase();
    if (low === '-' || low === '*') return true;
    return Object.values(LABELS)
        .flat()
        .some((w) => w.toLowerCase().startsWith(low));
}
