// What the words of `purser run` mean, and which cannot be meant.
import { test } from 'tap'
import { planOf, type RunOptions } from '../../../../src/cli/run/plan.ts'

const DEFAULTS = { grace: 10, jitter: 1, checkEvery: 300, wait: 10 }
const plan = (options: Partial<RunOptions>, words: readonly string[] = ['app', '-x']) =>
  planOf({ ...DEFAULTS, ...options }, words, '/work')

test('a plan names each secret and where it goes', async (t) => {
  const made = plan({
    env: ['DB=aws:acme/db?version=2#a=b', 'NODE_OPTIONS=local:x'],
    file: ['tls.key=vault:pki/app#key', '/run/a=b'],
    allBelow: ['aws:acme-pro-appsec/', 'local:'],
    as: 'files',
    into: 'in',
    watch: 'signal:SIGHUP'
  })
  t.strictSame(made, {
    singles: [
      { variable: 'DB', ref: 'aws:acme/db?version=2#a=b' },
      { variable: 'NODE_OPTIONS', ref: 'local:x' },
      { path: '/work/tls.key', ref: 'vault:pki/app#key' },
      { path: '/run/a', ref: 'b' }
    ],
    groups: [
      { prefix: 'aws:acme-pro-appsec/', as: 'files', folder: '/work/in' },
      { prefix: 'local:', as: 'files', folder: '/work/in' }
    ],
    command: ['app', '-x'],
    watch: { by: 'signal', signal: 'SIGHUP' }
  })
  const env = plan({ allBelow: ['a:b/'], as: 'env', envPrefix: 'APP_', watch: 'restart' })
  t.strictSame(env.groups, [{ prefix: 'a:b/', as: 'env', variablePrefix: 'APP_' }])
  t.strictSame(env.watch, { by: 'restart' })
})

const one = { env: ['A=a:b'] }
const group = { allBelow: ['a:b/'] }
const WRONG: readonly (readonly [Partial<RunOptions>, RegExp])[] = [
  [{}, /which secrets/],
  [{ env: ['A'] }, /form/],
  [{ env: ['=a:b'] }, /form/],
  [{ env: ['A='] }, /form/],
  [{ env: ['A-B=a:b'] }, /variable/],
  [{ env: ['1=a:b'] }, /variable/],
  [{ env: ['A=a:b', 'A=a:c'] }, /A is given twice/],
  [{ file: ['x=a:b', './x=a:c'] }, /\/work\/x is given twice/],
  [{ file: ['x/=a:b'] }, /not a folder/],
  [group, /--as/],
  [{ ...one, as: 'files' }, /belong/],
  [{ ...one, into: 'x' }, /belong/],
  [{ ...one, envPrefix: 'A_' }, /belong/],
  [{ ...group, as: 'files', envPrefix: 'A_' }, /goes with/],
  [{ ...group, as: 'env', into: 'x', envPrefix: 'A_' }, /goes with/],
  [{ ...group, as: 'env' }, /--env-prefix/],
  [{ ...group, as: 'env', envPrefix: 'LD_' }, /--env-prefix/],
  [{ ...group, as: 'env', envPrefix: '' }, /--env-prefix/],
  [{ allBelow: ['a:b'], as: 'files' }, /slash/],
  [{ allBelow: ['a:b/', 'a:b/'], as: 'files' }, /twice/],
  [{ ...one, watch: 'signal:HUP' }, /cannot change/],
  [{ file: ['x=a:b'], watch: 'signal:KILL' }, /--watch/],
  [{ ...one, watch: 'always' }, /--watch/],
  [{ ...one, trust: 'x' }, /--token-file/],
  [{ ...one, envFile: '.env' }, /no file of settings/]
]

test('what cannot be meant is wrong usage', async (t) => {
  for (const [options, message] of WRONG) {
    t.throws(() => plan(options), { exitCode: 2, message }, JSON.stringify(options))
  }
  t.throws(() => plan(one, []), { message: /stand after --/, exitCode: 2 })
  t.throws(() => plan(one, ['']), { message: /stand after --/, exitCode: 2 })
})
