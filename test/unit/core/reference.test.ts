import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import {
  formatReference,
  isSecretName,
  locatorOf,
  parseReference,
  type Reference
} from '../../../src/core/reference.ts'
import { encodeText, isPrintable, parseField, stepsOf } from '../../../src/core/reference-text.ts'
import type { NamedStore } from '../../../src/core/store-address.ts'
import {
  compilePolicy,
  createReferenceBook,
  isStoreName,
  RESERVED_STORE_NAMES
} from '../../../src/kinds/references.ts'
import { startCpuWatch } from '../../support/stopwatch.ts'

const stores: NamedStore[] = [
  {
    name: 'aws',
    address: {
      kind: 'aws-secrets-manager',
      partition: 'aws',
      region: 'eu-west-1',
      accounts: ['123456789012']
    }
  },
  { name: 'kv', address: { kind: 'azure-key-vault', host: 'acme.vault.azure.net' } },
  { name: 'gcp', address: { kind: 'gcp-secret-manager', project: 'acme' } },
  {
    name: 'vault',
    address: {
      kind: 'vault',
      origin: 'https://vault.internal:8200',
      namespace: 'admin',
      mounts: [
        { path: 'kv', version: 2 },
        { path: 'old', version: 1 }
      ]
    }
  },
  { name: 'cluster', address: { kind: 'kubernetes', namespaces: ['prod'] } },
  {
    name: 'onepassword',
    address: {
      kind: 'onepassword-connect',
      origin: 'https://connect.internal:8080',
      vaults: ['Prod']
    }
  },
  { name: 'local', address: { kind: 'local' } }
]

const text = (signs: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...signs), minLength, maxLength })
const LETTERS = 'abzAZ09'
/** As it is written; one that begins with a slash is a pointer, and has other spellings. */
const field = text(`${LETTERS}_.$@+=:/-`, 1, 12).filter((name) => !name.startsWith('/'))
/** Whatever a member of an object can be called, by the name that a reference has for it. */
const anyStep = fc.string({
  unit: fc.constantFrom(...'ab/~%?#*{},[]()&\'" ñ🔑!~', 'n\u0303'),
  maxLength: 6
})
const anyField = fc.array(anyStep, { minLength: 1, maxLength: 3 }).map((steps) => {
  const pointer = steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  return parseField(encodeText(pointer.join(''))) ?? assert.fail('a pointer is a field')
})
const hex = text('0123456789abcdefABCDEF', 32, 32)
const segment = text(`${LETTERS}._~@+=:-`, 1, 6).filter((part) => part !== '.' && part !== '..')
/** What Vault takes: anything printable. */
const anySegment = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...`${LETTERS}%?#*{},[]()&'"\\ ñ🔑!~;`, 'n\u0303'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
    ),
    minLength: 1,
    maxLength: 6
  })
  .filter((part) => part !== '.' && part !== '..' && !part.includes('/') && isPrintable(part))
