// A real nginx, Caddy and HAProxy with our sample configurations in front of an API: what gets through to it, and as whom.
import { createServer, type IncomingMessage } from 'node:http'
import { type Test, test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { issueKey, randomSecret } from '../../support/keys.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { exchange, listenOn } from '../../support/raw-http.ts'
import { PROXIES, type ProxyName, startForwardAuth } from '../../support/sample-proxy.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'
import { listen } from '../../support/wire.ts'

const YAML = 'stores: [{ name: local, kind: local }]\n'
const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
/** What a caller is told while Purser does not answer. */
const WITHOUT_PURSER = { nginx: 500, caddy: 502, haproxy: 500 } as const

const SCOPES = {
  '/whatsapp/hook': ['aura-services:whatsapp'],
  '/users/1': ['aura-services:users'],
  '/messaging/send': ['aura-ai-services:messaging:write', 'aura-ai-services:nlp-messaging:write']
} as const
const METHODS = { GET: 'r', HEAD: 'r', POST: 'w', PUT: 'w', PATCH: 'w', DELETE: 'w' } as const

const setUp = async (t: Test, name: ProxyName) => {
  // All that a proxy has to know.
  const secret = randomSecret()
  const built = await buildTestApp(t, { yaml: YAML, env: { AUTHORIZE_SECRET: secret } })
  const seen: { request: IncomingMessage; body: string }[] = []
  const api = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      seen.push({ request, body })
      response.end('from the API')
    })
  })
  const [purserPort, apiPort] = [await listenOn(built.app.server), await listen(t, api)]
  const proxy = await startForwardAuth(t, name, {
    purserPort,
    apiPort,
    internalSecret: secret
  })
  return { built, seen, proxy }
}

