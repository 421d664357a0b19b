// `purser explain` as a process: from the configuration alone, for people and for machines.
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
