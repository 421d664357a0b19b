/** `purser policy diff` as a process: against the records of a service that ran, and without any. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  runPurser,
  serve,
  writeYaml
} from '../support/purser-process.ts'

const yaml = (rules: string): string =>
  `stores: [{ name: local, kind: local }]\npolicies:\n${rules}`

const BEFORE = yaml('  - { client: app, read: ["local:team/*"] }\n')
const AFTER = yaml(
  '  - { client: app, read: ["local:team/b", "local:other/*"], write: ["local:team/b"] }\n'
)

test('it says by pattern and by what was asked for who gains or loses what', async (t) => {
  const { folder } = createConfigured(t, { yaml: BEFORE })
  await putLocal(folder, 'team/a', 'canary-of-a')
  await putLocal(folder, 'other/c', 'canary-of-c')
  const { child, ended, url } = await serve(t, folder)
  const key = await issueKey(folder)
  for (const path of ['team/a', 'team/a', 'team/b', 'other/c']) {
    await get(`${url}/v1/secrets?ref=local:${path}`, key)
  }
  writeFileSync(join(folder, 'next.yaml'), AFTER)
  const diff = (...args: string[]) => runPurser(t, folder, ['policy', 'diff', ...args])

  const told = await diff('next.yaml')
  t.equal(told.code, 1, told.stderr)
  const lines = told.stdout
    .trimEnd()
    .replaceAll(/last \S+Z/g, 'last T')
    .split('\n')
  t.strictSame(lines, [
    'app',
    '  - read local:team/*',
    '  + read local:other/*',
    '  + read local:team/b',
    '  + write local:team/b',
    '  - in use: loses read local:team/a (asked for 2 times, last T)',
    '  + in use: gains read local:other/c (asked for once, last T)'
  ])
  t.notMatch(told.stdout + told.stderr, /canary/)

  const { clients } = JSON.parse((await diff('--json', 'next.yaml')).stdout)
  t.match(clients, [
    {
      client: 'app',
      patterns: { lost: [{ list: 'read', pattern: 'local:team/*' }] },
      asked: {
        lost: [{ list: 'read', what: 'local:team/a', times: 2, last: /Z$/ }],
        gained: [{ list: 'read', what: 'local:other/c', times: 1 }]
      }
    }
  ])
  t.equal((await diff('--fail-on', 'used', 'next.yaml')).code, 1)
  const backwards = await diff('--from', 'next.yaml', '--fail-on', 'used', 'purser.yaml')
  t.equal(backwards.code, 1, 'what was refused until now would be lost')
  writeYaml(folder, AFTER)
  t.match(await diff('next.yaml'), { code: 0, stdout: 'No client gains or loses anything.\n' })
  child.kill('SIGTERM')
  await ended
})

test('it needs no service, no keys and no trail, and says so when it cannot tell', async (t) => {
  const folder = createDirectory(t)
  writeYaml(folder, BEFORE)
  writeFileSync(join(folder, 'next.yaml'), AFTER)
  const diff = (...args: string[]) => runPurser(t, folder, ['policy', 'diff', ...args])
  t.match(await diff('next.yaml'), { code: 1, stdout: /^app\n {2}- read local:team\/\*\n/ })
  t.equal((await diff('--fail-on', 'used', 'next.yaml')).code, 0)
  t.notOk(existsSync(join(folder, 'data')), 'and makes no folder')

  t.match(await diff('none.yaml'), { code: 2, stdout: '', stderr: /none\.yaml: is not there$/m })
  writeFileSync(join(folder, 'faulty.yaml'), yaml('  - { client: app, read: ["nowhere:x"] }\n'))
  const faulty = await diff('faulty.yaml')
  t.match(faulty, { code: 2, stdout: '', stderr: /faulty\.yaml.*store that is not configured/ })
})

test('it says of trusts what they let in or give more and less, and shows no secret of a proxy', async (t) => {
  const folder = createDirectory(t)
  const trust = (bind: string, more: string) => `${BEFORE}trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: https://oidc.example
    audience: purser
    proxy: http://purser:canary-of-proxy@proxy.example:3128
    bind: { namespace: ${bind}, serviceAccount: cart }
    grant: { client: app, scopes: ["aura-services:secrets"]${more} }
`
  writeYaml(folder, trust('[shop, bank]', ''))
  writeFileSync(join(folder, 'next.yaml'), trust('shop', ', mode: rw'))
  const diff = (...args: string[]) => runPurser(t, folder, ['policy', 'diff', ...args])
  const told = await diff('next.yaml')
  t.match(told, {
    code: 1,
    stdout: 'trust prod-cluster\n  - bind kubernetes.io/namespace=bank\n  + grant.mode w\n'
  })
  t.equal((await diff('--fail-on', 'gain', 'next.yaml')).code, 1)
  t.equal((await diff('--fail-on', 'used', 'next.yaml')).code, 0)
  writeFileSync(join(folder, 'next.yaml'), BEFORE)
  const gone = await diff('--json', 'next.yaml')
  t.match(JSON.parse(gone.stdout).trusts, [
    { trust: 'prod-cluster', change: 'removed', gained: [], lost: [{ what: 'issuer' }] }
  ])
  t.equal((await diff('--fail-on', 'gain', 'next.yaml')).code, 0)
  t.equal((await diff('--fail-on', 'loss', 'next.yaml')).code, 1)
  t.match((await diff('next.yaml')).stdout, /^trust prod-cluster, removed\n {2}- issuer https:/)
  t.notMatch(told.stdout + gone.stdout, /canary/)
})
