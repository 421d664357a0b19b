/**
 * Where an issuer publishes its keys, asked. Rule: only addresses that the configuration names, or that metadata of exactly
 * the configured issuer name on the same host; nothing is followed elsewhere, and every answer is whole within bounds.
 */
import { ProviderFault } from '../core/fault.ts'
import { textOfFile, wordOfFile } from '../core/file-text.ts'
import { asJson, isObject } from '../core/json.ts'
import { type IssuerKeys, issuerKeysIn } from '../crypto/workload-token.ts'
import { readFileBytes } from '../files/read.ts'
import { createBoundedFetch } from './oidc-fetch.ts'
import type { Trust } from './trust.ts'

type Source = Pick<Trust, 'kind' | 'issuer' | 'keys' | 'caFile' | 'tokenFile' | 'proxy'>

/** How an issuer or an API server is reached. */
export interface PeerReach {
  /** The only authorities to trust; the public ones if undefined. */
  readonly caFile: string | undefined
  /** As stores have it. */
  readonly proxy: string | undefined
}

export interface IssuerFetchOptions {
  readonly fetchOf: (reach: PeerReach) => typeof globalThis.fetch
  /** Whether an address may be `http:`. */
  readonly allowsClear: (url: URL) => boolean
}

const invalid = (code?: string): ProviderFault => new ProviderFault('invalid_answer', { code })

const orInvalid = <T>(value: T | undefined): T => {
  if (value === undefined) throw invalid()
  return value
}

const keysOf = ({ kind }: Source, set: unknown): IssuerKeys =>
  orInvalid(issuerKeysIn(set, kind === 'spiffe' ? 'jwt-svid' : 'sig'))

/** OpenID Connect Discovery 1.0, 4.1: a slash at the issuer's end goes. */
export const metadataOf = (issuer: string): string =>
  `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/** To be kept by whoever has a trust: where its keys come from, and what its issuer publishes there. */
export const placeOfKeys = ({ kind, issuer, keys, caFile, tokenFile, proxy }: Source): string =>
  JSON.stringify([kind === 'spiffe', issuer, keys, caFile, tokenFile, proxy])

/** Rejects with a ProviderFault, or for a file that cannot be read. */
export const createIssuerFetch =
  ({ fetchOf, allowsClear }: IssuerFetchOptions) =>
  async (source: Source): Promise<IssuerKeys> => {
    const { issuer, keys, caFile, tokenFile, proxy } = source
    if (keys.from === 'file') {
      return keysOf(source, asJson(textOfFile(await readFileBytes(keys.file))))
    }
    const send = createBoundedFetch(fetchOf({ caFile, proxy }))
    const token = tokenFile === undefined ? undefined : wordOfFile(await readFileBytes(tokenFile))
    const ask = async (url: URL): Promise<unknown> => {
      const isOpen = url.protocol === 'https:' || (url.protocol === 'http:' && allowsClear(url))
      if (!isOpen) throw invalid()
      const response = await send(url.href, {
        method: 'GET',
        headers: {
          // RFC 7517, 8.5.2: API servers of Kubernetes have keys as nothing else.
          accept: 'application/json, application/jwk-set+json',
          ...(token !== undefined && { authorization: `Bearer ${token}` })
        }
      })
      const { status } = response
      if (status !== 200) throw new ProviderFault('unavailable', { status })
      return asJson(await response.text())
    }
    if (keys.from === 'url') return keysOf(source, await ask(new URL(keys.url)))
    const metadata = await ask(new URL(metadataOf(issuer)))
    if (!isObject(metadata)) throw invalid()
    if (metadata['issuer'] !== issuer) throw invalid('other_issuer')
    const place = metadata['jwks_uri']
    if (typeof place !== 'string' || !URL.canParse(place)) throw invalid()
    const url = new URL(place)
    if (url.host !== new URL(issuer).host) throw invalid('keys_elsewhere')
    if (url.username || url.password) throw invalid()
    return keysOf(source, await ask(url))
  }
