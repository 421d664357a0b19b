/**
 * The example of examples/aos-edge at work: its files, its script and its policies against moto. Rule: the files are taken
 * as they stand; moto is found by the SDK's own variable.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import {
  BatchGetSecretValueCommand,
  paginateListSecrets,
  type SecretListEntry,
  SecretsManagerClient
} from '@aws-sdk/client-secrets-manager'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { buildTestApp, type Client } from './build-app.ts'
import { startPeer } from './peers.ts'

export const fileOf = (name: string): string => readFileSync(`examples/aos-edge/${name}`, 'utf8')

const LIST: { groups: Record<string, string[]>; ungrouped: string[] } = parse(
  fileOf('secrets.yaml')
)

export const YAML = fileOf('purser.yaml')
export const GROUPS = Object.keys(LIST.groups)

/** Every secret, as it is called in AWS. */
export const NAMES = [
  ...GROUPS.flatMap((group) => (LIST.groups[group] ?? []).map((name) => `${group}/${name}`)),
  ...LIST.ungrouped
].map((path) => `acme-pro-${path}`)

const ACCESS = {
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'x',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true'
}

/** An empty moto, which all of this process's AWS clients talk to while the test runs. */
export const openMoto = async (t: Test) => {
  const { url } = await startPeer(t, 'moto')
  const variables = { AWS_ENDPOINT_URL_SECRETS_MANAGER: url, ...ACCESS }
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
  })
  const admin = new SecretsManagerClient({ region: 'eu-west-1' })
  t.teardown(() => admin.destroy())

  /** Runs seed.mjs, without the loader that tap puts into every process; resolves with its lines. */
  const seed = async (...args: readonly string[]): Promise<string[]> => {
    const script = ['-u', 'NODE_OPTIONS', process.execPath, 'examples/aos-edge/seed.mjs']
    const env = { PATH: process.env['PATH'], ...variables }
    const { stdout } = await promisify(execFile)('env', [...script, ...args], { env })
    return stdout.trimEnd().split('\n')
  }
  const secrets = async (): Promise<SecretListEntry[]> => {
    const found: SecretListEntry[] = []
    for await (const page of paginateListSecrets({ client: admin }, { MaxResults: 100 })) {
      found.push(...(page.SecretList ?? []))
    }
    return found
  }
  /** The texts of all that were seeded, by name. */
  const values = async (): Promise<Map<string, string>> => {
    const found = new Map<string, string>()
    for (let at = 0; at < NAMES.length; at += 20) {
      const batch = new BatchGetSecretValueCommand({ SecretIdList: NAMES.slice(at, at + 20) })
      for (const { Name = '', SecretString = '' } of (await admin.send(batch)).SecretValues ?? []) {
        found.set(Name, SecretString)
      }
    }
    return found
  }
  return { admin, seed, secrets, values }
}

/** What matters of a result. */
export interface Item {
  readonly ref: string
  readonly status: number
  readonly value?: string
  readonly code?: string
}

interface Result extends Item {
  readonly problem?: { readonly code: string }
}

const toItem = ({ ref, status, value, problem }: Result): Item => ({
  ref,
  status,
  ...(value !== undefined && { value }),
  ...(problem !== undefined && { code: problem.code })
})

/** Purser with the example's file, asked by roles with keys of mode rw, so that nothing but policy stands in their way. */
export const openPurser = async (t: Test, roles: readonly string[]) => {
  const env = { ENVIRONMENT: 'pro', UPSTREAM_TIMEOUT_MS: '30000' }
  const { app, as, withKey, folder, internalSecret } = await buildTestApp(t, { yaml: YAML, env })
  const keys = new Map<string, string>()
  for (const role of roles) {
    keys.set(role, (await as(`acme-pro-${role}`, 'rw', { environment: 'pro' })).key)
  }
  const ask = (role: string, ...request: Parameters<Client['ask']>) =>
    withKey(keys.get(role) ?? '').ask(...request)
  return {
    folder,
    ask,
    read: (role: string, name: string) => ask(role, 'GET', `/v1/secrets?ref=aws:${name}`),
    /** All of NAMES, in their order. */
    readAll: async (role: string): Promise<Item[]> => {
      const items: Item[] = []
      for (let at = 0; at < NAMES.length; at += 100) {
        const refs = NAMES.slice(at, at + 100).map((name) => `aws:${name}`)
        const answer = await ask(role, 'POST', '/v1/secrets/batch', { refs })
        items.push(...answer.json().results.map(toItem))
      }
      return items
    },
    /** In the order of their names. */
    list: async (role: string, group: string): Promise<Item[]> => {
      const answer = await ask(role, 'GET', `/v1/secrets?prefix=aws:acme-pro-${group}/`)
      const items: Item[] = answer.json().results.map(toItem)
      return items.sort((a, b) => (a.ref < b.ref ? -1 : 1))
    },
    write: (role: string, name: string, value: string) =>
      ask(role, 'PUT', `/v1/secrets?ref=aws:${name}`, { value }),
    invalidate: (ref: string) =>
      app.server.inject({
        method: 'POST',
        url: '/internal/cache/invalidate',
        headers: { 'x-internal-secret': internalSecret },
        payload: { ref }
      })
  }
}
