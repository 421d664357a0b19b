/**
 * AWS Secrets Manager at the wire, for loads: any store of kind aws-secrets-manager finds it by its `endpoint`. Rule: it
 * counts every value that is asked of it, when it was asked, and says what it is told to say, from then on, to everyone.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { answer, arnOf, error } from '../kinds/aws/fake.ts'
import { listen, type WireAnswer } from './wire.ts'

export type Saying =
  /** `afterMs` later; what is said is what held when it was asked. */
  | { readonly is: 'found'; readonly afterMs?: number }
  | { readonly is: 'not found' | 'denied' | 'failing' | 'silent' }
  | { readonly is: 'throttled'; readonly retryAfter?: number }

export interface CountingStore {
  readonly url: string
  /** How often the value was asked for, of one path or of all. */
  readonly calls: (path?: string) => number
  /** When values were asked for, in milliseconds since the epoch, in order. */
  readonly times: () => readonly number[]
  /** Everything that was asked of it, by AWS's names, in order. */
  readonly operations: () => readonly string[]
  readonly forget: () => void
  /** For that path, or (without one) for all that have no saying of their own, the listing too. */
  readonly say: (saying: Saying, path?: string) => void
  /** There is a newer version from now on. */
  readonly raise: (path: string) => void
  /** What it holds now. */
  readonly textOf: (path: string) => string
}

export interface CountingStoreOptions {
  /** What a version of a secret says; the path and the version, unless told otherwise. */
  readonly text?: (path: string, version: number) => string
  /** What a listing has: nothing, unless told otherwise. */
  readonly listed?: readonly string[]
}

interface AwsRequest {
  readonly SecretId?: string
  readonly SecretIdList?: readonly string[]
}

const bodyOf = async (request: IncomingMessage): Promise<AwsRequest> => {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return JSON.parse(body)
}

/** A version's id looks like AWS's: 36 characters, and the same for the same version. */
const versionIdOf = (path: string, version: number): string =>
  createHash('sha256')
    .update(`${path} ${version}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')

const FAULTS: Readonly<Record<'not found' | 'denied' | 'failing', WireAnswer>> = {
  'not found': error('ResourceNotFoundException', 'no such secret'),
  denied: error('AccessDeniedException', 'not for you'),
  failing: { ...error('InternalServiceError', 'out of order'), status: 500 }
}

const send = (response: ServerResponse, { status, headers, body }: WireAnswer): void => {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

const throttled = (retryAfter: number | undefined): WireAnswer => {
  const { headers, ...rest } = error('ThrottlingException', 'slow down')
  const hint: Record<string, string> =
    retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }
  return { ...rest, headers: { ...headers, ...hint } }
}

/** Starts it for as long as the test runs; at first everything is found, in its first version. */
export const startCountingStore = async (
  t: Test,
  { text = (path, version) => `${path} v${version}`, listed = [] }: CountingStoreOptions = {}
): Promise<CountingStore> => {
  const counts = new Map<string, number>()
  const times: number[] = []
  const operations: string[] = []
  const versions = new Map<string, number>()
  const sayings = new Map<string, Saying>()
  let general: Saying = { is: 'found' }

  const versionOf = (path: string): number => versions.get(path) ?? 1
  const textOf = (path: string): string => text(path, versionOf(path))
  const secretOf = (path: string) => ({
    ARN: arnOf(path),
    Name: path,
    VersionId: versionIdOf(path, versionOf(path)),
    VersionStages: ['AWSCURRENT'],
    SecretString: textOf(path)
  })
  const count = (path: string): void => {
    counts.set(path, (counts.get(path) ?? 0) + 1)
    times.push(Date.now())
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { SecretId, SecretIdList } = await bodyOf(request)
    const operation = request.headers['x-amz-target']?.toString()
    operations.push(operation?.replace('secretsmanager.', '') ?? '')
    const paths = SecretIdList ?? (SecretId === undefined ? [] : [SecretId])
    const isRead =
      operation === 'secretsmanager.GetSecretValue' ||
      operation === 'secretsmanager.BatchGetSecretValue'
    if (isRead) for (const path of paths) count(path)
    const saying = (SecretId !== undefined && sayings.get(SecretId)) || general
    switch (saying.is) {
      case 'silent':
        return
      case 'throttled':
        return send(response, throttled(saying.retryAfter))
      case 'found': {
        const values = paths.map(secretOf)
        const found =
          SecretIdList !== undefined
            ? { SecretValues: values, Errors: [] }
            : isRead
              ? values[0]
              : { SecretList: listed.map((path) => ({ ARN: arnOf(path), Name: path })) }
        if (saying.afterMs !== undefined) await sleep(saying.afterMs)
        return send(response, answer(200, found))
      }
      default:
        return send(response, FAULTS[saying.is])
    }
  }

  const port = await listen(t, createServer(handle))
  return {
    url: `http://127.0.0.1:${port}`,
    calls: (path) => (path === undefined ? times.length : (counts.get(path) ?? 0)),
    times: () => times,
    operations: () => operations,
    forget: () => {
      counts.clear()
      operations.length = 0
      times.length = 0
    },
    say: (saying, path) => {
      if (path === undefined) general = saying
      else sayings.set(path, saying)
    },
    raise: (path) => void versions.set(path, versionOf(path) + 1),
    textOf
  }
}
