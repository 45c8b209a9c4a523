/*
 * web/picker.js: the list of tickets with its search field (the ARIA combobox pattern).
 *
 * The happy path: the newest tickets are listed; typing narrows them by words of the subject; digits offer
 * to open that number, listed or not. Arrow keys move, Enter opens, Escape clears.
 * Fails by: showing a line instead of the list. Invariant: the focus stays in the field while the arrows
 * move, so typing goes on.
 */
import { priorityChip, statusChip } from './cards.js';
import { h } from './dom.js';

/* onOpen(id) is called with a number. */
export function createPicker({ t, onOpen }) {
    const nav = document.getElementById('picker');
    const field = document.getElementById('find');
    const list = document.getElementById('tickets');
    let tickets = [];
    let options = []; // what is listed: {id, ticket?}
    let active = -1;
    let openId = 0;
    let message = '';

    function matching() {
        const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
        const number = /^#?(\d{1,18})$/.exec(field.value.trim());
        const found = tickets.filter((ticket) => {
            const text = `#${ticket.id} ${ticket.subject}`.toLowerCase();
            return words.every((word) => text.includes(word));
        });
        const out = found.map((ticket) => ({ id: ticket.id, ticket }));
        const id = number ? Number(number[1]) : 0;
        if (id > 0 && !found.some((ticket) => ticket.id === id)) out.unshift({ id });
        return number ? out.sort((a, b) => (b.id === id) - (a.id === id)) : out;
    }

    function option({ id, ticket }, i) {
        const attributes = {
            role: 'option',
            id: `option-${i}`,
            class: i === active ? 'active' : null,
            'aria-selected': String(id === openId),
            'data-id': id,
            onmousedown: (event) => event.preventDefault(), // the field keeps the focus
            onclick: () => choose(i),
        };
        if (!ticket) return h('li', attributes, h('span', { class: 'subject' }, t('open_id', id)));
        return h(
            'li',
            attributes,
            h('span', { class: 'subject' }, ticket.subject || `#${id}`),
            h(
                'span',
                { class: 'card-meta' },
                h('span', { class: 'quiet' }, `#${id}`),
                statusChip(ticket.status, t),
                priorityChip(ticket.priority, t),
                h('span', { class: 'quiet' }, t.ago(ticket.updated_at)),
            ),
        );
    }

    function render() {
        options = matching();
        active = Math.min(active, options.length - 1);
        list.replaceChildren(...options.map(option));
        if (options.length === 0)
            list.append(
                h('li', { class: 'quiet note', role: 'presentation' }, message || t('none_found')),
            );
        if (active >= 0) {
            field.setAttribute('aria-activedescendant', `option-${active}`);
            list.children[active].scrollIntoView({ block: 'nearest' });
        } else {
            field.removeAttribute('aria-activedescendant');
        }
    }

    function showOpen() {
        list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
    }

    function unfold(yes) {
        nav.classList.toggle('unfolded', yes);
        field.setAttribute('aria-expanded', String(yes));
    }

    function choose(i) {
        const chosen = options[i];
        if (!chosen) return;
        field.value = '';
        active = -1;
        unfold(false);
        onOpen(chosen.id);
    }

    function move(by) {
        unfold(true);
        active =
            (active + by + options.length + (active < 0 && by < 0 ? 1 : 0)) % (options.length || 1);
        render();
    }

    const keys = {
        ArrowDown: () => move(1),
        ArrowUp: () => move(-1),
        Enter: () => choose(Math.max(active, 0)),
        Escape: () => {
            field.value = '';
            active = -1;
            unfold(false);
            render();
        },
    };

    field.addEventListener('keydown', (event) => {
        if (event.isComposing || !Object.hasOwn(keys, event.key)) return;
        event.preventDefault();
        keys[event.key]();
    });
    field.addEventListener('input', () => {
        active = -1;
        unfold(true);
        render();
    });
    field.addEventListener('focus', () => unfold(true));
    field.addEventListener('click', () => unfold(true));
    field.addEventListener('blur', () => unfold(false));

    return {
        render,
        /* A list of {id, subject, status, priority, updated_at}, or what to say instead. */
        show(newTickets, newMessage = '') {
            tickets = newTickets;
            message = newMessage;
            render();
            showOpen();
        },
        mark(id) {
            openId = id;
            render();
            showOpen();
        },
        find: (id) => tickets.find((ticket) => ticket.id === id),
    };
}
