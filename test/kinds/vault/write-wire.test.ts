/** Writing to a Vault that refuses, falls silent or says the same thing for ever: what goes over the wire, and how often. */
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { openScriptedVault, refusal, type ScriptedAnswer } from './scripted.ts'

const write = async (provider: SecretProvider, path: string, text: string, ifVersion?: string) => {
  const options = { ...within(), ...(ifVersion !== undefined && { ifVersion }) }
  return (await provider.write?.({ path }, new Sensitive(text), options))?.version
}

const WRITTEN: ScriptedAnswer = [200, { data: { version: 4 } }]
const CAS_REQUIRED = refusal(400, 'check-and-set parameter required for this call')
const CAS_MISMATCH = refusal(400, 'check-and-set parameter did not match the current version')

test('a write whose outcome is unknown is sent once, with and without a version', async (t) => {
  for (const [answer, reason] of [
    [refusal(500, 'internal error'), 'unavailable'],
    [refusal(503, 'Vault is sealed'), 'unavailable'],
    ['reset', 'unavailable'],
    ['silence', 'timeout'],
    [[200, {}], 'invalid_answer']
  ] as const) {
    for (const ifVersion of [undefined, '3']) {
      const canary = createCanary()
      const { provider, seen, deps } = await openScriptedVault(t, () => answer)
      const ms = reason === 'timeout' ? 300 : 60_000
      const options = { ...within(ms), ...(ifVersion !== undefined && { ifVersion }) }
      const text = new Sensitive(canary.token)
      const written = provider.write?.({ path: 'secret/a' }, text, options)
      const fault = await faultOf(Promise.resolve(written))
      t.equal(fault.reason, reason)
      t.equal(seen.length, 1, `${JSON.stringify(answer)} ${ifVersion}`)
      t.strictSame(canary.findIn(everythingIn(fault) + deps.lines.join('\n')), [])
    }
  }
})

test('a login that failed before a write is tried again, and the write is sent once', async (t) => {
  const { provider, seen } = await openScriptedVault(
    t,
    () => WRITTEN,
    (n) =>
      n === 1
        ? 'reset'
        : [200, { auth: { client_token: 'x', lease_duration: 0, renewable: false } }]
  )
  t.equal(await write(provider, 'secret/a', '{"a":1.10}', '3'), '4')
  t.strictSame(seen, [
    { line: 'POST /v1/secret/data/a', body: '{"data":{"a":1.10},"options":{"cas":3}}' }
  ])
})

test('a race that is always lost has an end, and is no conflict of the caller', async (t) => {
  const { provider, seen } = await openScriptedVault(t, ({ line, body }) => {
    if (line.startsWith('GET')) return [200, { data: { current_version: 7 } }]
    return body.includes('"cas":7') ? CAS_MISMATCH : CAS_REQUIRED
  })
  const fault = new ProviderFault('unavailable', { code: 'contended' })
  await t.rejects(write(provider, 'secret/a', 'x'), fault)
  t.equal(seen.length, 1 + 10 * 2)
})

test('a text that the server finds too large is an invalid request', async (t) => {
  const { provider } = await openScriptedVault(t, () => refusal(413, 'request body too large'))
  const fault = new ProviderFault('invalid_request', { status: 413, code: 'too_large' })
  await t.rejects(write(provider, 'secret/a', 'x'), fault)
})

test('a write to no mount, or out of one, sends nothing', async (t) => {
  const { provider, seen } = await openScriptedVault(t, () => WRITTEN)
  for (const path of ['other/a', 'secret', 'secret/', 'secret/../sys/seal', 'secret//a']) {
    t.equal((await faultOf(write(provider, path, 'x'))).reason, 'misconfigured', path)
  }
  t.strictSame(seen, [])
})
