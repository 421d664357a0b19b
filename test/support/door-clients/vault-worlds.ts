/**
 * The same things to ask for, at a door of ours and at a real OpenBao: a secret, a folder, what is missing, forbidden,
 * asked for with a token that has ended, too often, or while the store behind it is down.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { createAdmin } from '../../kinds/vault/fake.ts'
import { type OpenedDoor, openDoor } from '../doors.ts'
import { issueKey } from '../keys.ts'
import { startPeer } from '../peers.ts'
import { closedPort } from '../wire.ts'
import { createWorkloadIssuer } from '../workload-issuer.ts'
import type { Case, World } from './client.ts'

const MOUNT = 'secret'
const SECRET = '{"password":"p1","port":5432}'

const pathOf = (one: Case): string => {
  if (one === 'list') return 'app/'
  if (one === 'write') return 'app/written'
  if (one === 'missing') return 'app/none'
  return one === 'forbidden' ? 'other/db' : 'app/db'
}

/** Seconds; far more than a test takes. */
const HOURS = 7_200

/** Of all worlds. */
const ISSUER = createWorkloadIssuer()

const AUDIENCE = 'doors'

/** Signed tokens of a workload: one that is good, and one that has ended. */
const tokens = async (): Promise<{ readonly jwt: string; readonly ended: string }> => {
  const { issuer, sign } = await ISSUER
  const seconds = Math.floor(Date.now() / 1_000)
  const claims = { iss: issuer, sub: 'workload', aud: AUDIENCE }
  return {
    jwt: await sign({ ...claims, iat: seconds, exp: seconds + HOURS }),
    ended: await sign({ ...claims, iat: seconds - 2 * HOURS, exp: seconds - HOURS })
  }
}

const open = async (
  t: Test,
  port: number,
  env: Record<string, string> = {}
): Promise<OpenedDoor> => {
  const { issuer, jwks } = await ISSUER
  const file = join(t.testdir(), 'jwks.json')
  await writeFile(file, JSON.stringify(jwks))
  return openDoor(
    t,
    { entry: '{ dialect: vault, port: 0, mounts: { secret: local, down: "away:kv/" } }' },
    {
      env,
      environ: { TOKEN: 'x' },
      yaml: `
stores:
  - { name: local, kind: local }
  - name: away
    kind: vault
    address: http://127.0.0.1:${port}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
policies:
  - { client: app, read: ['local:app/**', 'away:kv/**'], write: ['local:app/*'] }
trusts:
  - name: workloads
    kind: oidc
    issuer: ${issuer}
    audience: ${AUDIENCE}
    jwks: { file: ${JSON.stringify(file)} }
    bind: { sub: workload }
    grant: { client: app, scopes: ['aura-services:secrets'], mode: r }
`
    }
  )
}

export const openPurser = async (t: Test): Promise<World> => {
  const port = await closedPort()
  const door = await open(t, port)
  const limits = {
    RATE_LIMIT_ENABLED: 'true',
    RATE_LIMIT_MAX: '1',
    RATE_LIMIT_WINDOW_SECONDS: '3600'
  }
  const slow = await open(t, port, limits)
  await door.seed('local', 'app/db', SECRET)
  await door.seed('local', 'app/deep/one', SECRET)
  await door.seed('local', 'other/db', SECRET)
  const good = await issueKey(door.keyring, 'app', 'rw')
  const ended = await issueKey(
    door.keyring,
    'app',
    'rw',
    { lifetimeSeconds: HOURS },
    Date.now() - 2 * HOURS * 1_000
  )
  const throttled = await issueKey(slow.keyring, 'app', 'rw')
  const jwts = await tokens()
  return {
    prepare: async (one) => {
      if (one !== 'throttled') return
      const url = '/v1/whoami'
      await slow.app.server.inject({ url, headers: { 'x-api-key': throttled } })
    },
    placeOf: (one) => ({
      url: `http://127.0.0.1:${one === 'throttled' ? slow.port : door.port}`,
      token: { expired: ended, throttled }[one as 'expired'] ?? good,
      mount: one === 'store down' ? 'down' : MOUNT,
      path: pathOf(one),
      jwt: one === 'expired' ? jwts.ended : jwts.jwt
    })
  }
}

const POLICY = `
path "secret/data/app/*" { capabilities = ["create", "update", "read"] }
path "secret/metadata/app/*" { capabilities = ["list", "read"] }
`

export const openOpenBao = async (t: Test): Promise<World> => {
  const { url } = await startPeer(t, 'openbao')
  const admin = createAdmin(url)
  const data = JSON.parse(SECRET)
  for (const path of ['app/db', 'app/deep/one', 'other/db']) {
    await admin('POST', `secret/data/${path}`, { data })
  }
  await admin('POST', 'sys/policies/acl/app', { policy: POLICY })
  const issue = async (more: object): Promise<string> => {
    const { auth } = await admin('POST', 'auth/token/create', { policies: ['app'], ...more })
    return auth.client_token
  }
  const { issuer, jwks } = await ISSUER
  const key = createPublicKey({ format: 'jwk', key: jwks.keys[0] as JsonWebKey })
  await admin('POST', 'sys/auth/jwt', { type: 'jwt' })
  await admin('POST', 'auth/jwt/config', {
    jwt_validation_pubkeys: [key.export({ type: 'spki', format: 'pem' })],
    bound_issuer: issuer
  })
  await admin('POST', 'auth/jwt/role/workloads', {
    role_type: 'jwt',
    bound_audiences: [AUDIENCE],
    bound_subject: 'workload',
    user_claim: 'sub',
    token_policies: ['app'],
    token_ttl: '900s'
  })
  const jwts = await tokens()
  const good = await issue({ ttl: `${HOURS}s` })
  const ended = await issue({ ttl: '1s', explicit_max_ttl: '1s' })
  const isOver = async (): Promise<boolean> => {
    const answer = await fetch(`${url}/v1/auth/token/lookup-self`, {
      headers: { 'x-vault-token': ended }
    })
    return answer.status === 403
  }
  while (!(await isOver())) await sleep(100)
  return {
    prepare: async (one) => {
      if (one === 'throttled') {
        await admin('POST', 'sys/quotas/rate-limit/app', {
          path: 'secret/',
          rate: 1,
          interval: '3600s'
        })
        await fetch(`${url}/v1/secret/data/app/db`, { headers: { 'x-vault-token': good } })
      }
      if (one === 'store down') await admin('POST', 'sys/seal')
    },
    placeOf: (one) => ({
      url,
      token: one === 'expired' ? ended : good,
      mount: MOUNT,
      path: pathOf(one),
      jwt: one === 'expired' ? jwts.ended : jwts.jwt
    })
  }
}
