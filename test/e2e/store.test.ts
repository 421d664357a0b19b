/** The embedded store from the command line, beside a service that runs. */
import { join } from 'node:path'
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { putResource } from '../../src/integrations/resource-entries.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { createCanary } from '../support/canary.ts'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  runPurser,
  serve,
  writeEnv
} from '../support/purser-process.ts'

test('A secret that is put while the service runs is what the next read gives', async (t) => {
  const { folder } = createConfigured(t)
  const { output, url } = await serve(t, folder)
  const key = await issueKey(folder)
  const canary = createCanary()
  const put = (input: string) => runPurser(t, folder, ['store', 'put', 'local:team/db'], { input })
  const read = async (): Promise<unknown> =>
    (await get(`${url}/v1/secrets?ref=local:team/db`, key)).json()

  t.match(await put('first\n'), { code: 0, stdout: 'local:team/db?version=1\n' })
  t.match(await read(), { value: 'first', version: '1' })
  const second = await put(JSON.stringify({ user: 'app', password: canary.token }))
  t.match(await read(), { data: { user: 'app', password: canary.token }, version: '2' })
  t.strictSame(canary.findIn(second.stdout + second.stderr + output.stdout + output.stderr), [])

  const run = (...args: string[]) => runPurser(t, folder, args)
  t.equal((await run('store', 'get', 'local:team/db#user')).stdout, 'app\n')
  t.equal((await run('store', 'get', 'local:team/db?version=1')).stdout, 'first\n')
  t.equal((await run('resolve', 'local:team/db#password')).stdout, `${canary.token}\n`)
  t.match((await run('store', 'list', 'local:team/')).stdout, /^local:team\/db\t2\t\S+Z\n$/)
  t.equal((await run('store', 'delete', 'local:team/db')).code, 0)
  t.match(await read(), { code: 'secret_not_found' })
  t.match(await run('resolve', 'local:team/db'), { code: 1, stdout: '', stderr: /no such secret/ })
})

test('Names of any alphabet and the bytes as they are stored go in and come out', async (t) => {
  const { folder } = createConfigured(t)
  const run = (args: string[], input = '') => runPurser(t, folder, args, { input })
  const text = '{"id": 12345678901234567890, "a b":{"c/d":"é"}}'
  const put = await run(['store', 'put', 'local:año 1/contraseña (a)'], text)
  const canonical = 'local:a%C3%B1o%201/contrase%C3%B1a%20(a)'
  t.match(put, { code: 0, stdout: `${canonical}?version=1\n` })
  t.equal((await run(['store', 'list', 'local:año 1/'])).stdout.split('\t')[0], canonical)
  t.equal((await run(['store', 'list', 'local:a%C3%B1o%201/'])).stdout.split('\t')[0], canonical)
  t.equal((await run(['store', 'get', '--raw', canonical])).stdout, text)
  t.equal((await run(['resolve', '--raw', canonical])).stdout, text)
  t.equal((await run(['resolve', '--raw', `${canonical}#/a b/c~1d`])).stdout, 'é')
  t.match((await run(['resolve', canonical])).stdout, /"id": 12345678901234567890,\n/)
  t.match(await run(['store', 'list', 'local:a*']), { code: 2, stderr: /percent-escapes/ })
})

test('The store takes no empty value, no part of a secret and no store of another kind', async (t) => {
  const { folder } = createConfigured(t)
  const put = (ref: string, input: string | Buffer) =>
    runPurser(t, folder, ['store', 'put', ref], { input })
  t.match(await put('local:team/db', '\n'), { code: 1, stderr: /no input/ })
  t.match(await put('local:team/db', Buffer.of(0xff)), { code: 1, stderr: /not UTF-8/ })
  t.match(await put('local:team/db#user', 'x'), { code: 2, stderr: /whole secret/ })
  t.match(await put('aws:team/db', 'x'), { code: 2, stderr: /no configured store/ })
  t.match(await put('local:../db', 'x'), { code: 2, stderr: /read as/ })
  t.equal((await runPurser(t, folder, ['store', 'list'])).stdout, '')
})

test('After a rewrap the former encryption key is no longer needed', async (t) => {
  const { folder, variables } = createConfigured(t)
  const run = (args: string[]) => runPurser(t, folder, ['store', ...args])
  await putLocal(folder, 'team/a', 'a')
  await putLocal(folder, 'team/b', 'b')
  const state = createEmbeddedState(join(folder, 'data'))
  t.teardown(() => state.close())
  const sealer = createSealer(createKeyring([variables['ENCRYPTION_KEYS'] ?? '']))
  await putResource({ state, sealer: () => sealer }, 'bots', 'a-bot', { name: 'a-bot' })
  const fresh = newEncryptionKey()
  const setKeys = (keys: string): void => writeEnv(folder, { ...variables, ENCRYPTION_KEYS: keys })

  setKeys(fresh)
  const tooEarly = await run(['rewrap'])
  t.match(tooEarly, {
    code: 1,
    stdout:
      'local: 2 secrets, 0 rewrapped, 2 unreadable\nrun time: 1 bots, providers and channels, 0 rewrapped, 1 unreadable\n'
  })
  t.match(tooEarly.stderr, /ENCRYPTION_KEYS no longer holds/)

  setKeys(`${variables['ENCRYPTION_KEYS']},${fresh}`)
  t.match(await run(['rewrap']), {
    code: 0,
    stdout:
      'local: 2 secrets, 2 rewrapped, 0 unreadable\nrun time: 1 bots, providers and channels, 1 rewrapped, 0 unreadable\n'
  })
  setKeys(fresh)
  t.equal((await run(['get', 'local:team/b'])).stdout, 'b\n')
  t.match(await run(['rewrap']), {
    code: 0,
    stdout: /1 bots, providers and channels, 0 rewrapped, 0 unread/
  })
})
