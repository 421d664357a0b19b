/**
 * `purser key issue-all`: new keys for all consumers in one go, after a rotation. Rule: all or none; the keys go to
 * stdout or to a file that is its owner's alone, and are kept nowhere else.
 */
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { stringify } from 'yaml'
import { type Consumer, parseConsumers } from '../config/consumers.ts'
import { readSomeSettings } from '../config/env.ts'
import { whyUnread } from '../config/fault.ts'
import { textOfFile } from '../core/file-text.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { type IssuedKey, issueApiKey } from '../keys/api-key.ts'
import { toClaims } from '../keys/claims.ts'
import { CommandFailure } from './failure.ts'
import { print, readNamed, requireOutput, tell } from './io.ts'
import { onRecordIfAny, TRAIL } from './on-record.ts'

interface Issued extends Consumer, IssuedKey {}

const COLUMNS = ['client', 'keyId', 'mode', 'environment', 'expires', 'scopes', 'apiKey'] as const

const asTable = (issued: readonly Issued[]): string => {
  const rows = issued.map(({ apiKey, principal }) => {
    const { client, keyId, mode, environment, expiresAt = 'never', scopes } = toClaims(principal)
    return [client, keyId, mode, environment, expiresAt, scopes.join(','), apiKey]
  })
  const lines = [[...COLUMNS], ...rows]
  const widths = COLUMNS.map((_name, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

const asJson = (issued: readonly Issued[]): string =>
  JSON.stringify(
    issued.map(({ apiKey, principal }) => ({ apiKey, ...toClaims(principal) })),
    null,
    2
  )

const toManifest = ({ apiKey, principal, secretName, namespace }: Issued) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: secretName,
    ...(namespace !== undefined && { namespace }),
    labels: { 'app.kubernetes.io/managed-by': 'purser' },
    annotations: {
      'purser/client': principal.client,
      'purser/key-id': principal.keyId,
      'purser/kid': principal.kid
    }
  },
  type: 'Opaque',
  stringData: { AURA_AUTHORIZATION_HEADER: `Bearer ${apiKey}` }
})

const asKubernetes = (issued: readonly Issued[]): string =>
  issued
    .map((one) => `---\n${stringify(toManifest(one), { lineWidth: 0 })}`)
    .join('')
    .trimEnd()

const FORMATS = { table: asTable, json: asJson, kubernetes: asKubernetes } as const

export interface IssueAllOptions {
  readonly format: keyof typeof FORMATS
  readonly output?: string
}

const readText = async (file: string): Promise<string> => {
  try {
    return textOfFile(await readNamed(file))
  } catch (error) {
    throw error instanceof CommandFailure
      ? error
      : new CommandFailure(`The list of clients ${whyUnread(error)}.`)
  }
}

/** A new file: one that exists might be anybody's to read. */
const writeNew = (file: string, text: string): void => {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new CommandFailure(
      exists ? 'The output file exists already.' : 'The output cannot be written.'
    )
  }
}

export const issueAll = async (
  file: string,
  { format, output }: IssueAllOptions
): Promise<void> => {
  if (output === undefined) requireOutput()
  const names = [...TRAIL, 'API_KEY_MAX_DAYS', 'PLATFORM_VERSION'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  const consumers = parseConsumers(await readText(file), basename(file), {
    environment: settings.ENVIRONMENT,
    minimumVersion: settings.PLATFORM_VERSION,
    maxDays: settings.API_KEY_MAX_DAYS
  })
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const now = Date.now()
  const issued = await Promise.all(
    consumers.map(async (consumer) => ({
      ...consumer,
      ...(await issueApiKey(keyring, consumer.request, now).catch(() => {
        throw new CommandFailure(
          `The key of ${consumer.request.client} would be too long: name fewer scopes or networks.`
        )
      }))
    }))
  )
  await onRecordIfAny('key issue-all', settings, undefined, ({ done }) =>
    Promise.all(issued.map(({ principal }) => done('key.issue', principal.keyId)))
  )
  const text = FORMATS[format](issued)
  if (output === undefined) await print(text)
  else writeNew(output, `${text}\n`)
  tell(
    `${issued.length} keys, sealed with ${keyring.active.kid}: shown this once and kept nowhere.`
  )
}
