/*
 * web/sections.js: shows the events of one opened ticket: summary, similar tickets, solutions, articles.
 *
 *   idle -> waiting (skeleton) -> growing (deltas) -> done
 *                    \-> failed <-/  a fault may also stand above what was found without the failed part
 *
 * The happy path: begin(names) shows skeletons; take(event) is called for each event of the stream and
 * fills the section it belongs to, in whatever order they come; the sections stand in their fixed order.
 * Fails by: nothing; a fault is an event (or fail()) and becomes a message with a retry button in its
 * section. Invariant: the page is made from this file's state alone, so render() may come at any time
 * (another language). Nothing here fetches: this file serves any client that has the events.
 */
import {
    documentCard,
    growingSolutions,
    growingSummary,
    solutionCard,
    ticketCard,
} from './cards.js';
import { h, icon, perFrame } from './dom.js';
import { showText } from './text.js';

export const SECTIONS = ['summary', 'similar_tickets', 'solutions', 'kb_documents'];

const SKELETON_LINES = { summary: 4, similar_tickets: 6, solutions: 5, kb_documents: 3 };

/* options: t; onRetry(name); onOpen(ticket id), absent when the page cannot; say(text): for readers */
export function createSections(root, { t, onRetry, onOpen, say = () => {} }) {
    const views = Object.fromEntries(SECTIONS.map((name) => [name, createView(name)]));
    root.replaceChildren(...SECTIONS.map((name) => views[name].element));

    function createView(name) {
        const view = {
            name,
            element: h('section', {
                class: 'section',
                'data-section': name,
                id: `section-${name}`,
            }),
            title: h('h2', { id: `title-${name}` }),
            chips: h('span', { class: 'head-chips' }),
            time: h('span', { class: 'time quiet' }),
            notice: h('div', { class: 'notice', role: 'alert' }),
            body: h('div', { class: 'body', 'aria-live': 'polite' }),
            state: blank('idle'),
        };
        view.element.setAttribute('aria-labelledby', view.title.id);
        view.element.append(
            h('header', {}, view.title, view.chips, view.time),
            view.notice,
            view.body,
        );
        view.later = perFrame(() => view.state.phase === 'growing' && render(view));
        return view;
    }

    function blank(phase) {
        return { phase, text: '', data: null, fault: null, ms: 0 };
    }

    /* ---- rendering ---- */

    function render(view) {
        const { state, element } = view;
        element.dataset.state = state.phase;
        element.hidden = state.phase === 'idle';
        const growing = state.phase === 'waiting' || state.phase === 'growing';
        view.body.setAttribute('aria-busy', String(growing));
        view.title.textContent = t(view.name);
        renderTime(view);
        renderNotice(view);
        if (state.phase === 'waiting') renderSkeleton(view);
        else if (state.phase === 'idle') view.body.replaceChildren();
        else renderers[view.name](view);
    }

    function renderTime({ time, state }) {
        time.textContent = state.ms > 0 ? t.seconds(state.ms) : '';
    }

    /* Why, in a sentence for an agent; what the server said, for whoever is told of it, behind a click. */
    function whyFailed({ fault, data }, partly) {
        const said = fault.message || t('nothing_came');
        const known = partly && data.degraded ? 'degraded' : `why_${fault.code}`;
        if (!t.has(known)) return [h('span', { class: 'why-failed' }, said)];
        return [
            h('span', { class: 'why-failed' }, t(known)),
            h('details', { class: 'why-failed' }, h('summary', {}, t('detail')), said),
        ];
    }

    function renderNotice({ name, notice, state }) {
        notice.hidden = !state.fault;
        if (!state.fault) {
            notice.replaceChildren();
            return;
        }
        const partly = (state.data?.items?.length ?? 0) > 0;
        notice.classList.toggle('mild', partly);
        notice.replaceChildren(
            icon('alert'),
            h('div', {}, h('p', {}, t(partly ? 'partly' : 'failed', t(name))), whyFailed(state, partly)),
            h(
                'button',
                { type: 'button', class: 'small', onclick: () => onRetry(name) },
                t('retry'),
            ),
        );
    }

    function renderSkeleton({ name, body, chips }) {
        chips.replaceChildren();
        const bars = Array.from({ length: SKELETON_LINES[name] }, () => h('span', {}));
        body.replaceChildren(h('div', { class: 'skeleton', 'aria-hidden': 'true' }, bars));
    }

    const note = (key) => h('p', { class: 'quiet note' }, t(key));

    function renderList(view, className, cards, emptyKey) {
        const { data, fault, phase } = view.state;
        const degraded = data?.degraded && !fault;
        const list = h('ul', { class: className }, cards);
        if (cards.length === 0 && !fault && phase === 'done')
            view.body.replaceChildren(note(degraded ? 'search_away' : emptyKey));
        else view.body.replaceChildren(...(degraded ? [note('degraded')] : []), list);
    }

    const renderers = {
        summary(view) {
            const { state, body, chips } = view;
            const shown = state.data ?? growingSummary(state.text);
            if (body.firstChild?.className !== 'summary-text')
                body.replaceChildren(
                    h('div', { class: 'summary-text' }),
                    h('ul', { class: 'points' }),
                );
            const [text, points] = body.children;
            showText(text, shown.text ?? '');
            points.replaceChildren(...(shown.key_points ?? []).map((p) => h('li', {}, p)));
            chips.replaceChildren(
                ...['sentiment', 'urgency']
                    .filter((k) => shown[k])
                    .map((k) =>
                        h('span', { class: `chip ${moodOf(shown[k])}` }, `${t(k)} ${shown[k]}`),
                    ),
            );
            if (state.phase === 'done' && !shown.text && !state.fault)
                body.append(note('no_summary'));
        },
        similar_tickets(view) {
            const items = view.state.data?.items ?? [];
            renderList(
                view,
                'cards',
                items.map((item) => ticketCard(item, t, onOpen)),
                view.state.data?.nothing_synced ? 'nothing_synced' : 'no_similar_tickets',
            );
        },
        kb_documents(view) {
            const items = view.state.data?.items ?? [];
            renderList(
                view,
                'cards',
                items.map((item) => documentCard(item, t)),
                'no_kb_documents',
            );
        },
        solutions(view) {
            const { data, text } = view.state;
            const items = data ? (data.items ?? []) : growingSolutions(text);
            const sources = data ? (data.sources ?? []) : null;
            renderList(
                view,
                'cards',
                items.map((item) => solutionCard(item, sources, t)),
                'no_solutions',
            );
            if (data && data.generated === false && items.length > 0)
                view.body.prepend(note('copied_sources'));
        },
    };

    /* ---- events ---- */

    const grow = (view, event) => {
        view.state.phase = 'growing';
        view.state.text += event.text ?? '';
        view.later();
    };

    function finish(view, data) {
        Object.assign(view.state, { phase: 'done', data });
        render(view);
        say(t('ready', t(view.name)));
    }

    function fail(name, message, code) {
        const view = views[name];
        if (!view || view.state.phase === 'idle') return;
        view.state.fault = { message, code };
        if (view.state.phase === 'done') {
            renderNotice(view);
        } else {
            view.state.phase = 'failed';
            render(view);
        }
        say(t('failed', t(name)));
    }

    const open = () =>
        SECTIONS.filter((n) => ['waiting', 'growing'].includes(views[n].state.phase));

    function failOpen(message) {
        for (const name of open()) {
            if (!views[name].state.fault) fail(name, message);
        }
    }

    function onDone(event) {
        for (const name of SECTIONS) {
            const ms = event.timings?.[name];
            if (ms === undefined) continue;
            views[name].state.ms = ms;
            renderTime(views[name]); // no more than that: the reader may have opened a card
        }
        failOpen(t('nothing_came'));
    }

    const takers = {
        'summary.delta': (event) => grow(views.summary, event),
        'solution.delta': (event) => grow(views.solutions, event),
        summary: (event) => finish(views.summary, event),
        similar_tickets: (event) => finish(views.similar_tickets, event),
        kb_documents: (event) => finish(views.kb_documents, event),
        solutions: (event) => finish(views.solutions, event),
        error: (event) =>
            event.section in views
                ? fail(event.section, event.message, event.code)
                : failOpen(event.message),
        done: onDone,
    };

    const renderAll = () => SECTIONS.forEach((name) => render(views[name]));
    renderAll();
    return {
        /* Shows skeletons for these; others stay as they are, or are hidden when `only` is true. */
        begin(names, { only = false } = {}) {
            for (const name of SECTIONS) {
                if (names.includes(name)) views[name].state = blank('waiting');
                else if (only) views[name].state = blank('idle');
            }
            renderAll();
        },
        take: (event) => Object.hasOwn(takers, event.type) && takers[event.type](event),
        fail,
        failOpen,
        /* The reader stopped it: what has come stays, what has not goes. */
        stop() {
            for (const name of open()) {
                const { state } = views[name];
                state.phase = state.text ? 'done' : 'idle';
            }
            renderAll();
        },
        render: renderAll,
    };
}

function moodOf(word) {
    if (/부정|negative|긴급|urgent/i.test(word)) return 'bad';
    if (/높음|high/i.test(word)) return 'warn';
    return /긍정|positive/i.test(word) ? 'good' : '';
}
