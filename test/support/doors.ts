/**
 * The doors of other dialects as tests speak to them, a row each: how a read, a listing and a write are asked for there, and
 * how an answer is told. Rule: what holds for all doors is tested by going over the rows, and every dialect of `doors:` has
 * one.
 */
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Dialect } from '../../src/config/door-entries.ts'
import type { Keyring } from '../../src/crypto/keyring.ts'
import { aws, awsAgent } from './aws-door-subjects.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from './build-app.ts'
import { dapr } from './dapr-door-subject.ts'
import { ODD_PATHS } from './odd-paths.ts'
import type { Answered } from './problem.ts'
import { answersIn, exchange } from './raw-http.ts'

/** A request as it goes over the wire: headers in their order, and a target that nobody tidies up. */
export interface Spoken {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

/** What a caller wants, by the store and the path that a rule has. */
export interface Asked {
  readonly store: string
  readonly path: string
}

export interface DoorSubject {
  readonly dialect: Dialect
  /** Its line in `doors:`; it leads to the stores alpha and beta, or to alpha alone. */
  readonly entry: string
  readonly stores: readonly string[]
  readonly read: (key: string, asked: Asked) => Spoken | Promise<Spoken>
  /** Undefined: the dialect has none. */
  readonly list?: (key: string, store: string, folder: string) => Spoken | Promise<Spoken>
  readonly write?: (key: string, asked: Asked, text: string) => Spoken | Promise<Spoken>
  /** A path of which nothing is escaped for the caller. */
  readonly readRaw: (key: string, store: string, written: string) => Spoken | Promise<Spoken>
  /** Places that lead nowhere, and those that only look like the door's. */
  readonly nowhere: (key: string) => readonly (Spoken | Promise<Spoken>)[]
  /**
   * What may not tell one place that the door could lead to from another, nor from none, to whoever may know of none: lines
   * of `doors:`, and requests that are answered alike with each of them.
   */
  readonly hidden: {
    readonly entries: readonly string[]
    /** Those of them that lead to none of the folder that another client may know: `alpha:elsewhere/`. */
    readonly besides: readonly string[]
    readonly requests: (key: string) => readonly (Spoken | Promise<Spoken>)[]
  }
  /** Each way to show a key, alone. */
  readonly credentials: (key: string) => readonly (readonly [string, string])[]
  /** The request without any credential, if that can be said in the dialect. */
  readonly withoutKey: (asked: Asked) => Spoken
  readonly statuses: {
    readonly forbidden: number
    readonly missing: number
    readonly badKey: number
    readonly twoKeys: number
    readonly throttled: number
  }
  /** Whether an error is written as the dialect has it. */
  readonly isOwnError: (answer: Answered) => boolean
  /** A dialect whose clients know the end of a key by an error of its own. */
  readonly tellsEnds?: true
  /** Completes what is said, where the dialect has it signed. */
  readonly sign?: (spoken: Spoken, keyring: Keyring) => Promise<Spoken>
}

const vaultRequest = (method: string, target: string, key: string, body?: string): Spoken => ({
  method,
  target,
  headers: [['X-Vault-Token', key]],
  ...(body !== undefined && { body })
})

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

const isVaultError = ({ headers, body }: Answered): boolean => {
  if (headers['content-type'] !== 'application/json') return false
  const { errors } = JSON.parse(body) as { errors?: unknown }
  return Array.isArray(errors) && errors.every((one) => typeof one === 'string')
}

const hiddenVault = (key: string): readonly Spoken[] =>
  ODD_PATHS.map(encoded).flatMap((path) => [
    ...[
      '',
      '?version=abc',
      '?version=1',
      '?version=999999999',
      '?version=9999999999',
      '?list=true'
    ].flatMap((query) => [
      vaultRequest('GET', `/v1/m/data/${path}${query}`, key),
      vaultRequest('GET', `/v1/m/metadata/${path}${query}`, key),
      vaultRequest('GET', `/v1/m/${path}${query}`, key)
    ]),
    vaultRequest('GET', `/v1/m/metadata/${path}?list=true&limit=x`, key),
    vaultRequest('GET', `/v1/sys/internal/ui/mounts/m/${path}`, key),
    ...['{"data":{"a":1}}', '{"a":1}', '{}', '[]', ''].flatMap((body) => [
      vaultRequest('PUT', `/v1/m/data/${path}`, key, body),
      vaultRequest('PUT', `/v1/m/metadata/${path}`, key, body),
      vaultRequest('PUT', `/v1/m/${path}`, key, body)
    ])
  ])

const BESIDES = [
  'n: alpha',
  'm: "alpha:team-a/"',
  'm: { store: "alpha:team-a/", version: 1 }',
  'm: "alpha:nowhere-at-all/"',
  'm: beta'
]
const vaultEntry = (mounts: string): string => `{ dialect: vault, port: 0, mounts: { ${mounts} } }`

const vault: DoorSubject = {
  dialect: 'vault',
  entry: '{ dialect: vault, port: 0, mounts: { alpha: alpha, beta: beta, names: "secrets:" } }',
  stores: ['alpha', 'beta'],
  read: (key, { store, path }) => vaultRequest('GET', `/v1/${store}/data/${encoded(path)}`, key),
  list: (key, store, folder) =>
    vaultRequest('GET', `/v1/${store}/metadata/${encoded(folder)}?list=true`, key),
  write: (key, { store, path }, text) =>
    vaultRequest('PUT', `/v1/${store}/data/${encoded(path)}`, key, `{"data":${text}}`),
  readRaw: (key, store, written) => vaultRequest('GET', `/v1/${store}/data/${written}`, key),
  nowhere: (key) => [
    vaultRequest('GET', '/v1/gamma/data/team-a/one', key),
    vaultRequest('GET', '/v1/gamma/metadata/team-a/one', key),
    vaultRequest('GET', '/v1/gamma/team-a/one', key),
    vaultRequest('GET', '/v1/gamma/metadata/?list=true', key),
    vaultRequest('GET', '/v1/sys/mounts', key),
    vaultRequest('GET', '/v1/secrets', key),
    vaultRequest('GET', '/v1/names/data/none', key)
  ],
  hidden: {
    entries: [...BESIDES, 'm: alpha', 'm: { store: alpha, version: 1 }', 'm: "secrets:"'].map(
      vaultEntry
    ),
    besides: BESIDES.map(vaultEntry),
    requests: hiddenVault
  },
  credentials: (key) => [
    ['X-Vault-Token', key],
    ['Authorization', `Bearer ${key}`]
  ],
  withoutKey: ({ store, path }) => ({
    method: 'GET',
    target: `/v1/${store}/data/${path}`,
    headers: []
  }),
  statuses: { forbidden: 403, missing: 404, badKey: 403, twoKeys: 400, throttled: 429 },
  isOwnError: isVaultError
}

export const DOORS: readonly DoorSubject[] = [vault, aws, awsAgent, dapr]

export interface OpenedDoor extends TestApp {
  readonly port: number
  readonly speak: (spoken: Spoken | Promise<Spoken>) => Promise<Answered>
  /** Bytes as they stand. */
  readonly send: (text: string) => Promise<readonly Answered[]>
}

const written = ({ method, target, headers, body }: Spoken): string => {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    'X-Request-Id: same',
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`])
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body === undefined ? '' : Buffer.from(body).toString('latin1')}`
}

/** The service with this door alone, listening. */
export const openDoor = async (
  t: Test,
  { entry, sign = async (spoken) => spoken }: Pick<DoorSubject, 'entry' | 'sign'>,
  options: TestAppOptions
): Promise<OpenedDoor> => {
  const yaml = `${options.yaml}\ndoors:\n  - ${entry}\n`
  const built = await buildTestApp(t, { ...options, yaml })
  const listening = built.app.listeners.at(-1)
  if (listening === undefined) throw new Error('there is no listener')
  await listening.server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = listening.server.server.address() as AddressInfo
  const send = async (text: string): Promise<readonly Answered[]> => {
    const answers = answersIn((await exchange(port, text)).text)
    const decoded = (body: string): string => Buffer.from(body, 'latin1').toString()
    return answers.map((answer) => ({ ...answer, body: decoded(answer.body) }))
  }
  return {
    ...built,
    port,
    send,
    speak: async (spoken) => {
      const [answer] = await send(written(await sign(await spoken, built.keyring)))
      if (answer === undefined) throw new Error('there is no answer')
      return answer
    }
  }
}
