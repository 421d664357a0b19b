/**
 * `trusts:` of `purser.yaml`: whose tokens are exchanged for which keys. Rule: none of them leads to the right to administer,
 * nor to a client that may issue keys; each says exactly whom it means; and what could never be taken is a fault.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { fits } from '../core/fits.ts'
import { MODES } from '../core/principal.ts'
import type { Report } from '../core/shape.ts'
import { TOKEN_ALGORITHMS } from '../crypto/token-algorithms.ts'
import { type BoundClaim, type KeySource, type Trust, trustDomainIn } from '../keys/trust.ts'
import { ProxySetting } from '../kinds/shared/proxy.ts'
import type { SoundEntries } from './rules.ts'
import { PRESETS, type Preset } from './trust-presets.ts'
import {
  bindOf,
  checkTrust,
  type Fault,
  placeOf,
  type TrustContext,
  verifiedBeside
} from './trust-rules.ts'

const strict = { additionalProperties: false }
const Text = Type.String({ minLength: 1, maxLength: 1024 })
const File = Type.String({ minLength: 1, maxLength: 4096 })

export const TrustEntry = Type.Object(
  {
    name: Type.String(),
    kind: Type.Optional(Type.Enum(['kubernetes', 'oidc'])),
    preset: Type.Optional(Type.Enum(['github-actions', 'gitlab', 'azure', 'gcp', 'spiffe'])),
    issuer: Type.Optional(Text),
    audience: Text,
    jwks: Type.Optional(
      Type.Union([
        Type.Literal('discovery'),
        Type.Object({ url: Text }, strict),
        Type.Object({ file: File }, strict)
      ])
    ),
    caFile: Type.Optional(File),
    tokenFile: Type.Optional(File),
    proxy: Type.Optional(ProxySetting),
    check: Type.Optional(Type.Literal('tokenReview')),
    apiServer: Type.Optional(
      Type.Object({ url: Text, tokenFile: File, caFile: Type.Optional(File) }, strict)
    ),
    algorithms: Type.Optional(Type.Array(Type.Enum(TOKEN_ALGORITHMS), { minItems: 1 })),
    maxTokenAgeSeconds: Type.Optional(Type.Integer({ minimum: 30, maximum: 86_400 })),
    // Each value is looked at by itself, since it is easily one of YAML's numbers or truths.
    bind: Type.Record(Type.String(), Type.Unknown()),
    grant: Type.Object(
      {
        client: Type.String(),
        scopes: Type.Array(Type.String(), { minItems: 1, maxItems: 32 }),
        mode: Type.Optional(Type.Enum(MODES)),
        ttlSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 86_400 }))
      },
      strict
    )
  },
  strict
)
export type TrustEntry = Static<typeof TrustEntry>

const TTL_SECONDS = 900
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

const keysOf = (preset: Preset, entry: TrustEntry, issuer: string): KeySource => {
  const { jwks } = entry
  if (jwks === undefined || jwks === 'discovery')
    return preset.keys(issuer) ?? { from: 'discovery' }
  return 'url' in jwks ? { from: 'url', ...jwks } : { from: 'file', ...jwks }
}

/** Of an entry without a fault. */
const compile = (preset: Preset, entry: TrustEntry): Trust => {
  const bind = bindOf(entry.bind)
  const issuer =
    preset.kind === 'spiffe'
      ? (trustDomainIn(bind.get('sub')?.[0]) ?? '')
      : (entry.issuer ?? preset.issuer ?? '')
  const bound: BoundClaim[] = [...bind].map(([name, values]) => ({
    claim: placeOf(preset, name) ?? [name],
    values
  }))
  const { client, scopes, mode = 'r', ttlSeconds = TTL_SECONDS } = entry.grant
  return {
    name: entry.name,
    kind: preset.kind,
    issuer,
    audience: entry.audience,
    keys: keysOf(preset, entry, issuer),
    caFile: entry.caFile,
    tokenFile: entry.tokenFile,
    proxy: entry.proxy,
    algorithms: entry.algorithms ?? preset.algorithms,
    maxTokenAgeSeconds: entry.maxTokenAgeSeconds ?? preset.maxTokenAgeSeconds,
    bind: [
      ...bound,
      ...bound.flatMap(({ claim }) => verifiedBeside(claim)),
      ...(preset.implied?.(issuer) ?? [])
    ],
    review: entry.check && entry.apiServer,
    grant: { client, scopes: [...new Set(scopes)], mode, ttlSeconds }
  }
}

/** Those without a fault. */
export const readTrusts = (
  entries: SoundEntries<TrustEntry>,
  context: TrustContext,
  report: Report
): Trust[] => {
  const seen = new Set<string>()
  return entries.flatMap(([index, entry]) => {
    let isFaulty = false
    const fault: Fault = (member, message) => {
      isFaulty = true
      report(['trusts', index, ...member], message)
    }
    const { name, kind, preset: called } = entry
    if (name !== undefined && !NAME.test(name)) {
      fault(['name'], 'must be lower-case letters, digits and hyphens')
    } else if (name !== undefined && seen.has(name)) fault(['name'], 'stands twice')
    if (name !== undefined) seen.add(name)
    const word = kind ?? called
    if ((kind === undefined) === (called === undefined)) {
      fault([], 'must have one of kind and preset')
      return []
    }
    const preset: Preset = PRESETS[word ?? 'oidc']
    checkTrust(preset, entry, context, fault)
    return isFaulty || !fits(TrustEntry, entry) ? [] : [compile(preset, entry)]
  })
}

/** Files that a trust names and that are not there, as sentences. */
export const absentFiles = (trusts: readonly Trust[], label: string, folder: string): string[] =>
  trusts.flatMap(({ name, caFile, tokenFile, keys, review }) => {
    const inKeys = keys.from === 'file' ? keys.file : undefined
    const named = [caFile, tokenFile, inKeys, review?.caFile, review?.tokenFile]
    return named
      .filter((file) => file !== undefined && !existsSync(resolve(folder, file)))
      .map(() => `${label}: the trust ${name} names a file that is not there: nobody logs in by it`)
  })
