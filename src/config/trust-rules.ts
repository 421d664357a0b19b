/**
 * What is wrong with a member of `trusts:`, looked at member by member. Rule: what could be taken for somebody else's, or by
 * everybody of a kind, is a fault.
 */
import { isLoopback } from '../core/network.ts'
import { isClientName } from '../core/policy.ts'
import { isScope } from '../core/scope.ts'
import type { Path } from '../core/shape.ts'
import { type Delegation, touchesAdmin } from '../keys/delegation.ts'
import { type BoundClaim, trustDomainIn } from '../keys/trust.ts'
import { faultOfProxy } from '../kinds/shared/proxy.ts'
import type { Sound } from './rules.ts'
import {
  type Bind,
  isForeignAudience,
  type Preset,
  SELF_CHOSEN,
  UNBINDABLE,
  UNIDENTIFYING
} from './trust-presets.ts'
import type { TrustEntry } from './trusts.ts'

type Entry = Sound<TrustEntry>

const TEXT_MAX = 1024

export interface TrustContext {
  /** Undefined where the setting is at fault itself. */
  readonly adminScope: string | undefined
  /** Whether `http:` is taken on this machine, as it is in dev. */
  readonly allowsClear: boolean
  readonly delegations: readonly Delegation[]
}

export type Fault = (member: Path, message: string) => void

const addressFault = (address: string, allowsClear: boolean): string | undefined => {
  if (!URL.canParse(address)) return 'must be an address such as https://oidc.example.com'
  const { protocol, hostname, username, password, search, hash } = new URL(address)
  if (username || password || search || hash) return 'has no user, query or fragment'
  const isHere = allowsClear && isLoopback(hostname)
  const isTaken = protocol === 'https:' || (protocol === 'http:' && isHere)
  return isTaken ? undefined : 'must be an https: address'
}

export const bindOf = (bind: Readonly<Record<string, unknown>> = {}): Bind =>
  new Map(
    Object.entries(bind).map(([name, value]) => [
      name,
      [value].flat().filter((one) => typeof one === 'string')
    ])
  )

const isText = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.length <= TEXT_MAX

