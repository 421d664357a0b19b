/** A change that was under way when the process died: that it was begun is on record, and that nobody knows how it ended. */
import { test } from 'tap'
import { recordsIn } from '../support/audit-records.ts'
import { createConfigured, issueKey, runPurser, serve } from '../support/purser-process.ts'
import { SLOW, startSlowVault } from '../support/slow-vault.ts'

test('a write that a kill overtook is on record as begun, without an end, and the trail verifies', async (t) => {
  const vault = await startSlowVault(t)
  const { variables, yaml } = vault.configuration
  const { folder } = createConfigured(t, { variables, yaml: yaml.replace('read:', 'write:') })
  const { child, ended, url } = await serve(t, folder)
  const key = await issueKey(folder, { mode: 'w' })
  const answer = fetch(`${url}${SLOW}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{"value":"new"}'
  }).then(
    ({ status }) => status,
    () => undefined
  )
  t.equal(
    await Promise.race([vault.asked, answer]),
    'hvs.from-the-env-file',
    'it came to the Vault'
  )
  child.kill('SIGKILL')
  await ended
  t.equal(await answer, undefined, 'nobody was told an outcome')
  const writes = (await recordsIn(folder)).filter(({ action }) => action === 'secret.write')
  t.match(writes, [
    { outcome: 'allowed', reason: 'intent', reference: 'vault:kv/slow', client: 'app' }
  ])
  t.equal(writes.length, 1)
  const { code, stdout } = await runPurser(t, folder, ['audit', 'verify', '--json'])
  t.equal(code, 0, stdout)
})
