/**
 * Tokens that a pod's account does not have: real ones of somebody else, and what can be made of its own. Rule: each is wrong in
 * one way, and has the reason that the record of its refusal has to give.
 */
import { createHmac, createPublicKey, sign } from 'node:crypto'
import type { KubeApiserver } from './kube-apiserver.ts'
import { ISSUER, tokenOf } from './workload-cluster.ts'

export interface WrongToken {
  readonly what: string
  readonly reason: string
  readonly token: string
}

type Members = Readonly<Record<string, unknown>>

const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const parsed = (part: string): Members => JSON.parse(Buffer.from(part, 'base64url').toString())

const partsOf = async (cluster: KubeApiserver) => {
  const [header = '', claims = '', signature = ''] = (await tokenOf(cluster)).split('.')
  return { header, claims, signature }
}

/** As its API server would sign it, were it asked for such claims. */
export const signedBy = async (cluster: KubeApiserver, changes: Members): Promise<string> => {
  const { header, claims } = await partsOf(cluster)
  const text = `${header}.${b64({ ...parsed(claims), ...changes })}`
  const signature = sign('sha256', Buffer.from(text), cluster.accountKey)
  return `${text}.${signature.toString('base64url')}`
}

/** The key that everybody may know. */
export const publicKeyOf = async ({ admin }: KubeApiserver): Promise<string> => {
  const { text } = await admin('GET', '/openid/v1/jwks')
  const [jwk] = JSON.parse(text).keys
  return createPublicKey({ key: jwk, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
}

/** What can be made of a token without the cluster's key. */
export const forgedTokens = async (cluster: KubeApiserver): Promise<readonly WrongToken[]> => {
  const { header, claims, signature } = await partsOf(cluster)
  const { kid } = parsed(header)
  const confused = `${b64({ alg: 'HS256', kid })}.${claims}`
  const mac = createHmac('sha256', await publicKeyOf(cluster))
    .update(confused)
    .digest('base64url')
  const eve = b64({ ...parsed(claims), exp: 4_102_444_800 })
  const other = b64({ alg: 'RS256', kid: 'none' })
  const tokens = [
    ['alg none', 'token_algorithm', `${b64({ alg: 'none', kid })}.${claims}.${signature}`],
    ['no signature', 'token_malformed', `${b64({ alg: 'none', kid })}.${claims}.`],
    ['HS256 with the public key', 'token_algorithm', `${confused}.${mac}`],
    ['no kid', 'token_without_kid', `${b64({ alg: 'RS256' })}.${claims}.${signature}`],
    ['a kid that is not there', 'token_unknown_key', `${other}.${claims}.${signature}`],
    ['other claims', 'token_signature', `${header}.${eve}.${signature}`]
  ] as const
  return tokens.map(([what, reason, token]) => ({ what, reason, token }))
}

/** Real ones, which are somebody else's or for something else. */
export const othersTokens = async (
  cluster: KubeApiserver,
  other: KubeApiserver
): Promise<readonly WrongToken[]> => {
  const seconds = Math.floor(Date.now() / 1000)
  const ended = { iat: seconds - 7_200, nbf: seconds - 7_200, exp: seconds - 60 }
  const tokens = [
    ['the audience of the API server', 'token_audience', tokenOf(cluster, { audience: ISSUER })],
    ['the audience of another service', 'token_audience', tokenOf(cluster, { audience: 'vault' })],
    ['another namespace', 'token_not_bound', tokenOf(cluster, { namespace: 'eve' })],
    ['another account', 'token_not_bound', tokenOf(cluster, { name: 'other' })],
    ['an expired one', 'token_not_in_force', signedBy(cluster, ended)],
    ['another cluster', 'token_unknown_key', tokenOf(other)],
    ['another issuer', 'unknown_issuer', signedBy(other, { iss: 'https://eve.example' })]
  ] as const
  return Promise.all(
    tokens.map(async ([what, reason, token]) => ({ what, reason, token: await token }))
  )
}
