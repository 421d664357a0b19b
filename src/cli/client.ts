/**
 * A service that is asked over HTTP, for commands that run where the service does not. Rule: one origin, TLS verified with
 * the public authorities or those of PURSER_CA_FILE, no redirect, no proxy, a deadline for every answer and a bound for its
 * size; what a failure says is a sentence for the person who typed.
 */

import { ProviderFault } from '../core/fault.ts'
import { pemOfFile } from '../core/file-text.ts'
import { asJson } from '../core/json.ts'
import { isLoopback } from '../core/network.ts'
import { readFileBytes } from '../files/read.ts'
import { createTransport } from '../kinds/shared/http-transport.ts'
import { CommandFailure, usageFailure } from './failure.ts'

/** PURSER_CLIENT_CERT_FILE and PURSER_CLIENT_KEY_FILE, both PEM. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface ClientOptions {
  /** PURSER_URL, perhaps with a path. */
  readonly url: string
  /** PURSER_CA_FILE: PEM of the only authorities to trust. */
  readonly caFile?: string | undefined
  /** Shown to a service that asks for one (TLS_CLIENT_CA_FILE). Read for each request: whoever mounts it renews it. */
  readonly certificate?: CertificateFiles | undefined
  readonly deadlineMs?: number
}

export interface Answer {
  readonly status: number
  /** What the body says, if it is JSON. */
  readonly json: unknown
  readonly text: string
  /** In seconds, as the service asks. */
  readonly retryAfter: number | undefined
}

export interface Asked {
  readonly key?: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Client {
  /** An answer of any status. Rejects with a CommandFailure where there is none. */
  readonly request: (method: string, path: string, asked?: Asked) => Promise<Answer>
  readonly close: () => void
}

/** `status` 0: there was no answer. */
export class RefusedByService extends CommandFailure {
  readonly status: number
  readonly retryAfter: number | undefined

  constructor(sentence: string, status: number, retryAfter?: number) {
    super(sentence)
    this.status = status
    this.retryAfter = retryAfter
  }

  /** The same may succeed later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

const DEADLINE_MS = 10_000
/** A batch of a hundred secrets of 64 KiB, and room. */
const LARGEST_ANSWER_BYTES = 16 * 1024 * 1024

/** Scheme, host, port and what a proxy puts before the paths. Throws a failure of usage. */
export const baseOf = (url: string): string => {
  if (!URL.canParse(url)) {
    throw usageFailure('PURSER_URL must be an address such as https://purser.example.com.')
  }
  const { protocol, hostname, origin, pathname, username, password, search, hash } = new URL(url)
  if (username || password || search || hash) {
    throw usageFailure('PURSER_URL has no user, query or fragment.')
  }
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    throw usageFailure('PURSER_URL must be an https: address: http: is for this machine alone.')
  }
  return origin + pathname.replace(/\/+$/, '')
}

const pemOf = async (name: string, path: string): Promise<string> => {
  try {
    return pemOfFile(await readFileBytes(path)).toString()
  } catch {
    throw new CommandFailure(`The file that ${name} names cannot be read.`)
  }
}

/** PEM. Rejects with a CommandFailure. */
export const authoritiesOf = async (caFile: string): Promise<string> =>
  await pemOf('PURSER_CA_FILE', caFile)

/** As Node.js takes it. Rejects with a CommandFailure. */
export const shownOf = async (files: CertificateFiles): Promise<{ cert: string; key: string }> => ({
  cert: await pemOf('PURSER_CLIENT_CERT_FILE', files.certFile),
  key: await pemOf('PURSER_CLIENT_KEY_FILE', files.keyFile)
})

const noAnswer = (error: unknown): RefusedByService => {
  const fault = error instanceof ProviderFault ? error : new ProviderFault('unavailable')
  const code = fault.code === undefined ? '' : ` (${fault.code})`
  const why = {
    timeout: 'did not answer in time',
    invalid_answer: 'gave an answer that is too large'
  } as const
  const { reason } = fault
  const said =
    reason === 'timeout' || reason === 'invalid_answer' ? why[reason] : 'cannot be reached'
  return new RefusedByService(`The service at PURSER_URL ${said}${code}.`, 0)
}

const bodyOf = ({ body, form }: Asked): { type?: string; text?: string } => {
  if (form !== undefined) {
    return {
      type: 'application/x-www-form-urlencoded',
      text: new URLSearchParams({ ...form }).toString()
    }
  }
  return body === undefined ? {} : { type: 'application/json', text: JSON.stringify(body) }
}

/** Rejects with a CommandFailure for an address or a file that cannot be. */
export const createClient = async ({
  url,
  caFile,
  certificate,
  deadlineMs = DEADLINE_MS
}: ClientOptions): Promise<Client> => {
  const base = baseOf(url)
  const { send, close } = createTransport(new URL(base).origin, {
    ...(caFile !== undefined && { ca: [await authoritiesOf(caFile)] }),
    largestAnswerBytes: LARGEST_ANSWER_BYTES
  })

  const request: Client['request'] = async (method, path, asked = {}) => {
    const { type, text: body } = bodyOf(asked)
    const tls = certificate && (await shownOf(certificate))
    const deadline = AbortSignal.timeout(deadlineMs)
    try {
      const { status, text, retryAfter } = await send({
        method,
        url: base + path,
        headers: {
          accept: 'application/json',
          ...(type !== undefined && { 'content-type': type }),
          ...(asked.key !== undefined && { authorization: `Bearer ${asked.key}` }),
          ...asked.headers
        },
        ...(body !== undefined && { body }),
        ...(tls !== undefined && { tls }),
        signal: asked.signal === undefined ? deadline : AbortSignal.any([asked.signal, deadline])
      })
      const seconds = Number(retryAfter)
      return {
        status,
        text,
        json: asJson(text),
        retryAfter: retryAfter !== undefined && seconds >= 0 ? seconds : undefined
      }
    } catch (error) {
      throw noAnswer(error)
    }
  }

  return { request, close }
}
