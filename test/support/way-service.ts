/**
 * A service with one secret, in a store that counts what it is asked, and with a bot, a provider and a channel of it: so that
 * it can be asked for by every way. Its clock stands still.
 */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Environ } from '../../src/config/env.ts'
import type { Mode } from '../../src/core/principal.ts'
import { useEnvironment } from '../kinds/gcp/fake.ts'
import { type AuditRecord, recordsIn } from './audit-records.ts'
import { buildTestApp } from './build-app.ts'
import { createCanary } from './canary.ts'
import { startCountingStore } from './counting-store.ts'
import { startDirectLine } from './fake-direct-line.ts'
import { issueKey } from './keys.ts'
import { type Asked, type Asker, objectsFor, SCOPES, type Told } from './way-asking.ts'
import type { Way } from './ways.ts'

const SECRET = { store: 'aws', path: 'team/one', version: 'AWSCURRENT' } as const
const FIELD: Asked = {
  ...SECRET,
  ref: 'aws:team/one#first',
  field: 'first',
  name: 'short',
  object: 'one'
}
const WHOLE: Asked = { ...SECRET, ref: 'aws:team/one', field: undefined }

const startPeers = async (t: Test) => {
  useEnvironment(t, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' })
  const [first, second] = [createCanary(), createCanary()]
  const text = JSON.stringify({ first: first.token, second: second.token })
  const store = await startCountingStore(t, { text: () => text, listed: [SECRET.path] })
  // As the bytes of a header come over the wire.
  const directLine = await startDirectLine(t, [Buffer.from(first.token).toString('latin1')])
  return { first, second, store, directLine }
}

interface Options {
  readonly env?: Environ
  readonly requireTags?: Readonly<Record<string, string>>
}

export const startWayService = async (t: Test, { env, requireTags }: Options = {}) => {
  const peers = await startPeers(t)
  const { url: endpoint } = peers.store
  const aws = { name: 'aws', kind: 'aws-secrets-manager', region: 'eu-west-1', endpoint }
  const clock = { now: Date.now() }
  const built = await buildTestApp(t, {
    yaml: `
stores: [${JSON.stringify({ ...aws, requireTags })}]
policies:
  - { client: app, read: ['aws:**'], bots: ['*'], channels: ['*'] }
  - { client: reader, read: ['aws:**'] }
secrets: { short: '${FIELD.ref}' }
${objectsFor([FIELD], peers.directLine.url)}
`,
    now: () => clock.now,
    ...(env && { env })
  })
  const { folder, keyring, internalSecret } = built

  const askerFor = async (client: string, mode: Mode = 'rw', scopes = SCOPES) => ({
    client,
    internalSecret,
    key: await issueKey(keyring, client, mode, { scopes })
  })
  /** Has every right. */
  const app = await askerFor('app')

  /** For the field, or for all of the secret where a way knows no fields. */
  const ask = async (way: Way, who: Asker = app): Promise<Told> => {
    const told = (await way.ask(built, who, FIELD)) ?? (await way.ask(built, who, WHOLE))
    if (told === undefined) throw new Error('a way asks for a field, or for all of a secret')
    return told
  }

  const isGiven = async (way: Way, who?: Asker): Promise<boolean> =>
    (await ask(way, who)).status === 200

  const loseTrail = async (): Promise<void> => {
    const audit = join(folder, 'data', 'audit')
    await rename(audit, `${audit}-gone`)
    await writeFile(audit, 'a file where the folder was')
    // The open file is looked at once a second.
    clock.now += 1_000
  }

  let seen = 0
  /** Since they were last asked for. */
  const newRecords = async (): Promise<readonly AuditRecord[]> => {
    const records = (await recordsIn(folder)).slice(seen)
    seen += records.length
    return records
  }

  const { withKey } = built
  return { ...peers, clock, withKey, app, askerFor, ask, isGiven, loseTrail, newRecords }
}

export type WayService = Awaited<ReturnType<typeof startWayService>>
