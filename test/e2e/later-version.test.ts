/** What a later version has written is refused with a sentence, and stays as it is. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createKeyring } from '../../src/crypto/keyring.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { createRedisState } from '../../src/state/redis-state.ts'
import type { State } from '../../src/state/state.ts'
import { createDirectory } from '../support/embedded.ts'
import { createConfigured, issueKey, putLocal, runPurser } from '../support/purser-process.ts'
import { skipWithoutRedis, startRedis } from '../support/redis.ts'

const TAKEN_OVER =
  /he state was taken over by a later version of Purser \(its format is 2, this version knows 1\): run that version, or restore a backup from before\.\n$/

const entriesOf = async (state: State): Promise<string[]> => {
  const entries: string[] = []
  for await (const { key, value } of state.list('')) entries.push(`${key} ${value.toString('hex')}`)
  return entries
}

const takeOver = async (state: State): Promise<string[]> => {
  await state.compareAndSet('state/format', undefined, Buffer.from('2'))
  return await entriesOf(state)
}

const isRefused = async (
  t: Test,
  folder: string,
  commands: readonly (readonly string[])[]
): Promise<void> => {
  for (const args of commands) {
    const refused = await runPurser(t, folder, args, { input: 'x' })
    t.match(refused, { code: 1, stderr: TAKEN_OVER }, args.join(' '))
    t.notMatch(refused.stdout, /Server listening/)
  }
}

const KEY_ID = '33333333-3333-4333-8333-333333333333'

const ofKeys = async (folder: string): Promise<string[][]> => {
  const file = join(folder, 'key')
  writeFileSync(file, await issueKey(folder))
  return [
    ['key', 'revoke', KEY_ID],
    ['key', 'revoke', '--issued', KEY_ID],
    ['key', 'inspect', file]
  ]
}

test('A DATA_DIR that a later version has taken over is served and changed by nobody else', async (t) => {
  const { folder } = createConfigured(t)
  await putLocal(folder, 'team/a', 'one')
  const open = (): State => createEmbeddedState(join(folder, 'data'))
  const before = open()
  const entries = await takeOver(before)
  await before.close()
  await isRefused(t, folder, [
    ['serve'],
    ['store', 'put', 'local:team/a'],
    ['store', 'get', 'local:team/a'],
    ['store', 'rewrap'],
    ['backup', 'safe'],
    ['config', 'check'],
    ['audit', 'verify'],
    ...(await ofKeys(folder))
  ])
  const after = open()
  t.strictSame(await entriesOf(after), entries)
  await after.close()
})

test('So is a Redis', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  const { folder, variables } = createConfigured(t, { variables: { REDIS_URL: redis.url } })
  const keyring = createKeyring([variables['ENCRYPTION_KEYS'] ?? ''])
  const place = { address: redis.address, prefix: 'purser:', keyring: () => keyring }
  const state = createRedisState(place)
  t.teardown(() => state.close())
  const entries = await takeOver(state)
  await isRefused(t, folder, [
    ['serve'],
    ['store', 'put', 'local:team/a'],
    ['config', 'check'],
    ...(await ofKeys(folder))
  ])
  const withoutKeys = await runPurser(t, createDirectory(t), ['key', 'revoke', KEY_ID], {
    env: { REDIS_URL: redis.url }
  })
  t.match(withoutKeys, { code: 1, stdout: '', stderr: TAKEN_OVER }, 'without an encryption key')
  t.strictSame(await entriesOf(state), entries)
})

test('Of a trail in a later format verify says so, and does not call it right', async (t) => {
  const { folder } = createConfigured(t)
  await runPurser(t, folder, ['store', 'put', 'local:team/a'], { input: 'x' })
  const trail = join(folder, 'data', 'audit')
  const [day = ''] = readdirSync(trail)
  const file = join(trail, day)
  const [head = ''] = readFileSync(file, 'utf8').split('\n')
  appendFileSync(file, `${head.replace('"format":1', '"format":2')}\n`)
  const verified = await runPurser(t, folder, ['audit', 'verify'])
  t.equal(verified.code, 1, 'whoever claims another format hides nothing by it')
  t.match(verified.stdout, /^other format {2}\S+\.jsonl {2}says that another version wrote it/m)
})
