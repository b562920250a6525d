// A receiver as somebody else would build it in Node: it takes what npm's http-message-signatures verifies, and answers
// 401 with the reason otherwise. `node receiver.cjs SECRET`; the first line it prints is its URL.
'use strict';

const { createHash } = require('node:crypto');
const { createServer } = require('node:http');
const { createVerifier, httpbis } = require('http-message-signatures');

const verify = createVerifier(process.argv[2], 'hmac-sha256');

async function check(request, url, body) {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  if (request.headers['content-digest'] !== digest) throw new Error('another digest');
  const verified = await httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) => (keyid === 'rundun-key' ? { id: keyid, algs: ['hmac-sha256'], verify } : null),
      requiredFields: ['content-digest', '@method', '@target-uri'],
      requiredParams: ['created', 'keyid'],
      maxAge: 300,
      tolerance: 5,
    },
    { method: request.method, url, headers: request.headers },
  );
  if (verified !== true) throw new Error(`verified is ${verified}`);
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    try {
      await check(request, `http://${request.headers.host}${request.url}`, Buffer.concat(parts));
      response.writeHead(204).end();
    } catch (error) {
      response.writeHead(401).end(String(error.message));
    }
  });
});

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/hook?team=a%20b`));
