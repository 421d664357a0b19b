/**
 * The built program as a process of its own: black box, in a folder of its own, with nothing of this process's environment
 * but PATH. Rule: a process ends with its test, by its own handle.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, type Keyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import type { KeyRequest } from '../../src/keys/api-key.ts'
import { putSecret } from '../../src/kinds/local/store.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { createDirectory } from './embedded.ts'
import { issueKey as issueSome, randomSecret } from './keys.ts'

export const PROGRAM = fileURLToPath(new URL('../../src/cli/purser.js', import.meta.url))
const PATIENCE_MS = 120_000

type Variables = Readonly<Record<string, string>>

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  /** Resolves with the match once stdout has one; rejects if the process ends before. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

export interface Start {
  readonly env?: Variables
  /** What stands on standard input. */
  readonly input?: string | Buffer
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[]
  /** A command that becomes the one behind it, as setpriv does. */
  readonly under?: readonly string[]
  /** Of another version; absent: this one. */
  readonly program?: string
}

export const startPurser = (
  t: Pick<Test, 'teardown'>,
  folder: string,
  args: readonly string[],
  { env = {}, input = '', nodeOptions = [], under = [], program = PROGRAM }: Start = {}
): Running => {
  // tap puts a loader of its own into NODE_OPTIONS of every process that is spawned: env(1) takes it out again, which
  // makes the start twice as fast and the process the one that users have. It becomes the program, under its own pid.
  const node = ['env', '-u', 'NODE_OPTIONS', process.execPath, ...nodeOptions]
  const [command = '', ...rest] = [...under, ...node, '--', program, ...args]
  const child = spawn(command, rest, {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env }
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })

  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clearTimeout(timer)
        child.stdout.off('data', look)
        done()
      }
      const fail = (why: string): void =>
        settle(() => reject(new Error(`${why} ${pattern}: ${output.stdout}${output.stderr}`)))
      const look = (): void => {
        const match = pattern.exec(output.stdout)
        if (match !== null) settle(() => resolve(match))
      }
      const timer = setTimeout(() => fail('the process did not say'), PATIENCE_MS)
      child.stdout.on('data', look)
      child.once('close', () => fail('the process ended and did not say'))
      look()
    })

  return { child, output, says, ended }
}

export const runPurser = (
  t: Pick<Test, 'teardown'>,
  folder: string,
  args: readonly string[],
  start?: Start
): Promise<Ended> => startPurser(t, folder, args, start).ended

/**
 * A command on a Redis, again where the machine was too busy for it to be answered within its second; without the note that it
 * prints where services could not be told in time.
 */
export const runOnRedis = async (
  t: Test,
  folder: string,
  args: readonly string[],
  start?: Start
): Promise<Ended> => {
  for (let attempt = 0; ; attempt++) {
    const ended = await runPurser(t, folder, args, start)
    if (attempt < 5 && ended.stderr.includes('does not answer (TIMEOUT)')) continue
    return { ...ended, stderr: ended.stderr.replace(/^Note: running services [^\n]*\n/m, '') }
  }
}

/** Starts `purser serve` and waits until it listens; `url` is scheme, host and port. */
export const serve = async (
  t: Pick<Test, 'teardown'>,
  folder: string,
  env: Variables = {},
  under: readonly string[] = [],
  program = PROGRAM
): Promise<Running & { readonly url: string }> => {
  const running = startPurser(t, folder, ['serve'], { env, under, program })
  const [, url = ''] = await running.says(/Server listening at (http[^"]+)/)
  return { ...running, url }
}

export const writeEnv = (folder: string, variables: Variables): void => {
  const file = join(folder, '.env')
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, lines.join(''))
  chmodSync(file, 0o600)
}

export const writeYaml = (folder: string, text: string): void =>
  writeFileSync(join(folder, 'purser.yaml'), text)

export const LOCAL_YAML = `stores:
  - name: local
    kind: local
policies:
  - client: app
    read: ["local:team/*"]
`

export interface Configured {
  readonly folder: string
  readonly variables: Variables
}

/** A folder with a configuration that serves on a free port; `variables` go into its `.env`. */
export const createConfigured = (
  t: Pick<Test, 'teardown'>,
  { yaml = LOCAL_YAML, variables = {} }: { yaml?: string; variables?: Variables } = {}
): Configured => {
  const folder = createDirectory(t)
  const all = {
    ENVIRONMENT: 'dev',
    PORT: '0',
    ENCRYPTION_KEYS: newEncryptionKey(),
    INTERNAL_SECRET: randomSecret(),
    ...variables
  }
  writeEnv(folder, all)
  writeYaml(folder, yaml)
  return { folder, variables: all }
}

/** The key ring that a command in this folder would have. */
const keyringIn = (folder: string): Keyring => {
  const text = readFileSync(join(folder, '.env'), 'utf8')
  const [, keys = ''] = /^ENCRYPTION_KEYS=(.*)$/m.exec(text) ?? []
  return createKeyring(keys.split(','))
}

/** A key of this folder, without a process for it: the tests of `key issue` have their own. */
export const issueKey = (folder: string, request: Partial<KeyRequest> = {}): Promise<string> =>
  issueSome(keyringIn(folder), 'app', 'r', request)

/** What `store put <name>:<path>` does, without a process for it. */
export const putLocal = async (
  folder: string,
  path: string,
  text: string,
  name = 'local'
): Promise<void> => {
  const state = createEmbeddedState(join(folder, 'data'))
  const sealer = createSealer(keyringIn(folder))
  const store = { name, state, sealer: () => sealer, now: Date.now }
  await putSecret(store, path, new Sensitive(text))
  await state.close()
}

export const get = (url: string, apiKey: string): Promise<Response> =>
  fetch(url, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(15_000)
  })

export const readinessOf = async (
  url: string
): Promise<{ readonly status?: string; readonly reason?: string }> =>
  (await fetch(`${url}/readyz`)).json() as Promise<{ status?: string; reason?: string }>
