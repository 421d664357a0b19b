/**
 * Holds the service to what it promises of its connections: with 256 descriptors and a heap of 256 MB, plain and with
 * TLS, while one address opens sockets that ask for nothing and others that read nothing, it lives, keeps its memory,
 * answers somebody else in time, and has every descriptor back soon after. Exit code 1 if a bound is broken.
 *
 * `node build/scripts/attack-connections.js [--seconds 600] [--without-latency]`: the latter for machines that are busy
 * with other things. A third service that nobody attacks is called in the same way, for comparison.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { AttackReport, AttackTarget } from './attack/attacker.ts'
import { type Calling, startCalling } from './attack/caller.ts'
import { type Service, startService } from './attack/service.ts'

const RESIDENT_MAX_MB = 400
const P99_MAX_MS = 250
const BACK_WITHIN_MS = 20_000
const END_MAX_MS = 2_000
const LOOK_EVERY_MS = 1_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    'without-latency': { type: 'boolean', default: false }
  }
})
const hasLatency = !values['without-latency']
const attackMs = Number(values.seconds) * 1000

interface AttackedService {
  readonly service: Service
  readonly calling: Calling
  readonly before: number
  residentMb: number
  descriptors: number
}

const watch = async (service: Service): Promise<AttackedService> => {
  const key = await service.issue('caller')
  const before = await service.descriptors()
  const calling = startCalling(service.port, service.isTls, key)
  return { service, calling, before, residentMb: 0, descriptors: 0 }
}

const lookAt = async (one: AttackedService): Promise<void> => {
  if (!one.service.isAlive()) return
  one.residentMb = Math.max(one.residentMb, await one.service.residentMb())
  one.descriptors = Math.max(one.descriptors, await one.service.descriptors())
}

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? Number.NaN

/** Prints what was seen of the service, and returns what it broke. */
const brokenBounds = (one: AttackedService, after: number, isAttacked: boolean): string[] => {
  const { service, calling, before, residentMb, descriptors } = one
  const { times, failures } = calling.seen
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
  const failed = [...failures].map(([what, count]) => `${count} × ${what}`).join(', ') || 'none'
  console.log(
    `${service.name}: RSS at most ${residentMb.toFixed(0)} MB; descriptors ${before} before, at most ${descriptors}, ${after} after; ` +
      `caller: ${times.length} answers, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, failures: ${failed}`
  )
  if (!isAttacked) return []
  if (!service.isAlive()) return [`${service.name} has ended: ${service.output().slice(-500)}`]
  // How long it had to wait says something of the service on a quiet machine alone.
  const counts = [...failures.keys()].some((what) => what !== 'timeout' || hasLatency)
  return [
    ...(residentMb < RESIDENT_MAX_MB ? [] : [`${service.name}: too much memory`]),
    ...(after <= before + 2 ? [] : [`${service.name}: descriptors are not back`]),
    ...(!counts && times.length > 0 ? [] : [`${service.name}: the caller had failures`]),
    ...(p99 < P99_MAX_MS || !hasLatency ? [] : [`${service.name}: p99 is too high`])
  ]
}

const attacked = [await startService('plain', false), await startService('TLS', true)]
const quiet = await startService('plain, not attacked', false)
const all = await Promise.all([...attacked, quiet].map(watch))

const targets = await Promise.all(
  attacked.map(async ({ port, isTls, issue }): Promise<AttackTarget> => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => issue('attacker')))
    return { port, isTls, keys }
  })
)
const attacker = fork(fileURLToPath(new URL('./attack/attacker.js', import.meta.url)))
attacker.send(targets)
console.log(`attacking for ${attackMs / 1000} s; load ${loadavg()[0]?.toFixed(1)}`)
const until = performance.now() + attackMs
while (performance.now() < until && attacked.every((service) => service.isAlive())) {
  await sleep(LOOK_EVERY_MS)
  await Promise.all(all.map(lookAt))
}
const load = loadavg()[0]?.toFixed(1)
attacker.send('leave')
const [{ opened }] = (await once(attacker, 'message')) as [AttackReport]
// Where times are not measured, it is waited for what comes back and no longer.
await sleep(hasLatency ? BACK_WITHIN_MS - LOOK_EVERY_MS : LOOK_EVERY_MS)
await Promise.all(all.map(({ calling }) => calling.stop()))
await sleep(LOOK_EVERY_MS)
const isBack = async ({ service, before }: AttackedService): Promise<boolean> =>
  !service.isAlive() || (await service.descriptors()) <= before + 2
for (let n = 0; n < 80 && !hasLatency; n++) {
  if ((await Promise.all(all.map(isBack))).every(Boolean)) break
  await sleep(LOOK_EVERY_MS)
}
console.log(`the attacker opened ${opened} sockets; load ${load} at its end`)

const faults: string[] = []
for (const one of all) {
  const after = one.service.isAlive() ? await one.service.descriptors() : 0
  faults.push(...brokenBounds(one, after, one.service !== quiet))
}
for (const { service } of all) {
  if (!service.isAlive()) continue
  const { code, ms } = await service.end()
  console.log(`${service.name}: SIGTERM ends it with ${code} after ${ms.toFixed(0)} ms`)
  if (code !== 0 || (ms > END_MAX_MS && hasLatency)) {
    faults.push(`${service.name}: no proper end`)
  }
}
attacker.kill()
for (const fault of faults) console.log(`broken: ${fault}`)
console.log(faults.length === 0 ? 'verdict: all bounds held' : 'verdict: BROKEN')
process.exitCode = faults.length === 0 ? 0 : 1
