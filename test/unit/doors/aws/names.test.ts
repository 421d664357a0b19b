/** How secrets and versions are called where AWS would have named them. */
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../../src/crypto/keyring.ts'
import {
  arnOf,
  isVersionId,
  parseSecretId,
  versionIdOf,
  versionToldBy
} from '../../../../src/doors/aws/names.ts'

const [older, newer] = [newEncryptionKey(), newEncryptionKey()]
const keyring = createKeyring([older, newer])
const before = createKeyring([older])

test('an ARN has the form of AWS, and the same secret always has the same', async (t) => {
  const arn = arnOf(keyring, 'vault:', 'eu-west-1', 'app/db')
  t.match(arn, /^arn:aws:secretsmanager:eu-west-1:000000000000:secret:app\/db-[A-Za-z0-9]{6}$/)
  t.equal(arnOf(keyring, 'vault:', 'eu-west-1', 'app/db'), arn)
  const suffix = (text: string): string => text.slice(-6)
  t.not(suffix(arnOf(keyring, 'aws:', 'eu-west-1', 'app/db')), suffix(arn), 'of another store')
  t.not(suffix(arnOf(keyring, 'vault:', 'eu-west-1', 'app/dc')), suffix(arn), 'of another name')
  t.not(suffix(arnOf(before, 'vault:', 'eu-west-1', 'app/db')), suffix(arn), 'under another key')
})

test('a name, an ARN and an ARN without its suffix lead to the same name', async (t) => {
  const nameIn = (text: string) => parseSecretId(keyring, 'vault:', text)
  const expected = { name: 'app/db' }
  t.same(nameIn('app/db'), expected)
  t.same(nameIn(arnOf(keyring, 'vault:', 'eu-west-1', 'app/db')), expected)
  t.same(nameIn(arnOf(before, 'vault:', 'eu-west-1', 'app/db')), expected, 'an older key')
  t.same(nameIn('arn:aws:secretsmanager:us-east-1:000000000000:secret:app/db'), expected)
})

test('what only looks like the suffix of an ARN stays in the name', async (t) => {
  const nameIn = (text: string) => parseSecretId(keyring, 'vault:', text)
  t.same(nameIn('app/db-AbCdEf'), { name: 'app/db-AbCdEf' })
  const arn = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-AbCdEf'
  t.same(nameIn(arn), { name: 'app/db-AbCdEf' })
  const own = arnOf(keyring, 'vault:', 'eu-west-1', 'app/db').split(':secret:')[1] ?? ''
  t.same(nameIn(own), { name: own }, 'a name is never cut')
  const elsewhere = arnOf(keyring, 'aws:', 'eu-west-1', 'app/db')
  t.match(nameIn(elsewhere), { name: /^app\/db-.{6}$/ }, 'the suffix of another store')
})

test('an ARN of an account that AWS gave to somebody is one by itself', async (t) => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf'
  t.same(parseSecretId(keyring, 'vault:', arn), { arn })
  const others = [
    'arn:aws:s3:::bucket',
    'arn:',
    'arn:aws:secretsmanager:eu-west-1:1:secret:a',
    `${arn}#password`,
    `${arn}?version=1`
  ]
  for (const text of others) {
    t.same(parseSecretId(keyring, 'vault:', text), { name: text })
  }
})

test('a version has an id as AWS asks for, by which it is found again', async (t) => {
  const of = { store: 'vault', path: 'kv/app/db' }
  for (const version of ['7', '0', '999999999999', 'abc', '1000000000000', '']) {
    const id = versionIdOf(keyring, of, version)
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, version)
    t.ok(isVersionId(keyring, of, version, id), version)
    t.notOk(isVersionId(keyring, of, `${version}1`, id), version)
    t.notOk(isVersionId(keyring, { ...of, path: 'kv/app/other' }, version, id), version)
    t.ok(isVersionId(keyring, of, version, versionIdOf(before, of, version)), 'an older key')
  }
})

test('the id of a numbered version tells its number', async (t) => {
  const of = { store: 'vault', path: 'kv/app/db' }
  for (const version of ['7', '0', '123456789', '999999999999']) {
    t.equal(versionToldBy(versionIdOf(keyring, of, version)), version)
  }
  t.equal(versionToldBy('EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE'), undefined)
})

test('a version that AWS could have named keeps its name', async (t) => {
  const of = { store: 'aws', path: 'app/db' }
  const id = 'EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE'
  t.equal(versionIdOf(keyring, of, id), id)
  t.ok(isVersionId(keyring, of, id, id))
})
