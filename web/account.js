/*
 * web/account.js: whose tickets are read: Freshdesk domain and API key.
 *
 * The happy path: what was typed is kept in sessionStorage, so it lives as long as the tab; against the
 * sandbox the account is filled in already. Fails by: the server's 401, then ask() opens the box again.
 * Invariant: the key is written to no other place, no address and no log.
 */
const PLACE = 'deskstream.account';
export const SANDBOX_ACCOUNT = { domain: 'demo', key: 'demo' };

function read() {
    try {
        return JSON.parse(sessionStorage.getItem(PLACE)) ?? null;
    } catch {
        return null;
    }
}

/* onChange() is called when another account was given. */
export function createAccount({ t, onChange }) {
    const find = (id) => document.getElementById(id);
    const dialog = find('account-dialog');
    const domain = find('domain');
    const key = find('key');
    const fault = find('account-fault');
    let sandbox = false;
    let now = read();

    function ask(message = '') {
        const shown = now ?? (sandbox ? SANDBOX_ACCOUNT : { domain: '', key: '' });
        domain.value = shown.domain;
        key.value = shown.key;
        fault.textContent = message;
        fault.hidden = !message;
        if (!dialog.open) dialog.showModal();
        (domain.value ? key : domain).focus();
    }

    function keep(account) {
        now = account;
        if (account) sessionStorage.setItem(PLACE, JSON.stringify(account));
        else sessionStorage.removeItem(PLACE);
        onChange();
    }

    find('account').addEventListener('click', () => ask());
    find('account-cancel').addEventListener('click', () => dialog.close());
    find('account-forget').addEventListener('click', () => {
        dialog.close();
        keep(null);
    });
    find('account-form').addEventListener('submit', (event) => {
        event.preventDefault();
        dialog.close();
        keep({ domain: domain.value.trim(), key: key.value.trim() });
    });

    return {
        ask,
        refused: () => ask(t('error_account')),
        /* The server's stand-in is used: its account is known. */
        useSandbox() {
            sandbox = true;
            now ??= SANDBOX_ACCOUNT;
        },
        known: () => now !== null,
        headers: () =>
            now
                ? {
                      'X-Freshdesk-Domain': now.domain,
                      'X-Freshdesk-API-Key': now.key,
                      'ngrok-skip-browser-warning': '1',
                  }
                : {},
    };
}
