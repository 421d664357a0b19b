/** What the common suite cannot know of reading many in AWS: what goes into a batch, and what comes of it. */
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import type { SecretRecord } from '../../../src/core/secret.ts'
import { answer, arnOf, error, openAnswering as open, secretValue } from './fake.ts'

const pathsOf = (count: number) => Array.from({ length: count }, (_, i) => ({ path: `n${i}` }))

/** The text of each, or the reason why there is none. */
const outcomes = (answers: readonly (SecretRecord | ProviderFault)[]): string[] =>
  answers.map((one) => (one instanceof ProviderFault ? one.reason : one.text.reveal()))

const inBatch = ({ SecretIdList }: { readonly SecretIdList: readonly string[] }) => ({
  SecretValues: SecretIdList.map((id) => secretValue(id, `of ${id}`)),
  Errors: []
})

test('many secrets are asked for twenty at a time, each once, and none by itself', async (t) => {
  const { readMany, bodies, asked, options } = await open(t, {
    BatchGetSecretValue: (body) => answer(200, inBatch(body))
  })
  const locators = pathsOf(45)
  const answers = await readMany([...locators, ...locators], options)
  t.strictSame(
    outcomes(answers),
    [...locators, ...locators].map(({ path }) => `of ${path}`)
  )
  t.strictSame(
    bodies('BatchGetSecretValue')
      .map(({ SecretIdList }) => SecretIdList.length)
      .sort((a, b) => a - b),
    [5, 20, 20]
  )
  t.equal(asked.get('GetSecretValue'), undefined)
})

test('answers go to those who asked, whatever order they come in', async (t) => {
  const { readMany, options } = await open(t, {
    BatchGetSecretValue: (body) => {
      const { SecretValues } = inBatch(body)
      return answer(200, { SecretValues: SecretValues.reverse() })
    }
  })
  t.strictSame(outcomes(await readMany(pathsOf(3), options)), ['of n0', 'of n1', 'of n2'])
})

test('one that is asked for by its ARN is known by it', async (t) => {
  const { readMany, asked, options } = await open(t, {
    BatchGetSecretValue: () => answer(200, { SecretValues: [secretValue('app/db', 'found')] })
  })
  const locators = [{ path: 'app/db-AbCdEf', nativeId: arnOf('app/db') }, { path: 'app/db' }]
  t.strictSame(outcomes(await readMany(locators, options)), ['found', 'found'])
  t.equal(asked.get('GetSecretValue'), undefined)
})

test('of an error about one secret its name goes on, and what it says does not', async (t) => {
  const named = {
    ResourceNotFoundException: 'not_found',
    InvalidRequestException: 'not_found',
    AccessDeniedException: 'denied',
    DecryptionFailure: 'denied',
    SomethingNewException: 'unavailable'
  }
  const codes = Object.keys(named)
  const { readMany, asked, options } = await open(t, {
    BatchGetSecretValue: () =>
      answer(200, {
        SecretValues: [secretValue('n0', 'found')],
        Errors: codes.map((ErrorCode, i) => ({
          SecretId: `n${i + 1}`,
          ErrorCode,
          Message: 'what it says'
        }))
      })
  })
  const answers = await readMany(pathsOf(codes.length + 1), options)
  t.strictSame(outcomes(answers), ['found', ...Object.values(named)])
  t.strictSame(
    answers.slice(1).map((one) => one instanceof ProviderFault && one.code),
    codes
  )
  t.notMatch(JSON.stringify(answers), /what it says/)
  t.equal(asked.get('GetSecretValue'), undefined)
})

test('a secret whose answer cannot be used fails alone', async (t) => {
  const { readMany, options } = await open(t, {
    BatchGetSecretValue: () =>
      answer(200, { SecretValues: [{ Name: 'n0' }, secretValue('n1', 'found')] })
  })
  t.strictSame(outcomes(await readMany(pathsOf(2), options)), ['invalid_answer', 'found'])
})

test('without the right to batch each is read by itself', async (t) => {
  const { readMany, asked, options } = await open(t, {
    BatchGetSecretValue: () => error('AccessDeniedException', 'x'),
    GetSecretValue: ({ SecretId }) =>
      SecretId === 'n1'
        ? error('ResourceNotFoundException', 'x')
        : answer(200, secretValue(SecretId, `of ${SecretId}`))
  })
  t.strictSame(outcomes(await readMany(pathsOf(3), options)), ['of n0', 'not_found', 'of n2'])
  t.equal(asked.get('BatchGetSecretValue'), 1)
  t.equal(asked.get('GetSecretValue'), 3)
})

test('what a batch leaves out is read by itself', async (t) => {
  const { readMany, bodies, options } = await open(t, {
    BatchGetSecretValue: () =>
      answer(200, { SecretValues: [secretValue('n0', 'together')], NextToken: 'more' }),
    GetSecretValue: ({ SecretId }) => answer(200, secretValue(SecretId, 'alone'))
  })
  t.strictSame(outcomes(await readMany(pathsOf(2), options)), ['together', 'alone'])
  t.strictSame(bodies('GetSecretValue'), [{ SecretId: 'n1' }])
})

test('a secret that nobody asked for is not let in', async (t) => {
  const { readMany, options } = await open(t, {
    BatchGetSecretValue: () =>
      answer(200, { SecretValues: ['n0', 'n1', 'n2'].map((id) => secretValue(id, `of ${id}`)) })
  })
  t.strictSame(outcomes(await readMany(pathsOf(2), options)), ['of n0', 'of n1'])
})

test('a batch that fails leaves the other batches their answers', async (t) => {
  const { readMany, asked, options } = await open(t, {
    BatchGetSecretValue: (body) =>
      body.SecretIdList.includes('n0')
        ? error('ThrottlingException', 'x')
        : answer(200, inBatch(body))
  })
  const answers = outcomes(await readMany(pathsOf(22), options))
  t.strictSame(answers.slice(0, 20), Array(20).fill('throttled'))
  t.strictSame(answers.slice(20), ['of n20', 'of n21'])
  t.equal(asked.get('GetSecretValue'), undefined)
})

test('where every batch fails it is the store that failed', async (t) => {
  const { readMany, asked, options } = await open(t, {
    BatchGetSecretValue: () => error('ThrottlingException', 'x')
  })
  await t.rejects(readMany(pathsOf(45), options), { name: 'ProviderFault', reason: 'throttled' })
  t.equal(asked.get('BatchGetSecretValue'), 3)
})
