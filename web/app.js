/*
 * web/app.js: the page: an agent's sidebar as a plain web page.
 *
 * The happy path: /health tells whether the sandbox is served, the picker lists tickets, opening one starts
 * a run: the stream of /v1/tickets/{id}/assist fills the ticket's head and the sections. The address keeps
 * the ticket (#12), so a reload and the back button work.
 * Fails by: a message where the fault is: in a section, in a banner when the connection was lost, in the
 * account box when the key is wrong. Invariant: one run at a time; events of an older run are dropped.
 */
import { createAccount } from './account.js';
import { createAsk } from './ask.js';
import { createClient } from './client.js';
import { priorityChip, statusChip } from './cards.js';
import { createDraft } from './draft.js';
import { h, icon } from './dom.js';
import { createText, preferredLanguage } from './lang.js';
import { createPicker } from './picker.js';
import { createSections, SECTIONS } from './sections.js';

const STATUS_NAMES = { 2: 'open', 3: 'pending', 4: 'resolved', 5: 'closed' };
const TICKETS_LISTED = 100;

const find = (id) => document.getElementById(id);
const t = createText(preferredLanguage(recall('language'), navigator.language));
const account = createAccount({ t, onChange: begin });
const client = createClient({ headers: account.headers });
const page = {
    ticketId: 0,
    ticket: null,
    contextId: '',
    run: null,
    language: '',
    usage: null,
    total: 0,
    stopped: false,
    lost: null,
    fault: null,
};

const say = (text) => {
    find('status').textContent = text;
};
const sections = createSections(find('sections'), {
    t,
    say,
    onRetry: retrySection,
    onOpen: openTicket,
});
const picker = createPicker({ t, onOpen: openTicket });
const ticketId = () => page.ticketId;
const ask = createAsk(find('ask'), { t, say, explain, ticketId, query: guarded(client.query) });
const draft = createDraft(find('draft'), {
    t,
    say,
    explain,
    ticketId,
    reply: guarded(client.reply),
    contextId: () => page.contextId,
});

/* ---- small memory; a browser may refuse it ---- */

function recall(name) {
    try {
        return localStorage.getItem(`deskstream.${name}`);
    } catch {
        return null;
    }
}

function remember(name, value) {
    try {
        localStorage.setItem(`deskstream.${name}`, value);
    } catch {
        /* The choice lasts as long as the page. */
    }
}

/* ---- faults ---- */

/* What to tell a person. */
function explain(error) {
    if (error.kind === 'network' && navigator.onLine === false) return t('offline');
    return t(`error_${error.kind}`, error.message);
}

/* A call that opens the account box when the key is refused. */
function guarded(call) {
    return async (body, on) => {
        try {
            return await call(body, on);
        } catch (error) {
            if (error.kind === 'account') account.refused();
            throw error;
        }
    };
}

function renderBanner() {
    const banner = find('banner');
    banner.hidden = !page.lost;
    if (!page.lost) return;
    const again = h(
        'button',
        { type: 'button', class: 'small', onclick: page.lost.again },
        t('reconnect'),
    );
    banner.replaceChildren(icon('alert'), h('p', {}, explain(page.lost.error)), again);
}

function lost(error, again) {
    page.lost = { error, again };
    renderBanner();
}

/* ---- a run ---- */

function openTicket(id) {
    if (location.hash === `#${id}`) startRun();
    else location.hash = `#${id}`;
}

