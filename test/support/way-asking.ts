/** How a secret is asked for by a way, and the configuration by which it can be. */
import type { TestApp } from './build-app.ts'
import { type Path, runs } from './way-steps.ts'

/** A secret, as it may be asked for. */
export interface Asked {
  readonly ref: string
  readonly store: string
  readonly path: string
  readonly field: string | undefined
  readonly version: string
  /** Of `secrets:`, if it has one. */
  readonly name?: string | undefined
  /** Of the bot, the provider and the channel that have the reference, if there are any. */
  readonly object?: string | undefined
}

/** Who asks, with whatever of it a way looks at. */
export interface Asker {
  readonly client: string
  readonly key?: string | undefined
  readonly internalSecret?: string | undefined
}

export interface Told {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, unknown>>
}

/** Resolves with undefined where that secret cannot be asked for so. */
export type Ask = (app: TestApp, who: Asker, asked: Asked) => Promise<Told | undefined>

interface Question {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: object
}

interface Result {
  readonly ref: string
  readonly status: number
}

export interface Asking {
  readonly question: (asked: Asked, client: string) => Question | undefined
  readonly keyIn?: 'x-api-key'
  /** Of an answer with several results, the secret's own; none is a refusal. */
  readonly resultFor?: (asked: Asked, results: readonly Result[]) => Result | undefined
  /** The answer stays open: what it says first is told. */
  readonly isStream?: true
}

/** Where a path stands, as a prefix. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)

export const get = (url: string, headers: Question['headers'] = {}): Question => ({
  method: 'GET',
  url,
  headers
})

export const post = (url: string, payload?: object): Question => ({
  method: 'POST',
  url,
  ...(payload && { payload })
})

const send = async ({ app }: TestApp, question: Question): Promise<Told> => {
  const { statusCode: status, body, headers } = await app.server.inject(question)
  return { status, body, headers }
}

const openStream = async ({ app }: TestApp, question: Question): Promise<Told> => {
  const answer = await app.server.inject({ ...question, payloadAsStream: true })
  const { statusCode: status, headers } = answer
  let body = ''
  for await (const chunk of answer.stream()) {
    body += chunk
    if (status === 200) break
  }
  // A key has only so many streams: the caller hangs up.
  answer.raw.res.destroy()
  return { status, body, headers }
}

/** Of who asks, what the path looks at and nothing else. */
const credentialsOf = (
  path: Path,
  { key, internalSecret }: Asker,
  keyIn: Asking['keyIn']
): Record<string, string> => ({
  ...(key !== undefined &&
    runs(path, 'key') &&
    (keyIn === undefined ? { authorization: `Bearer ${key}` } : { [keyIn]: key })),
  ...(internalSecret !== undefined &&
    runs(path, 'internal secret') && { 'x-internal-secret': internalSecret })
})

export const createAsk =
  (path: Path, { question, keyIn, resultFor, isStream }: Asking): Ask =>
  async (app, who, asked) => {
    const wanted = question(asked, who.client)
    if (wanted === undefined) return undefined
    const headers = { ...credentialsOf(path, who, keyIn), ...wanted.headers }
    const told = await (isStream ? openStream : send)(app, { ...wanted, headers })
    if (resultFor === undefined || told.status !== 200) return told
    return { ...told, status: resultFor(asked, JSON.parse(told.body).results)?.status ?? 403 }
  }

/** As they stand in a key; with all of them it is let in by every way. */
export const SCOPES = ['aura-services:secrets', 'aura-services:bots', 'aura-services:token']

/** The configuration that gives each secret its bot, provider and channel. */
export const objectsFor = (all: readonly Asked[], endpoint: string): string => {
  const each = all.flatMap(({ ref, object: name }) => (name === undefined ? [] : [{ ref, name }]))
  const credentials = (ref: string) => ({ credentialsSecrets: { secret: ref } })
  const channel = { endpoint, trustedOrigins: [] }
  return [
    ['providers', each.map(({ ref, name }) => ({ name, ...credentials(ref) }))],
    ['bots', each.map(({ ref, name }) => ({ name, provider: name, ...credentials(ref) }))],
    ['channels', each.map(({ ref, name }) => ({ name, secrets: [ref], ...channel }))]
  ]
    .map(([kind, objects]) => `${kind}: ${JSON.stringify(objects)}`)
    .join('\n')
}
