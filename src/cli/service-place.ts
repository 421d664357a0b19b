/**
 * Where the service is, for commands that run beside the programs that it serves. Rule: the environment alone says it
 * (PURSER_URL, PURSER_CA_FILE); a file `.env` in that folder belongs to the program there, and is never read.
 */
import { STARTED_WITH } from './environment.ts'
import { usageFailure } from './failure.ts'

export interface ServicePlace {
  readonly url: string
  readonly caFile: string | undefined
}

const given = (name: string): string | undefined => STARTED_WITH[name] || undefined

export const servicePlace = (): ServicePlace => {
  const url = given('PURSER_URL')
  if (url === undefined) throw usageFailure('PURSER_URL is not set: where is the service?')
  return { url, caFile: given('PURSER_CA_FILE') }
}
