import { test } from 'tap'
import { listenersOf } from '../../../src/config/doors.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { parseConfigFile } from '../../support/config-file.ts'

const LISTENERS = listenersOf({
  HOST: '127.0.0.1',
  PORT: 8700,
  INTERNAL_HOST: '10.0.0.1',
  INTERNAL_PORT: 8701,
  CONSOLE_ENABLED: true,
  CONSOLE_HOST: '127.0.0.1',
  CONSOLE_PORT: 8702
})

const BEFORE = `stores:
  - { name: local, kind: local }
  - { name: kv, kind: vault, address: "https://vault.internal:8200", mounts: [{ path: my-kv, version: 2 }], auth: { method: token, token: { env: VAULT_TOKEN } } }
`
const read = (...doors: string[]) =>
  parseConfigFile(
    `${BEFORE}doors:\n${doors.map((one) => `  - ${one}\n`).join('')}`,
    'purser.yaml',
    {
      listeners: LISTENERS
    }
  ).doors

const faultsOf = (...doors: string[]): string[] => {
  try {
    read(...doors)
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
  }
}

test('doors are read, and lead below a store or to the names', async (t) => {
  const doors = read(
    '{ dialect: vault, port: 8200, mounts: { secret: local, my-kv: "kv:my-kv/", names: "secrets:", old: { store: local, version: 1 } } }',
    '{ dialect: aws, store: "kv:my-kv/", region: eu-west-1 }',
    '{ dialect: aws, port: 4566, host: "::1", store: local }',
    '{ dialect: aws-agent, port: 2773, store: "secrets:" }',
    '{ dialect: dapr }',
    '{ dialect: dapr, port: 3500, stores: { vault: kv } }'
  )
  const local = { kind: 'below', store: 'local', path: '' }
  const inKv = { kind: 'below', store: 'kv', path: 'my-kv/' }
  t.strictSame(doors, [
    {
      dialect: 'vault',
      place: { host: undefined, port: 8200 },
      mounts: new Map([
        ['secret', { target: local, version: 2 }],
        ['my-kv', { target: inKv, version: 2 }],
        ['names', { target: { kind: 'names' }, version: 2 }],
        ['old', { target: local, version: 1 }]
      ])
    },
    { dialect: 'aws', place: undefined, target: inKv, region: 'eu-west-1' },
    { dialect: 'aws', place: { host: '::1', port: 4566 }, target: local, region: undefined },
    {
      dialect: 'aws-agent',
      place: { host: undefined, port: 2773 },
      target: { kind: 'names' },
      region: undefined
    },
    { dialect: 'dapr', place: undefined, stores: undefined },
    {
      dialect: 'dapr',
      place: { host: undefined, port: 3500 },
      stores: new Map([['vault', { kind: 'below', store: 'kv', path: '' }]])
    }
  ])
  t.strictSame(parseConfigFile(BEFORE, 'purser.yaml').doors, [], 'no door is open unless listed')
})

test('a door is refused at its line where it cannot stand', async (t) => {
  const line = /^purser\.yaml:5:\d+ /
  for (const [door, message] of [
    ['{ dialect: vault, mounts: { secret: local } }', /doors\.0 lacks port/],
    ['{ dialect: aws-agent, store: local }', /doors\.0 lacks port/],
    ['{ dialect: vault, port: 8200 }', /doors\.0 lacks mounts/],
    ['{ dialect: vault, port: 8200, mounts: {} }', /mounts has none/],
    ['{ dialect: vault, port: 8700, mounts: { a: local } }', /port is taken by PORT/],
    ['{ dialect: vault, port: 8701, host: 0.0.0.0, mounts: { a: local } }', /by INTERNAL_PORT/],
    ['{ dialect: aws, port: 8702, store: local }', /port is taken by CONSOLE_PORT/],
    ['{ dialect: aws, port: 70000, store: local }', /doors\.0\.port/],
    ['{ dialect: aws, host: 127.0.0.1, store: local }', /host needs a port/],
    ['{ dialect: aws, port: 1, host: "a b", store: local }', /host must be an address/],
    ['{ dialect: aws, store: local, region: Europe }', /region/],
    ['{ dialect: aws, store: none }', /store names a store that is not configured/],
    ['{ dialect: aws, store: "none:a/" }', /store names a store that is not configured/],
    ['{ dialect: aws, store: "local:a" }', /its path ends in a slash/],
    ['{ dialect: aws, store: "local:../" }', /segments/],
    ['{ dialect: aws }', /doors\.0 lacks store/],
    ['{ dialect: vault, port: 1, mounts: { a: none } }', /mounts\.a names a store/],
    ['{ dialect: vault, port: 1, mounts: { a: { store: local, version: 3 } } }', /version/],
    ['{ dialect: vault, port: 1, mounts: { a/b: local } }', /must be letters/],
    ['{ dialect: vault, port: 1, mounts: { "..": local } }', /must be letters/],
    ['{ dialect: dapr, stores: { a: none } }', /stores\.a names a store/],
    ['{ dialect: etcd, port: 1 }', /must be given as one of \{ dialect: vault \}/],
    ['{ dialect: aws, store: local, paths: all }', /paths is not a known member/]
  ] as const) {
    const faults = faultsOf(door)
    t.match(faults, [message], door)
    t.match(faults[0], line, door)
  }
  for (const name of ['sys', 'auth', 'cubbyhole', 'identity']) {
    t.match(faultsOf(`{ dialect: vault, port: 1, mounts: { ${name}: local } }`), [/for itself/])
  }
})

test('two doors do not share a listener', async (t) => {
  const vault = '{ dialect: vault, port: 8200, mounts: { a: local } }'
  t.match(faultsOf(vault, '{ dialect: dapr, port: 8200 }'), [/:6:.*port is taken by another door/])
  t.same(faultsOf(vault, '{ dialect: dapr, port: 8200, host: 10.0.0.2 }'), [])
  t.match(faultsOf(vault, '{ dialect: dapr, port: 8200, host: 0.0.0.0 }'), [/another door/])
  t.match(faultsOf('{ dialect: dapr }', '{ dialect: dapr }'), [/doors\.1 stands there twice/])
  t.same(faultsOf(vault.replace('8200', '0'), vault.replace('8200', '0')), [], 'any free port')
  const many = Array.from({ length: 17 }, (_, i) => `{ dialect: dapr, port: ${9000 + i} }`)
  t.match(faultsOf(...many), [/doors/])
  t.same(faultsOf(...many.slice(1)), [])
})
