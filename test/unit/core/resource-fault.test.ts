/** What is said of a resource that came as the body of a request. */
import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { isPlainKey, refuseFaults, resourceFault } from '../../../src/core/resource-fault.ts'

test('a resource without a fault is not refused', async (t) => {
  t.doesNotThrow(() => refuseFaults([]))
})

test('all faults are one problem, of the gravest code, each with its pointer into the body', async (t) => {
  const faults = [
    resourceFault('invalid_request', ['endpoint'], 'endpoint', 'a sentence of its own'),
    resourceFault('invalid_reference', ['secrets', 0], 'reference'),
    resourceFault('conflicting_credentials', ['credentials', ' key '], 'conflict')
  ]
  t.equal(faults[0]?.message, 'a sentence of its own')
  t.equal(faults[1]?.message, 'is not a reference that can be read')
  const codes = [
    [faults, 'conflicting_credentials'],
    [faults.slice(0, 2), 'invalid_reference'],
    [faults.slice(0, 1), 'invalid_request']
  ] as const
  for (const [some, code] of codes) t.throws(() => refuseFaults(some), { code })
  try {
    refuseFaults(faults)
  } catch (error) {
    t.ok(error instanceof ProblemError)
    t.strictSame((error as ProblemError).details.errors, [
      { pointer: '/body/endpoint', rule: 'endpoint' },
      { pointer: '/body/secrets/0', rule: 'reference' },
      { pointer: '/body/credentials/key', rule: 'conflict' }
    ])
  }
})

test('the problem says of its gravest fault in a sentence what is wrong, and where', async (t) => {
  const detailOf = (...faults: Parameters<typeof refuseFaults>[0]) => {
    try {
      return refuseFaults(faults)
    } catch (error) {
      return (error as ProblemError).details.detail
    }
  }
  const wrong = resourceFault('invalid_reference', ['m', 'a'], 'reference', 'It was read as X: y.')
  const absent = resourceFault('invalid_request', ['provider'], 'unknown_provider')
  t.equal(detailOf(absent), '/body/provider: names a provider that is not configured.')
  t.equal(detailOf(absent, wrong, wrong), '/body/m/a: It was read as X: y.')
})

test('a key is repeated only if it is a plain word', async (t) => {
  for (const plain of ['a', 'displayName', 'a.b-c_9', 'a'.repeat(64)])
    t.ok(isPlainKey(plain), plain)
  for (const other of ['', '9a', '-a', 'a b', 'a\n', ' a', 'a/b', 'a'.repeat(65)]) {
    t.notOk(isPlainKey(other), other)
  }
})
