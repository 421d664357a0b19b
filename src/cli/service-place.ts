/**
 * Where the service is, for commands that run beside the programs that it serves. Rule: the environment alone says it
 * (PURSER_URL and the files of TLS); a file `.env` in that folder belongs to the program there, and is never read.
 */
import type { ClientOptions } from './client.ts'
import { STARTED_WITH } from './environment.ts'
import { usageFailure } from './failure.ts'

export type ServicePlace = Pick<ClientOptions, 'url' | 'caFile' | 'certificate'>

const given = (name: string): string | undefined => STARTED_WITH[name] || undefined

export const servicePlace = (): ServicePlace => {
  const url = given('PURSER_URL')
  if (url === undefined) throw usageFailure('PURSER_URL is not set: where is the service?')
  const certFile = given('PURSER_CLIENT_CERT_FILE')
  const keyFile = given('PURSER_CLIENT_KEY_FILE')
  const place = { url, caFile: given('PURSER_CA_FILE') }
  if (certFile === undefined && keyFile === undefined) return place
  if (certFile === undefined || keyFile === undefined) {
    throw usageFailure('PURSER_CLIENT_CERT_FILE and PURSER_CLIENT_KEY_FILE go together.')
  }
  return { ...place, certificate: { certFile, keyFile } }
}