const anySegments = fc
  .array(anySegment, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'))
const segments = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const number = fc.integer({ min: 1, max: 999 }).map(String)

test('a canonical reference is read again as it was written', async (t) => {
  const book = createReferenceBook(stores, new Map())
  const within = (store: string, path: fc.Arbitrary<string>, version: fc.Arbitrary<string>) =>
    fc.record(
      { store: fc.constant(store), path, version, field: fc.oneof(field, anyField) },
      { requiredKeys: ['store', 'path'], noNullPrototype: true }
    )
  const reference = fc.oneof(
    within('aws', text(`${LETTERS}/_+=.@!-`, 1, 30), text(`${LETTERS}_.-`, 1, 20)),
    within(
      'kv',
      text('abz09-', 1, 30),
      hex.map((version) => version.toLowerCase())
    ),
    within('gcp', text(`${LETTERS}_-`, 1, 30), number),
    within(
      'vault',
      fc.oneof(segments, anySegments).map((path) => `kv/${path}`),
      number
    ),
    within(
      'cluster',
      text('abz09', 1, 10).map((name) => `prod/${name}`),
      text(LETTERS, 1, 9)
    ),
    within(
      'onepassword',
      fc.oneof(segments, anySegments).map((title) => `Prod/${title}`),
      number
    ),
    within('local', fc.oneof(segments, anySegments), text(LETTERS, 1, 9))
  )
  fc.assert(
    fc.property(reference, (one) => {
      const written = formatReference(one)
      assert.match(written, /^[A-Za-z0-9\-._~!$&'()+;=:@/?#%]+$/)
      assert.deepEqual(parseReference(written, book), one)
    }),
    { numRuns: 2000 }
  )
  t.pass('for all that was tried')
})

test('two canonical texts never lead to one secret, and two secrets never have one', async (t) => {
  const book = createReferenceBook(stores, new Map())
  const near = fc.tuple(
    fc.string({
      unit: fc.constantFrom(...'aA%2Ff/.~', 'ñ', 'n\u0303', ' ', '*'),
      minLength: 1,
      maxLength: 4
    }),
    fc.string({ unit: fc.constantFrom(...'a/~01%'), minLength: 1, maxLength: 4 })
  )
  const read = ([path, name]: readonly [string, string]): Reference | undefined => {
    try {
      return parseReference(`vault:kv/${path}#${name}`, book)
    } catch {
      return undefined
    }
  }
  let compared = 0
  fc.assert(
    fc.property(near, near, (left, right) => {
      const [a, b] = [read(left), read(right)]
      if (a === undefined || b === undefined) return
      compared += 1
      const isOne = a.path === b.path && a.field === b.field
      assert.equal(formatReference(a) === formatReference(b), isOne)
      assert.deepEqual(
        isOne,
        `${a.path}#${stepsOf(a.field ?? '').join('\n')}` ===
          `${b.path}#${stepsOf(b.field ?? '').join('\n')}`
      )
    }),
    { numRuns: 5000 }
  )
  t.ok(compared > 200, 'often enough both were references')
})

test('a canonical reference as a pattern allows that secret and no other', async (t) => {
  const book = createReferenceBook(stores, new Map())
  const path = anySegments.map((written) => `kv/${written}`)
  fc.assert(
    fc.property(path, anyField, path, (one, name, other) => {
      const reference = { store: 'vault', path: one, field: name }
      const policy = compilePolicy([{ client: 'app', read: [formatReference(reference)] }])
      const allows = (asked: string, wanted?: string): boolean =>
        policy.isAllowed('app', 'read', {
          store: 'vault',
          path: asked,
          ...(wanted !== undefined && { field: wanted })
        })
      assert.ok(allows(one, name))
      assert.ok(!allows(one))
      assert.ok(!allows(one, `${name}x`))
      assert.ok(!allows(one, `/${stepsOf(name).join('/')}/x`))
      assert.equal(allows(other, name), other === one)
      assert.ok(parseReference(formatReference({ store: 'vault', path: other }), book))
    }),
    { numRuns: 2000 }
  )
  t.pass('for all that was tried')
})

/** Every way to write one secret, and the path that all of them have. */
const spellings = fc.oneof(
  fc
    .tuple(
      segment.filter((title) => !title.includes('+')),
      field.filter((name) => !/[/+]/.test(name))
    )
    .map(([title, name]) => ({
      path: `Prod/${title}`,
      texts: [
        `onepassword:Prod/${title}#${name}`,
        `op://Prod/${title}/${name}`,
        `ref+onepasswordconnect://Prod/${title}#/${name}`
      ]
    })),
  fc
    .tuple(
      text(`${LETTERS}/_=.@-`, 1, 30),
      field.filter((f) => !/[/+]/.test(f))
    )
    .map(([name, f]) => {
      const arn = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}`
      return {
        path: name,
        texts: [
          `aws:${name}#${f}`,
          `${arn}#${f}`,
          `ref+awssecrets://${name}#/${f}`,
          `secretref+awssecrets://${arn}?region=eu-west-1#/${f}`
        ]
      }
    }),
  fc.tuple(text('abzABZ09-', 1, 20), hex).map(([name, version]) => ({
    path: name.toLowerCase(),
    texts: [
      `kv:${name}?version=${version}`,
      `kv:${name.toLowerCase()}?version=${version.toLowerCase()}`,
      `https://acme.vault.azure.net/secrets/${name}/${version}`,
      `https://ACME.vault.azure.net:443/secrets/${name.toUpperCase()}/${version}/`,
      `@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/${name}/${version})`,
      `@Microsoft.KeyVault(VaultName=acme;SecretName=${name};SecretVersion=${version})`,
      `ref+azurekeyvault://acme/${name}/${version}`,
      `ref+azurekeyvault://acme.vault.azure.net/${name}/${version}/`
    ]
  })),
  fc.tuple(text(`${LETTERS}_-`, 1, 30), number).map(([id, version]) => ({
    path: id,
    texts: [
      `gcp:${id}?version=${version}`,
      `projects/acme/secrets/${id}/versions/${version}`,
      `ref+gcpsecrets://acme/${id}?version=${version}`
    ]
  })),
  fc
    .tuple(
      segments.filter((path) => !path.includes('+')),
      number
    )
    .map(([path, version]) => ({
      path: `kv/${path}`,
      texts: [
        `vault:kv/${path}?version=${version}#f`,
        `https://vault.internal:8200/v1/kv/data/${path}?version=${version}#f`,
        `https://VAULT.internal:8200/v1/admin/kv/data/${path}?version=${version}#f`,
        `ref+vault://kv/${path}?version=${version}#/f`,
        `ref+vault://kv/${path}/f?version=${version}&namespace=admin`,
        `ref+vault://kv/${path}?address=https://vault.internal:8200&version=${version}#/f`
      ]
    })),
  segments.map((path) => ({
    path: `old/${path}`,
    texts: [`vault:old/${path}`, `https://vault.internal:8200/v1/old/${path}`]
  })),
  fc.tuple(text('abz09', 1, 10), text(`${LETTERS}._-`, 1, 10)).map(([name, key]) => ({
    path: `prod/${name}`,
    texts: [
      `cluster:prod/${name}#${key}`,
      `k8s://prod/${name}#${key}`,
      `ref+k8s://v1/Secret/prod/${name}/${key}`,
      `ref+k8s://v1/Secret/prod/${name}#/${key}`
    ]
  }))
)

