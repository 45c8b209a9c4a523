// Bench: a relay on Node's http module: one upstream POST per client, each event's JSON decoded and written anew.
// relay_node.mjs PORT UPSTREAM_PORT
import http from 'node:http';

const [port, upstream] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity, noDelay: true });

http.createServer({ noDelay: true }, (req, res) => {
  let body = '';
  req.on('data', (d) => { body += d; });
  req.on('end', () => {
    const payload = JSON.stringify({ messages: [{ role: 'user', content: body }] });
    const up = http.request({
      agent, port: upstream, host: '127.0.0.1', method: 'POST', path: '/v3/chat-completions/HCX-005',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
    }, (answer) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.setEncoding('utf8');
      let rest = '';
      answer.on('data', (d) => {
        rest += d;
        let at;
        while ((at = rest.indexOf('\n')) >= 0) {
          const line = rest.slice(0, at);
          rest = rest.slice(at + 1);
          if (!line.startsWith('data:')) continue;
          const event = JSON.parse(line.slice(5));
          if (event.usage) continue;
          res.write(`event: token\ndata: ${JSON.stringify({ type: 'answer.delta', text: event.message.content })}\n\n`);
        }
      });
      answer.on('end', () => res.end('event: done\ndata: {"type":"done"}\n\n'));
    });
    res.on('close', () => up.destroy());
    up.on('error', () => res.destroy());
    up.end(payload);
  });
}).listen(port, '127.0.0.1', 4096);
