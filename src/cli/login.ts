/**
 * `purser login`: the token of a workload against a short-lived API key. Rule: the token comes from a file; the key leaves
 * on stdout, or in a file that is its owner's alone and is never seen half written.
 */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { whyUnread } from '../config/fault.ts'
import { wordOfFile } from '../core/file-text.ts'
import { readFileBytes } from '../files/read.ts'
import { createClient, type LoginAnswer } from './client.ts'
import { CommandFailure } from './failure.ts'
import { print, requireOutput, tell } from './io.ts'
import { servicePlace } from './service-place.ts'

export interface LoginOptions {
  readonly trust?: string
  readonly tokenFile: string
  readonly out?: string
}

/** Read anew for each login: whoever mounts it renews it. */
export const readToken = async (file: string): Promise<string> => {
  let token: string
  try {
    token = wordOfFile(await readFileBytes(file))
  } catch (error) {
    throw new CommandFailure(`The file of the token ${whyUnread(error)}.`)
  }
  if (token === '') throw new CommandFailure('The file of the token is empty.')
  return token
}

/** In the place of what is there, which others may be reading at this moment. */
const replace = (file: string, text: string): void => {
  const beside = `${file}.${randomUUID()}`
  try {
    writeFileSync(beside, text, { flag: 'wx', mode: 0o600 })
    renameSync(beside, file)
  } catch {
    rmSync(beside, { force: true })
    throw new CommandFailure('The output file cannot be written.')
  }
}

const askFor = async ({ trust, tokenFile }: LoginOptions): Promise<LoginAnswer> => {
  const place = servicePlace()
  const token = await readToken(tokenFile)
  const client = await createClient(place)
  try {
    return await client.login(trust, token)
  } finally {
    client.close()
  }
}

export const login = async (options: LoginOptions): Promise<void> => {
  const { out } = options
  if (out === undefined) requireOutput()
  const { key, expiresInSeconds, scopes } = await askFor(options)
  if (out === undefined) await print(key)
  else replace(out, `${key}\n`)
  tell(`The key is good for ${expiresInSeconds} seconds, for ${scopes.join(', ')}.`)
}