test('every spelling of a secret is the same reference, by name too', async (t) => {
  fc.assert(
    fc.property(spellings, ({ path, texts }) => {
      const names = new Map(texts.map((written, index) => [`name-${index}`, written]))
      const book = createReferenceBook(stores, names)
      const canonical = texts.flatMap((written, index) =>
        [written, `name-${index}`].map((spelling) => {
          const reference = parseReference(spelling, book)
          assert.equal(reference?.path, path, spelling)
          return reference && formatReference(reference)
        })
      )
      assert.equal(new Set(canonical).size, 1)
    }),
    { numRuns: 300 }
  )
  t.pass('for all that was tried')
})

// Pieces that forms are made of, so that arbitrary texts reach their depths.
const piece = fc.constantFrom(
  ...['aws:', 'kv:', 'vault:', 'arn:aws:secretsmanager:', 'eu-west-1:', '123456789012:', 'secret:'],
  ...[
    'https://',
    'http://',
    'acme.vault.azure.net',
    '/secrets/',
    'vault.internal:8200',
    '/v1/',
    'kv/'
  ],
  ...[
    'data/',
    'admin/',
    '@Microsoft.KeyVault(',
    'SecretUri=',
    'VaultName=',
    ';',
    'SecretName=',
    ')'
  ],
  ...['projects/', 'acme', '/versions/', '/locations/', 'k8s://', 'prod/', 'ref+', 'secretref+'],
  ...['awssecrets://', 'azurekeyvault://', 'gcpsecrets://', 'vault://', 'v1/Secret/', 'address='],
  ...[
    '?version=',
    '&',
    '#',
    '#/',
    '=',
    '..',
    '.',
    '/',
    '//',
    ':',
    '@',
    '%',
    '\\',
    '+',
    ' ',
    '[',
    ']'
  ]
)
const anything = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 12 })
    .map((parts) => parts.join(''))
)
const beside = fc.record(
  { version: fc.oneof(number, anything), field: fc.oneof(field, anything) },
  { requiredKeys: [] }
)

