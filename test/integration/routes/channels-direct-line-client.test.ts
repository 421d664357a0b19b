// The real client of Direct Line, kept in its conversation by tokens that it gets through the service.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { createClient, createHandClock } from '../../support/direct-line-client.ts'
import { type FakeDirectLine, startDirectLine } from '../../support/fake-direct-line.ts'
import { issueKey, randomSecret } from '../../support/keys.ts'

const MINUTES_15 = 15 * 60_000
const ONLINE = 2

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const until = async (holds: () => boolean): Promise<void> => {
  const end = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What a bot's developer writes behind a page: tokens come from Purser, everything else goes to Direct Line. */
const openSite = async (t: Test, purser: string, key: string, fake: FakeDirectLine) => {
  const refreshes: number[] = []
  const askPurser = (path: string, payload: object): Promise<Response> =>
    fetch(`${purser}/v1/channels/webchat/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(payload)
    })
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request
    const body = await textOf(request)
    const authorization = headers.authorization ?? ''
    const isRefresh = url.endsWith('/tokens/refresh')
    const answer = isRefresh
      ? await askPurser('tokens/refresh', { token: authorization.slice('Bearer '.length) })
      : await fetch(fake.url + url, {
          method,
          headers: { authorization, 'content-type': 'application/json' },
          ...(method === 'POST' && { body })
        })
    if (isRefresh) refreshes.push(answer.status)
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(await answer.text())
  }
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const domain = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3/directline`
  const newToken = async (): Promise<Record<'token' | 'userId' | 'conversationId', string>> =>
    JSON.parse(await (await askPurser('tokens', {})).text())
  return { domain, refreshes, newToken }
}

const build = async (t: Test) => {
  const keys = [randomSecret(), randomSecret()] as const
  const fake = await startDirectLine(t, keys)
  const { app, keyring, seed } = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: site, channels: [webchat] }]
channels:
  - { name: webchat, secrets: ["local:key1", "local:key2"], endpoint: "${fake.url}", trustedOrigins: ["https://www.example.com"] }
`
  })
  await seed('local', 'key1', keys[0])
  await seed('local', 'key2', keys[1])
  const purser = await app.server.listen({ port: 0, host: '127.0.0.1' })
  const key = await issueKey(keyring, 'site', 'w', { scopes: ['aura-services:token'] })
  return { fake, keys, ...(await openSite(t, purser, key, fake)) }
}

test('a client keeps its conversation for three refreshes, while the first key is killed upstream', async (t) => {
  const { fake, keys, domain, refreshes, newToken } = await build(t)
  const issued = await newToken()
  const clock = createHandClock()
  const client = createClient(issued.token, domain, clock)
  t.teardown(() => client.end())
  const statuses: number[] = []
  client.connectionStatus$.subscribe((status) => void statuses.push(status))
  const heard: string[] = []
  client.activity$.subscribe(
    (activity) => void heard.push('text' in activity ? String(activity.text) : ''),
    () => {}
  )
  const say = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      client
        .postActivity({ type: 'message', text, from: { id: issued.userId } })
        .subscribe((id) => (id === 'retry' ? reject(new Error(id)) : resolve()), reject)
    })
  await until(() => statuses.at(-1) === ONLINE)
  await say('at the start')

  const tokens = [issued.token]
  const tokenOf = (): string => (client as unknown as { token: string }).token
  for (let n = 1; n <= 3; n++) {
    if (n === 2) fake.keys.delete(keys[0])
    fake.pass(MINUTES_15 / 1000)
    clock.pass(MINUTES_15)
    await until(() => tokenOf() !== tokens.at(-1))
    tokens.push(tokenOf())
    await say(`after refresh ${n}`)
  }
  t.same(refreshes, [200, 200, 200])
  t.equal(new Set(tokens).size, 4)
  await until(() => heard.length >= 4)
  t.same(heard, ['at the start', 'after refresh 1', 'after refresh 2', 'after refresh 3'])
  t.equal(statuses.at(-1), ONLINE, '45 minutes after a token of 30')

  const another = await newToken()
  t.match(another, { token: /\w/ }, 'the second key answers for new users')
  t.not(another.conversationId, issued.conversationId)
})
