/**
 * An installation to be examined: a folder of its own with all that pre and pro ask for, on a machine that is made up.
 * Rule: it passes, so that whatever a test makes bad is what is found.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Examined } from '../../src/core/doctor-report.ts'
import { newAuditorKeys } from '../../src/crypto/auditor-keys.ts'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { CHECKS } from '../../src/doctor/checks.ts'
import { examine } from '../../src/doctor/examine.ts'
import { readInstallation } from '../../src/doctor/installation.ts'
import type { Machine } from '../../src/doctor/machine.ts'
import { createPeers, type Peers } from '../../src/doctor/peers.ts'
import { createDirectory } from './embedded.ts'
import { randomSecret } from './keys.ts'

/** What the system's files say of a machine in good order. */
export const TEXTS: Readonly<Record<string, string>> = {
  '/proc/self/limits': 'Max core file size  0  0  bytes\nMax open files  65536  65536  files\n',
  '/proc/sys/kernel/core_pattern': 'core\n',
  '/proc/self/status': 'CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n',
  '/proc/net/tcp': ''
}

export const NOW = Date.parse('2026-11-30T12:00:00Z')
const GIB = 1024 ** 3

export type Made = Partial<Omit<Machine, 'text'>> & {
  readonly texts?: Readonly<Record<string, string>>
}

export const machine = ({ texts = {}, ...made }: Made = {}): Machine => ({
  nodeVersion: '24.11.0',
  nodeArguments: [],
  variables: {},
  hearsUsr1: true,
  uid: process.getuid?.() === 0 ? 1000 : process.getuid?.(),
  isContainer: false,
  mayChangeProgram: false,
  ask: async () => undefined,
  text: (path) => ({ ...TEXTS, ...texts })[path],
  space: () => ({ freeBytes: 50 * GIB, freeFiles: 1_000_000 }),
  git: async () => undefined,
  ...made
})

export interface Bad {
  /** Lines of `.env`; an empty one takes the line of the good installation away. */
  readonly env?: Readonly<Record<string, string>>
  readonly yaml?: string
  readonly machine?: Made
  /** Of the process. */
  readonly environ?: Readonly<Record<string, string>>
  /** Whatever else there is to be done with the folder. */
  readonly prepare?: (folder: string) => void | Promise<void>
  /** What the peers say, where they are not asked. */
  readonly peers?: Partial<Peers>
  /** Milliseconds since the epoch. */
  readonly now?: number
  readonly withinMs?: number
}

/** The folder of a good installation but for what is bad. */
export const writeInstallation = async (t: Test, { env = {}, yaml, prepare }: Bad) => {
  const folder = createDirectory(t)
  const lines = {
    ENVIRONMENT: 'pro',
    ENCRYPTION_KEYS: newEncryptionKey(),
    INTERNAL_SECRET: randomSecret(),
    AUDIT_AUDITOR_KEY_FILE: './auditor.pem',
    ...env
  }
  writeFileSync(
    join(folder, '.env'),
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('')
  )
  chmodSync(join(folder, '.env'), 0o600)
  writeFileSync(join(folder, 'purser.yaml'), yaml ?? 'stores: []\n')
  writeFileSync(join(folder, 'auditor.pem'), newAuditorKeys().publicKey)
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  await prepare?.(folder)
  return folder
}

export const examineBad = async (t: Test, bad: Bad = {}): Promise<readonly Examined[]> => {
  const { now = NOW, withinMs = 15_000 } = bad
  const folder = await writeInstallation(t, bad)
  const installation = readInstallation(bad.environ ?? {}, folder, {
    machine: machine(bad.machine),
    now,
    peersOf: (config) => ({
      ...createPeers({ config, uid: process.getuid?.(), now: () => bad.now ?? Date.now() }),
      ...bad.peers
    })
  })
  try {
    return await examine(installation, CHECKS, withinMs)
  } finally {
    await installation.peers.close()
  }
}

/** `<id> <status>` of each check that found something. */
export const notOk = (examined: readonly Examined[]): string[] =>
  examined
    .filter(({ findings }) => findings.some(({ told }) => told))
    .map(({ id, status }) => `${id} ${status}`)

/** The ids of those that could not look. */
export const untoldIn = (examined: readonly Examined[]): string[] =>
  examined.filter(({ findings }) => findings.some(({ told }) => !told)).map(({ id }) => id)

/** All that was found, as sentences. */
export const sentences = (examined: readonly Examined[]): string =>
  examined.flatMap(({ findings }) => findings.map(({ message }) => message)).join('\n')
