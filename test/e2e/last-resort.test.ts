/** How the service ends by what nobody foresaw. Rule: with a line that says so, and with nothing of what it held, on its output or on the disk. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test, test } from 'tap'
import { createCanary } from '../support/canary.ts'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  startPurser
} from '../support/purser-process.ts'

tap.jobs = 2
const beside = { buffered: true }

/** An error as a careless library makes it, with the secret wherever one can hang. */
const careless = (secret: string): string => `
const secret = ${JSON.stringify(secret)}
const error = new Error('rejected ' + secret, { cause: new Error(secret) })
Object.assign(error, {
  code: secret,
  config: { headers: { authorization: 'Bearer ' + secret } },
  response: { data: Buffer.from(secret), text: [secret] }
})
`

/** A service that has read the secret, and does what the script says once it gets SIGUSR2. */
const serveWith = async (
  t: Test,
  script: (secret: string) => string,
  nodeOptions: readonly string[] = []
) => {
  const canary = createCanary()
  const { folder } = createConfigured(t)
  await putLocal(folder, 'team/a', canary.token)
  const preload = join(folder, 'preload.mjs')
  writeFileSync(preload, `process.on('SIGUSR2', () => {${script(canary.token)}})`)
  const options = { nodeOptions: ['--import', preload, ...nodeOptions] }
  const { child, ended, says } = startPurser(t, folder, ['serve'], options)
  const [, url = ''] = await says(/Server listening at (http[^"]+)/)
  const answer = await get(`${url}/v1/secrets?ref=local:team/a`, await issueKey(folder))
  t.equal(((await answer.json()) as { value: string }).value, canary.token)
  const before = readdirSync(folder)
  child.kill('SIGUSR2')
  const { code, signal, stdout, stderr } = await ended
  t.same(canary.findIn(stdout + stderr), [], 'nothing on the output')
  // What the kernel writes is bounded by its own setting, which purser doctor looks at.
  const files = readdirSync(folder).filter((name) => !before.includes(name) && !/^core/.test(name))
  t.strictSame(files, [], 'no report, no snapshot of the heap')
  return { code, signal, stdout, stderr }
}

const FAILURES: Readonly<Record<string, string>> = {
  'a rejection that nobody handles': 'Promise.reject(error)',
  'an exception that nobody catches': 'setImmediate(() => { throw error })',
  'a rejection with a text': 'Promise.reject(secret)',
  'an exception that is an object': 'setImmediate(() => { throw { secret, error } })'
}

for (const [what, act] of Object.entries(FAILURES)) {
  test(`${what} ends the service with a line that holds nothing of it`, beside, async (t) => {
    const { code, stdout, stderr } = await serveWith(t, (secret) => `${careless(secret)}${act}`)
    t.equal(code, 1)
    const [line = '{}'] = /^\{.*an unexpected failure.*$/m.exec(stdout) ?? []
    t.match(JSON.parse(line), { level: 'fatal', msg: 'an unexpected failure: the service stops' })
    t.equal(stderr, '')
  })
}

test('a service that runs out of memory writes nothing of what it held', beside, async (t) => {
  const fill = (secret: string): string => `
    const kept = []
    for (;;) kept.push((${JSON.stringify(secret)} + kept.length).split(''))
  `
  const { code, signal, stderr } = await serveWith(t, fill, ['--max-old-space-size=128'])
  t.ok(signal === 'SIGABRT' || code === 134, `${signal} ${code}`)
  t.match(stderr, /heap out of memory/)
})
