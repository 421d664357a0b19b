/**
 * The built service while its disk is full, hangs, or is taken away under a thousand reads at once: each read is recorded
 * or not disclosed, the service finds its way back by itself, and `audit verify` agrees.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createAudited, disclosed, type Read } from '../support/audited-service.ts'
import { isInstalled, MISSING, programOf, skipWithout } from '../support/peers.ts'
import { readinessOf } from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'
import { mountSmall } from '../support/small-disk.ts'

const MANY = 1_000
const isRoot = process.getuid?.() === 0
const auditOf = (folder: string): string => join(folder, 'data', 'audit')

/** Those that were not answered with the secret, with what they were told. */
const refusals = (reads: readonly Read[]): Set<string> =>
  new Set(
    reads.filter(({ status }) => status !== 200).map(({ status, code }) => `${status} ${code}`)
  )

const isWell = async (url: string): Promise<boolean> => (await readinessOf(url)).status === 'ok'

/** Until one is disclosed again. */
const readsAgain = (read: (count: number) => Promise<Read[]>): Promise<void> =>
  eventually(async () => disclosed(await read(1)).length === 1)

test('on a full disk nothing is disclosed unrecorded, and with room again all is well', async (t) => {
  const { folder, answered, start, assertRecorded } = await createAudited(t)
  const audit = auditOf(folder)
  if (!mountSmall(t, audit, 512)) return void skipWithout(t, `${MISSING}the right to mount a disk`)
  const { url, read } = await start()
  const told = new Set<string>()
  await eventually(async () => {
    for (const one of refusals(await read(MANY))) told.add(one)
    return told.size > 0
  })
  t.strictSame([...told], ['503 audit_unavailable'])
  t.ok(answered.length > 0)
  t.equal((await readinessOf(url)).status, 503)
  await assertRecorded()
  t.equal(spawnSync('mount', ['-o', 'remount,size=64m', audit]).status, 0)
  await readsAgain(read)
  t.ok(await isWell(url))
  await read(50)
  await assertRecorded()
})

test('without the rights to the trail nothing is disclosed unrecorded, and with them again all is well', async (t) => {
  // A root without capabilities has the rights of an owner and no more.
  const under = isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : []
  const { folder, start, assertRecorded } = await createAudited(t, under)
  const { url, read } = await start()
  t.equal(disclosed(await read(MANY)).length, MANY)
  const audit = auditOf(folder)
  const reading = read(MANY)
  chmodSync(audit, 0)
  await reading
  let told = new Set<string>()
  await eventually(async () => {
    const reads = await read(50)
    told = refusals(reads)
    return disclosed(reads).length === 0
  })
  t.strictSame([...told], ['503 audit_unavailable'])
  t.equal((await readinessOf(url)).status, 503)
  chmodSync(audit, 0o700)
  await readsAgain(read)
  t.ok(await isWell(url))
  await read(50)
  await assertRecorded()
})

/** Every write to the files of the trail takes a minute, until it is let go. */
const hang = async (t: Test, pid: number, audit: string): Promise<() => Promise<void>> => {
  const [today = ''] = readdirSync(audit)
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  const calls = 'write,pwrite64,writev,pwritev'
  const tracer: ChildProcess = spawn(
    programOf('strace') ?? '',
    [
      ...[
        '-f',
        '-p',
        String(pid),
        '-P',
        join(audit, today),
        '-P',
        join(audit, `${tomorrow}.jsonl`)
      ],
      ...['-e', `trace=${calls}`, '-e', `inject=${calls}:delay_enter=60s`, '-o', '/dev/null']
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  const gone = once(tracer, 'exit')
  let said = ''
  tracer.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const letGo = async (): Promise<void> => {
    tracer.kill('SIGKILL')
    await gone
  }
  t.teardown(letGo)
  await eventually(() => /attached/.test(said))
  return letGo
}

test('on a disk that hangs nothing is disclosed, and once it goes on all is well', async (t) => {
  if (skipWithout(t, await isInstalled('strace'))) return
  const { folder, start, assertRecorded } = await createAudited(t)
  const { url, read, child } = await start()
  t.equal(disclosed(await read(MANY)).length, MANY)
  const letGo = await hang(t, child.pid ?? 0, auditOf(folder))
  const reads = await read(MANY)
  t.equal(disclosed(reads).length, 0)
  t.strictSame([...refusals(reads)], ['503 audit_unavailable'])
  t.equal((await readinessOf(url)).status, 503)
  await letGo()
  await readsAgain(read)
  t.ok(await isWell(url))
  await read(50)
  await assertRecorded()
})

test('who is killed between the decision and its record has disclosed nothing of it', async (t) => {
  if (skipWithout(t, await isInstalled('strace'))) return
  const { folder, start, assertRecorded } = await createAudited(t)
  const first = await start()
  t.equal(disclosed(await first.read(MANY)).length, MANY)
  const letGo = await hang(t, first.child.pid ?? 0, auditOf(folder))
  const reading = first.read(MANY)
  await eventually(async () => (await first.lag()) > 0)
  first.child.kill('SIGKILL')
  await letGo()
  await first.ended
  t.equal(disclosed(await reading).length, 0)
  await assertRecorded()
  const second = await start()
  t.equal(disclosed(await second.read(50)).length, 50)
  await assertRecorded()
})
