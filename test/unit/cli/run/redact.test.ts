// Secrets in what a program prints.
import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { test } from 'tap'
import type { Content } from '../../../../src/cli/run/read.ts'
import { compile, createRedaction } from '../../../../src/cli/run/redact.ts'
import { spellingsOf } from '../../../../src/cli/run/spellings.ts'
import { Sensitive } from '../../../../src/core/secret.ts'
import { randomFrom } from '../../../support/random.ts'

const content = (text: string | Buffer, form: Content['form'] = 'text'): Content => ({
  bytes: new Sensitive(Buffer.from(text)),
  form
})

const redacted = async (contents: readonly Content[], pieces: readonly (string | Buffer)[]) => {
  const spellings = compile(contents.flatMap(spellingsOf))
  const stream = createRedaction(() => spellings)
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  for (const piece of pieces) stream.write(piece)
  stream.end()
  await new Promise((done) => stream.once('end', done))
  return Buffer.concat(parts).toString()
}

test('a value is replaced wherever it stands, and nothing else', async (t) => {
  const contents = [content('s3cr3t-word')]
  t.equal(
    await redacted(contents, ['a s3cr3t-word, s3cr3t-words s3cr3t']),
    'a [redacted], [redacted]s s3cr3t'
  )
  t.equal(await redacted(contents, ['s3cr3t-wor']), 's3cr3t-wor')
  t.equal(await redacted(contents, ['']), '')
})

test('a value that comes in pieces is replaced, byte by byte too', async (t) => {
  const text = 'x=s3cr3t-word;s3cr3t-s3cr3t-word.'
  const pieces = [...text]
  t.equal(await redacted([content('s3cr3t-word')], pieces), 'x=[redacted];s3cr3t-[redacted].')
})

test('values that overlap or contain each other leave nothing over', async (t) => {
  const contents = ['abcdefgh', 'efghijkl', 'abcdefgh1234'].map((text) => content(text))
  t.equal(await redacted(contents, ['-abcdefghijkl-']), '-[redacted]-')
  t.equal(await redacted(contents, ['abcdefgh', '1234!']), '[redacted]!')
  t.equal(await redacted(contents, ['abcdefgh', '123']), '[redacted]123')
  const run = await redacted([content('aaaaaa')], Array(1_000).fill('aaa'))
  t.match(run, /^(\[redacted\])+$/)
})

test('it is found in base64, in the middle of it too, in JSON, in addresses and line by line', async (t) => {
  const value = 'p/ss+w"rd\\ä and more'
  const all = [
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('base64url'),
    JSON.stringify({ value }),
    `postgres://u:${encodeURIComponent(value)}@db`
  ]
  for (const text of all) t.match(await redacted([content(value)], [text]), /\[redacted\]/)
  for (const before of ['', 'u', 'us', 'user:']) {
    for (const after of ['', '@', '@h', 'host']) {
      const shown = await redacted(
        [content(value)],
        [Buffer.from(before + value + after).toString('base64')]
      )
      t.match(shown, /^[A-Za-z0-9+/]{0,8}\[redacted\][A-Za-z0-9+/=]{0,8}$/, before + after)
    }
  }
  const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBgkq1\nhkiG9w0BAQEFAASC2\n-----END KEY-----\n'
  t.equal(await redacted([content(pem)], ['> hkiG9w0BAQEFAASC2 <']), '> [redacted] <')
  t.equal(await redacted([content(pem)], [pem]), '[redacted]\n')
})

test('each text of an object is a secret, and a binary one is found as it is and in base64', async (t) => {
  const object = content(
    '{"user":"application","n":12345678,"in":{"password":"deep-inside"}}',
    'fields'
  )
  const shown = await redacted([object], ['deep-inside application 12345678'])
  t.equal(shown, '[redacted] [redacted] [redacted]')
  const bytes = randomBytes(32)
  const binary = content(bytes, 'binary')
  t.equal(
    await redacted([binary], [bytes, ' ', bytes.toString('base64')]),
    '[redacted] [redacted]='
  )
})

test('what is short is left, and has no spelling', async (t) => {
  t.strictSame(spellingsOf(content('12345')), [])
  t.equal(await redacted([content('12345')], ['12345']), '12345')
})

test('however the output is cut, no value is in it and all else is', async (t) => {
  const random = randomFrom(7)
  const pick = (most: number): number => Math.floor(random() * most)
  for (let round = 0; round < 300; round++) {
    const values = Array.from({ length: 1 + pick(4) }, () =>
      Array.from({ length: 6 + pick(12) }, () => 'ab'[pick(2)]).join('')
    )
    const words = Array.from({ length: 20 }, () =>
      pick(2)
        ? (values[pick(values.length)] ?? '')
        : Array.from({ length: pick(9) }, () => 'abc'[pick(3)]).join('')
    )
    const text = words.join(pick(2) ? '' : 'c')
    const contents = values.map((value) => content(value))
    const whole = await redacted(contents, [text])
    const pieces: string[] = []
    for (let at = 0; at < text.length; ) {
      const length = 1 + pick(7)
      pieces.push(text.slice(at, at + length))
      at += length
    }
    const cut = await redacted(contents, pieces)
    for (const value of values) t.notOk(cut.includes(value), `${round}`)
    t.equal(cut.replaceAll(/(\[redacted\])+/g, '#'), whole.replaceAll(/(\[redacted\])+/g, '#'))
  }
})

test('what waits is no longer than the longest spelling', async (t) => {
  const value = 'x'.repeat(1_000)
  const spellings = compile(spellingsOf(content(value)))
  const stream = createRedaction(() => spellings)
  let out = 0
  stream.on('data', (part: Buffer) => {
    out += part.length
  })
  // Each piece might be the beginning of it, and none is.
  for (let i = 0; i < 1_000; i++) stream.write(`${'x'.repeat(900)}y`)
  await new Promise((done) => setImmediate(done))
  t.ok(out >= 999 * 901, String(out))
  stream.end()
})

test('whoever reads slowly is waited for', async (t) => {
  const from = new PassThrough()
  const stream = from.pipe(createRedaction(() => compile([])))
  let taken = 0
  while (from.write(Buffer.alloc(16_384)) && taken < 100) {
    taken++
    await new Promise((done) => setImmediate(done))
  }
  t.ok(taken < 20, `${taken} pieces were taken while nobody read`)
  stream.destroy()
})
