/** From the embedded state to Redis and back, and a rotation of the encryption key on the way. */
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { putRevocation } from '../../src/keys/revocations.ts'
import { deleteSecret, putSecret } from '../../src/kinds/local/store.ts'
import { openState } from '../support/embedded.ts'
import { sealerOf, secret } from '../support/open-local.ts'
import { createConfigured, runPurser, writeEnv } from '../support/purser-process.ts'
import { skipWithoutRedis, startRedis } from '../support/redis.ts'

/** In the embedded state: two secrets, one that was deleted, and a revocation. */
const seed = async (t: Test, folder: string, encryptionKey: string, keyId: string) => {
  const state = openState(t, join(folder, 'data'))
  const sealer = sealerOf(encryptionKey)
  const store = { name: 'local', state, sealer: () => sealer, now: Date.now }
  for (const path of ['a', 'b', 'gone']) await putSecret(store, `team/${path}`, secret(path))
  await deleteSecret(store, 'team/gone')
  await putRevocation(state, keyId, Date.now())
  await state.close()
}

test('everything moves to Redis and back, and a rotation goes through it', async (t) => {
  if (await skipWithoutRedis(t)) return
  const server = await startRedis(t)
  const { folder, variables } = createConfigured(t)
  const run = (args: string[], input = '') => runPurser(t, folder, args, { input })
  const set = (more: Record<string, string>) => writeEnv(folder, { ...variables, ...more })
  const migrate = (...args: string[]) => run(['store', 'migrate', '--to', ...args])
  const onRedis = { REDIS_URL: server.url }
  set(onRedis)
  t.match(await migrate('redis'), { code: 1, stderr: /no embedded state/ })
  const keyId = '7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11'
  await seed(t, folder, variables['ENCRYPTION_KEYS'] ?? '', keyId)

  t.match(await migrate('redis', '--dry-run'), {
    code: 0,
    stdout: '4 entries: 4 to copy, 0 there already, 0 to overwrite, 0 differing\n'
  })
  t.equal(server.cli('dbsize'), '0')
  t.match(await migrate('redis'), {
    code: 0,
    stdout: '4 entries: 4 copied, 0 there already, 0 overwritten, 0 differing\n'
  })
  t.equal((await run(['store', 'get', 'local:team/a'])).stdout, 'a\n')
  t.match((await run(['key', 'revoke', keyId])).stdout, /was revoked before/)

  await run(['store', 'put', 'local:team/a'], 'newer')
  t.match(await migrate('redis'), { code: 1, stdout: /3 there already.*1 differing/ })
  // The two that are copied are places of the trails of `store get` and `store put`.
  t.match(await migrate('embedded', '--overwrite'), {
    code: 0,
    stdout: '6 entries: 2 copied, 3 there already, 1 overwritten, 0 differing\n'
  })

  const fresh = newEncryptionKey()
  set({ ...onRedis, ENCRYPTION_KEYS: `${variables['ENCRYPTION_KEYS']},${fresh}` })
  t.match(await run(['store', 'rewrap']), {
    code: 0,
    stdout: 'local: 2 secrets, 2 rewrapped, 0 unreadable\nnames: 3 rewrapped, 0 unreadable\n'
  })
  set({ ...onRedis, ENCRYPTION_KEYS: fresh })
  t.equal((await run(['store', 'get', 'local:team/a'])).stdout, 'newer\n')
  t.equal(
    (await run(['store', 'put', 'local:team/gone'], 'x')).stdout,
    'local:team/gone?version=2\n'
  )

  set({})
  t.equal((await run(['store', 'get', 'local:team/a'])).stdout, 'newer\n')
})

test('what the encryption keys cannot open is left behind, and told, on both ways', async (t) => {
  if (await skipWithoutRedis(t)) return
  const server = await startRedis(t)
  const { folder, variables } = createConfigured(t)
  const right = variables['ENCRYPTION_KEYS'] ?? ''
  const migrate = (encryptionKeys: string, to: string) => {
    const settings = { ...variables, REDIS_URL: server.url, ENCRYPTION_KEYS: encryptionKeys }
    writeEnv(folder, settings)
    return runPurser(t, folder, ['store', 'migrate', '--to', to])
  }
  await seed(t, folder, right, '7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11')
  const other = newEncryptionKey()
  const refused = {
    code: 1,
    stdout: '',
    stderr: /opens nothing of what is kept: nothing was copied/
  }
  t.match(await migrate(other, 'redis'), refused)
  t.equal(server.cli('dbsize'), '0')
  t.match(await migrate(right, 'redis'), { code: 0, stdout: /4 copied/ })
  t.match(await migrate(other, 'embedded'), refused)

  writeEnv(folder, { ...variables, ENCRYPTION_KEYS: other })
  await runPurser(t, folder, ['store', 'put', 'local:team/c'], { input: 'c' })
  const partly = { code: 1, stderr: /not copied: ENCRYPTION_KEYS lacks/ }
  t.match(await migrate(right, 'redis'), {
    ...partly,
    stdout: /^6 entries: 1 copied, .*, 1 unreadable\n$/
  })
  t.match(await migrate(`${other},${right}`, 'redis'), { code: 0, stdout: /^6 entries: 1 copied/ })
  t.match(await migrate(right, 'embedded'), { ...partly, stdout: /^6 entries: 0 .*, 1 unreadable/ })
})
