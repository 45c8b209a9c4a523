"""tests/e2e/mailer.py DIR: a real SMTP server for tests (aiosmtpd), on a free port of 127.0.0.1.

Prints the port. DIR/mode says how it behaves, read anew for each mail: ok; refuse (451 to every recipient);
drop (the connection is closed after the data, nothing is kept); slow.
With DIR/cert.pem and DIR/key.pem it offers STARTTLS and demands it, and the login bot@example.com / right-secret.
Mails that were taken lie in DIR as N.eml, envelope in the headers X-From and X-To.
"""
import asyncio
import os
import ssl
import sys

try:
    from aiosmtpd.smtp import SMTP, AuthResult
except ImportError:
    sys.exit(77)

folder = sys.argv[1]


def mode():
    with open(os.path.join(folder, 'mode'), encoding='utf-8') as f:
        return f.read().strip()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode() == 'refuse':
            return '451 4.7.1 come back later'
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        if mode() == 'drop':
            with open(os.path.join(folder, 'dropped'), 'a', encoding='utf-8') as f:
                f.write('x')
            server.transport.abort()
            return '250 never heard'
        n = len([f for f in os.listdir(folder) if f.endswith('.eml')])
        head = 'X-From: %s\r\nX-To: %s\r\nX-Tls: %s\r\n' % (
            envelope.mail_from, ', '.join(envelope.rcpt_tos), session.ssl is not None)
        path = os.path.join(folder, '%d.eml' % n)
        with open(path + '.part', 'wb') as f:
            f.write(head.encode() + envelope.original_content)
        os.rename(path + '.part', path)
        return '250 taken'


def login(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b'bot@example.com', b'right-secret')
    return AuthResult(success=good, handled=False)


def protocol():
    if not os.path.exists(os.path.join(folder, 'cert.pem')):
        return SMTP(Handler(), hostname='peer.test')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem'))
    return SMTP(Handler(), hostname='localhost', tls_context=context, require_starttls=True,
                auth_required=True, authenticator=login)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
