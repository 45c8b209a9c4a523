/*
 * web/ask.js: the question box: questions and streamed answers with numbered sources.
 *
 * The happy path: a question is sent with the open ticket (unless that is switched off); the answer grows;
 * at its end the numbers in it become buttons that show their source below the answer.
 * Fails by: a line under the question with a retry button. Invariant: one answer is written at a time;
 * a new question stops the one before.
 */
import { sourcePanel } from './cards.js';
import { h, icon, perFrame } from './dom.js';
import { showText } from './text.js';

/* options: t; query(body, {signal, onEvent}); ticketId(); explain(error) -> text; say(text) */
export function createAsk(root, { t, query, ticketId, explain, say }) {
    let running = null; // AbortController of the answer being written
    const turns = h('div', { class: 'turns' });
    const examples = h('div', { class: 'examples' });
    const field = h('textarea', { rows: 2, name: 'question', maxlength: 4000 });
    const withTicket = h('input', { type: 'checkbox', checked: true });
    const withTicketWord = h('span');
    const send = h('button', { type: 'submit', class: 'primary round' });
    const title = h('h2', {});
    const form = h(
        'form',
        { class: 'composer', onsubmit: onSubmit },
        field,
        h(
            'div',
            { class: 'composer-foot' },
            h('label', { class: 'check' }, withTicket, withTicketWord),
            h('span', { class: 'grow' }),
            send,
        ),
    );
    root.replaceChildren(h('header', {}, title), turns, examples, form);
    field.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        form.requestSubmit();
    });

    function render() {
        title.textContent = t('ask_title');
        withTicketWord.textContent = t('ask_with_ticket');
        withTicket.disabled = !ticketId();
        field.placeholder = t('ask_hint');
        field.setAttribute('aria-label', t('ask_hint'));
        const word = t(running ? 'stop' : 'ask_send');
        send.setAttribute('aria-label', word);
        send.title = word;
        send.replaceChildren(icon(running ? 'stop' : 'send'));
        examples.hidden = turns.childElementCount > 0;
        examples.replaceChildren(
            ...[1, 2, 3].map((n) => {
                const text = t(`ask_example_${n}`);
                return h(
                    'button',
                    { type: 'button', class: 'example', onclick: () => ask(text) },
                    text,
                );
            }),
        );
    }

    function onSubmit(event) {
        event.preventDefault();
        const text = field.value.trim();
        if (running) {
            running.abort();
            return;
        }
        if (!text) {
            field.focus();
            return;
        }
        field.value = '';
        ask(text);
    }

    function newTurn(text) {
        const turn = {
            text: '',
            final: null,
            answer: h('div', { class: 'answer', 'aria-live': 'polite', 'aria-busy': 'true' }),
            stage: h('p', { class: 'stage quiet' }, t('searching')),
            sources: h('div', { class: 'turn-sources' }),
        };
        turn.element = h(
            'article',
            { class: 'turn' },
            h('p', { class: 'question' }, h('span', { class: 'unseen' }, `${t('you')}: `), text),
            turn.stage,
            turn.answer,
            turn.sources,
        );
        turn.later = perFrame(() => showAnswer(turn));
        return turn;
    }

    function showAnswer(turn) {
        const known = turn.final?.citations ?? null;
        const cite = (n) => {
            if (!known) return h('span', { class: 'cite' }, String(n));
            const source = known.find((s) => s.n === n);
            return source ? citeButton(turn, source) : null;
        };
        showText(turn.answer, turn.final?.text ?? turn.text, { cite, again: turn.final !== null });
        turn.stage.hidden = true;
    }

    function citeButton(turn, source) {
        const whole = turn.final.sources?.find((s) => s.n === source.n);
        const name = t('source', source.n, source.title ?? '');
        const button = h(
            'button',
            { type: 'button', class: 'cite', 'aria-label': name, 'aria-expanded': 'false' },
            String(source.n),
        );
        button.addEventListener('click', () => {
            const was = button.getAttribute('aria-expanded') === 'true';
            for (const other of turn.answer.querySelectorAll('[aria-expanded]'))
                other.setAttribute('aria-expanded', 'false');
            button.setAttribute('aria-expanded', String(!was));
            turn.sources.replaceChildren(
                ...(was ? [] : [sourcePanel(source, whole?.text?.slice(0, 400), t)]),
            );
            turn.sources.firstChild?.scrollIntoView({ block: 'nearest' });
        });
        return button;
    }

    const takers = {
        progress: (turn, event) => {
            if (!turn.text && event.message) turn.stage.textContent = event.message;
        },
        'answer.delta': (turn, event) => {
            turn.text += event.text ?? '';
            turn.later();
        },
        answer: (turn, event) => {
            turn.final = event;
            showAnswer(turn);
            say(`${t('answer')}: ${event.text}`);
        },
        error: (turn, event, question) => fail(turn, event.message, question),
    };

    function fail(turn, message, question) {
        turn.stage.hidden = Boolean(turn.text);
        turn.stage.textContent = '';
        const again = () => {
            turn.element.remove();
            ask(question);
        };
        turn.sources.replaceChildren(
            h(
                'div',
                { class: 'notice', role: 'alert' },
                icon('alert'),
                h('p', {}, message),
                h('button', { type: 'button', class: 'small', onclick: again }, t('retry')),
            ),
        );
    }

    async function ask(question) {
        running?.abort();
        const own = new AbortController();
        running = own;
        const turn = newTurn(question);
        turns.append(turn.element);
        render();
        turn.element.scrollIntoView({ block: 'nearest' });
        const body = { query: question, language: t.language() };
        if (withTicket.checked && ticketId()) body.ticket_id = ticketId();
        try {
            const onEvent = (event) =>
                Object.hasOwn(takers, event.type) && takers[event.type](turn, event, question);
            await query(body, { signal: own.signal, onEvent });
        } catch (error) {
            if (error.kind === 'aborted') turn.stage.textContent = t('stopped');
            else fail(turn, explain(error), question);
        }
        turn.answer.setAttribute('aria-busy', 'false');
        if (running === own) running = null;
        render();
    }

    render();
    return {
        render,
        /* Another ticket: its own talk. */
        clear() {
            running?.abort();
            turns.replaceChildren();
            render();
        },
    };
}
