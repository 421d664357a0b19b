/**
 * Values in and out of a command. Rule: a secret comes from standard input or a file, never from the command line,
 * where every user of the machine could read it; only what was asked for goes to stdout, so that it can be piped on.
 */
import { createReadStream, fstatSync, readSync, statSync, writeFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { whyUnread } from '../config/fault.ts'
import { printJson, readJson } from '../core/json-text.ts'
import type { SecretRecord } from '../core/secret.ts'
import { asUtf8 } from '../core/utf8.ts'
import { select, selectRaw } from '../secrets/content.ts'
import { CommandFailure } from './failure.ts'

/** A line for the person at the terminal, on stderr. */
export const tell = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** More bytes than any key or secret has, so that input without an end, such as a device, is not read for ever. */
const INPUT_MAX = 1024 * 1024

/** All of a file that was named on the command line, which may be a pipe. */
export const readNamed = (file: string): Promise<Buffer> => readAll(createReadStream(file))

const readAll = async (source: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of source) {
    size += part.length
    if (size > INPUT_MAX) throw new CommandFailure('The input is longer than 1 MiB.')
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/**
 * All of a file, or of standard input without one, less one newline at its end. `what` names it to the person who
 * types.
 */
export const readInput = async (what: string, file?: string): Promise<string> => {
  const isTyped = file === undefined && process.stdin.isTTY
  if (isTyped) tell(`Type ${what}, then Enter and Ctrl-D:`)
  const source = file === undefined ? process.stdin : createReadStream(file)
  const bytes = await readAll(source).catch((error) => {
    throw error instanceof CommandFailure
      ? error
      : new CommandFailure(`The input ${whyUnread(error)}.`)
  })
  const content = asUtf8(bytes)
  if (content === undefined) {
    throw new CommandFailure('The input is not UTF-8 text: encode it first, for example as base64.')
  }
  const text = content.replace(/\r?\n$/, '')
  if (text === '')
    throw new CommandFailure(`There is no input: ${what} is expected on standard input.`)
  return text
}

/**
 * Whether what is written goes nowhere and nobody chose so. In the place of a closed standard output (`>&-`) Node opens
 * the null device, for reading too, which `> /dev/null` does not.
 */
const isOutputClosed = (): boolean => {
  try {
    const [output, none] = [fstatSync(1), statSync(devNull)]
    if (!output.isCharacterDevice() || output.rdev !== none.rdev) return false
    readSync(1, Buffer.alloc(1))
    return true
  } catch {
    return false
  }
}

/** Before the work of a command whose output cannot be had again. */
export const requireOutput = (): void => {
  if (isOutputClosed()) throw new CommandFailure('Standard output is closed: nothing was done.')
}

/** All of it on stdout. A stream that fails is heard of by `purser.ts`, which makes it the end of the process. */
const printBytes = (bytes: Buffer): Promise<void> => {
  const output = fstatSync(1)
  if (output.isFile() || (output.isCharacterDevice() && !process.stdout.isTTY)) {
    try {
      // Where a nearly full disk takes a part of the bytes, Node's stream reports success for all of them.
      writeFileSync(1, bytes)
      return Promise.resolve()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new CommandFailure(`Standard output cannot be written (${code}).`)
    }
  }
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => resolve())
  })
}

/** What a command was asked for, and a newline. */
export const print = (text: string): Promise<void> => printBytes(Buffer.from(`${text}\n`))

/** On several lines, its digits as they are. */
const indented = (json: string): string => {
  const node = readJson(json)
  return node === undefined ? json : printJson(node, '  ')
}

/** Prints the text of the secret or of its field; an object of several fields as JSON. */
export const printSecret = (record: SecretRecord, field: string | undefined): Promise<void> => {
  const selection = select(record, field)
  if ('encoding' in selection) tell('It is not UTF-8 text: this is its base64.')
  if ('encodings' in selection) tell('Some fields are not UTF-8 text: they stand here as base64.')
  return print('value' in selection ? selection.value.reveal() : indented(selection.data.reveal()))
}

/** The bytes as they are stored, and nothing after them: for a file, or the next program. */
export const printRaw = (record: SecretRecord, field: string | undefined): Promise<void> => {
  const { value, encoding = 'utf8' } = selectRaw(record, field)
  return printBytes(Buffer.from(value.reveal(), encoding))
}
