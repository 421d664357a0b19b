// `purser run --watch` as it is built, with the service as it is built and a moto behind it: a rotation, and everything that
// may go wrong on its way to the program.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient
} from '@aws-sdk/client-secrets-manager'
import { type Test, test } from 'tap'
import { createDirectory } from '../support/embedded.ts'
import { isInstalled, skipWithout, startPeer } from '../support/peers.ts'
import { createConfigured, issueKey, serve, startPurser } from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const CREDENTIALS = { accessKeyId: 'x', secretAccessKey: 'x' }
const GROUP = 'acme-pro-appsec'

/** A program that writes down what it has, at its start and at each HUP, and that it was told to end. */
const PROGRAM = `
trap 'echo "end" >> "$0"; exit 0' TERM
trap 'echo "hup $(cat "$FOLDER"/* | tr "\\n" " ")" >> "$0"' HUP
if [ -n "$FOLDER" ]; then echo "start $(cat "$FOLDER"/* | tr "\\n" " ")" >> "$0"; else echo "start $A $B" >> "$0"; fi
while :; do sleep 0.02; done`

const startService = async (t: Test) => {
  const moto = await startPeer(t, 'moto')
  const aws = new SecretsManagerClient({
    region: 'eu-west-1',
    endpoint: moto.url,
    credentials: CREDENTIALS
  })
  t.teardown(() => aws.destroy())
  const names = ['A', 'B'].map((name) => `${GROUP}/${name}`)
  for (const Name of names) await aws.send(new CreateSecretCommand({ Name, SecretString: 'one' }))
  const storeDoor = await startTcpProxy(t, moto.port)
  const endpoint = `http://127.0.0.1:${storeDoor.port}`
  const yaml = `stores:
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: "${endpoint}" }
policies:
  - { client: app, read: ["aws:${GROUP}/*"] }
`
  const variables = {
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_EC2_METADATA_DISABLED: 'true'
  }
  const { folder, variables: all } = createConfigured(t, { yaml, variables })
  const keyFile = join(folder, 'app.key')
  writeFileSync(keyFile, await issueKey(folder), { mode: 0o600 })
  const put = async (name: string, SecretString: string): Promise<void> => {
    await aws.send(new PutSecretValueCommand({ SecretId: `${GROUP}/${name}`, SecretString }))
  }
  const tell = async (url: string, ...paths: string[]): Promise<void> => {
    const answer = await fetch(`${url}/internal/events/aws`, {
      method: 'POST',
      headers: {
        'x-internal-secret': all['INTERNAL_SECRET'] ?? '',
        'content-type': 'application/json'
      },
      body: JSON.stringify({ paths: paths.map((path) => `${GROUP}/${path}`) })
    })
    if (answer.status !== 200) throw new Error(`the event was answered with ${answer.status}`)
  }
  return { folder, keyFile, put, tell, storeDoor }
}

/** The service behind a door that can be shut, and a program that runs. */
const startRun = async (
  t: Test,
  options: readonly string[],
  env: Readonly<Record<string, string>> = {}
) => {
  const service = await startService(t)
  const { url } = await serve(t, service.folder)
  const door = await startTcpProxy(t, Number(new URL(url).port))
  const file = join(createDirectory(t), 'said')
  const said = (): string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
  const args = ['run', ...options, '--', 'sh', '-c', PROGRAM, file]
  const running = startPurser(t, createDirectory(t), args, {
    env: { ...env, PURSER_URL: `http://127.0.0.1:${door.port}`, PURSER_KEY_FILE: service.keyFile }
  })
  // Killed, it would leave its program behind.
  t.teardown(async () => {
    running.child.kill('SIGTERM')
    await running.ended
  })
  await eventually(() => said().length === 1)
  const { put, storeDoor } = service
  return {
    running,
    said,
    put,
    door,
    storeDoor,
    tell: (...paths: string[]) => service.tell(url, ...paths)
  }
}

const BOTH = ['--env', `A=aws:${GROUP}/A`, '--env', `B=aws:${GROUP}/B`, '--watch', 'restart']

test('a rotation reaches the program within 2 seconds of the event, once, with all of its values', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { running, said, put, tell } = await startRun(t, BOTH)
  t.strictSame(said(), ['start one one'])
  await put('A', 'two')
  await put('B', 'two')
  const told = performance.now()
  await Promise.all([tell('A'), tell('B')])
  await tell('A', 'B')
  await eventually(() => said().length === 3)
  const ms = performance.now() - told
  t.strictSame(said(), ['start one one', 'end', 'start two two'])
  t.ok(ms < 2_000, `${ms} ms`)
  t.comment(`from the event to the new program: ${ms.toFixed(0)} ms`)
  // A value that is the same, and then a change: had the first done something, it would stand before the second.
  await tell('A')
  await put('B', 'three')
  await tell('B')
  await eventually(() => said().length === 5)
  t.strictSame(said().slice(3), ['end', 'start two three'])
  running.child.kill('SIGTERM')
  t.match(await running.ended, { code: 0, stdout: '', stderr: '' })
  t.equal(said().at(-1), 'end')
})

test('while one of the values cannot be read, the program keeps what it has', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { running, said, put, tell, storeDoor } = await startRun(t, BOTH)
  await put('A', 'two')
  await storeDoor.set({ is: 'refused' })
  await tell('A')
  await eventually(() => running.output.stderr.includes('keeps what it has'))
  t.match(
    running.output.stderr,
    /^purser run: The program keeps what it has: aws:acme-pro-appsec\/[AB]: store_/
  )
  t.strictSame(said(), ['start one one'])
  await storeDoor.set({ is: 'open' })
  await eventually(() => said().length === 3)
  t.strictSame(said(), ['start one one', 'end', 'start two one'])
})

test('a service that was away ends no program, and what changed meanwhile reaches it', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { running, said, put, tell, door } = await startRun(t, BOTH)
  await eventually(() => door.accepted() >= 2)
  await door.set({ is: 'refused' })
  await eventually(() => running.output.stderr.includes('Changes are not heard of'))
  await put('B', 'two')
  await tell('B')
  t.strictSame(said(), ['start one one'])
  await door.set({ is: 'open' })
  await eventually(() => said().length === 3)
  t.strictSame(said(), ['start one one', 'end', 'start one two'])
  t.equal(running.child.exitCode, null)
})

test('a group in files is replaced before the program hears of it by a signal, and goes with it', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const folder = `/dev/shm/purser-test-${process.pid}`
  const group = [
    '--all-below',
    `aws:${GROUP}/`,
    '--as',
    'files',
    '--into',
    folder,
    '--watch',
    'signal:HUP'
  ]
  const { running, said, put, tell } = await startRun(t, group, { FOLDER: folder })
  t.match(said()[0], /^start one ?one/)
  await put('A', 'two')
  await put('B', 'three')
  await tell('A', 'B')
  await eventually(() => said().length === 2)
  t.match(said()[1], /^hup two ?three/)
  await tell('A')
  await put('A', 'four')
  await tell('A')
  await eventually(() => said().length === 3)
  t.match(said()[2], /^hup four ?three/)
  running.child.kill('SIGTERM')
  t.match(await running.ended, { code: 0 })
  t.notOk(existsSync(folder))
})
