/** What a command prints that is not kept anywhere: it has reached standard output, or the command failed. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { createConfigured, putLocal } from '../support/purser-process.ts'

const PROGRAM = fileURLToPath(new URL('../../src/cli/purser.js', import.meta.url))

const LIST = `clients:
${Array.from({ length: 20 }, (_, i) => `  - { client: app-${i}, scopes: ["aura-services:secrets"], mode: r }`).join('\n')}
`

/** A folder with a secret to read, and the commands that print what is wanted and nothing else keeps. */
const configured = async (t: Test) => {
  const { folder } = createConfigured(t)
  writeFileSync(join(folder, 'clients.yaml'), LIST)
  await putLocal(folder, 'team/one', 'a value')
  return folder
}

/** What these print cannot be had again. */
const ONCE = ['key issue', 'key issue-all clients.yaml', 'encryption-key new']
const COMMANDS = [...ONCE, 'resolve local:team/one', 'store get --raw local:team/one']

/** As a shell runs it, with this said of its standard output. */
const runInShell = (folder: string, command: string, redirection: string, before = '') => {
  const line = `${before} exec env -u NODE_OPTIONS "$0" -- "$@" ${redirection}`
  const args = ['-c', line, process.execPath, PROGRAM, ...command.split(' ')]
  const env = { PATH: process.env['PATH'] }
  const { status, stderr } = spawnSync('sh', args, { cwd: folder, env, encoding: 'utf8' })
  return { status, stderr }
}

test('Where standard output is closed, nothing is issued, and the command fails', async (t) => {
  const folder = await configured(t)
  for (const command of ONCE) {
    const { status, stderr } = runInShell(folder, command, '>&-')
    t.equal(status, 1, command)
    t.equal(stderr, 'Standard output is closed: nothing was done.\n', command)
  }
})

test('Who throws the output away on purpose is let, and who needs none', async (t) => {
  const folder = await configured(t)
  for (const command of ['key issue', 'resolve local:team/one']) {
    t.equal(runInShell(folder, command, '>/dev/null').status, 0, command)
  }
  t.equal(runInShell(folder, 'config check', '>&-').status, 0)
  t.equal(runInShell(folder, 'key issue-all clients.yaml --output keys.txt', '>&-').status, 0)
  t.match(readFileSync(join(folder, 'keys.txt'), 'utf8'), /app-19 .* purser_/)
  // As Node and Python start who asks only whether a secret can be read.
  const probe = [PROGRAM, 'resolve', 'local:team/one']
  t.equal(spawnSync(process.execPath, probe, { cwd: folder, stdio: 'ignore' }).status, 0)
})

test('A full disk is a failure of every command that prints, told once', {
  skip: !existsSync('/dev/full') && 'there is no /dev/full here'
}, async (t) => {
  const folder = await configured(t)
  const others = ['config check', 'explain --client app local:team/one', '--help']
  for (const command of [...COMMANDS, ...others]) {
    const { status, stderr } = runInShell(folder, command, '>/dev/full')
    t.equal(status, 1, command)
    t.equal(stderr.match(/cannot be written \(ENOSPC\)/g)?.length, 1, command)
  }
})

test('A disk that takes a part of the output is a full one', {
  skip: process.platform === 'win32' && 'no limit on the size of files here'
}, async (t) => {
  const folder = await configured(t)
  // Cuts a write as a full disk does.
  const limited = "trap '' XFSZ; ulimit -f 1; export AUDIT_REQUIRED=false;"
  const { status, stderr } = runInShell(folder, 'key issue-all clients.yaml', '>cut.txt', limited)
  t.ok(readFileSync(join(folder, 'cut.txt')).length > 0, 'a part of it is there')
  t.equal(status, 1)
  t.match(stderr, /Standard output cannot be written/)
  t.notMatch(stderr, /20 keys/)
})
