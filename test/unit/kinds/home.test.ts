// Files below the home of a user, who may have none.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { filesAtHome } from '../../../src/kinds/shared/home.ts'

test('files stand below the home of whoever runs this', async (t) => {
  t.strictSame(filesAtHome('.aws/config'), [join(homedir(), '.aws/config')])
})

test('a user without a home, as in a container, is asked for none', async (t) => {
  if (process.getuid?.() !== 0) {
    t.comment('only root can become such a user')
    return
  }
  // By its text: such a user may not read where this stands.
  const module = readFileSync(new URL('../../../src/kinds/shared/home.js', import.meta.url), 'utf8')
  const code = `${module.replace(/^\/\/# source.*$/m, '')}\nconsole.log(JSON.stringify(filesAtHome('a')))`
  const args = ['--input-type=module', '-e', code]
  const { stdout, stderr } = spawnSync(process.execPath, args, { uid: 65_532, env: {}, cwd: '/' })
  t.equal(stdout.toString().trim(), '[]', stderr.toString())
})