for (const name of PROXIES) {
  test(`${name} lets through exactly what scope and mode of the key allow`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, seen, proxy } = await setUp(t, name)
    for (const granted of [
      ...Object.values(SCOPES).flat(),
      'aura-services',
      'aura-services:user'
    ]) {
      for (const mode of ['r', 'w', 'rw'] as const) {
        const key = await issueKey(built.keyring, 'kernel', mode, { scopes: [granted] })
        for (const [path, scopes] of Object.entries(SCOPES)) {
          for (const [method, needed] of Object.entries(METHODS)) {
            const before = seen.length
            const answer = await fetch(proxy.url + path, {
              method,
              headers: { authorization: `Bearer ${key}` },
              ...(needed === 'w' && { body: 'of the caller' })
            })
            await answer.arrayBuffer()
            const covers = scopes.some((scope) => `${scope}:`.startsWith(`${granted}:`))
            const allowed = covers && mode.includes(needed)
            const what = `${granted} ${mode}: ${method} ${path}`
            t.equal(answer.status, allowed ? 200 : 403, what)
            t.equal(seen.length - before, allowed ? 1 : 0, what)
            if (allowed && needed === 'w') t.equal(seen.at(-1)?.body, 'of the caller')
          }
        }
      }
    }
  })

  test(`${name}: a caller without an accepted key gets 401 with a challenge, and no API sees it`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, seen, proxy } = await setUp(t, name)
    const expired = await issueKey(built.keyring, 'kernel', 'r', { lifetimeSeconds: 0 })
    for (const headers of [{}, { authorization: 'Bearer x' }, { 'x-api-key': expired }]) {
      const answer = await fetch(`${proxy.url}/users/1`, { headers })
      t.equal(answer.status, 401)
      t.match(answer.headers.get('www-authenticate'), /^Bearer realm="purser"/)
    }
    t.equal((await fetch(`${proxy.url}/elsewhere`)).status, 404, 'what no location names')
    t.equal((await fetch(`${proxy.url}/_purser`)).status, 404, 'the question is no way in')
    t.equal(seen.length, 0)
  })

  test(`${name}: the API is told who calls by Purser alone, and never gets the key`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, seen, proxy } = await setUp(t, name)
    const scopes = ['aura-services:users', 'aura-services:token']
    const key = await issueKey(built.keyring, 'kernel', 'r', { scopes, keyId: KEY_ID })
    const forged = {
      'x-purser-client': 'admin',
      'x-purser-key-id': 'forged',
      'X-PURSER-SCOPES': 'aura-admin',
      x_purser_client: 'admin',
      'x-internal-secret': 'forged',
      'x-original-method': 'GET',
      'x-original-uri': '/elsewhere',
      'x-forwarded-method': 'HEAD',
      'x-forwarded-uri': '/elsewhere',
      'x-forwarded-for': '9.9.9.9'
    }
    const answer = await fetch(`${proxy.url}/users/1?a=b`, {
      headers: { 'x-api-key': key, ...forged }
    })
    t.equal(answer.status, 200)
    t.equal(await answer.text(), 'from the API')
    const request = seen[0]?.request
    t.equal(request?.url, '/users/1?a=b')
    t.match(request?.headers, {
      'x-purser-client': 'kernel',
      'x-purser-key-id': KEY_ID,
      'x-purser-scopes': scopes.join(' '),
      'x-forwarded-for': '127.0.0.1'
    })
    const names = Object.keys(request?.headers ?? {})
    for (const name of ['authorization', 'x-api-key', 'x-internal-secret', 'x_purser_client']) {
      t.notOk(names.includes(name), name)
    }
    const write = await fetch(`${proxy.url}/users/1`, {
      method: 'DELETE',
      headers: { 'x-api-key': key, ...forged }
    })
    t.equal(write.status, 403, 'the method is what was sent, whatever a header says')
    const override = { 'x-api-key': key, 'x-http-method-override': 'DELETE' }
    t.equal((await fetch(`${proxy.url}/users/1`, { headers: override })).status, 403)
    t.match((await recordsIn(built.folder))[0], {
      action: 'key.authorize',
      outcome: 'allowed',
      client: 'kernel',
      keyId: KEY_ID,
      reason: 'aura-services:users'
    })
  })

  test(`${name}: no spelling of a path that means another one to somebody gets through`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, seen, proxy } = await setUp(t, name)
    const scopes = ['aura-services:users']
    const key = await issueKey(built.keyring, 'kernel', 'rw', { scopes })
    const get = async (target: string): Promise<number> => {
      const { text } = await exchange(
        proxy.port,
        `GET ${target} HTTP/1.1\r\nHost: api\r\nConnection: close\r\nX-API-Key: ${key}\r\n\r\n`
      )
      return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
    }
    t.equal(await get('/users/1/whatsapp/'), 200)
    t.equal(seen.length, 1, 'the API answered')
    for (const { name: what, input, expect } of readVectors<Vector<string, boolean>[]>(
      'original-uris'
    )) {
      const target = `/users/1${input.replace('/public', '')}`
      if (!input.startsWith('/') || expect) continue
      const before = seen.length
      const status = await get(target)
      if (name === 'caddy' && /[<>^]/.test(target)) {
        t.equal(
          seen.at(-1)?.request.url,
          encodeURI(target),
          'Caddy mends it for Purser and the API alike'
        )
        continue
      }
      t.ok([400, 401, 403, 404].includes(status), `${what}: ${target} is ${status}`)
      t.equal(seen.length, before, `${what}: the API is not asked`)
    }
    for (const { name, input, expect } of readVectors<Vector<string, boolean>[]>('original-uris')) {
      if (expect) t.equal(await get(`/users/1${input}`), 200, `${name}: ${input}`)
    }
  })

  test(`${name}: while Purser does not answer nobody gets through`, async (t) => {
    if (skipWithout(t, await isInstalled(name))) return
    const { built, seen, proxy } = await setUp(t, name)
    const key = await issueKey(built.keyring, 'kernel', 'r', { scopes: ['aura-services'] })
    await built.app.close()
    const answer = await fetch(`${proxy.url}/users/1`, { headers: { 'x-api-key': key } })
    t.equal(answer.status, WITHOUT_PURSER[name])
    t.equal(seen.length, 0)
  })
}
