// A store that logs in with what another store keeps, against real servers: it works, it goes with a rotation, and never in a circle.
import { type Test, test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'
import { createCanary } from '../support/canary.ts'
import { openRealStores, REGION, type RealStores } from '../support/real-stores.ts'

/** An AppRole of that name, whose policy is to read `secret/*`. */
const createRole = async ({ admin, revokeAll }: RealStores['vault'], name: string) => {
  const role = `auth/approle/role/${name}`
  await admin('POST', role, { token_policies: ['reader'] })
  const { data } = await admin('GET', `${role}/role-id`)
  return {
    roleId: data['role_id'] ?? '',
    newSecretId: async () => (await admin('POST', `${role}/secret-id`, {})).data['secret_id'] ?? '',
    destroy: (secret_id: string) => admin('POST', `${role}/secret-id/destroy`, { secret_id }),
    logOut: () => revokeAll(name)
  }
}

/** A service whose store `vault` logs in with that role, by a secret id which stands in AWS under `vault/<name>`. */
const build = async (t: Test, { aws, vault }: RealStores, name: string) => {
  const role = await createRole(vault, name)
  const secretId = await role.newSecretId()
  await aws.create(`vault/${name}`, JSON.stringify({ secret_id: secretId }))
  const clock = { ahead: 0 }
  const app = await buildTestApp(t, {
    now: () => Date.now() + clock.ahead,
    yaml: `
stores:
  - { name: aws, kind: aws-secrets-manager, region: ${REGION}, endpoint: '${aws.url}' }
  - name: vault
    kind: vault
    address: ${vault.url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: ${role.roleId}, secretId: { ref: 'aws:vault/${name}#secret_id' } }
policies:
  - { client: app, read: ['vault:secret/*'] }
`,
    env: { CACHE_TTL_SECONDS: '0' }
  })
  return {
    ...role,
    clock,
    app,
    secretId,
    put: (fields: object) => aws.put(`vault/${name}`, JSON.stringify(fields)),
    read: (await app.as('app')).read
  }
}

test('a Vault whose AppRole secret id stands in AWS', async (suite) => {
  const real = await openRealStores(suite)
  if (real === undefined) return
  const { admin } = real.vault
  const policy = 'path "secret/data/*" { capabilities = ["read"] }'
  await admin('POST', 'sys/policies/acl/reader', { policy })
  await admin('POST', 'sys/auth/approle', { type: 'approle' })
  await admin('POST', 'secret/data/db', { data: { password: 'from Vault' } })
  const found = { statusCode: 200, body: /"value":"from Vault"/ }

  suite.test('is read, and goes on when that secret id was rotated', async (t) => {
    const { app, secretId, newSecretId, destroy, logOut, put, read } = await build(t, real, 'main')
    t.match(await read('vault:secret/db#password'), found)
    const next = await newSecretId()
    await put({ secret_id: next })
    await destroy(secretId)
    await logOut()
    t.match(await read('vault:secret/db#password'), found, 'without a restart or a reload')

    // What a client may read of Vault does not let it read what Vault's login is.
    const denied = { statusCode: 403, body: /"code":"access_denied"/ }
    t.match(await read('aws:vault/main#secret_id'), denied)
    for (const id of [secretId, next]) t.notOk(app.logs.join('').includes(id))
  })

  suite.test('is not read while that secret id is wrong or gone, and then again', async (t) => {
    const { app, clock, secretId, logOut, put, read } = await build(t, real, 'other')
    const canary = createCanary()
    for (const [fields, code] of [
      [{ secret_id: canary.token }, 'store_denied'],
      [{ other: canary.token }, 'store_misconfigured']
    ] as const) {
      await put(fields)
      await logOut()
      // What was refused is looked at again within seconds.
      clock.ahead += 2_500
      const answer = await read('vault:secret/db#password')
      t.match(answer, { statusCode: 502, body: new RegExp(`"code":"${code}"`) })
      t.strictSame(canary.findIn(answer.body + app.logs.join('')), [])
    }
    await put({ secret_id: secretId })
    clock.ahead += 2_500
    t.match(await read('vault:secret/db#password'), found)
  })
})

test('stores that need each other to log in are named, and nothing starts', async (t) => {
  const store = (name: string, ref: string) => `
  - name: ${name}
    kind: vault
    address: http://127.0.0.1:1
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: x, secretId: { ref: '${ref}' } }`
  const yaml = `stores:${store('one', 'two:secret/a#b')}${store('two', 'three:secret/a#b')}${store('three', 'one:secret/a#b')}\n`
  const failure = await buildTestApp(t, { yaml }).catch((error: unknown) => error)
  t.match(failure, {
    faults: [
      { place: /^purser\.yaml:2:/, message: /itself to log in: one -> two -> three -> one$/ }
    ]
  })
})
