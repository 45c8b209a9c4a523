/*
 * web/draft.js: the draft box: a reply to the customer, written from the open ticket.
 *
 * The happy path: a tone is chosen, the text grows in a field, and when it is whole the agent edits and
 * copies it. "Write again" replaces it. Fails by: a line with a retry button; what had come stays.
 * Invariant: while a draft is written its field is read-only, so nothing typed is lost.
 */
import { h, icon, perFrame } from './dom.js';

const TONES = ['friendly', 'formal', 'empathetic', 'concise'];
const COPIED_MS = 2000;

/* options: t; reply(body, {signal, onEvent}); ticketId(); contextId(); explain(error); say(text) */
export function createDraft(root, { t, reply, ticketId, contextId, explain, say }) {
    let running = null;
    let language = '';
    let hint = 'draft_empty';
    const title = h('h2', {});
    const tone = h('select', { name: 'tone' });
    const tongue = h('select', { name: 'language' });
    const instructions = h('input', { name: 'instructions', maxlength: 500, autocomplete: 'off' });
    const text = h('textarea', { class: 'draft-text', rows: 8, name: 'draft', hidden: true });
    const empty = h('p', { class: 'quiet draft-empty' });
    const fault = h('div', { class: 'notice', role: 'alert', hidden: true });
    const make = h('button', { type: 'button', class: 'primary', onclick: onMake });
    const copy = h('button', { type: 'button', onclick: onCopy, hidden: true });
    const toneWord = h('span');
    const tongueWord = h('span');
    root.replaceChildren(
        h('header', {}, title),
        h(
            'div',
            { class: 'fields' },
            h('label', {}, toneWord, tone),
            h('label', {}, tongueWord, tongue),
        ),
        instructions,
        empty,
        text,
        fault,
        h('p', { class: 'actions' }, make, h('span', { class: 'grow' }), copy),
    );
    tongue.addEventListener('change', () => {
        language = tongue.value;
    });
    text.addEventListener('input', fit);

    function choices(select, names, words, chosen) {
        select.replaceChildren(...names.map((name, i) => h('option', { value: name }, words[i])));
        select.value = chosen;
    }

    function label(button, drawing, word) {
        button.replaceChildren(icon(drawing), h('span', {}, word));
    }

    function render() {
        title.textContent = t('draft_title');
        toneWord.textContent = t('tone');
        tongueWord.textContent = t('reply_language');
        choices(
            tone,
            TONES,
            TONES.map((name) => t(`tone_${name}`)),
            tone.value || TONES[0],
        );
        choices(tongue, ['ko', 'en'], [t('lang_ko'), t('lang_en')], language || t.language());
        instructions.placeholder = t('draft_note');
        instructions.setAttribute('aria-label', t('draft_note'));
        text.setAttribute('aria-label', t('draft_text'));
        renderState();
    }

    function renderState() {
        const has = text.value !== '' || running !== null;
        text.hidden = !has;
        text.readOnly = running !== null;
        text.setAttribute('aria-busy', String(running !== null));
        empty.hidden = has;
        empty.textContent = t(hint);
        copy.hidden = running !== null || text.value === '';
        label(copy, 'copy', t('copy'));
        if (running) label(make, 'stop', t('stop'));
        else
            label(
                make,
                text.value ? 'reload' : 'pen',
                t(text.value ? 'draft_again' : 'draft_make'),
            );
    }

    function fit() {
        text.style.height = 'auto';
        text.style.height = `${text.scrollHeight + 2}px`;
    }

    function fail(message) {
        fault.hidden = false;
        fault.replaceChildren(
            icon('alert'),
            h('p', {}, message),
            h('button', { type: 'button', class: 'small', onclick: write }, t('retry')),
        );
    }

    function onMake() {
        if (running) running.abort();
        else write();
    }

    async function write() {
        fault.hidden = true;
        if (!ticketId()) {
            hint = 'draft_need';
            renderState();
            return;
        }
        const own = new AbortController();
        running = own;
        let grown = '';
        text.value = '';
        text.placeholder = t('writing');
        renderState();
        const show = perFrame(() => {
            if (running !== own) return;
            text.value = grown;
            fit();
        });
        const takers = {
            'reply.delta': (event) => {
                grown += event.text ?? '';
                show();
            },
            reply: (event) => {
                grown = event.text ?? grown;
                say(t('ready', t('draft_title')));
            },
            error: (event) => fail(event.message),
        };
        const body = {
            ticket_id: ticketId(),
            tone: tone.value,
            style: 'professional',
            language: tongue.value,
            instructions: instructions.value.trim() || undefined,
            context_id: contextId() || undefined,
        };
        try {
            const onEvent = (event) =>
                Object.hasOwn(takers, event.type) && takers[event.type](event);
            await reply(body, { signal: own.signal, onEvent });
        } catch (error) {
            if (error.kind !== 'aborted') fail(explain(error));
        }
        if (running !== own) return; // another ticket was opened meanwhile
        running = null;
        text.value = grown;
        renderState();
        if (!text.hidden) fit();
    }

    async function onCopy() {
        let done = true;
        try {
            await navigator.clipboard.writeText(text.value);
        } catch {
            // No clipboard for pages that came by plain http from another machine.
            text.select();
            done = document.execCommand('copy');
        }
        label(copy, done ? 'check' : 'alert', t(done ? 'copied' : 'copy_failed'));
        say(t(done ? 'copied' : 'copy_failed'));
        setTimeout(() => label(copy, 'copy', t('copy')), COPIED_MS);
    }

    render();
    return {
        render,
        clear() {
            running?.abort();
            running = null;
            hint = 'draft_empty';
            text.value = '';
            fault.hidden = true;
            renderState();
        },
    };
}
