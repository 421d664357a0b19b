/** What the common suite cannot know of writing, listing and tags in AWS: how they are asked for on the wire. */
import { test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { answer, error, openAnswering as open } from './fake.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf'

test('a write that is tried again is the same write, and another one is not', async (t) => {
  const { write, bodies, options } = await open(t, {
    PutSecretValue: (_, n) =>
      n === 1 ? error('InternalServiceError', 'x') : answer(200, { VersionId: 'theirs' })
  })
  const text = new Sensitive('x')
  t.strictSame(await write({ path: 'app/db' }, text, options), { version: 'theirs' })
  await write({ path: 'app/db' }, text, options)
  const [first, again, other] = bodies('PutSecretValue')
  t.strictSame(again, first)
  t.match(first, { SecretId: 'app/db', SecretString: 'x', ClientRequestToken: UUID })
  t.strictSame(Object.keys(first).sort(), ['ClientRequestToken', 'SecretId', 'SecretString'])
  t.not(other.ClientRequestToken, first.ClientRequestToken)
})

test('a write goes to the ARN that the caller wrote', async (t) => {
  const { write, bodies, options } = await open(t)
  await write({ path: 'app/db-AbCdEf', nativeId: ARN }, new Sensitive('x'), options)
  t.equal(bodies('PutSecretValue')[0].SecretId, ARN)
})

test('what AWS says to a write has the meaning that it has for a write', async (t) => {
  const meanings = {
    InvalidRequestException: 'conflict',
    ResourceNotFoundException: 'not_found',
    EncryptionFailure: 'denied',
    AccessDeniedException: 'denied',
    LimitExceededException: 'throttled',
    InvalidParameterException: 'misconfigured'
  }
  for (const [name, reason] of Object.entries(meanings)) {
    const { write, asked, options } = await open(t, { PutSecretValue: () => error(name, 'x') })
    await t.rejects(write({ path: 'a' }, new Sensitive('x'), options), {
      name: 'ProviderFault',
      reason,
      code: name
    })
    t.equal(asked.get('PutSecretValue'), 1)
  }
})

test('a text that AWS cannot hold is not even sent', async (t) => {
  const { write, wire, options } = await open(t)
  for (const text of ['', 'x'.repeat(65_537), 'ż'.repeat(32_769)]) {
    const invalid = { name: 'ProviderFault', reason: 'invalid_request' }
    await t.rejects(write({ path: 'a' }, new Sensitive(text), options), invalid)
  }
  t.equal(wire.reads.length, 0)
})

test('a listing asks by name, in the order of names, for a hundred at most', async (t) => {
  const { list, bodies, options } = await open(t)
  await list('app/', { limit: 1_000 }, options)
  await list('', { limit: 5, cursor: 'theirs' }, options)
  const order = { SortBy: 'name', SortOrder: 'asc' }
  t.strictSame(bodies('ListSecrets'), [
    { Filters: [{ Key: 'name', Values: ['app/'] }], MaxResults: 100, ...order },
    { MaxResults: 5, NextToken: 'theirs', ...order }
  ])
})

test('of what AWS lists, only what is below the prefix comes out', async (t) => {
  const names = ['app/a', 'APP/b', 'my/app/c', 'app', undefined, 'app/d']
  const { list, options } = await open(t, {
    ListSecrets: () =>
      answer(200, { SecretList: names.map((Name) => ({ Name })), NextToken: 'more' })
  })
  t.strictSame(await list('app/', { limit: 9 }, options), {
    paths: ['app/a', 'app/d'],
    cursor: 'more'
  })
})

test('a page of which nothing is below the prefix is not the last one', async (t) => {
  const { list, options } = await open(t, {
    ListSecrets: () => answer(200, { SecretList: [], NextToken: 'more' })
  })
  t.strictSame(await list('app/', { limit: 9 }, options), { paths: [], cursor: 'more' })
})

test('below a prefix that no name can have nothing stands, and nobody is asked', async (t) => {
  const { list, wire, options } = await open(t)
  // A filter that begins with an exclamation mark would mean the opposite.
  for (const prefix of ['!app/', 'żółw/', 'a b/', 'app\n/', `${'a'.repeat(512)}/`]) {
    t.strictSame(await list(prefix, { limit: 9 }, options), { paths: [] })
  }
  t.equal(wire.reads.length, 0)
})

test('a cursor that AWS does not know is an invalid request', async (t) => {
  const { list, options } = await open(t, {
    ListSecrets: () => error('InvalidNextTokenException', 'x')
  })
  const listing = list('app/', { limit: 9, cursor: 'forged' }, options)
  await t.rejects(listing, { name: 'ProviderFault', reason: 'invalid_request' })
})

test('tags that AWS does not mention are none, and an answer without the secret is no answer', async (t) => {
  const { readTags, bodies, options } = await open(t, {
    DescribeSecret: (_, n) =>
      n === 1
        ? answer(200, {
            ARN,
            Tags: [
              { Key: 'a', Value: 'b' },
              { Key: 'empty', Value: '' }
            ]
          })
        : answer(200, n === 2 ? { ARN } : { Tags: [] })
  })
  t.strictSame(
    [...(await readTags({ path: 'app/db', nativeId: ARN }, options))],
    [
      ['a', 'b'],
      ['empty', '']
    ]
  )
  t.equal((await readTags({ path: 'app/db' }, options)).size, 0)
  await t.rejects(readTags({ path: 'app/db' }, options), {
    name: 'ProviderFault',
    reason: 'invalid_answer'
  })
  t.strictSame(bodies('DescribeSecret')[0], { SecretId: ARN })
})
