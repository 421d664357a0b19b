/** The operator's day: each command of docs/operations.md runs, and prints what the page says. */
import { test } from 'tap'
import { documentation } from '../support/doc-blocks.ts'
import { masked, runSteps, stepsIn } from '../support/doc-console.ts'
import { SHIMS, where, writeShims } from '../support/doc-run.ts'
import { isInstalled, skipWithout } from '../support/peers.ts'
import {
  createConfigured,
  issueKey,
  putLocal,
  readinessOf,
  serve
} from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'
import { closedPort } from '../support/wire.ts'

const yamlOf = (port: number): string => `
stores:
  - { name: local, kind: local }
  - { name: vault, kind: vault, address: 'http://127.0.0.1:${port}', mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: VAULT_TOKEN } } }
policies:
  - { client: shop, read: ['local:shop/*'] }
  - { client: billing, read: ['vault:kv/billing/*'] }
`

test('a session is read command by command, and what differs from run to run is masked', async (t) => {
  const text = '$ one \\\n  more\nout\n\n$ two\n$ three\nlast\n'
  t.strictSame(stepsIn({ text }), [
    { command: 'one \\\n  more', output: 'out\n\n' },
    { command: 'two', output: '' },
    { command: 'three', output: 'last\n' }
  ])
  t.equal(masked('purser_pro_eyJh… at 2026-11-30T21:05:18.476Z\n'), '<api key> at <time>')
  t.equal(masked('1,243 lines of 1 instance'), masked('5 lines of 2 instances'))
  t.not(masked('1 policy'), masked('2 policies'))
})

test('each command of an operator’s day prints what docs/operations.md says', async (t) => {
  if (skipWithout(t, await isInstalled('jq'))) return
  const { folder } = createConfigured(t, {
    yaml: yamlOf(await closedPort()),
    variables: { ENVIRONMENT: 'pro', VAULT_TOKEN: 'x' }
  })
  await putLocal(folder, 'shop/db', '{"user":"shop","password":"one"}')
  const { url } = await serve(t, folder)
  await eventually(async () => (await readinessOf(url)).status === 'degraded')
  const admin = {
    client: 'operator',
    scopes: ['aura-admin'],
    mode: 'rw',
    environment: 'pro'
  } as const
  const shims = writeShims(folder, { purser: SHIMS.purser })
  const given = `unset NODE_OPTIONS
export PATH='${shims}':"$PATH" PURSER='${url}' ADMIN_KEY='${await issueKey(folder, admin)}'`
  const blocks = documentation().filter(({ language }) => language === 'console')
  const steps = blocks.flatMap((block) =>
    stepsIn(block).map((step) => ({ ...step, at: where(block) }))
  )
  t.ok(steps.length > 8)
  const printed = await runSteps(steps, given, folder)
  t.equal(printed.length, steps.length)
  for (const [i, { command, output, at }] of steps.entries()) {
    t.equal(masked(printed[i] ?? ''), masked(output), `${at}: ${command}\n${printed[i]}`)
  }
})
