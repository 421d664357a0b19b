/**
 * `purser login`: the token of a workload against a short-lived API key, alone or as a client of AWS takes it. Rule: the token
 * comes from a file; the key leaves on stdout, or in a file that is its owner's alone and is never seen half written.
 */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { whyUnread } from '../config/fault.ts'
import { wordOfFile } from '../core/file-text.ts'
import { readFileBytes } from '../files/read.ts'
import { type Client, createClient } from './client.ts'
import { exchangeToken, exchangeTokenForAws } from './client-login.ts'
import { CommandFailure } from './failure.ts'
import { print, requireOutput, tell } from './io.ts'
import { servicePlace } from './service-place.ts'

export interface LoginOptions {
  readonly trust?: string
  readonly tokenFile: string
  readonly out?: string
  readonly credentialProcess?: true
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

const withClient = async <T>(
  tokenFile: string,
  ask: (client: Client, token: string) => Promise<T>
): Promise<T> => {
  const place = servicePlace()
  const token = await readToken(tokenFile)
  const client = await createClient(place)
  try {
    return await ask(client, token)
  } finally {
    client.close()
  }
}

interface LoggedIn {
  readonly text: string
  /** For the person at the terminal. */
  readonly note: string
}

const asKey = async ({ trust, tokenFile }: LoginOptions): Promise<LoggedIn> => {
  const { key, expiresInSeconds, scopes } = await withClient(tokenFile, (client, token) =>
    exchangeToken(client, trust, token)
  )
  const note = `The key is good for ${expiresInSeconds} seconds, for ${scopes.join(', ')}.`
  return { text: key, note }
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
const asProcess = async ({ trust, tokenFile }: LoginOptions): Promise<LoggedIn> => {
  const given = await withClient(tokenFile, (client, token) =>
    exchangeTokenForAws(client, trust, token)
  )
  const text = JSON.stringify({
    Version: 1,
    AccessKeyId: given.accessKeyId,
    SecretAccessKey: given.secretAccessKey,
    SessionToken: given.sessionToken,
    Expiration: given.expiration
  })
  return { text, note: `The key is good until ${given.expiration}.` }
}

export const login = async (options: LoginOptions): Promise<void> => {
  const { out } = options
  if (out === undefined) requireOutput()
  const { text, note } = await (options.credentialProcess ? asProcess : asKey)(options)
  if (out === undefined) await print(text)
  else replace(out, `${text}\n`)
  tell(note)
}
