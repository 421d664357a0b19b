import { test } from 'tap'
import { pemOfFile, textOfFile, wordOfFile } from '../../../src/core/file-text.ts'

const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le')

test('A byte order mark is no part of a text, and white space no part of a word', async (t) => {
  t.equal(textOfFile(Buffer.from('\uFEFF a\n')), ' a\n')
  t.equal(textOfFile(Buffer.from('a\uFEFFb')), 'a\uFEFFb', 'only at the start is it a mark')
  t.equal(wordOfFile(Buffer.from('\uFEFF \ta b\r\n\n')), 'a b')
  t.equal(wordOfFile(Buffer.from('\uFEFF\n')), '')
})

test('What would be misread is refused, without a word of it', async (t) => {
  t.throws(() => textOfFile(utf16('abc')), { message: 'is UTF-16: save it as UTF-8' })
  t.throws(() => textOfFile(utf16('abc').swap16()), { message: 'is UTF-16: save it as UTF-8' })
  t.throws(() => textOfFile(Buffer.from('abc', 'utf16le')), { message: /^holds a NUL/ })
  t.throws(() => textOfFile(Buffer.of(0x61, 0xe9)), { message: 'is not UTF-8 text' })
  t.throws(() => pemOfFile(utf16('abc')), { message: 'is UTF-16: save it as UTF-8' })
})

test('A PEM file loses its mark and keeps comments in other alphabets', async (t) => {
  t.strictSame(pemOfFile(Buffer.from('\uFEFF-----BEGIN')), Buffer.from('-----BEGIN'))
  t.strictSame(pemOfFile(Buffer.of(0xe9, 0x0a)), Buffer.of(0xe9, 0x0a))
})

test('A file is taken for UTF-16 by both bytes of its mark alone', async (t) => {
  for (const [first, second] of [
    [0xff, 0x61],
    [0xfe, 0x61],
    [0x61, 0xff],
    [0x61, 0xfe],
    [0xff, 0xff],
    [0xfe, 0xfe]
  ] as const) {
    t.strictSame(pemOfFile(Buffer.of(first, second)), Buffer.of(first, second))
    t.throws(() => textOfFile(Buffer.of(first, second)), { message: 'is not UTF-8 text' })
  }
})
