// Who may administer: a scope of its own, a mode that fits, and for what changes configuration a setting that allows it.
import { test } from 'tap'
import type { TypedFastify } from '../../../src/http/route-auth.ts'
import { openServer, PRINCIPAL } from '../../support/open-server.ts'
import { assertProblem } from '../../support/problem.ts'

const addRoutes = (routes: TypedFastify): void => {
  routes.get('/looks', { config: { auth: { kind: 'admin' } } }, async () => ({}))
  routes.put('/changes', { config: { auth: { kind: 'admin', changes: true } } }, async () => ({}))
}
const headers = { authorization: 'Bearer key' }
const admin = (mode: 'r' | 'w' | 'rw') => () => ({ ...PRINCIPAL, scopes: ['aura-admin'], mode })

test('the root scope does not cover administration, and the admin scope does', async (t) => {
  const root = await openServer(t, {
    authenticate: () => ({ ...PRINCIPAL, scopes: ['aura-services'], mode: 'rw' }),
    addRoutes
  })
  assertProblem(t, await root.inject({ url: '/looks', headers }), { code: 'insufficient_scope' })
  const server = await openServer(t, { authenticate: admin('rw'), addRoutes })
  t.equal((await server.inject({ url: '/looks', headers })).statusCode, 200)
  t.equal((await server.inject({ method: 'PUT', url: '/changes', headers })).statusCode, 200)
})

test('an administrator needs the mode that fits the method', async (t) => {
  const reader = await openServer(t, { authenticate: admin('r'), addRoutes })
  const answer = await reader.inject({ method: 'PUT', url: '/changes', headers })
  assertProblem(t, answer, { code: 'insufficient_mode' })
  const writer = await openServer(t, { authenticate: admin('w'), addRoutes })
  assertProblem(t, await writer.inject({ url: '/looks', headers }), { code: 'insufficient_mode' })
})

test('what changes configuration is denied unless ALLOW_ADMIN_WRITE allows it', async (t) => {
  const server = await openServer(t, {
    authenticate: admin('rw'),
    allowsAdminWrite: false,
    addRoutes
  })
  const answer = await server.inject({ method: 'PUT', url: '/changes', headers })
  const { detail } = assertProblem(t, answer, { code: 'access_denied' })
  t.match(detail, /ALLOW_ADMIN_WRITE is off/, 'an administrator is told why')
  t.equal((await server.inject({ url: '/looks', headers })).statusCode, 200)
})

test('whoever is no administrator, or may not change anything, is not told that ALLOW_ADMIN_WRITE is off', async (t) => {
  const strangers = [
    () => ({ ...PRINCIPAL, scopes: ['aura-services'], mode: 'rw' as const }),
    () => ({ ...PRINCIPAL, scopes: ['aura-admin:part'], mode: 'rw' as const }),
    admin('r')
  ]
  for (const authenticate of strangers) {
    for (const allowsAdminWrite of [true, false]) {
      const server = await openServer(t, { authenticate, allowsAdminWrite, addRoutes })
      const answer = await server.inject({ method: 'PUT', url: '/changes', headers })
      t.equal(answer.statusCode, 403)
      t.notMatch(answer.body, 'ALLOW_ADMIN_WRITE')
    }
  }
})
