import { test } from 'tap'
import type { Caller, Rules } from '../../../src/broker/caller.ts'
import { parseWanted } from '../../../src/broker/decision.ts'
import { compilePolicy } from '../../../src/core/policy.ts'
import { createReferenceBook } from '../../../src/core/reference.ts'

const rules: Rules = {
  policy: compilePolicy([{ client: 'reader', read: ['aws:team/*'] }]),
  book: createReferenceBook(
    [
      {
        name: 'aws',
        address: { kind: 'aws-secrets-manager', partition: 'aws', region: 'x', accounts: [] }
      }
    ],
    new Map([['smtp', 'aws:team/smtp#password']])
  ),
  stores: { get: () => undefined, all: () => [], close: async () => {} }
}

const codeFor = (client: string, text: string, field?: string): string => {
  try {
    const reference = parseWanted(rules, { client, mode: 'r' } as Caller, { text, field })
    return reference === undefined ? 'nowhere' : 'read'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('what is wrong in the text itself is said to anybody', async (t) => {
  for (const client of ['reader', 'stranger']) {
    for (const text of ['', 'aws:a\\b', 'arn:aws:x', 'aws:team/x?colour=red']) {
      t.equal(codeFor(client, text), 'invalid_reference', text)
    }
  }
})

test('what is wrong for the configured store is said to those alone who may read something in it', async (t) => {
  const notAnAwsName = 'aws:team/a:b'
  t.equal(codeFor('reader', notAnAwsName), 'invalid_reference')
  t.equal(codeFor('stranger', notAnAwsName), 'access_denied')
  t.equal(codeFor('stranger', 'nowhere:team/a:b'), 'nowhere')
})

test('what a name fixes is told to nobody', async (t) => {
  t.equal(codeFor('reader', 'smtp'), 'read')
  t.equal(codeFor('stranger', 'smtp', 'username'), 'access_denied')
  t.equal(codeFor('stranger', 'no-such-name', 'username'), 'nowhere')
})
