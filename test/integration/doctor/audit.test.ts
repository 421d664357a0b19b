/** The audit trail as doctor sees it: whole, altered, cut off, and sealed to somebody who is not here. */
import type { KeyObject } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Anchor } from '../../../src/audit/chain-line.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import { beginKey } from '../../../src/crypto/audit-key.ts'
import { newAuditorKeys, parseAuditorPublicKey } from '../../../src/crypto/auditor-keys.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { type Bad, examineBad, NOW, notOk, sentences, untoldIn } from '../../support/doctor.ts'

interface Written {
  readonly file: string
  readonly anchor: Anchor | undefined
}

/** A trail of some records below the folder's data. */
const write = async (folder: string, key: string, auditor?: KeyObject): Promise<Written> => {
  const { active } = createKeyring([key])
  const directory = join(folder, 'data')
  const trail = createTrail({
    directory,
    fsync: false,
    now: () => NOW - 60_000,
    beginKey: (instance) => beginKey(active, auditor, instance)
  })
  for (let n = 0; n < 5; n++) {
    await trail.append({
      action: 'secret.read',
      outcome: 'allowed',
      environment: 'pro',
      route: '/v1/secrets',
      requestId: `request ${n}`
    })
  }
  const anchor = trail.anchor()
  await trail.close()
  const [name = ''] = readdirSync(join(directory, 'audit'))
  return { file: join(directory, 'audit', name), anchor }
}

const examine = async (t: Test, alter: (written: Written) => void, more: Bad = {}) => {
  const key = newEncryptionKey()
  let anchor: Anchor | undefined
  return examineBad(t, {
    ...more,
    env: { ENCRYPTION_KEYS: key },
    prepare: async (folder) => {
      const written = await write(folder, key)
      anchor = written.anchor
      alter(written)
    },
    peers: {
      kept: async () => ({
        encryptionKeys: [],
        faults: [],
        uses: [],
        anchors: anchor === undefined ? [] : [anchor]
      })
    }
  })
}

test('a trail that is as it was written passes', async (t) => {
  const examined = await examine(t, () => {})
  t.strictSame(notOk(examined), [], sentences(examined))
  t.strictSame(untoldIn(examined), [])
})

test('a line that was altered: audit-verified fail', async (t) => {
  const examined = await examine(t, ({ file }) => {
    const text = readFileSync(file, 'utf8')
    t.match(text, 'request 2')
    writeFileSync(file, text.replace('request 2', 'request 9'))
  })
  t.strictSame(notOk(examined), ['audit-verified fail'])
  t.match(sentences(examined), /not what was written, in \d+ places \(.*tampered.*\)/)
})

test('a trail under a key that was rotated away is told from one that was altered', async (t) => {
  const examined = await examineBad(t, {
    env: { ENCRYPTION_KEYS: newEncryptionKey() },
    prepare: async (folder) => void (await write(folder, newEncryptionKey()))
  })
  t.strictSame(notOk(examined), ['audit-verified fail'])
  t.match(sentences(examined), /in places \(1\) of another key/)
})

test('an end that was cut off is told by the place that the state knows: audit-verified fail', async (t) => {
  const cut = await examine(t, ({ file }) => {
    const lines = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, `${lines.slice(0, 3).join('\n')}\n`)
  })
  t.strictSame(notOk(cut), ['audit-verified fail'], sentences(cut))
})

test('a trail that is too long is left to the command', async (t) => {
  const examined = await examine(t, ({ file }) => {
    const piece = `${'x'.repeat(1024 * 1024 - 1)}\n`.repeat(16)
    for (let n = 0; n < 9; n++) appendFileSync(file, piece)
  })
  t.strictSame(untoldIn(examined), ['audit-verified'])
  t.match(sentences(examined), /too long for this: run `purser audit verify`/)
})

test('a trail that is sealed to an auditor cannot be told without his key', async (t) => {
  const key = newEncryptionKey()
  const auditor = parseAuditorPublicKey(Buffer.from(newAuditorKeys().publicKey))
  const examined = await examineBad(t, {
    env: { ENCRYPTION_KEYS: key },
    prepare: async (folder) => void (await write(folder, key, auditor)),
    peers: { kept: async () => undefined }
  })
  t.strictSame(notOk(examined), [])
  t.strictSame(untoldIn(examined), ['audit-verified'])
  t.match(sentences(examined), /run `purser audit verify --auditor-key`/)
})

test('a trail without a record of these days is none that is wrong', async (t) => {
  const examined = await examine(t, ({ file }) => rmSync(file), {
    // The service began long before yesterday.
    now: NOW + 30 * 86_400_000
  })
  t.strictSame(notOk(examined), [], sentences(examined))
})
