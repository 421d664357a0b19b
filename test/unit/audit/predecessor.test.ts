/** What a process finds on record: how far back it looks, in which files, and that nothing keeps it from beginning. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { placed } from '../../../src/audit/chain-line.ts'
import { lastAnchorOfFile, predecessorIn } from '../../../src/audit/predecessor.ts'
import { createDirectory } from '../../support/embedded.ts'
import { openBelow } from '../../support/open-files.ts'

const INSTANCE = 'i'.repeat(11)
const DIGEST = 'd'.repeat(43)
const NONE = { after: undefined, found: undefined }

const bare = (seq: number): string => `${placed('{"x":1', INSTANCE, seq)},"digest":"${DIGEST}"}\n`
const ended = (seq: number): string => bare(seq).replace('"}\n', `","mac":"${'m'.repeat(43)}"}\n`)
const anchor = (seq: number) => ({ instance: INSTANCE, seq, head: DIGEST })

test('the last line that ended a group is on record, and the last of all is found', async (t) => {
  const folder = createDirectory(t)
  const path = join(folder, '2026-03-01.jsonl')
  for (const [text, expected] of [
    ['', NONE],
    ['no line of ours\n\n', NONE],
    [bare(1), { after: undefined, found: anchor(1) }],
    [ended(1), { after: anchor(1), found: anchor(1) }],
    [ended(1) + bare(2) + bare(3), { after: anchor(1), found: anchor(3) }],
    [`\n${ended(1)}${ended(2)}${bare(3).slice(0, 40)}`, { after: anchor(2), found: anchor(2) }],
    [`${ended(1)}${bare(2)}\n\n`, { after: anchor(1), found: anchor(2) }]
  ] as const) {
    writeFileSync(path, text)
    t.strictSame(await predecessorIn(folder, undefined), expected)
    t.strictSame(await lastAnchorOfFile(path), expected.after)
    t.equal(openBelow(folder), 0)
  }
})

test('it is looked for behind as many lines as a group may leave, and within 4 MiB of the end', async (t) => {
  const folder = createDirectory(t)
  const path = join(folder, '2026-03-01.jsonl')
  writeFileSync(path, ended(1))
  for (let seq = 2; seq <= 1_001; seq++) appendFileSync(path, bare(seq))
  t.strictSame(await predecessorIn(folder, undefined), { after: anchor(1), found: anchor(1_001) })
  const line = ended(1)
  const filler = `${'x'.repeat(1_023)}\n`
  const full = filler.repeat(4_096)
  writeFileSync(path, line + full.slice(line.length))
  t.strictSame(await lastAnchorOfFile(path), anchor(1))
  writeFileSync(path, line + full)
  t.equal(await lastAnchorOfFile(path), undefined)
})

test('of files of its own it is the newest that has one, with the last line of the newest that has any', async (t) => {
  const folder = createDirectory(t)
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
  put('2026-03-01.1.jsonl', ended(1))
  put('2026-03-02.1.jsonl', ended(2) + bare(3))
  put('2026-03-03.1.jsonl', bare(4))
  put('2026-03-04.1.jsonl', 'nothing\n')
  put('2026-03-05.2.jsonl', ended(9))
  t.strictSame(await predecessorIn(folder, '1'), { after: anchor(2), found: anchor(4) })
  t.strictSame(await predecessorIn(folder, '2'), { after: anchor(9), found: anchor(9) })
  t.strictSame(await predecessorIn(folder, undefined), NONE)
})

test('what cannot be read is no reason not to begin', async (t) => {
  const folder = createDirectory(t)
  t.strictSame(await predecessorIn(join(folder, 'not', 'there'), undefined), NONE)
  mkdirSync(join(folder, '2026-03-01.jsonl'))
  t.strictSame(await predecessorIn(folder, undefined), NONE)
  writeFileSync(join(folder, 'file'), '')
  t.strictSame(await predecessorIn(join(folder, 'file'), undefined), NONE)
  await t.rejects(lastAnchorOfFile(join(folder, 'gone')), { code: 'ENOENT' })
})
