/**
 * What is wrong with a member of `trusts:`, looked at member by member. Rule: what could be taken for somebody else's, or by
 * everybody of a kind, is a fault.
 */
import { isLoopback } from '../core/network.ts'
import { isClientName } from '../core/policy.ts'
import { isScope } from '../core/scope.ts'
import type { Path } from '../core/shape.ts'
import { type Delegation, touchesAdmin } from '../keys/delegation.ts'
import { trustDomainIn } from '../keys/trust.ts'
import type { Sound } from './rules.ts'
import {
  type Bind,
  isForeignAudience,
  type Preset,
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

const checkClaim = (preset: Preset, name: string, written: unknown, fault: Fault): void => {
  const at = ['bind', name]
  const values: readonly unknown[] = [written].flat()
  if (values.length === 0 || !values.every(isText)) {
    fault(at, 'must be a text, in quotes where it is a number or true, or a list of such')
    return
  }
  const place = placeOf(preset, name)
  const refusal = preset.refuses?.[name]
  if (place === undefined) {
    fault(at, `is no claim of it: ${Object.keys(preset.places ?? {}).join(', ')}`)
  } else if (UNBINDABLE.has(name)) fault(at, 'has no place here')
  else if (refusal !== undefined) fault(at, refusal)
  const [form, message] = preset.forms?.[name] ?? []
  for (const value of values.map(String)) {
    if (value.includes('*')) fault(at, 'is compared letter by letter: there are no patterns')
    else if (form?.test(value) === false) fault(at, message ?? '')
  }
}

const checkBind = (preset: Preset, written: Entry['bind'], fault: Fault): void => {
  // That it is lacking is told already.
  if (written === undefined) return
  for (const [name, values] of Object.entries(written)) checkClaim(preset, name, values, fault)
  const bind = bindOf(written)
  for (const one of preset.demands) {
    if (!one.some((name) => bind.has(name))) fault(['bind'], `lacks ${one.join(' or ')}`)
  }
  const names = [...bind.keys()]
  if (preset.demands.length === 0 && names.every((name) => UNIDENTIFYING.has(name))) {
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

const checkAudience = (entry: Entry, fault: Fault): void => {
  const { audience, issuer } = entry
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
  checkAudience(entry, fault)
  checkBind(preset, entry.bind, fault)
  checkReview(preset, entry, context, fault)
  checkGrant(entry, context, fault)
}
