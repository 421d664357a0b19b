/**
 * The entries of HASHICORP_VAULT_CONFIG, in the form of Apono's connector: a Vault, or where its definition is kept. Rule:
 * Apono's members have Apono's words; what it has no words for is called as in `purser.yaml`.
 */
import { type Static, Type } from 'typebox'
import type { StoreKind } from '../kinds/catalog.ts'

const strict = { additionalProperties: false }
const Text = Type.String({ minLength: 1 })
/** As in `purser.yaml`; checked with the settings of the kind. */
const Passed = Type.Optional(Type.Unknown())

/** A Vault, in an entry or in the secret that an entry names. Apono writes its flag as a text. */
const definition = {
  address: Text,
  token: Text,
  ca_cert_base64: Type.Optional(Text),
  skip_verify: Type.Optional(
    Type.Unsafe<boolean | 'true' | 'false'>({ enum: [true, false, 'true', 'false'] })
  ),
  namespace: Type.Optional(Text),
  insecure: Passed
}
export const Definition = Type.Object(definition, strict)

/** Apono names no store, and says the engine elsewhere. */
const own = { store: Type.Optional(Type.String()), mounts: Passed }

export const Literal = Type.Object({ ...definition, ...own }, strict)
export type Literal = Static<typeof Literal>

export const FromStore = Type.Union([
  Type.Object(
    {
      from_secret_store: Type.Literal('AWS'),
      region: Text,
      secret_id: Text,
      endpoint: Passed,
      caCertFile: Passed,
      ...own
    },
    strict
  ),
  Type.Object(
    {
      from_secret_store: Type.Literal('GCP'),
      project: Text,
      secret_id: Text,
      location: Passed,
      auth: Passed,
      endpoint: Passed,
      insecure: Passed,
      caCertFile: Passed,
      ...own
    },
    strict
  ),
  Type.Object(
    {
      from_secret_store: Type.Literal('AZURE'),
      vault_url: Text,
      name: Text,
      auth: Passed,
      allowAnyHost: Passed,
      caCertFile: Passed,
      ...own
    },
    strict
  ),
  Type.Object(
    {
      from_secret_store: Type.Literal('KUBERNETES'),
      namespace: Text,
      name: Text,
      auth: Passed,
      ...own
    },
    strict
  )
])
export type FromStore = Static<typeof FromStore>

/** Apono's example has these in capitals, where its other members are not. */
export const SPELLINGS = [
  ['AZURE_KEY_VAULT_URL', 'vault_url'],
  ['NAMESPACE', 'namespace']
] as const

/** What the members of a store are called here. */
export const WORDS: ReadonlyMap<unknown, string> = new Map([
  ['name', 'store'],
  ['caCertBase64', 'ca_cert_base64'],
  ['skipVerify', 'skip_verify'],
  ['vaultUrl', 'vault_url'],
  ['namespaces', 'namespace']
])

/** The settings of the Vault; the token is not among them. */
export const settingsOf = (given: Static<typeof Definition>): Readonly<Record<string, unknown>> => {
  const { address, ca_cert_base64, skip_verify, namespace, insecure } = given
  return {
    address,
    ...(namespace !== undefined && { namespace }),
    ...(insecure !== undefined && { insecure }),
    // base64(1) breaks its lines.
    ...(ca_cert_base64 !== undefined && { caCertBase64: ca_cert_base64.replace(/\s/g, '') }),
    ...(String(skip_verify) === 'true' && { skipVerify: true })
  }
}

export interface Source {
  readonly kind: StoreKind
  readonly settings: Readonly<Record<string, unknown>>
  /** The path of the definition there, or its ARN. */
  readonly secret: string
}

/** AWS takes an ARN for an id as well. */
const ARN = /^arn:[^:]*:secretsmanager:[^:]*:(\d{12}):secret:/

export const isArn = (secret: string): boolean => ARN.test(secret)

/** The store that keeps the definition, and the secret in it. */
export const sourceOf = ({ store: _name, mounts: _mounts, ...where }: FromStore): Source => {
  switch (where.from_secret_store) {
    case 'AWS': {
      const { from_secret_store, secret_id: secret, ...settings } = where
      const account = ARN.exec(secret)?.[1]
      const accounts = account === undefined ? {} : { accounts: [account] }
      return { kind: 'aws-secrets-manager', secret, settings: { ...settings, ...accounts } }
    }
    case 'GCP': {
      const { from_secret_store, secret_id: secret, ...settings } = where
      return { kind: 'gcp-secret-manager', secret, settings }
    }
    case 'AZURE': {
      const { from_secret_store, name: secret, vault_url: vaultUrl, ...settings } = where
      return { kind: 'azure-key-vault', secret, settings: { ...settings, vaultUrl } }
    }
    case 'KUBERNETES': {
      const { from_secret_store, name, namespace, ...settings } = where
      const secret = `${namespace}/${name}`
      return { kind: 'kubernetes', secret, settings: { ...settings, namespaces: [namespace] } }
    }
  }
}
