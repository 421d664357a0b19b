import { test } from 'tap'
import { administratorIn, grantOf } from '../../../src/keys/administrators.ts'

const ROLE = { client: 'operator', mode: 'rw' } as const
const ACCOUNT = { issuer: 'https://provider.example', subject: 'ana', email: 'ana@example.com' }

test('an administrator is known by the address, by the subject, or by both, which then both are right', async (t) => {
  const both = { ...ROLE, email: ACCOUNT.email, subject: ACCOUNT.subject }
  for (const one of [{ ...ROLE, email: ACCOUNT.email }, { ...ROLE, subject: 'ana' }, both]) {
    t.equal(administratorIn([{ ...ROLE, email: 'leo@example.com' }, one], ACCOUNT), one)
  }
  const first = { ...both, client: 'first' }
  t.equal(administratorIn([first, both], ACCOUNT), first, 'the first counts')
  t.equal(administratorIn([{ ...both, subject: 'leo' }], ACCOUNT), 'other_subject')
  t.equal(administratorIn([{ ...both, email: 'leo@example.com' }], ACCOUNT), 'email_not_listed')
  t.equal(administratorIn([], ACCOUNT), 'email_not_listed')
  const unverified = { ...ACCOUNT, email: undefined }
  t.equal(administratorIn([both], unverified), 'email_unverified')
  const bySubject = { ...ROLE, subject: 'ana' }
  t.equal(administratorIn([bySubject], unverified), bySubject)
})

test('a grant is what is granted, without who it is', async (t) => {
  t.strictSame(grantOf({ ...ROLE, ...ACCOUNT } as typeof ROLE), ROLE)
  t.strictSame(grantOf({ ...ROLE, scopes: ['a'] }), { ...ROLE, scopes: ['a'] })
})
