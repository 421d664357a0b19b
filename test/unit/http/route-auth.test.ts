// What a route asks of a key: scope and mode, of each principal and method anew, whatever was allowed before.
import { test } from 'tap'
import type { Principal } from '../../../src/core/principal.ts'
import { createAuthorize, type RouteAuth } from '../../../src/http/route-auth.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const RULES = { scopeRoot: 'aura-services', adminScope: 'aura-admin', allowsAdminWrite: false }
const principal = (more: Partial<Principal>): Principal => ({ ...PRINCIPAL, ...more })

test('that a key may use a route by one method does not let it by another', async (t) => {
  const authorize = createAuthorize({ kind: 'key', scope: 'secrets' }, RULES)
  const reader = principal({ mode: 'r' })
  for (let n = 0; n < 2; n++) {
    t.equal(authorize(reader, 'GET'), undefined)
    t.match(authorize(reader, 'PUT'), { code: 'insufficient_mode' })
  }
})

test('that a key may use a route does not let another key, and a refusal is no permission later', async (t) => {
  const authorize = createAuthorize({ kind: 'key', scope: 'secrets', discloses: true }, RULES)
  t.equal(authorize(principal({}), 'GET'), undefined)
  const other = principal({ scopes: ['aura-services:token'] })
  const writer = principal({ mode: 'w' })
  for (let n = 0; n < 2; n++) {
    t.match(authorize(other, 'GET'), { code: 'insufficient_scope' })
    t.match(authorize(writer, 'POST'), { code: 'insufficient_mode' }, 'it discloses')
  }
})

test('that ALLOW_ADMIN_WRITE is off is said to administrators alone, each time', async (t) => {
  const authorize = createAuthorize({ kind: 'admin', changes: true }, RULES)
  const administrator = principal({ scopes: ['aura-admin'] })
  for (let n = 0; n < 2; n++) {
    t.match(authorize(administrator, 'PUT'), { code: 'access_denied' })
    t.match(authorize(principal({}), 'PUT'), { code: 'insufficient_scope' })
  }
})

test('a refusal says which scope or mode is lacking, and names no scope of administration', async (t) => {
  const said = (auth: RouteAuth, key: Partial<Principal>, method: string) =>
    createAuthorize(auth, RULES)(principal(key), method)?.details.detail
  const scopes = ['aura-services']
  const token = { kind: 'key', scope: 'token' } as const
  t.equal(said(token, { scopes: ['x'] }, 'POST'), 'this needs scope aura-services:token')
  t.equal(said(token, { scopes, mode: 'r' }, 'POST'), 'this needs mode w')
  const read = { kind: 'key', scope: 'secrets', discloses: true } as const
  t.equal(said(read, { scopes, mode: 'w' }, 'GET'), 'this needs mode r')
  t.equal(said(read, { scopes, mode: 'w' }, 'POST'), 'this needs mode rw')
  t.equal(said(read, { scopes, mode: 'r' }, 'POST'), 'this needs mode rw')
  t.equal(said({ ...read, anyMode: true }, { scopes, mode: 'w' }, 'POST'), 'this needs mode r')
  t.equal(said({ kind: 'admin' }, { scopes }, 'GET'), undefined)
  t.equal(said({ kind: 'key' }, { scopes }, 'BREW'), undefined, 'there is no such mode')
})