/** A name that begins with a slash is a JSON pointer (RFC 6901) to what stands deeper. */
export const placeOf = ({ places }: Preset, name: string): readonly string[] | undefined => {
  if (places !== undefined) return places[name]
  if (!name.startsWith('/')) return [name]
  const parts = name.slice(1).split('/')
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A claim has one name, whether it is written as one or as a pointer. Undefined for what stands deeper. */
const nameOf = (preset: Preset, written: string): string | undefined => {
  if (preset.places !== undefined) return written
  const [only, ...deeper] = placeOf(preset, written) ?? []
  return deeper.length === 0 ? only : undefined
}

const VERIFIED = 'email_verified'

/**
 * At many issuers users set their address themselves: one that is bound counts only with the word, beside it, that it was
 * verified.
 */
export const verifiedBeside = (claim: readonly string[]): readonly BoundClaim[] =>
  claim.at(-1) === 'email' ? [{ claim: [...claim.slice(0, -1), VERIFIED], values: [true] }] : []

const isIdentifying = (claim: readonly string[]): boolean => {
  const last = claim.at(-1) ?? ''
  if (claim.includes('') || UNIDENTIFYING.has(last) || UNBINDABLE.has(last)) return false
  return claim.length > 1 || !SELF_CHOSEN.has(last)
}

const placeFault = (
  preset: Preset,
  written: string,
  demanded: ReadonlySet<string>
): string | undefined => {
  const place = placeOf(preset, written)
  if (place === undefined) {
    return `is no claim of it: ${Object.keys(preset.places ?? {}).join(', ')}`
  }
  if (place.includes('')) return 'has an empty name in it'
  if (written.startsWith('/') && /~(?![01])/.test(written)) return 'is no JSON pointer (RFC 6901)'
  if (demanded.has(place.join('/'))) return 'is demanded anyway where email is bound'
  const name = nameOf(preset, written) ?? ''
  return UNBINDABLE.has(name) ? 'has no place here' : preset.refuses?.[name]
}

const checkClaim = (preset: Preset, name: string, written: unknown, fault: Fault): void => {
  const at = ['bind', name]
  const values: readonly unknown[] = [written].flat()
  if (values.length === 0 || !values.every(isText)) {
    fault(at, 'must be a text, in quotes where it is a number or true, or a list of such')
    return
  }
  const [form, message] = preset.forms?.[nameOf(preset, name) ?? ''] ?? []
  for (const value of values.map(String)) {
    if (value.includes('*')) fault(at, 'is compared letter by letter: there are no patterns')
    else if (form?.test(value) === false) fault(at, message ?? '')
  }
}

const checkBind = (preset: Preset, written: Entry['bind'], fault: Fault): void => {
  // That it is lacking is told already.
  if (written === undefined) return
  const places = Object.keys(written).map((name) => placeOf(preset, name) ?? [])
  const demanded = places.flatMap(verifiedBeside).map(({ claim }) => claim.join('/'))
  for (const [name, values] of Object.entries(written)) {
    const message = placeFault(preset, name, new Set(demanded))
    if (message !== undefined) fault(['bind', name], message)
    checkClaim(preset, name, values, fault)
  }
  const names = new Set(Object.keys(written).map((name) => nameOf(preset, name)))
  for (const one of preset.demands) {
    if (!one.some((name) => names.has(name))) fault(['bind'], `lacks ${one.join(' or ')}`)
  }
  if (preset.demands.length === 0 && !places.some(isIdentifying)) {
    fault(['bind'], 'lacks a claim that says who it is, such as sub')
  }
}

const checkIssuer = (preset: Preset, entry: Entry, { allowsClear }: TrustContext, fault: Fault) => {
  const { issuer = preset.issuer, jwks } = entry
  if (preset.kind === 'spiffe') {
    if (entry.issuer !== undefined)
      fault(['issuer'], 'is none: the trust domain of bind.sub counts')
    if (jwks === undefined || jwks === 'discovery') {
      fault(['jwks'], 'must say where the bundle is: { url } or { file }')
    }
    const domains = new Set(bindOf(entry.bind).get('sub')?.map(trustDomainIn))
    if (domains.size > 1) fault(['bind', 'sub'], 'names several trust domains: one to a trust')
  } else if (issuer === undefined) fault([], 'lacks issuer')
  else {
    const message = addressFault(issuer, allowsClear)
    if (message !== undefined) fault(['issuer'], message)
    else if (preset.isIssuer?.(issuer) === false) fault(['issuer'], preset.issuerForm ?? '')
  }
  if (preset.hasFixedKeys && jwks !== undefined) {
    fault(['jwks'], 'is known of this preset: its keys are taken from nowhere else')
  }
  if (typeof jwks === 'object' && 'url' in jwks && jwks.url !== undefined) {
    const message = addressFault(jwks.url, allowsClear)
    if (message !== undefined) fault(['jwks', 'url'], message)
  }
}

const checkAudience = (preset: Preset, entry: Entry, fault: Fault): void => {
  const { audience, issuer = preset.issuer } = entry
  if (audience === undefined) return
  if (audience === issuer || isForeignAudience(audience)) {
    fault(['audience'], 'is that of another service: take one for this one alone, such as purser')
  }
}

const checkReview = (preset: Preset, entry: Entry, { allowsClear }: TrustContext, fault: Fault) => {
  const { check, apiServer } = entry
  if (check === undefined && apiServer !== undefined) {
    fault(['apiServer'], 'has no effect without check: tokenReview')
  }
  if (check === undefined) return
  if (preset.kind !== 'service-account') fault(['check'], 'is for kind kubernetes')
  if (apiServer === undefined) fault(['check'], 'needs apiServer: { url, tokenFile }')
  else if (apiServer.url !== undefined) {
    const message = addressFault(apiServer.url, allowsClear)
    if (message !== undefined) fault(['apiServer', 'url'], message)
    else if (apiServer.url.endsWith('/')) fault(['apiServer', 'url'], 'ends without a slash')
  }
}

const checkProxy = ({ proxy, jwks, check }: Entry, fault: Fault): void => {
  if (proxy === undefined) return
  const isOfFile = typeof jwks === 'object' && 'file' in jwks
  const asksNobody = isOfFile && check === undefined
  const message = asksNobody ? 'has no effect: nobody is asked' : faultOfProxy(proxy)
  if (message !== undefined) fault(['proxy'], message)
}

const checkGrant = (
  { grant }: Entry,
  { adminScope, delegations }: TrustContext,
  fault: Fault
): void => {
  const { client, scopes = [] } = grant ?? {}
  if (client !== undefined) {
    const at = ['grant', 'client']
    if (!isClientName(client)) fault(at, 'must be the name of a client: it is not for all')
    else if (delegations.some((one) => [one.client].flat().includes(client))) {
      fault(at, 'has a delegation: no login leads to the right to issue keys')
    }
  }
  scopes.forEach((scope, i) => {
    const at = ['grant', 'scopes', i]
    if (scope === undefined) return
    if (!isScope(scope)) fault(at, 'must be a scope such as aura-services:secrets')
    else if (adminScope !== undefined && touchesAdmin(adminScope, scope)) {
      fault(at, 'gives the right to administer (ADMIN_SCOPE), which no login leads to')
    }
  })
}

/** Reports each fault at its member. */
export const checkTrust = (
  preset: Preset,
  entry: Entry,
  context: TrustContext,
  fault: Fault
): void => {
  checkIssuer(preset, entry, context, fault)
  checkAudience(preset, entry, fault)
  checkBind(preset, entry.bind, fault)
  checkReview(preset, entry, context, fault)
  checkProxy(entry, fault)
  checkGrant(entry, context, fault)
}
