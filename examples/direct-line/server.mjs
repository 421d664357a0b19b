/**
 * A site's backend, as small as it can be: it serves the page, and asks Purser for a token for whoever opened it. Rule: the
 * API key stays here, and a page gets a token for one conversation and nothing else.
 *
 *   PURSER_KEY_FILE=site.key node examples/direct-line/server.mjs     # http://127.0.0.1:3000
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import process from 'node:process'

const {
  PURSER_URL = 'http://127.0.0.1:8700',
  PURSER_KEY_FILE = 'site.key',
  PORT = '3000'
} = process.env
const channel = process.env.CHANNEL ?? 'webchat'

const page = readFileSync(new URL('index.html', import.meta.url))

/** Asks Purser; what went wrong there is no concern of the page's but for whether to come again. */
const ask = async (path, body) => {
  const answer = await fetch(`${PURSER_URL}/v1/channels/${channel}/${path}`, {
    method: 'POST',
    // Read each time: a rotated key is taken up without a restart.
    headers: {
      authorization: `Bearer ${readFileSync(PURSER_KEY_FILE, 'utf8').trim()}`,
      'content-type': 'application/json'
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000)
  })
  const said = await answer.json()
  if (answer.ok) return { status: 200, body: said }
  process.stderr.write(`Purser answered ${answer.status} ${said.code}: ${said.instance}\n`)
  return { status: answer.status >= 500 ? 503 : 502, body: { error: 'no token' } }
}

const send = (response, status, type, body) => {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(body)
}

createServer(async (request, response) => {
  if (request.method === 'GET' && request.url === '/') {
    return send(response, 200, 'text/html; charset=utf-8', page)
  }
  // Your own login stands here: whoever may open a chat gets a token, one for each conversation. Another site's page can
  // neither send this header without a preflight, which is refused, nor read the answer.
  if (request.method === 'POST' && request.url === '/token' && request.headers['x-chat'] === '1') {
    const { status, body } = await ask('tokens', {}).catch(() => ({
      status: 503,
      body: { error: 'no token' }
    }))
    return send(response, status, 'application/json', JSON.stringify(body))
  }
  send(response, 404, 'text/plain', 'not found\n')
}).listen(Number(PORT), '127.0.0.1', function () {
  process.stdout.write(`http://127.0.0.1:${this.address().port}\n`)
})