function onAddress() {
    const id = Number(/^#(\d+)$/.exec(location.hash)?.[1] ?? 0);
    if (id === page.ticketId) return;
    page.run?.abort();
    Object.assign(page, { ticketId: id, ticket: null, contextId: '' });
    ask.clear();
    draft.clear();
    picker.mark(id);
    show('help');
    if (id) startRun();
    else render();
}

const OPTIONS = {
    summary: 'include_summary',
    similar_tickets: 'include_similar_tickets',
    solutions: 'include_solutions',
    kb_documents: 'include_kb_docs',
};

function options(names) {
    const out = { language: t.language(), include_ticket: String(!page.ticket) };
    for (const name of SECTIONS) out[OPTIONS[name]] = String(names.includes(name));
    return out;
}

function startRun() {
    Object.assign(page, { usage: null, total: 0, language: t.language(), contextId: '' });
    sections.begin(SECTIONS);
    runSections(SECTIONS);
}

function retrySection(name) {
    // Solutions stand on the articles, so both come again together.
    const names = name === 'solutions' ? ['solutions', 'kb_documents'] : [name];
    sections.begin(names);
    runSections(names);
}

async function runSections(names) {
    page.run?.abort();
    const run = new AbortController();
    Object.assign(page, { run, stopped: false, lost: null, fault: null });
    render();
    const onEvent = (event) => page.run === run && takeEvent(event);
    try {
        await client.assist(page.ticketId, options(names), { signal: run.signal, onEvent });
    } catch (error) {
        if (page.run === run) onRunFailed(error);
    }
    if (page.run !== run) return;
    page.run = null;
    render();
}

/* The whole run failed: told once, what has come stays. */
function onRunFailed(error) {
    sections.stop();
    if (error.kind === 'aborted') {
        page.stopped = true;
        say(t('stopped'));
    } else if (error.kind === 'network' || error.kind === 'cut') {
        lost(error, startRun);
    } else {
        page.fault = explain(error);
        if (error.kind === 'account') account.refused();
    }
}

function takeEvent(event) {
    if (event.type === 'meta' && event.sandbox) find('sandbox').hidden = false;
    if (event.type === 'ticket') {
        page.ticket = event.ticket;
        render();
    }
    if (event.type === 'usage') page.usage = event;
    if (event.type === 'done') {
        page.contextId = event.context_id ?? '';
        page.total = event.timings?.total ?? 0;
    }
    if (event.type === 'error' && event.section === 'run') {
        page.fault = t.has(`code_${event.code}`) ? t(`code_${event.code}`) : event.message;
        sections.stop();
        say(page.fault);
    } else {
        sections.take(event);
    }
}

/* ---- the ticket's head ---- */

function headOf(ticket) {
    const known = picker.find(page.ticketId);
    return {
        subject: ticket?.subject ?? known?.subject ?? `#${page.ticketId}`,
        status: STATUS_NAMES[ticket?.status] ?? known?.status,
        priority: ticket?.priority ?? known?.priority,
        updated: ticket?.updated_at ?? known?.updated_at,
        text: ticket?.description_text ?? '',
    };
}

function renderTicket() {
    const head = headOf(page.ticket);
    const running = page.run !== null;
    const button = h(
        'button',
        {
            type: 'button',
            id: 'run',
            class: running ? 'stop' : null,
            onclick: () => (page.run ? page.run.abort() : startRun()),
        },
        icon(running ? 'stop' : 'reload'),
        h('span', {}, t(running ? 'stop' : 'reload')),
    );
    const had = document.activeElement?.id === 'run';
    find('ticket').replaceChildren(
        h(
            'div',
            { class: 'ticket-head' },
            h(
                'div',
                {},
                h('h1', {}, head.subject),
                h(
                    'p',
                    { class: 'card-meta' },
                    h('span', { class: 'quiet' }, `#${page.ticketId}`),
                    statusChip(head.status, t),
                    priorityChip(head.priority, t),
                    h('span', { class: 'quiet' }, t.ago(head.updated)),
                ),
            ),
            button,
        ),
        page.fault ? faultNotice() : '',
        head.text.trim() ? inquiry(head.text.trim()) : '',
        page.language !== t.language() && !running
            ? h(
                  'p',
                  { class: 'hint' },
                  t('other_language'),
                  ' ',
                  h(
                      'button',
                      { type: 'button', class: 'plain', onclick: startRun },
                      t('reload_language'),
                  ),
              )
            : '',
    );
    find('ticket').dataset.running = String(running);
    if (had) button.focus();
    const text = find('inquiry');
    if (text) text.nextSibling.hidden = !inquiryOpen && text.scrollHeight <= text.clientHeight;
}

function faultNotice() {
    return h(
        'div',
        { class: 'notice', role: 'alert' },
        icon('alert'),
        h('p', {}, page.fault),
        h('button', { type: 'button', class: 'small', onclick: startRun }, t('retry')),
    );
}

let inquiryOpen = false;
function inquiry(text) {
    const body = h('p', { class: 'inquiry', id: 'inquiry' }, text);
    body.classList.toggle('open', inquiryOpen);
    const button = h(
        'button',
        {
            type: 'button',
            class: 'plain',
            'aria-controls': 'inquiry',
            'aria-expanded': String(inquiryOpen),
            onclick: toggle,
        },
        t(inquiryOpen ? 'less' : 'more'),
    );
    function toggle() {
        inquiryOpen = !inquiryOpen;
        body.classList.toggle('open', inquiryOpen);
        button.textContent = t(inquiryOpen ? 'less' : 'more');
        button.setAttribute('aria-expanded', String(inquiryOpen));
    }
    return h(
        'div',
        { class: 'inquiry-box' },
        h('p', { class: 'label quiet' }, t('inquiry')),
        body,
        button,
    );
}

function footing() {
    if (page.run) return t('running');
    if (page.stopped) return t('stopped');
    const parts = [];
    if (page.total) parts.push(t('finished', t.seconds(page.total)));
    if (page.usage?.calls) parts.push(t('calls', t.number(page.usage.calls)));
    const tokens = (page.usage?.prompt_tokens ?? 0) + (page.usage?.completion_tokens ?? 0);
    if (tokens) parts.push(t('tokens', t.number(tokens)));
    return parts.join(' · ');
}

/* ---- the whole page ---- */

function render() {
    const open = page.ticketId > 0;
    find('welcome').hidden = open;
    find('ticket').hidden = !open;
    find('sections').hidden = !open;
    find('footing').textContent = open ? footing() : '';
    document.body.dataset.open = String(open);
    document.title = open ? `#${page.ticketId} · Deskstream` : 'Deskstream';
    if (open) renderTicket();
    renderBanner();
}

function renderWords() {
    document.documentElement.lang = t.language();
    for (const element of document.querySelectorAll('[data-t]'))
        element.textContent = t(element.dataset.t);
    for (const element of document.querySelectorAll('[data-t-label]')) {
        element.setAttribute('aria-label', t(element.dataset.tLabel));
        if (element.tagName === 'BUTTON') element.title = t(element.dataset.tLabel);
    }
    for (const element of document.querySelectorAll('[data-t-placeholder]'))
        element.placeholder = t(element.dataset.tPlaceholder);
    for (const element of document.querySelectorAll('[data-t-title]'))
        element.title = t(element.dataset.tTitle);
    find('language').textContent = t.language() === 'ko' ? 'EN' : '한';
    picker.render();
    sections.render();
    ask.render();
    draft.render();
    render();
}

/* Narrow pages show one of help, ask, draft. */
function show(view) {
    document.body.dataset.view = view;
    for (const button of find('views').children)
        button.setAttribute('aria-pressed', String(button.dataset.view === view));
}

function setTheme(theme) {
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
}

function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function listen() {
    for (const button of document.querySelectorAll('[data-icon]'))
        button.append(icon(button.dataset.icon));
    for (const button of find('views').children)
        button.addEventListener('click', () => show(button.dataset.view));
    find('language').addEventListener('click', () => {
        t.set(t.language() === 'ko' ? 'en' : 'ko');
        remember('language', t.language());
        renderWords();
    });
    find('theme').addEventListener('click', () => {
        const next = isDark() ? 'light' : 'dark';
        setTheme(next);
        remember('theme', next);
    });
    addEventListener('hashchange', onAddress);
    addEventListener('online', () => page.lost?.again());
}

async function listTickets() {
    try {
        const { tickets } = await client.tickets(TICKETS_LISTED);
        picker.show(tickets ?? []);
        if (page.ticketId) render();
    } catch (error) {
        picker.show([], t('tickets_failed'));
        if (error.kind === 'account') account.refused();
        else if (error.kind === 'network') lost(error, begin);
    }
}

/* Begins again with what is known: at the start, and after the account changed. */
async function begin() {
    page.lost = null;
    renderBanner();
    try {
        const health = await client.health();
        find('sandbox').hidden = !health.sandbox;
        if (health.sandbox) account.useSandbox();
    } catch (error) {
        if (error.kind === 'network') {
            lost(error, begin);
            return;
        }
    }
    if (!account.known()) {
        picker.show([], t('account_title'));
        account.ask();
        return;
    }
    listTickets();
    page.ticketId = 0;
    onAddress();
}

setTheme(recall('theme'));
listen();
show('help');
renderWords();
begin();
