/** A moto and an OpenBao of the test's own, with what an operator does to them. */
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient
} from '@aws-sdk/client-secrets-manager'
import type { Test } from 'tap'
import { type Admin, createAdmin, revokeAll } from '../kinds/vault/fake.ts'
import { isInstalled, skipWithout, startPeer } from './peers.ts'

export const REGION = 'eu-west-1'

export interface RealStores {
  readonly aws: {
    readonly url: string
    /** Resolves with the secret's ARN. */
    readonly create: (name: string, text: string) => Promise<string>
    readonly put: (name: string, text: string) => Promise<void>
  }
  readonly vault: {
    readonly url: string
    readonly admin: Admin
    /** Ends every token that the role has given out. */
    readonly revokeAll: (role: string) => Promise<void>
  }
}

const openAws = (t: Test, url: string): RealStores['aws'] => {
  // What the provider's own chain finds.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' })
  const client = new SecretsManagerClient({ region: REGION, endpoint: url })
  t.teardown(() => {
    client.destroy()
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
  })
  return {
    url,
    create: async (Name, SecretString) =>
      (await client.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? '',
    put: async (SecretId, SecretString) => {
      await client.send(new PutSecretValueCommand({ SecretId, SecretString }))
    }
  }
}

const openVault = (url: string): RealStores['vault'] => {
  const admin = createAdmin(url)
  return { url, admin, revokeAll: (role) => revokeAll(admin, role) }
}

/** Undefined if one of them is not installed, and the test skipped. */
export const openRealStores = async (t: Test): Promise<RealStores | undefined> => {
  for (const peer of ['moto', 'openbao'] as const) {
    if (skipWithout(t, await isInstalled(peer))) return undefined
  }
  const [moto, openbao] = await Promise.all([startPeer(t, 'moto'), startPeer(t, 'openbao')])
  return { aws: openAws(t, moto.url), vault: openVault(openbao.url) }
}
