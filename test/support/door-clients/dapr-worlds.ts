/** The same things to ask for, at a door of ours and at what stands for a sidecar: the answers that Dapr documents, word by word. */
import { createServer } from 'node:http'
import type { Test } from 'tap'
import { listenOnDoor } from '../aws-door.ts'
import { buildTestApp, type TestAppOptions } from '../build-app.ts'
import { issueKey } from '../keys.ts'
import { closedPort, listen } from '../wire.ts'
import type { Case, Place, World } from './client.ts'

const FIELDS = { password: 'p1', port: '5432' }

const pathOf = (one: Case): string => (one === 'missing' ? 'none' : 'db')
const storeOf = (one: Case): string => (one === 'forbidden' ? 'other' : 'app')

const POLICIES = `
policies:
  - { client: app, read: ['local:app/**'] }
doors:
  - { dialect: dapr, port: 0, stores: { app: "local:app/", other: "local:other/" } }
`
const YAML = `stores: [{ name: local, kind: local }]${POLICIES}`

const openDoor = async (t: Test, options: TestAppOptions) => {
  const built = await buildTestApp(t, options)
  const url = `http://127.0.0.1:${await listenOnDoor(built, 'dapr')}`
  return { ...built, url, place: { url, token: (await built.as('app')).key } }
}

const downYaml = async (): Promise<string> => `
stores:
  - name: local
    kind: vault
    address: http://127.0.0.1:${await closedPort()}
    mounts: [{ path: app, version: 2 }, { path: other, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
${POLICIES}`

/** Of a window: what the client asks before it reads, and no more. */
const LIMITS = {
  RATE_LIMIT_ENABLED: 'true',
  RATE_LIMIT_MAX: '1',
  RATE_LIMIT_WINDOW_SECONDS: '3600'
}
/** Milliseconds; far more than a test takes. */
const HOUR = 3_600_000

export const openPurser = async (t: Test): Promise<World> => {
  const [door, slow, down] = await Promise.all([
    openDoor(t, { yaml: YAML }),
    openDoor(t, { yaml: YAML, env: LIMITS }),
    openDoor(t, { yaml: await downYaml(), environ: { TOKEN: 'x' } })
  ])
  for (const path of ['app/db', 'app/deep/one', 'other/db']) {
    await door.seed('local', path, '{"password":"p1","port":5432}')
  }
  const ended = { lifetimeSeconds: 60 }
  const expired = await issueKey(door.keyring, 'app', 'r', ended, Date.now() - HOUR)
  const others: Partial<Record<Case, Pick<Place, 'url' | 'token'>>> = {
    expired: { url: door.url, token: expired },
    throttled: slow.place,
    'store down': down.place
  }
  return {
    prepare: async () => {},
    placeOf: (one) => ({
      ...(others[one] ?? door.place),
      mount: storeOf(one),
      path: pathOf(one),
      jwt: ''
    })
  }
}

type Documented = readonly [status: number, body: string | object | undefined]

/** https://docs.dapr.io/reference/api/secrets_api/ and the texts of its API server. */
const DOCUMENTED: Partial<Readonly<Record<Case, Documented>>> = {
  list: [200, { db: FIELDS, 'deep/one': FIELDS }],
  missing: [204, undefined],
  forbidden: [
    403,
    {
      errorCode: 'ERR_PERMISSION_DENIED',
      message: 'access denied by policy to get "db" from "other"'
    }
  ],
  expired: [401, 'invalid api token'],
  throttled: [429, 'You have reached maximum request limit.'],
  'store down': [
    500,
    {
      errorCode: 'ERR_SECRET_GET',
      message: 'failed getting secret with key db from secret store app'
    }
  ]
}

const documented = async (t: Test, one: Case): Promise<string> => {
  const [status, body] = DOCUMENTED[one] ?? [200, FIELDS]
  const server = createServer((request, response) => {
    const isMetadata = request.url === '/v1.0/metadata'
    // With another token nothing is answered; all else is of the secrets.
    const [shown, said] = isMetadata && one !== 'expired' ? [200, { id: 'app' }] : [status, body]
    response.writeHead(shown, {
      'content-type': typeof said === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
    })
    response.end(typeof said === 'string' ? said : JSON.stringify(said))
  })
  return `http://127.0.0.1:${await listen(t, server)}`
}

export const openDapr = async (t: Test): Promise<World> => {
  const urls = new Map<Case, string>()
  for (const one of ['read', ...Object.keys(DOCUMENTED)] as Case[]) {
    urls.set(one, await documented(t, one))
  }
  return {
    prepare: async () => {},
    placeOf: (one) => ({
      url: urls.get(one) ?? '',
      token: 'token',
      mount: storeOf(one),
      path: pathOf(one),
      jwt: ''
    })
  }
}
