/** Answers of the AWS doors about what stores rarely have: bytes, and texts in a store that keeps fields alone. */
import { test } from 'tap'
import { Sensitive } from '../../../../src/core/secret.ts'
import { description, secretValue } from '../../../../src/doors/aws/answers.ts'
import type { Found, Place } from '../../../../src/doors/aws/secrets.ts'
import type { View } from '../../../../src/secrets/view.ts'
import { randomKeyring } from '../../../support/keys.ts'

const { keyring } = randomKeyring()

const place = (loneField?: string): Place => ({
  broker: undefined as unknown as Place['broker'],
  keyring: () => keyring,
  mayKnow: () => true,
  loneFieldOf: () => loneField,
  target: { kind: 'below', store: 'kv', path: '' },
  label: 'kv:'
})

const found = (text: string, more: { encoding?: 'base64'; field?: string } = {}): Found => {
  const { encoding, field } = more
  const view: View = {
    reference: { store: 'kv', path: 'app/db', ...(field !== undefined && { field }) },
    selection: { value: new Sensitive(text), ...(encoding && { encoding }) },
    version: '7',
    fetchedAt: 0,
    expiresAt: 0,
    etag: '"x"',
    written: undefined
  }
  return { named: { wanted: { text: 'kv:app/db' }, name: 'app/db' }, view, stages: ['AWSCURRENT'] }
}

const answered = (one: Found, lone?: string): Record<string, unknown> =>
  JSON.parse(secretValue(place(lone), 'eu-west-1', one))

test('bytes are SecretBinary, in base64', async (t) => {
  const answer = answered(found('AAEC/w==', { encoding: 'base64' }))
  t.equal(answer['SecretBinary'], 'AAEC/w==')
  t.notOk('SecretString' in answer)
})

test('a text that its store had to keep as a field is given back, and nothing else is taken apart', async (t) => {
  const textOf = (text: string, lone?: string, field?: string) =>
    answered(found(text, field === undefined ? {} : { field }), lone)['SecretString']
  t.equal(textOf('{"value":"a \\"text\\""}', 'value'), 'a "text"')
  for (const text of ['{"value":7}', '{"value":"a","b":1}', '{"other":"a"}', '{}', 'a text']) {
    t.equal(textOf(text, 'value'), text)
  }
  t.equal(textOf('{"value":"a"}'), '{"value":"a"}', 'of a store that keeps texts')
  t.equal(textOf('{"value":"a"}', 'value', 'deep'), '{"value":"a"}', 'of a field')
})

test('an answer that is kept is of its region, and a description has no value', async (t) => {
  const one = found('{"password":"s3cr3t"}')
  const [first, again] = [answered(one), answered(one)]
  t.same(again, first)
  const other = JSON.parse(secretValue(place(), 'us-east-1', one))
  t.match(other.ARN, /^arn:aws:secretsmanager:us-east-1:/)
  t.notMatch(description(place(), 'eu-west-1', one), /s3cr3t/)
})
