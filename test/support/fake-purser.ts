/**
 * A service as `purser run` meets it: secrets, listings, events and logins over HTTP, well or badly. Rule: what it answers
 * is what the real one does (test/e2e/run.test.ts has that one); what a test changes is data.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { createClient } from '../../src/cli/client.ts'
import { createPurser, type Purser } from '../../src/cli/run/purser.ts'
import type { Session } from '../../src/cli/run/session.ts'
import { createStreams } from '../../src/cli/run/streams.ts'
import { PROBLEMS, type ProblemCode } from '../../src/core/problem.ts'
import { listen } from './wire.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly key: string | undefined
  readonly lastId: string | undefined
  readonly body: string
}

export type FakeSecret =
  | string
  | { readonly data: string }
  | { readonly base64: string }
  | { readonly problem: ProblemCode }

export interface FakePurser {
  readonly url: string
  readonly secrets: Map<string, FakeSecret>
  readonly asked: Asked[]
  readonly streams: Set<ServerResponse>
  /** Keys that are accepted; all if undefined. */
  keys: Set<string> | undefined
  /** What every request is answered with instead. */
  failure: { readonly code: ProblemCode; readonly retryAfter?: number } | 'reset' | undefined
  pageSize: number
  /** Of a login: the n-th from 1. */
  login: (n: number, form: URLSearchParams) => { key: string; seconds: number } | undefined
  readonly tell: (event: string) => void
  readonly count: (path: string) => number
}

const problem = (code: ProblemCode) => ({ code, status: PROBLEMS[code].status, title: 'x' })

const fail = (response: ServerResponse, code: ProblemCode, retryAfter?: number): void => {
  const headers = { 'content-type': 'application/problem+json' }
  response.writeHead(PROBLEMS[code].status, {
    ...headers,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) })
  })
  response.end(JSON.stringify(problem(code)))
}

const resultOf = (ref: string, secret: FakeSecret | undefined): string => {
  const name = `"ref":${JSON.stringify(ref)}`
  if (typeof secret === 'string') return `{${name},"status":200,"value":${JSON.stringify(secret)}}`
  if (secret === undefined || 'problem' in secret) {
    const { status, ...rest } = problem(secret?.problem ?? 'access_denied')
    return `{${name},"status":${status},"problem":${JSON.stringify({ status, ...rest })}}`
  }
  if ('data' in secret) return `{${name},"status":200,"version":"1","data":${secret.data}}`
  return `{${name},"status":200,"value":"${secret.base64}","encoding":"base64"}`
}

const send = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(text)
}

const sendList = (fake: FakePurser, { query }: Asked, response: ServerResponse): void => {
  const prefix = query.get('prefix') ?? ''
  const from = Number(query.get('cursor') ?? 0)
  const below = [...fake.secrets].filter(([ref]) => ref.startsWith(prefix))
  const results = below.slice(from, from + fake.pageSize).map(([ref, one]) => resultOf(ref, one))
  const next = from + fake.pageSize < below.length ? `,"cursor":"${from + fake.pageSize}"` : ''
  send(response, `{"results":[${results.join(',')}]${next}}`)
}

const openStream = (fake: FakePurser, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('retry: 3000\n\n: heartbeat\nid: first\n\n')
  fake.streams.add(response)
  response.once('close', () => fake.streams.delete(response))
}

const logIn = (fake: FakePurser, { path, body }: Asked, response: ServerResponse): void => {
  const given = fake.login(fake.count(path), new URLSearchParams(body))
  if (given === undefined) {
    fail(response, 'invalid_api_key')
    return
  }
  const { key, seconds } = given
  const scope = 'aura-services:secrets'
  send(response, JSON.stringify({ access_token: key, expires_in: seconds, scope }))
}

const sendBatch = (fake: FakePurser, { query }: Asked, response: ServerResponse): void => {
  const results = query.getAll('ref').map((ref) => resultOf(ref, fake.secrets.get(ref)))
  send(response, `{"results":[${results.join(',')}]}`)
}

const handle = (fake: FakePurser, asked: Asked, response: ServerResponse): void => {
  const { failure, keys } = fake
  if (failure === 'reset') response.destroy()
  else if (failure !== undefined) fail(response, failure.code, failure.retryAfter)
  else if (asked.path === '/v1/auth/token') logIn(fake, asked, response)
  else if (keys?.has(asked.key ?? '') === false) fail(response, 'invalid_api_key')
  else if (asked.path === '/v1/events') openStream(fake, response)
  else if (asked.query.has('prefix')) sendList(fake, asked, response)
  else sendBatch(fake, asked, response)
}

const recordOf = async (request: IncomingMessage): Promise<Asked> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
  return {
    method: request.method ?? '',
    path: pathname,
    query: searchParams,
    key: request.headers.authorization?.replace('Bearer ', ''),
    lastId: request.headers['last-event-id']?.toString(),
    body: Buffer.concat(parts).toString()
  }
}

export const startFakePurser = async (t: Pick<Test, 'teardown'>): Promise<FakePurser> => {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void recordOf(request).then((one) => {
      asked.push(one)
      handle(fake, one, response)
    })
  })
  const streams: FakePurser['streams'] = new Set()
  const fake: FakePurser = {
    url: `http://127.0.0.1:${await listen(t, server)}`,
    secrets: new Map(),
    asked,
    streams,
    keys: undefined,
    failure: undefined,
    pageSize: 100,
    login: () => undefined,
    tell: (event) => {
      for (const stream of streams) stream.write(event)
    },
    count: (path) => asked.filter((one) => one.path === path).length
  }
  return fake
}

/** As the service writes it. */
export const changedEvent = (ref: string, id: string): string =>
  `event: changed\ndata: ${JSON.stringify({ ref })}\nid: ${id}\n\n`

/** As `purser run` asks it. */
export const purserOf = async ({ url }: FakePurser, session: Session): Promise<Purser> =>
  createPurser({
    client: await createClient({ url }),
    openStream: await createStreams({ url }),
    session
  })
