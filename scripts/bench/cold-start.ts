/** From the start of `purser serve`, with one local store, to its first answer with a secret. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { median, ratioTo } from './figures.ts'
import type { Options } from './options.ts'
import { type Scope, usedBy, within } from './processes.ts'
import { HERE } from './service.ts'
import { showHead, showRow } from './table.ts'

export const STARTS = 'cold start to the first answer'

const YAML = `stores: [{ name: local, kind: local }]
policies: [{ client: bench, read: ['local:bench'] }]
`

interface Installed {
  readonly name: string
  readonly program: string
  readonly folder: string
  readonly key: string
}

interface Started {
  readonly ms: number
  /** Milliseconds, of all threads. */
  readonly processor: number
  /** MB. */
  readonly rss: number
}

const environment = { PATH: process.env['PATH'] }

/** A folder with a configuration and a secret, made by the commands that users have. */
const install = async (scope: Scope, name: string, root: string): Promise<Installed> => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  scope.teardown(() => rm(folder, { recursive: true }))
  const program = resolve(root, 'build/src/cli/purser.js')
  const settings = {
    ENVIRONMENT: 'dev',
    PORT: '0',
    ENCRYPTION_KEYS: newEncryptionKey(),
    INTERNAL_SECRET: newEncryptionKey()
  }
  const lines = Object.entries(settings).map(([setting, value]) => `${setting}=${value}\n`)
  await writeFile(join(folder, '.env'), lines.join(''), { mode: 0o600 })
  await writeFile(join(folder, 'purser.yaml'), YAML)
  const run = (input: string, ...args: readonly string[]): string => {
    const options = { cwd: folder, env: environment, input, encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], options)
    if (status !== 0) throw new Error(`purser ${args[0]} ended with ${status}: ${stderr}`)
    return stdout.trim()
  }
  run('correct horse battery staple', 'store', 'put', 'local:bench')
  const key = run('', 'key', 'issue', '-s', 'aura-services:secrets', '-e', 'dev', '-a', 'bench')
  return { name, program, folder, key }
}

const statusOf = (port: string, key: string): Promise<number> =>
  new Promise((done, reject) => {
    const headers = { authorization: `Bearer ${key}` }
    const to = { host: '127.0.0.1', port, path: '/v1/secrets?ref=local:bench', headers }
    request(to, (response) => {
      response.once('end', () => done(response.statusCode ?? 0)).resume()
    })
      .once('error', reject)
      .end()
  })

const start = async ({ program, folder, key }: Installed): Promise<Started> => {
  const began = performance.now()
  const child = spawn(process.execPath, [program, 'serve'], { cwd: folder, env: environment })
  const ended = once(child, 'exit')
  // A bench that ends in the middle of everything takes it with it.
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  try {
    const port = await new Promise<string>((done, reject) => {
      let text = ''
      const look = (chunk: Buffer): void => {
        text += chunk
        const [, said] = /Server listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? []
        if (said !== undefined) done(said)
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.once('exit', () => reject(new Error(`purser serve has ended: ${text}`)))
    })
    const status = await statusOf(port, key)
    const ms = performance.now() - began
    if (status !== 200) throw new Error(`the first answer was ${status}`)
    const { processor, rss } = await usedBy(child.pid ?? 0)
    return { ms, processor: processor / 1_000, rss: rss / 1e6 }
  } finally {
    child.kill('SIGTERM')
    await ended
    process.removeListener('exit', onExit)
  }
}

export const measureStarts = ({ against, rounds }: Options): Promise<void> =>
  within(async (scope) => {
    const all = [await install(scope, STARTS, HERE)]
    if (against !== undefined) all.push(await install(scope, `${STARTS}, ${against}`, against))
    const rows = all.map((): Started[] => [])
    // The first reads the program from the disk.
    for (const one of all) await start(one)
    for (let n = 0; n < rounds; n++) {
      for (const [i, one] of all.entries()) rows[i]?.push(await start(one))
    }
    showHead('case', 'starts', 'ms', 'ratio', 'at worst', 'processor ms', 'ratio', 'RSS MB')
    for (const [i, { name }] of all.entries()) {
      const [starts = [], first = []] = [rows[i], rows[0]]
      const of = (member: keyof Started): number[] => starts.map((one) => one[member])
      const ratio = (member: keyof Started): string =>
        ratioTo(first, starts, (one) => one[member]).toFixed(2)
      showRow(
        name,
        `${rounds}`,
        median(of('ms')).toFixed(0),
        ratio('ms'),
        Math.max(...of('ms')).toFixed(0),
        median(of('processor')).toFixed(0),
        ratio('processor'),
        median(of('rss')).toFixed(0)
      )
    }
  })
