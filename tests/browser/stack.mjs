/*
 * tests/browser/stack.mjs: the real thing for browser tests: a database of its own in the cluster of
 * TEST_DATABASE_URL, the sandbox, `deskstream serve`. The twin of tests/e2e/support.py.
 *
 *   const stack = await startStack();     stack.url, stack.control({...}), stack.sync('kb')
 *   await stack.stop();                   -> the server's exit status
 *
 * Nothing waits for a fixed time: what is needed is asked for until a deadline.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = (name) => join(process.env.DESKSTREAM_BUILD, name);
export const DEMO = { 'X-Freshdesk-Domain': 'demo', 'X-Freshdesk-API-Key': 'demo' };

/* Starts a program; resolves with what `pattern` finds in its output. */
async function start(name, args, options, pattern) {
    const child = spawn(program(name), args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const found = new Promise((resolve, reject) => {
        const read = (chunk) => {
            output += chunk;
            const match = pattern.exec(output);
            if (match) resolve(match);
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.once('error', reject);
        child.once('exit', () => reject(new Error(`${name} has ended:\n${output}`)));
    });
    found.catch(() => {});
    return { child, match: await found, log: () => output };
}

async function end(started) {
    if (!started) return null;
    const { child } = started;
    if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
    }
    return child.exitCode;
}

/* Calls `what` until it gives something true. */
export async function until(what, seconds = 60) {
    const last = Date.now() + seconds * 1000;
    for (;;) {
        const value = await what();
        if (value) return value;
        if (Date.now() > last) throw new Error(`not so within ${seconds} s: ${what}`);
        await pause(25);
    }
}

function urlOf(base, name) {
    if (/@\/|:\/\/\//.test(base)) return base.replace(/(@\/|:\/\/\/)[^?]*/, `$1${name}`);
    const url = new URL(base);
    url.pathname = `/${name}`;
    return url.href;
}

const plainEnv = () =>
    Object.fromEntries(
        Object.entries(process.env).filter(
            ([key]) =>
                ['PATH', 'HOME', 'LANG', 'TMPDIR'].includes(key) || key.endsWith('SAN_OPTIONS'),
        ),
    );

export async function startStack({ sandboxArgs = [], settings = {} } = {}) {
    const base = process.env.TEST_DATABASE_URL;
    const name = `browser_${process.pid}_${Date.now()}`;
    const sql = (text) => run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', base, '-c', text]);
    const dir = await mkdtemp(join(tmpdir(), 'deskstream-browser-'));
    const stack = { sandbox: null, server: null };
    stack.stop = async () => {
        const status = await end(stack.server);
        await end(stack.sandbox);
        await sql(`drop database if exists ${name} with (force)`);
        await rm(dir, { recursive: true, force: true });
        return status;
    };
    await sql(`create database ${name}`);
    try {
        stack.sandbox = await start(
            'deskstream-sandbox',
            ['--port', '0', ...sandboxArgs],
            {},
            /listening on (http:\/\/\S+)/,
        );
        const sandbox = stack.sandbox.match[1];
        const env = {
            ...plainEnv(),
            PORT: '0',
            DATABASE_URL: urlOf(base, name),
            SANDBOX: '1',
            FRESHDESK_BASE_URL: sandbox,
            HCX_BASE_URL: sandbox,
            HCX_CHAT_API_KEY: 'nv-sandbox',
            HCX_MAX_REQUESTS_PER_MINUTE: '60000',
            HCX_MAX_TOKENS_PER_MINUTE: '100000000',
            EMBEDDING_MAX_REQUESTS_PER_MINUTE: '60000',
            EMBEDDING_MAX_TOKENS_PER_MINUTE: '100000000',
            DRAIN_MS: '5000',
            ...settings,
        };
        stack.server = await start(
            'deskstream',
            ['serve'],
            { env, cwd: dir },
            /serve\.listen .*url=(http:\/\/[\d.]+:\d+)/,
        );
        stack.url = stack.server.match[1];
        await until(async () => (await fetch(`${stack.url}/health/ready`)).ok);
        stack.sandboxUrl = sandbox;
    } catch (error) {
        await stack.stop();
        throw error;
    }
    const post = (url, body) =>
        fetch(url, {
            method: 'POST',
            headers: { ...DEMO, 'Content-Type': 'application/json' },
            body: body && JSON.stringify(body),
        });
    stack.control = (knobs) => post(`${stack.sandboxUrl}/sandbox/control`, knobs);
    stack.stats = async () => (await fetch(`${stack.sandboxUrl}/sandbox/stats`)).json();
    stack.sync = async (what, query = '') => {
        const response = await post(`${stack.url}/api/sync/${what}?wait=true${query}`);
        if (!response.ok)
            throw new Error(`sync ${what}: ${response.status} ${await response.text()}`);
        return response.json();
    };
    return stack;
}
