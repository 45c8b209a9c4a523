/*
 * web/dom.js: makes elements. All text that comes from tickets, articles and models enters the page here
 * or in text.js, always as text nodes and attributes that cannot run anything.
 *
 * Invariant: no markup is ever parsed from data; a link's address is http or https, or there is no link.
 */
const SVG = 'http://www.w3.org/2000/svg';

/* Line drawings on a 24 x 24 grid. */
const DRAWINGS = {
    stop: 'M7 7h10v10H7z',
    reload: 'M20 11a8 8 0 1 0-2.3 6.2M20 5v6h-6',
    copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
    send: 'M5 12h13M12 5l7 7-7 7',
    user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0',
    theme: 'M12 3v18a9 9 0 0 0 0-18zM12 3a9 9 0 0 0 0 18',
    chevron: 'M7 10l5 5 5-5',
    out: 'M14 5h5v5M19 5l-8 8M11 6H6v12h12v-5',
    search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4 4',
    check: 'M5 13l4.5 4.5L19 7.5',
    pen: 'M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3',
    alert: 'M12 4l9 16H3zM12 10v4M12 17v.5',
};

export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    svg.classList.add('icon');
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', DRAWINGS[name]);
    svg.append(path);
    return svg;
}

/*
 * An element: h('button', {class: 'x', type: 'button', onclick: fn, 'aria-label': text}, child, ...).
 * Functions become listeners, true an empty attribute; null, undefined and false are left out.
 */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (typeof value === 'function') element.addEventListener(name.slice(2), value);
        else element.setAttribute(name, value === true ? '' : String(value));
    }
    element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
    return element;
}

/* The address when a browser may follow it without running anything, else null. */
export function safeUrl(text) {
    try {
        const url = new URL(text);
        return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
    } catch {
        return null;
    }
}

/* A link to another site, or plain text when the address is not one. */
export function link(href, attributes, ...children) {
    const url = safeUrl(href);
    if (!url) return h('span', attributes, ...children);
    const elsewhere = { href: url, target: '_blank', rel: 'noopener noreferrer' };
    return h('a', { ...elsewhere, ...attributes }, ...children);
}

/* A button that opens and closes `panel`, and says so. */
let panelCount = 0;
export function discloser(panel, attributes, ...children) {
    panel.id ||= `panel-${++panelCount}`;
    panel.hidden = true;
    const button = h('button', { type: 'button', ...attributes }, ...children);
    button.setAttribute('aria-controls', panel.id);
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', () => {
        panel.hidden = !panel.hidden;
        button.setAttribute('aria-expanded', String(!panel.hidden));
    });
    return button;
}

/* Calls fn once in the next frame, however often it is asked to. */
export function perFrame(fn) {
    let waiting = false;
    return () => {
        if (waiting) return;
        waiting = true;
        // Hidden tabs get no frames; the text must go on there too.
        const go = () => {
            waiting = false;
            fn();
        };
        if (document.hidden) queueMicrotask(go);
        else requestAnimationFrame(go);
    };
}
