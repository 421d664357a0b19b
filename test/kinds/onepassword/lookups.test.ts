/** Every way in which looking for a vault or an item of 1Password by its name may fail. */
import { test } from 'tap'
import { openOn } from '../../contract/opened.ts'
import { faultOf, within, wrapped } from '../../contract/subject.ts'
import { FAILURES } from '../../contract/wire-failures.ts'
import { createCanary } from '../../support/canary.ts'
import type { Dialect } from '../../support/wire.ts'
import { connectToWire, onePasswordDialect, onePasswordSubject } from './fake.ts'

// Of a read by names the common suite fails the last call alone.
const LOOK_UPS: readonly (readonly [what: string, aside: Dialect['aside']])[] = [
  ['the vault', () => undefined],
  [
    'the item',
    (request) => (/items/.test(request.url) ? undefined : onePasswordDialect.aside?.(request))
  ]
]
for (const [what, aside] of LOOK_UPS) {
  for (const failure of FAILURES) {
    const { when, behaviour, reason } = failure
    test(`looking for ${what}: ${reason} when ${when}`, async (t) => {
      const canary = createCanary()
      const look: Dialect['found'] = (text, request) =>
        onePasswordDialect.aside?.(request) ?? onePasswordDialect.found(text, request)
      const dialect: Dialect = { ...onePasswordDialect, found: look, ...(aside && { aside }) }
      const text = wrapped(onePasswordSubject, canary.token)
      const fake = { dialect, connect: connectToWire }
      const opened = await openOn(t, fake, behaviour(canary.token, text), canary)
      const ms = reason === 'timeout' ? 300 : 60_000
      const fault = await faultOf(opened.provider.read({ path: 'Purser/db' }, within(ms)))
      t.equal(fault.reason, reason)
      t.equal(opened.wire.elsewhere.length, 0)
      opened.hides(fault)
    })
  }
}
