// Names as odd as a store takes them, on real servers: what is listed can be read, and what a read shows can be asked for again.
import { test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { asAdmin } from '../../support/keys.ts'
import { openRealStores, REGION } from '../../support/real-stores.ts'

const NAMES = [
  'a b',
  ' at both ends ',
  'contraseña',
  'n\u0303 decomposed',
  'ñ decomposed',
  'a&b=c;d',
  "o'b",
  '(a)',
  '100%',
  'a%2Fb',
  'a%20b',
  '%2E%2E',
  'a?b',
  'a#b',
  'a?version=1#x',
  '*',
  '**',
  '{a,b}',
  '[0]',
  'a\\b',
  'a"b<c>|^`',
  'a+b',
  '$!~:@',
  'a:b',
  '...',
  'a..b',
  '{{name}}',
  '{{{x}}}',
  '秘密/κλειδί',
  '🔑',
  'data/data',
  'metadata/x',
  'x/contraseña del año/a[0]'
]
const FIELDS = [
  'contraseña',
  'a(b)',
  'a[0]',
  'a b',
  ' a ',
  '*',
  'a,b',
  '100%',
  'a?b#c',
  '/a',
  'a~1b',
  '',
  '__proto__',
  '🔑'
]
const DATA = Object.fromEntries([
  ...FIELDS.map((name, n) => [name, `value ${n}`]),
  ['nested', { 'a/b': ['x', { '~': 'deep' }] }]
])

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
const q = encodeURIComponent

const clientOf = async ({ as }: TestApp, client: string) => {
  const { ask } = await as(client, 'rw')
  const get = (url: string) => ask('GET', url)
  return {
    get,
    read: (ref: string, more = '') => get(`/v1/secrets?ref=${q(ref)}${more}`),
    list: async (prefix: string): Promise<{ ref: string; status: number; value?: string }[]> =>
      (await get(`/v1/secrets?prefix=${q(prefix)}`)).json().results,
    write: (ref: string, value: string) => ask('PUT', `/v1/secrets?ref=${q(ref)}`, { value })
  }
}

test('names of every alphabet', async (suite) => {
  const real = await openRealStores(suite)
  if (real === undefined) return
  const { admin } = real.vault
  await admin('POST', 'sys/mounts/team%20k%C3%B1', { type: 'kv', options: { version: '2' } })
  for (const name of NAMES)
    await admin('POST', `secret/data/odd/${encoded(name)}`, { data: { only: `at ${name}` } })
  await admin('POST', 'secret/data/fields', { data: DATA })
  await admin('POST', `team%20k%C3%B1/data/${q('a b')}`, { data: { only: 'in a mount' } })
  await real.aws.create('rds!db-0123', JSON.stringify({ username: 'u', password: 'managed' }))
  await real.aws.create('events!connection/app/9f', 'managed, too')

  const literal = 'secret/odd/x/contraseña del año/*'
  const escaped = 'secret/odd/%7Ba%2Cb%7D'
  const built = await buildTestApp(suite, {
    yaml: `
stores:
  - { name: aws, kind: aws-secrets-manager, region: ${REGION}, accounts: ["123456789012"], endpoint: '${real.aws.url}' }
  - { name: local, kind: local }
  - name: vault
    kind: vault
    address: ${real.vault.url}
    mounts: [{ path: secret, version: 2 }, { path: 'team kñ', version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
policies:
  - { client: all, read: ['vault:**', 'aws:**', 'local:**'], write: ['vault:**', 'local:**'] }
  - { client: one, read: ['vault:${escaped}', 'vault:${literal}', 'aws:rds!db-*#password', 'vault:secret/fields#contrase%C3%B1a'] }
secrets:
  database: aws:rds!db-0123#password
  clave: vault:secret/fields#contraseña
`,
    environ: { TOKEN: 'root' },
    env: { CACHE_TTL_SECONDS: '0' }
  })
  const all = await clientOf(built, 'all')
  const one = await clientOf(built, 'one')

  suite.test('what Vault lists can be read, and asked for again as it is shown', async (t) => {
    const listed = await all.list('vault:secret/odd/')
    t.same(listed.map(({ value }) => value).sort(), NAMES.map((name) => `at ${name}`).sort())
    for (const { ref, value } of listed) {
      const again = await all.read(ref)
      t.equal(again.statusCode, 200, ref)
      t.same([again.json().ref, again.json().value], [ref, value])
    }
    const batch = await all.get(
      `/v1/secrets/batch?${listed.map(({ ref }) => `ref=${q(ref)}`).join('&')}`
    )
    t.same(
      batch.json().results.map(({ value }: { value: string }) => value),
      listed.map(({ value }) => value)
    )
  })

  suite.test('a URL of Vault itself leads to the same secret', async (t) => {
    for (const name of NAMES) {
      const answer = await all.read(`${real.vault.url}/v1/secret/data/odd/${encoded(name)}`)
      t.equal(answer.json().value, `at ${name}`, name)
    }
  })

  suite.test('a write reaches exactly the path that it names', async (t) => {
    for (const store of ['vault:secret', 'local:']) {
      for (const name of NAMES) {
        const path = `${store === 'local:' ? '' : '/'}written/${name}`
        const ref =
          store +
          path
            .replace(/[%?#*{},[\]\\]| $|^ /g, q)
            .replaceAll('*', '%2A')
            .replace('/ at', '/%20at')
        const answer = await all.write(ref, `to ${name}`)
        t.equal(answer.statusCode, 200, ref)
      }
      const below = store === 'local:' ? 'local:written/' : 'vault:secret/written/'
      const listed = await all.list(below)
      t.same(listed.map(({ value }) => value).sort(), NAMES.map((name) => `to ${name}`).sort())
    }
    for (const name of NAMES) {
      const { data } = await admin('GET', `secret/data/written/${encoded(name)}`)
      t.same(data['data'], { value: `to ${name}` }, name)
    }
  })

  suite.test('every field can be asked for as it is written, and as it is shown', async (t) => {
    for (const [name, value] of Object.entries(DATA)) {
      if (typeof value !== 'string') continue
      const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const field = q(pointer).replaceAll('%2F', '/')
      const answer = await all.read('vault:secret/fields', `&field=${q(field)}`)
      t.equal(answer.json().value, value, name)
      t.equal((await all.read(answer.json().ref)).json().value, value, answer.json().ref)
    }
    for (const name of ['contraseña', 'a(b)', 'a[0]', 'a b', '*', 'a,b', 'a~1b', '🔑']) {
      t.equal(
        (await all.read('vault:secret/fields', `&field=${q(name)}`)).json().value,
        DATA[name],
        name
      )
      t.equal((await all.read(`vault:secret/fields#${name}`)).json().value, DATA[name], name)
    }
    t.equal((await all.read('vault:secret/fields#/nested/a~1b/1/~0')).json().value, 'deep')
    t.same((await all.read('vault:secret/fields')).json().data, DATA)
  })

  suite.test(
    "AWS's managed secrets are read by name, ARN, vals, batch, prefix and a name of ours",
    async (t) => {
      const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-0123'
      for (const ref of [
        'aws:rds!db-0123',
        'aws:rds%21db-0123',
        arn,
        'ref+awssecrets://rds!db-0123'
      ]) {
        const field = ref.startsWith('ref') ? '#/password' : '#password'
        t.equal((await all.read(ref + field)).json().value, 'managed', ref)
      }
      t.equal((await all.get('/v1/secrets/database')).json().value, 'managed')
      const listed = await all.list('aws:')
      t.ok(listed.some(({ ref, status }) => ref === 'aws:rds!db-0123' && status === 200))
      const below = await all.list('aws:events!connection/')
      t.same(
        below.map(({ ref, value }) => [ref, value]),
        [['aws:events!connection/app/9f', 'managed, too']]
      )
      t.equal((await one.read('aws:rds!db-0123#password')).statusCode, 200)
      t.equal((await one.read('aws:rds%21db-0123#/password')).statusCode, 200)
      t.equal((await one.read('aws:rds!db-0123#username')).statusCode, 403)
    }
  )

  suite.test('a bot may refer to them by the URL of Vault', async (t) => {
    const { ask } = await built.as('all', 'rw', { scopes: ['aura-services'] })
    const base = `${real.vault.url}/v1/secret/data`
    const payload = {
      name: 'bot',
      credentialsVault: {
        blank: `${base}/odd/a%20b`,
        escape: `${base}/odd/a%252Fb#only`,
        field: `${base}/fields#contraseña`,
        deep: `${base}/fields?version=1#/nested/a~1b/1/~0`
      },
      credentialsAwsSecrets: {
        managed: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-0123#password'
      }
    }
    const answer = await ask('POST', '/v1/resolve', payload)
    t.match(answer.json(), {
      credentials: {
        blank: 'at a b',
        escape: 'at a%2Fb',
        field: 'value 0',
        deep: 'deep',
        managed: 'managed'
      }
    })
  })

  suite.test('they can be invalidated, explained and watched', async (t) => {
    const internal = { 'x-internal-secret': built.internalSecret }
    const dropped = await built.app.server.inject({
      method: 'POST',
      url: '/internal/cache/invalidate',
      headers: internal,
      payload: { ref: `${real.vault.url}/v1/secret/data/odd/contrase%C3%B1a` }
    })
    t.equal(dropped.statusCode, 200, dropped.body)
    const admin = await built.as('admin', 'r', asAdmin)
    const explained = await admin.ask(
      'GET',
      `/v1/admin/explain?client=one&ref=${q('vault:secret/odd/x/contraseña del año/a%5B0%5D')}`
    )
    t.match(explained.json(), {
      allowed: true,
      reference: 'vault:secret/odd/x/contrase%C3%B1a%20del%20a%C3%B1o/a%5B0%5D'
    })
    t.equal((await one.get(`/v1/events?ref=${q('vault:secret/odd/a%5B0%5D')}`)).statusCode, 403)
  })

  suite.test('a policy names them without ambiguity', async (t) => {
    t.equal((await one.read('vault:secret/odd/%7Ba%2Cb%7D')).statusCode, 200)
    for (const ref of [
      'vault:secret/odd/a',
      'vault:secret/odd/%2A',
      'vault:secret/odd/%257Ba%252Cb%257D'
    ]) {
      t.equal((await one.read(ref)).statusCode, 403, ref)
    }
    t.equal((await one.read('vault:secret/odd/x/contraseña del año/a%5B0%5D')).statusCode, 200)
    t.equal((await one.read('vault:secret/fields#contraseña')).statusCode, 200)
    t.equal((await one.get('/v1/secrets/clave')).statusCode, 200)
    t.equal((await one.read('vault:secret/fields#/contrase%C3%B1a')).statusCode, 200)
    t.equal((await one.read('vault:secret/fields#/contraseña/x')).statusCode, 403)
  })

  suite.test('a mount is called whatever Vault lets it', async (t) => {
    t.equal((await all.read('vault:team kñ/a b')).json().value, 'in a mount')
    t.equal(
      (await all.read(`${real.vault.url}/v1/team%20k%C3%B1/data/a%20b`)).json().ref,
      'vault:team%20k%C3%B1/a%20b#only'.replace('#only', '')
    )
  })

  suite.test('the record has the canonical form, on one line of ASCII', async (t) => {
    const records = await recordsIn(built.folder)
    t.ok(records.some(({ reference }) => reference === 'vault:secret/odd/contrase%C3%B1a'))
    for (const { reference } of records) t.match(reference ?? '', /^[ -~]*$/)
  })
})
