// Each way to a value runs the steps that the table says, and no other: seen from outside, by what each step does.
import { type Test, test } from 'tap'
import { MODES } from '../../src/core/principal.ts'
import { type Asker, SCOPES, type Told } from '../support/way-asking.ts'
import { startWayService, type WayService } from '../support/way-service.ts'
import { runs, type Step } from '../support/way-steps.ts'
import { WAYS, type Way } from '../support/ways.ts'

/** Two bodies, but for the id of the request. */
const bare = ({ body }: Told): string => body.replace(/urn:purser:request:[^"]+/g, '')

/** All but those that every right answer shows. */
type Visible = Exclude<Step, 'reference' | 'answer'>
type Observer = (t: Test) => Promise<(way: Way) => Promise<boolean>>

/** Whether somebody who lacks a thing is refused where `app`, who has it, is served. */
const refusing =
  (lacking: (service: WayService) => Promise<Asker>): Observer =>
  async (t) => {
    const service = await startWayService(t)
    const who = await lacking(service)
    return async (way) => {
      const isRefused = !(await service.isGiven(way, who))
      t.ok(await service.isGiven(way), `${way.name}: whoever lacks nothing is served`)
      return isRefused
    }
  }

const LIMIT = 6

/** Whether the limit is reached, and only once it should be. */
const limiting =
  (setting: string): Observer =>
  async (t) => {
    const service = await startWayService(t, {
      env: { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: '127.0.0.1', [setting]: `${LIMIT}` }
    })
    return async (way) => {
      // Another window.
      service.clock.now += 3_600_000
      t.ok(await service.isGiven(way), `${way.name}: the first is served`)
      const more: boolean[] = []
      for (let i = 0; i < LIMIT; i++) more.push(await service.isGiven(way))
      return more.at(-1) === false
    }
  }

const OBSERVERS: Readonly<Record<Visible, Observer>> = {
  'limit of the address': limiting('RATE_LIMIT_IP_MAX'),

  'internal secret': refusing(async ({ app }) => ({ ...app, internalSecret: undefined })),

  key: refusing(async ({ app }) => ({ ...app, key: undefined })),

  'limit of the key': limiting('RATE_LIMIT_MAX'),

  scope: async (t) => {
    const { askerFor, isGiven } = await startWayService(t)
    return async (way) => {
      const own = `aura-services:${way.scope}`
      const others = await askerFor(
        'app',
        'rw',
        SCOPES.filter((scope) => scope !== own)
      )
      t.ok(await isGiven(way, await askerFor('app', 'rw', [own])), `${way.name}: its own suffices`)
      return !(await isGiven(way, others))
    }
  },

  mode: async (t) => {
    const service = await startWayService(t)
    return async (way) => {
      const given: boolean[] = []
      for (const mode of MODES) {
        given.push(await service.isGiven(way, await service.askerFor('app', mode)))
      }
      t.strictSame(
        MODES.filter((_, i) => given[i]),
        MODES.filter((mode) => way.modes.includes(mode)),
        way.name
      )
      return given.includes(false)
    }
  },

  'right on the object': refusing(({ askerFor }) => askerFor('reader')),

  decision: async (t) => {
    const { ask, app, askerFor, store, clock } = await startWayService(t)
    const nobody = await askerFor('nobody')
    return async (way) => {
      // Nothing is cached any more.
      clock.now += 86_400_000
      store.forget()
      const cold = await ask(way, nobody)
      t.strictSame(store.operations(), [], `${way.name}: the store is not asked`)
      await ask(way, app)
      const warm = await ask(way, nobody)
      if (cold.status === 200) return false
      t.equal(bare(warm), bare(cold), `${way.name}: the same, cached or not`)
      for (const header of ['x-cache', 'age', 'etag']) {
        t.notOk(header in warm.headers, `${way.name}: ${header}`)
      }
      return true
    }
  },

  tags: async (t) => {
    const { isGiven, store } = await startWayService(t, { requireTags: { 'purser-read': 'true' } })
    return async (way) => {
      const isRefused = !(await isGiven(way))
      t.equal(store.calls(), 0, `${way.name}: no value is fetched`)
      if (isRefused) t.ok(store.operations().includes('DescribeSecret'), way.name)
      return isRefused
    }
  },

  cache: async (t) => {
    const { ask, newRecords } = await startWayService(t)
    return async (way) => {
      await ask(way)
      return (await newRecords()).some(({ cache }) => cache !== undefined)
    }
  },

  guard: async (t) => {
    const { withKey, app, isGiven, store } = await startWayService(t)
    const { read } = withKey(app.key)
    for (const path of ['a', 'b', 'c', 'd', 'e']) {
      store.say({ is: 'failing' }, path)
      await read(`aws:${path}`)
    }
    store.forget()
    return async (way) => {
      const isRefused = !(await isGiven(way))
      t.equal(store.calls(), 0, `${way.name}: an open breaker lets no read through`)
      return isRefused
    }
  },

  view: async (t) => {
    const { ask, directLine, first, second } = await startWayService(t)
    return async (way) => {
      directLine.seen.length = 0
      const { body, headers } = await ask(way)
      const shown = directLine.seen.map(({ authorization }) => Buffer.from(authorization, 'latin1'))
      const whole = `${body}${Buffer.concat(shown)}`
      const isWhole = way.name === 'below a prefix'
      if (!isWhole) t.strictSame(second.findIn(whole), [], `${way.name}: another field`)
      return first.findIn(whole).length > 0 || headers['etag'] !== undefined
    }
  },

  record: async (t) => {
    const { ask, isGiven, loseTrail, first } = await startWayService(t)
    for (const way of WAYS) t.ok(await isGiven(way), way.name)
    await loseTrail()
    return async (way) => {
      const { status, body } = await ask(way)
      t.strictSame(first.findIn(body), [], `${way.name}: no value`)
      // HEAD and forward-auth have no body.
      if (body !== '') t.match(body, '"audit_unavailable"', way.name)
      return status !== 200
    }
  }
}

for (const [step, observer] of Object.entries(OBSERVERS) as [Visible, Observer][]) {
  test(`the ways that run the step are those that show it: ${step}`, async (t) => {
    const isSeen = await observer(t)
    for (const way of WAYS) t.equal(await isSeen(way), runs(way.path, step), way.name)
  })
}

test('what is given by a way is on record as the table says, and what is refused as denied', async (t) => {
  const { ask, askerFor, newRecords } = await startWayService(t)
  const nobody = await askerFor('nobody')
  for (const way of WAYS) {
    await ask(way)
    const given = (await newRecords()).filter(({ outcome }) => outcome === 'allowed')
    t.strictSame(
      given.map(({ action }) => action),
      way.records,
      way.name
    )
    if (way.right === 'scope') continue
    await ask(way, nobody)
    const refused = await newRecords()
    t.ok(refused.length > 0, way.name)
    for (const { action, outcome } of refused) {
      t.strictSame({ action, outcome }, { action: way.denied, outcome: 'denied' }, way.name)
    }
  }
})
