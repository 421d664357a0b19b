/** The built service as a process with few descriptors and little memory, and what can be seen of it from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { issueApiKey } from '../../src/keys/api-key.ts'
import { putSecret } from '../../src/kinds/local/store.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { createCertificate } from '../../test/support/certificate.ts'

const DESCRIPTORS = 256
const HEAP_MB = 256
const PROGRAM = fileURLToPath(new URL('../../src/cli/purser.js', import.meta.url))

const YAML = `stores: [{ name: local, kind: local }]
secrets: { big: 'local:attack/0', huge: 'local:huge', small: 'local:small' }
policies:
  - { client: attacker, read: ['local:attack/*', 'local:huge'] }
  - { client: caller, read: ['local:small'] }
`

export interface Service {
  readonly name: string
  readonly port: number
  readonly isTls: boolean
  readonly issue: (client: string) => Promise<string>
  readonly isAlive: () => boolean
  /** Of its memory, in MB. */
  readonly residentMb: () => Promise<number>
  readonly descriptors: () => Promise<number>
  /** Sends SIGTERM; resolves with the exit code and after how many milliseconds it came. */
  readonly end: () => Promise<{ code: number | null; ms: number }>
  readonly output: () => string
}

const seed = async (folder: string, encryptionKey: string): Promise<void> => {
  const state = createEmbeddedState(join(folder, 'data'))
  const sealer = createSealer(createKeyring([encryptionKey]))
  const store = { name: 'local', state, sealer: () => sealer, now: Date.now }
  const put = (path: string, text: string) => putSecret(store, path, new Sensitive(text))
  for (let n = 0; n < 100; n++) await put(`attack/${n}`, 'x'.repeat(65_000))
  // Six times as long in JSON.
  await put('huge', '\u0001'.repeat(65_000))
  await put('small', 'the value')
  await state.close()
}

const portSaid = (child: ChildProcess, output: () => string): Promise<number> =>
  new Promise((resolve, reject) => {
    const look = (): void => {
      const [, port] = /Server listening at https?:\/\/127\.0\.0\.1:(\d+)/.exec(output()) ?? []
      if (port !== undefined) resolve(Number(port))
    }
    child.stdout?.on('data', look)
    child.once('close', () => reject(new Error(`the service did not start: ${output()}`)))
  })

export const startService = async (name: string, isTls: boolean): Promise<Service> => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-attack-'))
  const encryptionKey = newEncryptionKey()
  await writeFile(join(folder, 'purser.yaml'), YAML)
  await seed(folder, encryptionKey)
  const { cert, key } = createCertificate('127.0.0.1')
  await writeFile(join(folder, 'tls.crt'), cert)
  await writeFile(join(folder, 'tls.key'), key)
  const env = {
    PATH: process.env['PATH'],
    ENVIRONMENT: 'dev',
    PORT: '0',
    ENCRYPTION_KEYS: encryptionKey,
    INTERNAL_SECRET: newEncryptionKey(),
    ...(isTls && { TLS_CERT_FILE: 'tls.crt', TLS_KEY_FILE: 'tls.key' })
  }
  const command = `ulimit -n ${DESCRIPTORS}; exec "$0" --max-old-space-size=${HEAP_MB} "$@"`
  const args = ['-c', command, process.execPath, PROGRAM, 'serve']
  const child = spawn('sh', args, { cwd: folder, env })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-10_000)
    })
  }
  const closed = once(child, 'close') as Promise<[number | null]>
  const port = await portSaid(child, () => text)
  const issue = async (client: string): Promise<string> => {
    const scopes = ['aura-services:secrets']
    const limits = { mode: 'r', environment: 'dev', minimumVersion: '8.3.0' } as const
    const keyring = createKeyring([encryptionKey])
    return (await issueApiKey(keyring, { client, scopes, ...limits }, Date.now())).apiKey
  }
  return {
    name,
    port,
    isTls,
    issue,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    residentMb: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
    },
    descriptors: async () => (await readdir(`/proc/${child.pid}/fd`)).length,
    end: async () => {
      const begun = performance.now()
      child.kill('SIGTERM')
      const [code] = await closed
      await rm(folder, { recursive: true, force: true })
      return { code, ms: performance.now() - begun }
    },
    output: () => text
  }
}