test('whatever is written is a reference, leads nowhere, or is a problem', async (t) => {
  const book = createReferenceBook(stores, new Map([['named', 'aws:a']]))
  fc.assert(
    fc.property(anything, beside, (written, given) => {
      let reference: Reference | undefined
      try {
        reference = parseReference(written, book, given)
      } catch (error) {
        return error instanceof ProblemError && error.code === 'invalid_reference'
      }
      if (reference === undefined) return true
      const again = parseReference(formatReference(reference), book)
      return (
        stores.some(({ name }) => name === reference.store) &&
        again?.path === reference.path &&
        again.version === reference.version &&
        again.field === reference.field
      )
    }),
    { numRuns: 5000 }
  )
  t.pass()
})

test('a refusal repeats nothing of what was written', async (t) => {
  const token = text('0123456789bcdfghjkmnpqrtvwxyzBCDFGHJKMNPQRTVWXYZ', 12, 30)
  let refused = 0
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, token), { minLength: 1, maxLength: 8 }),
      token,
      token,
      (parts, version, given) => {
        const book = createReferenceBook(stores, new Map([['named', parts.join('')]]))
        for (const written of [parts.join(''), 'named']) {
          try {
            parseReference(written, book, { version, field: given })
          } catch (error) {
            refused += 1
            const detail = (error as ProblemError).details.detail ?? ''
            const tokens = [
              ...parts.filter((part) => /^[0-9A-Za-z]{12,}$/.test(part)),
              version,
              given
            ]
            for (const one of tokens) assert.ok(!detail.includes(one), detail)
          }
        }
      }
    ),
    { numRuns: 1000 }
  )
  t.ok(refused > 200, 'often enough something was refused')
})

test('a long hostile text is decided in little time', async (t) => {
  const book = createReferenceBook(stores, new Map())
  const used = startCpuWatch()
  for (const start of [
    '',
    'aws:',
    'https://',
    'projects/',
    'ref+vault://',
    '@Microsoft.KeyVault('
  ]) {
    for (const sign of ['a', '/', '.', 'a/', ':', '=', ';', '#', '?', '&', '+']) {
      const written = (start + sign.repeat(2048)).slice(0, 2048)
      try {
        parseReference(written, book)
      } catch (error) {
        t.ok(error instanceof ProblemError)
      }
    }
  }
  const milliseconds = used()
  t.ok(milliseconds < 1000, `${milliseconds} ms`)
})

test('where several stores fit, the first configured one is meant', async (t) => {
  const twin = { name: 'twin', address: stores[0]?.address } as NamedStore
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:a'
  const storeOf = (list: NamedStore[]): string | undefined =>
    parseReference(arn, createReferenceBook(list, new Map()))?.store
  t.equal(storeOf([twin, ...stores]), 'twin')
  t.equal(storeOf([...stores, twin]), 'aws')
})

test('a locator has what a provider reads by, and nothing else', async (t) => {
  const nativeId = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:a'
  t.strictSame(locatorOf({ store: 'aws', path: 'a', version: '1', field: 'f', nativeId }), {
    path: 'a',
    version: '1',
    nativeId
  })
  t.strictSame(locatorOf({ store: 'aws', path: 'a' }), { path: 'a' })
})

test('names of stores and of secrets cannot be taken for another form', async (t) => {
  for (const name of RESERVED_STORE_NAMES) t.equal(isStoreName(name), false, name)
  for (const name of ['', 'A', '1a', 'a_b', 'a.b', 'a:', 'a\n', 'a'.repeat(64)]) {
    t.equal(isStoreName(name), false, JSON.stringify(name))
  }
  for (const name of ['a', 'aws-2', 'a'.repeat(63)]) t.equal(isStoreName(name), true, name)
  for (const name of ['', '.a', 'a:b', 'a/b', 'a b', 'a\n', 'a#b', 'a'.repeat(129)]) {
    t.equal(isSecretName(name), false, JSON.stringify(name))
  }
  for (const name of ['A', '9.a_b-c', 'a'.repeat(128)]) t.equal(isSecretName(name), true, name)
})
