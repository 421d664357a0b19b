// `purser explain` as a process: from the configuration alone, for people and for machines.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createConfigured, runPurser } from '../support/purser-process.ts'

test('explain tells each check and the rule that decides, and needs no service', async (t) => {
  const { folder } = createConfigured(t)
  const ask = (...args: string[]) => runPurser(t, folder, ['explain', ...args])
  const yes = await ask('--client', 'app', 'local:team/a#user')
  t.equal(yes.code, 0)
  t.match(yes.stdout, /^yes {2}policy +rule 0: local:team\/\*$/m)
  t.match(yes.stdout, /^app may read local:team\/a#user$/m)
  const no = await ask('--client', 'nobody', '--json', 'local:team/a')
  t.equal(no.code, 1, 'a script can ask')
  t.match(JSON.parse(no.stdout), { client: 'nobody', reference: 'local:team/a', allowed: false })
  t.match(await ask('--client', 'a b', 'local:a'), { code: 2, stdout: '' })
})

const TRUSTS = `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ["local:shop/*"] }]
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: https://oidc.example
    audience: purser
    bind: { namespace: shop, serviceAccount: [cart, api] }
    grant: { client: shop, scopes: ["aura-services:secrets"] }
  - name: writers
    kind: oidc
    issuer: https://ci.example
    audience: purser
    bind: { sub: deploy }
    grant: { client: shop, scopes: ["aura-services:token"], mode: w }
`

test('a trust in place of a client: what its logins may, and whether a token is taken', async (t) => {
  const { folder } = createConfigured(t, { yaml: TRUSTS })
  const ask = (...args: string[]) => runPurser(t, folder, ['explain', ...args])
  const yes = await ask('--trust', 'prod-cluster', 'local:shop/db')
  t.equal(yes.code, 0, yes.stderr)
  t.strictSame(yes.stdout.split('\n').slice(0, 4), [
    'yes  trust      prod-cluster gives keys of shop, for 900 s at most',
    ' -   token      it has to be of https://oidc.example, kubernetes.io/namespace=shop, kubernetes.io/serviceaccount/name=cart|api',
    'yes  scope      needs aura-services:secrets, the key has aura-services:secrets',
    'yes  mode       needs r, the key has r'
  ])
  t.match(yes.stdout, /^yes {2}policy +rule 0: local:shop\/\*$/m)
  t.equal((await ask('--trust', 'prod-cluster', 'local:bank/db')).code, 1)
  const writer = await ask('--trust', 'writers', '--json', 'local:shop/db')
  t.equal(writer.code, 1)
  t.match(JSON.parse(writer.stdout), {
    client: 'shop',
    allowed: false,
    checks: [
      { check: 'trust', verdict: 'passes' },
      { check: 'token', verdict: 'open' },
      { check: 'scope', verdict: 'refuses' },
      { check: 'mode', verdict: 'refuses' },
      {},
      {},
      { check: 'policy', verdict: 'passes' }
    ]
  })

  const claims = (name: string, more: object = {}) => {
    const account = { namespace: 'shop', serviceaccount: { name, uid: 'u' } }
    const file = join(folder, 'claims.json')
    const said = {
      iss: 'https://oidc.example',
      sub: 'system:serviceaccount:shop:cart',
      'kubernetes.io': account,
      ...more
    }
    writeFileSync(file, JSON.stringify(said))
    return ask('--trust', 'prod-cluster', '--claims', file, 'local:shop/db')
  }
  t.match(await claims('cart'), { code: 0, stdout: /^yes {2}account/m })
  t.match(await claims('api'), { code: 1, stdout: /^NO {3}account/m })
  const eve = await claims('eve', { sub: 'system:serviceaccount:shop:eve' })
  t.match(eve, {
    code: 1,
    stdout: /^NO {3}bind +needs kubernetes\.io\/serviceaccount\/name=cart\|api$/m
  })
  t.match(await claims('cart', { iss: 'https://eve.example' }), {
    code: 1,
    stdout: /^NO {3}issuer/m
  })
})

test('of a trust that is not there, and of one beside a client, nothing is explained', async (t) => {
  const { folder } = createConfigured(t, { yaml: TRUSTS })
  const ask = (...args: string[]) => runPurser(t, folder, ['explain', ...args, 'local:shop/db'])
  t.match(await ask('--trust', 'other'), { code: 2, stdout: '', stderr: /has none of that name/ })
  t.match(await ask('--trust', 'writers', '--client', 'shop'), { code: 2, stderr: /Give one of/ })
  t.match(await ask(), { code: 2, stderr: /Give one of --client and --trust/ })
  const absent = await ask('--trust', 'writers', '--claims', 'none.json')
  t.match(absent, { code: 2, stdout: '', stderr: /The file of --claims is not there/ })
  t.match(await ask('--client', 'shop', '--claims', 'x'), { code: 2, stderr: /goes with --trust/ })
})
