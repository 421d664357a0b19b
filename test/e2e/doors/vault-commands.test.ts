// The command line of OpenBao beyond reading, writing and listing: each command ends here as it does against OpenBao itself, or the list says why not.
import { test } from 'tap'
import { plain, runProgram } from '../../support/door-clients/client.ts'
import { openOpenBao, openPurser } from '../../support/door-clients/vault-worlds.ts'
import { isInstalled, programOf, skipWithout } from '../../support/peers.ts'

interface Command {
  readonly line: string
  /** Of both. */
  readonly code: number
  /** In what both say. */
  readonly says?: RegExp
  /** In what the door says, and why OpenBao says something else. */
  readonly here?: readonly [RegExp, reason: string]
}

const DENIED = /Code: 403\. Errors: \* (?:1 error occurred: \* )?permission denied/

const COMMANDS: readonly Command[] = [
  { line: 'kv get secret/app/db', code: 0, says: /password p1 port 5432/ },
  { line: 'kv get -field=password secret/app/db', code: 0, says: /^p1$/ },
  { line: 'kv get -field=none secret/app/db', code: 1, says: /Field "none" not present/ },
  { line: 'read -field=data secret/data/app/db', code: 0, says: /map\[password:p1 port:5432\]/ },
  // There is no PATCH: the command reads, and writes on the version that it read.
  { line: 'kv patch -mount=secret app/db password=p2', code: 0, says: /version 2/ },
  { line: 'kv get secret/app/db', code: 0, says: /version 2 .*password p2 port 5432/ },
  { line: 'kv get -version=1 secret/app/db', code: 0, says: /version 1 .*password p1/ },
  { line: 'kv get -version=7 secret/app/db', code: 2, says: /No value found/ },
  { line: 'kv put -cas=9 secret/app/db a=b', code: 2, says: /did not match the current version/ },
  { line: 'kv put -cas=2 secret/app/db a=b', code: 0, says: /version 3/ },
  { line: 'kv put -cas=0 secret/app/db a=b', code: 2, says: /did not match the current version/ },
  { line: 'kv put -cas=0 secret/app/first a=b', code: 0, says: /version 1/ },
  { line: 'kv put secret/other/db a=b', code: 2, says: DENIED },
  { line: 'kv metadata get secret/app/db', code: 0, says: /current_version 3/ },
  { line: 'kv metadata get secret/app/none', code: 2, says: /No value found/ },
  { line: 'kv list secret/app', code: 0, says: /db deep\/ first$/ },
  { line: 'kv list secret/app/none', code: 2, says: /No value found/ },
  {
    line: 'kv delete secret/app/db',
    code: 2,
    here: [/Code: 405\. Errors: \* unsupported operation/, 'the token may not, where it could']
  },
  { line: 'kv get nomount/x', code: 2, says: /preflight capability check returned 403/ },
  { line: 'read nomount/x', code: 2, says: DENIED },
  {
    line: 'kv get -namespace=team1 secret/app/db',
    code: 2,
    here: [/Code: 403/, 'there is no such namespace, and one with a name would be another tree']
  },
  {
    line: 'secrets list',
    code: 2,
    says: DENIED
  },
  { line: 'token lookup', code: 0, says: /policies \[app/ },
  { line: 'token revoke -self', code: 0, says: /Success! Revoked token/ },
  { line: 'kv get secret/app/db', code: 2, says: /Code: 403\. Errors: \* permission denied/ },
  { line: 'token lookup', code: 2, says: DENIED }
]

test('commands of bao end at the door as they end at OpenBao', async (t) => {
  if (skipWithout(t, await isInstalled('openbao'))) return
  const worlds = { here: await openPurser(t), there: await openOpenBao(t) }
  for (const { line, code, says, here } of COMMANDS) {
    for (const [name, world] of Object.entries(worlds)) {
      const { url, token } = world.placeOf('read')
      const ran = await runProgram(programOf('openbao') ?? '', line.split(' '), {
        env: { BAO_ADDR: url, BAO_TOKEN: token }
      })
      const said = plain(ran.out + ran.err)
      t.equal(ran.code, code, `${name}: ${line}: ${said}`)
      if (says !== undefined) t.match(said, says, `${name}: ${line}`)
      if (here !== undefined && name === 'here') t.match(said, here[0], `${line}: ${here[1]}`)
    }
  }
})

test('what a wrapped answer would be is refused, which OpenBao would give', async (t) => {
  if (skipWithout(t, await isInstalled('openbao'))) return
  const { url, token } = (await openPurser(t)).placeOf('read')
  const args = ['kv', 'get', '-wrap-ttl=60', 'secret/app/db']
  const ran = await runProgram(programOf('openbao') ?? '', args, {
    env: { BAO_ADDR: url, BAO_TOKEN: token }
  })
  t.equal(ran.code, 2)
  t.match(ran.err, /response wrapping is not supported/)
  t.notMatch(ran.out + ran.err, /p1/)
})
